//! `POST /api/v1/auth/totp`

use axum::{Json, extract::State};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use super::PasswordProof;
use crate::{
    auth::{proof, second_factor},
    caller::Account,
    error::{ApiResult, Problem},
    input::Body,
    state::AppState,
};

/// What an app needs to show codes. It is shown once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BegunSecondFactor)]
pub struct Response {
    /// The secret in base 32, to be typed.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// The same as a URI, to be shown as a QR code.
    #[schema(
        example = "otpauth://totp/ReplyX:owner%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ReplyX"
    )]
    uri: String,
}

/// Begins to set a second factor up: makes a secret, which its first code has to confirm.
///
/// Until then nothing is asked for at sign-in, and beginning anew makes another secret.
#[utoipa::path(
    post, path = "/auth/totp", operation_id = "begin_second_factor", tag = "auth",
    security(("bearer" = [])), request_body = PasswordProof,
    responses(
        (status = 200, description = "the secret", body = Response),
        (status = 403, description = "`wrong_password`", body = Problem),
        (status = 409, description = "`second_factor_exists`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.totp.begin", skip_all)]
pub async fn begin(
    state: State<AppState>,
    account: Account,
    body: Body<PasswordProof>,
) -> ApiResult<Json<Response>> {
    let (State(state), Body(request)) = (state, body);
    proof::by_password(&state, &account, request.password).await?;
    let (user, now) = (account.user(), state.clock().now());
    let secret = second_factor::new_secret();
    let uri = second_factor::uri(&secret, &user.email)?;
    let sealed = state.keys().seal(&secret, user.id.into_uuid().as_bytes());
    let mut tx = state.db().begin().await?;
    proof::still_signed_in(&mut tx, &account, now).await?;
    if !tx.system().second_factors().begin(user.id, &sealed).await? {
        return Err(super::exists());
    }
    tx.commit().await?;
    Ok(Json(Response { secret: secret.expose_secret().to_owned(), uri }))
}
