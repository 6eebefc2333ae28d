//! Workspaces take turns: the slow sites of one do not delay another's.

use std::time::Duration;

use replyx_core::ids::WorkspaceId;
use tokio::{task::JoinHandle, time::timeout};

use super::*;

fn crawl_of(workspace: WorkspaceId, fetcher: &Fetcher, site: &FakeSite) -> JoinHandle<usize> {
    let fetcher = fetcher.clone();
    let order = order(site, SourceKind::Site, "/");
    let order = Order { workspace, ..order };
    tokio::spawn(async move { kept(&crawl(&fetcher, order).await).len() })
}

/// Waits until so many requests have come to a site.
async fn hits(site: &FakeSite, count: usize) {
    let come = async {
        while site.hits().len() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_mins(1), come).await.expect("the site is asked");
}

async fn shop() -> FakeSite {
    let site = FakeSite::start().await.unwrap();
    site.set("/", page("lanterns", &[]));
    site
}

#[tokio::test]
async fn a_crawl_that_waits_for_its_host_holds_no_seat() {
    let clock = Clock::system();
    let many = clock.id();
    let one = clock.id();
    let limits = Limits { requests: 1, requests_each: 1, ..quick() };
    let fetcher = fetcher_with(Private::Allow, limits);
    let mut slow = Vec::new();
    for _ in 0..2 {
        let site = shop().await;
        site.set("/robots.txt", Reply::of("text/plain", "User-agent: *\nCrawl-delay: 10\n"));
        site.set("/", page("start", &["/a", "/b", "/c"]));
        let crawl = crawl_of(many, &fetcher, &site);
        slow.push((site, crawl));
    }
    for (site, _) in &slow {
        // Its rules and its first page: now it waits for ten seconds.
        hits(site, 2).await;
    }
    let shop = shop().await;

    assert_eq!(crawl_of(one, &fetcher, &shop).await.unwrap(), 1);

    for (site, crawl) in slow {
        assert!(!crawl.is_finished(), "it was waited for: {:?}", site.paths());
        crawl.abort();
    }
}

#[tokio::test]
async fn servers_that_hang_do_not_hold_the_seats_of_others() {
    let clock = Clock::system();
    let many = clock.id();
    let one = clock.id();
    let limits = Limits { requests: 3, requests_each: 2, ..quick() };
    let fetcher = fetcher_with(Private::Allow, limits);
    let hanging = FakeSite::start().await.unwrap();
    hanging.set("/robots.txt", Reply::silence());
    let trickling = FakeSite::start().await.unwrap();
    trickling.set("/", Reply::drip("<p>slow</p>".repeat(1_000), Duration::from_secs(1)));
    let mut slow = vec![crawl_of(many, &fetcher, &hanging), crawl_of(many, &fetcher, &trickling)];
    hits(&hanging, 1).await;
    hits(&trickling, 2).await;
    // Both places of the workspace are taken, and one is left.
    let also = FakeSite::start().await.unwrap();
    slow.push(crawl_of(many, &fetcher, &also));
    let shop = shop().await;

    assert_eq!(crawl_of(one, &fetcher, &shop).await.unwrap(), 1);

    assert!(!slow[0].is_finished() && !slow[1].is_finished(), "they were waited for");
    assert_eq!(also.hits().len(), 0, "the third place is for others");
    slow.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn hundreds_of_lists_are_read_for_a_bounded_time() {
    let limits = Limits { lists: Duration::from_secs(1), ..quick() };
    let fetcher = fetcher_with(Private::Allow, limits);
    let site = FakeSite::start().await.unwrap();
    let list = |url: String| format!("<sitemap><loc>{url}</loc></sitemap>");
    let lists: String = (0..150).map(|number| list(site.url(&format!("/l{number}.xml")))).collect();
    site.set(
        "/s.xml",
        Reply::of("application/xml", format!("<sitemapindex>{lists}</sitemapindex>")),
    );
    for number in 0..150 {
        let body =
            format!("<urlset><url><loc>{}</loc></url></urlset>", site.url(&format!("/{number}")));
        let slow = Duration::from_millis(100);
        site.set(&format!("/l{number}.xml"), Reply::of("application/xml", body).delay(slow));
        site.set(&format!("/{number}"), page(&number.to_string(), &[]));
    }
    let visits = crawl(&fetcher, order(&site, SourceKind::Sitemap, "/s.xml")).await;
    let lists = site.paths().iter().filter(|path| path.starts_with("/l")).count();
    assert!(lists < 150, "all of them were read");
    assert!(kept(&visits).len() + 1 >= lists, "what was read until then counts: {visits:?}");
}
