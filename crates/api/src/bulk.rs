//! Requests that carry much: files, and those that are read as a whole because they have a key.

use axum::http::HeaderMap;

/// The header with the client's key.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The path of uploads, below the base of the API.
pub(crate) const UPLOAD_PATH: &str = "/assistants/{id}/documents";
/// The path of files that are to be sent, below the base of the API.
pub(crate) const ATTACHMENT_PATH: &str = "/attachments";
/// The path of imports, below the base of the API.
pub(crate) const IMPORT_PATH: &str = "/assistants/{id}/answers/import";

/// What a form may hold beside the files themselves, bytes.
pub(crate) const ENVELOPE: usize = 64 * 1024;
/// All files of a form together are at most so many times as large as the largest one may be.
const TOGETHER: usize = 5;

/// Whether a request carries a key that makes it repeatable, so that it may be read as a whole.
pub(crate) fn has_key(headers: &HeaderMap) -> bool {
    headers.contains_key(IDEMPOTENCY_KEY)
}

/// The longest form of files that may each be this long, bytes.
pub(crate) fn longest_form(limit: usize) -> usize {
    limit.saturating_mul(TOGETHER).saturating_add(ENVELOPE)
}
