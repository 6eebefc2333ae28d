//! What the crawl reads of pages, beside their text.

#![allow(dead_code, reason = "used where they are from")]

mod links;
mod place;
mod robots;
mod sitemap;

use std::{collections::HashSet, time::Duration};

use links::Links;
use robots::Robots;
use sitemap::Sitemap;
use url::Url;

/// Follows a page and checks where it leads.
///
/// # Panics
///
/// When an address is not one that may be asked for.
pub fn links(bytes: &[u8]) {
    let base = Url::parse("https://a.example/help/index.html").expect("it is one");
    let found = Links::read(&base, bytes);
    assert!(found.targets.len() <= 10_000, "links are bounded");
    let mut seen = HashSet::new();
    for url in &found.targets {
        check(url);
        assert!(seen.insert(url), "each link stands once");
    }
    found.canonical.iter().for_each(check);
}

/// Reads a list of pages and checks them.
///
/// # Panics
///
/// When an address is not one that may be asked for.
pub fn sitemap(bytes: &[u8]) {
    if let Some(Sitemap::Pages(entries) | Sitemap::Index(entries)) = sitemap::read(bytes) {
        assert!(entries.len() <= sitemap::MOST_PAGES, "lists are bounded");
        entries.iter().for_each(|entry| check(&entry.url));
    }
}

/// Asks rules what they allow.
///
/// # Panics
///
/// When they make us wait longer than is allowed.
pub fn robots(bytes: &[u8]) {
    let Some(rules) = Robots::parse(bytes) else { return };
    let long = format!("https://a.example/{}?q=$*", "a/".repeat(500));
    for url in ["https://a.example/", "https://a.example/%D0%B0?x=1&y=2", &long] {
        rules.allow(&Url::parse(url).expect("it is one"));
    }
    let (usual, longest) = (Duration::from_secs(1), Duration::from_secs(10));
    assert!((usual..=longest).contains(&rules.gap(usual, longest)), "patience is bounded");
    rules.sitemaps().for_each(drop);
}

fn check(url: &Url) {
    assert!(matches!(url.scheme(), "http" | "https"), "{url} is of the web");
    assert!(url.has_host() && url.fragment().is_none(), "{url} names a page");
    assert_eq!(place::normalise(url.clone()).as_ref(), Some(url), "an address has one form");
}
