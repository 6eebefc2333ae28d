//! Stretches of documents and their full-text index: the `passages` table of one workspace.
//!
//! `terms` holds the stems of the passage (see `replyx_core::terms`), after one term that names the
//! assistant: FTS5 and `tsvector` index that text as it is, and every query begins with the assistant's
//! term, so that the index itself keeps tenants apart and is as fast for a small one as for a large one.

use replyx_core::{
    ids::{AssistantId, DocumentId, PassageId, WorkspaceId},
    knowledge::Passage,
};
use uuid::Uuid;

use crate::{StorageError, Tx};

/// A passage to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPassage {
    /// Identity.
    pub id: PassageId,
    /// The headings above it, outermost first, joined by ` > `.
    pub headings: String,
    /// Its text, word for word.
    pub text: String,
    /// The stems that find it, joined by spaces: lower-case letters and digits only.
    pub terms: String,
    /// How many stems that are.
    pub length: i64,
    /// Where it begins in the document's text, bytes.
    pub start: i64,
    /// Where it ends in the document's text, bytes, exclusive.
    pub end: i64,
    /// The page it begins on, from 1, where the format has pages.
    pub page: Option<i64>,
}

/// A passage that may be what a question is about, as the full-text index found it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Candidate {
    id: Uuid,
    /// The headings above it.
    pub headings: String,
    /// Its stems, joined by spaces.
    pub terms: String,
    /// How many stems that are.
    pub length: i64,
}

impl Candidate {
    /// The passage.
    pub fn id(&self) -> PassageId {
        self.id.into()
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    document_id: Uuid,
    title: String,
    headings: String,
    text: String,
    position: i64,
    starts_at: i64,
    ends_at: i64,
    page: Option<i64>,
}

/// One workspace's passages.
pub struct Passages<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Passages<'_> {
    /// Replaces all passages of a document.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn replace(
        self,
        assistant: AssistantId,
        document: DocumentId,
        passages: &[NewPassage],
    ) -> Result<(), StorageError> {
        const DELETE: &str = "DELETE FROM passages WHERE workspace_id = $1 AND document_id = $2";
        const INSERT: &str = "
            INSERT INTO passages (workspace_id, id, assistant_id, document_id, position, headings, text,
                                  terms, length, starts_at, ends_at, page)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        run!(self.tx, DELETE; self.workspace.into_uuid(), document.into_uuid());
        for (passage, position) in passages.iter().zip(0_i64..) {
            let terms = format!("{} {}", scope_term(assistant), passage.terms);
            run!(self.tx, INSERT;
                self.workspace.into_uuid(), passage.id.into_uuid(), assistant.into_uuid(),
                document.into_uuid(), position, &passage.headings, &passage.text, &terms,
                passage.length, passage.start, passage.end, passage.page);
        }
        Ok(())
    }

    /// How many passages an assistant has, and how many stems they have on average.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn stats(self, assistant: AssistantId) -> Result<(i64, f64), StorageError> {
        const SQL: &str = "
            SELECT COUNT(*), CAST(COALESCE(SUM(length), 0) AS BIGINT) FROM passages
             WHERE workspace_id = $1 AND assistant_id = $2";
        let (count, total) =
            row!(self.tx, (i64, i64), SQL; self.workspace.into_uuid(), assistant.into_uuid())
                .unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a mean needs no more than 52 bits")]
        Ok((count, if count == 0 { 0.0 } else { total as f64 / count as f64 }))
    }

    /// In how many passages of an assistant each of the terms occurs.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn frequencies(
        self,
        assistant: AssistantId,
        terms: &[String],
    ) -> Result<Vec<i64>, StorageError> {
        const POSTGRES: &str = "
            SELECT COUNT(*) FROM passages
             WHERE workspace_id = $1 AND assistant_id = $2
               AND terms_vector @@ $3::tsquery
               AND terms_vector @@ $4::tsquery";
        // CROSS JOIN: the full-text index must drive, or SQLite asks it once for every passage.
        const SQLITE: &str = "
            SELECT COUNT(*) FROM passages_fts CROSS JOIN passages ON passages.number = passages_fts.rowid
             WHERE workspace_id = $1 AND assistant_id = $2
               AND passages_fts MATCH $3 || ' AND (' || $4 || ')'";
        let sql = self.tx.sql(POSTGRES, SQLITE);
        let scope = scope_term(assistant);
        let mut counts = Vec::with_capacity(terms.len());
        for term in terms {
            let Some(query) = any_of(self.tx, std::slice::from_ref(term)) else {
                counts.push(0);
                continue;
            };
            let count = value!(self.tx, i64, sql;
                self.workspace.into_uuid(), assistant.into_uuid(), &scope, &query);
            counts.push(count.unwrap_or_default());
        }
        Ok(counts)
    }

    /// The passages of an assistant that hold at least one of the terms, those the database thinks
    /// closest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn candidates(
        self,
        assistant: AssistantId,
        terms: &[String],
        limit: u32,
    ) -> Result<Vec<Candidate>, StorageError> {
        const POSTGRES: &str = "
            SELECT id, headings, terms, length FROM passages
             WHERE workspace_id = $1 AND assistant_id = $2
               AND terms_vector @@ $3::tsquery
               AND terms_vector @@ $4::tsquery
             ORDER BY ts_rank(terms_vector, $4::tsquery) DESC, number LIMIT $5";
        const SQLITE: &str = "
            SELECT id, headings, passages.terms, length
              FROM passages_fts CROSS JOIN passages ON passages.number = passages_fts.rowid
             WHERE workspace_id = $1 AND assistant_id = $2
               AND passages_fts MATCH $3 || ' AND (' || $4 || ')'
             ORDER BY passages_fts.rank, number LIMIT $5";
        let Some(query) = any_of(self.tx, terms) else { return Ok(Vec::new()) };
        let sql = self.tx.sql(POSTGRES, SQLITE);
        let scope = scope_term(assistant);
        let mut found = rows!(self.tx, Candidate, sql;
            self.workspace.into_uuid(), assistant.into_uuid(), &scope, &query, i64::from(limit));
        for candidate in &mut found {
            if let Some((_, terms)) = candidate.terms.split_once(' ') {
                candidate.terms = terms.to_owned();
            }
        }
        Ok(found)
    }

    /// Loads passages by id; those that are gone are left out, the others keep the order asked for.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn load(self, ids: &[PassageId]) -> Result<Vec<Passage>, StorageError> {
        const SQL: &str = "
            SELECT passages.id, document_id, documents.name AS title, headings, text, position,
                   starts_at, ends_at, page
              FROM passages
              JOIN documents ON documents.workspace_id = passages.workspace_id
                            AND documents.id = passages.document_id
             WHERE passages.workspace_id = $1 AND passages.id = $2";
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let row = row!(self.tx, Row, SQL; self.workspace.into_uuid(), id.into_uuid());
            found.extend(row.map(read));
        }
        Ok(found)
    }
}

fn read(row: Row) -> Passage {
    Passage {
        id: row.id.into(),
        document_id: row.document_id.into(),
        title: row.title,
        headings: row.headings,
        text: row.text,
        position: row.position,
        start: row.starts_at,
        end: row.ends_at,
        page: row.page,
    }
}

/// The term that stands in every passage of an assistant and in no other.
fn scope_term(assistant: AssistantId) -> String {
    format!("scope{}", assistant.into_uuid().simple())
}

/// "At least one of these", in the language of the open database; nothing when no term is left.
///
/// Whatever is not a letter or digit is dropped, so a term cannot become an operator.
fn any_of(tx: &Tx, terms: &[String]) -> Option<String> {
    let (quote, or) = (tx.sql("'", "\""), tx.sql(" | ", " OR "));
    let quoted: Vec<String> = terms
        .iter()
        .map(|term| term.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>())
        .filter(|term| !term.is_empty())
        .map(|term| format!("{quote}{term}{quote}"))
        .collect();
    (!quoted.is_empty()).then(|| quoted.join(or))
}
