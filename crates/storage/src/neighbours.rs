//! Vectors of assistants too large for an exact scan, where the database itself finds the nearest
//! (pgvector, HNSW).
//!
//! The tables are no migration: they are made when the first such assistant needs them, and only
//! where the extension is. `neighbour_sets` says whose vectors of which model are in the graph;
//! `neighbours_N` holds those with N numbers. Each row hangs on the row of `passage_vectors` that
//! it is a copy of, so whatever deletes or replaces that one takes the copy along. Who may find a
//! passage is read from `document_assistants` with every question.

use replyx_core::ids::{AssistantId, WorkspaceId};
use sqlx::PgConnection;

use crate::{Db, StorageError, Tx, db::Pool, tx::Conn};

mod fill;
mod nearest;

pub use fill::{LargeAssistant, Uncopied};

/// Vectors with more numbers than this are not indexed: a page of the graph would not hold one.
pub const MAX_DIMENSIONS: usize = 4_000;
/// What pgvector must have at least, for filtered searches that go on until enough is found.
const LEAST_VERSION: (u32, u32) = (0, 8);

/// Whether the database can find nearest vectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VectorIndex {
    /// It is `SQLite`, which has nothing of the kind.
    Unknown,
    /// The server does not have the extension.
    Missing,
    /// The extension is older than we can use; its version.
    Outdated(String),
    /// The server has it, of this version, but it is not created in the database.
    Creatable(String),
    /// It can be used; its version.
    Ready(String),
}

impl VectorIndex {
    /// What is missing, and what to do about it. `None`: nothing, or there is nothing to be had
    /// (`SQLite`).
    pub fn lack(&self) -> Option<String> {
        match self {
            Self::Unknown | Self::Ready(_) => None,
            Self::Missing => {
                Some("the server has no pgvector: install it for large assistants".to_owned())
            }
            Self::Outdated(version) => Some(format!(
                "pgvector {version} is too old: install 0.8 or later, then `ALTER EXTENSION vector UPDATE`"
            )),
            Self::Creatable(version) => Some(format!(
                "pgvector {version} is there, not created: as an admin of the database, `CREATE EXTENSION vector`"
            )),
        }
    }
}

/// The vectors of one model that an assistant is searched by in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeighbourSet {
    /// Their model.
    pub model: String,
    /// How many numbers each has.
    pub dimensions: usize,
    /// The revision of the assistant's knowledge that the copies were complete at.
    pub revision: i64,
}

/// One workspace's vectors in the database's own index.
pub struct Neighbours<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

/// All vectors in the database's own index, for housekeeping.
pub struct SystemNeighbours<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Db {
    /// Whether the database can find nearest vectors. Nothing is changed.
    pub async fn vector_index(&self) -> Result<VectorIndex, StorageError> {
        const SQL: &str = "
            SELECT default_version, installed_version FROM pg_available_extensions WHERE name = 'vector'";
        let Pool::Postgres(pool) = &self.pool else { return Ok(VectorIndex::Unknown) };
        let row: Option<(Option<String>, Option<String>)> =
            sqlx::query_as(SQL).fetch_optional(pool).await?;
        Ok(match row {
            None => VectorIndex::Missing,
            Some((_, Some(installed))) if recent(&installed) => VectorIndex::Ready(installed),
            Some((_, Some(installed))) => VectorIndex::Outdated(installed),
            Some((Some(known), None)) if recent(&known) => VectorIndex::Creatable(known),
            Some((known, None)) => VectorIndex::Outdated(known.unwrap_or_default()),
        })
    }

    /// Creates the extension where it is missing and we may; says how it is then. To lack the right
    /// is no error.
    pub async fn create_vector_index(&self) -> Result<VectorIndex, StorageError> {
        let state = self.vector_index().await?;
        let (Pool::Postgres(pool), VectorIndex::Creatable(_)) = (&self.pool, &state) else {
            return Ok(state);
        };
        let mut tx = pool.begin().await?;
        // Two processes that start at once would both create it, and one of them fail.
        one_at_a_time(&mut tx).await?;
        match sqlx::query("CREATE EXTENSION IF NOT EXISTS vector").execute(&mut *tx).await {
            Ok(_) => tx.commit().await?,
            // Whatever the server has against it (no right, half an installation): we do without.
            Err(sqlx::Error::Database(_)) => tx.rollback().await?,
            Err(error) => return Err(error.into()),
        }
        self.vector_index().await
    }
}

/// Waits until no other process makes tables or extensions; until the end of the transaction.
async fn one_at_a_time(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock(7234019855)").execute(conn).await?;
    Ok(())
}

fn recent(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= LEAST_VERSION
}

impl Neighbours<'_> {
    /// The sets of an assistant, by model; none where the database finds no nearest vectors.
    pub async fn sets(self, assistant: AssistantId) -> Result<Vec<NeighbourSet>, StorageError> {
        const SQL: &str = "
            SELECT model, dimensions, revision FROM neighbour_sets
             WHERE workspace_id = $1 AND assistant_id = $2 ORDER BY model";
        if !self.tx.has_table("neighbour_sets").await? {
            return Ok(Vec::new());
        }
        let rows = rows!(self.tx, (String, i32, i64), SQL;
            self.workspace.into_uuid(), assistant.into_uuid());
        Ok(rows.into_iter().map(read_set).collect())
    }
}

fn read_set((model, dimensions, revision): (String, i32, i64)) -> NeighbourSet {
    NeighbourSet { model, dimensions: usize::try_from(dimensions).unwrap_or_default(), revision }
}

/// The table of vectors with so many numbers.
fn table(dimensions: usize) -> String {
    format!("neighbours_{dimensions}")
}

impl Tx {
    /// Is it `PostgreSQL`, with this table?
    async fn has_table(&mut self, name: &str) -> Result<bool, StorageError> {
        if matches!(self.conn, Conn::Sqlite(_)) {
            return Ok(false);
        }
        let found = value!(self, bool, "SELECT to_regclass($1) IS NOT NULL"; name);
        Ok(found.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for good in ["0.8.0", "0.8", "0.10.1", "1.0", "0.8.5"] {
            assert!(recent(good), "{good}");
        }
        for old in ["0.7.4", "0.5", "0", "", "x"] {
            assert!(!recent(old), "{old}");
        }
    }
}
