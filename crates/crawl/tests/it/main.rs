//! Web pages, fetched from a site over real HTTP.

#![allow(clippy::unwrap_used, reason = "what fails in a test's scenery fails the test")]

use std::time::Duration;

use chrono::{TimeZone, Utc};
use replyx_core::{clock::Clock, knowledge::SourceKind};
use replyx_crawl::{
    Crawl, CrawlSettings, Fetcher, Known, Limits, Order, Outcome, Private, Reader, Validators,
    Visit,
};
use replyx_testkit::site::{FakeSite, Reply};
use url::Url;

mod fair;
mod fetching;
mod lists;
mod refusal;
mod sites;

/// Bounds that do not make tests wait.
fn quick() -> Limits {
    Limits { gap: Duration::from_millis(1), ..Limits::default() }
}

fn fetcher_with(private: Private, limits: Limits) -> Fetcher {
    make(private, limits, Reader::Here)
}

/// A fetcher whose pages and lists are read by somebody else.
fn fetcher_by(reader: Reader) -> Fetcher {
    make(Private::Allow, quick(), reader)
}

fn make(private: Private, limits: Limits, reader: Reader) -> Fetcher {
    // Installs the process's TLS provider.
    drop(replyx_testkit::http_client());
    Fetcher::new(&CrawlSettings {
        private,
        public_url: Some("https://replyx.example".to_owned()),
        limits,
        reader,
    })
    .unwrap()
}

fn fetcher() -> Fetcher {
    fetcher_with(Private::Allow, quick())
}

fn order(site: &FakeSite, kind: SourceKind, path: &str) -> Order {
    Order {
        workspace: Clock::system().id(),
        kind,
        url: Url::parse(&site.url(path)).unwrap(),
        depth: 3,
        max_pages: 200,
        max_bytes: 50 << 20,
        known: Vec::new(),
    }
}

/// Every page of an order: its path and what became of it.
async fn crawl(fetcher: &Fetcher, order: Order) -> Vec<(String, String)> {
    let mut crawl = Crawl::begin(fetcher, order).await.unwrap();
    let mut visits = Vec::new();
    while let Some(Visit { url, outcome, .. }) = crawl.next().await {
        let path = url.path().to_owned();
        let path = url.query().map(|query| format!("{path}?{query}")).unwrap_or(path);
        visits.push((path, word(&outcome)));
    }
    visits
}

fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Page { kind, .. } => kind.as_str().to_owned(),
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Gone => "gone".to_owned(),
        Outcome::Skipped(skip) => format!("{skip:?}"),
        Outcome::Failed(error) => error.to_string(),
    }
}

/// The paths of what was kept.
fn kept(visits: &[(String, String)]) -> Vec<&str> {
    let kept = visits.iter().filter(|(_, word)| matches!(word.as_str(), "html" | "text" | "pdf"));
    kept.map(|(path, _)| path.as_str()).collect()
}

fn page(title: &str, links: &[&str]) -> Reply {
    let links: Vec<String> =
        links.iter().map(|link| format!("<a href=\"{link}\">{link}</a>")).collect();
    let links = links.join(" ");
    Reply::html(format!("<!doctype html><title>{title}</title><p>About {title}.</p>{links}"))
}

fn known(site: &FakeSite, path: &str, etag: Option<&str>) -> Known {
    Known {
        url: Url::parse(&site.url(path)).unwrap(),
        validators: Validators { etag: etag.map(str::to_owned), ..Validators::default() },
        size: 100,
        since: Utc.with_ymd_and_hms(2026, 2, 1, 0, 0, 0).unwrap(),
    }
}
