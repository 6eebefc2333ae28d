//! `POST /api/v1/auth/confirm` and `POST /api/v1/auth/confirm/resend`

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use garde::Validate;
use replyx_accounts::{
    Device,
    registration::{self, Confirmation},
};
use replyx_core::ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::sign_in::{TokenDelivery, Tokens, hand_out};
use crate::{
    cookies::SetCookies,
    error::{ApiResult, Problem},
    input::Body,
    state::AppState,
    users::UserView,
    workspaces::MembershipView,
};

/// The code that was mailed.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfirmUser)]
pub struct Request {
    /// The e-mail address to which it was mailed.
    #[garde(length(chars, max = 254))]
    #[schema(example = "owner@example.org", max_length = 254)]
    email: String,
    /// Six digits.
    #[garde(length(chars, max = 20))]
    #[schema(example = "123456", max_length = 20)]
    code: String,
    /// The user's id from the response of `auth/register`. It makes sure that this registration is
    /// confirmed, and not another one with the same address.
    #[garde(skip)]
    user_id: Option<Uuid>,
    /// Set cookies for a browser instead of giving the tokens.
    #[serde(default)]
    #[garde(skip)]
    #[schema(example = false)]
    cookies: bool,
}

/// The account, its workspace, and the tokens of its first session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfirmedUser)]
pub struct Response {
    user: UserView,
    workspace: MembershipView,
    #[serde(flatten)]
    tokens: Tokens,
}

/// Confirms an e-mail address with the mailed code, and creates the account.
///
/// A code allows five attempts. The response is the same whether the code or the address is wrong.
#[utoipa::path(
    post, path = "/auth/confirm", operation_id = "confirm_user", tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "the account is created", body = Response),
        (status = 403, description = "`csrf_failed` when a page that is not ours wants cookies", body = Problem),
        (status = 422, description = "`invalid`; `wrong_code`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.confirm", skip_all)]
pub async fn confirm(
    State(state): State<AppState>,
    device: Device,
    headers: HeaderMap,
    Body(request): Body<Request>,
) -> ApiResult<(SetCookies, Json<Response>)> {
    let delivery = TokenDelivery::asked(&state, &headers, request.cookies)?;
    let user_id = request.user_id.map(UserId::from);
    let shown = Confirmation { email: request.email, code: request.code, user_id };

    let confirmed = registration::confirm(&state.accounts, &device, &shown).await?;
    let (cookies, tokens) = hand_out(&state, confirmed.session, delivery, None)?;
    let user = confirmed.user.into();
    let workspace = confirmed.membership.into();
    Ok((cookies, Json(Response { user, workspace, tokens })))
}

/// The registration that waits for a code.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ResendConfirmation)]
pub struct ResendRequest {
    /// The e-mail address of the registration.
    #[garde(length(chars, max = 254))]
    #[schema(example = "owner@example.org", max_length = 254)]
    email: String,
}

/// Mails a new code to an unconfirmed address; earlier codes become invalid.
///
/// The response does not reveal whether the address is unconfirmed.
#[utoipa::path(
    post, path = "/auth/confirm/resend", operation_id = "resend_confirmation", tag = "auth",
    request_body = ResendRequest,
    responses((status = 202, description = "if the address waits to be confirmed, a code is on its way"))
)]
#[tracing::instrument(name = "api.auth.resend", skip_all)]
pub async fn resend(
    State(state): State<AppState>,
    Body(request): Body<ResendRequest>,
) -> ApiResult<StatusCode> {
    registration::resend(&state.accounts, &request.email).await?;
    Ok(StatusCode::ACCEPTED)
}
