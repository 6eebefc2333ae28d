//! What search keeps in memory of an assistant's passages, read in one go for many documents.

use std::collections::HashMap;

use replyx_core::ids::{AssistantId, DocumentId, PassageId};
use uuid::Uuid;

use crate::{StorageError, passages::Passages};

/// What search compares of a passage.
#[derive(Clone, Debug, PartialEq, Eq, crate::FromRow)]
pub struct IndexedPassage {
    document_id: Uuid,
    id: Uuid,
    /// The headings above it.
    pub headings: String,
    /// Its stems, joined by spaces.
    pub terms: String,
}

impl IndexedPassage {
    /// The document it is of.
    pub fn document(&self) -> DocumentId {
        self.document_id.into()
    }

    /// The passage.
    pub fn id(&self) -> PassageId {
        self.id.into()
    }
}

impl Passages<'_> {
    /// The passages of the documents that an assistant knows, from one document to another (both
    /// included) in the order of their ids; those of one document stand together and in order.
    pub async fn indexed(
        self,
        assistant: AssistantId,
        from: DocumentId,
        to: DocumentId,
    ) -> Result<Vec<IndexedPassage>, StorageError> {
        const SQL: &str = "
            SELECT passages.document_id, passages.id, passages.headings, passages.terms
              FROM document_assistants AS links
              JOIN passages ON passages.workspace_id = links.workspace_id
                           AND passages.document_id = links.document_id
             WHERE links.workspace_id = $1 AND links.assistant_id = $2
               AND links.document_id BETWEEN $3 AND $4
             ORDER BY passages.document_id, passages.position";
        Ok(rows!(self.tx, IndexedPassage, SQL;
            self.workspace.into_uuid(), assistant.into_uuid(), from.into_uuid(), to.into_uuid()))
    }

    /// How many passages that an assistant knows have a vector of each model.
    pub async fn embedded_with(
        self,
        assistant: AssistantId,
    ) -> Result<HashMap<String, i64>, StorageError> {
        const SQL: &str = "
            SELECT vectors.model, COUNT(*)
              FROM document_assistants AS links
              JOIN passages ON passages.workspace_id = links.workspace_id
                           AND passages.document_id = links.document_id
              JOIN passage_vectors AS vectors
                ON vectors.workspace_id = passages.workspace_id AND vectors.passage_id = passages.id
             WHERE links.workspace_id = $1 AND links.assistant_id = $2
             GROUP BY vectors.model";
        let rows =
            rows!(self.tx, (String, i64), SQL; self.workspace.into_uuid(), assistant.into_uuid());
        Ok(rows.into_iter().collect())
    }

    /// The vectors of `model` of the passages of the documents that an assistant knows, from one
    /// document to another (both included), `f32` little-endian; those of one document stand
    /// together and in order.
    pub async fn indexed_vectors(
        self,
        assistant: AssistantId,
        from: DocumentId,
        to: DocumentId,
        model: &str,
    ) -> Result<Vec<(DocumentId, PassageId, Vec<u8>)>, StorageError> {
        const SQL: &str = "
            SELECT passages.document_id, passages.id, vectors.vector
              FROM document_assistants AS links
              JOIN passages ON passages.workspace_id = links.workspace_id
                           AND passages.document_id = links.document_id
              JOIN passage_vectors AS vectors
                ON vectors.workspace_id = passages.workspace_id AND vectors.passage_id = passages.id
               AND vectors.model = $5
             WHERE links.workspace_id = $1 AND links.assistant_id = $2
               AND links.document_id BETWEEN $3 AND $4
             ORDER BY passages.document_id, passages.position";

        let rows = rows!(self.tx, (Uuid, Uuid, Vec<u8>), SQL;
            self.workspace.into_uuid(), assistant.into_uuid(), from.into_uuid(), to.into_uuid(), model);
        Ok(rows
            .into_iter()
            .map(|(document, id, vector)| (document.into(), id.into(), vector))
            .collect())
    }
}
