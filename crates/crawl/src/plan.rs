//! Which page is next.

use std::collections::{HashMap, HashSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use replyx_core::{ids::WorkspaceId, knowledge::SourceKind};
use url::Url;

use super::{
    fetch::Validators,
    place::{Scope, Traps, is_no_text},
};

/// Most pages that wait at once.
const WAITING: usize = 20_000;
/// A sitemap's word that a page is old counts only if it is older than what we have by this: many
/// tell the day alone, and clocks differ.
const MARGIN: TimeDelta = TimeDelta::days(1);

/// What is to be fetched.
#[derive(Clone, Debug)]
pub struct Order {
    /// Whose crawl it is: workspaces take turns.
    pub workspace: WorkspaceId,
    /// How pages are found.
    pub kind: SourceKind,
    /// Its start address.
    pub url: Url,
    /// How many links away from there.
    pub depth: u8,
    /// Most pages that are kept.
    pub max_pages: usize,
    /// Most bytes of all pages.
    pub max_bytes: usize,
    /// The pages there are from earlier.
    pub known: Vec<Known>,
}

/// A page from earlier.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its normalised address.
    pub url: Url,
    /// What the server said about its state.
    pub validators: Validators,
    /// Its size, bytes.
    pub size: usize,
    /// Since when it is as it is here: if a sitemap says that it did not change since, it is not
    /// asked for.
    pub since: DateTime<Utc>,
}

/// A page to be fetched.
#[derive(Clone, Debug)]
pub(super) struct PageVisit {
    pub(super) url: Url,
    /// Links away from the beginning.
    pub(super) depth: u8,
    /// How often it has failed.
    pub(super) failed: u32,
    /// When it changed, if a list says so.
    pub(super) changed: Option<DateTime<Utc>>,
}

/// The pages that wait, and those that have been.
pub(super) struct Plan {
    waiting: VecDeque<PageVisit>,
    seen: HashSet<Url>,
    traps: Traps,
    depth: u8,
    /// Once the beginning is found: how far the site goes.
    pub(super) scope: Option<Scope>,
    known: HashMap<Url, Known>,
    closed: bool,
}

impl Plan {
    pub(super) fn new(depth: u8, known: Vec<Known>) -> Self {
        Self {
            waiting: VecDeque::new(),
            seen: HashSet::new(),
            traps: Traps::default(),
            depth,
            scope: None,
            known: known.into_iter().map(|known| (known.url.clone(), known)).collect(),
            closed: false,
        }
    }

    /// Puts a page at the end unless it was there before, lies outside or is a trap. Whether it was
    /// put.
    pub(super) fn add(&mut self, url: Url, depth: u8) -> bool {
        self.put(PageVisit { url, depth, failed: 0, changed: None })
    }

    pub(super) fn put(&mut self, step: PageVisit) -> bool {
        let fits = step.depth <= self.depth
            && self.waiting.len() < WAITING
            && self.holds(&step.url)
            && (!self.closed || self.known.contains_key(&step.url))
            && !self.seen.contains(&step.url)
            && !is_no_text(&step.url)
            && !self.traps.catch(&step.url);
        if fits {
            self.seen.insert(step.url.clone());
            self.waiting.push_back(step);
        }
        fits
    }

    /// Puts a page at the end whatever was before.
    pub(super) fn again(&mut self, step: PageVisit) {
        self.waiting.push_back(step);
    }

    /// The next page.
    pub(super) fn next(&mut self) -> Option<PageVisit> {
        self.waiting.pop_front()
    }

    /// Gives up the pages that wait.
    pub(super) fn finish(&mut self) {
        self.waiting.clear();
    }

    /// From now on only pages from earlier are wanted.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.waiting.retain(|step| self.known.contains_key(&step.url));
    }

    /// Whether a page lies in the site.
    pub(super) fn holds(&self, url: &Url) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.holds(url))
    }

    /// Marks an address that a redirect led to; `false`: it was there before.
    pub(super) fn arrive(&mut self, url: &Url) -> bool {
        self.seen.insert(url.clone())
    }

    /// What is known of a page.
    pub(super) fn validators(&self, url: &Url) -> Validators {
        self.known.get(url).map(|known| known.validators.clone()).unwrap_or_default()
    }

    /// The size of a page from earlier, bytes.
    pub(super) fn size(&self, url: &Url) -> usize {
        self.known.get(url).map_or(0, |known| known.size)
    }

    /// Whether a list says that a page is as it was.
    pub(super) fn is_unchanged(&self, step: &PageVisit) -> bool {
        let since = self.known.get(&step.url).map(|known| known.since);
        step.changed.zip(since).is_some_and(|(changed, since)| changed < since - MARGIN)
    }

    /// A page of earlier that nothing led to this time.
    pub(super) fn left_over(&mut self) -> Option<Url> {
        while let Some(url) = self.known.keys().next().cloned() {
            self.known.remove(&url);
            if self.seen.insert(url.clone()) {
                return Some(url);
            }
        }
        None
    }

    /// Puts the pages of earlier that nothing led to this time; their links lead no further.
    pub(super) fn add_left_over(&mut self) {
        let unseen = self.known.keys().filter(|url| !self.seen.contains(*url));
        for url in unseen.cloned().collect::<Vec<_>>() {
            self.add(url, self.depth);
        }
    }
}
