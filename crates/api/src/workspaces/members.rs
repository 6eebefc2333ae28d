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
    caller::{May, MembersRead, MembersWrite},
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
    /// What they are called.
    #[schema(example = "Ada")]
    name: Option<String>,
    /// Their role here.
    #[schema(example = "owner")]
    role: Role,
    /// May they not act here?
    #[schema(example = false)]
    suspended: bool,
    /// Since when they are a member.
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

/// Lists who works in the workspace.
#[utoipa::path(
    get, path = "/members", operation_id = "list_members", tag = "workspaces",
    security(("bearer" = ["members:read"])), params(PageQuery),
    responses((status = 200, description = "the members", body = List<MemberView>))
)]
#[tracing::instrument(name = "api.members.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: May<MembersRead>,
    Params(query): Params<PageQuery>,
) -> ApiResult<Json<List<MemberView>>> {
    let members = members::list(&state.accounts, &caller, query.request()?).await?;
    Ok(Json(List::of(members, MemberView::from)))
}

/// What is to change. Absent fields stay as they are.
#[derive(Clone, Copy, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateMember)]
pub struct UpdateRequest {
    /// Their role from now on.
    #[garde(skip)]
    #[schema(example = "operator")]
    role: Option<Role>,
    /// May they not act here from now on?
    #[garde(skip)]
    #[schema(example = true)]
    suspended: Option<bool>,
}

/// Changes a member's role, suspends them, or lets them act again. It holds at once, also for who
/// is signed in.
///
/// Nobody changes who stands above them, or gives a role above their own.
#[utoipa::path(
    patch, path = "/members/{id}", operation_id = "update_member", tag = "workspaces",
    security(("bearer" = ["members:write"])), params(("id" = uuid::Uuid, Path, description = "the member's `user_id`")),
    request_body = UpdateRequest,
    responses(
        (status = 200, description = "the member as they are now", body = MemberView),
        (status = 409, description = "`last_owner`: nobody else could act as an owner", body = Problem),
    )
)]
#[tracing::instrument(name = "api.members.update", skip_all, fields(user.id = %id.0))]
pub async fn update(
    State(state): State<AppState>,
    caller: May<MembersWrite>,
    id: Id<UserId>,
    Body(request): Body<UpdateRequest>,
) -> ApiResult<Json<MemberView>> {
    let change = MemberUpdate { role: request.role, suspended: request.suspended };
    let member = members::update(&state.accounts, &caller, id.0, change).await?;
    Ok(Json(member.into()))
}

/// Removes a member; with your own id, you leave. It holds at once, also for who is signed in.
///
/// To leave is everybody's right, but the last owner's; to remove others takes `members:write`, and
/// nobody removes who stands above them.
#[utoipa::path(
    delete, path = "/members/{id}", operation_id = "remove_member", tag = "workspaces",
    security(("bearer" = ["members:read"])), params(("id" = uuid::Uuid, Path, description = "the member's `user_id`")),
    responses(
        (status = 204, description = "they are no member any more"),
        (status = 409, description = "`last_owner`: nobody else could act as an owner", body = Problem),
    )
)]
#[tracing::instrument(name = "api.members.remove", skip_all, fields(user.id = %id.0))]
pub async fn delete(
    State(state): State<AppState>,
    caller: May<MembersRead>,
    id: Id<UserId>,
) -> ApiResult<StatusCode> {
    members::remove(&state.accounts, &caller, id.0).await?;
    Ok(StatusCode::NO_CONTENT)
}
