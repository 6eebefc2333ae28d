//! `POST /api/v1/auth/password/reset`

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{
    audit::Outcome,
    mail::{Letter, Mail},
    secret::sha256_hex,
    user::check_password,
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{proof, sign_in::Device};
use crate::{
    error::{ApiError, ApiResult, Problem},
    input::Body,
    post,
    state::AppState,
};

/// The token of a mailed link, and the new password.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ResetPassword)]
pub struct Request {
    /// What stands behind `#token=` in the link.
    #[garde(length(chars, max = 200))]
    #[schema(
        example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        max_length = 200
    )]
    token: String,
    /// The new password: 8 to 128 characters, with a letter and a digit, and not among the most common.
    #[garde(length(chars, max = 128))]
    #[schema(example = "blue lantern 8", min_length = 8, max_length = 128)]
    new_password: String,
}

const fn wrong_token() -> ApiError {
    ApiError::Unacceptable {
        code: "wrong_token",
        detail: "the link is wrong, was used, or has ended; ask for a new one",
    }
}

/// Sets a new password with a link that was mailed, and ends all sessions. A second factor stays.
///
/// Whether a link is unknown, was used or has ended, the answer is the same.
#[utoipa::path(
    post, path = "/auth/password/reset", operation_id = "reset_password", tag = "auth",
    request_body = Request,
    responses(
        (status = 204, description = "the new password holds; all devices are signed out"),
        (status = 422, description = "`invalid`; `wrong_token`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.password_reset", skip_all)]
pub async fn reset_password(
    state: State<AppState>,
    device: Device,
    body: Body<Request>,
) -> ApiResult<StatusCode> {
    let (State(state), Body(request)) = (state, body);
    check_password(&request.new_password)
        .map_err(|weak| ApiError::field("new_password", weak.to_string()))?;
    // What is no token of ours does not get a hash computed.
    let is_ours = request.token.len() == 64 && request.token.bytes().all(|c| c.is_ascii_hexdigit());
    if !is_ours {
        return Err(wrong_token());
    }
    let hash = state.passwords.hash(request.new_password).await?;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let token = sha256_hex(request.token.as_bytes());
    let owner = tx.system().password_resets().take(&token, now).await?;
    let owner = owner.ok_or_else(wrong_token)?;
    let user = tx.system().users().lock(owner).await?.ok_or_else(wrong_token)?;
    tx.system().users().set_password(user.id, &hash).await?;
    tx.system().sessions().revoke_all(user.id, None, now).await?;
    for count in [sha256_hex(user.email.as_bytes()), proof::password_count(user.id)] {
        tx.system().login_attempts().clear(&count).await?;
    }
    let letter = Letter::PasswordChanged;
    let mail = Mail { to: user.email.clone(), language: user.language, letter };
    post::queue(&state, &mut tx, &mail).await?;
    let act = device.act(now, "password.reset", Some(&user), Outcome::Done, json!({}));
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
