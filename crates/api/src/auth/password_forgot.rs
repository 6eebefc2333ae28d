//! `POST /api/v1/auth/password/forgot`

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{
    audit::Outcome,
    clock::random_hex,
    mail::{Letter, Mail},
    secret::sha256_hex,
    setting,
    user::normal_email,
};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::{even_out, sign_in::Device};
use crate::{
    error::{ApiError, ApiResult},
    input::Body,
    landing, post,
    state::AppState,
};

/// For how long a link is good, minutes.
const MINUTES: u32 = 60;

/// Who cannot sign in.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ForgotPassword)]
pub struct Request {
    /// The e-mail address of the account.
    #[garde(length(chars, max = 254))]
    #[schema(example = "owner@example.org", max_length = 254)]
    email: String,
}

/// Mails a link that sets a new password, once, within an hour. An earlier link is good no more.
///
/// The answer is the same whether or not there is such an account, and when it has had too many such mails already.
#[utoipa::path(
    post, path = "/auth/password/forgot", operation_id = "forgot_password", tag = "auth",
    request_body = Request,
    responses((status = 202, description = "if there is such an account, a link is on its way"))
)]
#[tracing::instrument(name = "api.auth.password_forgot", skip_all)]
pub async fn forgot_password(
    state: State<AppState>,
    device: Device,
    body: Body<Request>,
) -> ApiResult<StatusCode> {
    let (State(state), Body(request)) = (state, body);
    let begun = Instant::now();
    let email = normal_email(&request.email);
    let key = format!("reset:{}", post::mailbox_key(&email));
    match state.limit(setting::RATE_RESET_MAIL, &key).await {
        Ok(()) => send(&state, &device, &email).await?,
        // To say so would tell whom somebody else has asked for.
        Err(ApiError::TooManyRequests(_)) => {}
        Err(error) => return Err(error),
    }
    even_out(begun).await;
    Ok(StatusCode::ACCEPTED)
}

async fn send(state: &AppState, device: &Device, email: &str) -> ApiResult<()> {
    let now = state.clock().now();
    let token = random_hex::<32>();
    let hash = sha256_hex(token.as_bytes());
    let link = landing::link(state, landing::RESET, &token);
    let mut tx = state.db().begin().await?;
    let found = tx.system().users().find_by_email(email).await?;
    let user = found.map(|(user, _)| user).filter(|user| user.blocked_at.is_none());
    let Some(user) = user else { return Ok(()) };
    let end = now + chrono::Duration::minutes(MINUTES.into());
    tx.system().password_resets().insert(&hash, user.id, end).await?;
    let letter = Letter::Reset { link, minutes: MINUTES };
    let mail = Mail { to: user.email.clone(), language: user.language, letter };
    post::queue(state, &mut tx, &mail).await?;
    // Nobody has proved to be that person yet.
    let mut act = device.act(now, "password.reset_asked", Some(&user), Outcome::Refused, json!({}));
    act.outcome = Outcome::Done;
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(())
}
