//! Documents: the files that assistants know.
//!
//! Answers written by people are documents, too, and are changed by [`crate::answers`] alone: here
//! they are missing.

use replyx_core::{
    actor::Caller,
    ids::{AssistantId, DocumentId},
    knowledge::{Document, DocumentKind, tags},
    rules::document::{IsPage, UnlinkRefused},
};
use replyx_extract::Unsupported;
use replyx_knowledge::index::{self, IndexDocument};
use replyx_storage::{StorageError, Tx, repeated};
use thiserror::Error;

use crate::{Cx, Missing};

mod file;
mod name;

pub(crate) use file::count_upload;
pub use file::{
    DayIsFull, File, Naming, SameName, Stored, WorkspaceIsFull, add, has_room_today, replace,
};
pub use name::clean;

/// So many documents of a workspace may wait to be read. Workspaces take turns, so it is their own
/// time they wait for.
const MOST_WAITING: i64 = 10_000;

/// The workspace has as many documents waiting to be read as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{MOST_WAITING} documents of this workspace wait to be read; try again when some are done")]
pub struct TooManyWaiting;

/// A document could not be added or changed.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// There is no such document or assistant.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// It is a page of a source, which keeps it as it is.
    #[error("the document is a page of a source, {0}")]
    IsPage(&'static str),
    /// It would be nobody's.
    #[error("no other assistant knows the document: delete it instead")]
    LastAssistant,
    /// Others wait to be read.
    #[error(transparent)]
    TooManyWaiting(#[from] TooManyWaiting),
    /// The workspace has uploaded as much as it may on a day.
    #[error(transparent)]
    DayIsFull(#[from] DayIsFull),
    /// The workspace keeps as much as it may.
    #[error(transparent)]
    WorkspaceIsFull(#[from] WorkspaceIsFull),
    /// The file is of a kind that is not read.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The file could not be examined.
    #[error("the file could not be examined")]
    Interrupted(#[from] tokio::task::JoinError),
    /// The database failed.
    #[error("the document could not be changed")]
    Storage(#[from] StorageError),
}

/// The document, unless there is none or it is an answer.
///
/// # Errors
///
/// [`Missing`].
pub fn real(found: Option<Document>) -> Result<Document, Missing> {
    let found = found.filter(|document| document.kind != DocumentKind::Answer);
    found.ok_or(Missing("document"))
}

async fn lock(tx: &mut Tx, caller: &Caller, id: DocumentId) -> Result<Document, DocumentError> {
    let found = tx.workspace(caller.workspace_id).documents().lock(id).await?;
    Ok(real(found)?)
}

/// Refuses more work where a workspace has enough waiting.
pub(crate) async fn may_queue<E>(tx: &mut Tx, caller: &Caller) -> Result<(), E>
where
    E: From<StorageError> + From<TooManyWaiting>,
{
    let jobs = tx.workspace(caller.workspace_id).jobs();
    if jobs.waiting(IndexDocument::KIND, MOST_WAITING).await? < MOST_WAITING {
        Ok(())
    } else {
        Err(TooManyWaiting.into())
    }
}

/// Deletes a document: assistants no longer find it.
pub async fn delete(cx: Cx<'_>, caller: &Caller, id: DocumentId) -> Result<(), DocumentError> {
    repeated(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let document = lock(&mut tx, caller, id).await?;
        tx.apply(document.delete(&caller.actor(), now)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Reindexes a document. Search finds the old passages until the new ones replace them.
pub async fn reindex(
    cx: Cx<'_>,
    caller: &Caller,
    id: DocumentId,
) -> Result<Document, DocumentError> {
    repeated(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let document = lock(&mut tx, caller, id).await?;
        may_queue::<DocumentError>(&mut tx, caller).await?;

        let document = tx.apply(document.reindex(&caller.actor(), now)).await?;
        // Also of one that is said to wait: its job may be dead, and this is the remedy.
        index::queue_once(&mut tx, cx.clock, IndexDocument::of(&document)).await?;
        tx.commit().await?;
        Ok(document)
    })
    .await
}

/// What is to change of a document.
#[derive(Clone, Debug, Default)]
pub struct DocumentChange {
    /// Its name. Folders and control characters are left out.
    pub name: Option<String>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
}

/// Renames a document, and gives it other tags. Search uses the new name once the document has been
/// indexed again, and the tags at once.
///
/// # Errors
///
/// [`DocumentError::IsPage`] for a page of a source.
pub async fn update(
    cx: Cx<'_>,
    caller: &Caller,
    id: DocumentId,
    change: DocumentChange,
) -> Result<Document, DocumentError> {
    let name = change.name.as_deref().map(clean);
    let wanted = change.tags.as_deref().map(tags);
    repeated(|| async {
        let mut tx = cx.db.begin().await?;
        let mut document = lock(&mut tx, caller, id).await?;
        if let Some(name) = &name {
            document = rename(cx, &mut tx, caller, document, name).await?;
        }
        let document = tag(cx, &mut tx, caller, document, wanted.as_deref()).await?;
        tx.commit().await?;
        Ok(document)
    })
    .await
}

/// Gives a document these tags, unless it has them or none are wanted.
async fn tag(
    cx: Cx<'_>,
    tx: &mut Tx,
    caller: &Caller,
    document: Document,
    wanted: Option<&[String]>,
) -> Result<Document, DocumentError> {
    let Some(wanted) = wanted.filter(|wanted| *wanted != document.tags) else {
        return Ok(document);
    };
    let change = document.set_tags(wanted.to_vec(), &caller.actor(), cx.clock.now());
    let document = tx.apply(change).await?;
    tx.workspace(caller.workspace_id).knowledge().changed(document.id).await?;
    Ok(document)
}

async fn rename(
    cx: Cx<'_>,
    tx: &mut Tx,
    caller: &Caller,
    document: Document,
    name: &str,
) -> Result<Document, DocumentError> {
    let workspace = caller.workspace_id;
    let id = document.id;
    let is_page = DocumentError::IsPage("and called by its address");
    if document.page.is_some() {
        return Err(is_page);
    }
    let waiting = tx.workspace(workspace).replacements().find(id).await?;
    if name == document.name && waiting.is_none_or(|file| file.name == name) {
        return Ok(document);
    }

    may_queue::<DocumentError>(tx, caller).await?;
    let renamed = document.rename(name.to_owned(), &caller.actor(), cx.clock.now());
    let document = tx.apply(renamed.map_err(|IsPage| is_page)?).await?;
    // A file that waits to take its place would bring the name back that it came with.
    tx.workspace(workspace).replacements().rename(id, name).await?;
    // Its passages are found by its name, too: as if they were indexed by earlier rules.
    tx.workspace(workspace).documents().set_index_version(id, 0).await?;
    index::queue_once(tx, cx.clock, IndexDocument::of(&document)).await?;
    Ok(document)
}

/// Links a document to another assistant. An assistant that knows it already is left as it
/// is.
pub async fn link(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    id: DocumentId,
) -> Result<(), DocumentError> {
    repeated(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let document = lock_both(&mut tx, caller, assistant, id).await?;

        if let Some(change) = document.link(assistant, &caller.actor(), now) {
            tx.apply(change).await?;
            tx.commit().await?;
        }
        Ok(())
    })
    .await
}

/// Unlinks a document from an assistant; the other assistants keep it.
///
/// # Errors
///
/// [`DocumentError::LastAssistant`] when there are no others.
pub async fn unlink(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    id: DocumentId,
) -> Result<(), DocumentError> {
    repeated(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let document = lock_both(&mut tx, caller, assistant, id).await?;
        let change = document.unlink(assistant, &caller.actor(), now).map_err(|why| match why {
            UnlinkRefused::Unknown => DocumentError::from(Missing("document")),
            UnlinkRefused::LastAssistant => DocumentError::LastAssistant,
        })?;
        tx.apply(change).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// The document, locked with the assistants that know it or are about to.
async fn lock_both(
    tx: &mut Tx,
    caller: &Caller,
    assistant: AssistantId,
    id: DocumentId,
) -> Result<Document, DocumentError> {
    let workspace = caller.workspace_id;
    tx.workspace(workspace).knowledge().lock(&[id], &[assistant]).await?;
    let found = tx.workspace(workspace).documents().find(id).await?;
    let document = real(found)?;
    let known = tx.workspace(workspace).assistants().find(assistant).await?;
    known.ok_or(Missing("assistant"))?;
    Ok(document)
}
