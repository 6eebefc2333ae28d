//! `POST /api/v1/auth/refresh`

use axum::{Json, extract::State, http::HeaderMap};
use garde::Validate;
use replyx_accounts::{Device, sessions};
use replyx_core::ids::WorkspaceId;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::sign_in::{TokenDelivery, Tokens, hand_out};
use crate::{
    cookies::{self, SetCookies},
    csrf,
    error::{ApiError, ApiResult, Problem},
    input::Body,
    state::AppState,
};

/// What is exchanged.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RefreshTokens, example = json!({"refresh_token": "rx_refresh_2FfYbE0mD3wq1qJ9rT5uW7xZ8aB4cD6eF0gH2iJ4kL8"}))]
pub struct Request {
    /// The newest refresh token of the session. Left out, that of the cookie is taken, and new
    /// cookies are set.
    #[garde(length(chars, max = 2_000))]
    #[schema(
        example = "rx_refresh_2FfYbE0mD3wq1qJ9rT5uW7xZ8aB4cD6eF0gH2iJ4kL8",
        max_length = 2_000
    )]
    refresh_token: Option<String>,
    /// The workspace in which the new access token acts; unless given, the oldest of the user's
    /// that lets them.
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
/// Each token can be used once. A repeat within 10 seconds returns the same refresh token, because
/// the first response may have been lost, so a session has one chain of tokens. A token that is
/// reused later ends the session, because it must have been stolen.
#[utoipa::path(
    post, path = "/auth/refresh", operation_id = "refresh_tokens", tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "the new tokens", body = Tokens),
        (status = 401, description = "`unauthenticated`; `refresh_reused` when it had been exchanged before",
            body = Problem),
        (status = 403, description = "`csrf_failed` when the cookie was not sent by one of our pages", body = Problem),
        (status = 404, description = "`not_found`: you are not a member of this workspace", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.refresh", skip_all)]
pub async fn refresh(
    State(state): State<AppState>,
    device: Device,
    headers: HeaderMap,
    Body(request): Body<Request>,
) -> ApiResult<(SetCookies, Json<Tokens>)> {
    let workspace = request.workspace_id.map(WorkspaceId::from);
    let Some(token) = &request.refresh_token else {
        return refresh_cookie(&state, &device, &headers, workspace).await;
    };
    let delivery = TokenDelivery::asked(&state, &headers, request.cookies)?;

    let session = sessions::refresh(&state.accounts, &device, token, workspace, |_| true).await?;
    let (cookies, tokens) = hand_out(&state, session, delivery, None)?;
    Ok((cookies, Json(tokens)))
}

/// Exchanges the refresh token of the cookie, and sets new cookies. A browser sends the cookie by
/// itself, so the request has to prove that one of our pages meant it.
async fn refresh_cookie(
    state: &AppState,
    device: &Device,
    headers: &HeaderMap,
    workspace: Option<WorkspaceId>,
) -> ApiResult<(SetCookies, Json<Tokens>)> {
    let token = cookies::read(headers, cookies::REFRESH).ok_or(ApiError::Unauthenticated)?;
    let csrf = csrf::shown(state, headers)?;
    let meant = |session| csrf::is_of(state, csrf, session);

    let session = sessions::refresh(&state.accounts, device, token, workspace, meant).await?;
    let (cookies, tokens) =
        hand_out(state, session, TokenDelivery::Cookies, Some(csrf.to_owned()))?;
    Ok((cookies, Json(tokens)))
}
