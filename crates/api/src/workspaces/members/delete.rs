//! `DELETE /api/v1/members/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_core::{ids::UserId, permission::Permission};
use serde_json::json;

use super::spare;
use crate::{
    caller::{May, MembersRead},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
    workspaces::standing,
};

/// Removes a member; with your own id, you leave. It holds at once, also for who is signed in.
///
/// To leave is everybody's right, but the last owner's; to remove others takes `members:write`, and nobody removes who
/// stands above them.
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
    state: State<AppState>,
    caller: May<MembersRead>,
    id: Id<UserId>,
) -> ApiResult<StatusCode> {
    let (State(state), Id(id)) = (state, id);
    let workspace = caller.workspace_id;
    let leaves = caller.user_id() == Some(id);
    if !leaves && !caller.place().permissions.allow(Permission::MembersWrite) {
        return Err(ApiError::Forbidden);
    }
    let mut tx = state.db().begin().await?;
    // Locked first: of two owners who leave at once, the second sees that the first has.
    let owners = tx.workspace(workspace).members().lock_owners().await?;
    let found = tx.workspace(workspace).members().find(id).await?;
    let member = found.ok_or(ApiError::NotFound("member"))?;
    if !leaves {
        let standing = standing::of(&mut tx, &caller, Permission::MembersWrite).await?;
        standing.reaches(member.role)?;
    }
    spare(&owners, &member)?;
    if !tx.workspace(workspace).members().remove(id).await? {
        return Err(ApiError::NotFound("member"));
    }
    let action = if leaves { "member.left" } else { "member.removed" };
    let details = json!({"email": member.email, "role": member.role});
    let act = caller.act(state.clock().now(), action, ("member", id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
