//! `GET /api/v1/documents/{id}/text`

use axum::{Json, extract::State};
use replyx_assistants::documents;
use replyx_core::ids::DocumentId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    caller::{Authorized, DocumentsRead},
    error::{ApiError, ApiResult, Problem},
    input::{Id, Params},
    state::AppState,
};

/// The most of a text that one answer holds, bytes.
const LONGEST: u32 = 1024 * 1024;
/// What it holds unless more or less is asked for, bytes.
const USUAL: u32 = 256 * 1024;
/// No text is longer, bytes.
const FARTHEST: u32 = 1024 * 1024 * 1024;
/// The longest character, bytes.
const CHARACTER: usize = 4;

/// Which part of a text.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PartQuery {
    /// Where the part begins, in bytes; 0 unless given. Inside a character, it begins with the
    /// next.
    #[param(minimum = 0, maximum = 1_073_741_824, example = 0)]
    start: Option<u32>,
    /// At most so many bytes: 4 to 1,048,576; 262,144 unless given. The part ends between two
    /// characters.
    #[param(minimum = 4, maximum = 1_048_576, example = 262_144)]
    limit: Option<u32>,
}

/// A part of what was read from a document.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DocumentText)]
pub struct Response {
    /// The text that passages are cut from; their `start` and `end` count its bytes in UTF-8.
    #[schema(example = "# Returns\n\nYou may return an item within 30 days.")]
    text: String,
    /// Where this part begins.
    #[schema(example = 0)]
    start: u64,
    /// Where the next part begins; `null` on the last one.
    #[schema(example = 262_144)]
    next: Option<u64>,
    /// How long the whole text is, bytes.
    #[schema(example = 1_310_720)]
    length: u64,
}

/// Shows the text of a document, in parts.
///
/// Send `next` as `start` to get the next part, until it is `null`.
#[utoipa::path(
    get, path = "/documents/{id}/text", operation_id = "read_document_text", tag = "documents",
    params(("id" = uuid::Uuid, Path), PartQuery),
    responses(
        (status = 200, description = "a part of the text", body = Response),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such document", body = Problem),
        (status = 409, description = "`not_ready`: it has not been read", body = Problem),
    )
)]
#[tracing::instrument(name = "api.documents.text", skip_all, fields(document.id = %id))]
pub async fn text(
    State(state): State<AppState>,
    caller: Authorized<DocumentsRead>,
    Id(id): Id<DocumentId>,
    Params(part): Params<PartQuery>,
) -> ApiResult<Json<Response>> {
    let (start, limit) = part.bounds()?;
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).documents().find(id).await?;
    let document = documents::real(found)?;

    // A little more than is shown, so that the last character is there as a whole.
    let bytes = limit + u32::try_from(CHARACTER).unwrap_or_default();
    let read = tx.workspace(caller.workspace_id).documents().text_part(id, start, bytes).await?;
    let (length, bytes) = read.ok_or_else(|| ApiError::Conflict {
        code: "not_ready",
        detail: document.error.unwrap_or_else(|| "the document has not been read yet".to_owned()),
    })?;
    Ok(Json(Response::of(&bytes, start.into(), limit as usize, length)))
}

impl PartQuery {
    fn bounds(self) -> ApiResult<(u32, u32)> {
        let start = self.start.unwrap_or_default();
        let limit = self.limit.unwrap_or(USUAL);
        if start > FARTHEST {
            return Err(ApiError::Malformed(format!("`start` is 0 to {FARTHEST}")));
        }
        if !(CHARACTER..=LONGEST as usize).contains(&(limit as usize)) {
            return Err(ApiError::Malformed(format!("`limit` is {CHARACTER} to {LONGEST}")));
        }
        Ok((start, limit))
    }
}

impl Response {
    /// The part between two characters, of bytes that begin and end anywhere.
    fn of(bytes: &[u8], start: u64, limit: usize, length: u64) -> Self {
        let inside = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
        let skipped = bytes.iter().take_while(inside).count();
        let rest = &bytes[skipped..];
        let mut end = rest.len().min(limit);
        while end > 0 && rest.get(end).is_some_and(|byte| inside(&byte)) {
            end -= 1;
        }

        let text = String::from_utf8_lossy(&rest[..end]).into_owned();
        let start = start + skipped as u64;
        let after = start + end as u64;
        Self { text, start, next: (end > 0 && after < length).then_some(after), length }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a text as a client does: part by part, each cut out by bytes as the database does.
    fn read(text: &str, limit: usize) -> (String, usize) {
        let mut whole = String::new();
        let mut start = Some(0);
        let mut parts = 0;
        while let Some(at) = start {
            let from = usize::try_from(at).unwrap().min(text.len());
            let bytes = &text.as_bytes()[from..(from + limit + CHARACTER).min(text.len())];
            let part = Response::of(bytes, at, limit, text.len() as u64);
            assert!(part.text.len() <= limit, "{part:?}");
            assert_eq!(part.start, at, "a part begins where the one before says");
            whole.push_str(&part.text);
            start = part.next;
            parts += 1;
        }
        (whole, parts)
    }

    #[test]
    fn the_parts_are_the_text_whatever_its_characters() {
        for text in
            ["", "a", "plain text of no great length", "привет, мир", "a€𝄞é漢字🎻z", "🎻🎻🎻🎻"]
        {
            for limit in 4..=9 {
                assert_eq!(read(text, limit).0, text, "{limit}");
            }
        }
        assert_eq!(read(&"x".repeat(100), 10).1, 10);
    }

    #[test]
    fn a_start_inside_a_character_or_beyond_the_end_is_moved() {
        let text = "é🎻z";
        let at = |start: usize| Response::of(&text.as_bytes()[start..], start as u64, 100, 7);
        assert_eq!((at(1).start, at(1).text.as_str()), (2, "🎻z"));
        assert_eq!((at(3).start, at(3).text.as_str()), (6, "z"));
        let beyond = Response::of(&[], 50, 100, 7);
        assert_eq!((beyond.text.as_str(), beyond.next), ("", None));
    }

    #[test]
    fn only_sane_parts_are_read() {
        let bounds = |start, limit| PartQuery { start, limit }.bounds().ok();
        assert_eq!(bounds(None, None), Some((0, USUAL)));
        assert_eq!(bounds(Some(7), Some(LONGEST)), Some((7, LONGEST)));
        for (start, limit) in
            [(None, Some(3)), (None, Some(LONGEST + 1)), (Some(FARTHEST + 1), None)]
        {
            assert_eq!(bounds(start, limit), None);
        }
    }
}
