//! Which page is next.

use std::collections::{HashMap, HashSet, VecDeque};

use chrono::{DateTime, Utc};
use replyx_core::knowledge::SourceKind;
use url::Url;

use super::{
    fetch::Validators,
    place::{Scope, Traps, is_no_text},
};

/// Most pages that wait at once.
const WAITING: usize = 20_000;

/// What is to be fetched.
#[derive(Clone, Debug)]
pub struct Order {
    /// How pages are found.
    pub kind: SourceKind,
    /// Where it begins.
    pub url: Url,
    /// How many links away from there.
    pub depth: u8,
    /// Most pages that are kept.
    pub max_pages: usize,
    /// Most bytes of all pages.
    pub max_bytes: usize,
    /// The pages there are from earlier.
    pub known: Vec<Known>,
    /// Pages that a sitemap says have not changed since this time are not asked for.
    pub unchanged_since: Option<DateTime<Utc>>,
}

/// A page from earlier.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its normalised address.
    pub url: Url,
    /// What the server said about its state.
    pub validators: Validators,
}

/// A page to be fetched.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) url: Url,
    /// Links away from the beginning.
    pub(super) depth: u8,
    /// How often it has failed.
    pub(super) failed: u32,
    /// A list says that it is as it was.
    pub(super) unchanged: bool,
}

/// The pages that wait, and those that have been.
pub(super) struct Plan {
    waiting: VecDeque<Step>,
    seen: HashSet<Url>,
    traps: Traps,
    depth: u8,
    /// Once the beginning is found: how far the site goes.
    pub(super) scope: Option<Scope>,
    known: HashMap<Url, Validators>,
}

impl Plan {
    pub(super) fn new(depth: u8, known: Vec<Known>) -> Self {
        Self {
            waiting: VecDeque::new(),
            seen: HashSet::new(),
            traps: Traps::default(),
            depth,
            scope: None,
            known: known.into_iter().map(|known| (known.url, known.validators)).collect(),
        }
    }

    /// Puts a page at the end unless it was there before, lies outside or is a trap. Whether it was put.
    pub(super) fn add(&mut self, url: Url, depth: u8) -> bool {
        self.put(Step { url, depth, failed: 0, unchanged: false })
    }

    pub(super) fn put(&mut self, step: Step) -> bool {
        let fits = step.depth <= self.depth
            && self.waiting.len() < WAITING
            && self.holds(&step.url)
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
    pub(super) fn again(&mut self, step: Step) {
        self.waiting.push_back(step);
    }

    /// The next page.
    pub(super) fn next(&mut self) -> Option<Step> {
        self.waiting.pop_front()
    }

    /// Gives up the pages that wait.
    pub(super) fn finish(&mut self) {
        self.waiting.clear();
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
        self.known.get(url).cloned().unwrap_or_default()
    }

    pub(super) fn knows(&self, url: &Url) -> bool {
        self.known.contains_key(url)
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
