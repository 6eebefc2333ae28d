//! The vectors of what stands in a passage, beside that of the passage.

use replyx_core::ids::{DocumentId, PassageId};
use uuid::Uuid;

use super::{Passages, Unembedded};
use crate::{StorageError, query::listed};

impl Passages<'_> {
    /// Passages of a document that have a vector of `model` and none of their runs yet, in order,
    /// at most `limit`.
    pub async fn without_runs(
        self,
        document: DocumentId,
        model: &str,
        limit: u32,
    ) -> Result<Vec<Unembedded>, StorageError> {
        const SQL: &str = "
            SELECT id, headings, text FROM passages
             WHERE workspace_id = $1 AND document_id = $2
               AND EXISTS (SELECT 1 FROM passage_vectors AS own
                            WHERE own.workspace_id = $1 AND own.passage_id = passages.id
                              AND own.model = $3 AND own.runs IS NULL)
             ORDER BY position LIMIT $4";
        let rows = rows!(self.tx, (Uuid, String, String), SQL;
            self.workspace.into_uuid(), document.into_uuid(), model, i64::from(limit));
        Ok(rows
            .into_iter()
            .map(|(id, headings, text)| Unembedded { id: id.into(), headings, text })
            .collect())
    }

    /// Stores the vectors of the runs of passages that have a vector of `model`. Those that are
    /// gone are left out.
    pub async fn add_runs(
        self,
        model: &str,
        runs: &[(PassageId, Vec<u8>)],
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE passage_vectors SET runs = $4
             WHERE workspace_id = $1 AND passage_id = $2 AND model = $3";
        for (id, packed) in runs {
            run!(self.tx, SQL;
                self.workspace.into_uuid(), id.into_uuid(), model, packed.as_slice());
        }
        Ok(())
    }

    /// The vectors of the runs of these passages, where they were made.
    pub async fn runs(
        self,
        ids: &[PassageId],
        model: &str,
    ) -> Result<Vec<(PassageId, Vec<u8>)>, StorageError> {
        const POSTGRES: &str = "
            SELECT passage_id, runs FROM passage_vectors
             WHERE workspace_id = $1 AND passage_id = ANY(CAST(string_to_array($2, ',') AS UUID[]))
               AND model = $3 AND runs IS NOT NULL";
        const SQLITE: &str = r#"
            SELECT passage_id, runs FROM passage_vectors
             WHERE workspace_id = $1 AND model = $3 AND runs IS NOT NULL
               AND passage_id IN (SELECT unhex(value)
                                    FROM json_each('["' || replace($2, ',', '","') || '"]'))"#;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = self.tx.sql(POSTGRES, SQLITE);
        let rows = rows!(self.tx, (Uuid, Vec<u8>), sql;
            self.workspace.into_uuid(), listed(ids.iter().map(|id| id.into_uuid())), model);
        Ok(rows.into_iter().map(|(id, packed)| (id.into(), packed)).collect())
    }
}
