//! `POST /api/v1/auth/register`
//!
//! Where addresses are confirmed by mail, an address that is taken is answered as one that is not: the same work is
//! done, and its owner is told by mail. Where they are not confirmed there is nothing that could be answered instead of
//! `email_taken`: somebody who is let in at once sees that they were.

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{
    assistant::Language,
    audit::{Act, ActorKind, Outcome},
    mail::{Letter, Mail},
    secret::sha256_hex,
    setting,
    user::{Registration, User, check_password, normal_email},
    workspace::{Invitation, Membership},
};
use replyx_storage::Tx;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    code,
    sign_in::{self, Device, Tokens},
    sign_up::Account,
};
use crate::{
    assistants::known_language,
    cookies::SetCookies,
    error::{ApiError, ApiResult, Problem},
    input::{Body, plain_name},
    location::Location,
    post,
    state::AppState,
    users::UserView,
    words::LanguageWord,
    workspaces::{MembershipView, invitations},
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
    /// What the person is called.
    #[garde(length(chars, min = 1, max = 100), inner(custom(plain_name)))]
    #[schema(example = "Ada", min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The language of their mail: `en` unless given, or `ru`.
    #[garde(inner(custom(known_language)))]
    #[schema(value_type = Option<LanguageWord>, example = "en")]
    language: Option<String>,
    /// The token of an invitation to this address: it stands for the confirmation and is accepted at the same time. The
    /// account gets no workspace of its own then: it begins as a member of the one that invites.
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

/// The account and its workspace, or the one that invited it; with tokens, unless the address has yet to be confirmed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegisteredUser)]
pub struct Response {
    user: UserView,
    workspace: MembershipView,
    /// Has a code been mailed that has to be shown to `auth/confirm` first?
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
    /// How long the access token is good, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3600)]
    expires_in: Option<u64>,
    /// Goes into `X-CSRF-Token` with every change that is authorised by cookies. Given when cookies are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0f1e2d3c4b5a69788796a5b4c3d2e1f0.5d41402abc4b2a76b9719d911017c592")]
    csrf_token: Option<String>,
}

impl Response {
    fn of(user: User, workspace: Membership, tokens: Option<Tokens>) -> Self {
        let confirmation_required = tokens.is_none();
        let tokens =
            tokens.map(|tokens| (Some(tokens.token_type), Some(tokens.expires_in), tokens));
        let (token_type, expires_in, tokens) = tokens.unwrap_or_default();
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

/// Makes an account with a workspace of its own, or with an invitation as a member of the workspace that invites.
///
/// Where e-mail addresses have to be confirmed nothing is made yet: a code is mailed, and the answer is the same
/// whether or not the address has an account already.
#[utoipa::path(
    post, path = "/auth/register", operation_id = "register_user", tag = "auth",
    request_body = Request,
    responses(
        (status = 201, description = "the account was made, or waits for its address to be confirmed",
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
    state: State<AppState>,
    device: Device,
    body: Body<Request>,
) -> ApiResult<Answer> {
    let (State(state), Body(request)) = (state, body);
    device.check_cookies(&state, request.cookies)?;
    let email = normal_email(&request.email);
    let invitation = match &request.invitation {
        Some(token) => Some(invited(&state, token, &email).await?),
        None if state.tuning.flag(setting::REGISTRATION_OPEN) => None,
        None => {
            let detail = "registration is by invitation only";
            return Err(ApiError::Refused { code: "registration_closed", detail });
        }
    };
    let confirm = invitation.is_none() && confirmation_required(&state);
    if confirm {
        // Else anybody could fill a stranger's mailbox with codes.
        let key = format!("register:{}", post::mailbox_key(&email));
        state.limit(setting::RATE_RESEND, &key).await?;
    }
    let now = state.clock().now();
    let code = code::new();
    let registration = Registration {
        user_id: state.clock().id(),
        workspace_id: state.clock().id(),
        name: request.name,
        language: request.language.and_then(|word| word.parse().ok()).unwrap_or(Language::English),
        password_hash: state.passwords.hash(request.password).await?,
        code_hash: code::hash(state.keys(), &email, &code),
        tries_left: code::TRIES,
        expires_at: code::end(now),
        created_at: now,
        email,
    };
    let account = Account::of(&registration, now);
    let location = Location("/api/v1/me".to_owned());
    if confirm {
        ask(&state, &device, &registration, &account.user, code).await?;
        let workspace = account.membership();
        let response = Response::of(account.user, workspace, None);
        return Ok((StatusCode::CREATED, location, SetCookies::default(), Json(response)));
    }
    let account = account.welcomed_within_limits(&state).await;
    let hash = &registration.password_hash;
    let (opened, workspace) = make(&state, &device, &account, hash, invitation).await?;
    let (cookies, tokens) = opened.hand_out(&state, request.cookies, None)?;
    let response = Response::of(account.user, workspace, Some(tokens));
    Ok((StatusCode::CREATED, location, cookies, Json(response)))
}

fn confirmation_required(state: &AppState) -> bool {
    match state.tuning.word(setting::EMAIL_CONFIRMATION).as_str() {
        "always" => true,
        "never" => false,
        _ => state.settings.smtp,
    }
}

const fn wrong_invitation() -> ApiError {
    ApiError::Unacceptable {
        code: "wrong_token",
        detail: "there is no open invitation to this address with this token",
    }
}

/// The open invitation to this address. Who has its token reads the mail of the address.
async fn invited(state: &AppState, token: &str, email: &str) -> ApiResult<(String, Invitation)> {
    let hash = sha256_hex(token.as_bytes());
    let now = state.clock().now();
    let found = state.db().read().await?.system().invitations().find(&hash).await?;
    let open = found.filter(|found| found.email == email && now < found.expires_at);
    open.map(|invitation| (hash, invitation)).ok_or_else(wrong_invitation)
}

/// Asks the owner of the address for a code, or tells them that they have an account.
async fn ask(
    state: &AppState,
    device: &Device,
    registration: &Registration,
    user: &User,
    code: String,
) -> ApiResult<()> {
    let mut tx = state.db().begin().await?;
    let taken = tx.system().users().find_by_email(&registration.email).await?;
    // Also for an address that is taken, where no code will ever confirm it: it takes as long.
    tx.system().registrations().put(registration).await?;
    let (language, letter, outcome) = if let Some((owner, _)) = &taken {
        (owner.language, Letter::AccountExists, Outcome::Refused)
    } else {
        let letter = Letter::Confirmation { code, minutes: code::MINUTES };
        (registration.language, letter, Outcome::Done)
    };
    let mail = Mail { to: registration.email.clone(), language, letter };
    post::queue(state, &mut tx, &mail).await?;
    let details = json!({"confirmed": false});
    let known = taken.as_ref().map_or(user, |(owner, _)| owner);
    let act = device.act(user.created_at, "account.registered", Some(known), outcome, details);
    // Nobody has proved yet that the address is theirs.
    let act = Act { actor: ActorKind::Nobody, actor_id: None, ..act };
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(())
}

/// Makes the account now: with a workspace of its own, or as a member of the one that invites.
async fn make(
    state: &AppState,
    device: &Device,
    account: &Account,
    password_hash: &str,
    invitation: Option<(String, Invitation)>,
) -> ApiResult<(sign_in::Opened, Membership)> {
    let user = &account.user;
    let invited = invitation.is_some();
    let mut tx = state.db().begin().await?;
    let stored = if invited {
        account.store_person(state, &mut tx, password_hash).await?
    } else {
        account.store(state, &mut tx, password_hash).await?
    };
    if !stored {
        let detail = "there is an account with this e-mail address".to_owned();
        return Err(ApiError::Conflict { code: "email_taken", detail });
    }

    let (membership, joined) = match invitation {
        None => (account.membership(), None),
        Some((hash, _)) => {
            let taken = tx.system().invitations().take(&hash).await?;
            let taken = taken.ok_or_else(wrong_invitation)?;
            (join(&mut tx, user, &taken).await?, Some(taken))
        }
    };
    let place = (membership.workspace.id, membership.role);
    let opened = sign_in::open(state, &mut tx, user, Some(place), device).await?;

    if let Some(invitation) = joined {
        let details = json!({
            "email": user.email, "role": invitation.role, "invited_by": invitation.invited_by,
        });
        let act = device.act(user.created_at, "member.joined", Some(user), Outcome::Done, details);
        let act = Act { target: "member".to_owned(), ..act };
        tx.workspace(invitation.workspace_id).audit().append(&act).await?;
    }
    let details = json!({"confirmed": true, "invited": invited});
    let act = device.act(user.created_at, "account.registered", Some(user), Outcome::Done, details);
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok((opened, membership))
}

/// Makes whoever was invited a member.
async fn join(tx: &mut Tx, user: &User, invitation: &Invitation) -> ApiResult<Membership> {
    invitations::stands(tx, invitation).await?;
    let id = invitation.workspace_id;
    tx.workspace(id).members().insert(user.id, invitation.role, user.created_at).await?;
    let workspace = tx.system().workspaces().find(id).await?;
    let workspace = workspace.ok_or(ApiError::NotFound("workspace"))?;
    Ok(Membership { workspace, role: invitation.role, suspended_at: None })
}
