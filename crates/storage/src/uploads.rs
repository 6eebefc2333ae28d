//! Files that operators have uploaded and not sent yet: the `uploads` table.
//!
//! A file that is sent moves into `attachments`, in the transaction that stores its message, and
//! keeps its id. So it is sent once, with one message.

use chrono::{DateTime, Utc};
use replyx_core::{
    attachment::{AttachmentStatus, MessageFile, Upload},
    file::Content,
    ids::{AttachmentId, FileId, WorkspaceId},
    message::Message,
};
use uuid::Uuid;

use crate::{StorageError, Tx};

#[derive(crate::FromRow)]
struct Row {
    name: String,
    media_type: String,
    size: i64,
    content_hash: String,
    bytes: Vec<u8>,
    file_id: Option<Uuid>,
}

/// One workspace's files that wait to be sent.
pub struct Uploads<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Uploads<'_> {
    /// Stores a file with its bytes, or with where they are.
    pub async fn insert(self, upload: &Upload, content: Content<'_>) -> Result<(), StorageError> {
        debug_assert_eq!(upload.workspace_id, self.workspace, "stored in another workspace");
        const SQL: &str = "
            INSERT INTO uploads (workspace_id, id, name, media_type, size, content_hash, bytes,
                                 file_id, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), upload.id.into_uuid(), &upload.name, &upload.media_type,
            upload.size, &upload.content_hash, content.inline(),
            content.file().map(FileId::into_uuid), upload.created_at);
        Ok(())
    }

    /// Makes an uploaded file one of a message. `None`: there is no such file, or it was sent
    /// before.
    pub async fn attach(
        self,
        id: AttachmentId,
        message: &Message,
    ) -> Result<Option<MessageFile>, StorageError> {
        debug_assert_eq!(message.workspace_id, self.workspace, "sent in another workspace");
        // Another message that wants the file waits here, and then does not find it.
        const TAKE: &str = "
            DELETE FROM uploads WHERE workspace_id = $1 AND id = $2
            RETURNING name, media_type, size, content_hash, bytes, file_id";
        const SQL: &str = "
            INSERT INTO attachments (workspace_id, id, dialog_id, message_id, what, name, media_type,
                                     size, status, reference, content_hash, bytes, file_id,
                                     created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10, $11, $12, $13, $13)";
        let Self { tx, workspace } = self;
        let taken = row!(tx, Row, TAKE; workspace.into_uuid(), id.into_uuid());
        let Some(row) = taken else { return Ok(None) };

        let file = MessageFile {
            id,
            workspace_id: workspace,
            dialog_id: message.dialog_id,
            message_id: message.id,
            what: "document".to_owned(),
            name: Some(row.name),
            media_type: Some(row.media_type),
            size: Some(row.size),
            status: AttachmentStatus::Stored,
            reference: String::new(),
            created_at: message.created_at,
            updated_at: message.created_at,
        };
        run!(tx, SQL;
            workspace.into_uuid(), id.into_uuid(), file.dialog_id.into_uuid(),
            file.message_id.into_uuid(), &file.what, &file.name, &file.media_type, file.size,
            file.status.as_str(), row.content_hash, row.bytes, row.file_id, file.created_at);
        Ok(Some(file))
    }

    /// Deletes a file that is not to be sent after all.
    pub async fn delete(self, id: AttachmentId) -> Result<bool, StorageError> {
        const SQL: &str = "DELETE FROM uploads WHERE workspace_id = $1 AND id = $2";
        Ok(run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid()) == 1)
    }
}

/// All files that wait to be sent.
pub struct SystemUploads<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemUploads<'_> {
    /// Forgets files that were uploaded before `cutoff` and not sent. A batch at a time
    /// ([`crate::sweep::BATCH`]).
    pub async fn forget(self, cutoff: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("uploads", "created_at < $1");
        Ok(delete_batch!(self.tx, SQL; cutoff))
    }
}
