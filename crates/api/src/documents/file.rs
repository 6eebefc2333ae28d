//! `GET /api/v1/documents/{id}/file`

use axum::{
    body::Body,
    extract::State,
    http::{Extensions, HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use replyx_core::{
    ids::DocumentId,
    knowledge::{Document, DocumentKind},
};
use utoipa::ToSchema;

use crate::{
    caller::{Authorized, DocumentsRead},
    door::{Outgoing, Payer},
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
};

/// The bytes of a file, of the type that its content was recognized as.
#[derive(Debug, ToSchema)]
#[schema(
    as = OriginalFile, value_type = String, format = Binary,
    example = "# Returns\n\nYou have 30 days to return what you have not used.",
)]
pub struct Original(#[expect(dead_code, reason = "describes the answer")] Vec<u8>);

/// Downloads the original file of a document. While a replacement waits to be read, this is still
/// the previous file. Browsers always download it instead of showing it.
#[utoipa::path(
    get, path = "/documents/{id}/file", operation_id = "read_document_file", tag = "documents",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the file", content_type = "*/*", body = Original),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such document, or `no_original`: it was not uploaded", body = Problem),
    )
)]
#[tracing::instrument(name = "api.documents.file", skip_all, fields(document.id = %id))]
pub async fn file(
    State(state): State<AppState>,
    caller: Authorized<DocumentsRead>,
    Id(id): Id<DocumentId>,
    extensions: Extensions,
) -> ApiResult<Response> {
    let workspace = caller.workspace_id;
    let mut tx = state.db().read().await?;
    let found = tx.workspace(workspace).documents().find(id).await?;
    let document = found.ok_or(ApiError::NotFound("document"))?;
    if document.page.is_some() || document.kind == DocumentKind::Answer {
        return Err(no_original());
    }
    let size = u64::try_from(document.size).unwrap_or_default();

    // Counted before it is read: many who ask at once fill no memory with what they do not take.
    let payer = extensions.get::<Payer>();
    let outgoing = extensions.get::<Outgoing>();
    let reserved = outgoing.map(|outgoing| outgoing.reserve(payer, size)).transpose()?;
    let original = tx.workspace(workspace).documents().original(id).await?;
    drop(tx);

    let original = original.ok_or_else(no_original)?;
    let original = state.db().bytes_of(workspace, original).await?;
    let headers = headers(&document, &original);
    let mut response = (headers, Body::from(original)).into_response();
    if let Some(reserved) = reserved {
        response.extensions_mut().insert(reserved);
    }
    Ok(response)
}

const fn no_original() -> ApiError {
    ApiError::Absent {
        code: "no_original",
        detail: "the document was not uploaded as a file: it is a page or an answer",
    }
}

fn headers(document: &Document, original: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let kind = HeaderValue::from_static(media_type(document.kind, original));
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Ok(disposition) = HeaderValue::from_str(&attachment(&document.name)) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers
}

/// What files of Office before 2007 begin with.
const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0";

/// The type of a file, as its content was recognized.
fn media_type(kind: DocumentKind, original: &[u8]) -> &'static str {
    match kind {
        DocumentKind::Text => "text/plain",
        DocumentKind::Markdown => "text/markdown",
        DocumentKind::Html => "text/html",
        DocumentKind::Pdf => "application/pdf",
        DocumentKind::Docx if original.starts_with(COMPOUND) => "application/msword",
        DocumentKind::Docx => {
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        }
        DocumentKind::Xlsx if original.starts_with(COMPOUND) => "application/vnd.ms-excel",
        DocumentKind::Xlsx if is_open_document(original) => {
            "application/vnd.oasis.opendocument.spreadsheet"
        }
        DocumentKind::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        DocumentKind::Csv => "text/csv",
        // No other kind has two formats.
        DocumentKind::Pptx => {
            "application/vnd.openxmlformats-officedocument.presentationml.presentation"
        }
        DocumentKind::Json | DocumentKind::Answer => "application/json",
        DocumentKind::Rtf => "application/rtf",
        DocumentKind::Odt => "application/vnd.oasis.opendocument.text",
        DocumentKind::Epub => "application/epub+zip",
        DocumentKind::Eml => "message/rfc822",
    }
}

/// Its first entry says so.
fn is_open_document(original: &[u8]) -> bool {
    let mark = b"mimetypeapplication/vnd.oasis";
    let head = &original[..original.len().min(256)];
    head.windows(mark.len()).any(|window| window == mark)
}

/// `Content-Disposition` of a download (RFC 6266): the name for old clients in ASCII, and as it is
/// (RFC 8187).
pub(crate) fn attachment(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' | '/' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect();
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for half in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(half), 16).unwrap_or('0');
                encoded.push(digit.to_ascii_uppercase());
            }
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_old_office_are_not_those_of_the_new() {
        let new = b"PK\x03\x04".as_slice();
        for (kind, old) in [
            (DocumentKind::Docx, "application/msword"),
            (DocumentKind::Xlsx, "application/vnd.ms-excel"),
        ] {
            assert_eq!(media_type(kind, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), old);
            assert!(media_type(kind, new).contains("openxmlformats"));
        }
    }

    #[test]
    fn no_name_breaks_out_of_its_header() {
        for (name, expected) in [
            ("a b.md", "attachment; filename=\"a b.md\"; filename*=UTF-8''a%20b.md"),
            (
                "Цены \"2026\".pdf",
                "attachment; filename=\"____ _2026_.pdf\"; \
                 filename*=UTF-8''%D0%A6%D0%B5%D0%BD%D1%8B%20%222026%22.pdf",
            ),
            (
                "a\r\nX: y;%\\.md",
                "attachment; filename=\"a__X: y;__.md\"; filename*=UTF-8''a%0D%0AX%3A%20y%3B%25%5C.md",
            ),
        ] {
            assert_eq!(attachment(name), expected);
            assert!(HeaderValue::from_str(&attachment(name)).is_ok());
        }
    }
}
