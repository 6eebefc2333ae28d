//! `POST /api/v1/assistants/{id}/answers/import`

use std::sync::LazyLock;

use axum::{
    Json, RequestExt,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, header},
};
use replyx_assistants::answers::{self, Imported};
use replyx_core::ids::{AssistantId, WorkspaceId};
use replyx_live::Seats;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    caller::{Authorized, DocumentsWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Id, announced, whole},
    state::AppState,
};

/// How many tables are worked on at once; more wait once their bodies have been read.
const AT_ONCE: usize = 2;

/// Workspaces take turns: many tables of one do not keep another's waiting.
static ROOM: LazyLock<Seats<WorkspaceId>> = LazyLock::new(|| Seats::new(AT_ONCE, AT_ONCE));

/// The result of the import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportedAnswers)]
pub struct Response {
    /// How many pairs are new.
    #[schema(example = 120)]
    imported: usize,
    /// How many were there already, or twice in the table.
    #[schema(example = 3)]
    skipped: usize,
}

/// Imports answers from a CSV table with the columns `question` and `answer` (or their names in
/// some other languages), or with exactly two columns; at most 5,000 rows. An invalid row rejects
/// the whole table. Existing pairs are skipped, so an interrupted import can be repeated.
#[utoipa::path(
    post, path = "/assistants/{id}/answers/import", operation_id = "import_answers", tag = "answers",
    params(("id" = uuid::Uuid, Path)),
    request_body(content(
        (String = "text/csv", example = "question,answer\nAre you open on Sundays?,\"Yes, from 10 to 16.\"\n"),
        (String = "application/octet-stream",
            example = "question,answer\nAre you open on Sundays?,\"Yes, from 10 to 16.\"\n"),
    )),
    responses(
        (status = 200, description = "how many are new", body = Response),
        (status = 400, description = "the body does not arrive", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 409, description = "`too_many_waiting`: too many documents of the workspace wait to be read; `workspace_full`: it has used up its storage", body = Problem),
        (status = 413, description = "the table is too large", body = Problem),
        (status = 415, description = "neither `text/csv` nor `application/octet-stream`", body = Problem),
        (status = 422, description = "the table has no such columns, or a row is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.answers.import", skip_all, fields(assistant.id = %id))]
pub async fn import(
    State(state): State<AppState>,
    caller: Authorized<DocumentsWrite>,
    Id(id): Id<AssistantId>,
    request: axum::extract::Request,
) -> ApiResult<Json<Response>> {
    let limit = state.settings.upload_limit;
    acceptable(request.headers(), limit)?;
    let workspace = caller.workspace_id;
    let known = state.db().read().await?.workspace(workspace).assistants().find(id).await?;
    known.ok_or(ApiError::NotFound("assistant"))?;

    let bytes = receive(request, limit).await?;
    // Not before: who sends slowly would keep others waiting. What is in memory until then the door
    // counts.
    let _place = ROOM.take(workspace).await;
    caller.still_may(&state).await?;
    let table =
        answers::read_table(state.assistants(), &caller, id, &state.settings.program, &bytes)
            .await?;

    let mut sum = Imported::default();
    for batch in table.batches() {
        // Thousands of pairs take a while.
        caller.still_may(&state).await?;
        sum += answers::import(state.assistants(), &caller, id, batch).await?;
    }
    let Imported { imported, skipped } = sum;
    Ok(Json(Response { imported, skipped }))
}

/// What the head of a request tells, before anything of the body is read.
fn acceptable(headers: &HeaderMap, limit: usize) -> ApiResult<()> {
    if announced(headers).is_some_and(|length| length > limit as u64) {
        return Err(ApiError::TooLarge(limit));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next());
    // Generated clients send a body that is no JSON as mere bytes.
    let taken = ["text/csv", "application/octet-stream"];
    if !kind.is_some_and(|kind| taken.iter().any(|it| kind.trim().eq_ignore_ascii_case(it))) {
        let detail = "the body must be `text/csv` or `application/octet-stream`".to_owned();
        return Err(ApiError::UnsupportedMediaType(detail));
    }
    Ok(())
}

async fn receive(mut request: axum::extract::Request, limit: usize) -> ApiResult<Bytes> {
    DefaultBodyLimit::max(limit).apply(&mut request);
    whole(request.extract::<Bytes, _>().await, limit)
}

#[cfg(test)]
mod tests {
    use replyx_core::clock::Clock;

    use super::*;
    use crate::fair_places;

    #[test]
    fn only_a_table_of_a_bounded_length_is_read() {
        let headers = |kind: &'static str, length: usize| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            headers.insert(header::CONTENT_LENGTH, length.into());
            headers
        };
        assert!(acceptable(&headers("Text/CSV; charset=utf-8", 10), 10).is_ok());
        assert!(acceptable(&headers("application/octet-stream", 10), 10).is_ok());
        assert!(matches!(acceptable(&headers("text/csv", 11), 10), Err(ApiError::TooLarge(10))));
        for kind in ["application/json", "text/plain", ""] {
            let refused = acceptable(&headers(kind, 1), 10);
            assert!(matches!(refused, Err(ApiError::UnsupportedMediaType(_))), "{kind}");
        }
    }

    #[test]
    fn the_imports_of_one_workspace_do_not_keep_anothers_waiting() {
        let workspace = || Clock::system().id();
        fair_places::are_taken_in_turns(&ROOM, [workspace(), workspace()]);
    }
}
