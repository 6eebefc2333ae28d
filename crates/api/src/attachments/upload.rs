//! `POST /api/v1/attachments`

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use replyx_core::attachment::{MOST_SENT_BYTES, Upload};
use replyx_engine::uploads;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Authorized, DialogsWrite},
    documents::form::{Form, Part},
    error::{ApiError, ApiResult, Problem},
    state::AppState,
};

/// A form with one file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UploadAttachment)]
pub struct Request {
    /// The file, of any kind.
    #[schema(value_type = String, format = Binary, example = "Invoice 17: 45.00 euros")]
    #[expect(dead_code, reason = "describes the form, which is read as a stream")]
    file: Vec<u8>,
}

/// A file that can be sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadedAttachment)]
pub struct UploadView {
    /// What a message names in `attachments`.
    id: Uuid,
    #[schema(example = "invoice.pdf")]
    name: String,
    /// Its media type, detected from its content.
    #[schema(example = "application/pdf")]
    media_type: String,
    /// Bytes.
    #[schema(example = 48_210)]
    size: i64,
    /// When it is deleted, unless it has been sent.
    expires_at: DateTime<Utc>,
}

impl From<Upload> for UploadView {
    fn from(upload: Upload) -> Self {
        let expires_at = upload.expires_at();
        Self {
            id: upload.id.into_uuid(),
            name: upload.name,
            media_type: upload.media_type,
            size: upload.size,
            expires_at,
        }
    }
}

/// Uploads a file to be sent with a message (`attachments` of `POST dialogs/{id}/messages`). A file
/// is sent with one message; one that is not sent within 24 hours is deleted.
#[utoipa::path(
    post, path = "/attachments", operation_id = "upload_attachment", tag = "dialogs",
    request_body(content = Request, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "the file, ready to be sent", body = UploadView),
        (status = 400, description = "the form cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 409, description = "`workspace_full`: the workspace has used up its storage", body = Problem),
        (status = 413, description = "the file is larger than uploads may be, or than 50 MB", body = Problem),
        (status = 415, description = "not a form", body = Problem),
        (status = 422, description = "there is not exactly one `file`, or it is empty", body = Problem),
    )
)]
#[tracing::instrument(name = "api.attachments.upload", skip_all)]
pub async fn upload(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    request: axum::extract::Request,
) -> ApiResult<(StatusCode, Json<UploadView>)> {
    let limit = usize::min(state.settings.upload_limit, MOST_SENT_BYTES);
    let mut form = Form::open(request, limit).await?;
    let mut file = None;
    while let Some(part) = form.next().await? {
        match part {
            Part::File(upload) if file.is_none() => file = Some(upload),
            _ => return Err(ApiError::field("file", "must be the only field, and be given once")),
        }
    }

    let file = file.ok_or_else(|| ApiError::field("file", "is required"))?;
    let bytes = file.bytes?;
    if bytes.is_empty() {
        return Err(ApiError::field("file", "must not be empty"));
    }
    let upload = uploads::store(&state.engine, caller.workspace_id, &file.name, &bytes).await?;
    Ok((StatusCode::CREATED, Json(upload.into())))
}
