//! `DELETE /api/v1/invitations/{id}`

use axum::{extract::State, http::StatusCode};
use replyx_core::ids::InvitationId;
use serde_json::json;

use crate::{
    caller::{May, MembersWrite},
    error::{ApiError, ApiResult},
    input::Id,
    state::AppState,
};

/// Takes an invitation back: its link opens nothing any more.
#[utoipa::path(
    delete, path = "/invitations/{id}", operation_id = "delete_invitation", tag = "workspaces",
    security(("bearer" = ["members:write"])), params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "it is gone"))
)]
#[tracing::instrument(name = "api.invitations.delete", skip_all, fields(invitation.id = %id.0))]
pub async fn delete(
    state: State<AppState>,
    caller: May<MembersWrite>,
    id: Id<InvitationId>,
) -> ApiResult<StatusCode> {
    let (State(state), Id(id)) = (state, id);
    let mut tx = state.db().begin().await?;
    if !tx.workspace(caller.workspace_id).invitations().delete(id).await? {
        return Err(ApiError::NotFound("invitation"));
    }
    let now = state.clock().now();
    let act = caller.act(now, "invitation.deleted", ("invitation", id), json!({}));
    tx.workspace(caller.workspace_id).audit().append(&act).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
