//! People and the workspace they act in.

pub mod me;

use chrono::{DateTime, Utc};
use replyx_core::{user::User, workspace::Workspace};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A user, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserView {
    id: Uuid,
    #[schema(example = "owner@example.org")]
    email: String,
    name: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.into_uuid(),
            email: user.email,
            name: user.name,
            created_at: user.created_at,
        }
    }
}

/// A workspace, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceView {
    id: Uuid,
    name: String,
    created_at: DateTime<Utc>,
}

impl From<Workspace> for WorkspaceView {
    fn from(workspace: Workspace) -> Self {
        Self {
            id: workspace.id.into_uuid(),
            name: workspace.name,
            created_at: workspace.created_at,
        }
    }
}
