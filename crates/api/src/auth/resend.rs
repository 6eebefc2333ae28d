//! `POST /api/v1/auth/confirm/resend`

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{
    mail::{Letter, Mail},
    setting,
    user::normal_email,
};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::{code, even_out};
use crate::{error::ApiResult, input::Body, post, state::AppState};

/// Who waits for a code.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ResendConfirmation)]
pub struct Request {
    /// The e-mail address of the registration.
    #[garde(length(chars, max = 254))]
    #[schema(example = "owner@example.org", max_length = 254)]
    email: String,
}

/// Mails a new code to an address that waits to be confirmed; the one before is good no more.
///
/// The answer is the same whether or not the address waits.
#[utoipa::path(
    post, path = "/auth/confirm/resend", operation_id = "resend_confirmation", tag = "auth",
    request_body = Request,
    responses((status = 202, description = "if the address waits to be confirmed, a code is on its way"))
)]
#[tracing::instrument(name = "api.auth.resend", skip_all)]
pub async fn resend(state: State<AppState>, body: Body<Request>) -> ApiResult<StatusCode> {
    let (State(state), Body(request)) = (state, body);
    let begun = Instant::now();
    let email = normal_email(&request.email);
    let key = format!("resend:{}", post::mailbox_key(&email));
    state.limit(setting::RATE_RESEND, &key).await?;
    renew(&state, &email).await?;
    even_out(begun).await;
    Ok(StatusCode::ACCEPTED)
}

async fn renew(state: &AppState, email: &str) -> ApiResult<()> {
    let now = state.clock().now();
    let code = code::new();
    let hash = code::hash(state.keys(), email, &code);
    let mut tx = state.db().begin().await?;
    let Some(registration) = tx.system().registrations().find(email).await? else { return Ok(()) };
    tx.system().registrations().renew(email, &hash, code::TRIES, code::end(now)).await?;
    let taken = tx.system().users().find_by_email(email).await?;
    let (language, letter) = match taken {
        Some((owner, _)) => (owner.language, Letter::AccountExists),
        None => (registration.language, Letter::Confirmation { code, minutes: code::MINUTES }),
    };
    post::queue(state, &mut tx, &Mail { to: email.to_owned(), language, letter }).await?;
    tx.commit().await?;
    Ok(())
}
