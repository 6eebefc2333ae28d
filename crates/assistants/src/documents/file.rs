//! Files become documents, or take the place of one.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, Utc};
use replyx_core::{
    actor::Caller,
    change::New,
    file::Content,
    ids::{AssistantId, DocumentId},
    knowledge::{
        self, Document, DocumentKind, DocumentStatus, Fingerprint, NewDocument, Replacement,
    },
    rules::document::{DocumentFile, IsPage},
    setting,
};
use replyx_extract::detect;
use replyx_knowledge::index::{self, IndexDocument};
use replyx_storage::{StorageError, Tx, repeated};
use thiserror::Error;
use tokio::task::spawn_blocking;

use super::{DocumentError, lock, may_queue, tag};
use crate::{Cx, lock_assistant};

/// At most so many documents of the same name are told.
const SAME_NAME: u32 = 20;
/// A mebibyte.
const MIB: i64 = 1 << 20;

/// A file as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What its sender calls it, made safe by [`super::clean`].
    pub name: String,
    /// Whose choice the name is.
    pub naming: Naming,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The tags of its document from now on; `None` leaves those that it has.
    pub tags: Option<Vec<String>>,
}

/// Whose choice the name of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Its sender's.
    Given,
    /// Nobody's: it came without one.
    Missing,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// The same file was there already as this document: nothing was changed.
    Unchanged(Document),
    /// The document waits to be read. Others that the assistant knows have the same name.
    Queued(Document, Vec<SameName>),
}

/// A document with the name of a file that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SameName {
    /// Identity.
    pub id: DocumentId,
    /// SHA-256 of its original, lower-case hexadecimal.
    pub content_hash: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// The workspace has uploaded as much as it may on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("`upload_mb_per_day`: this workspace may upload {mib} MiB a day")]
pub struct DayIsFull {
    /// How much it may upload, mebibytes.
    pub mib: i64,
    /// When the next day begins.
    pub after: Duration,
}

/// The workspace keeps as much as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "`workspace_files_mb`: this workspace may keep {mib} MiB of documents and files; delete some"
)]
pub struct WorkspaceIsFull {
    /// How much it may keep, mebibytes.
    pub mib: i64,
}

/// Refuses an upload before it is read when the workspace has uploaded all of its day.
///
/// # Errors
///
/// [`DocumentError::DayIsFull`] until the day ends.
pub async fn has_room_today(cx: Cx<'_>, caller: &Caller) -> Result<(), DocumentError> {
    let today = cx.clock.now().date_naive();
    let mut tx = cx.db.read().await?;
    let used = tx.workspace(caller.workspace_id).upload_days().bytes(today).await?;
    if used < per_day(cx) { Ok(()) } else { Err(day_is_full(cx).into()) }
}

/// Stores a file as a document that an assistant knows. The same file under the same name is the
/// document that is there already.
pub async fn add(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    file: File,
) -> Result<Stored, DocumentError> {
    let examined = examine(file).await?;
    let content = keep(cx, caller, &examined).await?;
    let stored = repeated(|| add_once(cx, caller, assistant, &examined, content)).await;
    discard_unused(cx, caller, &stored, content).await;
    stored
}

/// Keeps the bytes of a file before the transaction that needs them.
async fn keep<'f>(
    cx: Cx<'_>,
    caller: &Caller,
    file: &'f Examined,
) -> Result<Content<'f>, DocumentError> {
    Ok(cx.db.keep(caller.workspace_id, cx.clock.id(), &file.bytes).await?)
}

/// Deletes the bytes of a file that was there already or was refused. After an error of the
/// database they stay: the transaction may have lasted all the same.
async fn discard_unused(
    cx: Cx<'_>,
    caller: &Caller,
    stored: &Result<Stored, DocumentError>,
    content: Content<'_>,
) {
    let is_unused = match stored {
        Ok(stored) => matches!(stored, Stored::Unchanged(_)),
        Err(error) => !matches!(error, DocumentError::Storage(_)),
    };
    if is_unused {
        cx.db.discard(caller.workspace_id, content).await;
    }
}

async fn add_once(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    file: &Examined,
    content: Content<'_>,
) -> Result<Stored, DocumentError> {
    let workspace = caller.workspace_id;
    let mut tx = cx.db.begin().await?;
    // It may have been deleted while the file was on its way.
    lock_assistant::<DocumentError>(&mut tx, caller, assistant).await?;
    if let Some(twin) = twin(&mut tx, caller, assistant, file).await? {
        return unchanged(cx, tx, caller, twin, file).await;
    }

    may_queue::<DocumentError>(&mut tx, caller).await?;
    count_upload::<DocumentError>(cx, &mut tx, caller, file.original.size()).await?;
    let documents = tx.workspace(workspace).documents();
    let others = documents.of_name(assistant, &file.name, SAME_NAME).await?;

    let document = Document::queued(
        cx.clock,
        NewDocument {
            workspace_id: workspace,
            assistant_id: assistant,
            name: file.name.clone(),
            kind: file.kind,
            page: None,
            original: file.original.clone(),
        },
    );
    let tags = file.tags.clone().unwrap_or_default();
    let document = Document { tags, ..document };
    let change = document.upload(content, assistant, &caller.actor());
    let New(DocumentFile { document, .. }) = tx.apply(change).await?;
    index::queue(&mut tx, cx.clock, IndexDocument::of(&document)).await?;
    tx.commit().await?;

    let same_name = others.into_iter().map(|(id, content_hash, created_at)| SameName {
        id,
        content_hash,
        created_at,
    });
    Ok(Stored::Queued(document, same_name.collect()))
}

/// The document that is this very file, with the tags that came with it.
async fn unchanged(
    cx: Cx<'_>,
    mut tx: Tx,
    caller: &Caller,
    document: Document,
    file: &Examined,
) -> Result<Stored, DocumentError> {
    let document = tag(cx, &mut tx, caller, document, file.tags.as_deref()).await?;
    tx.commit().await?;
    Ok(Stored::Unchanged(document))
}

/// The document that is this very file: what was done with it need not be done again.
async fn twin(
    tx: &mut Tx,
    caller: &Caller,
    assistant: AssistantId,
    file: &Examined,
) -> Result<Option<Document>, DocumentError> {
    let workspace = caller.workspace_id;
    let documents = tx.workspace(workspace).documents();
    let found = documents.twin(assistant, &file.name, file.original.content_hash()).await?;
    let Some(twin) = found.filter(|twin| twin.status != DocumentStatus::Failed) else {
        return Ok(None);
    };
    // One that waits to be replaced will not be this file any more.
    let waiting = tx.workspace(workspace).replacements().find(twin.id).await?;
    Ok(Some(twin).filter(|_| waiting.is_none()))
}

/// Replaces a document with a file, which keeps its id and its assistants. What was read
/// before is found until the new file has been read. A file without a name keeps the document's.
///
/// # Errors
///
/// [`DocumentError::IsPage`] for a page of a source.
pub async fn replace(
    cx: Cx<'_>,
    caller: &Caller,
    id: DocumentId,
    file: File,
) -> Result<Stored, DocumentError> {
    let examined = examine(file).await?;
    let content = keep(cx, caller, &examined).await?;
    let stored = repeated(|| replace_once(cx, caller, id, &examined, content)).await;
    discard_unused(cx, caller, &stored, content).await;
    stored
}

async fn replace_once(
    cx: Cx<'_>,
    caller: &Caller,
    id: DocumentId,
    file: &Examined,
    content: Content<'_>,
) -> Result<Stored, DocumentError> {
    let mut tx = cx.db.begin().await?;
    let document = lock(&mut tx, caller, id).await?;
    if document.page.is_some() {
        return Err(is_page(IsPage));
    }
    let waiting = tx.workspace(caller.workspace_id).replacements().find(id).await?;
    let newest = waiting.as_ref().map_or(&document.content_hash, |file| &file.content_hash);
    let failed = waiting.is_none() && document.status == DocumentStatus::Failed;
    if *newest == file.original.content_hash() && !failed {
        return unchanged(cx, tx, caller, document, file).await;
    }

    may_queue::<DocumentError>(&mut tx, caller).await?;
    count_upload::<DocumentError>(cx, &mut tx, caller, file.original.size()).await?;
    let document = put(cx, &mut tx, caller, document, (file, content)).await?;
    let document = tag(cx, &mut tx, caller, document, file.tags.as_deref()).await?;
    index::queue(&mut tx, cx.clock, IndexDocument::of(&document)).await?;
    tx.commit().await?;
    Ok(Stored::Queued(document, Vec::new()))
}

/// Keeps a new file for a document: beside the one that serves, or instead of one that was never
/// read.
async fn put(
    cx: Cx<'_>,
    tx: &mut Tx,
    caller: &Caller,
    document: Document,
    (file, content): (&Examined, Content<'_>),
) -> Result<Document, DocumentError> {
    let now = cx.clock.now();
    let by = caller.actor();
    let newer = Replacement {
        name: match file.naming {
            Naming::Given => file.name.clone(),
            Naming::Missing => document.name.clone(),
        },
        kind: file.kind,
        size: file.original.size(),
        content_hash: file.original.content_hash().to_owned(),
    };

    if document.passages > 0 {
        let change = document.replace_later(newer, content, &by, now).map_err(is_page)?;
        return Ok(tx.apply(change).await?.document);
    }
    tx.workspace(document.workspace_id).replacements().forget(document.id).await?;
    let change = document.replace(newer, content, &by, now).map_err(is_page)?;
    Ok(tx.apply(change).await?.document)
}

fn is_page(IsPage: IsPage) -> DocumentError {
    DocumentError::IsPage("which keeps it up to date")
}

/// A file of a kind that is read.
struct Examined {
    name: String,
    naming: Naming,
    bytes: Vec<u8>,
    kind: DocumentKind,
    original: Fingerprint,
    tags: Option<Vec<String>>,
}

/// What a file is, and its hash. Aside, because a large file takes its time.
async fn examine(file: File) -> Result<Examined, DocumentError> {
    let work = move || {
        let File { name, naming, bytes, tags } = file;
        let kind = detect(&name, &bytes)?;
        let original = Fingerprint::of(&bytes);
        let tags = tags.as_deref().map(knowledge::tags);
        Ok(Examined { name, naming, bytes, kind, original, tags })
    };
    spawn_blocking(work).await?
}

/// Counts bytes against the day of the workspace.
pub(crate) async fn count_upload<E>(
    cx: Cx<'_>,
    tx: &mut Tx,
    caller: &Caller,
    size: i64,
) -> Result<(), E>
where
    E: From<StorageError> + From<DayIsFull> + From<WorkspaceIsFull>,
{
    let today = cx.clock.now().date_naive();
    let used = tx.workspace(caller.workspace_id).upload_days().add(today, size).await?;
    if used > per_day(cx) {
        return Err(day_is_full(cx).into());
    }

    // Others of the workspace who upload wait for the count above, so no two see the same room.
    let kept = tx.workspace(caller.workspace_id).files().bytes().await?;
    let mib = cx.tuning.int(setting::WORKSPACE_FILES_MB);
    if kept.saturating_add(size) > mib.saturating_mul(MIB) {
        metrics::counter!("rate_limited_total", "limit" => setting::WORKSPACE_FILES_MB)
            .increment(1);
        return Err(WorkspaceIsFull { mib }.into());
    }
    Ok(())
}

/// Bytes per day.
fn per_day(cx: Cx<'_>) -> i64 {
    cx.tuning.int(setting::UPLOAD_MB_PER_DAY).saturating_mul(MIB)
}

fn day_is_full(cx: Cx<'_>) -> DayIsFull {
    metrics::counter!("rate_limited_total", "limit" => setting::UPLOAD_MB_PER_DAY).increment(1);
    let now = cx.clock.now();
    let tomorrow = now.date_naive().checked_add_days(Days::new(1)).unwrap_or_default();
    let left = tomorrow.and_time(NaiveTime::MIN).and_utc() - now;
    DayIsFull {
        mib: cx.tuning.int(setting::UPLOAD_MB_PER_DAY),
        after: left.to_std().unwrap_or_default(),
    }
}
