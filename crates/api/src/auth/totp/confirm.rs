//! `POST /api/v1/auth/totp/confirm`

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::RecoveryCodes;
use crate::{
    auth::{proof, second_factor},
    caller::Account,
    error::{ApiError, ApiResult, Problem},
    input::Body,
    state::AppState,
};

/// The first code.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfirmSecondFactor)]
pub struct Request {
    /// The six digits that the app shows.
    #[garde(length(chars, max = 40))]
    #[schema(example = "123456", max_length = 40)]
    code: String,
}

/// Confirms a second factor with its first code: from now on one is asked for at sign-in.
#[utoipa::path(
    post, path = "/auth/totp/confirm", operation_id = "confirm_second_factor", tag = "auth",
    security(("bearer" = [])), request_body = Request,
    responses(
        (status = 200, description = "the recovery codes", body = RecoveryCodes),
        (status = 409, description = "`second_factor_exists`; `no_second_factor` when none was begun",
            body = Problem),
        (status = 422, description = "`invalid`; `wrong_totp`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.totp.confirm", skip_all)]
pub async fn confirm(
    state: State<AppState>,
    account: Account,
    body: Body<Request>,
) -> ApiResult<Json<RecoveryCodes>> {
    let (State(state), Body(request)) = (state, body);
    let (user, now) = (account.user().id, state.clock().now());
    let digits: String = request.code.chars().filter(|c| !c.is_whitespace()).collect();
    let (recovery_codes, hashes) = second_factor::recovery_codes(state.keys(), user);
    let mut tx = state.db().begin().await?;
    proof::still_signed_in(&mut tx, &account, now).await?;
    let begun = tx.system().second_factors().find(user).await?.ok_or_else(super::missing)?;
    if begun.confirmed_at.is_some() {
        return Err(super::exists());
    }
    let secret = second_factor::open(state.keys(), user, &begun.secret_sealed)?;
    let step = second_factor::step_of(&secret, &digits, now).ok_or(ApiError::Unacceptable {
        code: "wrong_totp",
        detail: "this is not the code of the secret that was begun with; is the clock right?",
    })?;
    if !tx.system().second_factors().confirm(user, step, &hashes, now).await? {
        return Err(super::exists());
    }
    let act = account.act(now, "second_factor.enabled", ("user", user), json!({}));
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}
