//! Asks the database's index for the nearest vectors.

use replyx_core::ids::{AssistantId, DocumentId, PassageId};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{NeighbourSet, Neighbours, fill::literal, table};
use crate::StorageError;

/// How the index is gone through. It goes on until enough passages of the assistant are found, in
/// nearly the right order, which is made right by the exact vectors. Without sorting, the planner
/// has no way but the index: its guess of how many rows a filter leaves is no reason to compare
/// them all. Compiling a plan takes longer than running it.
const SETTINGS: &str = "
    SELECT set_config('hnsw.ef_search', '200', true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
           set_config('hnsw.max_scan_tuples', '60000', true), set_config('enable_sort', 'off', true),
           set_config('jit', 'off', true)";

impl Neighbours<'_> {
    /// About the `limit` passages of an assistant that are nearest to a vector, in no order; of
    /// these documents only, if any are named. None when the vector is of another length than those
    /// of the set.
    ///
    /// The settings of the transaction are changed: nothing else should be asked in it.
    pub async fn nearest(
        self,
        assistant: AssistantId,
        set: &NeighbourSet,
        vector: &[f32],
        documents: Option<&[DocumentId]>,
        limit: u32,
    ) -> Result<Vec<PassageId>, StorageError> {
        let Some(vector) = literal(vector, set.dimensions) else { return Ok(Vec::new()) };
        let only = if documents.is_some() { "AND own.document_id = ANY($6)" } else { "" };
        // `IS TRUE` keeps the documents a set to look into. As a join they would be gone through
        // for every passage, or the index for every document, where the statistics are old.
        let sql = format!(
            "SELECT own.passage_id FROM {} AS own
              WHERE own.workspace_id = $1 AND own.model = $3
                AND (own.document_id IN (SELECT links.document_id FROM document_assistants AS links
                                          WHERE links.workspace_id = $1 AND links.assistant_id = $2)) IS TRUE {only}
              ORDER BY own.embedding <=> $4::text::halfvec LIMIT $5",
            table(set.dimensions)
        );
        let documents: Option<Vec<Uuid>> =
            documents.map(|ids| ids.iter().map(|id| id.into_uuid()).collect());
        let rows: Vec<(Uuid,)> = on_postgres!(self.tx, Vec::new(), |conn| async {
            sqlx::query(SETTINGS).execute(&mut *conn).await?;
            let asked = sqlx::query_as(AssertSqlSafe(sql))
                .bind(self.workspace.into_uuid())
                .bind(assistant.into_uuid())
                .bind(&set.model)
                .bind(vector)
                .bind(i64::from(limit));
            match documents {
                Some(ids) => asked.bind(ids).fetch_all(conn).await,
                None => asked.fetch_all(conn).await,
            }
        });
        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }

    /// The stems of these passages, joined by spaces, in no order.
    pub async fn terms(
        self,
        passages: &[PassageId],
    ) -> Result<Vec<(PassageId, String)>, StorageError> {
        const SQL: &str = "SELECT id, terms FROM passages WHERE workspace_id = $1 AND id = ANY($2)";
        let ids: Vec<Uuid> = passages.iter().map(|id| id.into_uuid()).collect();
        let rows: Vec<(Uuid, String)> = on_postgres!(self.tx, Vec::new(), |conn| {
            sqlx::query_as(SQL).bind(self.workspace.into_uuid()).bind(ids).fetch_all(conn)
        });
        Ok(rows.into_iter().map(|(id, terms)| (id.into(), terms)).collect())
    }

    /// The vectors of `model` of these passages, `f32` little-endian, in no order.
    pub async fn vectors(
        self,
        passages: &[PassageId],
        model: &str,
    ) -> Result<Vec<(PassageId, Vec<u8>)>, StorageError> {
        const SQL: &str = "
            SELECT passage_id, vector FROM passage_vectors
             WHERE workspace_id = $1 AND passage_id = ANY($2) AND model = $3";
        let ids: Vec<Uuid> = passages.iter().map(|id| id.into_uuid()).collect();
        let rows: Vec<(Uuid, Vec<u8>)> = on_postgres!(self.tx, Vec::new(), |conn| {
            sqlx::query_as(SQL)
                .bind(self.workspace.into_uuid())
                .bind(ids)
                .bind(model)
                .fetch_all(conn)
        });
        Ok(rows.into_iter().map(|(id, vector)| (id.into(), vector)).collect())
    }
}
