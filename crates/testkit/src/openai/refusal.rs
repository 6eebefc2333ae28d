//! What every operation checks, and the answers of those that are refused or fail.

use axum::{
    Json,
    body::to_bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::Value;

use super::{
    World,
    dialect::{Dialect, Failure},
    fault::{ModelFault, RetryAfter},
    lock,
    request::Invalid,
};
use crate::net::Connection;

const BODY_LIMIT: usize = 16 << 20;

/// The body of a request.
pub(super) async fn read_json(body: axum::body::Body) -> Result<Value, &'static str> {
    let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| "The request is too large.")?;
    serde_json::from_slice(&body).map_err(|_| "We could not parse the JSON body of your request.")
}

/// The response for a model that there is not.
pub(super) fn known(world: &World, dialect: Dialect, model: &str) -> Result<(), Box<Response>> {
    if world.models.iter().any(|known| known == model) {
        return Ok(());
    }
    let message = format!("The model `{model}` does not exist.");
    Err(Box::new(error(dialect, 404, None, Some("model_not_found"), &message)))
}

/// A fault that takes the place of the answer, or comes before it.
pub(super) async fn fail(
    dialect: Dialect,
    fault: &ModelFault,
    connection: &Connection,
) -> Option<Response> {
    match fault {
        ModelFault::Status { code, retry_after } => {
            let mut response = status(dialect, *code);
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, (*seconds).into());
            }
            Some(response)
        }
        ModelFault::Redirect(to) => {
            let mut response = status(dialect, 307);
            if let Ok(to) = to.parse() {
                response.headers_mut().insert(header::LOCATION, to);
            }
            Some(response)
        }
        ModelFault::RateLimited(wait) => Some(rate_limited(dialect, *wait)),
        ModelFault::QuotaSpent => {
            let message = match dialect {
                Dialect::Messages => "Your credit balance is too low to access the Anthropic API.",
                _ => "You exceeded your current quota, please check your plan and billing details.",
            };
            let code = if dialect == Dialect::Messages { 400 } else { 429 };
            Some(error(dialect, code, None, Some("insufficient_quota"), message))
        }
        ModelFault::WrongContentType => {
            Some(Html("<html><body>Welcome</body></html>").into_response())
        }
        ModelFault::Garbage => {
            let bytes: &[u8] = b"\x00\xff\xfe{]\ndata: }{\n\n\x9f\x92\x96\n\n";
            Some(([(header::CONTENT_TYPE, "text/event-stream")], bytes).into_response())
        }
        ModelFault::Break => {
            connection.cut();
            std::future::pending().await
        }
        ModelFault::Hang => std::future::pending().await,
        ModelFault::DelayFirst(time) => {
            tokio::time::sleep(*time).await;
            None
        }
        ModelFault::Hold(hold) => {
            hold.pass().await;
            None
        }
        _ => None,
    }
}

/// The key of a request, or the response for one that is not known.
pub(super) fn authorized(
    world: &World,
    dialect: Dialect,
    headers: &HeaderMap,
) -> Result<String, Box<Response>> {
    match dialect.key(headers) {
        Some(key) if lock(&world.keys).contains(key) => Ok(key.to_owned()),
        Some(_) => Err(Box::new(status(dialect, 401))),
        None => Err(Box::new(error(dialect, 401, None, None, "You didn't provide an API key."))),
    }
}

pub(super) fn invalid_request(world: &World, dialect: Dialect, invalid: &Invalid) -> Response {
    world.violation(match invalid.parameter.as_str() {
        "" => invalid.message.clone(),
        parameter => format!("`{parameter}`: {}", invalid.message),
    });
    let parameter = Some(invalid.parameter.as_str()).filter(|parameter| !parameter.is_empty());
    error(dialect, 400, parameter, None, &invalid.message)
}

fn rate_limited(dialect: Dialect, wait: RetryAfter) -> Response {
    let mut response = status(dialect, 429);
    let headers = response.headers_mut();
    let text = |text: String| HeaderValue::try_from(text).expect("digits can stand in a header");
    match wait {
        RetryAfter::Seconds(seconds) => {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        RetryAfter::Millis(millis) => {
            headers.insert("retry-after-ms", millis.into());
            headers.insert(header::RETRY_AFTER, millis.div_ceil(1_000).into());
        }
        RetryAfter::Date(seconds) => {
            let date = |second| text(format!("Wed, 21 Oct 2026 07:28:{second:02} GMT"));
            headers.insert(header::DATE, date(0));
            headers.insert(header::RETRY_AFTER, date(seconds.min(59)));
        }
    }
    response
}

/// A failure with the words that the API has for it.
pub(super) fn status(dialect: Dialect, code: u16) -> Response {
    let (name, message) = match code {
        401 if dialect == Dialect::Messages => (None, "invalid x-api-key"),
        401 => (Some("invalid_api_key"), "Incorrect API key provided."),
        429 => (Some("rate_limit_exceeded"), "Rate limit reached for requests."),
        503 => (None, "The engine is currently overloaded, please try again later."),
        529 => (None, "Overloaded"),
        500.. => (None, "The server had an error while processing your request."),
        _ => (None, "The request was refused."),
    };
    error(dialect, code, None, name, message)
}

pub(super) fn error(
    dialect: Dialect,
    status: u16,
    parameter: Option<&str>,
    code: Option<&str>,
    message: &str,
) -> Response {
    let body = dialect.error(&Failure { status, code, parameter, message });
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(body)).into_response()
}
