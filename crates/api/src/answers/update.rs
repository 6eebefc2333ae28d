//! `PATCH /api/v1/assistants/{id}/answers/{answer_id}`

use axum::extract::State;
use garde::Validate;
use replyx_assistants::answers::{self, LONGEST_ANSWER, LONGEST_QUESTION, Pair, PairChange};
use replyx_core::ids::{AssistantId, DocumentId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{PairView, edition, tagged, telling};
use crate::{
    caller::{Authorized, DocumentsWrite},
    error::{ApiResult, Problem},
    input::{Body, Ids},
    state::AppState,
    tagged::{IfMatch, Tagged},
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
    params(("id" = uuid::Uuid, Path), ("answer_id" = uuid::Uuid, Path)),
    request_body = Request,
    responses(
        (status = 200, description = "the pair, waiting to be read", body = PairView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant or answer", body = Problem),
        (status = 409, description = "`too_many_waiting`: too many documents of the workspace wait to be read", body = Problem),
        (status = 412, description = "it was changed in the meantime", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.answers.update", skip_all)]
pub async fn update(
    State(state): State<AppState>,
    caller: Authorized<DocumentsWrite>,
    Ids(id, answer_id): Ids<AssistantId, DocumentId>,
    expected: IfMatch,
    Body(request): Body<Request>,
) -> ApiResult<Tagged<PairView>> {
    let change = PairChange { question: request.question, answer: request.answer };
    let is_as_read = |found: &Pair| expected.check(&edition(found)).is_ok();
    let (document, pair) =
        answers::update(state.assistants(), &caller, id, answer_id, change, is_as_read).await?;
    Ok(tagged(document, pair))
}
