//! Web pages that are kept up to date: the `sources` table of one workspace.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{AssistantId, SourceId, WorkspaceId},
    knowledge::Source,
    page::{Page, PageRequest},
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! columns {
    () => {
        "workspace_id, id, assistant_id, kind, url, depth, max_pages, every_hours, status, error, pages, bytes,
         fetched_at, next_at, created_at, updated_at, tags"
    };
}

macro_rules! find {
    () => {
        concat!("SELECT ", columns!(), " FROM sources WHERE workspace_id = $1 AND id = $2")
    };
}

#[derive(crate::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    assistant_id: Uuid,
    kind: String,
    url: String,
    depth: i64,
    max_pages: i64,
    every_hours: Option<i64>,
    status: String,
    error: Option<String>,
    pages: i64,
    bytes: i64,
    fetched_at: Option<DateTime<Utc>>,
    next_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    tags: Json<Vec<String>>,
}

/// One workspace's sources.
pub struct Sources<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Sources<'_> {
    /// Stores a new source.
    pub(crate) async fn insert(self, source: &Source) -> Result<(), StorageError> {
        debug_assert_eq!(source.workspace_id, self.workspace, "stored in another workspace");
        const SQL: &str = concat!(
            "INSERT INTO sources (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
        );
        run!(self.tx, SQL;
            self.workspace.into_uuid(), source.id.into_uuid(), source.assistant_id.into_uuid(),
            source.kind.as_str(), &source.url, source.depth, source.max_pages, source.every_hours,
            source.status.as_str(), &source.error, source.pages, source.bytes, source.fetched_at,
            source.next_at, source.created_at, source.updated_at, Json(&source.tags));
        Ok(())
    }

    /// Finds a source.
    pub async fn find(self, id: SourceId) -> Result<Option<Source>, StorageError> {
        row!(self.tx, Row, find!(); self.workspace.into_uuid(), id.into_uuid())
            .map(read)
            .transpose()
    }

    /// Finds a source and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: SourceId) -> Result<Option<Source>, StorageError> {
        let sql = self.tx.sql(concat!(find!(), " FOR NO KEY UPDATE"), find!());
        row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid()).map(read).transpose()
    }

    /// A page of the sources, of one assistant or of all, oldest first.
    pub async fn list(
        self,
        assistant: Option<AssistantId>,
        page: PageRequest<SourceId>,
    ) -> Result<Page<Source, SourceId>, StorageError> {
        macro_rules! list {
            ($more:literal) => {
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM sources WHERE workspace_id = $1 AND id > $2",
                    $more,
                    " ORDER BY id LIMIT $3"
                )
            };
        }

        let after = page.after.map_or(Uuid::nil(), SourceId::into_uuid);
        let workspace = self.workspace.into_uuid();
        let limit = i64::from(page.limit) + 1;

        let rows = if let Some(assistant) = assistant {
            rows!(self.tx, Row, list!(" AND assistant_id = $4");
                workspace, after, limit, assistant.into_uuid())
        } else {
            rows!(self.tx, Row, list!(""); workspace, after, limit)
        };

        let found = rows.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::of(found, page.limit, |source: &Source| source.id))
    }

    /// How many sources the workspace has.
    pub async fn count(self) -> Result<i64, StorageError> {
        let count = value!(self.tx, i64, "SELECT COUNT(*) FROM sources WHERE workspace_id = $1";
            self.workspace.into_uuid());
        Ok(count.unwrap_or_default())
    }

    /// Writes what may change of a source.
    ///
    /// # Errors
    ///
    /// Fails when the source is not there.
    pub(crate) async fn save(self, source: &Source) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE sources
               SET depth = $3, max_pages = $4, every_hours = $5, status = $6, error = $7, pages = $8, bytes = $9,
                   fetched_at = $10, next_at = $11, updated_at = $12, tags = $13
             WHERE workspace_id = $1 AND id = $2";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), source.id.into_uuid(), source.depth, source.max_pages,
            source.every_hours, source.status.as_str(), &source.error, source.pages, source.bytes,
            source.fetched_at, source.next_at, source.updated_at, Json(&source.tags));
        StorageError::expect_one_row("sources", changed)
    }

    /// Deletes a source. Its documents must be gone.
    ///
    /// # Errors
    ///
    /// Fails when the source is not there, or a document still belongs to it.
    pub(crate) async fn delete(self, source: &Source) -> Result<(), StorageError> {
        const SQL: &str = "DELETE FROM sources WHERE workspace_id = $1 AND id = $2";
        let deleted = run!(self.tx, SQL; self.workspace.into_uuid(), source.id.into_uuid());
        StorageError::expect_one_row("sources", deleted)
    }
}

/// All sources.
pub struct SystemSources<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemSources<'_> {
    /// Sources that are due to be fetched again, at most `limit`. Those of suspended workspaces
    /// wait until these are resumed.
    pub async fn due(
        self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<(WorkspaceId, SourceId)>, StorageError> {
        const SQL: &str = "
            SELECT sources.workspace_id, sources.id
              FROM sources
              JOIN workspaces ON workspaces.id = sources.workspace_id
             WHERE sources.next_at <= $1 AND sources.status IN ('ready', 'failed')
               AND workspaces.suspended_at IS NULL
             ORDER BY sources.next_at
             LIMIT $2";
        let rows = rows!(self.tx, (Uuid, Uuid), SQL; now, i64::from(limit));
        Ok(rows.into_iter().map(|(workspace, id)| (workspace.into(), id.into())).collect())
    }
}

fn read(row: Row) -> Result<Source, StorageError> {
    Ok(Source {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        assistant_id: row.assistant_id.into(),
        kind: row.kind.parse().map_err(StorageError::corrupt("sources"))?,
        url: row.url,
        depth: row.depth,
        max_pages: row.max_pages,
        every_hours: row.every_hours,
        tags: row.tags.0,
        status: row.status.parse().map_err(StorageError::corrupt("sources"))?,
        error: row.error,
        pages: row.pages,
        bytes: row.bytes,
        fetched_at: row.fetched_at,
        next_at: row.next_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
