//! `GET /api/v1/attachments/{id}`

use axum::{
    body::Body,
    extract::State,
    http::{Extensions, HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use replyx_core::{
    attachment::{AttachmentStatus, MessageFile},
    ids::AttachmentId,
};

use crate::{
    caller::{Authorized, DialogsRead},
    documents::file::{Original, attachment},
    door::{Outgoing, Payer},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// Downloads a file that belongs to a message. Browsers always download it instead of showing it.
#[utoipa::path(
    get, path = "/attachments/{id}", operation_id = "read_attachment", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the file", content_type = "*/*", body = Original),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such attachment, or `not_stored`: its status says why", body = Problem),
    )
)]
#[tracing::instrument(name = "api.attachments.read", skip_all, fields(attachment.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
    Id(id): Id<AttachmentId>,
    extensions: Extensions,
) -> ApiResult<Response> {
    let workspace = caller.workspace_id;
    let mut tx = state.db().read().await?;
    let found = tx.workspace(workspace).attachments().find(id).await?;
    let file = found.ok_or(ApiError::NotFound("attachment"))?;
    if file.status != AttachmentStatus::Stored {
        return Err(not_stored());
    }

    // Counted before it is read: many who ask at once fill no memory with what they do not take.
    let size = u64::try_from(file.size.unwrap_or_default()).unwrap_or_default();
    let payer = extensions.get::<Payer>();
    let outgoing = extensions.get::<Outgoing>();
    let reserved = outgoing.map(|outgoing| outgoing.reserve(payer, size)).transpose()?;
    let content = tx.workspace(workspace).attachments().content(id).await?;
    drop(tx);

    let bytes = state.db().bytes_of(workspace, content.ok_or_else(not_stored)?).await?;
    let mut response = (headers(&file), Body::from(bytes)).into_response();
    if let Some(reserved) = reserved {
        response.extensions_mut().insert(reserved);
    }
    Ok(response)
}

const fn not_stored() -> ApiError {
    ApiError::Absent { code: "not_stored", detail: "the file is not stored: its status says why" }
}

fn headers(file: &MessageFile) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let kind = file.media_type.as_deref().unwrap_or("application/octet-stream");
    if let Ok(kind) = HeaderValue::from_str(kind) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    let name = file.name.as_deref().unwrap_or(&file.what);
    if let Ok(disposition) = HeaderValue::from_str(&attachment(name)) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers
}
