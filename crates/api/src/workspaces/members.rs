//! `/api/v1/members`: who works in a workspace.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_accounts::members::{self, MemberUpdate};
use replyx_core::{ids::UserId, role::Role, workspace::Member};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Authorized, MembersRead, MembersWrite},
    error::{ApiResult, Problem},
    input::{Body, Id, Params},
    page::{List, PageQuery},
    state::AppState,
};

/// A member, as the others see one.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberView {
    /// Their account; the id in the paths of members.
    user_id: Uuid,
    /// Their e-mail address.
    #[schema(example = "owner@example.org")]
    email: String,
    /// Their name.
    #[schema(example = "Ada")]
    name: Option<String>,
    /// Their role here.
    #[schema(example = "owner")]
    role: Role,
    /// Whether they are suspended.
    #[schema(example = false)]
    suspended: bool,
    /// When they became a member.
    created_at: DateTime<Utc>,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            user_id: member.user_id.into_uuid(),
            email: member.email,
            name: member.name,
            role: member.role,
            suspended: member.suspended_at.is_some(),
            created_at: member.created_at,
        }
    }
}

/// Lists the members of the workspace.
#[utoipa::path(
    get, path = "/members", operation_id = "list_members", tag = "workspaces",
    params(PageQuery),
    responses((status = 200, description = "the members", body = List<MemberView>))
)]
#[tracing::instrument(name = "api.members.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<MembersRead>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<MemberView>> {
    let members = members::list(&state.accounts, &caller, query.request()?).await?;
    Ok(List::of(members, MemberView::from))
}

/// The fields to change. Absent fields stay as they are.
#[derive(Clone, Copy, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateMember)]
pub struct UpdateRequest {
    /// Their role.
    #[garde(skip)]
    #[schema(example = "operator")]
    role: Option<Role>,
    /// Whether they are suspended.
    #[garde(skip)]
    #[schema(example = true)]
    suspended: Option<bool>,
}

/// Changes a member's role, or suspends or reactivates them. It takes effect immediately, also in
/// open sessions.
///
/// Members with a higher role cannot be changed, and nobody can assign a role above their own.
#[utoipa::path(
    patch, path = "/members/{id}", operation_id = "update_member", tag = "workspaces",
    params(("id" = uuid::Uuid, Path, description = "the member's `user_id`")),
    request_body = UpdateRequest,
    responses(
        (status = 200, description = "the member", body = MemberView),
        (status = 409, description = "`last_owner`: there would be no owner left", body = Problem),
    )
)]
#[tracing::instrument(name = "api.members.update", skip_all, fields(user.id = %id.0))]
pub async fn update(
    State(state): State<AppState>,
    caller: Authorized<MembersWrite>,
    id: Id<UserId>,
    Body(request): Body<UpdateRequest>,
) -> ApiResult<Json<MemberView>> {
    let change = MemberUpdate { role: request.role, suspended: request.suspended };
    let member = members::update(&state.accounts, &caller, id.0, change).await?;
    Ok(Json(member.into()))
}

/// Removes a member; with your own id, you leave the workspace. It takes effect immediately, also
/// in open sessions.
///
/// Every member may leave, except the last owner. Removing others requires `members:write`; members
/// with a higher role cannot be removed.
#[utoipa::path(
    delete, path = "/members/{id}", operation_id = "remove_member", tag = "workspaces",
    params(("id" = uuid::Uuid, Path, description = "the member's `user_id`")),
    responses(
        (status = 204, description = "the member is removed"),
        (status = 409, description = "`last_owner`: there would be no owner left", body = Problem),
    )
)]
#[tracing::instrument(name = "api.members.remove", skip_all, fields(user.id = %id.0))]
pub async fn delete(
    State(state): State<AppState>,
    caller: Authorized<MembersRead>,
    id: Id<UserId>,
) -> ApiResult<StatusCode> {
    members::remove(&state.accounts, &caller, id.0).await?;
    Ok(StatusCode::NO_CONTENT)
}
