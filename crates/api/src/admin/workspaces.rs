//! All workspaces.

pub mod list;
pub mod read;
pub mod resume;
pub mod suspend;
pub mod update;

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
    tagged::{Edition, Tagged},
};

/// A workspace, as an admin sees one.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminWorkspaceView {
    /// Identity.
    id: Uuid,
    /// What its members call it.
    #[schema(example = "Green Lantern Shop")]
    name: String,
    /// Since when nobody may act in it, and its assistants do not answer.
    suspended_at: Option<DateTime<Utc>>,
    /// The only models its assistants may use, of those that the installation allows; `null`: all of those.
    #[schema(example = json!(["gpt-4o-mini", "extractive"]))]
    allowed_models: Option<Vec<String>>,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl AdminWorkspaceView {
    fn of(workspace: Workspace, allowed_models: Option<Vec<String>>) -> Self {
        Self {
            allowed_models,
            id: workspace.id.into_uuid(),
            name: workspace.name,
            suspended_at: workspace.suspended_at,
            created_at: workspace.created_at,
        }
    }
}

/// The edition of a workspace, as far as admins change it here.
fn edition(allowed_models: Option<&[String]>) -> Edition {
    Edition::of(&allowed_models)
}

/// A workspace with its `ETag`.
fn tagged(workspace: Workspace, allowed_models: Option<Vec<String>>) -> Tagged<AdminWorkspaceView> {
    let edition = edition(allowed_models.as_deref());
    Tagged::new(edition, AdminWorkspaceView::of(workspace, allowed_models))
}

/// What has waited for longer when a workspace is resumed is answered only when the customer writes again, hours.
const ANSWERED: i64 = 24;

/// Suspends a workspace, or lets its members act and its assistants answer again.
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
    if !suspended {
        let since = now - chrono::Duration::hours(ANSWERED);
        tx.workspace(id).turns().forget_waiting(since).await?;
    }
    let action = if suspended { "workspace.suspended" } else { "workspace.resumed" };
    let act = admin.act(now, action, ("workspace", id), json!({"name": workspace.name}));
    tx.system().audit().append(&act).await?;
    let policy = tx.system().workspaces().model_policy(id).await?;
    tx.commit().await?;
    Ok(AdminWorkspaceView::of(workspace, policy.unwrap_or_default().allowed))
}
