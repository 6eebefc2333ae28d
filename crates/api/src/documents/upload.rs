//! `POST /api/v1/assistants/{id}/documents`

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use replyx_assistants::documents;
use replyx_core::{
    ids::{AssistantId, DocumentId},
    knowledge::Document,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    form::{Form, Part, Upload},
    keep::{Desk, Uploaded},
};
use crate::{
    caller::{Authorized, DocumentsWrite},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// A form with one file, or several.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UploadDocument)]
pub struct Request {
    /// The file: text, Markdown, HTML, PDF, Word, Excel, `PowerPoint`, CSV, JSON, RTF, ODT, EPUB or
    /// a mail. The field may be repeated, up to 50 times.
    #[schema(value_type = String, format = Binary, example = "# Returns\n\nYou may return an item within 30 days.")]
    #[expect(dead_code, reason = "describes the form, which is read as a stream")]
    file: Vec<u8>,
    /// The document that the file takes the place of; with one file only.
    #[schema(value_type = Option<uuid::Uuid>, required = false)]
    #[expect(dead_code, reason = "describes the form, which is read as a stream")]
    replaces: Option<uuid::Uuid>,
    /// A tag of the documents, at most 20. The field may be repeated, and stands before the second
    /// file. Without it new documents have no tags, and known ones keep theirs.
    #[schema(value_type = Vec<String>, required = false, max_items = 20, example = json!(["prices"]))]
    #[expect(dead_code, reason = "describes the form, which is read as a stream")]
    tags: Vec<String>,
}

/// The results of several files, in their order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadedFiles)]
pub struct Files {
    /// One item for each file.
    items: Vec<FileResult>,
}

/// The result of one of several files: it has a `document` or a `problem`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadedFile)]
pub struct FileResult {
    /// The file's name; none for a form that broke off.
    #[schema(example = "delivery.md")]
    name: Option<String>,
    /// The status that an upload of this file alone would have.
    #[schema(example = 202)]
    status: u16,
    /// The document, waiting to be read.
    document: Option<Uploaded>,
    /// Why there is none.
    problem: Option<Problem>,
}

impl FileResult {
    fn of(name: Option<String>, outcome: ApiResult<Uploaded>) -> Self {
        match outcome {
            Ok(document) => Self { name, status: 202, document: Some(document), problem: None },
            Err(error) => {
                let problem = Problem::of(error);
                Self { name, status: problem.status(), document: None, problem: Some(problem) }
            }
        }
    }
}

/// Uploads a document. Search finds it once its status is `ready`. The same file under the same
/// name returns the existing document (`unchanged`). Another file under a known name becomes
/// another document, and the response lists the others (`same_name`); send the id of one as
/// `replaces` to replace its file. For several files the response has a result for each.
#[utoipa::path(
    post, path = "/assistants/{id}/documents", operation_id = "upload_document", tag = "documents",
    params(("id" = uuid::Uuid, Path)),
    request_body(content = Request, content_type = "multipart/form-data"),
    responses(
        (status = 202, description = "the document, waiting to be read", body = Uploaded),
        (status = 207, description = "several files: a result for each", body = Files),
        (status = 400, description = "the form cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant, or no such document to replace", body = Problem),
        (status = 409, description = "`is_page`: the document to replace is a page of a source; `too_many_waiting`: too many documents of the workspace wait to be read; `workspace_full`: it has used up its storage", body = Problem),
        (status = 413, description = "the file is too large", body = Problem),
        (status = 415, description = "not a form, or a file of a kind that is not read", body = Problem),
        (status = 422, description = "there is no `file`, or another field", body = Problem),
    )
)]
#[tracing::instrument(name = "api.documents.upload", skip_all, fields(assistant.id = %id))]
pub async fn upload(
    State(state): State<AppState>,
    caller: Authorized<DocumentsWrite>,
    Id(id): Id<AssistantId>,
    request: axum::extract::Request,
) -> ApiResult<Response> {
    let known =
        state.db().read().await?.workspace(caller.workspace_id).assistants().find(id).await?;
    known.ok_or(ApiError::NotFound("assistant"))?;

    let desk = Desk { state: &state, caller: &caller };
    documents::has_room_today(state.assistants(), &caller).await?;
    let form = Form::open(request, state.settings.upload_limit).await?;
    let mut taken =
        Taken { desk, assistant: id, done: Vec::new(), held: None, replaces: None, tags: None };
    taken.all(form).await?;
    taken.answer().await
}

/// A form whose files are stored one after the other, so that no more than two are in memory.
struct Taken<'a> {
    desk: Desk<'a>,
    assistant: AssistantId,
    /// What became of the files before.
    done: Vec<FileResult>,
    /// The last file: it may be the only one, and what follows may refuse the form or say what it
    /// replaces.
    held: Option<Upload>,
    replaces: Option<DocumentId>,
    /// The tags of all that is stored.
    tags: Option<Vec<String>>,
}

impl Taken<'_> {
    async fn all(&mut self, mut form: Form) -> ApiResult<()> {
        loop {
            let outcome = match form.next().await {
                Ok(None) => return Ok(()),
                Ok(Some(part)) => self.part(part).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(()) => {}
                // Nothing has been stored: the form as a whole is refused.
                Err(error) if self.done.is_empty() => return Err(error),
                Err(error) => {
                    self.store().await;
                    self.done.push(FileResult::of(None, Err(error)));
                    return Ok(());
                }
            }
        }
    }

    async fn part(&mut self, part: Part) -> ApiResult<()> {
        let once = || ApiError::field("replaces", "goes with one file and is given once");
        match part {
            Part::Replaces(_) if self.replaces.is_some() || !self.done.is_empty() => Err(once()),
            Part::Replaces(id) => {
                self.replaces = Some(id);
                Ok(())
            }
            Part::Tag(_) if !self.done.is_empty() => {
                Err(ApiError::field("tags", "must stand before the second file"))
            }
            Part::Tag(_) if self.tags.as_ref().map_or(0, Vec::len) == Document::TAGS => {
                let message = format!("must be given at most {} times", Document::TAGS);
                Err(ApiError::field("tags", message))
            }
            Part::Tag(tag) => {
                self.tags.get_or_insert_default().push(tag);
                Ok(())
            }
            Part::File(_) if self.held.is_some() && self.replaces.is_some() => Err(once()),
            Part::File(file) => {
                self.store().await;
                if self.done.is_empty() {
                    // The rate of requests has counted the first one.
                    self.held = Some(file);
                    return Ok(());
                }
                match self.desk.count_one_more().await {
                    Ok(()) => self.held = Some(file),
                    Err(error) => self.done.push(FileResult::of(Some(file.name), Err(error))),
                }
                Ok(())
            }
        }
    }

    /// Stores the file that is held, as one of several.
    async fn store(&mut self) {
        if let Some(file) = self.held.take() {
            let name = file.name.clone();
            let outcome = self.desk.keep(self.assistant, file, self.tags.clone()).await;
            self.done.push(FileResult::of(Some(name), outcome));
        }
    }

    async fn answer(mut self) -> ApiResult<Response> {
        if !self.done.is_empty() {
            self.store().await;
            return Ok((StatusCode::MULTI_STATUS, Json(Files { items: self.done })).into_response());
        }
        let file = self.held.take().ok_or_else(|| ApiError::field("file", "is required"))?;
        let uploaded = match self.replaces {
            Some(id) => self.desk.replace_known(self.assistant, id, file, self.tags).await?,
            None => self.desk.keep(self.assistant, file, self.tags).await?,
        };
        Ok((StatusCode::ACCEPTED, Json(uploaded)).into_response())
    }
}
