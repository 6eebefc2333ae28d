//! Files become documents, or take the place of one.

use chrono::{DateTime, Utc};
use replyx_assistants::documents::{self, File, Stored};
use replyx_core::{
    ids::{AssistantId, DocumentId},
    knowledge::Document,
    session::Principal,
    setting,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DocumentView, form::Upload, places::place};
use crate::{
    caller::{Authorized, DocumentsWrite},
    error::{ApiError, ApiResult},
    state::AppState,
};

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

impl From<documents::SameName> for SameName {
    fn from(other: documents::SameName) -> Self {
        Self {
            id: other.id.into_uuid(),
            content_hash: other.content_hash,
            created_at: other.created_at,
        }
    }
}

impl From<Stored> for Uploaded {
    fn from(stored: Stored) -> Self {
        let of = |document: Document, unchanged, same_name| Self {
            document: document.into(),
            unchanged,
            same_name,
        };
        match stored {
            Stored::Unchanged(document) => of(document, true, Vec::new()),
            Stored::Queued(document, others) => {
                of(document, false, others.into_iter().map(SameName::from).collect())
            }
        }
    }
}

impl Uploaded {
    /// Was the file there already?
    pub(super) const fn is_unchanged(&self) -> bool {
        self.unchanged
    }
}

/// Who stores files, and where.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) state: &'a AppState,
    pub(super) caller: &'a Authorized<DocumentsWrite>,
}

impl Desk<'_> {
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
    pub(super) async fn keep(
        &self,
        assistant: AssistantId,
        file: Upload,
        tags: Option<Vec<String>>,
    ) -> ApiResult<Uploaded> {
        let _place = place(self.caller.workspace_id).await;
        self.caller.still_may(self.state).await?;
        let file = taken(file, tags)?;
        let stored = documents::add(self.state.assistants(), self.caller, assistant, file).await?;
        Ok(stored.into())
    }

    /// Replaces a document with a file that this assistant knows.
    ///
    /// # Errors
    ///
    /// As [`Self::replace`]; 404 also when the assistant does not know the document.
    pub(super) async fn replace_known(
        &self,
        assistant: AssistantId,
        id: DocumentId,
        file: Upload,
        tags: Option<Vec<String>>,
    ) -> ApiResult<Uploaded> {
        let mut tx = self.state.db().read().await?;
        let found = tx.workspace(self.caller.workspace_id).documents().find(id).await?;
        drop(tx);
        if !documents::real(found)?.assistants.contains(&assistant) {
            return Err(ApiError::NotFound("document"));
        }
        self.replace(id, file, tags).await
    }

    /// Replaces a document with a file, which keeps its id and its assistants. What was read before
    /// is found until the new file has been read.
    ///
    /// # Errors
    ///
    /// 404 without the document, 409 for a page of a source, 413, 415 and 429 for files that are
    /// not taken.
    pub(super) async fn replace(
        &self,
        id: DocumentId,
        file: Upload,
        tags: Option<Vec<String>>,
    ) -> ApiResult<Uploaded> {
        let _place = place(self.caller.workspace_id).await;
        self.caller.still_may(self.state).await?;
        let file = taken(file, tags)?;
        let stored = documents::replace(self.state.assistants(), self.caller, id, file).await?;
        Ok(stored.into())
    }
}

/// The file, unless it is too large.
fn taken(file: Upload, tags: Option<Vec<String>>) -> ApiResult<File> {
    Ok(File { name: file.name, naming: file.naming, bytes: file.bytes?, tags })
}
