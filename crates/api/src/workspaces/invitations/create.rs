//! `POST /api/v1/invitations`

use axum::{Json, extract::State, http::StatusCode};
use chrono::TimeDelta;
use garde::Validate;
use replyx_core::{
    assistant::Language,
    clock::random_hex,
    mail::{Letter, Mail},
    permission::Permission,
    role::Role,
    secret::sha256_hex,
    setting,
    user::normal_email,
    workspace::Invitation,
};
use replyx_storage::Tx;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::InvitationView;
use crate::{
    assistants::known_language,
    caller::{Caller, May, MembersWrite},
    error::{ApiError, ApiResult, Problem},
    input::Body,
    landing,
    location::Location,
    post,
    state::AppState,
    words::LanguageWord,
    workspaces::{RoleWord, standing},
};

/// How many days an invitation is good.
const DAYS: u32 = 7;

/// Whom to invite.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateInvitation)]
pub struct Request {
    /// The e-mail address.
    #[garde(email, length(chars, max = 254))]
    #[schema(example = "operator@example.org", format = "email", max_length = 254)]
    email: String,
    /// The role they will have: at most your own.
    #[garde(skip)]
    #[schema(value_type = RoleWord, example = "operator")]
    role: Role,
    /// The language of the letter: `en` or `ru`; theirs, if they have an account, or else yours, unless given.
    #[garde(inner(custom(known_language)))]
    #[schema(value_type = Option<LanguageWord>, example = "en", pattern = "^(en|ru)$")]
    language: Option<String>,
}

/// Invites somebody by mail. The link is good for 7 days, once; another invitation to the same address takes its place.
///
/// The link leads to a page where they sign in, or choose a name and a password, and join this workspace. Programs accept
/// with `invitations/accept`, or with `auth/register` for somebody who has no account. How many invitations a workspace
/// sends, and how many a mailbox gets from all workspaces, is limited.
#[utoipa::path(
    post, path = "/invitations", operation_id = "create_invitation", tag = "workspaces",
    security(("bearer" = ["members:write"])), request_body = Request,
    responses(
        (status = 201, description = "the invitation", body = InvitationView),
        (status = 409, description = "`already_member`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.invitations.create", skip_all)]
pub async fn create(
    state: State<AppState>,
    caller: May<MembersWrite>,
    body: Body<Request>,
) -> ApiResult<(StatusCode, Location, Json<InvitationView>)> {
    let (State(state), Body(request)) = (state, body);
    let token = random_hex::<32>();
    // What is refused anyhow costs nobody a share of the limits.
    let mut tx = state.db().read().await?;
    let (_, mail) = offer(&state, &mut tx, &caller, &request, &token).await?;
    drop(tx);
    keep_limits(&state, &caller, &mail).await?;

    let mut tx = state.db().begin().await?;
    let (invitation, mail) = offer(&state, &mut tx, &caller, &request, &token).await?;
    let workspace = invitation.workspace_id;
    let hash = sha256_hex(token.as_bytes());
    tx.workspace(workspace).invitations().put(&invitation, &hash).await?;
    post::queue_of(&state, &mut tx, &mail, workspace).await?;
    let details = json!({"email": invitation.email, "role": invitation.role});
    let target = ("invitation", invitation.id);
    let act = caller.act(invitation.created_at, "invitation.created", target, details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    let location = Location(format!("/api/v1/invitations/{}", invitation.id));
    Ok((StatusCode::CREATED, location, Json(invitation.into())))
}

/// Counts the letter before it is queued: whoever is invited has asked nobody for mail.
async fn keep_limits(state: &AppState, caller: &Caller, mail: &Mail) -> ApiResult<()> {
    let workspace = caller.workspace_id.to_string();
    let recipient = post::mailbox_key(&mail.to);
    let limits = [
        (setting::RATE_INVITATION_WORKSPACE, workspace.as_str()),
        (setting::RATE_INVITATION_RECIPIENT, recipient.as_str()),
    ];
    state.limits(&limits).await
}

/// The offer as the caller may make it now, with its letter.
async fn offer(
    state: &AppState,
    tx: &mut Tx,
    caller: &Caller,
    request: &Request,
    token: &str,
) -> ApiResult<(Invitation, Mail)> {
    let standing = standing::of(tx, caller, Permission::MembersWrite).await?;
    standing.reaches(request.role)?;
    let now = state.clock().now();
    let invitation = Invitation {
        id: state.clock().id(),
        workspace_id: caller.workspace_id,
        email: normal_email(&request.email),
        role: request.role,
        invited_by: standing.person,
        expires_at: now + TimeDelta::days(DAYS.into()),
        created_at: now,
    };
    // Who is about to leave invites nobody.
    super::stands(tx, &invitation).await?;
    let language = request.language.as_deref().and_then(|word| word.parse().ok());
    let mail = letter(state, tx, caller, &invitation, token, language).await?;
    Ok((invitation, mail))
}

/// The letter that offers it, unless they are a member already.
async fn letter(
    state: &AppState,
    tx: &mut Tx,
    caller: &Caller,
    invitation: &Invitation,
    token: &str,
    language: Option<Language>,
) -> ApiResult<Mail> {
    let known = tx.system().users().find_by_email(&invitation.email).await?.map(|(user, _)| user);
    if let Some(user) = &known
        && tx.workspace(invitation.workspace_id).members().find(user.id).await?.is_some()
    {
        let detail = "who has this e-mail address is a member already".to_owned();
        return Err(ApiError::Conflict { code: "already_member", detail });
    }
    let inviter = tx.system().users().find(invitation.invited_by).await?;
    let inviter = inviter.ok_or(ApiError::Forbidden)?;
    let link = landing::link(state, landing::INVITE, token);
    let letter = Letter::Invitation {
        workspace: caller.place().workspace.name.clone(),
        inviter: inviter.name.unwrap_or(inviter.email),
        role: invitation.role.as_str().to_owned(),
        link,
        days: DAYS,
    };
    let language = language.or(known.map(|user| user.language)).unwrap_or(inviter.language);
    Ok(Mail { to: invitation.email.clone(), language, letter })
}
