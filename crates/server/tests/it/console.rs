//! The console: its files come out of the program, each in the smallest form that the browser
//! takes, and its page runs nothing but them.

use replyx_testkit::api::Api;
use reqwest::{
    Client, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};

use crate::harness::{Home, assert_problem};

struct Loaded {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Loaded {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn load(base: &str, path: &str, sent: &[(&'static str, &str)]) -> Loaded {
    let client = Client::builder().no_gzip().redirect(redirect::Policy::none()).build().unwrap();
    let headers: HeaderMap = sent
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    let response = client.get(format!("{base}{path}")).headers(headers).send().await.unwrap();
    let status = response.status();
    let headers = response.headers().clone();
    Loaded { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

fn is(file: &str, extension: &str) -> bool {
    file.rsplit_once('.').is_some_and(|(_, end)| end == extension)
}

/// The files below `/app/` that the page names.
fn named(page: &Loaded) -> Vec<String> {
    let text = String::from_utf8(page.bytes.clone()).unwrap();
    text.split('"')
        .filter(|part| part.starts_with("/app/") && part.contains('.'))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_place_in_the_console_gets_its_page_and_every_file_the_page_names_is_there() {
    let home = Home::sqlite().await;
    let program = home.launch().start().await;
    let base = program.base();

    let short = load(base, "/app", &[]).await;
    assert_eq!((short.status, short.header("location")), (StatusCode::SEE_OTHER, "/app/"));

    let page = load(base, "/app/", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "public, no-cache");
    let policy = page.header("content-security-policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ] {
        assert!(policy.split("; ").any(|part| part == rule), "{rule}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");

    for place in ["/app/sign-in", "/app/w/0190/inbox/mine", "/app/w/0190/inbox/mine/0191?a=b.c"] {
        let other = load(base, place, &[]).await;
        assert_eq!(other.status, StatusCode::OK, "{place}");
        assert!(other.bytes == page.bytes, "{place} is the page");
    }

    let files = named(&page);
    assert!(files.iter().any(|file| is(file, "js")), "{files:?}");
    assert!(files.iter().any(|file| is(file, "css")), "{files:?}");
    for file in files {
        let loaded = load(base, &file, &[]).await;
        assert_eq!(loaded.status, StatusCode::OK, "{file}");
        assert_eq!(loaded.header("x-content-type-options"), "nosniff", "{file}");
        let cached = if file.starts_with("/app/assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "public, no-cache"
        };
        assert_eq!(loaded.header("cache-control"), cached, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_the_console_travels_small_and_is_not_sent_again() {
    let home = Home::sqlite().await;
    let program = home.launch().start().await;
    let base = program.base();
    let page = load(base, "/app/", &[]).await;
    let script = named(&page).into_iter().find(|file| is(file, "js")).unwrap();

    let plain = load(base, &script, &[]).await;
    let gzip = load(base, &script, &[("accept-encoding", "gzip, deflate")]).await;
    let brotli = load(base, &script, &[("accept-encoding", "gzip, deflate, br, zstd")]).await;
    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert_eq!(brotli.header("content-encoding"), "br");
    assert_eq!(brotli.header("vary"), "accept-encoding");
    assert!(brotli.bytes.len() < gzip.bytes.len() && gzip.bytes.len() < plain.bytes.len());

    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut brotli::Decompressor::new(&*brotli.bytes, 4096), &mut unpacked)
        .unwrap();
    assert!(unpacked == plain.bytes, "it is the same in both forms");

    let tag = page.header("etag").to_owned();
    let again = load(base, "/app/", &[("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.bytes.len()), (StatusCode::NOT_MODIFIED, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_looks_like_a_file_and_is_none_is_not_found() {
    let home = Home::sqlite().await;
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    for odd in [
        "/app/assets/index-00000000.js",
        "/app/assets/x",
        "/app/nothing.js",
        "/app/../../etc/passwd",
        "/app/%2e%2e%2fetc.d",
    ] {
        assert_problem(&api.get(odd).await, 404, "not_found");
    }
}
