//! Which headers an answer has.

use utoipa::openapi::{Ref, RefOr, Response};

/// Adds the headers of an answer of this status.
pub(super) fn add_headers(response: &mut Response, status: u16, limited: bool) {
    let mut names = vec!["X-Request-Id"];
    match status {
        401 => names.push("WWW-Authenticate"),
        429 | 503 => names.push("Retry-After"),
        _ => {}
    }
    if limited && !matches!(status, 500 | 503) {
        names.extend(["RateLimit", "RateLimit-Policy"]);
    }
    for name in names {
        add_header(response, name);
    }
}

/// Refers to a header of the document.
pub(super) fn add_header(response: &mut Response, name: &str) {
    let header = RefOr::Ref(Ref::new(format!("#/components/headers/{name}")));
    response.headers.insert(name.to_owned(), header);
}
