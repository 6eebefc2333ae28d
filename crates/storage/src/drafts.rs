//! What members have begun to write: the `drafts` table of one workspace.

use chrono::{DateTime, Utc};
use replyx_core::ids::{DialogId, UserId, WorkspaceId};

use crate::{StorageError, Tx};

/// What a member has begun to write in a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The words.
    pub text: String,
    /// When they were stored.
    pub updated_at: DateTime<Utc>,
}

/// One workspace's drafts.
pub struct Drafts<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Drafts<'_> {
    /// The draft of a member in a dialog.
    pub async fn find(
        self,
        member: UserId,
        dialog: DialogId,
    ) -> Result<Option<Draft>, StorageError> {
        const SQL: &str = "
            SELECT text, updated_at FROM drafts
             WHERE workspace_id = $1 AND user_id = $2 AND dialog_id = $3";
        let found = row!(self.tx, (String, DateTime<Utc>), SQL;
            self.workspace.into_uuid(), member.into_uuid(), dialog.into_uuid());
        Ok(found.map(|(text, updated_at)| Draft { text, updated_at }))
    }

    /// Stores a draft in place of the one before.
    ///
    /// # Errors
    ///
    /// Fails when there is no such member or dialog.
    pub async fn put(
        self,
        member: UserId,
        dialog: DialogId,
        draft: &Draft,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO drafts (workspace_id, user_id, dialog_id, text, updated_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (workspace_id, user_id, dialog_id) DO UPDATE
               SET text = excluded.text, updated_at = excluded.updated_at";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), member.into_uuid(), dialog.into_uuid(), &draft.text,
            draft.updated_at);
        Ok(())
    }

    /// Deletes the draft of a member in a dialog, if there is one.
    pub async fn delete(self, member: UserId, dialog: DialogId) -> Result<(), StorageError> {
        const SQL: &str = "
            DELETE FROM drafts WHERE workspace_id = $1 AND user_id = $2 AND dialog_id = $3";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), member.into_uuid(), dialog.into_uuid());
        Ok(())
    }
}
