//! Files become documents, or take the place of one.

use chrono::{DateTime, Days, NaiveTime, Utc};
use replyx_core::{
    ids::{AssistantId, DocumentId},
    knowledge::{Document, DocumentStatus},
    session::Principal,
    setting,
};
use replyx_storage::{Tx, replacements::Replacement};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DocumentView, form::Upload, may_queue, new, queue, real, upload::place};
use crate::{
    caller::{DocumentsWrite, May},
    error::{ApiError, ApiResult},
    state::AppState,
};

/// At most so many documents of the same name are told.
const SAME_NAME: u32 = 20;
/// A mebibyte.
const MIB: i64 = 1 << 20;

/// A document, and what its sender should know of the upload.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadedDocument)]
pub struct Uploaded {
    #[serde(flatten)]
    document: DocumentView,
    /// Whether the same file was there already, so that nothing was changed.
    #[schema(example = false)]
    unchanged: bool,
    /// Other documents that the assistant knows under this name: both are searched until one is
    /// deleted, or replaced.
    #[schema(example = json!([]))]
    same_name: Vec<SameName>,
}

/// A document with the name of an uploaded file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SameName {
    id: Uuid,
    /// SHA-256 of its original, lower-case hexadecimal.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    content_hash: String,
    created_at: DateTime<Utc>,
}

impl Uploaded {
    /// The file was there already.
    fn unchanged(document: Document) -> Self {
        Self { unchanged: true, ..Self::changed(document) }
    }

    fn changed(document: Document) -> Self {
        Self { document: document.into(), unchanged: false, same_name: Vec::new() }
    }

    /// Was the file there already?
    pub(super) const fn is_unchanged(&self) -> bool {
        self.unchanged
    }
}

/// Who stores files, and where.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) state: &'a AppState,
    pub(super) caller: &'a May<DocumentsWrite>,
}

impl Desk<'_> {
    /// Refuses an upload before it is read when the workspace has uploaded all of its day.
    ///
    /// # Errors
    ///
    /// 429 until the day ends.
    pub(super) async fn has_room_today(&self) -> ApiResult<()> {
        let now = self.state.clock().now();
        let mut tx = self.state.db().read().await?;
        let scope = tx.workspace(self.caller.workspace_id);
        let used = scope.upload_days().bytes(now.date_naive()).await?;
        if used >= self.per_day() { Err(self.day_is_full(now)) } else { Ok(()) }
    }

    /// Counts a further file of a form against the rate of uploads.
    ///
    /// # Errors
    ///
    /// 429 when there have been too many.
    pub(super) async fn count_one_more(&self) -> ApiResult<()> {
        let key = match &self.caller.access.principal {
            Principal::User { user, .. } => user.id.to_string(),
            Principal::Key { id, .. } => id.to_string(),
        };
        self.state.limit(setting::RATE_UPLOAD, &key).await
    }

    /// Stores a file as a document that an assistant knows. The same file under the same name is
    /// the document that is there already.
    ///
    /// # Errors
    ///
    /// 404 without the assistant, 413, 415 and 429 for files that are not taken.
    pub(super) async fn keep(&self, assistant: AssistantId, file: Upload) -> ApiResult<Uploaded> {
        let _place = place().await;
        self.caller.still_may(self.state).await?;
        let (document, bytes) = self.read(assistant, file).await?;
        let workspace = self.caller.workspace_id;

        let mut tx = self.state.db().begin().await?;
        // It may have been deleted while the file was on its way.
        let known = tx.workspace(workspace).assistants().lock(assistant).await?;
        known.ok_or(ApiError::NotFound("assistant"))?;
        // The same file again is the same document: what was done with it need not be done again.
        let documents = tx.workspace(workspace).documents();
        let twin = documents.twin(assistant, &document.name, &document.content_hash).await?;
        if let Some(twin) = twin.filter(|twin| twin.status != DocumentStatus::Failed) {
            // One that waits to be replaced will not be this file any more.
            let waiting = tx.workspace(workspace).replacements().find(twin.id).await?;
            if waiting.is_none() {
                return Ok(Uploaded::unchanged(twin));
            }
        }

        may_queue(&mut tx, workspace).await?;
        self.count(&mut tx, &document).await?;
        let documents = tx.workspace(workspace).documents();
        let others = documents.of_name(assistant, &document.name, SAME_NAME).await?;
        tx.workspace(workspace).documents().insert(&document, &bytes).await?;
        queue(&mut tx, &document, self.state.clock()).await?;
        let details = json!({
            "name": document.name, "assistant_id": assistant, "size": document.size,
        });
        let target = ("document", document.id);
        let act = self.caller.act(document.created_at, "document.uploaded", target, details);
        tx.workspace(workspace).audit().append(&act).await?;
        tx.commit().await?;

        let same_name = others
            .into_iter()
            .map(|(id, content_hash, created_at)| SameName {
                id: id.into_uuid(),
                content_hash,
                created_at,
            })
            .collect();
        Ok(Uploaded { same_name, ..Uploaded::changed(document) })
    }

    /// Lets a file take the place of a document that this assistant knows.
    ///
    /// # Errors
    ///
    /// As [`Self::replace`]; 404 also when the assistant does not know the document.
    pub(super) async fn replace_known(
        &self,
        assistant: AssistantId,
        id: DocumentId,
        file: Upload,
    ) -> ApiResult<Uploaded> {
        let mut tx = self.state.db().read().await?;
        let found = tx.workspace(self.caller.workspace_id).documents().find(id).await?;
        drop(tx);
        if !real(found)?.assistants.contains(&assistant) {
            return Err(ApiError::NotFound("document"));
        }
        self.replace(id, file).await
    }

    /// Lets a file take the place of a document, which keeps its id and its assistants. What was
    /// read before is found until the new file has been read.
    ///
    /// # Errors
    ///
    /// 404 without the document, 409 for a page of a source, 413, 415 and 429 for files that are
    /// not taken.
    pub(super) async fn replace(&self, id: DocumentId, file: Upload) -> ApiResult<Uploaded> {
        let _place = place().await;
        self.caller.still_may(self.state).await?;
        let named = file.named;
        // The assistant is of no matter here: the document has its own.
        let (new, bytes) = self.read(AssistantId::from(Uuid::nil()), file).await?;
        let workspace = self.caller.workspace_id;

        let mut tx = self.state.db().begin().await?;
        let found = tx.workspace(workspace).documents().lock(id).await?;
        let mut document = real(found)?;
        if document.page.is_some() {
            return Err(ApiError::Conflict {
                code: "is_page",
                detail: "the document is a page of a source, which keeps it up to date".to_owned(),
            });
        }
        let waiting = tx.workspace(workspace).replacements().find(id).await?;
        let newest = waiting.as_ref().map_or(&document.content_hash, |file| &file.content_hash);
        let failed = waiting.is_none() && document.status == DocumentStatus::Failed;
        if *newest == new.content_hash && !failed {
            return Ok(Uploaded::unchanged(document));
        }

        may_queue(&mut tx, workspace).await?;
        self.count(&mut tx, &new).await?;
        let before = document.name.clone();
        let name = if named { new.name.clone() } else { before.clone() };
        let file =
            Replacement { name, kind: new.kind, size: new.size, content_hash: new.content_hash };
        let now = self.state.clock().now();
        put(&mut tx, &mut document, file, &bytes, now).await?;
        queue(&mut tx, &document, self.state.clock()).await?;
        let details = json!({"name": new.name, "before": before, "size": new.size});
        let act = self.caller.act(now, "document.replaced", ("document", id), details);
        tx.workspace(workspace).audit().append(&act).await?;
        tx.commit().await?;
        Ok(Uploaded::changed(document))
    }

    /// What a file is, and its hash.
    async fn read(&self, assistant: AssistantId, file: Upload) -> ApiResult<(Document, Vec<u8>)> {
        let name = file.name;
        let bytes = file.bytes?;
        let clock = self.state.clock().clone();
        let workspace = self.caller.workspace_id;
        let work = move || -> ApiResult<(Document, Vec<u8>)> {
            let kind = replyx_extract::detect(&name, &bytes)
                .map_err(|error| ApiError::UnsupportedMediaType(error.to_string()))?;
            Ok((new(&clock, workspace, assistant, name, kind, &bytes), bytes))
        };
        tokio::task::spawn_blocking(work).await?
    }

    /// Counts a file against the day of the workspace.
    async fn count(&self, tx: &mut Tx, document: &Document) -> ApiResult<()> {
        let now = self.state.clock().now();
        let days = tx.workspace(self.caller.workspace_id).upload_days();
        let used = days.add(now.date_naive(), document.size).await?;
        if used > self.per_day() { Err(self.day_is_full(now)) } else { Ok(()) }
    }

    /// Bytes per day.
    fn per_day(&self) -> i64 {
        self.state.tuning.int(setting::UPLOAD_MB_PER_DAY).saturating_mul(MIB)
    }

    fn day_is_full(&self, now: DateTime<Utc>) -> ApiError {
        let mib = self.state.tuning.int(setting::UPLOAD_MB_PER_DAY);
        metrics::counter!("rate_limited_total", "limit" => setting::UPLOAD_MB_PER_DAY).increment(1);
        let tomorrow = now.date_naive().checked_add_days(Days::new(1)).unwrap_or_default();
        let left = tomorrow.and_time(NaiveTime::MIN).and_utc() - now;
        ApiError::Limited {
            limit: format!("`upload_mb_per_day`: this workspace may upload {mib} MiB a day"),
            after: left.to_std().unwrap_or_default(),
        }
    }
}

/// Keeps a new file for a document: beside the one that serves, or instead of one that was never
/// read.
async fn put(
    tx: &mut Tx,
    document: &mut Document,
    file: Replacement,
    bytes: &[u8],
    now: DateTime<Utc>,
) -> ApiResult<()> {
    let workspace = document.workspace_id;
    let id = document.id;
    if document.passages > 0 {
        tx.workspace(workspace).replacements().put(id, &file, bytes, now).await?;
    } else {
        tx.workspace(workspace).replacements().forget(id).await?;
        tx.workspace(workspace).documents().set_original(id, bytes).await?;
        document.name = file.name;
        document.kind = file.kind;
        document.size = file.size;
        document.content_hash = file.content_hash;
    }

    document.status = DocumentStatus::Queued;
    document.error = None;
    document.updated_at = now;
    tx.workspace(workspace).documents().save(document).await?;

    Ok(())
}
