//! Documents of all workspaces whose index or vectors are out of date.

use replyx_core::ids::{DocumentId, WorkspaceId};
use uuid::Uuid;

use crate::{StorageError, Tx};

/// All documents.
pub struct SystemDocuments<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemDocuments<'_> {
    /// Ready documents whose index was made by earlier rules than `version` (`true`), or whose
    /// vectors are not all of `model` (`false`), at most `limit`. Workspaces take turns, so that
    /// documents that cannot be brought up to date keep nobody else's waiting; those of suspended
    /// workspaces wait until these are resumed.
    pub async fn outdated(
        self,
        version: i64,
        model: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(WorkspaceId, DocumentId, bool)>, StorageError> {
        const INDEX: &str = "
            SELECT documents.workspace_id, documents.id, documents.index_version
              FROM documents
              JOIN workspaces ON workspaces.id = documents.workspace_id
             WHERE documents.status = 'ready' AND documents.index_version < $1
               AND documents.deleted_at IS NULL
               AND workspaces.suspended_at IS NULL
             ORDER BY ROW_NUMBER() OVER (PARTITION BY documents.workspace_id ORDER BY documents.updated_at, documents.id),
                      documents.id
             LIMIT $2";
        const BOTH: &str = "
            SELECT documents.workspace_id, documents.id, documents.index_version
              FROM documents
              JOIN workspaces ON workspaces.id = documents.workspace_id
             WHERE documents.status = 'ready' AND documents.passages > 0 AND documents.deleted_at IS NULL
               AND (documents.index_version < $1 OR documents.embedded < documents.passages
                    OR documents.embedded_with IS NULL OR documents.embedded_with <> $3)
               AND workspaces.suspended_at IS NULL
             ORDER BY ROW_NUMBER() OVER (PARTITION BY documents.workspace_id ORDER BY documents.updated_at, documents.id),
                      documents.id
             LIMIT $2";

        let limit = i64::from(limit);
        let rows = if let Some(model) = model {
            rows!(self.tx, (Uuid, Uuid, i64), BOTH; version, limit, model)
        } else {
            rows!(self.tx, (Uuid, Uuid, i64), INDEX; version, limit)
        };

        Ok(rows
            .into_iter()
            .map(|(workspace, id, made_by)| (workspace.into(), id.into(), made_by < version))
            .collect())
    }

    /// Forgets vectors of other models than `model`, at most `limit`, where no assistant that knows
    /// their document has passages without one of `model`. How many they were.
    pub async fn forget_outlived_vectors(
        self,
        model: &str,
        limit: u32,
    ) -> Result<u64, StorageError> {
        const SQL: &str = "
            WITH moving AS (
                SELECT DISTINCT links.workspace_id, links.assistant_id
                  FROM documents
                  JOIN document_assistants AS links
                    ON links.workspace_id = documents.workspace_id AND links.document_id = documents.id
                 WHERE documents.passages > 0
                   AND (documents.embedded < documents.passages OR documents.embedded_with IS NULL
                        OR documents.embedded_with <> $1))
            DELETE FROM passage_vectors WHERE (workspace_id, passage_id, model) IN (
                SELECT own.workspace_id, own.passage_id, own.model
                  FROM passage_vectors AS own
                  JOIN passages ON passages.workspace_id = own.workspace_id AND passages.id = own.passage_id
                 WHERE own.model <> $1
                   AND NOT EXISTS (
                       SELECT 1 FROM document_assistants AS links
                         JOIN moving ON moving.workspace_id = links.workspace_id
                                    AND moving.assistant_id = links.assistant_id
                        WHERE links.workspace_id = own.workspace_id
                          AND links.document_id = passages.document_id)
                 LIMIT $2)";

        Ok(run!(self.tx, SQL; model, i64::from(limit)))
    }
}
