//! `POST /api/v1/auth/password/change`, `forgot` and `reset`

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use replyx_accounts::{Device, passwords};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    caller::Account,
    error::{ApiResult, Problem},
    input::Body,
    state::AppState,
};

/// The old password and the new one.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangePassword)]
pub struct ChangeRequest {
    /// The current password.
    #[garde(length(chars, max = 128))]
    #[schema(example = "green lantern 7", max_length = 128)]
    current_password: String,
    /// The new password: 8 to 128 characters, with a letter and a digit, and not among the most
    /// common.
    #[garde(length(chars, max = 128))]
    #[schema(example = "blue lantern 8", min_length = 8, max_length = 128)]
    new_password: String,
}

/// Changes the password and ends all other sessions.
#[utoipa::path(
    post, path = "/auth/password/change", operation_id = "change_password", tag = "auth",
    request_body = ChangeRequest,
    responses(
        (status = 204, description = "the password is changed; other sessions have ended"),
        (status = 403, description = "`wrong_password`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.password_change", skip_all)]
pub async fn change_password(
    State(state): State<AppState>,
    account: Account,
    Body(request): Body<ChangeRequest>,
) -> ApiResult<StatusCode> {
    let ChangeRequest { current_password, new_password } = request;
    passwords::change(&state.accounts, &account, current_password, new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The account of somebody who cannot sign in.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ForgotPassword)]
pub struct ForgotRequest {
    /// The e-mail address of the account.
    #[garde(length(chars, max = 254))]
    #[schema(example = "owner@example.org", max_length = 254)]
    email: String,
}

/// Mails a link to set a new password; it can be used once, within an hour. Earlier links become
/// invalid.
///
/// The response does not reveal whether the account exists or has received too many of these mails.
#[utoipa::path(
    post, path = "/auth/password/forgot", operation_id = "forgot_password", tag = "auth",
    request_body = ForgotRequest,
    responses((status = 202, description = "if there is such an account, a link is on its way"))
)]
#[tracing::instrument(name = "api.auth.password_forgot", skip_all)]
pub async fn forgot_password(
    State(state): State<AppState>,
    device: Device,
    Body(request): Body<ForgotRequest>,
) -> ApiResult<StatusCode> {
    passwords::forgot(&state.accounts, &device, &request.email).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The token of a mailed link, and the new password.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ResetPassword)]
pub struct ResetRequest {
    /// The part after `#token=` of the link.
    #[garde(length(chars, max = 200))]
    #[schema(
        example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        max_length = 200
    )]
    token: String,
    /// The new password: 8 to 128 characters, with a letter and a digit, and not among the most
    /// common.
    #[garde(length(chars, max = 128))]
    #[schema(example = "blue lantern 8", min_length = 8, max_length = 128)]
    new_password: String,
}

/// Sets a new password with the mailed link, and ends all sessions. A second factor is kept.
///
/// The response is the same whether a link is unknown, used or expired.
#[utoipa::path(
    post, path = "/auth/password/reset", operation_id = "reset_password", tag = "auth",
    request_body = ResetRequest,
    responses(
        (status = 204, description = "the password is changed; all sessions have ended"),
        (status = 422, description = "`invalid`; `wrong_token`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.password_reset", skip_all)]
pub async fn reset_password(
    State(state): State<AppState>,
    device: Device,
    Body(request): Body<ResetRequest>,
) -> ApiResult<StatusCode> {
    let ResetRequest { token, new_password } = request;
    passwords::reset(&state.accounts, &device, &token, new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}
