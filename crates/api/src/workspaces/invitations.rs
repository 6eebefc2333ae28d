//! `/api/v1/invitations`: offers to become a member, sent by mail.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_accounts::invitations::{self, Invitee};
use replyx_core::{assistant::Language, ids::InvitationId, role::Role, workspace::Invitation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::MembershipView;
use crate::{
    caller::{Account, Authorized, MembersRead, MembersWrite},
    error::{ApiResult, Problem},
    input::{Body, Id, Params},
    location::Location,
    page::{List, PageQuery},
    state::AppState,
};

/// An invitation, as members see it. Only the recipient has its link.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationView {
    /// Identity.
    id: Uuid,
    /// The invited e-mail address.
    #[schema(example = "operator@example.org")]
    email: String,
    /// The role they will have.
    #[schema(example = "operator")]
    role: Role,
    /// The user who invited them.
    invited_by: Uuid,
    /// When it expires.
    expires_at: DateTime<Utc>,
    /// When it was created.
    created_at: DateTime<Utc>,
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.into_uuid(),
            email: invitation.email,
            role: invitation.role,
            invited_by: invitation.invited_by.into_uuid(),
            expires_at: invitation.expires_at,
            created_at: invitation.created_at,
        }
    }
}

/// Lists open invitations, newest first, including expired ones.
#[utoipa::path(
    get, path = "/invitations", operation_id = "list_invitations", tag = "workspaces",
    params(PageQuery),
    responses((status = 200, description = "the invitations", body = List<InvitationView>))
)]
#[tracing::instrument(name = "api.invitations.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<MembersRead>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<InvitationView>> {
    let invitations = invitations::list(&state.accounts, &caller, query.request()?).await?;
    Ok(List::of(invitations, InvitationView::from))
}

/// The person to invite.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateInvitation)]
pub struct CreateRequest {
    /// The e-mail address.
    #[garde(email, length(chars, max = 254))]
    #[schema(example = "operator@example.org", format = "email", max_length = 254)]
    email: String,
    /// The role they will have: at most your own.
    #[garde(skip)]
    #[schema(example = "operator")]
    role: Role,
    /// The language of the letter: `en` or `ru`. By default the language of their account, or
    /// yours.
    #[garde(skip)]
    #[schema(example = "en", pattern = "^(en|ru)$")]
    language: Option<Language>,
}

/// Invites a person by mail. The link can be used once, within 7 days; another invitation to the
/// same address replaces it.
///
/// The link opens a page where the person signs in, or chooses a name and a password, and joins
/// this workspace. Programs accept with `invitations/accept`, or with `auth/register` if the person
/// has no account. The number of invitations is limited per workspace, and per mailbox for all
/// workspaces together.
#[utoipa::path(
    post, path = "/invitations", operation_id = "create_invitation", tag = "workspaces",
    request_body = CreateRequest,
    responses(
        (status = 201, description = "the invitation", body = InvitationView),
        (status = 409, description = "`already_member`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.invitations.create", skip_all)]
pub async fn create(
    State(state): State<AppState>,
    caller: Authorized<MembersWrite>,
    Body(request): Body<CreateRequest>,
) -> ApiResult<(StatusCode, Location, Json<InvitationView>)> {
    let CreateRequest { email, role, language } = request;
    let invitee = Invitee { email, role, language };

    let invitation = invitations::create(&state.accounts, &caller, &invitee).await?;
    let location = Location(format!("/api/v1/invitations/{}", invitation.id));
    Ok((StatusCode::CREATED, location, Json(invitation.into())))
}

/// Revokes an invitation.
#[utoipa::path(
    delete, path = "/invitations/{id}", operation_id = "delete_invitation", tag = "workspaces",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "it was deleted"))
)]
#[tracing::instrument(name = "api.invitations.delete", skip_all, fields(invitation.id = %id.0))]
pub async fn delete(
    State(state): State<AppState>,
    caller: Authorized<MembersWrite>,
    id: Id<InvitationId>,
) -> ApiResult<StatusCode> {
    invitations::delete(&state.accounts, &caller, id.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The token of the link.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AcceptInvitation)]
pub struct AcceptRequest {
    /// The part after `#token=` of the link in the mail.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(
        example = "8c1d1f0b7d3e4a5f6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c",
        min_length = 1,
        max_length = 200
    )]
    token: String,
}

/// Accepts an invitation: you become a member of the workspace. It must have been sent to your
/// e-mail address.
#[utoipa::path(
    post, path = "/invitations/accept", operation_id = "accept_invitation", tag = "workspaces",
    request_body = AcceptRequest,
    responses(
        (status = 200, description = "the workspace that you belong to now", body = MembershipView),
        (status = 403, description = "`not_for_you`: it was sent to another address; `workspace_suspended`",
            body = Problem),
        (status = 409, description = "`invitation_void`: who invited you may no longer do so; `already_member`; \
            `too_many_workspaces`: you belong to 100", body = Problem),
        (status = 422, description = "`invalid`; `wrong_token`: there is no such invitation any more", body = Problem),
    )
)]
#[tracing::instrument(name = "api.invitations.accept", skip_all)]
pub async fn accept(
    State(state): State<AppState>,
    account: Account,
    Body(request): Body<AcceptRequest>,
) -> ApiResult<Json<MembershipView>> {
    let membership = invitations::accept(&state.accounts, &account, &request.token).await?;
    Ok(Json(membership.into()))
}
