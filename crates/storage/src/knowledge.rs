//! What an assistant knows: the links between documents and assistants, in one workspace.
//!
//! A document may serve several assistants. Each of its passages names them in `scopes`, one term
//! for each, so that the full-text index itself keeps assistants and tenants apart. Every change of
//! what an assistant knows raises its `knowledge_revision`; who keeps anything in memory compares
//! it.

use replyx_core::{
    ids::{AssistantId, DocumentId, WorkspaceId},
    knowledge::DocumentKind,
    rules::document::{Linked, Unlinked},
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{StorageError, Tx};

/// How much an assistant knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, crate::FromRow)]
pub struct Head {
    /// Grows with every change of what it knows.
    pub revision: i64,
    /// How many documents it knows, failed ones included.
    pub documents: i64,
    /// How many passages they have.
    pub passages: i64,
    /// How many stems these have.
    pub stems: i64,
}

/// What became of the documents that an assistant knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, crate::FromRow)]
pub struct Census {
    /// How many of them are answers written by people.
    pub answers: i64,
    /// How many are still being read.
    pub waiting: i64,
    /// How many cannot be read.
    pub failed: i64,
    /// How many of their passages have a vector.
    pub embedded: i64,
}

/// A document that an assistant finds passages in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDocument {
    /// The document.
    pub id: DocumentId,
    /// Grows with every change of its passages or their vectors.
    pub revision: i64,
    /// The language it is mostly written in (ISO 639-1), empty where that is not known.
    pub language: String,
    /// How many passages it has.
    pub passages: i64,
    /// The words by which assistants choose what they find.
    pub tags: Vec<String>,
    /// Whether people wrote it as an answer, which needs no tag to be found.
    pub is_answer: bool,
}

impl KnownDocument {
    /// Whether an assistant that chooses by these tags finds it.
    pub fn is_chosen_by(&self, tags: &[String]) -> bool {
        tags.is_empty() || self.is_answer || self.tags.iter().any(|tag| tags.contains(tag))
    }
}

#[derive(crate::FromRow)]
struct KnownRow {
    id: Uuid,
    revision: i64,
    language: String,
    passages: i64,
    tags: Json<Vec<String>>,
    kind: String,
}

/// One workspace's knowledge.
pub struct Knowledge<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Knowledge<'_> {
    /// How much an assistant knows. `None`: there is no such assistant.
    pub async fn head(self, assistant: AssistantId) -> Result<Option<Head>, StorageError> {
        const SQL: &str = "
            SELECT assistants.knowledge_revision AS revision, COUNT(documents.id) AS documents,
                   CAST(COALESCE(SUM(documents.passages), 0) AS BIGINT) AS passages,
                   CAST(COALESCE(SUM(documents.stems), 0) AS BIGINT) AS stems
              FROM assistants
              LEFT JOIN document_assistants AS links
                     ON links.workspace_id = assistants.workspace_id AND links.assistant_id = assistants.id
              LEFT JOIN documents
                     ON documents.workspace_id = links.workspace_id AND documents.id = links.document_id
             WHERE assistants.workspace_id = $1 AND assistants.id = $2 AND assistants.deleted_at IS NULL
             GROUP BY assistants.knowledge_revision";
        Ok(row!(self.tx, Head, SQL; self.workspace.into_uuid(), assistant.into_uuid()))
    }

    /// What became of the documents that an assistant knows.
    pub async fn census(self, assistant: AssistantId) -> Result<Census, StorageError> {
        const SQL: &str = "
            SELECT CAST(COALESCE(SUM(CASE WHEN kind = 'answer' THEN 1 ELSE 0 END), 0) AS BIGINT) AS answers,
                   CAST(COALESCE(SUM(CASE WHEN status IN ('ready', 'failed') THEN 0 ELSE 1 END), 0) AS BIGINT)
                       AS waiting,
                   CAST(COALESCE(SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END), 0) AS BIGINT) AS failed,
                   CAST(COALESCE(SUM(embedded), 0) AS BIGINT) AS embedded
              FROM documents
             WHERE workspace_id = $1
               AND id IN (SELECT document_id FROM document_assistants
                           WHERE workspace_id = $1 AND assistant_id = $2)";
        let census = row!(self.tx, Census, SQL; self.workspace.into_uuid(), assistant.into_uuid());
        Ok(census.unwrap_or_default())
    }

    /// The hashes of the answers written by people that an assistant knows.
    pub async fn answer_hashes(self, assistant: AssistantId) -> Result<Vec<String>, StorageError> {
        const SQL: &str = "
            SELECT content_hash FROM documents
             WHERE workspace_id = $1 AND kind = 'answer'
               AND id IN (SELECT document_id FROM document_assistants
                           WHERE workspace_id = $1 AND assistant_id = $2)";
        let rows =
            rows!(self.tx, (String,), SQL; self.workspace.into_uuid(), assistant.into_uuid());
        Ok(rows.into_iter().map(|(hash,)| hash).collect())
    }

    /// The revision of what an assistant knows: what is kept in memory under it is still true.
    /// `None`: there is no such assistant.
    pub async fn revision(self, assistant: AssistantId) -> Result<Option<i64>, StorageError> {
        const SQL: &str = "
            SELECT knowledge_revision FROM assistants
             WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
        Ok(value!(self.tx, i64, SQL; self.workspace.into_uuid(), assistant.into_uuid()))
    }

    /// The documents that an assistant finds passages in, in the order of their ids.
    pub async fn documents(
        self,
        assistant: AssistantId,
    ) -> Result<Vec<KnownDocument>, StorageError> {
        const SQL: &str = "
            SELECT documents.id, documents.revision, documents.language, documents.passages,
                   documents.tags, documents.kind
              FROM document_assistants AS links
              JOIN documents ON documents.workspace_id = links.workspace_id
                            AND documents.id = links.document_id
             WHERE links.workspace_id = $1 AND links.assistant_id = $2 AND documents.passages > 0
             ORDER BY documents.id";
        let rows = rows!(self.tx, KnownRow, SQL; self.workspace.into_uuid(), assistant.into_uuid());

        Ok(rows
            .into_iter()
            .map(|row| KnownDocument {
                id: row.id.into(),
                revision: row.revision,
                language: row.language,
                passages: row.passages,
                tags: row.tags.0,
                is_answer: row.kind == DocumentKind::Answer.as_str(),
            })
            .collect())
    }

    /// The assistants that know a document, in the order of their ids.
    pub async fn assistants(self, document: DocumentId) -> Result<Vec<AssistantId>, StorageError> {
        const SQL: &str = "
            SELECT assistant_id FROM document_assistants
             WHERE workspace_id = $1 AND document_id = $2 ORDER BY assistant_id";
        let rows = rows!(self.tx, (Uuid,), SQL; self.workspace.into_uuid(), document.into_uuid());
        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Locks documents and then the assistants that know them together with `others`, each in the
    /// order of their ids. Who links, unlinks or deletes documents needs all of these in the end:
    /// taken one by one, two transactions would wait for each other in a circle.
    pub async fn lock(
        self,
        documents: &[DocumentId],
        others: &[AssistantId],
    ) -> Result<(), StorageError> {
        const DOCUMENTS: &str = "
            SELECT id FROM documents WHERE workspace_id = $1 AND id = ANY($2)
             ORDER BY id FOR NO KEY UPDATE";
        // A statement of its own: only now nobody can change which assistants these are.
        const ASSISTANTS: &str = "
            SELECT id FROM assistants
             WHERE workspace_id = $1
               AND (id = ANY($3)
                    OR id IN (SELECT assistant_id FROM document_assistants
                               WHERE workspace_id = $1 AND document_id = ANY($2)))
             ORDER BY id FOR NO KEY UPDATE";
        let workspace = self.workspace.into_uuid();
        let documents: Vec<Uuid> = documents.iter().map(|id| id.into_uuid()).collect();
        let others: Vec<Uuid> = others.iter().map(|id| id.into_uuid()).collect();
        // A writing transaction already holds all of SQLite.
        on_postgres!(self.tx, (), |conn| {
            sqlx::query(DOCUMENTS).bind(workspace).bind(&documents).execute(conn)
        });
        on_postgres!(self.tx, (), |conn| {
            sqlx::query(ASSISTANTS).bind(workspace).bind(&documents).bind(&others).execute(conn)
        });
        Ok(())
    }

    /// Links a document to an assistant; both must be locked by [`Self::lock`]. `false`: it knows
    /// it already.
    ///
    /// # Errors
    ///
    /// Fails when either is not there.
    pub async fn link(
        self,
        assistant: AssistantId,
        document: DocumentId,
    ) -> Result<bool, StorageError> {
        const LINK: &str = "
            INSERT INTO document_assistants (workspace_id, assistant_id, document_id) VALUES ($1, $2, $3)
            ON CONFLICT DO NOTHING";
        let workspace = self.workspace.into_uuid();
        let linked = run!(self.tx, LINK; workspace, assistant.into_uuid(), document.into_uuid());
        if linked == 1 {
            self.tx.workspace(self.workspace).documents().rescope(document).await?;
            self.tx.workspace(self.workspace).knowledge().changed(document).await?;
        }
        Ok(linked == 1)
    }

    /// Unlinks a document from an assistant; both must be locked by [`Self::lock`].
    /// `false`: it did not know it.
    pub async fn unlink(
        self,
        assistant: AssistantId,
        document: DocumentId,
    ) -> Result<bool, StorageError> {
        const UNLINK: &str = "
            DELETE FROM document_assistants
             WHERE workspace_id = $1 AND assistant_id = $2 AND document_id = $3";
        let workspace = self.workspace.into_uuid();
        self.tx.workspace(self.workspace).knowledge().changed(document).await?;
        let unlinked =
            run!(self.tx, UNLINK; workspace, assistant.into_uuid(), document.into_uuid());
        if unlinked == 1 {
            self.tx.workspace(self.workspace).documents().rescope(document).await?;
        }
        Ok(unlinked == 1)
    }

    /// Makes a document known to one more assistant; both must be locked by [`Self::lock`].
    ///
    /// # Errors
    ///
    /// Fails when it knew it already.
    pub(crate) async fn add_link(self, it: &Linked) -> Result<(), StorageError> {
        let linked = self.link(it.assistant_id, it.document_id).await?;
        StorageError::expect_one_row("document_assistants", u64::from(linked))
    }

    /// Makes a document known to one assistant less; both must be locked by [`Self::lock`].
    ///
    /// # Errors
    ///
    /// Fails when it did not know it.
    pub(crate) async fn remove_link(self, it: &Unlinked) -> Result<(), StorageError> {
        let unlinked = self.unlink(it.assistant_id, it.document_id).await?;
        StorageError::expect_one_row("document_assistants", u64::from(unlinked))
    }

    /// Raises the revision of every assistant that knows a document.
    pub async fn changed(self, document: DocumentId) -> Result<(), StorageError> {
        macro_rules! known {
            () => {
                "SELECT id FROM assistants
                  WHERE workspace_id = $1
                    AND id IN (SELECT assistant_id FROM document_assistants
                                WHERE workspace_id = $1 AND document_id = $2)
                  ORDER BY id"
            };
        }
        macro_rules! raise {
            ($known:expr) => {
                concat!(
                    "WITH known AS MATERIALIZED (",
                    $known,
                    ") UPDATE assistants SET knowledge_revision = knowledge_revision + 1
                        WHERE workspace_id = $1 AND id IN (SELECT id FROM known)"
                )
            };
        }
        // Locked in one order, so that two documents of the same assistants do not wait for each
        // other in a circle.
        let sql = self.tx.sql(raise!(concat!(known!(), " FOR NO KEY UPDATE")), raise!(known!()));
        run!(self.tx, sql; self.workspace.into_uuid(), document.into_uuid());
        Ok(())
    }
}
