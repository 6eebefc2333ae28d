//! `POST /api/v1/auth/totp/recovery-codes`

use axum::{Json, extract::State};
use serde_json::json;

use super::{PasswordProof, RecoveryCodes};
use crate::{
    auth::{proof, second_factor},
    caller::Account,
    error::{ApiResult, Problem},
    input::Body,
    state::AppState,
};

/// Makes new recovery codes. All earlier ones are good no more.
#[utoipa::path(
    post, path = "/auth/totp/recovery-codes", operation_id = "replace_recovery_codes", tag = "auth",
    security(("bearer" = [])), request_body = PasswordProof,
    responses(
        (status = 200, description = "the new codes", body = RecoveryCodes),
        (status = 403, description = "`wrong_password`", body = Problem),
        (status = 409, description = "`no_second_factor`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.totp.recovery_codes", skip_all)]
pub async fn recovery_codes(
    state: State<AppState>,
    account: Account,
    body: Body<PasswordProof>,
) -> ApiResult<Json<RecoveryCodes>> {
    let (State(state), Body(request)) = (state, body);
    proof::by_password(&state, &account, request.password).await?;
    let (user, now) = (account.user().id, state.clock().now());
    let (recovery_codes, hashes) = second_factor::recovery_codes(state.keys(), user);
    let mut tx = state.db().begin().await?;
    proof::still_signed_in(&mut tx, &account, now).await?;
    let found = tx.system().second_factors().find(user).await?;
    if found.is_none_or(|found| found.confirmed_at.is_none()) {
        return Err(super::missing());
    }
    tx.system().second_factors().replace_recovery_codes(user, &hashes).await?;
    let act = account.act(now, "second_factor.recovery_codes_replaced", ("user", user), json!({}));
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}
