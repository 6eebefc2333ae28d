//! One page, and a server that does its worst.

use std::{io::Write, time::Instant};

use replyx_crawl::{Answer, FetchError};

use super::*;

async fn get(fetcher: &Fetcher, site: &FakeSite, path: &str) -> Result<Answer, FetchError> {
    fetcher.get(&Url::parse(&site.url(path)).unwrap(), &Validators::default()).await
}

fn gzipped(bytes: usize) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..bytes >> 20 {
        packed.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    packed.finish().unwrap()
}

#[tokio::test]
async fn we_say_who_we_are_and_nothing_else() {
    let site = FakeSite::start().await.unwrap();
    site.set("/", Reply::html("<p>x").header("set-cookie", "a=b"));
    let fetcher = fetcher();
    get(&fetcher, &site, "/").await.unwrap();
    get(&fetcher, &site, "/").await.unwrap();
    for hit in site.hits() {
        let agent = hit.headers["user-agent"].to_str().unwrap();
        assert!(agent.starts_with("ReplyX/") && agent.ends_with(" (+https://replyx.example)"));
        for name in ["cookie", "referer", "authorization", "proxy-authorization"] {
            assert!(!hit.headers.contains_key(name), "{name}");
        }
    }
}

#[tokio::test]
async fn an_endless_body_a_long_one_and_a_bomb_are_cut_off() {
    let site = FakeSite::start().await.unwrap();
    site.set("/endless", Reply::endless());
    site.set("/long", Reply::of("text/plain", vec![b'x'; (5 << 20) + 1]));
    site.set("/bomb", Reply::of("text/html", gzipped(1 << 25)).header("content-encoding", "gzip"));
    site.set("/fits", Reply::of("text/plain", vec![b'x'; 5 << 20]));
    let fetcher = fetcher();
    for path in ["/endless", "/long", "/bomb"] {
        let begun = Instant::now();
        let error = get(&fetcher, &site, path).await.unwrap_err();
        assert!(matches!(error, FetchError::TooLarge(_)), "{path}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{path} took {:?}", begun.elapsed());
    }
    assert!(matches!(get(&fetcher, &site, "/fits").await.unwrap(), Answer::Page(_)));
}

#[tokio::test]
async fn a_server_that_is_slow_in_any_way_is_left() {
    let site = FakeSite::start().await.unwrap();
    site.set("/silence", Reply::silence());
    site.set("/late", Reply::html("x").delay(Duration::from_mins(1)));
    site.set("/drip", Reply::drip(vec![b'x'; 1_000], Duration::from_millis(50)));
    let limits = Limits {
        first_byte: Duration::from_millis(300),
        whole: Duration::from_millis(600),
        ..quick()
    };
    let fetcher = fetcher_with(Private::Allow, limits);
    for path in ["/silence", "/late", "/drip"] {
        let begun = Instant::now();
        let error = get(&fetcher, &site, path).await.unwrap_err();
        assert!(matches!(error, FetchError::Slow), "{path}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{path} took {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_torn_page_is_no_page() {
    let site = FakeSite::start().await.unwrap();
    site.set("/torn", Reply::torn(vec![b'x'; 10_000]));
    let error = get(&fetcher(), &site, "/torn").await.unwrap_err();
    assert!(matches!(error, FetchError::Broken(_)), "{error}");
    assert!(error.is_passing());
}

#[tokio::test]
async fn answers_become_what_they_mean() {
    let site = FakeSite::start().await.unwrap();
    for status in [403, 429, 500, 503] {
        site.set(&format!("/{status}"), Reply::status(status).header("retry-after", "7"));
    }
    site.set("/410", Reply::status(410));
    site.set("/moved", Reply::redirect("../there?a=b"));
    site.set("/lost", Reply::status(302));
    let fetcher = fetcher();
    for status in [403, 429, 500, 503] {
        let error = get(&fetcher, &site, &format!("/{status}")).await.unwrap_err();
        assert_eq!(error.is_passing(), status != 403);
        let FetchError::Status { status: found, retry_after } = error else { panic!("{error}") };
        assert_eq!((found, retry_after), (status, Some(Duration::from_secs(7))));
    }
    assert_eq!(get(&fetcher, &site, "/410").await.unwrap(), Answer::Gone);
    assert_eq!(get(&fetcher, &site, "/nothing").await.unwrap(), Answer::Gone);
    let there = Url::parse(&site.url("/there?a=b")).unwrap();
    assert_eq!(get(&fetcher, &site, "/moved").await.unwrap(), Answer::Redirect(there));
    assert!(matches!(get(&fetcher, &site, "/lost").await, Err(FetchError::Broken(None))));
}

#[tokio::test]
async fn a_page_that_has_not_changed_is_not_sent_again() {
    let site = FakeSite::start().await.unwrap();
    site.set("/e", Reply::html("x").etag("\"1\""));
    site.set("/m", Reply::html("x").header("last-modified", "Wed, 21 Oct 2026 07:28:00 GMT"));
    let fetcher = fetcher();
    for path in ["/e", "/m"] {
        let Ok(Answer::Page(page)) = get(&fetcher, &site, path).await else { panic!("{path}") };
        let again = fetcher.get(&page.url, &page.validators).await.unwrap();
        assert_eq!(again, Answer::Unchanged, "{path}");
    }
    // A validator that is no header value is not sent, and does no harm.
    let odd = Validators { etag: Some("\"1\"\r\nHost: evil".to_owned()), last_modified: None };
    let url = Url::parse(&site.url("/e")).unwrap();
    assert!(matches!(fetcher.get(&url, &odd).await.unwrap(), Answer::Page(_)));
}

#[tokio::test]
async fn an_encoding_that_only_the_server_knew_is_kept() {
    let site = FakeSite::start().await.unwrap();
    site.set("/", Reply::of("text/html; Charset=\"windows-1251\"", vec![0xC4, 0xE0]));
    let Ok(Answer::Page(page)) = get(&fetcher(), &site, "/").await else { panic!() };
    assert_eq!(page.body, "\u{feff}Да".as_bytes());
    // Of a file that is no text it is no word at all.
    let zip = [b"PK\x03\x04\xC4".as_slice(), &[0; 30]].concat();
    site.set("/a.docx", Reply::of("application/octet-stream; charset=ISO-8859-1", zip.clone()));
    let Ok(Answer::Page(page)) = get(&fetcher(), &site, "/a.docx").await else { panic!() };
    assert_eq!(page.body, zip);
}

#[tokio::test]
async fn an_error_never_tells_the_address() {
    let site = FakeSite::start().await.unwrap();
    site.set("/secret-path", Reply::torn(vec![b'x'; 10_000]));
    let torn = get(&fetcher(), &site, "/secret-path").await.unwrap_err();
    let closed = Url::parse("http://127.0.0.1:9/secret-path").unwrap();
    let refused = fetcher().get(&closed, &Validators::default()).await.unwrap_err();
    for error in [torn, refused] {
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            assert!(!error.to_string().contains("secret"), "{error}");
            cause = error.source();
        }
        assert!(!error.to_string().contains("127.0.0.1"), "{error}");
    }
}
