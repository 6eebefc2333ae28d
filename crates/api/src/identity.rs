//! Recognises who calls, once for each request, before limits and handlers look.
//!
//! A caller shows an access token or an API key in `Authorization: Bearer`, a key in `X-API-Key`,
//! or an access token in a cookie. Only the cookie comes by itself when a stranger's page sends a
//! request, so only with it a change needs proof that it was meant ([`csrf`]).

mod body;

use std::sync::Arc;

use axum::{
    body::HttpBody,
    extract::{Request, State},
    http::{Extensions, HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use replyx_accounts::keys;
use replyx_core::{
    ids::WorkspaceId,
    secret::sha256_hex,
    session::{Access, Principal},
    setting,
};

use crate::{
    access::Credential,
    address::ClientAddress,
    cookies, csrf,
    error::{ApiError, ApiResult},
    guesses::Guess,
    state::AppState,
};

/// Where callers are recognised.
const API: &str = "/api/v1/";
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

/// What was shown, beside what it gives access to: what outlives its request (a stream) looks at it
/// again.
#[derive(Clone, Debug)]
pub struct Pass {
    /// By what the caller was recognised.
    pub credential: Credential,
    /// When an access token ends.
    pub until: Option<DateTime<Utc>>,
}

/// Puts the [`Identity`] into the extensions, and the [`Pass`] of somebody. What somebody sends is
/// taken as long as they may send it.
pub(crate) async fn find(state: State<AppState>, request: Request, next: Next) -> Response {
    let State(state) = state;
    if !request.uri().path().starts_with(API) {
        // Nothing else asks who calls, so a stranger cannot have it looked up there.
        return next.run(request).await;
    }
    let (mut parts, mut body) = request.into_parts();
    let mut lost = body::Lost::default();
    let identity = match recognise(&state, &parts).await {
        Ok(None) => Identity::Nobody,
        Ok(Some((access, pass))) => {
            parts.extensions.insert(pass.clone());
            if body.size_hint().upper() != Some(0) {
                (body, lost) = body::guarded(state.clone(), Arc::clone(&access), pass, body);
            }
            Identity::Known(access)
        }
        Err(error) => Identity::Refused(Arc::new(error)),
    };
    parts.extensions.insert(identity);
    let response = next.run(Request::from_parts(parts, body)).await;
    // Whatever the handler made of a body that broke off.
    lost.get().map_or(response, |error| error.again().into_response())
}

/// Looks again whether who sent a request may do all that they might when it came.
///
/// # Errors
///
/// 401 when they have no access any more, 403 when they have less.
pub(crate) async fn still_may(state: &AppState, extensions: &Extensions) -> ApiResult<()> {
    match (extensions.get::<Identity>(), extensions.get::<Pass>()) {
        (Some(Identity::Known(before)), Some(pass)) => body::still_may(state, before, pass).await,
        _ => Ok(()),
    }
}

/// Where a credential was shown.
enum Shown<'r> {
    Token(&'r str),
    Key(&'r str),
    Cookie(&'r str),
}

/// Somebody, and by what they were recognised.
type Recognised = (Arc<Access>, Pass);

async fn recognise(state: &AppState, parts: &Parts) -> ApiResult<Option<Recognised>> {
    let Some(shown) = shown(&parts.headers)? else { return Ok(None) };
    let asked = asked_workspace(&parts.headers)?;
    let address = parts.extensions.get::<ClientAddress>().copied().unwrap_or_default();
    let recognised = match shown {
        Shown::Token(token) => of_token(state, token, asked, address).await?,
        Shown::Key(key) => of_key(state, key, asked, address).await?,
        Shown::Cookie(token) => {
            let recognised = of_token(state, token, asked, address).await?;
            if !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
                csrf::check(state, &parts.headers, &recognised.0)?;
            }
            recognised
        }
    };
    Ok(Some(recognised))
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
        let is_key = secret.starts_with(keys::PREFIX);
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
    address: ClientAddress,
) -> ApiResult<Recognised> {
    let claims = state.accounts.tokens.check(token)?;
    let workspace = asked.or(claims.wid);
    // Nobody guesses what we have signed; which workspace is asked for beside it anybody may make
    // up.
    let origin = if workspace == claims.wid { Origin::Signed } else { Origin::Claimed };
    let credential = Credential::Session(claims.sid, workspace);
    let access = look_up(state, credential.clone(), origin, address).await?;
    match &access.principal {
        Principal::User { user, .. } if user.id == claims.sub => {
            Ok((access, Pass { credential, until: claims.ends_at() }))
        }
        _ => Err(ApiError::Unauthenticated),
    }
}

/// Where a credential comes from, as far as can be told without the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// We have signed it.
    Signed,
    /// Anybody may have made it up.
    Claimed,
}

/// Asks the database for a credential, unless it is known to be bad or its address has guessed too
/// often.
async fn look_up(
    state: &AppState,
    credential: Credential,
    origin: Origin,
    address: ClientAddress,
) -> ApiResult<Arc<Access>> {
    let what = match &credential {
        Credential::Session(session, workspace) => {
            let workspace = workspace.map(|workspace| workspace.to_string()).unwrap_or_default();
            format!("{session}:{workspace}")
        }
        Credential::Key(hash) => hash.clone(),
    };
    let whose = address.key();
    let rate = state.tuning.rate(setting::RATE_ADDRESS).into();
    let generation = state.accesses.generation();
    match state.guesses.may_look_up(&what, &whose, rate, generation) {
        Guess::Bad => return Err(ApiError::Unauthenticated),
        Guess::Wait(wait) if origin == Origin::Claimed => {
            metrics::counter!("rate_limited_total", "limit" => "guesses").increment(1);
            return Err(ApiError::TooManyRequests(wait.into()));
        }
        Guess::Wait(_) if state.guesses.is_bad(&what, generation) => {
            return Err(ApiError::Unauthenticated);
        }
        Guess::Wait(_) | Guess::Open => {}
    }
    let found = state.accesses.of(state.db(), credential.clone(), state.clock().now()).await?;
    let Some(access) = found else {
        state.guesses.missed(what, &whose, rate, generation);
        return Err(ApiError::Unauthenticated);
    };
    let made_up = origin == Origin::Claimed
        && access.place.is_none()
        && matches!(credential, Credential::Session(_, Some(_)));
    if made_up {
        // The session is good, so it is not known as bad; but ids of workspaces can be made up
        // without end.
        state.guesses.count(&whose, rate);
    } else {
        state.guesses.found(what);
    }
    Ok(access)
}

async fn of_key(
    state: &AppState,
    key: &str,
    asked: Option<WorkspaceId>,
    address: ClientAddress,
) -> ApiResult<Recognised> {
    if !keys::is_key(key) {
        return Err(ApiError::Unauthenticated);
    }
    let credential = Credential::Key(sha256_hex(key.as_bytes()));
    let access = look_up(state, credential.clone(), Origin::Claimed, address).await?;
    let place = access.place.as_ref().map(|place| place.workspace.id);
    if asked.is_some_and(|asked| Some(asked) != place) {
        return Err(ApiError::NotFound("workspace"));
    }
    Ok((access, Pass { credential, until: None }))
}
