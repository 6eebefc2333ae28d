//! The bytes of files: in a row of the database, or in the store of files.
//!
//! Bytes are kept first, with [`Db::keep`], before the transaction whose row names them; no
//! transaction waits for the store. What a transaction that failed has left in the store is an
//! orphan, which [`sweep`] deletes once it is [`GRACE`] old. So a row always has its bytes.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};
use replyx_core::{
    file::{Content, StoredBytes},
    ids::{FileId, WorkspaceId},
};
use replyx_files::{Files, Key};
use uuid::Uuid;

use crate::{Db, StorageError, Tx};

/// How old a file without a row must be to be an orphan. A row follows its bytes within the time of
/// a request.
pub const GRACE: Duration = Duration::from_hours(24);

impl Db {
    /// Keeps bytes for a row that is about to be written: small ones go into the row itself.
    ///
    /// # Errors
    ///
    /// [`StorageError::Files`] when the store fails.
    pub async fn keep<'b>(
        &self,
        workspace: WorkspaceId,
        file: FileId,
        bytes: &'b [u8],
    ) -> Result<Content<'b>, StorageError> {
        if !self.files().takes(bytes.len()) {
            return Ok(Content::Inline(bytes));
        }
        self.files().put(Key { workspace, file }, bytes.to_vec()).await?;
        Ok(Content::Kept(file))
    }

    /// Deletes bytes that were kept for a row that was certainly not written. Where that is not
    /// certain they stay: the sweep knows.
    pub async fn discard(&self, workspace: WorkspaceId, content: Content<'_>) {
        let Some(file) = content.file() else { return };
        if let Err(error) = self.files().delete(Key { workspace, file }).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                file.id = %file,
                "file that was not needed could not be deleted; the sweep will"
            );
        }
    }

    /// The bytes that a row holds or names.
    ///
    /// # Errors
    ///
    /// [`StorageError::Files`] when the store fails, or has other bytes, or none.
    pub async fn bytes_of(
        &self,
        workspace: WorkspaceId,
        held: StoredBytes,
    ) -> Result<Vec<u8>, StorageError> {
        match held {
            StoredBytes::Inline(bytes) => Ok(bytes),
            StoredBytes::Kept { file, content_hash, size } => {
                Ok(self.files().read(Key { workspace, file }, &content_hash, size).await?)
            }
        }
    }
}

/// Deletes the files that no row names, and returns how many there were. A store that belongs to
/// another installation is left alone: to this one, none of its files has a row.
///
/// # Errors
///
/// Fails when the database or the store does; what was deleted before stays deleted.
pub async fn sweep(db: &Db, now: DateTime<Utc>) -> Result<u64, StorageError> {
    let installation = db.read().await?.system().files().installation().await?;
    let Some(installation) = installation else { return Ok(0) };
    // A file without bytes under the id of no workspace says whose a store is.
    let mark = Key { workspace: Uuid::nil().into(), file: installation };

    let mut deleted = 0;
    // A database that keeps everything itself has no store to sweep.
    if db.files().is_outside() && may_sweep(db.files(), mark, Unmarked::Claim).await? {
        deleted += sweep_store(db, db.files(), now).await?;
    }
    if let Some(earlier) = db.files().earlier()
        && may_sweep(&earlier, mark, Unmarked::Leave).await?
    {
        deleted += sweep_store(db, &earlier, now).await?;
    }
    metrics::counter!("file_orphans_deleted_total").increment(deleted);
    Ok(deleted)
}

/// What becomes of a store that nobody has marked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unmarked {
    /// It is marked as ours.
    Claim,
    /// It may be somebody else's.
    Leave,
}

/// Is the store marked as ours, and as nobody else's?
async fn may_sweep(files: &Files, mark: Key, unmarked: Unmarked) -> Result<bool, StorageError> {
    // Marks stand first in the list.
    let found = files.list(None).await?;
    let marks: Vec<Key> =
        found.into_iter().take_while(|key| key.workspace == mark.workspace).collect();
    match marks.as_slice() {
        [] if unmarked == Unmarked::Claim => {
            files.put(mark, Vec::new()).await?;
            Ok(true)
        }
        [one] if *one == mark => Ok(true),
        [] => Ok(false),
        _ => {
            tracing::warn!("the store of files belongs to another installation; it is not swept");
            Ok(false)
        }
    }
}

async fn sweep_store(db: &Db, files: &Files, now: DateTime<Utc>) -> Result<u64, StorageError> {
    let before = now - GRACE;
    let mut deleted = 0;
    let mut after = None;
    loop {
        let page = files.list(after).await?;
        let Some(&last) = page.last() else { return Ok(deleted) };
        after = Some(last);

        let old = page.into_iter().filter(|key| {
            !key.workspace.into_uuid().is_nil() && key.made_at().is_some_and(|at| at < before)
        });
        let old: Vec<Key> = old.collect();
        if old.is_empty() {
            continue;
        }
        let ids: Vec<FileId> = old.iter().map(|key| key.file).collect();
        let named = db.read().await?.system().files().named(&ids).await?;

        for key in old.into_iter().filter(|key| !named.contains(&key.file)) {
            files.delete(key).await?;
            deleted += 1;
        }
    }
}

/// One workspace's files.
pub struct WorkspaceFiles<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl WorkspaceFiles<'_> {
    /// How many bytes the workspace keeps, wherever they are.
    pub async fn bytes(self) -> Result<i64, StorageError> {
        const SQL: &str = "
            SELECT CAST((SELECT COALESCE(SUM(size), 0) FROM documents WHERE workspace_id = $1)
                      + (SELECT COALESCE(SUM(size), 0) FROM document_replacements
                          WHERE workspace_id = $1)
                      + (SELECT COALESCE(SUM(size), 0) FROM attachments
                          WHERE workspace_id = $1 AND status = 'stored')
                      + (SELECT COALESCE(SUM(size), 0) FROM uploads
                          WHERE workspace_id = $1) AS BIGINT)";
        let bytes = value!(self.tx, i64, SQL; self.workspace.into_uuid());
        Ok(bytes.unwrap_or_default())
    }
}

/// The files of all workspaces.
pub struct SystemFiles<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemFiles<'_> {
    /// The id of the installation, by which a store is known to be its own; `None` before the first
    /// process has joined it.
    pub(crate) async fn installation(self) -> Result<Option<FileId>, StorageError> {
        Ok(value!(self.tx, Uuid, crate::installation::FIND).map(FileId::from))
    }

    /// Which of these files rows name.
    pub async fn named(self, files: &[FileId]) -> Result<HashSet<FileId>, StorageError> {
        const POSTGRES: &str = "
            SELECT file_id FROM document_files
             WHERE file_id = ANY(CAST(string_to_array($1, ',') AS UUID[]))
             UNION ALL
            SELECT file_id FROM document_replacements
             WHERE file_id = ANY(CAST(string_to_array($1, ',') AS UUID[]))
             UNION ALL
            SELECT file_id FROM attachments
             WHERE file_id = ANY(CAST(string_to_array($1, ',') AS UUID[]))
             UNION ALL
            SELECT file_id FROM uploads
             WHERE file_id = ANY(CAST(string_to_array($1, ',') AS UUID[]))";
        const SQLITE: &str = r#"
            SELECT file_id FROM document_files
             WHERE file_id IN
                   (SELECT unhex(value) FROM json_each('["' || replace($1, ',', '","') || '"]'))
             UNION ALL
            SELECT file_id FROM document_replacements
             WHERE file_id IN
                   (SELECT unhex(value) FROM json_each('["' || replace($1, ',', '","') || '"]'))
             UNION ALL
            SELECT file_id FROM attachments
             WHERE file_id IN
                   (SELECT unhex(value) FROM json_each('["' || replace($1, ',', '","') || '"]'))
             UNION ALL
            SELECT file_id FROM uploads
             WHERE file_id IN
                   (SELECT unhex(value) FROM json_each('["' || replace($1, ',', '","') || '"]'))"#;
        let sql = self.tx.sql(POSTGRES, SQLITE);
        let ids: Vec<String> =
            files.iter().map(|file| file.into_uuid().simple().to_string()).collect();
        let rows = rows!(self.tx, (Uuid,), sql; ids.join(","));
        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }
}

/// A row's bytes: those that it holds, or the file that it names with its hash and its size.
pub(crate) fn held(
    inline: Vec<u8>,
    file: Option<Uuid>,
    content_hash: String,
    size: Option<i64>,
) -> StoredBytes {
    match file {
        None => StoredBytes::Inline(inline),
        Some(file) => StoredBytes::Kept {
            file: file.into(),
            content_hash,
            size: size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        },
    }
}
