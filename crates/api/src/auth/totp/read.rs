//! `GET /api/v1/auth/totp`

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{caller::Account, error::ApiResult, state::AppState};

/// Whether a second factor is asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecondFactorState)]
pub struct Response {
    /// Is a code asked for at sign-in?
    #[schema(example = true)]
    enabled: bool,
    /// How many recovery codes have not been used.
    #[schema(example = 9, minimum = 0)]
    recovery_codes_left: i64,
}

/// Tells whether a second factor is asked for, and how many recovery codes are left.
#[utoipa::path(
    get, path = "/auth/totp", operation_id = "read_second_factor", tag = "auth",
    security(("bearer" = [])),
    responses((status = 200, description = "the second factor", body = Response))
)]
#[tracing::instrument(name = "api.auth.totp.read", skip_all)]
pub async fn read(state: State<AppState>, account: Account) -> ApiResult<Json<Response>> {
    let State(state) = state;
    let user = account.user();
    let mut tx = state.db().read().await?;
    let recovery_codes_left = tx.system().second_factors().recovery_codes_left(user.id).await?;
    Ok(Json(Response { enabled: user.second_factor, recovery_codes_left }))
}
