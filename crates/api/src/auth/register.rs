//! `POST /api/v1/auth/register`

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use garde::Validate;
use replyx_accounts::{
    Device,
    registration::{self, NewPerson},
};
use replyx_core::{
    assistant::Language,
    user::{User, check_password},
    workspace::Membership,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sign_in::{TokenDelivery, Tokens, hand_out};
use crate::{
    cookies::SetCookies,
    error::{ApiResult, Problem},
    input::{Body, plain_name},
    location::Location,
    state::AppState,
    users::UserView,
    workspaces::MembershipView,
};

/// A new account.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RegisterUser)]
pub struct Request {
    /// The e-mail address, unique in the installation.
    #[garde(email, length(chars, max = 254))]
    #[schema(example = "owner@example.org", format = "email", max_length = 254)]
    email: String,
    /// 8 to 128 characters with a letter and a digit, not a common one.
    #[garde(custom(acceptable))]
    #[schema(example = "green lantern 7", min_length = 8, max_length = 128)]
    password: String,
    /// The person's name.
    #[garde(length(chars, min = 1, max = 100), inner(custom(plain_name)))]
    #[schema(example = "Ada", min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The language of their mail: `en` unless given, or `ru`.
    #[garde(skip)]
    #[schema(example = "en")]
    language: Option<Language>,
    /// The token of an invitation to this address: it stands for the confirmation and is accepted
    /// at the same time. The account gets no workspace of its own then: it begins as a member of
    /// the one that invites.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "0d4f6c1e", min_length = 1, max_length = 200)]
    invitation: Option<String>,
    /// Set cookies for a browser instead of giving the tokens.
    #[serde(default)]
    #[garde(skip)]
    #[schema(example = false)]
    cookies: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn acceptable(password: &str, (): &()) -> garde::Result {
    check_password(password).map_err(garde::Error::new)
}

/// The account and its workspace, or the one that invited it; with tokens, unless the address has
/// yet to be confirmed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegisteredUser)]
pub struct Response {
    user: UserView,
    workspace: MembershipView,
    /// Whether a code was mailed that must be sent to `auth/confirm` first.
    #[schema(example = false)]
    confirmation_required: bool,
    /// Goes into `Authorization: Bearer ...`. Not given when cookies are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")]
    access_token: Option<String>,
    /// Exchanged for new tokens, once. Not given when cookies are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "rx_refresh_2FfYbE0mD3wq1qJ9rT5uW7xZ8aB4cD6eF0gH2iJ4kL8")]
    refresh_token: Option<String>,
    /// Always `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Bearer")]
    token_type: Option<&'static str>,
    /// How long the access token is valid, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3600)]
    expires_in: Option<u64>,
    /// Goes into `X-CSRF-Token` with every change that is authorised by cookies. Given when cookies
    /// are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0f1e2d3c4b5a69788796a5b4c3d2e1f0.5d41402abc4b2a76b9719d911017c592")]
    csrf_token: Option<String>,
}

impl Response {
    fn of(user: User, workspace: Membership, tokens: Option<Tokens>) -> Self {
        let confirmation_required = tokens.is_none();
        let token_type = tokens.as_ref().map(|tokens| tokens.token_type);
        let expires_in = tokens.as_ref().map(|tokens| tokens.expires_in);
        let tokens = tokens.unwrap_or_default();
        Self {
            user: user.into(),
            workspace: workspace.into(),
            confirmation_required,
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            token_type,
            expires_in,
            csrf_token: tokens.csrf_token,
        }
    }
}

type Answer = (StatusCode, Location, SetCookies, Json<Response>);

/// Registers an account with its own workspace, or, with an invitation, as a member of the inviting
/// workspace.
///
/// If e-mail addresses must be confirmed, the account is not created yet: a code is mailed, and the
/// response does not reveal whether the address has an account.
#[utoipa::path(
    post, path = "/auth/register", operation_id = "register_user", tag = "auth",
    request_body = Request,
    responses(
        (status = 201, description = "the account is created, or its address has yet to be confirmed",
            body = Response),
        (status = 403, description = "`registration_closed`; `workspace_suspended` when invited to one; `csrf_failed` \
            when a page that is not ours wants cookies",
            body = Problem),
        (status = 409, description = "`email_taken`; `invitation_void` when who invited may no longer do so",
            body = Problem),
        (status = 422, description = "`invalid`; `wrong_token` when there is no such invitation to this address",
            body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.register", skip_all)]
pub async fn register(
    State(state): State<AppState>,
    device: Device,
    headers: HeaderMap,
    Body(request): Body<Request>,
) -> ApiResult<Answer> {
    let delivery = TokenDelivery::asked(&state, &headers, request.cookies)?;
    let person = NewPerson {
        email: request.email,
        password: request.password,
        name: request.name,
        language: request.language,
        invitation: request.invitation,
    };

    let registered = registration::register(&state.accounts, &device, person).await?;
    let (cookies, tokens) = match registered.session {
        Some(session) => {
            let (cookies, tokens) = hand_out(&state, session, delivery, None)?;
            (cookies, Some(tokens))
        }
        None => (SetCookies::default(), None),
    };
    let response = Response::of(registered.user, registered.membership, tokens);
    let location = Location("/api/v1/me".to_owned());
    Ok((StatusCode::CREATED, location, cookies, Json(response)))
}
