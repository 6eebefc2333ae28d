//! How answers travel: compressed where that is safe and saves something, and not at all to a client that has them.
//!
//! An answer is compressed when all of this holds:
//!
//! - it answers a GET, and is text of some length;
//! - it has no `ETag`: with one it is small, and must be the same thing for everybody who names it. Assets
//!   ([`crate::asset`]) are compressed beforehand and have a tag for each form;
//! - it is not a stream: what it holds back to compress better would be late;
//! - it does not belong to a browser's session and is not about signing in. A page of a stranger can have a browser ask
//!   with its cookies, put guesses into what it asks, and see the lengths of answers: a secret that stands in the same
//!   answer could be guessed letter by letter (the attack called BREACH). It cannot have a token or a key sent along.

use std::io::Write;

use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use tokio::task::spawn_blocking;

use crate::{cookies, error::ApiError};

/// Shorter answers are sent as they are, bytes.
const WORTH: u64 = 1024;
/// Longer ones are left alone: they are rare, and take memory twice.
const LONGEST: u64 = 16 * 1024 * 1024;
/// From here on it is done aside, so that other requests do not wait.
const ASIDE: u64 = 32 * 1024;
/// Kinds of content that are text.
const TEXTS: [&str; 7] = [
    "application/json",
    "text/plain",
    "text/csv",
    "text/html",
    "text/css",
    "text/javascript",
    "application/javascript",
];
/// Below these paths answers may hold secrets.
const SECRET: [&str; 2] = ["/api/v1/auth/", "/api/v1/api-keys"];

/// Leaves out what the client has, and compresses the rest.
pub(crate) async fn travel(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads {
        return next.run(request).await;
    }
    let known: Vec<HeaderValue> =
        request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect();
    let may_compress = request.method() == Method::GET
        && takes_gzip(request.headers())
        && cookies::read(request.headers(), cookies::ACCESS).is_none()
        && !SECRET.iter().any(|path| request.uri().path().starts_with(path));

    let response = next.run(request).await;
    let response = unless_known(response, &known);
    if !is_compressible(&response) {
        return response;
    }
    let mut response = if may_compress { compressed(response).await } else { response };
    let vary = HeaderValue::from_static("accept-encoding");
    response.headers_mut().append(header::VARY, vary);
    response
}

/// Does the client take gzip? `gzip;q=0` says that it does not.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
    let names = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    let mut any = None;
    for name in names {
        let (name, parameters) = name.split_once(';').unwrap_or((name, ""));
        let quality = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        let wanted = quality.is_ok_and(|quality| quality > 0.0);
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") => return wanted,
            "*" => any = Some(wanted),
            _ => {}
        }
    }
    any.unwrap_or_default()
}

/// Answers 304 when the client has named the tag of the answer.
fn unless_known(mut response: Response, known: &[HeaderValue]) -> Response {
    if response.status() != StatusCode::OK || known.is_empty() {
        return response;
    }
    let Some(tag) = response.headers().get(header::ETAG) else { return response };
    if !known.iter().any(|known| names(known, tag)) {
        return response;
    }
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        response.headers_mut().remove(name);
    }
    *response.body_mut() = Body::empty();
    response
}

/// Is the tag in the list? Whether one of them is weak does not matter for reading.
fn names(list: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(list), Ok(tag)) = (list.to_str(), tag.to_str()) else { return false };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    list.trim() == "*" || list.split(',').any(|one| bare(one) == bare(tag))
}

fn is_compressible(response: &Response) -> bool {
    let headers = response.headers();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    let size = response.body().size_hint().exact();
    response.status() == StatusCode::OK
        && TEXTS.contains(&kind.trim())
        && size.is_some_and(|size| (WORTH..=LONGEST).contains(&size))
        && !headers.contains_key(header::ETAG)
        && !headers.contains_key(header::CONTENT_ENCODING)
}

async fn compressed(response: Response) -> Response {
    let size = response.body().size_hint().exact().unwrap_or_default();
    let (mut parts, body) = response.into_parts();
    let plain = match to_bytes(body, usize::MAX).await {
        Ok(plain) => plain,
        Err(error) => return ApiError::Internal(Box::new(error)).into_response(),
    };
    let small = if size < ASIDE {
        gzip(&plain)
    } else {
        let source = plain.clone();
        spawn_blocking(move || gzip(&source)).await.ok().flatten()
    };
    // What does not become smaller goes as it is.
    let Some(small) = small.filter(|small| small.len() < plain.len()) else {
        return Response::from_parts(parts, Body::from(plain));
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(parts, Body::from(small))
}

/// The bytes as gzip.
pub(crate) fn gzip(plain: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(5));
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_says_whether_it_takes_gzip() {
        let takes = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(text));
            takes_gzip(&headers)
        };
        for yes in ["gzip", "br, gzip", "GZIP;q=0.5, br", "*", "deflate, *;q=0.1"] {
            assert!(takes(yes), "{yes}");
        }
        for no in
            ["", "br", "gzip;q=0", "gzip; q=0", "gzip;q=0, *", "*;q=0", "identity", "gzip;q=x"]
        {
            assert!(!takes(no), "{no}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_tag_is_known_in_a_list_and_whether_weak_or_not() {
        let is_in = |list: &'static str| {
            names(&HeaderValue::from_static(list), &HeaderValue::from_static("\"7\""))
        };
        for yes in ["\"7\"", "\"6\", \"7\"", "W/\"7\"", "*"] {
            assert!(is_in(yes), "{yes}");
        }
        for no in ["\"77\"", "7", "", "\"6\""] {
            assert!(!is_in(no), "{no}");
        }
    }
}
