//! All workspaces.

pub mod list;
pub mod resume;
pub mod suspend;

use chrono::{DateTime, Utc};
use replyx_core::{ids::WorkspaceId, workspace::Workspace};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::Admin,
    error::{ApiError, ApiResult},
    state::AppState,
};

/// A workspace, as an admin sees one.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminWorkspaceView {
    /// Identity.
    id: Uuid,
    /// What its members call it.
    #[schema(example = "Green Lantern Shop")]
    name: String,
    /// Since when nobody may act in it.
    suspended_at: Option<DateTime<Utc>>,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<Workspace> for AdminWorkspaceView {
    fn from(workspace: Workspace) -> Self {
        Self {
            id: workspace.id.into_uuid(),
            name: workspace.name,
            suspended_at: workspace.suspended_at,
            created_at: workspace.created_at,
        }
    }
}

/// Suspends a workspace, or lets its members act again.
async fn set_suspended(
    state: &AppState,
    admin: &Admin,
    id: WorkspaceId,
    suspended: bool,
) -> ApiResult<AdminWorkspaceView> {
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let found = tx.system().workspaces().find(id).await?;
    let mut workspace = found.ok_or(ApiError::NotFound("workspace"))?;
    workspace.suspended_at = suspended.then(|| workspace.suspended_at.unwrap_or(now));
    tx.system().workspaces().set_suspended(id, workspace.suspended_at).await?;
    let action = if suspended { "workspace.suspended" } else { "workspace.resumed" };
    let act = admin.act(now, action, ("workspace", id), json!({"name": workspace.name}));
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(workspace.into())
}
