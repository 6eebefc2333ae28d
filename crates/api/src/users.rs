//! People and the workspace they act in.

pub mod export;
pub mod me;
mod session;

use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::Language,
    user::{Notifications, User},
    workspace::Workspace,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use session::SessionView;

/// A user, as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserView {
    /// Identity.
    id: Uuid,
    /// The e-mail address.
    #[schema(example = "owner@example.org")]
    email: String,
    /// Their name, if they gave one.
    #[schema(example = "Ada")]
    name: Option<String>,
    /// The language of their mail.
    #[schema(example = "en")]
    language: Language,
    /// What of the inboxes they are written mail about.
    notifications: NotificationsView,
    /// Whether they are a platform admin.
    #[schema(example = false)]
    is_admin: bool,
    /// Whether a second factor is required to sign in.
    #[schema(example = false)]
    second_factor: bool,
    /// When the account will be deleted, if they asked for it.
    delete_at: Option<DateTime<Utc>>,
    /// When the account was created.
    created_at: DateTime<Utc>,
}

/// What of the inboxes somebody is written mail about: at most one letter in five minutes for all
/// dialogs together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notifications)]
pub struct NotificationsView {
    /// A customer waits for a human.
    #[schema(example = true)]
    request: bool,
    /// A promised reply was not given in time.
    #[schema(example = true)]
    sla: bool,
    /// A colleague mentions them in a note.
    #[schema(example = true)]
    mention: bool,
}

impl From<Notifications> for NotificationsView {
    fn from(Notifications { request, sla, mention }: Notifications) -> Self {
        Self { request, sla, mention }
    }
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.into_uuid(),
            email: user.email,
            name: user.name,
            language: user.language,
            notifications: user.notifications.into(),
            is_admin: user.is_admin,
            second_factor: user.second_factor,
            delete_at: user.delete_at,
            created_at: user.created_at,
        }
    }
}

/// A workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceView {
    /// Identity.
    id: Uuid,
    /// Its display name.
    #[schema(example = "Green Lantern Shop")]
    name: String,
    /// When it was created.
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
