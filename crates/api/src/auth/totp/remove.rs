//! `DELETE /api/v1/auth/totp`

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    auth::proof,
    caller::Account,
    error::{ApiResult, Problem},
    input::Body,
    state::AppState,
};

/// Proof that it is the person who asks.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RemoveSecondFactor)]
pub struct Request {
    /// The password.
    #[garde(length(chars, max = 128))]
    #[schema(example = "green lantern 7", max_length = 128)]
    password: String,
    /// The code that the app shows, or a recovery code.
    #[garde(length(chars, max = 40))]
    #[schema(example = "123456", max_length = 40)]
    code: String,
}

/// Removes the second factor with its recovery codes: the password is enough to sign in.
#[utoipa::path(
    delete, path = "/auth/totp", operation_id = "remove_second_factor", tag = "auth",
    security(("bearer" = [])), request_body = Request,
    responses(
        (status = 204, description = "it is gone"),
        (status = 403, description = "`wrong_password`, `wrong_totp`", body = Problem),
        (status = 409, description = "`no_second_factor`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.totp.remove", skip_all)]
pub async fn remove(
    state: State<AppState>,
    account: Account,
    body: Body<Request>,
) -> ApiResult<StatusCode> {
    let (State(state), Body(request)) = (state, body);
    proof::by_password(&state, &account, request.password).await?;
    if !account.user().second_factor {
        return Err(super::missing());
    }
    proof::by_code(&state, &account, Some(&request.code)).await?;
    let (user, now) = (account.user().id, state.clock().now());
    let mut tx = state.db().begin().await?;
    proof::still_signed_in(&mut tx, &account, now).await?;
    if !tx.system().second_factors().remove(user).await? {
        return Err(super::missing());
    }
    let act = account.act(now, "second_factor.removed", ("user", user), json!({}));
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
