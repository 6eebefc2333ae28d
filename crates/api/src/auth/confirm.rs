//! `POST /api/v1/auth/confirm`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::{audit::Outcome, ids::UserId, user::normal_email};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    code,
    sign_in::{self, Device, Tokens},
    sign_up::Account,
};
use crate::{
    cookies::SetCookies,
    error::{ApiError, ApiResult, Problem},
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
    /// The user's id that `auth/register` answered. With it, the code of a registration that a stranger made meanwhile
    /// with the same address confirms nothing.
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

const fn wrong_code() -> ApiError {
    ApiError::Unacceptable {
        code: "wrong_code",
        detail: "the code is wrong or has ended; after five tries, or a quarter of an hour, ask for a new one",
    }
}

/// Confirms an e-mail address with the code that was mailed to it, and makes the account.
///
/// A code bears five tries. Whatever is wrong, with the code or the address, the answer is the same.
#[utoipa::path(
    post, path = "/auth/confirm", operation_id = "confirm_user", tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "the account was made", body = Response),
        (status = 403, description = "`csrf_failed` when a page that is not ours wants cookies", body = Problem),
        (status = 422, description = "`invalid`; `wrong_code`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.confirm", skip_all)]
pub async fn confirm(
    state: State<AppState>,
    device: Device,
    body: Body<Request>,
) -> ApiResult<(SetCookies, Json<Response>)> {
    let (State(state), Body(request)) = (state, body);
    device.check_cookies(&state, request.cookies)?;
    let email = normal_email(&request.email);
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    // The try is spent before the code is looked at, so that many at once do not get more than there are.
    let tried = tx.system().registrations().spend_try(&email, now).await?;
    let right = tried.filter(|found| {
        let meant = request.user_id.is_none_or(|id| UserId::from(id) == found.user_id);
        code::fits(state.keys(), &email, request.code.trim(), &found.code_hash) & meant
    });
    let Some(registration) = right else {
        tx.commit().await?;
        return Err(wrong_code());
    };
    let account = Account::of(&registration, now);
    if !account.store(&state, &mut tx, &registration.password_hash).await? {
        return Err(wrong_code());
    }
    let user = &account.user;
    let opened = sign_in::open(&state, &mut tx, user, Some(account.place()), &device).await?;
    let act = device.act(now, "account.confirmed", Some(user), Outcome::Done, json!({}));
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    let (cookies, tokens) = opened.hand_out(&state, request.cookies, None)?;
    let workspace = account.membership().into();
    Ok((cookies, Json(Response { user: account.user.into(), workspace, tokens })))
}
