//! Pages of documents.

use std::collections::HashMap;

use replyx_core::{
    file::StoredBytes,
    ids::{AssistantId, DocumentId, SourceId, WorkspaceId},
    knowledge::Document,
    page::{Page, PageRequest},
};
use uuid::Uuid;

use super::{Documents, Row, read};
use crate::{StorageError, files::held};

macro_rules! known {
    () => {
        " AND id IN (SELECT document_id FROM document_assistants
                      WHERE workspace_id = $1 AND assistant_id = $5)"
    };
}

/// The tag of a page's documents: `''` for any. What is in JSON is asked for in two ways.
macro_rules! tagged {
    (postgres $tag:literal) => {
        concat!(" AND ($", $tag, " = '' OR tags @> to_jsonb(CAST($", $tag, " AS TEXT)))")
    };
    (sqlite $tag:literal) => {
        concat!(
            " AND ($",
            $tag,
            " = '' OR EXISTS (SELECT 1 FROM json_each(documents.tags) WHERE value = $",
            $tag,
            "))"
        )
    };
}

/// The text of a statement about the documents of a page.
macro_rules! listed {
    ($before:expr, $what:expr, $after:expr; $($more:expr),*) => {
        concat!(
            $before,
            "SELECT ",
            $what,
            " FROM documents WHERE workspace_id = $1 AND id > $2 AND (kind = 'answer') = $4
                AND deleted_at IS NULL",
            $($more,)*
            " ORDER BY id LIMIT $3",
            $after
        )
    };
}

/// The same for each database, with the tag in the last place.
macro_rules! listed_with_tag {
    ($tx:expr, $before:expr, $what:expr, $after:expr, $tag:literal; $($more:expr),*) => {
        $tx.sql(
            listed!($before, $what, $after; $($more,)* tagged!(postgres $tag)),
            listed!($before, $what, $after; $($more,)* tagged!(sqlite $tag)),
        )
    };
}

/// Fetches the rows of a statement about the documents of a page, which stand between `$before` and
/// `$after`.
macro_rules! of_page {
    ($tx:expr, $row:ty, $before:expr, $what:expr, $after:expr; $wanted:expr) => {{
        let Wanted { workspace, beyond, limit, answers, assistant, source, tag } = $wanted.clone();
        match (assistant, source) {
            (None, None) => {
                let sql = listed_with_tag!($tx, $before, $what, $after, "5";);
                rows!($tx, $row, sql; workspace, beyond, limit, answers, &tag)
            }
            (Some(assistant), None) => {
                let sql = listed_with_tag!($tx, $before, $what, $after, "6"; known!());
                rows!($tx, $row, sql; workspace, beyond, limit, answers, assistant, &tag)
            }
            (None, Some(source)) => {
                let sql = listed_with_tag!($tx, $before, $what, $after, "6"; " AND source_id = $5");
                rows!($tx, $row, sql; workspace, beyond, limit, answers, source, &tag)
            }
            (Some(assistant), Some(source)) => {
                let sql = listed_with_tag!($tx, $before, $what, $after, "7";
                    known!(), " AND source_id = $6");
                rows!($tx, $row, sql; workspace, beyond, limit, answers, assistant, source, &tag)
            }
        }
    }};
}

/// The documents of a page, as statements name them.
#[derive(Clone)]
struct Wanted {
    workspace: Uuid,
    /// They come after this one.
    beyond: Uuid,
    /// One more than the page holds: it tells whether there is a next one.
    limit: i64,
    answers: bool,
    assistant: Option<Uuid>,
    source: Option<Uuid>,
    /// Empty: with any tags.
    tag: String,
}

impl Wanted {
    fn of(workspace: WorkspaceId, filter: DocumentFilter, page: PageRequest<DocumentId>) -> Self {
        Self {
            workspace: workspace.into_uuid(),
            beyond: page.after.map_or(Uuid::nil(), DocumentId::into_uuid),
            limit: i64::from(page.limit) + 1,
            answers: filter.answers,
            assistant: filter.assistant.map(AssistantId::into_uuid),
            source: filter.source.map(SourceId::into_uuid),
            tag: filter.tag.unwrap_or_default(),
        }
    }
}

/// Which documents a list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentFilter {
    /// Those that this assistant knows.
    pub assistant: Option<AssistantId>,
    /// Those fetched for this source.
    pub source: Option<SourceId>,
    /// Those with this tag.
    pub tag: Option<String>,
    /// The answers written by people, instead of everything else.
    pub answers: bool,
}

impl Documents<'_> {
    /// A page of the documents, oldest first.
    pub async fn list(
        self,
        filter: DocumentFilter,
        page: PageRequest<DocumentId>,
    ) -> Result<Page<Document, DocumentId>, StorageError> {
        let wanted = Wanted::of(self.workspace, filter, page);
        let rows = of_page!(self.tx, Row, "", columns!(), ""; wanted);

        // One statement for the links of all of them, however many there are.
        let links = of_page!(self.tx, (Uuid, Uuid),
            "SELECT document_id, assistant_id FROM document_assistants
              WHERE workspace_id = $1 AND document_id IN (",
            "id", ") ORDER BY document_id, assistant_id"; wanted);
        let mut known: HashMap<Uuid, Vec<AssistantId>> = HashMap::with_capacity(rows.len());
        for (document, assistant) in links {
            known.entry(document).or_default().push(assistant.into());
        }

        let found = rows.into_iter().map(|row| {
            let assistants = known.remove(&row.id).unwrap_or_default();
            read(row, assistants)
        });
        let found = found.collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(found, page.limit, |document| document.id))
    }

    /// A page of the documents with their bytes, or where these are, oldest first.
    pub async fn list_with_originals(
        self,
        filter: DocumentFilter,
        page: PageRequest<DocumentId>,
    ) -> Result<Page<(Document, StoredBytes), DocumentId>, StorageError> {
        let wanted = Wanted::of(self.workspace, filter.clone(), page);
        let files = of_page!(self.tx, (Uuid, Vec<u8>, Option<Uuid>),
            "SELECT document_id, original, file_id FROM document_files
              WHERE workspace_id = $1 AND document_id IN (",
            "id", ")"; wanted);
        let mut originals: HashMap<Uuid, (Vec<u8>, Option<Uuid>)> =
            files.into_iter().map(|(id, inline, file)| (id, (inline, file))).collect();

        let listed = self.list(filter, page).await?;
        // A document that came in between the two statements is on the next look.
        let items = listed.items.into_iter().filter_map(|document| {
            let (inline, file) = originals.remove(&document.id.into_uuid())?;
            let original = held(inline, file, document.content_hash.clone(), Some(document.size));
            Some((document, original))
        });
        Ok(Page { items: items.collect(), next: listed.next })
    }
}
