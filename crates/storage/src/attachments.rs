//! Files that belong to messages: the `attachments` table of one workspace.

use chrono::{DateTime, Utc};
use replyx_core::{
    attachment::MessageFile,
    file::StoredBytes,
    ids::{AttachmentId, DialogId, FileId, WorkspaceId},
    rules::attachment::StoredMessageFile,
};
use uuid::Uuid;

use crate::{StorageError, Tx, files::held};

macro_rules! columns {
    () => {
        "workspace_id, id, dialog_id, message_id, what, name, media_type, size, status, reference,
         created_at, updated_at"
    };
}

macro_rules! find {
    () => {
        concat!("SELECT ", columns!(), " FROM attachments WHERE workspace_id = $1 AND id = $2")
    };
}

#[derive(crate::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    dialog_id: Uuid,
    message_id: Uuid,
    what: String,
    name: Option<String>,
    media_type: Option<String>,
    size: Option<i64>,
    status: String,
    reference: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// One workspace's files of messages.
pub struct Attachments<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Attachments<'_> {
    /// Stores what is known of a file that waits to be fetched.
    pub(crate) async fn insert(self, file: &MessageFile) -> Result<(), StorageError> {
        debug_assert_eq!(file.workspace_id, self.workspace, "stored in another workspace");
        const SQL: &str = concat!(
            "INSERT INTO attachments (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        );
        run!(self.tx, SQL;
            self.workspace.into_uuid(), file.id.into_uuid(), file.dialog_id.into_uuid(),
            file.message_id.into_uuid(), &file.what, &file.name, &file.media_type, file.size,
            file.status.as_str(), &file.reference, file.created_at, file.updated_at);
        Ok(())
    }

    /// Finds a file.
    pub async fn find(self, id: AttachmentId) -> Result<Option<MessageFile>, StorageError> {
        row!(self.tx, Row, find!(); self.workspace.into_uuid(), id.into_uuid())
            .map(read)
            .transpose()
    }

    /// Finds a file and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: AttachmentId) -> Result<Option<MessageFile>, StorageError> {
        // A writing transaction already holds all of SQLite.
        let sql = self.tx.sql(concat!(find!(), " FOR NO KEY UPDATE"), find!());
        row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid()).map(read).transpose()
    }

    /// The bytes of a stored file, or where they are.
    pub async fn content(self, id: AttachmentId) -> Result<Option<StoredBytes>, StorageError> {
        const SQL: &str = "
            SELECT bytes, file_id, content_hash, size FROM attachments
             WHERE workspace_id = $1 AND id = $2 AND status = 'stored'";
        let row = row!(self.tx, (Vec<u8>, Option<Uuid>, String, Option<i64>), SQL;
            self.workspace.into_uuid(), id.into_uuid());
        Ok(row.map(|(inline, file, content_hash, size)| held(inline, file, content_hash, size)))
    }

    /// The files of the messages of a dialog from number `first` to number `last`, in order.
    pub async fn of_messages(
        self,
        dialog: DialogId,
        first: i64,
        last: i64,
    ) -> Result<Vec<MessageFile>, StorageError> {
        const SQL: &str = "
            SELECT a.workspace_id, a.id, a.dialog_id, a.message_id, a.what, a.name, a.media_type,
                   a.size, a.status, a.reference, a.created_at, a.updated_at
              FROM messages m
              JOIN attachments a ON a.workspace_id = m.workspace_id AND a.message_id = m.id
             WHERE m.workspace_id = $1 AND m.dialog_id = $2 AND m.seq BETWEEN $3 AND $4
             ORDER BY m.seq, a.id";
        let rows = rows!(self.tx, Row, SQL;
            self.workspace.into_uuid(), dialog.into_uuid(), first, last);
        rows.into_iter().map(read).collect()
    }

    /// Writes what may change of a file.
    ///
    /// # Errors
    ///
    /// Fails when the file is not there.
    pub(crate) async fn save(self, file: &MessageFile) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE attachments SET media_type = $3, size = $4, status = $5, updated_at = $6
             WHERE workspace_id = $1 AND id = $2";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), file.id.into_uuid(), &file.media_type, file.size,
            file.status.as_str(), file.updated_at);
        StorageError::expect_one_row("attachments", changed)
    }

    /// Writes what may change of a file, and its bytes.
    ///
    /// # Errors
    ///
    /// Fails when the file is not there.
    pub(crate) async fn keep(self, stored: &StoredMessageFile<'_>) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE attachments SET bytes = $3, file_id = $4, content_hash = $5
             WHERE workspace_id = $1 AND id = $2";
        let StoredMessageFile { file, content_hash, content } = stored;
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), file.id.into_uuid(), content.inline(),
            content.file().map(FileId::into_uuid), content_hash);
        StorageError::expect_one_row("attachments", changed)?;
        self.save(file).await
    }
}

fn read(row: Row) -> Result<MessageFile, StorageError> {
    Ok(MessageFile {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        dialog_id: row.dialog_id.into(),
        message_id: row.message_id.into(),
        what: row.what,
        name: row.name,
        media_type: row.media_type,
        size: row.size,
        status: row.status.parse().map_err(StorageError::corrupt("attachments"))?,
        reference: row.reference,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
