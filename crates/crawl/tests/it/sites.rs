//! A site, from link to link.

use std::time::Instant;

use replyx_crawl::Skip;

use super::*;

#[tokio::test]
async fn links_are_followed_within_the_site_as_deep_as_asked() {
    let site = FakeSite::start().await.unwrap();
    site.set(
        "/docs/",
        page(
            "start",
            &["a", "/outside", "http://other.example/", "p.png", "#top", "?utm_source=x"],
        ),
    );
    site.set("/docs/a", page("a", &["b", "./"]));
    site.set("/docs/b", page("b", &["c"]));
    site.set("/docs/c", page("c", &["d"]));
    site.set("/docs/d", page("d", &[]));
    site.set("/outside", page("outside", &[]));
    let fetcher = fetcher();
    for (depth, expected) in [(0, 1), (1, 2), (2, 3), (3, 4)] {
        site.forget();
        let order = Order { depth, ..order(&site, SourceKind::Site, "/docs/") };
        let visits = crawl(&fetcher, order).await;
        assert_eq!(kept(&visits), ["/docs/", "/docs/a", "/docs/b", "/docs/c"][..expected]);
        assert_eq!(site.paths().len(), expected, "each page is asked for once");
    }
}

#[tokio::test]
async fn a_page_alone_is_a_page_alone() {
    let site = FakeSite::start().await.unwrap();
    site.set("/", page("start", &["/a"]));
    site.set("/a", page("a", &[]));
    let visits = crawl(&fetcher(), order(&site, SourceKind::Page, "/")).await;
    assert_eq!(visits, [("/".to_owned(), "html".to_owned())]);
}

#[tokio::test]
async fn the_bounds_of_pages_and_bytes_hold() {
    let site = FakeSite::start().await.unwrap();
    let links: Vec<String> = (0..10_000).map(|n| format!("/p{n}")).collect();
    site.set("/", page("start", &links.iter().map(String::as_str).collect::<Vec<_>>()));
    for n in 0..100 {
        site.set(&format!("/p{n}"), page(&format!("p{n} {}", "x".repeat(10_000)), &[]));
    }
    let fetcher = fetcher();
    let few = Order { max_pages: 20, ..order(&site, SourceKind::Site, "/") };
    assert_eq!(kept(&crawl(&fetcher, few).await).len(), 20);
    site.forget();
    let small = Order { max_bytes: 300_000, ..order(&site, SourceKind::Site, "/") };
    let visits = crawl(&fetcher, small).await;
    assert!((2..30).contains(&kept(&visits).len()), "{}", kept(&visits).len());
    assert_eq!(visits.last().unwrap().1, format!("{:?}", Skip::Budget));
    // Most of the links lead nowhere: the crawl ends before the ten thousandth.
    site.forget();
    let many = Order { max_pages: 200, ..order(&site, SourceKind::Site, "/") };
    assert_eq!(kept(&crawl(&fetcher, many).await).len(), 101);
    assert!(site.paths().len() <= 200 * 4 + 50, "{}", site.paths().len());
}

#[tokio::test]
async fn pages_from_earlier_count_and_are_asked_for_when_there_is_no_room_for_more() {
    let site = FakeSite::start().await.unwrap();
    let text = |text: &str| page(&format!("{text} {}", "x".repeat(1_000)), &[]);
    site.set("/", page("start", &["/new", "/newer", "/old", "/grown"]));
    for path in ["/new", "/newer", "/old", "/grown"] {
        site.set(path, text(path));
    }
    let known = |path, size| Known { size, ..known(&site, path, None) };
    let full = Order {
        max_bytes: 10_000,
        known: vec![known("/old", 2_500), known("/grown", 1_500), known("/away", 4_000)],
        ..order(&site, SourceKind::Site, "/")
    };
    let mut visits = crawl(&fetcher(), full).await;
    visits.sort();
    let found: Vec<_> = visits.iter().map(|(path, word)| (path.as_str(), word.as_str())).collect();
    let expected = [
        ("/", "html"),
        ("/away", "gone"),
        ("/grown", "html"),
        ("/new", "Budget"),
        ("/old", "html"),
    ];
    assert_eq!(found, expected, "/newer is not asked for, what is there already is");
}

#[tokio::test]
async fn loops_of_redirects_and_links_end() {
    let site = FakeSite::start().await.unwrap();
    site.set("/", page("start", &["/r1", "/r0", "/self/", "/far0"]));
    site.set("/r1", Reply::redirect("/r2"));
    site.set("/r2", Reply::redirect("/r1"));
    site.set("/r0", Reply::redirect("/r0"));
    for hop in 0..8 {
        site.set(&format!("/far{hop}"), Reply::redirect(&format!("/far{}", hop + 1)));
    }
    let mut path = "/self/".to_owned();
    for _ in 0..30 {
        site.set(&path, page(&path, &["self/"]));
        path.push_str("self/");
    }
    let visits = crawl(&fetcher(), Order { depth: 3, ..order(&site, SourceKind::Site, "/") }).await;
    let word = |path: &str| &visits.iter().find(|(p, _)| p == path).unwrap().1;
    assert_eq!(word("/r1"), "Duplicate");
    assert_eq!(word("/r0"), "ToItself");
    assert_eq!(word("/far0"), "the page was redirected more than 5 times");
    assert!(site.paths().len() < 25, "{:?}", site.paths());
}

#[tokio::test]
async fn a_page_with_a_counter_is_kept_once_with_and_without_the_slash() {
    let site = FakeSite::start().await.unwrap();
    site.set("/", page("start", &["/price", "/price/", "/hours", "/hours/"]));
    site.set("/price", page("A boat costs 29 euros. Visit 1041", &[]));
    site.set("/price/", page("A boat costs 29 euros. Visit 1042", &[]));
    site.set("/hours", page("Open in summer", &[]));
    site.set("/hours/", page("Closed in winter", &[]));

    let mut visits = crawl(&fetcher(), order(&site, SourceKind::Site, "/")).await;

    visits.sort();
    let found: Vec<_> = visits.iter().map(|(path, word)| (path.as_str(), word.as_str())).collect();
    let expected = [
        ("/", "html"),
        ("/hours", "html"),
        ("/hours/", "html"),
        ("/price", "html"),
        ("/price/", "Duplicate"),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_page_that_sends_its_readers_on_is_followed() {
    let site = FakeSite::start().await.unwrap();
    let refresh = |to: &str, stay: &str| {
        Reply::html(format!(
            "<html><head><meta http-equiv='Refresh' content='{stay}; URL={to}'></head><body>Moved.</body></html>"
        ))
    };
    site.set("/meta/", refresh("/meta/new/", "0"));
    site.set("/meta/new/", page("new", &["a", "b"]));
    site.set("/meta/new/a", refresh("/meta/new/b", "0"));
    site.set("/meta/new/b", refresh("/meta/new/b", "5"));
    let expected: [&[&str]; 2] = [&["/meta/new/", "/meta/new/b"], &["/meta/new/"]];
    for (kind, expected) in [SourceKind::Site, SourceKind::Page].into_iter().zip(expected) {
        let visits = crawl(&fetcher(), order(&site, kind, "/meta/")).await;
        assert_eq!(kept(&visits), expected, "{visits:?}");
    }
    // One that goes round ends, and news that reload themselves are pages.
    site.set("/x/", refresh("/x/y", "0"));
    site.set("/x/y", refresh("/x/", "0"));
    crawl(&fetcher(), order(&site, SourceKind::Site, "/x/")).await;
    site.set("/slow/", refresh("/meta/new/", "300"));
    let visits = crawl(&fetcher(), order(&site, SourceKind::Site, "/slow/")).await;
    assert_eq!(kept(&visits), ["/slow/"]);
}

#[tokio::test]
async fn addresses_in_other_letters_are_asked_for_as_utf_8() {
    let site = FakeSite::start().await.unwrap();
    let text = "<html><head><meta http-equiv='Content-Type' content='text/html; charset=windows-1251'></head>\
                <body><p>Хлеб и булки каждый день.</p><a href='/часы.html'>Часы</a></body></html>";
    let body: Vec<u8> = text
        .chars()
        .map(|c| match c {
            'А'..='я' => u8::try_from(u32::from(c) - u32::from('А') + 0xC0).unwrap(),
            c => u8::try_from(c).unwrap(),
        })
        .collect();
    site.set("/", Reply::of("text/html", body));
    let hours = "/%D1%87%D0%B0%D1%81%D1%8B.html";
    site.set(hours, page("hours", &[]));
    let visits = crawl(&fetcher(), order(&site, SourceKind::Site, "/")).await;
    assert_eq!(kept(&visits), ["/", hours]);
}

#[tokio::test]
async fn what_the_site_asks_of_robots_is_done() {
    let site = FakeSite::start().await.unwrap();
    site.set("/robots.txt", Reply::of("text/plain", "User-agent: *\nDisallow: /private\n"));
    site.set(
        "/",
        page("start", &["/private/a", "/noindex", "/nofollow", "/header", "/to-private"]),
    );
    site.set("/private/a", page("private", &[]));
    site.set("/to-private", Reply::redirect("/private/b"));
    site.set("/noindex", Reply::html("<html><meta name=robots content=noindex><a href=/led>x</a>"));
    site.set(
        "/nofollow",
        Reply::html("<html><meta name=robots content=nofollow><a href=/not>x</a>"),
    );
    site.set("/header", page("header", &["/not"]).header("x-robots-tag", "noindex, nofollow"));
    site.set("/led", page("led", &[]));
    site.set("/not", page("not", &[]));
    let visits = crawl(&fetcher(), order(&site, SourceKind::Site, "/")).await;
    assert_eq!(kept(&visits), ["/", "/nofollow", "/led"]);
    let refused: Vec<_> = visits.iter().filter(|(_, word)| word == "Disallowed").collect();
    assert_eq!(refused.len(), 2, "{visits:?}");
    assert!(!site.paths().iter().any(|path| path.starts_with("/private")), "{:?}", site.paths());
    assert_eq!(site.hits().iter().filter(|hit| hit.path == "/robots.txt").count(), 1);
}

#[tokio::test]
async fn robots_rules_that_cannot_be_had_forbid_everything() {
    let site = FakeSite::start().await.unwrap();
    site.set("/", page("start", &[]));
    let long = |line: &str, times| Reply::of("text/plain", line.repeat(times));
    for (reply, why) in [
        (Reply::status(500), "the server answered with status 500"),
        (long("# no rule\n", 60_000), "the server's answer is larger than 524288 bytes"),
        (long("Allow: /\n", 5_001), "the server's answer is larger than 524288 bytes"),
    ] {
        site.set("/robots.txt", reply);
        let visits = crawl(&fetcher(), order(&site, SourceKind::Site, "/")).await;
        assert_eq!(visits, [("/".to_owned(), why.to_owned())]);
        assert!(site.paths().is_empty());
    }
}

#[tokio::test]
async fn the_same_page_is_kept_once() {
    let site = FakeSite::start().await.unwrap();
    let canonical = |text: &str, to: &str| {
        Reply::html(format!("<html><link rel=canonical href={to}><p>{text}"))
    };
    site.set("/", page("start", &["/a?sort=1", "/a", "/copy1", "/copy2", "/x", "/y", "/moved"]));
    site.set("/a?sort=1", canonical("sorted", "/a"));
    site.set("/a", canonical("a", "/a"));
    site.set("/copy1", page("copy", &[]));
    site.set("/copy2", page("copy", &[]));
    site.set("/x", canonical("x", "/y"));
    site.set("/y", canonical("y", "/x"));
    site.set("/moved", Reply::redirect("/a"));
    let visits = crawl(&fetcher(), order(&site, SourceKind::Site, "/")).await;
    assert_eq!(kept(&visits), ["/", "/a", "/copy1", "/y"]);
}

#[tokio::test]
async fn a_host_is_asked_at_its_pace() {
    let site = FakeSite::start().await.unwrap();
    site.set("/robots.txt", Reply::of("text/plain", "User-agent: *\nCrawl-delay: 0.2\n"));
    site.set("/", page("start", &["/a", "/b"]));
    site.set("/a", page("a", &[]));
    site.set("/b", page("b", &[]));
    let fetcher = fetcher();
    // Two crawls of one host share its pace.
    let (first, second) = tokio::join!(
        crawl(&fetcher, order(&site, SourceKind::Site, "/")),
        crawl(&fetcher, order(&site, SourceKind::Site, "/"))
    );
    assert_eq!((kept(&first).len(), kept(&second).len()), (3, 3));
    let times: Vec<Instant> =
        site.hits().iter().filter(|hit| hit.path != "/robots.txt").map(|hit| hit.at).collect();
    for pair in times.windows(2) {
        let gap = pair[1] - pair[0];
        assert!(gap > Duration::from_millis(150), "{gap:?}");
    }
}

#[tokio::test]
async fn a_server_that_fails_for_a_while_is_asked_again_and_no_more_than_three_times() {
    let site = FakeSite::start().await.unwrap();
    site.set("/", page("start", &["/busy", "/broken", "/torn", "/forbidden", "/asleep"]));
    let busy = Reply::status(429).header("retry-after", "1");
    site.script("/busy", vec![busy, page("busy", &[])]);
    site.set("/broken", Reply::status(500));
    site.script("/torn", vec![Reply::torn(vec![b'x'; 9_000]), page("torn", &[])]);
    site.set("/forbidden", Reply::status(403));
    site.set("/asleep", Reply::status(503).header("retry-after", "86400"));
    let begun = Instant::now();
    let visits = crawl(&fetcher(), order(&site, SourceKind::Site, "/")).await;
    let mut found = kept(&visits);
    found.sort_unstable();
    assert_eq!(found, ["/", "/busy", "/torn"]);
    assert!(begun.elapsed() >= Duration::from_secs(1), "the server's wish is obeyed");
    let asked = |path: &str| site.paths().iter().filter(|asked| *asked == path).count();
    assert_eq!((asked("/broken"), asked("/forbidden"), asked("/asleep")), (3, 1, 1));
}

#[tokio::test]
async fn a_site_that_has_moved_is_followed_to_where_it_is() {
    let old = FakeSite::start().await.unwrap();
    let new = FakeSite::start().await.unwrap();
    old.set("/shop/", Reply::redirect(&new.url("/store/")));
    new.set("/store/", page("store", &["a", "/elsewhere"]));
    new.set("/store/a", page("a", &[&old.url("/shop/b")]));
    let visits = crawl(&fetcher(), order(&old, SourceKind::Site, "/shop/")).await;
    assert_eq!(kept(&visits), ["/store/", "/store/a"]);
}

#[tokio::test]
async fn pictures_and_programs_are_no_pages_whatever_they_are_called() {
    let site = FakeSite::start().await.unwrap();
    site.set("/", page("start", &["/a", "/b", "/c.zip"]));
    site.set("/a", Reply::of("text/html", &b"\x89PNG\r\n\x1A\n1234"[..]));
    site.set("/b", Reply::of("application/octet-stream", &b"%PDF-1.7\n"[..]));
    site.set("/c.zip", Reply::of("text/plain", "text"));
    let visits = crawl(&fetcher(), order(&site, SourceKind::Site, "/")).await;
    assert_eq!(
        visits[1..],
        [("/a".to_owned(), "NotText".to_owned()), ("/b".to_owned(), "pdf".to_owned())]
    );
    assert!(!site.paths().contains(&"/c.zip".to_owned()));
}

#[tokio::test]
async fn mark_up_that_looks_like_something_else_is_what_the_server_says() {
    let site = FakeSite::start().await.unwrap();
    let xhtml = "<?xml version=\"1.0\"?><html><body><a href=\"/c\">c</a></body></html>";
    site.set("/", Reply::html("<!-- made by hand -->\n<p>x <a href=/b>b</a>"));
    site.set("/b", Reply::of("application/xhtml+xml", xhtml));
    site.set("/c", Reply::of("text/xml", "<?xml version=\"1.0\"?><feed/>"));
    let visits = crawl(&fetcher(), order(&site, SourceKind::Site, "/")).await;
    assert_eq!(kept(&visits), ["/", "/b"]);
    assert_eq!(visits[2].1, "NotText");
}

#[tokio::test]
async fn a_second_crawl_asks_what_changed() {
    let site = FakeSite::start().await.unwrap();
    site.set("/", page("start", &["/same", "/changed"]).etag("\"s\""));
    site.set("/same", page("same", &["/below"]).etag("\"1\""));
    site.set("/changed", page("changed", &[]).etag("\"2\""));
    site.set("/below", page("below", &[]));
    site.set("/orphan", page("orphan", &[]));
    let order = Order {
        known: vec![
            known(&site, "/", Some("\"s\"")),
            known(&site, "/same", Some("\"1\"")),
            known(&site, "/changed", Some("\"1\"")),
            known(&site, "/orphan", None),
            known(&site, "/vanished", None),
        ],
        ..order(&site, SourceKind::Site, "/")
    };
    let mut crawl = Crawl::begin(&fetcher(), order).await.unwrap();
    let mut visits = Vec::new();
    while let Some(visit) = crawl.next().await {
        if matches!(visit.outcome, Outcome::Unchanged) {
            // Who keeps the pages hands in what they were.
            let body: &[u8] = match visit.url.path() {
                "/" => b"<a href=/same><a href=/changed>",
                _ => b"<a href=/below>",
            };
            crawl.recall(&visit.url, visit.depth, body).await;
        }
        visits.push((visit.url.path().to_owned(), word(&visit.outcome)));
    }
    let expected = [
        ("/", "unchanged"),
        ("/below", "html"),
        ("/changed", "html"),
        ("/orphan", "html"),
        ("/same", "unchanged"),
        ("/vanished", "gone"),
    ];
    visits.sort();
    let found: Vec<_> = visits.iter().map(|(path, word)| (path.as_str(), word.as_str())).collect();
    assert_eq!(found, expected);
}
