//! `PATCH /api/v1/assistants/{id}/answers/{answer_id}`

use axum::extract::State;
use garde::Validate;
use replyx_core::{
    ids::{AssistantId, DocumentId},
    knowledge::DocumentStatus,
    secret::sha256_hex,
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{LONGEST_ANSWER, LONGEST_QUESTION, PairView, of_assistant, tagged, target, telling};
use crate::{
    caller::{DocumentsWrite, May},
    documents::{may_queue, queue_once},
    error::{ApiResult, Problem},
    input::{Body, Ids},
    state::AppState,
    tagged::{Edition, IfMatch, Tagged},
};

/// The fields to change. Absent fields stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateAnswer)]
pub struct Request {
    /// The question, as a customer would ask it.
    #[garde(length(chars, min = 1, max = LONGEST_QUESTION), inner(custom(telling)))]
    #[schema(min_length = 1, max_length = 1_000, example = "Are you open on Sundays?")]
    question: Option<String>,
    /// The answer.
    #[garde(length(chars, min = 1, max = LONGEST_ANSWER), inner(custom(telling)))]
    #[schema(min_length = 1, max_length = 8_000, example = "Yes, from 10 to 16.")]
    answer: Option<String>,
}

/// Changes a question or its answer. Search finds the old version until the new one has been
/// indexed.
#[utoipa::path(
    patch, path = "/assistants/{id}/answers/{answer_id}", operation_id = "update_answer", tag = "answers",
    security(("bearer" = ["documents:write"])), params(("id" = uuid::Uuid, Path), ("answer_id" = uuid::Uuid, Path)),
    request_body = Request,
    responses(
        (status = 200, description = "the pair, waiting to be read", body = PairView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant or answer", body = Problem),
        (status = 409, description = "`too_many_waiting`: too many documents of the workspace wait to be read", body = Problem),
        (status = 412, description = "somebody else has changed it", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.answers.update", skip_all)]
pub async fn update(
    State(state): State<AppState>,
    caller: May<DocumentsWrite>,
    Ids(id, answer_id): Ids<AssistantId, DocumentId>,
    expected: IfMatch,
    Body(request): Body<Request>,
) -> ApiResult<Tagged<PairView>> {
    let workspace = caller.workspace_id;
    let mut tx = state.db().begin().await?;
    let found = tx.workspace(workspace).documents().lock(answer_id).await?;
    let mut document = of_assistant(found, id)?;
    let before = super::pair(&mut tx, &document).await?;
    expected.check(&Edition::of(&before))?;
    let mut pair = before.clone();
    pair.question = request.question.unwrap_or(pair.question);
    pair.answer = request.answer.unwrap_or(pair.answer);

    if pair == before {
        return Ok(tagged(document, pair));
    }

    may_queue(&mut tx, workspace).await?;
    let bytes = pair.bytes();
    document.name = pair.name();
    document.size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    document.content_hash = sha256_hex(&bytes);
    document.status = DocumentStatus::Queued;
    document.error = None;
    document.updated_at = state.clock().now();
    tx.workspace(workspace).documents().set_original(answer_id, &bytes).await?;
    tx.workspace(workspace).documents().save(&document).await?;
    queue_once(&mut tx, &document, state.clock()).await?;
    let details = json!({"name": document.name, "assistant_id": id});
    let act = caller.act(document.updated_at, "answer.updated", target(answer_id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;

    Ok(tagged(document, pair))
}
