//! Assistants that answer nobody until they are resumed: the `assistant_pauses` table.

use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::Pause,
    ids::{AssistantId, DialogId, WorkspaceId},
};

use crate::{StorageError, Tx};

/// One workspace's paused assistants.
pub struct Pauses<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Pauses<'_> {
    /// The pause of an assistant, if it is paused.
    pub async fn find(self, assistant: AssistantId) -> Result<Option<Pause>, StorageError> {
        const SQL: &str = "
            SELECT since, text FROM assistant_pauses WHERE workspace_id = $1 AND assistant_id = $2";
        let Self { tx, workspace } = self;
        let row = row!(tx, (DateTime<Utc>, Option<String>), SQL;
            workspace.into_uuid(), assistant.into_uuid());
        Ok(row.map(|(since, text)| Pause {
            workspace_id: workspace,
            assistant_id: assistant,
            since,
            text,
        }))
    }

    /// Stores a pause, or another text of it.
    pub(crate) async fn put(self, pause: &Pause) -> Result<(), StorageError> {
        debug_assert_eq!(pause.workspace_id, self.workspace, "stored in another workspace");
        const SQL: &str = "
            INSERT INTO assistant_pauses (workspace_id, assistant_id, since, text)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (workspace_id, assistant_id) DO UPDATE SET text = excluded.text";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), pause.assistant_id.into_uuid(), pause.since, &pause.text);
        Ok(())
    }

    /// Ends a pause.
    ///
    /// # Errors
    ///
    /// Fails when there is none.
    pub(crate) async fn end(self, pause: &Pause) -> Result<(), StorageError> {
        const SQL: &str =
            "DELETE FROM assistant_pauses WHERE workspace_id = $1 AND assistant_id = $2";
        let ended = run!(self.tx, SQL; self.workspace.into_uuid(), pause.assistant_id.into_uuid());
        StorageError::expect_one_row("assistant_pauses", ended)
    }

    /// Stops what a paused assistant has begun: turns that wait or run find another epoch when they
    /// settle, and no part of a reply is sent any more that has not been claimed. The pause must
    /// have been committed before: whatever began after that sees it.
    pub async fn interrupt(self, assistant: AssistantId) -> Result<(), StorageError> {
        // First: a turn that is settling holds its dialog, and what it stored is revoked below.
        const TURNS: &str = "
            UPDATE dialogs SET epoch = epoch + 1
             WHERE workspace_id = $1 AND assistant_id = $2 AND control = 'ai'
               AND id IN (SELECT dialog_id FROM turns WHERE workspace_id = $1)";
        const PARTS: &str = "
            UPDATE outbox SET revoked = TRUE
             WHERE workspace_id = $1 AND status IN ('queued', 'sending', 'uncertain')
               AND NOT revoked
               AND dialog_id IN (SELECT id FROM dialogs
                                  WHERE workspace_id = $1 AND assistant_id = $2)
               AND EXISTS (SELECT 1 FROM messages m
                            WHERE m.workspace_id = outbox.workspace_id AND m.id = outbox.message_id
                              AND m.author = 'assistant')";
        let workspace = self.workspace.into_uuid();
        run!(self.tx, TURNS; workspace, assistant.into_uuid());
        let revoked = run!(self.tx, PARTS; workspace, assistant.into_uuid());
        // Delivery cancels them.
        self.tx.done.outbox |= revoked > 0;
        Ok(())
    }

    /// When the assistant last said something in a dialog that was not canceled.
    pub async fn last_reply(self, dialog: DialogId) -> Result<Option<DateTime<Utc>>, StorageError> {
        const SQL: &str = "
            SELECT created_at FROM messages
             WHERE workspace_id = $1 AND dialog_id = $2 AND author = 'assistant'
               AND delivery <> 'canceled'
             ORDER BY seq DESC LIMIT 1";
        Ok(value!(self.tx, DateTime<Utc>, SQL; self.workspace.into_uuid(), dialog.into_uuid()))
    }
}
