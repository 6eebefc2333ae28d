//! `PATCH /api/v1/members/{id}`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::{ids::UserId, permission::Permission, role::Role};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{MemberView, spare};
use crate::{
    caller::{May, MembersWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
    workspaces::{RoleWord, standing},
};

/// What is to change. Absent fields stay as they are.
#[derive(Clone, Copy, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateMember)]
pub struct Request {
    /// Their role from now on.
    #[garde(skip)]
    #[schema(value_type = Option<RoleWord>, example = "operator")]
    role: Option<Role>,
    /// May they not act here from now on?
    #[garde(skip)]
    #[schema(example = true)]
    suspended: Option<bool>,
}

/// Changes a member's role, suspends them, or lets them act again. It holds at once, also for who is signed in.
///
/// Nobody changes who stands above them, or gives a role above their own.
#[utoipa::path(
    patch, path = "/members/{id}", operation_id = "update_member", tag = "workspaces",
    security(("bearer" = ["members:write"])), params(("id" = uuid::Uuid, Path, description = "the member's `user_id`")),
    request_body = Request,
    responses(
        (status = 200, description = "the member as they are now", body = MemberView),
        (status = 409, description = "`last_owner`: nobody else could act as an owner", body = Problem),
    )
)]
#[tracing::instrument(name = "api.members.update", skip_all, fields(user.id = %id.0))]
pub async fn update(
    state: State<AppState>,
    caller: May<MembersWrite>,
    id: Id<UserId>,
    body: Body<Request>,
) -> ApiResult<Json<MemberView>> {
    let (State(state), Id(id), Body(request)) = (state, id, body);
    let (workspace, now) = (caller.workspace_id, state.clock().now());
    let mut tx = state.db().begin().await?;
    // Locked first: of two who change owners at once, the second sees what the first did.
    let owners = tx.workspace(workspace).members().lock_owners().await?;
    let standing = standing::of(&mut tx, &caller, Permission::MembersWrite).await?;
    let found = tx.workspace(workspace).members().find(id).await?;
    let mut member = found.ok_or(ApiError::NotFound("member"))?;
    standing.reaches(member.role)?;
    let role = request.role.unwrap_or(member.role);
    standing.reaches(role)?;
    let suspended = request.suspended.unwrap_or(member.suspended_at.is_some());
    if role != Role::Owner || suspended {
        spare(&owners, &member)?;
    }

    let mut acts = Vec::new();
    if role != member.role {
        tx.workspace(workspace).members().set_role(id, role).await?;
        let details = json!({"email": member.email, "from": member.role, "to": role});
        acts.push(caller.act(now, "member.role_changed", ("member", id), details));
        member.role = role;
    }
    if suspended != member.suspended_at.is_some() {
        member.suspended_at = suspended.then_some(now);
        tx.workspace(workspace).members().set_suspended(id, member.suspended_at).await?;
        let action = if suspended { "member.suspended" } else { "member.resumed" };
        let details = json!({"email": member.email});
        acts.push(caller.act(now, action, ("member", id), details));
    }
    for act in &acts {
        tx.workspace(workspace).audit().append(act).await?;
    }
    tx.commit().await?;
    Ok(Json(member.into()))
}
