//! Sitemaps.

use std::path::Path;

use replyx_crawl::FetchError;

use super::*;

fn urlset(pages: &[(String, &str)]) -> Reply {
    let rows: Vec<String> = pages
        .iter()
        .map(|(url, changed)| format!("<url><loc>{url}</loc><lastmod>{changed}</lastmod></url>"))
        .collect();
    Reply::of(
        "application/xml",
        format!("<?xml version=\"1.0\"?><urlset>{}</urlset>", rows.concat()),
    )
}

fn index(lists: &[String]) -> Reply {
    let rows: Vec<String> =
        lists.iter().map(|url| format!("<sitemap><loc>{url}</loc></sitemap>")).collect();
    Reply::of("application/xml", format!("<sitemapindex>{}</sitemapindex>", rows.concat()))
}

#[tokio::test]
async fn an_index_of_lists_is_read_and_other_sites_are_left_out() {
    let site = FakeSite::start().await.unwrap();
    let other = FakeSite::start().await.unwrap();
    site.set("/s.xml", index(&[site.url("/a.xml"), site.url("/b.txt"), other.url("/c.xml")]));
    site.set("/a.xml", urlset(&[(site.url("/1"), "2026-01-01"), (other.url("/2"), "2026-01-01")]));
    site.set(
        "/b.txt",
        Reply::of("text/plain", format!("{}\n{}\n", site.url("/3"), site.url("/1"))),
    );
    for path in ["/1", "/3"] {
        site.set(path, page(path, &["/linked"]));
    }
    let visits = crawl(&fetcher(), order(&site, SourceKind::Sitemap, "/s.xml")).await;
    let mut found = kept(&visits);
    found.sort_unstable();
    assert_eq!(found, ["/1", "/3"]);
    assert!(other.hits().is_empty());
}

#[tokio::test]
async fn lists_within_lists_end() {
    let site = FakeSite::start().await.unwrap();
    site.set("/loop.xml", index(&[site.url("/loop.xml"), site.url("/loop.xml?b")]));
    site.set("/loop.xml?b", index(&[site.url("/loop.xml"), site.url("/loop.xml?b")]));
    let visits = crawl(&fetcher(), order(&site, SourceKind::Sitemap, "/loop.xml")).await;
    assert!(visits.is_empty());
    assert!(site.paths().len() <= 7, "{:?}", site.paths());
}

#[tokio::test]
async fn the_lists_of_a_site_are_found() {
    let site = FakeSite::start().await.unwrap();
    site.set("/help/", page("help", &[]));
    site.set("/help/1", page("1", &[]));
    site.set("/shop/2", page("2", &[]));
    let all = urlset(&[(site.url("/help/1"), ""), (site.url("/shop/2"), "")]);
    site.set("/sitemap.xml", all.clone());
    let fetcher = fetcher();
    let visits = crawl(&fetcher, order(&site, SourceKind::Sitemap, "/help/")).await;
    assert_eq!(kept(&visits), ["/help/1"], "the usual place, and the part that was asked for");
    site.remove("/sitemap.xml");
    let robots = format!("User-agent: *\nAllow: /\nSitemap: {}\n", site.url("/named.xml"));
    site.set("/robots.txt", Reply::of("text/plain", robots));
    site.set("/named.xml", all);
    let visits = crawl(&fetcher, order(&site, SourceKind::Sitemap, "/")).await;
    assert_eq!(kept(&visits), ["/help/1", "/shop/2"], "the place that the site names");
}

#[tokio::test]
async fn pages_that_the_list_says_are_old_are_not_asked_for_and_pages_it_leaves_out_are_gone() {
    let site = FakeSite::start().await.unwrap();
    site.set(
        "/s.xml",
        urlset(&[(site.url("/old"), "2026-01-01"), (site.url("/new"), "2026-03-01")]),
    );
    site.set("/old", page("old", &[]));
    site.set("/new", page("new", &[]));
    site.set("/dropped", page("dropped", &[]));
    let order = Order {
        known: ["/old", "/new", "/dropped"].map(|path| known(&site, path, None)).into(),
        ..order(&site, SourceKind::Sitemap, "/s.xml")
    };
    let mut visits = crawl(&fetcher(), order).await;
    visits.sort();
    let found: Vec<_> = visits.iter().map(|(path, word)| (path.as_str(), word.as_str())).collect();
    assert_eq!(found, [("/dropped", "gone"), ("/new", "html"), ("/old", "unchanged")]);
}

#[tokio::test]
async fn a_list_that_cannot_be_had_is_an_error_and_not_an_empty_site() {
    let site = FakeSite::start().await.unwrap();
    site.set("/s.xml", Reply::status(403));
    let error = Crawl::begin(&fetcher(), order(&site, SourceKind::Sitemap, "/s.xml")).await;
    assert_eq!(error.err().unwrap().to_string(), "the server answered with status 403");
}

#[tokio::test]
async fn a_long_list_is_cut_to_the_pages_asked_for() {
    let site = FakeSite::start().await.unwrap();
    let pages: Vec<_> = (0..60_000).map(|n| (site.url(&format!("/{n}")), "")).collect();
    site.set("/s.xml", urlset(&pages));
    for n in 0..10 {
        site.set(&format!("/{n}"), page(&n.to_string(), &[]));
    }
    let order = Order { max_pages: 5, ..order(&site, SourceKind::Sitemap, "/s.xml") };
    assert_eq!(kept(&crawl(&fetcher(), order).await).len(), 5);
}

#[tokio::test]
async fn lists_and_links_are_read_in_children() {
    let site = FakeSite::start().await.unwrap();
    site.set("/s.xml", urlset(&[(site.url("/1"), "2026-01-01")]));
    site.set("/", page("start", &["/below", "/1"]));
    for path in ["/1", "/below"] {
        site.set(path, page(path, &[]));
    }
    let by = |program: &Path| fetcher_by(Reader::child(program.to_owned()));
    let good = by(Path::new(env!("CARGO_BIN_EXE_replyx-crawl-child")));
    let listed = crawl(&good, order(&site, SourceKind::Sitemap, "/s.xml")).await;
    assert_eq!(kept(&listed), ["/1"]);
    let linked = crawl(&good, order(&site, SourceKind::Site, "/")).await;
    let mut found = kept(&linked);
    found.sort_unstable();
    assert_eq!(found, ["/", "/1", "/below"]);

    // Nothing is read here instead when there is no child.
    let missing = by(Path::new("/no/such/program"));
    let refused = Crawl::begin(&missing, order(&site, SourceKind::Sitemap, "/s.xml")).await;
    assert!(matches!(refused.err(), Some(FetchError::Unread(_))));
}
