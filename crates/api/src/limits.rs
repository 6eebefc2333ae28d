//! What holds for every request: how long it may take, what becomes of a panic, and its id.

use std::{any::Any, time::Duration};

use axum::{
    extract::Request,
    http::HeaderValue,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::request_id::{MakeRequestId, RequestId};

use crate::error::ApiError;

/// How long a request may take, uploads included. A stream's time begins after its answer.
pub(crate) const LONGEST: Duration = Duration::from_mins(1);

/// A handler that panicked has failed like any other.
#[expect(clippy::needless_pass_by_value, reason = "the form that the layer asks for")]
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    ApiError::Internal(format!("a handler panicked: {text}").into()).into_response()
}

/// Gives each request an id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewRequestId;

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &http::Request<B>) -> Option<RequestId> {
        let id = replyx_core::clock::random_hex::<16>();
        HeaderValue::from_str(&id).ok().map(RequestId::new)
    }
}

/// Drops a request id that a client made too long or of strange characters, so that logs stay
/// readable.
pub(crate) async fn sane_request_id(mut request: Request, next: Next) -> Response {
    let sane = |value: &HeaderValue| {
        let bytes = value.as_bytes();
        (1..=64).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    if request.headers().get("x-request-id").is_some_and(|value| !sane(value)) {
        request.headers_mut().remove("x-request-id");
    }
    next.run(request).await
}
