//! `POST /api/v1/assistants/{id}/answers/import`

use std::collections::HashSet;

use axum::{
    Json, RequestExt,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, header},
};
use replyx_core::{ids::AssistantId, knowledge::Document};
use replyx_extract::{ExtractError, isolated_pairs};
use serde::Serialize;
use serde_json::json;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::{LONGEST_ANSWER, LONGEST_QUESTION, Pair};
use crate::{
    caller::{DocumentsWrite, May},
    documents::{may_queue, queue},
    error::{ApiError, ApiResult, Problem},
    input::{Id, announced, whole},
    state::AppState,
};

/// The path of imports, below the base of the API.
pub(crate) const PATH: &str = "/assistants/{id}/answers/import";

/// At most so many pairs are taken at once.
const MOST: usize = 5_000;

/// How many pairs are stored in one transaction: others want to write, too.
const BATCH: usize = 250;

/// How many tables are worked on at once; more wait once their bodies have been read.
const AT_ONCE: usize = 2;

static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);

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
    security(("bearer" = ["documents:write"])), params(("id" = uuid::Uuid, Path)),
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
        (status = 409, description = "`too_many_waiting`: too many documents of the workspace wait to be read", body = Problem),
        (status = 413, description = "the table is too large", body = Problem),
        (status = 415, description = "neither `text/csv` nor `application/octet-stream`", body = Problem),
        (status = 422, description = "the table has no such columns, or a row is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.answers.import", skip_all, fields(assistant.id = %id))]
pub async fn import(
    State(state): State<AppState>,
    caller: May<DocumentsWrite>,
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
    let _place = ROOM.acquire().await.expect("nobody closes it");
    caller.still_may(&state).await?;
    // The table is a stranger's: a confined child reads it.
    let found = match isolated_pairs(&state.settings.program, &bytes).await {
        Ok(found) => found,
        Err(ExtractError::Unreadable(why)) => return Err(ApiError::field("", why.to_string())),
        Err(error @ ExtractError::Program(_)) => return Err(ApiError::Internal(error.into())),
    };
    let parts = state.clone();
    let work = move || {
        let pairs = acceptable_pairs(found)?;
        let documents = pairs.iter().map(|pair| pair.document(&parts, workspace, id));
        Ok::<_, ApiError>(documents.collect::<Vec<_>>())
    };
    let found = tokio::task::spawn_blocking(work).await??;

    let mut sum = Response { imported: 0, skipped: 0 };
    for some in found.chunks(BATCH) {
        let Response { imported, skipped } = take(&state, &caller, id, some).await?;
        sum.imported += imported;
        sum.skipped += skipped;
    }
    Ok(Json(sum))
}

/// Stores some of the pairs. Those that are known are skipped, so a table that was taken in part is
/// sent again.
async fn take(
    state: &AppState,
    caller: &May<DocumentsWrite>,
    id: AssistantId,
    some: &[(Document, Vec<u8>)],
) -> ApiResult<Response> {
    let workspace = caller.workspace_id;
    let mut tx = state.db().begin().await?;
    // It may have been deleted while the table was on its way.
    let known = tx.workspace(workspace).assistants().lock(id).await?;
    known.ok_or(ApiError::NotFound("assistant"))?;
    may_queue(&mut tx, workspace).await?;
    let known = tx.workspace(workspace).knowledge().answer_hashes(id).await?;
    let mut known: HashSet<String> = known.into_iter().collect();
    let mut imported = 0;
    let mut skipped = 0;
    for (document, original) in some {
        if !known.insert(document.content_hash.clone()) {
            skipped += 1;
            continue;
        }
        tx.workspace(workspace).documents().insert(document, original).await?;
        queue(&mut tx, document, state.clock()).await?;
        imported += 1;
    }
    if imported > 0 {
        let details = json!({"imported": imported, "skipped": skipped});
        let now = state.clock().now();
        let act = caller.act(now, "answers.imported", ("assistant", id), details);
        tx.workspace(workspace).audit().append(&act).await?;
        tx.commit().await?;
    }
    Ok(Response { imported, skipped })
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

/// The pairs of a table, each within the bounds of one that is written by hand.
fn acceptable_pairs(found: Vec<(String, String)>) -> ApiResult<Vec<Pair>> {
    let refused = |message: String| Err(ApiError::field("", message));
    if found.len() > MOST {
        return refused(format!("the table has {} pairs; at most {MOST} are taken", found.len()));
    }

    for ((question, answer), number) in found.iter().zip(1..) {
        for (what, text, most) in
            [("question", question, LONGEST_QUESTION), ("answer", answer, LONGEST_ANSWER)]
        {
            if text.chars().count() > most {
                return refused(format!(
                    "the {what} of pair {number} has more than {most} characters"
                ));
            }
            if !text.contains(char::is_alphanumeric) {
                return refused(format!("the {what} of pair {number} holds no letter or digit"));
            }
        }
    }

    Ok(found.into_iter().map(|(question, answer)| Pair { question, answer }).collect())
}

#[cfg(test)]
mod tests {
    use replyx_extract::pairs;

    use super::*;

    fn table(bytes: &[u8]) -> ApiResult<Vec<Pair>> {
        let found = pairs(bytes).map_err(|why| ApiError::field("", why.to_string()))?;
        acceptable_pairs(found)
    }

    fn refused(text: &str) -> String {
        match table(text.as_bytes()) {
            Err(ApiError::Invalid(errors)) => errors[0].message.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_table_is_taken_whole_or_refused_with_the_place_that_is_wrong() {
        let good = table("question;answer\nOpen?;Yes\nCards?;All\n".as_bytes()).unwrap();
        assert_eq!(good.len(), 2);
        assert_eq!(good[1], Pair { question: "Cards?".to_owned(), answer: "All".to_owned() });
        assert!(refused("question,answer\nOpen?,Yes\nCards?,\n").contains("row 3"));
        assert!(refused("question,answer\nOpen?,...\n").contains("answer of pair 1"));
        let long = format!("question,answer\nOpen?,Yes\n{},Yes\n", "q".repeat(1_001));
        assert!(refused(&long).contains("question of pair 2"), "{}", refused(&long));
        let many =
            (0..=MOST).fold("question,answer\n".to_owned(), |all, n| all + &format!("q{n},a\n"));
        assert!(refused(&many).contains("5001 pairs"), "{}", refused(&many));
    }

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
}
