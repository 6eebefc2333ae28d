//! Requests that may be repeated without being done twice.
//!
//! A client that does not know whether its POST arrived sends it again with the same
//! `Idempotency-Key`, and gets the answer of the first. The layer stands around all handlers, which
//! know nothing of it:
//!
//! 1. [`Scope`]: whose key it is. Callers do not see each other's, and a caller whose role has
//!    changed is another. Strangers share nothing: not with who calls from elsewhere, and not with
//!    another request from the same place.
//! 2. [`body`]: the request is read as a whole, bounded as its handler would bound it, and
//!    recognised by its hash.
//! 3. The key is claimed; of many at once one gets it, and [`wait`] lets the others wait for its
//!    answer. What is known already is answered from the store.
//! 4. [`stored`]: the handler runs to its end, also when the client goes away, and its answer is
//!    stored, sealed.

mod body;
mod stored;
mod wait;

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use replyx_core::{
    permission::Permission,
    session::{Access, Principal, WorkspaceAccess},
    user::User,
};
use replyx_storage::{idempotency::KeyedRequest, retried};
use tokio::{task::JoinError, time::timeout};
use tracing::Instrument;

use crate::{
    address::ClientAddress,
    bulk::IDEMPOTENCY_KEY as KEY,
    door::Arrival,
    error::{ApiError, ApiResult},
    identity::{self, Identity},
    limits::LONGEST,
    state::AppState,
};

/// The longest key, bytes.
const LONGEST_KEY: usize = 255;
/// A claim that is older and has no answer belongs to a process that died: twice the time that a
/// request may take.
const STALE: Duration = Duration::from_mins(2);
/// Where keys are respected.
const BASE: &str = "/api/v1/";
/// Where who has not signed in has something to repeat.
const PUBLIC: &str = "/api/v1/auth/";
/// Whose answers are never kept: each must be made again.
const NEVER: [&str; 4] =
    ["/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/logout", "/api/v1/events/ticket"];

/// A client's key, and whose it is.
#[derive(Clone, Debug)]
struct Claim {
    scope: String,
    key: String,
}

/// Whose key it is, before the request has been read.
enum Scope {
    /// That of a caller who is known.
    Known(String),
    /// That of a stranger at this address.
    Stranger(String),
}

impl Scope {
    /// The claim of a key for the request with this hash. Two strangers who chose the same key are
    /// told apart by what they ask for, since nothing else says who they are.
    fn claim(self, key: String, hash: &str) -> Claim {
        let scope = match self {
            Self::Known(scope) => scope,
            Self::Stranger(address) => format!("anonymous:{address}:{hash}"),
        };
        Claim { scope, key }
    }
}

/// Answers a repeated request as before.
pub(crate) async fn keyed(state: State<AppState>, request: Request, next: Next) -> Response {
    let State(state) = state;
    match claim_of(&request) {
        Ok(None) => next.run(request).await,
        Ok(Some((scope, key))) => {
            once(state, scope, key, request, next).await.unwrap_or_else(answer)
        }
        Err(error) => error.into_response(),
    }
}

fn answer(error: ApiError) -> Response {
    let in_use = matches!(error, ApiError::Conflict { .. });
    let mut response = error.into_response();
    if in_use {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// What the request claims; nothing, when keys are not respected for it.
fn claim_of(request: &Request) -> ApiResult<Option<(Scope, String)>> {
    let path = request.uri().path();
    let is_respected = request.method() == Method::POST && path.starts_with(BASE);
    if !is_respected || NEVER.contains(&path) {
        return Ok(None);
    }
    let Some(key) = key(request.headers())? else { return Ok(None) };
    let scope = match request.extensions().get::<Identity>() {
        Some(Identity::Known(access)) => scope(access).map(Scope::Known),
        // Nothing was done for a refused request, so there is nothing to repeat.
        Some(Identity::Refused(_)) => None,
        Some(Identity::Nobody) | None => path.starts_with(PUBLIC).then(|| {
            let address = request.extensions().get::<ClientAddress>().copied().unwrap_or_default();
            Scope::Stranger(address.key())
        }),
    };
    Ok(scope.map(|scope| (scope, key)))
}

fn key(headers: &HeaderMap) -> ApiResult<Option<String>> {
    let mut keys = headers.get_all(KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let sane = (1..=LONGEST_KEY).contains(&key.len())
        && key.as_bytes().iter().all(u8::is_ascii_graphic)
        && keys.next().is_none();
    match key.to_str() {
        Ok(key) if sane => Ok(Some(key.to_owned())),
        _ => {
            let detail = "`Idempotency-Key` is one word of 1 to 255 visible ASCII characters";
            Err(ApiError::Malformed(detail.to_owned()))
        }
    }
}

/// Whose keys they are. A suspended member's requests are refused, whatever was answered before.
fn scope(access: &Access) -> Option<String> {
    match (&access.principal, &access.place) {
        (_, Some(WorkspaceAccess { suspended, workspace, .. }))
            if *suspended || workspace.suspended_at.is_some() =>
        {
            None
        }
        (Principal::Key { id, .. }, place) => {
            let may = place.as_ref().map(|place| place.permissions).unwrap_or_default();
            let may: Vec<&str> = may.iter().map(Permission::as_str).collect();
            Some(format!("key:{id}:{}", may.join(" ")))
        }
        (Principal::User { user, .. }, Some(WorkspaceAccess { workspace, role, .. })) => {
            let role = role.map_or("none", |role| role.as_str());
            Some(format!("{}:{}:{role}", person(user), workspace.id))
        }
        (Principal::User { user, .. }, None) => Some(person(user)),
    }
}

/// A platform admin who is none any more is another, too.
fn person(user: &User) -> String {
    format!("{}:{}", if user.is_admin { "admin" } else { "user" }, user.id)
}

async fn once(
    state: AppState,
    scope: Scope,
    key: String,
    request: Request,
    next: Next,
) -> ApiResult<Response> {
    // The door holds the room of the body as long as the client waits; the work here may go on
    // longer.
    let arrival = request.extensions().get::<Arrival>().cloned();
    let (request, hash, place) = body::read(&state, request).await?;
    let claim = scope.claim(key, &hash);
    let first = begin(&state, &claim, &hash).await?;
    let waited = first == KeyedRequest::Running;
    let workspace = body::workspace(request.extensions());
    let begun = if waited { wait::answer(&state, &claim, &hash, workspace).await? } else { first };
    match begun {
        KeyedRequest::Fresh => {}
        KeyedRequest::Done { status, response_sealed } => {
            // The first request may have taken a while.
            identity::still_may(&state, request.extensions()).await?;
            return stored::replay(&state, &claim, status, &response_sealed);
        }
        KeyedRequest::Running => {
            let detail = "the first request with this key is still being processed".to_owned();
            return Err(ApiError::Conflict { code: "idempotency_key_in_use", detail });
        }
        KeyedRequest::Other => {
            let detail = "this key was used for another request";
            return Err(ApiError::Unacceptable { code: "idempotency_key_reused", detail });
        }
    }
    // A task of its own: when the client goes away the handler does not, and its answer waits for
    // the client.
    let work = async move {
        let _held = (place, arrival);
        // Who waited for another request may have lost their access since.
        if waited && let Err(error) = identity::still_may(&state, request.extensions()).await {
            stored::abandon(&state, &claim).await;
            return Ok(error.into_response());
        }
        run(&state, &claim, request, next).await
    };
    match tokio::spawn(work.in_current_span()).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(failed)) | Err(failed) => Err(gone(failed)),
    }
}

/// Claims the key, or says what is known of it.
async fn begin(state: &AppState, claim: &Claim, hash: &str) -> ApiResult<KeyedRequest> {
    let begun = retried(|| async {
        let now = state.clock().now();
        let mut tx = state.db().begin().await?;
        let keys = tx.system().idempotency();
        let begun = keys.begin(&claim.scope, &claim.key, hash, now, STALE).await?;
        tx.commit().await?;
        Ok(begun)
    });
    Ok(begun.await?)
}

/// Runs the handler, and stores its answer or gives the claim back.
async fn run(
    state: &AppState,
    claim: &Claim,
    request: Request,
    next: Next,
) -> Result<Response, JoinError> {
    // Again a task: a handler that panics must not leave the key claimed.
    let work = timeout(LONGEST, next.run(request)).in_current_span();
    match tokio::spawn(work).await {
        Ok(Ok(response)) => Ok(stored::keep(state, claim, response).await),
        Ok(Err(_)) => {
            stored::abandon(state, claim).await;
            Ok(ApiError::Busy(Duration::from_secs(1)).into_response())
        }
        Err(failed) => {
            stored::abandon(state, claim).await;
            Err(failed)
        }
    }
}

/// A panic goes on where it would have been without us.
fn gone(failed: JoinError) -> ApiError {
    match failed.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(cancelled) => cancelled.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&[u8]]) -> Result<Option<String>, ()> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(KEY, HeaderValue::from_bytes(value).unwrap());
        }
        key(&headers).map_err(|_| ())
    }

    #[test]
    fn a_key_is_one_visible_word() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[b"a-1_{}\"~!"]), Ok(Some("a-1_{}\"~!".to_owned())));
        assert!(read(&[&[b'a'; 255]]).is_ok());
        for bad in [&b""[..], b"a b", b"\t", b"a\xff", "é".as_bytes(), &[b'a'; 256]] {
            assert_eq!(read(&[bad]), Err(()), "{bad:?}");
        }
        assert_eq!(read(&[b"a", b"b"]), Err(()));
    }
}
