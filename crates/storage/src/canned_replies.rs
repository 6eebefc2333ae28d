//! Replies that operators keep ready: the `canned_replies` table of one workspace.

use chrono::{DateTime, Utc};
use replyx_core::{
    canned::CannedReply,
    ids::{CannedReplyId, WorkspaceId},
    page::{Page, PageRequest},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! replies {
    () => {
        "SELECT workspace_id, id, shortcut, language, title, text, created_at, updated_at
           FROM canned_replies"
    };
}

#[derive(crate::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    shortcut: String,
    language: String,
    title: String,
    text: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// One workspace's canned replies.
pub struct CannedReplies<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl CannedReplies<'_> {
    /// Stores a new reply.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when another one of the language has its shortcut.
    pub(crate) async fn insert(self, reply: &CannedReply) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO canned_replies (workspace_id, id, shortcut, language, title, text,
                                        created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), reply.id.into_uuid(), &reply.shortcut, language(reply),
            &reply.title, &reply.text, reply.created_at, reply.updated_at);
        Ok(())
    }

    /// Finds a reply.
    pub async fn find(self, id: CannedReplyId) -> Result<Option<CannedReply>, StorageError> {
        const SQL: &str = concat!(replies!(), " WHERE workspace_id = $1 AND id = $2");
        row!(self.tx, Row, SQL; self.workspace.into_uuid(), id.into_uuid()).map(read).transpose()
    }

    /// Finds a reply and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: CannedReplyId) -> Result<Option<CannedReply>, StorageError> {
        const SQL: &str = concat!(replies!(), " WHERE workspace_id = $1 AND id = $2");
        const LOCK: &str = concat!(replies!(), " WHERE workspace_id = $1 AND id = $2 FOR UPDATE");
        let sql = self.tx.sql(LOCK, SQL);
        row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid()).map(read).transpose()
    }

    /// A page of the replies, or of those with a shortcut, oldest first.
    pub async fn list(
        self,
        shortcut: Option<&str>,
        page: PageRequest<CannedReplyId>,
    ) -> Result<Page<CannedReply, CannedReplyId>, StorageError> {
        const SQL: &str = concat!(
            replies!(),
            " WHERE workspace_id = $1 AND id > $2 AND ($3 IS NULL OR shortcut = $3)
              ORDER BY id LIMIT $4"
        );
        let after = page.after.map_or(Uuid::nil(), CannedReplyId::into_uuid);
        let rows = rows!(self.tx, Row, SQL;
            self.workspace.into_uuid(), after, shortcut, i64::from(page.limit) + 1);
        let found = rows.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::of(found, page.limit, |reply: &CannedReply| reply.id))
    }

    /// How many replies there are.
    pub async fn count(self) -> Result<i64, StorageError> {
        const SQL: &str = "SELECT COUNT(*) FROM canned_replies WHERE workspace_id = $1";
        let count = value!(self.tx, i64, SQL; self.workspace.into_uuid());
        Ok(count.unwrap_or_default())
    }

    /// Writes a changed reply.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when another one of the language has its shortcut; fails when
    /// it is not there.
    pub(crate) async fn save(self, reply: &CannedReply) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE canned_replies
               SET shortcut = $3, language = $4, title = $5, text = $6, updated_at = $7
             WHERE workspace_id = $1 AND id = $2";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), reply.id.into_uuid(), &reply.shortcut, language(reply),
            &reply.title, &reply.text, reply.updated_at);
        StorageError::expect_one_row("canned_replies", changed)
    }

    /// Deletes a reply.
    ///
    /// # Errors
    ///
    /// Fails when it is not there.
    pub(crate) async fn delete(self, id: CannedReplyId) -> Result<(), StorageError> {
        const SQL: &str = "DELETE FROM canned_replies WHERE workspace_id = $1 AND id = $2";
        let deleted = run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid());
        StorageError::expect_one_row("canned_replies", deleted)
    }
}

/// Empty stands for any language: a unique index counts no NULL.
fn language(reply: &CannedReply) -> &'static str {
    reply.language.map_or("", replyx_core::assistant::Language::as_str)
}

fn read(row: Row) -> Result<CannedReply, StorageError> {
    let language = Some(row.language.as_str()).filter(|language| !language.is_empty());
    let language = language.map(str::parse).transpose();
    Ok(CannedReply {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        shortcut: row.shortcut,
        language: language.map_err(StorageError::corrupt("canned_replies"))?,
        title: row.title,
        text: row.text,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
