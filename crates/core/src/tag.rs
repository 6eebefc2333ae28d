//! Tags: the words by which operators sort dialogs.

use chrono::{DateTime, Utc};

use crate::ids::{DialogId, TagId, WorkspaceId};

/// A word by which operators sort dialogs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Identity.
    pub id: TagId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The word; no other tag of the workspace differs from it in letter case alone.
    pub name: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last renamed.
    pub updated_at: DateTime<Utc>,
}

impl Tag {
    /// No workspace has more.
    pub const MOST: i64 = 500;
    /// No dialog has more.
    pub const MOST_OF_DIALOG: usize = 20;

    /// What two tags of a workspace may not have in common.
    pub fn key(&self) -> String {
        self.name.to_lowercase()
    }
}

/// All tags of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogTags {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The dialog.
    pub dialog_id: DialogId,
    /// The tags, each once.
    pub tags: Vec<TagId>,
}
