//! Stretches of documents, their full-text index and their vectors: the `passages` and
//! `passage_vectors` tables of one workspace.
//!
//! `terms` holds the stems of the passage (see `replyx_text::terms`), `scopes` one term for each
//! assistant that knows it: FTS5 and `tsvector` index both as they are, and every query begins with
//! an assistant's term, so that the index itself keeps tenants apart and is as fast for a small one
//! as for a large one.

use replyx_core::{
    ids::{AssistantId, DocumentId, PassageId, WorkspaceId},
    knowledge::Passage,
};
use uuid::Uuid;

use crate::{StorageError, Tx, query::listed, tx::Conn};

mod runs;
mod staged;

/// A passage to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPassage {
    /// Identity.
    pub id: PassageId,
    /// The headings above it, outermost first, joined by ` > `.
    pub headings: String,
    /// Its text, word for word.
    pub text: String,
    /// SHA-256 of what is embedded and indexed of it: two passages with one hash have one vector.
    pub hash: String,
    /// The stems that find it, joined by spaces: lower-case letters and digits only.
    pub terms: String,
    /// How many stems that are.
    pub length: i64,
    /// Where it stands.
    pub place: Span,
}

/// Where a passage stands in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its number among the document's passages, from 0.
    pub position: i64,
    /// Where it begins in the document's text, bytes.
    pub start: i64,
    /// Where it ends in the document's text, bytes, exclusive.
    pub end: i64,
    /// The page it begins on, from 1, where the format has pages.
    pub page: Option<i64>,
}

/// A passage as it is stored, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPassage {
    /// Identity.
    pub id: PassageId,
    /// See [`NewPassage::hash`].
    pub hash: String,
    /// Where it stands.
    pub place: Span,
}

/// What a document's passages become.
#[derive(Clone, Debug, Default)]
pub struct PassageChanges {
    /// These go, with their vectors.
    pub gone: Vec<PassageId>,
    /// These stay, in another place.
    pub moved: Vec<(PassageId, Span)>,
    /// These stay, with other stems: their number follows.
    pub reindexed: Vec<(PassageId, String, i64)>,
    /// These are new.
    pub new: Vec<NewPassage>,
}

/// A passage without a vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unembedded {
    /// Identity.
    pub id: PassageId,
    /// The headings above it.
    pub headings: String,
    /// Its text.
    pub text: String,
}

/// A passage that may be what a question is about, as the full-text index found it.
#[derive(Clone, Debug, PartialEq, Eq, crate::FromRow)]
pub struct Candidate {
    id: Uuid,
    document_id: Uuid,
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

    /// The document it is of.
    pub fn document(&self) -> DocumentId {
        self.document_id.into()
    }
}

#[derive(crate::FromRow)]
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
    /// The passages of a document in order, without their texts.
    pub async fn of(self, document: DocumentId) -> Result<Vec<StoredPassage>, StorageError> {
        const SQL: &str = "
            SELECT id, hash, position, starts_at, ends_at, page FROM passages
             WHERE workspace_id = $1 AND document_id = $2 ORDER BY position, number";
        let rows = rows!(self.tx, (Uuid, String, i64, i64, i64, Option<i64>), SQL;
            self.workspace.into_uuid(), document.into_uuid());
        Ok(rows
            .into_iter()
            .map(|(id, hash, position, start, end, page)| StoredPassage {
                id: id.into(),
                hash,
                place: Span { position, start, end, page },
            })
            .collect())
    }

    /// Changes the passages of a document, which must be locked.
    pub async fn change(
        self,
        document: DocumentId,
        changes: &PassageChanges,
    ) -> Result<(), StorageError> {
        const DELETE: &str = "DELETE FROM passages WHERE workspace_id = $1 AND id = $2";
        const MOVE: &str = "
            UPDATE passages SET position = $3, starts_at = $4, ends_at = $5, page = $6
             WHERE workspace_id = $1 AND id = $2";
        const REINDEX: &str = "
            UPDATE passages SET terms = $3, length = $4 WHERE workspace_id = $1 AND id = $2";
        let workspace = self.workspace.into_uuid();

        for id in &changes.gone {
            run!(self.tx, DELETE; workspace, id.into_uuid());
        }

        for (id, place) in &changes.moved {
            run!(self.tx, MOVE;
                workspace, id.into_uuid(), place.position, place.start, place.end, place.page);
        }

        for (id, terms, length) in &changes.reindexed {
            run!(self.tx, REINDEX; workspace, id.into_uuid(), terms, *length);
        }

        self.add(document, document, &changes.new).await
    }

    /// Gives passages of a document the vectors of `model` that passages with the same hash have
    /// already, and says how many of its passages have one now.
    pub async fn reuse_vectors(
        self,
        document: DocumentId,
        model: &str,
    ) -> Result<i64, StorageError> {
        const REUSE: &str = "
            INSERT INTO passage_vectors (workspace_id, passage_id, model, vector, runs)
            SELECT own.workspace_id, own.id, $3, own.vector, own.runs
              FROM (SELECT passages.workspace_id, passages.id,
                           (SELECT vectors.vector FROM passages AS others
                              JOIN passage_vectors AS vectors
                                ON vectors.workspace_id = others.workspace_id
                               AND vectors.passage_id = others.id AND vectors.model = $3
                             WHERE others.workspace_id = passages.workspace_id AND others.hash = passages.hash
                             LIMIT 1) AS vector,
                           (SELECT vectors.runs FROM passages AS others
                              JOIN passage_vectors AS vectors
                                ON vectors.workspace_id = others.workspace_id
                               AND vectors.passage_id = others.id AND vectors.model = $3
                             WHERE others.workspace_id = passages.workspace_id AND others.hash = passages.hash
                               AND vectors.runs IS NOT NULL
                             LIMIT 1) AS runs
                      FROM passages
                     WHERE passages.workspace_id = $1 AND passages.document_id = $2 AND passages.hash <> ''
                   ) AS own
             WHERE own.vector IS NOT NULL
            ON CONFLICT DO NOTHING";
        const COUNT: &str = "
            SELECT COUNT(*) FROM passages
              JOIN passage_vectors AS vectors
                ON vectors.workspace_id = passages.workspace_id AND vectors.passage_id = passages.id
               AND vectors.model = $3
             WHERE passages.workspace_id = $1 AND passages.document_id = $2";

        let workspace = self.workspace.into_uuid();
        let document = document.into_uuid();
        run!(self.tx, REUSE; workspace, document, model);

        Ok(value!(self.tx, i64, COUNT; workspace, document, model).unwrap_or_default())
    }

    /// Passages of a document that have no vector of `model` yet, in order, at most `limit`.
    pub async fn unembedded(
        self,
        document: DocumentId,
        model: &str,
        limit: u32,
    ) -> Result<Vec<Unembedded>, StorageError> {
        const SQL: &str = "
            SELECT id, headings, text FROM passages
             WHERE workspace_id = $1 AND document_id = $2
               AND NOT EXISTS (SELECT 1 FROM passage_vectors AS own
                                WHERE own.workspace_id = $1 AND own.passage_id = passages.id AND own.model = $3)
             ORDER BY position LIMIT $4";
        let rows = rows!(self.tx, (Uuid, String, String), SQL;
            self.workspace.into_uuid(), document.into_uuid(), model, i64::from(limit));
        Ok(rows
            .into_iter()
            .map(|(id, headings, text)| Unembedded { id: id.into(), headings, text })
            .collect())
    }

    /// Stores vectors of `model`, `f32` little-endian. Passages that are gone, or have one, are
    /// left out.
    pub async fn add_vectors(
        self,
        model: &str,
        vectors: &[(PassageId, Vec<u8>)],
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO passage_vectors (workspace_id, passage_id, model, vector)
            SELECT workspace_id, id, $3, $4 FROM passages WHERE workspace_id = $1 AND id = $2
            ON CONFLICT DO NOTHING";
        for (id, vector) in vectors {
            run!(self.tx, SQL;
                self.workspace.into_uuid(), id.into_uuid(), model, vector.as_slice());
        }
        Ok(())
    }

    /// The vectors of `model` of the passages of these documents, `f32` little-endian, by document
    /// and place.
    pub async fn vectors(
        self,
        documents: &[DocumentId],
        model: &str,
    ) -> Result<Vec<(DocumentId, PassageId, Vec<u8>)>, StorageError> {
        const SQL: &str = "
            SELECT passages.id, vectors.vector FROM passages
              JOIN passage_vectors AS vectors
                ON vectors.workspace_id = passages.workspace_id AND vectors.passage_id = passages.id
               AND vectors.model = $3
             WHERE passages.workspace_id = $1 AND passages.document_id = $2
             ORDER BY passages.position";
        let mut found = Vec::new();
        for document in documents {
            let rows = rows!(self.tx, (Uuid, Vec<u8>), SQL;
                self.workspace.into_uuid(), document.into_uuid(), model);
            found.extend(rows.into_iter().map(|(id, vector)| (*document, id.into(), vector)));
        }
        Ok(found)
    }

    /// The stems of each passage of these documents, joined by spaces.
    pub async fn words(
        self,
        documents: &[DocumentId],
    ) -> Result<Vec<(DocumentId, String)>, StorageError> {
        const SQL: &str = "SELECT terms FROM passages WHERE workspace_id = $1 AND document_id = $2 ORDER BY position";
        let mut found = Vec::new();
        for document in documents {
            let rows = rows!(self.tx, (String,), SQL;
                self.workspace.into_uuid(), document.into_uuid());
            found.extend(rows.into_iter().map(|(terms,)| (*document, terms)));
        }
        Ok(found)
    }

    /// In how many passages of an assistant each of the terms occurs.
    pub async fn frequencies(
        self,
        assistant: AssistantId,
        terms: &[String],
    ) -> Result<Vec<i64>, StorageError> {
        const POSTGRES: &str = "
            SELECT (SELECT COUNT(*) FROM passages
                     WHERE workspace_id = $1
                       AND terms_vector @@ $2::tsquery
                       AND terms_vector @@ asked.query::tsquery
                       AND document_id NOT IN (SELECT id FROM documents
                            WHERE workspace_id = $1 AND deleted_at IS NOT NULL))
              FROM UNNEST($3) WITH ORDINALITY AS asked (query, place) ORDER BY asked.place";
        // CROSS JOIN: the full-text index must drive, or SQLite asks it once for every passage.
        const SQLITE: &str = "
            SELECT COUNT(*) FROM passages_fts CROSS JOIN passages ON passages.number = passages_fts.rowid
             WHERE workspace_id = $1
               AND passages_fts MATCH $2 || ' AND terms : (' || $3 || ')'
               AND document_id NOT IN (SELECT id FROM documents
                    WHERE workspace_id = $1 AND deleted_at IS NOT NULL)";
        let scope = scope_query(self.tx, assistant);
        let mut counts = Vec::with_capacity(terms.len());
        if matches!(self.tx.conn, Conn::Postgres(_)) {
            let queries: Vec<String> = terms
                .iter()
                .map(|term| any_of(self.tx, std::slice::from_ref(term)).unwrap_or_default())
                .collect();
            let rows: Vec<(i64,)> = on_postgres!(self.tx, counts, |conn| {
                sqlx::query_as(POSTGRES)
                    .bind(self.workspace.into_uuid())
                    .bind(scope)
                    .bind(queries)
                    .fetch_all(conn)
            });
            return Ok(rows.into_iter().map(|(count,)| count).collect());
        }
        for term in terms {
            let Some(query) = any_of(self.tx, std::slice::from_ref(term)) else {
                counts.push(0);
                continue;
            };
            let count = value!(self.tx, i64, SQLITE;
                self.workspace.into_uuid(), &scope, &query);
            counts.push(count.unwrap_or_default());
        }
        Ok(counts)
    }

    /// The passages of an assistant that hold at least one of the terms, those the database thinks
    /// closest first, at most `limit`; with `only`, those of these documents.
    pub async fn candidates(
        self,
        assistant: AssistantId,
        terms: &[String],
        only: Option<&[DocumentId]>,
        limit: u32,
    ) -> Result<Vec<Candidate>, StorageError> {
        const POSTGRES: &str = "
            SELECT id, document_id, headings, terms, length FROM passages
             WHERE workspace_id = $1
               AND terms_vector @@ $2::tsquery
               AND terms_vector @@ $3::tsquery
               AND document_id NOT IN (SELECT id FROM documents
                                        WHERE workspace_id = $1 AND deleted_at IS NOT NULL)
               AND ($5 IS NULL OR document_id = ANY(CAST(string_to_array($5, ',') AS UUID[])))
             ORDER BY ts_rank(terms_vector, $3::tsquery) DESC, number LIMIT $4";
        const SQLITE: &str = r#"
            SELECT id, document_id, headings, passages.terms, length
              FROM passages_fts CROSS JOIN passages ON passages.number = passages_fts.rowid
             WHERE workspace_id = $1
               AND passages_fts MATCH $2 || ' AND terms : (' || $3 || ')'
               AND document_id NOT IN (SELECT id FROM documents
                                        WHERE workspace_id = $1 AND deleted_at IS NOT NULL)
               AND ($5 IS NULL OR document_id IN
                       (SELECT unhex(value) FROM json_each('["' || replace($5, ',', '","') || '"]')))
             ORDER BY passages_fts.rank, number LIMIT $4"#;

        let Some(query) = any_of(self.tx, terms) else { return Ok(Vec::new()) };
        let sql = self.tx.sql(POSTGRES, SQLITE);
        let scope = scope_query(self.tx, assistant);
        let only = only.map(|ids| listed(ids.iter().map(|id| id.into_uuid())));
        let found = rows!(self.tx, Candidate, sql;
            self.workspace.into_uuid(), &scope, &query, i64::from(limit), &only);
        Ok(found)
    }

    /// Loads passages by id; those that are gone are left out, the others keep the order asked for.
    pub async fn load(self, ids: &[PassageId]) -> Result<Vec<Passage>, StorageError> {
        macro_rules! load {
            ($wanted:literal) => {
                concat!(
                    "SELECT passages.id, document_id, documents.name AS title, headings, text, position,
                            starts_at, ends_at, page
                       FROM passages
                       JOIN documents ON documents.workspace_id = passages.workspace_id
                                     AND documents.id = passages.document_id
                                     AND documents.deleted_at IS NULL
                      WHERE passages.workspace_id = $1 AND passages.id ",
                    $wanted
                )
            };
        }
        let sql = self.tx.sql(
            load!("= ANY(CAST(string_to_array($2, ',') AS UUID[]))"),
            load!(r#"IN (SELECT unhex(value) FROM json_each('["' || replace($2, ',', '","') || '"]'))"#),
        );
        let rows = rows!(self.tx, Row, sql; self.workspace.into_uuid(), listed(ids.iter().map(|id| id.into_uuid())));
        let mut found: Vec<Passage> = rows.into_iter().map(read).collect();
        found.sort_by_key(|passage| ids.iter().position(|id| *id == passage.id));
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

/// "Known to this assistant", in the language of the open database.
fn scope_query(tx: &Tx, assistant: AssistantId) -> String {
    // FTS5 drops the sign before the term; there the column keeps words out.
    let before = tx.sql("'", "scopes : \"");
    let after = tx.sql("'", "\"");
    format!("{before}{}{after}", scope_term(assistant))
}

/// "At least one of these", in the language of the open database; nothing when no term is left.
///
/// Whatever is not a letter or digit is dropped, so a term cannot become an operator.
fn any_of(tx: &Tx, terms: &[String]) -> Option<String> {
    let quote = tx.sql("'", "\"");
    let or = tx.sql(" | ", " OR ");
    let quoted: Vec<String> = terms
        .iter()
        .map(|term| term.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>())
        .filter(|term| !term.is_empty())
        .map(|term| format!("{quote}{term}{quote}"))
        .collect();
    (!quoted.is_empty()).then(|| quoted.join(or))
}

/// The term that stands in every passage an assistant knows and in no other: no word holds its
/// first sign.
pub(crate) fn scope_term(assistant: AssistantId) -> String {
    format!("@{}", assistant.into_uuid().simple())
}
