//! `POST /api/v1/assistants/{id}/documents`

use axum::{
    Json, RequestExt,
    extract::{DefaultBodyLimit, Multipart, State, multipart::MultipartError},
    http::{HeaderMap, StatusCode, header},
};
use replyx_core::{ids::AssistantId, knowledge::DocumentStatus};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::{DocumentView, may_queue, name, new, queue};
use crate::{
    caller::{DocumentsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::{Id, announced},
    state::AppState,
};

/// The path of uploads, below the base of the API.
pub(crate) const PATH: &str = "/assistants/{id}/documents";

/// What a form may hold beside the file itself, bytes.
pub(crate) const ENVELOPE: usize = 64 * 1024;

/// How many uploads are worked on at once; more wait once their bodies have been read.
const AT_ONCE: usize = 16;

static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);

/// A form with one file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UploadDocument)]
pub struct Request {
    /// The file: text, Markdown, HTML, PDF, Word, Excel, `PowerPoint`, CSV, JSON, RTF, ODT, EPUB or a mail.
    #[schema(value_type = String, format = Binary, example = "# Returns\n\nYou may return an item within 30 days.")]
    #[expect(dead_code, reason = "describes the form, which is read as a stream")]
    file: Vec<u8>,
}

/// Takes a file, which will be found by search once its status is `ready`. The same file under the same name again is
/// the document that is there already.
#[utoipa::path(
    post, path = "/assistants/{id}/documents", operation_id = "upload_document", tag = "documents",
    security(("bearer" = ["documents:write"])), params(("id" = uuid::Uuid, Path)),
    request_body(content = Request, content_type = "multipart/form-data"),
    responses(
        (status = 202, description = "the document, waiting to be read", body = DocumentView),
        (status = 400, description = "the form cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 409, description = "`too_many_waiting`: too many documents of the workspace wait to be read", body = Problem),
        (status = 413, description = "the file is too large", body = Problem),
        (status = 415, description = "not a form, or a file of a kind that is not read", body = Problem),
        (status = 422, description = "there is not exactly one `file`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.documents.upload", skip_all, fields(assistant.id = %id.0))]
pub async fn upload(
    state: State<AppState>,
    caller: May<DocumentsWrite>,
    id: Id<AssistantId>,
    request: axum::extract::Request,
) -> ApiResult<(StatusCode, Json<DocumentView>)> {
    let (State(state), Id(id)) = (state, id);
    let limit = state.settings.upload_limit;
    acceptable(request.headers(), limit)?;
    let workspace = caller.workspace_id;
    let known = state.db().read().await?.workspace(workspace).assistants().find(id).await?;
    known.ok_or(ApiError::NotFound("assistant"))?;

    let file = receive(request, limit).await?;
    // Not before: who sends slowly would keep others waiting. What is in memory until then the door counts.
    let _place = ROOM.acquire().await.expect("nobody closes it");
    let kind = replyx_knowledge::detect::detect(&file.name, &file.bytes)
        .map_err(|error| ApiError::UnsupportedMediaType(error.to_string()))?;
    let clock = state.clock().clone();
    let work = move || (new(&clock, workspace, id, file.name, kind, &file.bytes), file.bytes);
    let (document, bytes) = tokio::task::spawn_blocking(work).await?;
    let now = document.created_at;

    let mut tx = state.db().begin().await?;
    // It may have been deleted while the file was on its way.
    let known = tx.workspace(workspace).assistants().lock(id).await?;
    known.ok_or(ApiError::NotFound("assistant"))?;
    // The same file again is the same document: what was done with it need not be done anew.
    let documents = tx.workspace(workspace).documents();
    let twin = documents.twin(id, &document.name, &document.content_hash).await?;
    if let Some(twin) = twin.filter(|twin| twin.status != DocumentStatus::Failed) {
        return Ok((StatusCode::ACCEPTED, Json(twin.into())));
    }
    may_queue(&mut tx, workspace).await?;
    tx.workspace(workspace).documents().insert(&document, &bytes).await?;
    queue(&mut tx, &document, state.clock()).await?;
    let details = json!({"name": document.name, "assistant_id": id, "size": document.size});
    let act = caller.act(now, "document.uploaded", ("document", document.id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(document.into())))
}

/// What the head of a request tells, before anything of the body is read.
fn acceptable(headers: &HeaderMap, limit: usize) -> ApiResult<()> {
    if announced(headers).is_some_and(|length| length > limit.saturating_add(ENVELOPE) as u64) {
        return Err(ApiError::TooLarge(limit));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("multipart/form-data")) {
        let detail = "the body must be `multipart/form-data`".to_owned();
        return Err(ApiError::UnsupportedMediaType(detail));
    }
    Ok(())
}

struct Upload {
    name: String,
    bytes: Vec<u8>,
}

/// Reads the form, and no more of it than is allowed.
async fn receive(mut request: axum::extract::Request, limit: usize) -> ApiResult<Upload> {
    let refused = |error: MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::TooLarge(limit)
        } else {
            ApiError::Malformed("the form cannot be read".to_owned())
        }
    };
    DefaultBodyLimit::max(limit.saturating_add(ENVELOPE)).apply(&mut request);
    let mut form = request
        .extract::<Multipart, _>()
        .await
        .map_err(|_| ApiError::Malformed("the form has no usable boundary".to_owned()))?;
    let mut upload = None;
    while let Some(mut field) = form.next_field().await.map_err(refused)? {
        if upload.is_some() || field.name() != Some("file") {
            return Err(ApiError::field("file", "must be the only field, and be given once"));
        }
        let name = name::claimed(field.file_name(), field.headers());
        let mut bytes = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(refused)? {
            if bytes.len() + chunk.len() > limit {
                return Err(ApiError::TooLarge(limit));
            }
            bytes.extend_from_slice(&chunk);
        }
        upload = Some(Upload { name, bytes });
    }
    upload.ok_or_else(|| ApiError::field("file", "is required"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    const KIND: &str = "multipart/form-data; boundary=x";

    fn part(head: &str, content: &str) -> String {
        format!("--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    }

    async fn received(kind: &str, body: String) -> ApiResult<(String, usize)> {
        let request =
            http::Request::builder().header("content-type", kind).body(Body::from(body)).unwrap();
        acceptable(request.headers(), 10)?;
        receive(request, 10).await.map(|upload| (upload.name, upload.bytes.len()))
    }

    async fn refused(kind: &str, body: String) -> String {
        format!("{:?}", received(kind, body).await.unwrap_err())
    }

    #[tokio::test]
    async fn a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() {
        let form = |content: &str| part("name=\"file\"; filename=\"a.md\"", content) + "--x--\r\n";
        let taken = received(KIND, form("0123456789")).await.unwrap();
        assert_eq!(taken, ("a.md".to_owned(), 10));
        assert_eq!(refused(KIND, form("0123456789a")).await, "TooLarge(10)");
    }

    #[tokio::test]
    async fn a_form_must_have_one_file_and_nothing_else() {
        let file = part("name=\"file\"", "text");
        let twice = refused(KIND, format!("{file}{file}--x--\r\n")).await;
        assert!(twice.contains("given once"), "{twice}");
        let other = refused(KIND, part("name=\"other\"", "text") + &file + "--x--\r\n").await;
        assert!(other.contains("only field"), "{other}");
        let none = refused(KIND, "--x--\r\n".to_owned()).await;
        assert!(none.contains("is required"), "{none}");
    }

    #[tokio::test]
    async fn what_is_no_form_is_refused_by_its_kind_and_a_broken_form_as_malformed() {
        let whole = part("name=\"file\"", "text") + "--x--\r\n";
        for kind in ["application/json", "multipart/mixed; boundary=x", ""] {
            let error = refused(kind, whole.clone()).await;
            assert!(error.starts_with("UnsupportedMediaType"), "{kind}: {error}");
        }
        for (kind, body) in [
            ("multipart/form-data", whole.clone()),
            (KIND, String::new()),
            (KIND, part("name=\"file\"", "text")[..50].to_owned()),
            (KIND, "no boundary at all".to_owned()),
            (KIND, part("name=\"file\"", "text")),
        ] {
            let error = refused(kind, body.clone()).await;
            assert!(error.starts_with("Malformed"), "{body:?}: {error}");
        }
    }

    #[tokio::test]
    async fn an_endless_head_of_a_part_is_not_read_to_its_end() {
        let body = format!("--x\r\nContent-Disposition: {}", "a".repeat(ENVELOPE * 2));
        assert_eq!(refused(KIND, body).await, "TooLarge(10)");
    }

    #[test]
    fn a_length_over_the_limit_is_refused_by_the_head_alone() {
        let headers = |length: usize| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_LENGTH, length.into());
            headers.insert(header::CONTENT_TYPE, KIND.parse().unwrap());
            headers
        };
        assert!(acceptable(&headers(10 + ENVELOPE), 10).is_ok());
        assert!(matches!(acceptable(&headers(11 + ENVELOPE), 10), Err(ApiError::TooLarge(10))));
    }
}
