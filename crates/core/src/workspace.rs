//! A tenant: a business with its members, assistants and dialogs.

use chrono::{DateTime, Utc};

use crate::ids::WorkspaceId;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Identity.
    pub id: WorkspaceId,
    /// What its members call it.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}
