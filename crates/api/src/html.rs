//! Small pages for people who come with a browser: one style, no scripts.

use std::{fmt::Write, sync::LazyLock};

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;\
    color:#1c2430;background:#fff}code{background:#eef1f5;padding:.1em .3em;border-radius:3px}a{color:#0b6}\
    h1{font-size:1.6rem}dt{font-weight:600;margin-top:.8rem}dd{margin:0}\
    @media(prefers-color-scheme:dark){body{color:#dde3ea;background:#14181d}code{background:#232a33}}";

/// The style is named by its hash, so that nothing else may style the page.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 is a header value")
});

/// Does the client want to see a page, rather than data?
pub(crate) fn wanted(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    accepts.flat_map(|line| line.split(',')).any(|kind| {
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
    })
}

/// A page with this title and content. Both are our own words: nothing in them is escaped.
pub(crate) fn page(title: &str, content: &str) -> Response {
    let mut text = String::new();
    let _ = write!(
        text,
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n{content}</body>\n</html>\n"
    );
    let mut response = Html(text).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_ask_for_pages_and_programs_do_not() {
        let asks = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            wanted(&headers)
        };
        assert!(asks("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(!asks("*/*") && !asks("application/json") && !wanted(&HeaderMap::new()));
    }
}
