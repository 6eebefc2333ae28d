//! `POST /api/v1/auth/refresh`

use std::time::Duration;

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::{
    audit::Outcome,
    ids::WorkspaceId,
    role::Role,
    secret::sha256_hex,
    session::{Rotation, Session},
    setting,
};
use replyx_storage::Tx;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::sign_in::{Device, Opened, Tokens, successor};
use crate::{
    cookies::{self, SetCookies},
    csrf,
    error::{ApiError, ApiResult, Problem},
    input::Body,
    state::AppState,
};

/// How long after its use a refresh token is exchanged again, for the same successor: the answer may have been lost.
const GRACE: Duration = Duration::from_secs(10);

/// What is exchanged.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RefreshTokens, example = json!({"refresh_token": "rx_refresh_2FfYbE0mD3wq1qJ9rT5uW7xZ8aB4cD6eF0gH2iJ4kL8"}))]
pub struct Request {
    /// The newest refresh token of the session. Left out, that of the cookie is taken, and new cookies are set.
    #[garde(length(chars, max = 2_000))]
    #[schema(
        example = "rx_refresh_2FfYbE0mD3wq1qJ9rT5uW7xZ8aB4cD6eF0gH2iJ4kL8",
        max_length = 2_000
    )]
    refresh_token: Option<String>,
    /// The workspace in which the new access token acts; unless given, the oldest of the user's that lets them.
    #[garde(skip)]
    workspace_id: Option<Uuid>,
    /// Set cookies for a browser instead of giving the tokens.
    #[serde(default)]
    #[garde(skip)]
    #[schema(example = false)]
    cookies: bool,
}

/// Exchanges a refresh token for new tokens.
///
/// Each is good once. For 10 seconds a repeated exchange answers with the same refresh token, because the first answer
/// may have been lost; so a session has one chain of tokens. A token that comes back later ends the session, because one
/// of its two users is a thief.
#[utoipa::path(
    post, path = "/auth/refresh", operation_id = "refresh_tokens", tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "the new tokens", body = Tokens),
        (status = 401, description = "`unauthenticated`; `refresh_reused` when it had been exchanged before",
            body = Problem),
        (status = 403, description = "`csrf_failed` when the cookie was not sent by a page of ours", body = Problem),
        (status = 404, description = "`not_found`: you are no member of this workspace", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.refresh", skip_all)]
pub async fn refresh(
    state: State<AppState>,
    device: Device,
    body: Body<Request>,
) -> ApiResult<(SetCookies, Json<Tokens>)> {
    let (State(state), Body(request)) = (state, body);
    let by_cookie = request.refresh_token.is_none();
    let (old, csrf) = if let Some(token) = &request.refresh_token {
        device.check_cookies(&state, request.cookies)?;
        (token.as_str(), None)
    } else {
        let old = cookies::read(device.headers(), cookies::REFRESH);
        let old = old.ok_or(ApiError::Unauthenticated)?;
        (old, Some(csrf::shown(&state, device.headers())?))
    };
    let (new, hash) = successor(state.keys(), old);
    let now = state.clock().now();
    let lifetime = state.tuning.days(setting::SESSION_DAYS);
    let old = sha256_hex(old.as_bytes());
    let mut tx = state.db().begin().await?;
    let rotation = tx.system().sessions().rotate(&old, &hash, now, GRACE, lifetime).await?;
    // What was done for a request that no page of ours sent is undone with its transaction.
    let meant = |session: &Session| csrf.is_none_or(|token| csrf::is_of(&state, token, session.id));
    let session = match rotation {
        Rotation::Renewed(session) if meant(&session) => session,
        Rotation::Reused(session) if meant(&session) => {
            return Err(end(&state, tx, &device, &session).await?);
        }
        Rotation::Renewed(_) | Rotation::Reused(_) => return Err(ApiError::Csrf),
        Rotation::Unknown => return Err(ApiError::Unauthenticated),
    };
    let asked = request.workspace_id.map(WorkspaceId::from);
    let place = access(&mut tx, &session, asked, &state).await?;
    tx.commit().await?;
    let opened = Opened::of(&session, place, new, lifetime);
    let csrf = csrf.map(str::to_owned);
    let (cookies, tokens) = opened.hand_out(&state, by_cookie || request.cookies, csrf)?;
    Ok((cookies, Json(tokens)))
}

/// Where the next access token of a session acts.
async fn access(
    tx: &mut Tx,
    session: &Session,
    asked: Option<WorkspaceId>,
    state: &AppState,
) -> ApiResult<Option<(WorkspaceId, Role)>> {
    let now = state.clock().now();
    let access = tx.system().sessions().access(session.id, asked, now).await?;
    let access = access.ok_or(ApiError::Unauthenticated)?;
    if asked.is_some() && access.place.is_none() {
        return Err(ApiError::NotFound("workspace"));
    }
    Ok(access.place.and_then(|place| Some((place.workspace.id, place.role?))))
}

/// Makes the end of a session last whose token came back, and says so.
async fn end(
    state: &AppState,
    mut tx: Tx,
    device: &Device,
    session: &Session,
) -> ApiResult<ApiError> {
    let user = tx.system().users().find(session.user_id).await?;
    let details = json!({"session": session.id.to_string()});
    let now = state.clock().now();
    let act = device.act(now, "session.reuse_detected", user.as_ref(), Outcome::Refused, details);
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    let detail = "this refresh token had been used before; sign in again";
    Ok(ApiError::SignIn { code: "refresh_reused", detail })
}
