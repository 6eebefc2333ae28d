//! Changes that apply only to what their sender has read: `ETag` and `If-Match`.
//!
//! A tag has two parts, `"edition.content"`. The edition changes with what clients may change, and
//! it is all that `If-Match` compares: a document that is being read or a site that is being
//! fetched refuses nobody. The content is a hash of the answer, so `If-None-Match` notices every
//! difference.
//!
//! A handler takes [`IfMatch`], locks what it changes, calls `IfMatch::check` with the edition it
//! has found, and answers with [`Tagged`]. In the `OpenAPI` document it names 412, and a read names
//! 304; headers and parameters follow.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use replyx_core::secret::sha256_hex;
use serde::Serialize;

use crate::error::{ApiError, ApiResult};

/// How much of a hash is shown, hexadecimal digits.
const SHOWN: usize = 16;

/// Which edition of a thing this is. Of two editions that differ, a client has seen at most one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edition(String);

impl Edition {
    /// The edition of a thing whose changes are counted.
    pub(crate) fn number(number: i64) -> Self {
        Self(number.to_string())
    }

    /// The edition of a thing of which clients may change these parts.
    pub(crate) fn of(parts: &impl Serialize) -> Self {
        let parts = serde_json::to_vec(parts).expect("what is answered is JSON");
        Self(sha256_hex(&parts)[..SHOWN].to_owned())
    }
}

/// A JSON answer with its `ETag`.
#[derive(Debug)]
pub struct Tagged<T> {
    edition: Edition,
    view: T,
}

impl<T> Tagged<T> {
    /// Tags a view of this edition.
    pub(crate) fn new(edition: Edition, view: T) -> Self {
        Self { edition, view }
    }
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let body = match serde_json::to_vec(&self.view) {
            Ok(body) => body,
            Err(error) => return ApiError::Internal(error.into()).into_response(),
        };
        let tag = format!("\"{}.{}\"", self.edition.0, &sha256_hex(&body)[..SHOWN]);
        let tag = HeaderValue::from_str(&tag).expect("digits are a header value");
        let kind = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, kind), (header::ETAG, tag)], body).into_response()
    }
}

/// What the client has read, if it says so. Never a rejection: without the header a change applies
/// to whatever is there.
#[derive(Clone, Debug, Default)]
pub struct IfMatch(Option<Vec<String>>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let lines: Vec<_> = parts.headers.get_all(header::IF_MATCH).iter().collect();
        if lines.is_empty() {
            return Ok(Self(None));
        }
        let lines = lines.into_iter().filter_map(|line| line.to_str().ok());
        let tags = lines.flat_map(|line| line.split(',')).map(|tag| tag.trim().to_owned());
        Ok(Self(Some(tags.collect())))
    }
}

impl IfMatch {
    /// Does the change depend on what the client has read?
    pub(crate) fn is_conditional(&self) -> bool {
        self.0.as_ref().is_some_and(|tags| tags.iter().all(|tag| tag != "*"))
    }

    /// Refuses the change when the client has read another edition.
    ///
    /// # Errors
    ///
    /// [`ApiError::PreconditionFailed`]
    pub(crate) fn check(&self, edition: &Edition) -> ApiResult<()> {
        let tags = self.0.as_deref().unwrap_or_default();
        if !self.is_conditional() || tags.iter().any(|tag| edition_of(tag) == Some(&edition.0)) {
            Ok(())
        } else {
            Err(ApiError::PreconditionFailed)
        }
    }
}

/// The edition that a tag names. Proxies that compress make a tag weak; it still names the edition.
fn edition_of(tag: &str) -> Option<&str> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let inner = tag.strip_prefix('"')?.strip_suffix('"')?;
    Some(inner.split_once('.').map_or(inner, |(edition, _)| edition))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn if_match(tags: &[&str]) -> IfMatch {
        IfMatch(Some(tags.iter().map(|&tag| tag.to_owned()).collect()))
    }

    #[test]
    fn a_change_is_refused_when_no_tag_names_the_edition() {
        let third = Edition::number(3);
        for good in [&["\"3.aa\""][..], &["\"2.aa\"", "\"3.bb\""], &["W/\"3.a-gzip\""], &["*"]] {
            assert!(if_match(good).check(&third).is_ok(), "{good:?}");
        }
        for bad in [&["\"33.aa\""][..], &["3"], &["\"2.3\""], &[""], &[], &["\"\""]] {
            assert!(if_match(bad).check(&third).is_err(), "{bad:?}");
        }
        assert!(IfMatch::default().check(&third).is_ok());
        assert!(!IfMatch::default().is_conditional() && !if_match(&["*"]).is_conditional());
    }

    #[test]
    fn the_edition_stays_while_the_rest_of_an_answer_changes() {
        let tag = |state: &str| {
            let view = serde_json::json!({"name": "a", "state": state});
            let response = Tagged::new(Edition::of(&"a"), view).into_response();
            response.headers()[header::ETAG].to_str().unwrap().to_owned()
        };
        let queued = tag("queued");
        let ready = tag("ready");
        assert_ne!(queued, ready);
        assert_eq!(edition_of(&queued), edition_of(&ready));
        assert_ne!(Edition::of(&"a"), Edition::of(&"b"));
    }
}
