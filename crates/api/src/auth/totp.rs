//! `/api/v1/auth/totp`: setting the second factor up, and taking it away.

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_accounts::second_factor;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    caller::Account,
    error::{ApiResult, Problem},
    input::Body,
    state::AppState,
};

/// Proof of identity.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProvePassword)]
pub struct PasswordProof {
    /// The password.
    #[garde(length(chars, max = 128))]
    #[schema(example = "green lantern 7", max_length = 128)]
    password: String,
}

/// Recovery codes, for use if the device is lost. They are shown once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewRecoveryCodes)]
pub struct RecoveryCodes {
    /// Ten codes; each can be used once instead of the six digits.
    #[schema(example = json!(["k3vq-8m2x-p0zt", "7hcd-w9ra-4jne"]))]
    recovery_codes: Vec<String>,
}

/// Whether a second factor is asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecondFactorState)]
pub struct StateResponse {
    /// Whether a code is required at sign-in.
    #[schema(example = true)]
    enabled: bool,
    /// How many recovery codes have not been used.
    #[schema(example = 9, minimum = 0)]
    recovery_codes_left: i64,
}

/// Shows whether a second factor is enabled, and how many recovery codes are left.
#[utoipa::path(
    get, path = "/auth/totp", operation_id = "read_second_factor", tag = "auth",
    responses((status = 200, description = "the second factor", body = StateResponse))
)]
#[tracing::instrument(name = "api.auth.totp.read", skip_all)]
pub async fn read(
    State(state): State<AppState>,
    account: Account,
) -> ApiResult<Json<StateResponse>> {
    let found = second_factor::read(&state.accounts, &account).await?;
    let recovery_codes_left = found.recovery_codes_left;
    Ok(Json(StateResponse { enabled: found.enabled, recovery_codes_left }))
}

/// The secret for an authenticator app. It is shown once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BegunSecondFactor)]
pub struct BegunResponse {
    /// The secret in base 32, to be typed.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// The secret as a URI, for a QR code.
    #[schema(
        example = "otpauth://totp/ReplyX:owner%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ReplyX"
    )]
    uri: String,
}

/// Starts setting up a second factor: creates a secret, to be confirmed with its first code.
///
/// Until then it is not required at sign-in, and starting again creates another secret.
#[utoipa::path(
    post, path = "/auth/totp", operation_id = "begin_second_factor", tag = "auth",
    request_body = PasswordProof,
    responses(
        (status = 200, description = "the secret", body = BegunResponse),
        (status = 403, description = "`wrong_password`", body = Problem),
        (status = 409, description = "`second_factor_exists`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.totp.begin", skip_all)]
pub async fn begin(
    State(state): State<AppState>,
    account: Account,
    Body(request): Body<PasswordProof>,
) -> ApiResult<Json<BegunResponse>> {
    let begun = second_factor::begin(&state.accounts, &account, request.password).await?;
    let secret = begun.secret.expose_secret().to_owned();
    Ok(Json(BegunResponse { secret, uri: begun.uri }))
}

/// The first code.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfirmSecondFactor)]
pub struct ConfirmRequest {
    /// The six digits that the app shows.
    #[garde(length(chars, max = 40))]
    #[schema(example = "123456", max_length = 40)]
    code: String,
}

/// Confirms a second factor with its first code, and requires it at sign-in from then on.
#[utoipa::path(
    post, path = "/auth/totp/confirm", operation_id = "confirm_second_factor", tag = "auth",
    request_body = ConfirmRequest,
    responses(
        (status = 200, description = "the recovery codes", body = RecoveryCodes),
        (status = 409, description = "`second_factor_exists`; `no_second_factor` when none was begun",
            body = Problem),
        (status = 422, description = "`invalid`; `wrong_totp`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.totp.confirm", skip_all)]
pub async fn confirm(
    State(state): State<AppState>,
    account: Account,
    Body(request): Body<ConfirmRequest>,
) -> ApiResult<Json<RecoveryCodes>> {
    let recovery_codes = second_factor::confirm(&state.accounts, &account, &request.code).await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}

/// Creates new recovery codes. Earlier codes become invalid.
#[utoipa::path(
    post, path = "/auth/totp/recovery-codes", operation_id = "replace_recovery_codes", tag = "auth",
    request_body = PasswordProof,
    responses(
        (status = 200, description = "the new codes", body = RecoveryCodes),
        (status = 403, description = "`wrong_password`", body = Problem),
        (status = 409, description = "`no_second_factor`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.totp.recovery_codes", skip_all)]
pub async fn recovery_codes(
    State(state): State<AppState>,
    account: Account,
    Body(request): Body<PasswordProof>,
) -> ApiResult<Json<RecoveryCodes>> {
    let password = request.password;
    let recovery_codes =
        second_factor::replace_recovery_codes(&state.accounts, &account, password).await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}

/// Proof of identity.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RemoveSecondFactor)]
pub struct RemoveRequest {
    /// The password.
    #[garde(length(chars, max = 128))]
    #[schema(example = "green lantern 7", max_length = 128)]
    password: String,
    /// The code that the app shows, or a recovery code.
    #[garde(length(chars, max = 40))]
    #[schema(example = "123456", max_length = 40)]
    code: String,
}

/// Removes the second factor and its recovery codes.
#[utoipa::path(
    delete, path = "/auth/totp", operation_id = "remove_second_factor", tag = "auth",
    request_body = RemoveRequest,
    responses(
        (status = 204, description = "it was deleted"),
        (status = 403, description = "`wrong_password`, `wrong_totp`", body = Problem),
        (status = 409, description = "`no_second_factor`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.totp.remove", skip_all)]
pub async fn remove(
    State(state): State<AppState>,
    account: Account,
    Body(request): Body<RemoveRequest>,
) -> ApiResult<StatusCode> {
    let RemoveRequest { password, code } = request;
    second_factor::remove(&state.accounts, &account, password, &code).await?;
    Ok(StatusCode::NO_CONTENT)
}
