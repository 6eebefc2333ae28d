//! Copies vectors into the database's index, and takes those out that nobody is searched by.

use replyx_core::ids::{AssistantId, DocumentId, WorkspaceId};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{MAX_DIMENSIONS, NeighbourSet, Neighbours, SystemNeighbours, table};
use crate::StorageError;

/// The revision of a set that is not complete yet.
const UNFINISHED: i64 = -1;

/// A vector that is not in the index yet.
#[derive(Clone, Debug, PartialEq, Eq, crate::FromRow)]
pub struct Uncopied {
    id: Uuid,
    document_id: Uuid,
    /// The vector, `f32` little-endian.
    pub vector: Vec<u8>,
}

/// An assistant that knows much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LargeAssistant {
    /// Whose.
    pub workspace: WorkspaceId,
    /// The assistant.
    pub assistant: AssistantId,
    /// How many passages it knows.
    pub passages: i64,
    /// The revision of its knowledge.
    pub revision: i64,
}

impl Neighbours<'_> {
    /// How many numbers the vectors of a model have that an assistant's passages carry. `None`:
    /// there are none.
    pub async fn width(
        self,
        assistant: AssistantId,
        model: &str,
    ) -> Result<Option<usize>, StorageError> {
        const SQL: &str = "
            SELECT CAST(LENGTH(vectors.vector) / 4 AS BIGINT)
              FROM document_assistants AS links
              JOIN passages ON passages.workspace_id = links.workspace_id
                           AND passages.document_id = links.document_id
              JOIN passage_vectors AS vectors
                ON vectors.workspace_id = passages.workspace_id AND vectors.passage_id = passages.id
               AND vectors.model = $3
             WHERE links.workspace_id = $1 AND links.assistant_id = $2 LIMIT 1";
        let width = value!(self.tx, i64, SQL;
            self.workspace.into_uuid(), assistant.into_uuid(), model);
        Ok(width.and_then(|width| usize::try_from(width).ok()))
    }

    /// Begins a set, which is not searched by before it is [complete](Self::complete). Vectors of
    /// another width that were in it before are no longer found. Until it is complete, each time is
    /// taken to look at how the tables are now: who copies everything with statistics of before is
    /// slow beyond measure.
    ///
    /// # Errors
    ///
    /// Fails when there is no such assistant.
    pub async fn begin(
        self,
        assistant: AssistantId,
        model: &str,
        dimensions: usize,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO neighbour_sets AS known (workspace_id, assistant_id, model, dimensions, revision)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (workspace_id, assistant_id, model)
            DO UPDATE SET dimensions = $4, revision = $5 WHERE known.dimensions <> $4";
        const STATE: &str = "
            SELECT revision = $4 FROM neighbour_sets
             WHERE workspace_id = $1 AND assistant_id = $2 AND model = $3";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), assistant.into_uuid(), model, width(dimensions), UNFINISHED);
        let unfinished = value!(self.tx, bool, STATE;
            self.workspace.into_uuid(), assistant.into_uuid(), model, UNFINISHED);
        if unfinished == Some(true) {
            run!(self.tx, "ANALYZE document_assistants, passages, passage_vectors");
        }
        Ok(())
    }

    /// Documents of an assistant with vectors that are not in the index, at most `limit`.
    pub async fn behind(
        self,
        assistant: AssistantId,
        model: &str,
        dimensions: usize,
        limit: u32,
    ) -> Result<Vec<DocumentId>, StorageError> {
        let sql = format!(
            "SELECT DISTINCT links.document_id
               FROM document_assistants AS links
               JOIN passages ON passages.workspace_id = links.workspace_id
                            AND passages.document_id = links.document_id
               JOIN passage_vectors AS vectors
                 ON vectors.workspace_id = passages.workspace_id AND vectors.passage_id = passages.id
                AND vectors.model = $3
              WHERE links.workspace_id = $1 AND links.assistant_id = $2
                AND NOT EXISTS (SELECT 1 FROM {} AS own
                                 WHERE own.workspace_id = $1 AND own.passage_id = passages.id AND own.model = $3)
              LIMIT $4",
            table(dimensions)
        );

        let rows: Vec<(Uuid,)> = on_postgres!(self.tx, Vec::new(), |conn| {
            sqlx::query_as(AssertSqlSafe(sql))
                .bind(self.workspace.into_uuid())
                .bind(assistant.into_uuid())
                .bind(model)
                .bind(i64::from(limit))
                .fetch_all(conn)
        });

        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Vectors of these documents that are not in the index, at most `limit`.
    pub async fn uncopied(
        self,
        documents: &[DocumentId],
        model: &str,
        dimensions: usize,
        limit: u32,
    ) -> Result<Vec<Uncopied>, StorageError> {
        let sql = format!(
            "SELECT passages.id, passages.document_id, vectors.vector
               FROM passages
               JOIN passage_vectors AS vectors
                 ON vectors.workspace_id = passages.workspace_id AND vectors.passage_id = passages.id
                AND vectors.model = $3
              WHERE passages.workspace_id = $1 AND passages.document_id = ANY($2)
                AND NOT EXISTS (SELECT 1 FROM {} AS own
                                 WHERE own.workspace_id = $1 AND own.passage_id = passages.id AND own.model = $3)
              ORDER BY passages.id LIMIT $4",
            table(dimensions)
        );

        let documents: Vec<Uuid> = documents.iter().map(|id| id.into_uuid()).collect();
        Ok(on_postgres!(self.tx, Vec::new(), |conn| {
            sqlx::query_as(AssertSqlSafe(sql))
                .bind(self.workspace.into_uuid())
                .bind(documents)
                .bind(model)
                .bind(i64::from(limit))
                .fetch_all(conn)
        }))
    }

    /// Puts vectors into the index. Those that are in it already or gone in the meantime are left
    /// out; those that are of another length, or are no direction, are noted and never found.
    pub async fn copy(
        self,
        model: &str,
        dimensions: usize,
        vectors: &[Uncopied],
    ) -> Result<(), StorageError> {
        // Locked, or one that is deleted in the meantime would fail the others.
        let sql = format!(
            "INSERT INTO {} (workspace_id, passage_id, model, document_id, embedding)
             SELECT $1, new.passage_id, $2, new.document_id, new.embedding::halfvec
               FROM UNNEST($3, $4, $5) AS new (passage_id, document_id, embedding)
               JOIN passage_vectors AS vectors
                 ON vectors.workspace_id = $1 AND vectors.passage_id = new.passage_id AND vectors.model = $2
              ORDER BY new.passage_id
                FOR KEY SHARE OF vectors
             ON CONFLICT DO NOTHING",
            table(dimensions)
        );
        let passages: Vec<Uuid> = vectors.iter().map(|one| one.id).collect();
        let documents: Vec<Uuid> = vectors.iter().map(|one| one.document_id).collect();
        let embeddings: Vec<Option<String>> =
            vectors.iter().map(|one| literal(&one.numbers(), dimensions)).collect();
        on_postgres!(self.tx, (), |conn| {
            sqlx::query(AssertSqlSafe(sql))
                .bind(self.workspace.into_uuid())
                .bind(model)
                .bind(passages)
                .bind(documents)
                .bind(embeddings)
                .execute(conn)
        });
        Ok(())
    }

    /// A set has all that the assistant knew at `revision`. When it was not complete before, the
    /// revision of the assistant's knowledge rises, so that every process hears of it. `false`: it
    /// had been complete.
    pub async fn complete(
        self,
        assistant: AssistantId,
        model: &str,
        revision: i64,
    ) -> Result<bool, StorageError> {
        const FIRST: &str = "
            UPDATE neighbour_sets SET revision = $4
             WHERE workspace_id = $1 AND assistant_id = $2 AND model = $3 AND revision = $5";
        const AGAIN: &str = "
            UPDATE neighbour_sets SET revision = $4
             WHERE workspace_id = $1 AND assistant_id = $2 AND model = $3 AND revision BETWEEN 0 AND $4";
        let workspace = self.workspace.into_uuid();
        let assistant_id = assistant.into_uuid();
        let first = run!(self.tx, FIRST; workspace, assistant_id, model, revision, UNFINISHED) == 1;
        if first {
            raise(self.tx, self.workspace, assistant).await?;
        } else {
            run!(self.tx, AGAIN; workspace, assistant_id, model, revision);
        }
        Ok(first)
    }

    /// An assistant is no longer searched by a set. What it leaves is
    /// [tidied up](SystemNeighbours::tidy).
    pub async fn forget(self, assistant: AssistantId, model: &str) -> Result<(), StorageError> {
        const SQL: &str = "
            DELETE FROM neighbour_sets WHERE workspace_id = $1 AND assistant_id = $2 AND model = $3";
        run!(self.tx, SQL; self.workspace.into_uuid(), assistant.into_uuid(), model);
        raise(self.tx, self.workspace, assistant).await
    }
}

async fn raise(
    tx: &mut crate::Tx,
    workspace: WorkspaceId,
    assistant: AssistantId,
) -> Result<(), StorageError> {
    const SQL: &str = "
        UPDATE assistants SET knowledge_revision = knowledge_revision + 1
         WHERE workspace_id = $1 AND id = $2";
    run!(tx, SQL; workspace.into_uuid(), assistant.into_uuid());
    Ok(())
}

impl SystemNeighbours<'_> {
    /// Makes the tables for vectors with so many numbers, and their index, where they are missing.
    /// `false`: they cannot be indexed.
    ///
    /// # Errors
    ///
    /// Fails when a table they refer to is busy for seconds.
    pub async fn prepare(self, dimensions: usize) -> Result<bool, StorageError> {
        const SETS: &str = "
            CREATE TABLE IF NOT EXISTS neighbour_sets (
                workspace_id  UUID NOT NULL,
                assistant_id  UUID NOT NULL,
                model         TEXT NOT NULL,
                dimensions    INTEGER NOT NULL,
                revision      BIGINT NOT NULL,
                PRIMARY KEY (workspace_id, assistant_id, model),
                FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id) ON DELETE CASCADE
            )";
        if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
            return Ok(false);
        }
        let table = table(dimensions);
        if self.tx.has_table(&table).await? {
            return Ok(true);
        }
        let vectors = format!(
            "CREATE TABLE IF NOT EXISTS {table} (
                workspace_id  UUID NOT NULL,
                passage_id    UUID NOT NULL,
                model         TEXT NOT NULL,
                document_id   UUID NOT NULL,
                embedding     halfvec({dimensions}),
                PRIMARY KEY (workspace_id, passage_id, model),
                FOREIGN KEY (workspace_id, passage_id, model)
                    REFERENCES passage_vectors (workspace_id, passage_id, model) ON DELETE CASCADE
            )"
        );
        let index = format!(
            "CREATE INDEX IF NOT EXISTS {table}_nearest ON {table} USING hnsw (embedding halfvec_cosine_ops)"
        );
        on_postgres!(self.tx, false, |conn| async {
            // Making a reference waits for those who write, and those who write would wait for it.
            sqlx::query("SET LOCAL lock_timeout = '3s'").execute(&mut *conn).await?;
            super::one_at_a_time(conn).await?;
            sqlx::query(SETS).execute(&mut *conn).await?;
            for sql in [vectors, index] {
                sqlx::query(AssertSqlSafe(sql)).execute(&mut *conn).await?;
            }
            Ok::<_, sqlx::Error>(())
        });
        Ok(true)
    }

    /// The assistants that know more than `least` passages.
    pub async fn large(self, least: i64) -> Result<Vec<LargeAssistant>, StorageError> {
        const SQL: &str = "
            SELECT assistants.workspace_id, assistants.id, CAST(SUM(documents.passages) AS BIGINT),
                   assistants.knowledge_revision
              FROM assistants
              JOIN document_assistants AS links
                ON links.workspace_id = assistants.workspace_id AND links.assistant_id = assistants.id
              JOIN documents
                ON documents.workspace_id = links.workspace_id AND documents.id = links.document_id
             WHERE assistants.deleted_at IS NULL
             GROUP BY assistants.workspace_id, assistants.id, assistants.knowledge_revision
            HAVING SUM(documents.passages) > $1";
        let rows = rows!(self.tx, (Uuid, Uuid, i64, i64), SQL; least);
        Ok(rows
            .into_iter()
            .map(|(workspace, assistant, passages, revision)| LargeAssistant {
                workspace: workspace.into(),
                assistant: assistant.into(),
                passages,
                revision,
            })
            .collect())
    }

    /// All sets, unfinished ones included.
    pub async fn sets(self) -> Result<Vec<(WorkspaceId, AssistantId, NeighbourSet)>, StorageError> {
        const SQL: &str = "
            SELECT workspace_id, assistant_id, model, dimensions, revision FROM neighbour_sets
             ORDER BY workspace_id, assistant_id, model";
        if !self.tx.has_table("neighbour_sets").await? {
            return Ok(Vec::new());
        }
        let rows = rows!(self.tx, (Uuid, Uuid, String, i32, i64), SQL);
        Ok(rows
            .into_iter()
            .map(|(workspace, assistant, model, dimensions, revision)| {
                (workspace.into(), assistant.into(), super::read_set((model, dimensions, revision)))
            })
            .collect())
    }

    /// Takes vectors out of the index that no assistant is searched by, at most `limit`; says how
    /// many.
    pub async fn tidy(self, dimensions: usize, limit: u32) -> Result<u64, StorageError> {
        let table = table(dimensions);
        if !self.tx.has_table(&table).await? {
            return Ok(0);
        }
        let sql = format!(
            "DELETE FROM {table} WHERE (workspace_id, passage_id, model) IN (
                SELECT own.workspace_id, own.passage_id, own.model FROM {table} AS own
                 WHERE NOT EXISTS (
                    SELECT 1 FROM neighbour_sets AS sets
                      JOIN document_assistants AS links
                        ON links.workspace_id = sets.workspace_id AND links.assistant_id = sets.assistant_id
                     WHERE sets.workspace_id = own.workspace_id AND sets.model = own.model
                       AND sets.dimensions = $2 AND links.document_id = own.document_id)
                 LIMIT $1)"
        );
        let done = on_postgres!(self.tx, 0, |conn| {
            sqlx::query(AssertSqlSafe(sql))
                .bind(i64::from(limit))
                .bind(width(dimensions))
                .execute(conn)
        });
        Ok(done.rows_affected())
    }

    /// The widths of vectors that there are tables for.
    pub async fn widths(self) -> Result<Vec<usize>, StorageError> {
        const SQL: &str = "
            SELECT CAST(SUBSTR(tablename, 12) AS BIGINT) FROM pg_tables
             WHERE schemaname = current_schema() AND tablename ~ '^neighbours_[0-9]+$' ORDER BY 1";
        let rows: Vec<(i64,)> =
            on_postgres!(self.tx, Vec::new(), |conn| sqlx::query_as(SQL).fetch_all(conn));
        Ok(rows.into_iter().filter_map(|(width,)| usize::try_from(width).ok()).collect())
    }
}

impl Uncopied {
    fn numbers(&self) -> Vec<f32> {
        self.vector.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
    }
}

fn width(dimensions: usize) -> i32 {
    i32::try_from(dimensions).unwrap_or(i32::MAX)
}

/// The vector at unit length as the database reads it; nothing when it is of another length, or no
/// direction.
pub(super) fn literal(vector: &[f32], dimensions: usize) -> Option<String> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    (vector.len() == dimensions && norm.is_normal()).then(|| {
        let numbers: Vec<String> = vector.iter().map(|x| (x / norm).to_string()).collect();
        format!("[{}]", numbers.join(","))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_direction_is_not_written() {
        assert_eq!(literal(&[3.0, 4.0], 2).as_deref(), Some("[0.6,0.8]"));
        assert_eq!(literal(&[0.0, 0.0], 2), None);
        assert_eq!(literal(&[f32::NAN, 1.0], 2), None);
        assert_eq!(literal(&[f32::INFINITY, 1.0], 2), None);
        assert_eq!(literal(&[1.0], 2), None);
    }
}
