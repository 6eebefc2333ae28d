//! Recognises who calls, once for each request, before limits and handlers look.
//!
//! A caller shows an access token or an API key in `Authorization: Bearer`, a key in `X-API-Key`, or an access token in
//! a cookie. Only the cookie comes by itself when a stranger's page sends a request, so only with it a change needs
//! proof that it was meant ([`csrf`]).

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::Response,
};
use replyx_core::{
    ids::WorkspaceId,
    secret::sha256_hex,
    session::{Access, Actor},
};

use crate::{
    access::Credential,
    cookies, csrf,
    error::{ApiError, ApiResult},
    state::AppState,
};

/// What an API key begins with.
pub const KEY_PREFIX: &str = "rx_live_";
/// Names the workspace to act in.
pub const WORKSPACE: &str = "x-workspace";

/// Who calls, as far as the request tells. Stands in the extensions of every request to the API.
#[derive(Clone, Debug)]
pub enum Identity {
    /// No credentials were shown.
    Nobody,
    /// What was shown is not good; an operation that needs a caller answers with this.
    Refused(Arc<ApiError>),
    /// Somebody.
    Known(Arc<Access>),
}

/// Puts the [`Identity`] into the extensions.
pub(crate) async fn find(state: State<AppState>, request: Request, next: Next) -> Response {
    let State(state) = state;
    let (mut parts, body) = request.into_parts();
    let identity = match recognise(&state, &parts).await {
        Ok(None) => Identity::Nobody,
        Ok(Some(access)) => Identity::Known(access),
        Err(error) => Identity::Refused(Arc::new(error)),
    };
    parts.extensions.insert(identity);
    next.run(Request::from_parts(parts, body)).await
}

/// Where a credential was shown.
enum Shown<'r> {
    Token(&'r str),
    Key(&'r str),
    Cookie(&'r str),
}

async fn recognise(state: &AppState, parts: &Parts) -> ApiResult<Option<Arc<Access>>> {
    let Some(shown) = shown(&parts.headers)? else { return Ok(None) };
    let asked = asked_workspace(&parts.headers)?;
    let access = match shown {
        Shown::Token(token) => of_token(state, token, asked).await?,
        Shown::Key(key) => of_key(state, key, asked).await?,
        Shown::Cookie(token) => {
            let access = of_token(state, token, asked).await?;
            if !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
                csrf::check(state, &parts.headers, &access)?;
            }
            access
        }
    };
    Ok(Some(access))
}

fn shown(headers: &HeaderMap) -> ApiResult<Option<Shown<'_>>> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, secret) = value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .ok_or(ApiError::Unauthenticated)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ApiError::Unauthenticated);
        }
        let secret = secret.trim();
        let is_key = secret.starts_with(KEY_PREFIX);
        return Ok(Some(if is_key { Shown::Key(secret) } else { Shown::Token(secret) }));
    }
    if let Some(value) = headers.get("x-api-key") {
        let key = value.to_str().map_err(|_| ApiError::Unauthenticated)?;
        return Ok(Some(Shown::Key(key.trim())));
    }
    Ok(cookies::read(headers, cookies::ACCESS).map(Shown::Cookie))
}

fn asked_workspace(headers: &HeaderMap) -> ApiResult<Option<WorkspaceId>> {
    let Some(value) = headers.get(WORKSPACE) else { return Ok(None) };
    let id = value.to_str().ok().and_then(|value| value.parse().ok());
    id.map(Some).ok_or_else(|| ApiError::Malformed("`X-Workspace` is not an id".to_owned()))
}

async fn of_token(
    state: &AppState,
    token: &str,
    asked: Option<WorkspaceId>,
) -> ApiResult<Arc<Access>> {
    let claims = state.tokens.check(token)?;
    let credential = Credential::Session(claims.sid, asked.or(claims.wid));
    let now = state.clock().now();
    let access = state.accesses.of(state.db(), credential, now).await?;
    let access = access.ok_or(ApiError::Unauthenticated)?;
    match &access.actor {
        Actor::User { user, .. } if user.id == claims.sub => Ok(access),
        _ => Err(ApiError::Unauthenticated),
    }
}

async fn of_key(state: &AppState, key: &str, asked: Option<WorkspaceId>) -> ApiResult<Arc<Access>> {
    if !key.starts_with(KEY_PREFIX) || key.len() > 100 {
        return Err(ApiError::Unauthenticated);
    }
    let credential = Credential::Key(sha256_hex(key.as_bytes()));
    let access = state.accesses.of(state.db(), credential, state.clock().now()).await?;
    let access = access.ok_or(ApiError::Unauthenticated)?;
    let place = access.place.as_ref().map(|place| place.workspace.id);
    if asked.is_some_and(|asked| Some(asked) != place) {
        return Err(ApiError::NotFound("workspace"));
    }
    Ok(access)
}
