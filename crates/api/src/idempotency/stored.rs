//! Answers, kept for who asks again.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody, to_bytes},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use replyx_storage::StorageError;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{Claim, wait};
use crate::{
    error::{ApiError, ApiResult},
    state::AppState,
};

/// Larger answers are not kept, bytes.
const LARGEST: usize = 1024 * 1024;
/// What is kept of an answer's head. Cookies are not: they would sign somebody in once more.
const HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];
/// Tells that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// How often it is tried to write down how a request ended.
const TRIES: u32 = 4;

/// An answer as stored, beside its status.
#[derive(Serialize, Deserialize)]
struct Answer {
    headers: Vec<(String, String)>,
    body: String,
}

/// Does the answer tell how the request ended permanently? Who repeats what was not done wants it
/// done.
fn settled(status: StatusCode) -> bool {
    use StatusCode as S;
    let again = [S::UNAUTHORIZED, S::FORBIDDEN, S::REQUEST_TIMEOUT, S::TOO_MANY_REQUESTS];
    !status.is_server_error() && !again.contains(&status)
}

/// Stores an answer, or gives the claim back if it is not one to be stored.
pub(super) async fn keep(state: &AppState, claim: &Claim, response: Response) -> Response {
    let small = response.body().size_hint().upper().is_some_and(|size| size <= LARGEST as u64);
    if !settled(response.status()) || !small {
        abandon(state, claim).await;
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        abandon(state, claim).await;
        return Response::from_parts(parts, Body::empty());
    };
    let kept = HEADERS.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    match String::from_utf8(body.to_vec()) {
        Ok(text) => {
            let answer = Answer { headers: kept.collect(), body: text };
            finish(state, claim, parts.status, &answer).await;
        }
        Err(_) => abandon(state, claim).await,
    }
    Response::from_parts(parts, Body::from(body))
}

async fn finish(state: &AppState, claim: &Claim, status: StatusCode, answer: &Answer) {
    let text = serde_json::to_string(answer).expect("an answer is made of texts");
    let sealed = state.keys().seal(&SecretString::from(text), &row(claim));
    write_down(state, claim, Some((status.as_u16(), sealed))).await;
}

/// Gives a claim back: a repeat will be done.
pub(super) async fn abandon(state: &AppState, claim: &Claim) {
    write_down(state, claim, None).await;
}

/// Writes down how a request ended, if need be at another try. What cannot be written leaves the
/// key in use until the claim is stale.
async fn write_down(state: &AppState, claim: &Claim, answer: Option<(u16, Vec<u8>)>) {
    for again in 1..=TRIES {
        match write(state, claim, answer.as_ref()).await {
            Ok(()) => return wait::tell(state, claim),
            Err(error) if again == TRIES => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not store the response of an idempotent request"
                );
            }
            Err(_) => sleep(Duration::from_millis(100) * 2u32.pow(again)).await,
        }
    }
}

async fn write(
    state: &AppState,
    claim: &Claim,
    answer: Option<&(u16, Vec<u8>)>,
) -> Result<(), StorageError> {
    let mut tx = state.db().begin().await?;
    let keys = tx.system().idempotency();
    match answer {
        Some((status, sealed)) => keys.finish(&claim.scope, &claim.key, *status, sealed).await?,
        None => keys.abandon(&claim.scope, &claim.key).await?,
    }
    tx.commit().await.map(drop)
}

/// The answer of the first request.
///
/// # Errors
///
/// 500 when it cannot be opened.
pub(super) fn replay(
    state: &AppState,
    claim: &Claim,
    status: u16,
    sealed: &[u8],
) -> ApiResult<Response> {
    let internal = |text: &'static str| ApiError::Internal(text.into());
    let opened = state.keys().open(sealed, &row(claim));
    let opened = opened.map_err(|error| ApiError::Internal(Box::new(error)))?;
    let answer: Answer = serde_json::from_str(opened.expose_secret())
        .map_err(|_| internal("a stored answer has not the form of one"))?;
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(status).map_err(|_| internal("a stored status is none"))?;
    for (name, value) in answer.headers {
        let name = HEADERS.into_iter().find(|known| known.as_str() == name);
        if let (Some(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// To what an answer is sealed. A key has no line breaks, so that no two claims have the same.
fn row(claim: &Claim) -> Vec<u8> {
    format!("{}\n{}", claim.scope, claim.key).into_bytes()
}
