//! `PATCH /api/v1/question-sets/{id}`

use axum::extract::State;
use garde::Validate;
use replyx_assistants::evaluation::{self, SetChange};
use replyx_core::{evaluation::QuestionSet, ids::QuestionSetId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{QuestionView, SetView, edition, tagged};
use crate::{
    caller::{AssistantsWrite, Authorized},
    error::{ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
    tagged::{IfMatch, Tagged},
};

/// The fields to change. Absent fields stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateQuestionSet)]
pub struct Request {
    /// Its display name.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "Returns and delivery")]
    name: Option<String>,
    /// All questions: 1 to 2,000. They replace the current ones.
    #[garde(skip)]
    #[schema(min_items = 1, max_items = 2_000)]
    questions: Option<Vec<QuestionView>>,
}

/// Changes a question set. Earlier runs do not change.
#[utoipa::path(
    patch, path = "/question-sets/{id}", operation_id = "update_question_set", tag = "evaluation",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the set as it is now", body = SetView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such set", body = Problem),
        (status = 412, description = "it was changed in the meantime", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.update_set", skip_all, fields(set.id = %id))]
pub async fn update_set(
    State(state): State<AppState>,
    caller: Authorized<AssistantsWrite>,
    Id(id): Id<QuestionSetId>,
    expected: IfMatch,
    Body(request): Body<Request>,
) -> ApiResult<Tagged<SetView>> {
    let change = SetChange {
        name: request.name,
        questions: request.questions.map(|all| all.into_iter().map(Into::into).collect()),
    };
    let is_as_read = |found: &QuestionSet| expected.check(&edition(found)).is_ok();
    let set = evaluation::update_set(state.assistants(), &caller, id, &change, is_as_read).await?;
    Ok(tagged(set))
}
