//! `POST /api/v1/auth/login` and `POST /api/v1/auth/logout`

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use garde::Validate;
use replyx_accounts::{
    Device, sessions,
    sign_in::{self, Credentials},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::sign_in::{TokenDelivery, Tokens, hand_out};
use crate::{
    caller::Account,
    cookies::SetCookies,
    error::{ApiResult, Problem},
    input::Body,
    state::AppState,
};

/// The credentials.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LoginUser)]
pub struct Request {
    /// The e-mail address of the account.
    #[garde(length(chars, max = 254))]
    #[schema(example = "owner@example.org", max_length = 254)]
    email: String,
    /// Its password.
    #[garde(length(chars, max = 128))]
    #[schema(example = "green lantern 7", max_length = 128)]
    password: String,
    /// The code that the second factor shows, or a recovery code; only for accounts that have one.
    #[garde(length(chars, max = 40))]
    #[schema(example = "123456", max_length = 40)]
    totp: Option<String>,
    /// Set cookies for a browser instead of giving the tokens.
    #[serde(default)]
    #[garde(skip)]
    #[schema(example = false)]
    cookies: bool,
}

/// Signs in with an e-mail address and a password.
#[utoipa::path(
    post, path = "/auth/login", operation_id = "login_user", tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "the tokens of the session", body = Tokens),
        (status = 401, description = "`wrong_credentials`; `totp_required` when the password is right and a second \
            factor is asked for, `wrong_totp` when its code is wrong", body = Problem),
        (status = 403, description = "`account_blocked`; `csrf_failed` when a page that is not ours wants cookies",
            body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.login", skip_all)]
pub async fn login(
    State(state): State<AppState>,
    device: Device,
    headers: HeaderMap,
    Body(request): Body<Request>,
) -> ApiResult<(SetCookies, Json<Tokens>)> {
    let delivery = TokenDelivery::asked(&state, &headers, request.cookies)?;
    let Request { email, password, totp, .. } = request;
    let shown = Credentials { email, password, code: totp };

    let session = sign_in::sign_in(&state.accounts, &device, shown).await?;
    let (cookies, tokens) = hand_out(&state, session, delivery, None)?;
    Ok((cookies, Json(tokens)))
}

/// Signs out: revokes the session's tokens and deletes its cookies.
#[utoipa::path(
    post, path = "/auth/logout", operation_id = "logout_user", tag = "auth",
    responses((status = 204, description = "you are signed out"))
)]
#[tracing::instrument(name = "api.auth.logout", skip_all)]
pub async fn logout(
    State(state): State<AppState>,
    account: Account,
) -> ApiResult<(StatusCode, SetCookies)> {
    sessions::close(&state.accounts, &account).await?;
    Ok((StatusCode::NO_CONTENT, SetCookies::cleared()))
}
