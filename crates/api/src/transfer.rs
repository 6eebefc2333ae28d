//! How answers travel: compressed where that is safe and saves something, and not at all to a
//! client that has them.
//!
//! An answer is compressed when all of this holds:
//!
//! - it answers a GET, and is text of some length;
//! - it is not compressed yet: assets ([`crate::asset`]) are compressed beforehand;
//! - it is not a stream: what it holds back to compress better would be late;
//! - it does not belong to a browser's session and is not about signing in. A page of a stranger
//!   can have a browser ask with its cookies, put guesses into what it asks, and see the lengths of
//!   answers: a secret that stands in the same answer could be guessed letter by letter (the attack
//!   called BREACH). It cannot have a token or a key sent along.
//!
//! The `ETag` of an answer names its form too: `"3.ab12"` is `"3.ab12-br"` when compressed. A
//! client may name either.

use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::task::spawn_blocking;

use crate::{coding::Coding, cookies, error::ApiError};

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
    let is_safe = request.method() == Method::GET
        && cookies::read(request.headers(), cookies::ACCESS).is_none()
        && !SECRET.iter().any(|path| request.uri().path().starts_with(path));
    let coding = Coding::wanted(request.headers()).filter(|_| is_safe);

    let response = next.run(request).await;
    let response = unless_known(response, &known);
    if !is_compressible(&response) {
        return response;
    }
    let mut response = match coding {
        Some(coding) => compressed(response, coding).await,
        None => response,
    };
    let vary = HeaderValue::from_static("accept-encoding");
    response.headers_mut().append(header::VARY, vary);
    response
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
    list.trim() == "*" || list.split(',').any(|one| bare(one) == bare(tag))
}

/// A tag without what says how the answer travelled.
fn bare(tag: &str) -> &str {
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let Some(inner) = tag.strip_suffix('"') else { return tag };
    let form = Coding::ALL.into_iter().find_map(|coding| {
        inner.strip_suffix(coding.name()).and_then(|inner| inner.strip_suffix('-'))
    });
    form.unwrap_or(inner)
}

/// The tag of an answer in this coding.
pub(crate) fn tag_in(coding: Coding, tag: &HeaderValue) -> Option<HeaderValue> {
    let inner = tag.to_str().ok()?.strip_suffix('"')?;
    HeaderValue::from_str(&format!("{inner}-{}\"", coding.name())).ok()
}

fn is_compressible(response: &Response) -> bool {
    let headers = response.headers();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    let size = response.body().size_hint().exact();
    response.status() == StatusCode::OK
        && TEXTS.contains(&kind.trim())
        && size.is_some_and(|size| (WORTH..=LONGEST).contains(&size))
        && !headers.contains_key(header::CONTENT_ENCODING)
}

async fn compressed(response: Response, coding: Coding) -> Response {
    let size = response.body().size_hint().exact().unwrap_or_default();
    let (mut parts, body) = response.into_parts();
    let plain = match to_bytes(body, usize::MAX).await {
        Ok(plain) => plain,
        Err(error) => return ApiError::Internal(Box::new(error)).into_response(),
    };
    let small = if size < ASIDE {
        coding.encode(&plain)
    } else {
        let source = plain.clone();
        spawn_blocking(move || coding.encode(&source)).await.ok().flatten()
    };
    // What does not become smaller goes as it is.
    let Some(small) = small else {
        return Response::from_parts(parts, Body::from(plain));
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, coding.header());
    if let Some(tag) = parts.headers.get(header::ETAG).and_then(|tag| tag_in(coding, tag)) {
        parts.headers.insert(header::ETAG, tag);
    }
    Response::from_parts(parts, Body::from(small))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_a_list_and_whatever_the_form() {
        let is_in = |list: &'static str| {
            names(&HeaderValue::from_static(list), &HeaderValue::from_static("\"7\""))
        };
        for yes in ["\"7\"", "\"6\", \"7\"", "W/\"7\"", "*", "\"7-gzip\"", "W/\"7-br\""] {
            assert!(is_in(yes), "{yes}");
        }
        for no in ["\"77\"", "7", "", "\"6\"", "\"7-zip\"", "\"7br\"", "\"-br\""] {
            assert!(!is_in(no), "{no}");
        }
    }
}
