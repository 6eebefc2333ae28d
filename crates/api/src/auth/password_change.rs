//! `POST /api/v1/auth/password/change`

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{
    mail::{Letter, Mail},
    user::check_password,
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::proof;
use crate::{
    caller::Account,
    error::{ApiError, ApiResult, Problem},
    input::Body,
    post,
    state::AppState,
};

/// The old password and the new one.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangePassword)]
pub struct Request {
    /// The password as it is now.
    #[garde(length(chars, max = 128))]
    #[schema(example = "green lantern 7", max_length = 128)]
    current_password: String,
    /// What it will be: another one, of 8 to 128 characters, with a letter and a digit, and not among the most common.
    #[garde(length(chars, max = 128))]
    #[schema(example = "blue lantern 8", min_length = 8, max_length = 128)]
    new_password: String,
}

/// Changes the password, and ends all other sessions.
#[utoipa::path(
    post, path = "/auth/password/change", operation_id = "change_password", tag = "auth",
    security(("bearer" = [])), request_body = Request,
    responses(
        (status = 204, description = "the new password holds; other devices are signed out"),
        (status = 403, description = "`wrong_password`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.password_change", skip_all)]
pub async fn change_password(
    state: State<AppState>,
    account: Account,
    body: Body<Request>,
) -> ApiResult<StatusCode> {
    let (State(state), Body(request)) = (state, body);
    let field = "new_password";
    check_password(&request.new_password)
        .map_err(|weak| ApiError::field(field, weak.to_string()))?;
    if request.new_password == request.current_password {
        return Err(ApiError::field(field, "is the password that you have already"));
    }
    proof::by_password(&state, &account, request.current_password).await?;
    let hash = state.passwords.hash(request.new_password).await?;
    let (user, now) = (account.user(), state.clock().now());
    let letter = Letter::PasswordChanged;
    let mail = Mail { to: user.email.clone(), language: user.language, letter };
    let tells = post::may_tell(&state, &mail).await;

    let mut tx = state.db().begin().await?;
    proof::still_signed_in(&mut tx, &account, now).await?;
    tx.system().users().set_password(user.id, &hash).await?;
    tx.system().sessions().revoke_all(user.id, Some(account.session), now).await?;
    if tells {
        post::queue(&state, &mut tx, &mail).await?;
    }
    let act = account.act(now, "password.changed", ("user", user.id), json!({}));
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
