//! Passages that are stored before they are found: those of a waiting file gather in a hidden
//! document, and are handed over together.

use replyx_core::ids::{DocumentId, PassageId};

use super::{NewPassage, Passages};
use crate::{StorageError, query::listed, tx::Conn};

impl Passages<'_> {
    /// Adds passages to a document, found by the assistants that know document `known`: itself, or
    /// the one that it will hand them to.
    pub async fn add(
        self,
        document: DocumentId,
        known: DocumentId,
        new: &[NewPassage],
    ) -> Result<(), StorageError> {
        const INSERT: &str = "
            INSERT INTO passages (workspace_id, id, document_id, position, headings, text, hash, scopes,
                                  terms, length, starts_at, ends_at, page)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

        let workspace = self.workspace.into_uuid();
        let scopes = self.tx.workspace(self.workspace).documents().scopes(known).await?;

        for passage in new {
            let place = &passage.place;
            run!(self.tx, INSERT;
                workspace, passage.id.into_uuid(), document.into_uuid(), place.position,
                &passage.headings, &passage.text, &passage.hash, &scopes, &passage.terms,
                passage.length, place.start, place.end, place.page);
        }

        Ok(())
    }

    /// Hands all passages of a hidden document over to the one that they are for, which must be
    /// locked. It is quick: the index of words stays as it is.
    pub async fn hand_over(self, hidden: DocumentId, to: DocumentId) -> Result<(), StorageError> {
        const SQL: &str =
            "UPDATE passages SET document_id = $3 WHERE workspace_id = $1 AND document_id = $2";
        run!(self.tx, SQL; self.workspace.into_uuid(), hidden.into_uuid(), to.into_uuid());
        self.tx.workspace(self.workspace).documents().rescope(to).await
    }

    /// Takes passages out of a document, which must be locked. On SQLite, which has one writer,
    /// they move to a hidden document and are deleted with it, step by step.
    pub async fn retire(self, ids: &[PassageId], hidden: DocumentId) -> Result<(), StorageError> {
        const DELETE: &str = "
            DELETE FROM passages
             WHERE workspace_id = $1 AND id = ANY(CAST(string_to_array($2, ',') AS UUID[]))";
        const MOVE: &str = r#"
            UPDATE passages SET document_id = $3
             WHERE workspace_id = $1
               AND id IN (SELECT unhex(value) FROM json_each('["' || replace($2, ',', '","') || '"]'))"#;
        if ids.is_empty() {
            return Ok(());
        }

        let workspace = self.workspace.into_uuid();
        let ids = listed(ids.iter().map(|id| id.into_uuid()));
        if matches!(self.tx.conn, Conn::Postgres(_)) {
            run!(self.tx, DELETE; workspace, ids);
        } else {
            run!(self.tx, MOVE; workspace, ids, hidden.into_uuid());
        }
        Ok(())
    }
}
