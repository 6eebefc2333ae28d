//! One source from its beginning to its end.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use replyx_core::{
    ids::WorkspaceId,
    knowledge::{DocumentKind, SourceKind},
};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use url::Url;

use super::{
    fetch::{Answer, FetchError, Fetcher, Page, REDIRECTS},
    links::Links,
    place::{Scope, normalise},
    plan::{Order, PageVisit, Plan},
    resolve,
    robots::Robots,
    sitemap::{self, Entry, Sitemap},
    twins::Twins,
};
use replyx_extract::{Unsupported, detect};

/// How often a page is asked for when the server fails.
const ATTEMPTS: u32 = 3;
/// A server that wants to be left alone for longer is.
const LONGEST_REST: Duration = Duration::from_mins(2);
/// So many requests for each page that may be kept: what is asked for in vain has an end, too.
const REQUESTS_PER_PAGE: usize = 4;
/// Lists of lists of pages: how deep, and how many lists.
const NESTING: u8 = 2;
const LISTS: usize = 200;
/// Sites that a source may lead to.
const HOSTS: usize = 50;

/// Why a page is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The host's `robots.txt` refuses us.
    Disallowed,
    /// The page does not want to be found.
    NoIndex,
    /// The same page stands elsewhere.
    Duplicate,
    /// It led back to itself, again and again.
    ToItself,
    /// It led out of the site.
    Elsewhere,
    /// It is nothing that can be read.
    NotText,
    /// All bytes are spent.
    Budget,
}

impl Skip {
    /// A sentence for the owner of a source.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Disallowed => "the site's `robots.txt` does not allow robots to read this page",
            Self::NoIndex => "the page asks robots not to use it",
            Self::Duplicate => "the page is the same as another one",
            Self::ToItself => {
                "the page leads back to itself: it may open only for browsers that keep its cookies"
            }
            Self::Elsewhere => "the page leads to another site",
            Self::NotText => "the page is of no format that can be read",
            Self::Budget => "the site is larger than allowed",
        }
    }
}

/// What became of a page.
#[derive(Debug)]
pub enum Outcome {
    /// It was fetched; it may be as it was all the same.
    Page {
        /// What it is.
        kind: DocumentKind,
        /// The page.
        page: Box<Page>,
    },
    /// It is as it was. [`Crawl::recall`] follows its links.
    Unchanged,
    /// It does not exist, or is not in the list any more.
    Gone,
    /// It is not wanted.
    Skipped(Skip),
    /// It could not be fetched, now.
    Failed(FetchError),
}

/// A page and what became of it.
#[derive(Debug)]
pub struct Visit {
    /// The normalised address that was asked for.
    pub asked: Url,
    /// Where the page is; the same unless it moved.
    pub url: Url,
    /// Links away from the beginning.
    pub depth: u8,
    /// Its status.
    pub outcome: Outcome,
}

impl Visit {
    fn at(url: Url, outcome: Outcome) -> Self {
        Self { asked: url.clone(), url, depth: 0, outcome }
    }
}

/// A crawl that is under way. It takes one of the few seats for each request, and none while it
/// waits for a host.
pub struct Crawl {
    fetcher: Fetcher,
    workspace: WorkspaceId,
    kind: SourceKind,
    plan: Plan,
    robots: HashMap<String, Robots>,
    bodies: HashSet<[u8; 32]>,
    twins: Twins,
    preferred: HashSet<Url>,
    pages_left: usize,
    bytes_left: usize,
    requests_left: usize,
    second_round: bool,
    /// Something could not be fetched: what nothing led to may be there all the same.
    partial: bool,
}

impl Crawl {
    /// Begins a crawl. A sitemap is read here, and the lists it names for as long as the limits
    /// allow.
    ///
    /// # Errors
    ///
    /// Fails when the address is none that is fetched, or the sitemap cannot be.
    pub async fn begin(fetcher: &Fetcher, order: Order) -> Result<Self, FetchError> {
        resolve::syntax(&order.url, fetcher.private)?;
        let depth = if order.kind == SourceKind::Site { order.depth } else { 0 };
        let mut crawl = Self {
            fetcher: fetcher.clone(),
            workspace: order.workspace,
            kind: order.kind,
            // The pages from earlier take their part of it until they are fetched again.
            bytes_left: order
                .known
                .iter()
                .fold(order.max_bytes, |left, known| left.saturating_sub(known.size)),
            plan: Plan::new(depth, order.known),
            robots: HashMap::new(),
            bodies: HashSet::new(),
            twins: Twins::default(),
            preferred: HashSet::new(),
            pages_left: if order.kind == SourceKind::Page { 1 } else { order.max_pages },
            requests_left: order.max_pages.saturating_mul(REQUESTS_PER_PAGE).saturating_add(50),
            second_round: false,
            partial: false,
        };
        let url = normalise(order.url).ok_or(resolve::Refused::Scheme)?;
        if order.kind == SourceKind::Sitemap {
            crawl.list(url).await?;
        } else {
            crawl.plan.add(url, 0);
        }
        Ok(crawl)
    }

    /// Fetches the next page; `None` at the end. Waits as the pace demands.
    pub async fn next(&mut self) -> Option<Visit> {
        loop {
            self.partial |= self.requests_left == 0;
            if self.pages_left == 0 || self.requests_left == 0 {
                self.plan.finish();
            }
            let Some(step) = self.plan.next() else {
                if self.kind == SourceKind::Site && self.pages_left > 0 && !self.second_round {
                    self.second_round = true;
                    self.plan.add_left_over();
                    continue;
                }
                let url = self.plan.left_over().filter(|_| !self.partial)?;
                return Some(Visit::at(url, Outcome::Gone));
            };
            if self.plan.is_unchanged(&step) {
                self.pages_left -= 1;
                return Some(Visit::at(step.url, Outcome::Unchanged));
            }
            if let Some(visit) = self.visit(step).await {
                return Some(visit);
            }
        }
    }

    /// Follows the links of a page that is as it was, and knows its text from now on.
    pub async fn recall(&mut self, url: &Url, depth: u8, body: &[u8]) {
        self.bodies.insert(Sha256::digest(body).into());
        self.twins.has(url, body);
        if self.kind == SourceKind::Site {
            let _seat = self.fetcher.seat(self.workspace).await;
            match self.fetcher.reader.links(self.workspace, url, body).await {
                Ok(links) => self.lead_on(links, depth),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "links could not be read"
                    );
                    self.partial = true;
                }
            }
        }
    }

    /// `None`: the page waits for another attempt.
    async fn visit(&mut self, step: PageVisit) -> Option<Visit> {
        let depth = step.depth;
        let mut url = step.url.clone();
        let outcome = match self.fetch(&step, &mut url).await {
            Ok(outcome) => outcome,
            Err(error) if self.may_try_again(&step, &url, &error) => {
                self.plan.again(PageVisit { failed: step.failed + 1, ..step });
                return None;
            }
            Err(error) => {
                self.partial = true;
                Outcome::Failed(error)
            }
        };
        let asked = step.url;
        let url = match outcome {
            Outcome::Page { .. } | Outcome::Unchanged => url,
            _ => asked.clone(),
        };
        Some(Visit { asked, url, depth, outcome })
    }

    fn may_try_again(&self, step: &PageVisit, url: &Url, error: &FetchError) -> bool {
        if !error.is_passing() || step.failed + 1 >= ATTEMPTS {
            return false;
        }
        let gap = self.fetcher.limits.gap;
        let rest = match error {
            FetchError::Status { retry_after: Some(time), .. } => *time,
            _ => gap * 4_u32.pow(step.failed + 1),
        };
        if rest > LONGEST_REST {
            return false;
        }
        self.fetcher.pace.rest(&origin(url), rest);
        true
    }

    /// Asks for a page and wherever it moved; `url` ends where the page is.
    async fn fetch(&mut self, step: &PageVisit, url: &mut Url) -> Result<Outcome, FetchError> {
        for hop in 0..=REDIRECTS {
            if hop > 0 && step.failed == 0 && !self.plan.arrive(url) {
                return Ok(Outcome::Skipped(Skip::Duplicate));
            }
            // The beginning may move to where the site really is.
            if !self.plan.holds(url) {
                return Ok(Outcome::Skipped(Skip::Elsewhere));
            }
            let Some(gap) = self.permission(url).await? else {
                return Ok(Outcome::Skipped(Skip::Disallowed));
            };
            let _seat = self.fetcher.turn(self.workspace, &origin(url), gap).await;
            self.requests_left = self.requests_left.saturating_sub(1);
            let known = self.plan.validators(url);
            let asked = self.fetcher.get(url, &known);
            match resolve::on_behalf(self.workspace, asked).await? {
                Answer::Redirect(target) => {
                    let target = normalise(target).ok_or(resolve::Refused::Scheme)?;
                    if target == *url {
                        return Ok(Outcome::Skipped(Skip::ToItself));
                    }
                    *url = target;
                }
                Answer::Page(page) => {
                    let links = self.links_of(url, &page).await?;
                    let refresh = links.as_ref().and_then(|links| links.refresh.clone());
                    let Some(target) = refresh.filter(|to| to != url && hop < REDIRECTS) else {
                        self.settle_scope(url);
                        return Ok(self.judge(step, url, page, links));
                    };
                    // Servers that cannot redirect send a page that does.
                    *url = target;
                }
                Answer::Unchanged => {
                    self.settle_scope(url);
                    self.pages_left = self.pages_left.saturating_sub(1);
                    return Ok(Outcome::Unchanged);
                }
                Answer::Gone => return Ok(Outcome::Gone),
            }
        }
        Err(FetchError::Redirects)
    }

    fn settle_scope(&mut self, url: &Url) {
        if self.kind == SourceKind::Site && self.plan.scope.is_none() {
            self.plan.scope = Some(Scope::below(url));
        }
    }

    /// How long to wait between two requests to the page's host; `None`: it must not be fetched.
    async fn permission(&mut self, url: &Url) -> Result<Option<Duration>, FetchError> {
        let origin = origin(url);
        let limits = self.fetcher.limits;
        if !self.robots.contains_key(&origin) {
            if self.robots.len() >= HOSTS {
                return Ok(None);
            }
            resolve::syntax(url, self.fetcher.private)?;
            let _seat = self.fetcher.turn(self.workspace, &origin, limits.gap).await;
            let robots = resolve::on_behalf(self.workspace, self.fetcher.robots(url)).await?;
            self.robots.insert(origin.clone(), robots);
        }
        let robots = &self.robots[&origin];
        Ok(robots.allow(url).then(|| robots.gap(limits.gap, limits.longest_gap)))
    }

    /// Where a page leads; nothing where it is none of HTML.
    async fn links_of(&self, url: &Url, page: &Page) -> Result<Option<Links>, FetchError> {
        let name = url.path().rsplit('/').next().unwrap_or_default();
        if !kind_of(name, page).is_ok_and(|kind| kind == DocumentKind::Html) {
            return Ok(None);
        }
        let links = self.fetcher.reader.links(self.workspace, url, &page.body).await;
        links.map(Some).map_err(FetchError::Unread)
    }

    /// Decides whether a page is kept, and follows its links.
    fn judge(&mut self, step: &PageVisit, url: &Url, page: Page, links: Option<Links>) -> Outcome {
        let name = url.path().rsplit('/').next().unwrap_or_default();
        let Ok(kind) = kind_of(name, &page) else { return Outcome::Skipped(Skip::NotText) };
        let mut directives = page.directives;
        if let Some(links) = links {
            directives = directives.and(links.directives);
            let canonical = links.canonical.clone().filter(|canonical| canonical != url);
            self.lead_on(Links { directives, ..links }, step.depth);
            if let Some(canonical) = canonical
                && self.is_better(canonical, url, step.depth)
            {
                return Outcome::Skipped(Skip::Duplicate);
            }
        }

        if !directives.index {
            return Outcome::Skipped(Skip::NoIndex);
        }

        let bytes_left = self.bytes_left + self.plan.size(url);
        if page.body.len() > bytes_left {
            self.plan.close();
            self.partial = true;
            return Outcome::Skipped(Skip::Budget);
        }

        let is_known = !self.bodies.insert(Sha256::digest(&page.body).into());
        if self.twins.has(url, &page.body) || is_known {
            return Outcome::Skipped(Skip::Duplicate);
        }

        self.bytes_left = bytes_left - page.body.len();
        self.pages_left = self.pages_left.saturating_sub(1);

        Outcome::Page { kind, page: Box::new(page) }
    }

    /// Whether another address of the page is kept in its place.
    fn is_better(&mut self, canonical: Url, url: &Url, depth: u8) -> bool {
        // Two pages may each name the other: the first one that was named is kept.
        if self.kind == SourceKind::Page
            || self.preferred.contains(url)
            || !self.plan.holds(&canonical)
        {
            return false;
        }
        self.preferred.insert(canonical.clone());
        let met = !self.plan.arrive(&canonical);
        if !met {
            self.plan.again(PageVisit { url: canonical, depth, failed: 0, changed: None });
        }
        true
    }

    fn lead_on(&mut self, links: Links, depth: u8) {
        if self.kind == SourceKind::Site && links.directives.follow {
            for url in links.targets {
                self.plan.add(url, depth + 1);
            }
        }
    }

    /// Reads a sitemap, or those of the site that the address is a page of.
    async fn list(&mut self, url: Url) -> Result<(), FetchError> {
        let mut lists = vec![(url.clone(), 0)];
        let mut read = 0;
        let mut pages = 0;
        let mut scope = Scope::host(&url);
        let until = Instant::now() + self.fetcher.limits.lists;

        while let Some((place, nesting)) = lists.pop() {
            if read == LISTS || pages >= sitemap::MOST_PAGES {
                break;
            }

            read += 1;
            let found = tokio::time::timeout_at(until, self.fetch_list(&place)).await;
            let found = match found.unwrap_or(Err(FetchError::Slow)) {
                Err(error) if read == 1 => return Err(error),
                Err(_) => {
                    self.partial = true;
                    if Instant::now() >= until {
                        break;
                    }
                    continue;
                }
                Ok(found) => found,
            };

            match found {
                Some(Sitemap::Index(entries)) if nesting < NESTING => {
                    let inside = entries.into_iter().map(|entry| entry.url);
                    let inside = inside.filter(|url| Scope::host(&place).holds(url));
                    lists.extend(inside.take(LISTS).map(|url| (url, nesting + 1)));
                }
                Some(Sitemap::Pages(entries)) => {
                    pages += entries.len();
                    for entry in entries.into_iter().filter(|entry| scope.holds(&entry.url)) {
                        let Entry { url, changed } = entry;
                        self.plan.put(PageVisit { url, depth: 0, failed: 0, changed });
                    }
                }
                _ if read == 1 => {
                    scope = Scope::below(&url);
                    lists = self.lists_of(&url).into_iter().map(|url| (url, 0)).collect();
                }
                _ => {}
            }
        }

        self.plan.scope = Some(scope);
        Ok(())
    }

    /// The sitemaps that a site names; the usual place where it names none.
    fn lists_of(&self, url: &Url) -> Vec<Url> {
        let named = self.robots.get(&origin(url)).into_iter().flat_map(Robots::sitemaps);
        let mut named: Vec<Url> =
            named.filter(|list| Scope::host(url).holds(list)).take(LISTS).collect();
        if named.is_empty() {
            named.extend(url.join("/sitemap.xml"));
        }
        named
    }

    async fn fetch_list(&mut self, place: &Url) -> Result<Option<Sitemap>, FetchError> {
        let Some(gap) = self.permission(place).await? else { return Ok(None) };
        let _seat = self.fetcher.turn(self.workspace, &origin(place), gap).await;
        let followed = self.fetcher.follow(place, sitemap::MOST_BYTES);
        let Answer::Page(page) = resolve::on_behalf(self.workspace, followed).await? else {
            return Ok(None);
        };
        self.fetcher.reader.sitemap(self.workspace, &page.body).await.map_err(FetchError::Unread)
    }
}

/// What a page is, by its content. A server's word counts where the content could be more than one
/// thing.
fn kind_of(name: &str, page: &Page) -> Result<DocumentKind, Unsupported> {
    use DocumentKind::{Csv, Eml, Html, Markdown, Text};
    let is_html =
        matches!(page.content_type.as_deref(), Some("text/html" | "application/xhtml+xml"));
    match detect(name, &page.body) {
        Ok(Text | Markdown | Csv | Eml) if is_html => Ok(Html),
        Err(_) if is_html && page.body.trim_ascii_start().starts_with(b"<?xml") => Ok(Html),
        found => found,
    }
}

/// Long pages are read where they do not hold up others.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
