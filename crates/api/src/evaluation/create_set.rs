//! `POST /api/v1/assistants/{id}/question-sets`

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use replyx_assistants::evaluation;
use replyx_core::{evaluation::Question, ids::AssistantId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{QuestionView, SetView, tagged};
use crate::{
    caller::{AssistantsWrite, Authorized},
    error::{ApiResult, Problem},
    input::{Body, Id},
    location::Location,
    state::AppState,
    tagged::Tagged,
};

/// A new question set.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateQuestionSet)]
pub struct Request {
    /// Its display name.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "Returns and delivery")]
    name: String,
    /// 1 to 2,000 questions, in a body of at most 256 KiB.
    #[garde(skip)]
    #[schema(min_items = 1, max_items = 2_000)]
    questions: Vec<QuestionView>,
}

/// Creates a question set for an assistant.
#[utoipa::path(
    post, path = "/assistants/{id}/question-sets", operation_id = "create_question_set", tag = "evaluation",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 201, description = "the set", body = SetView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 409, description = "`too_many_question_sets`", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.create_set", skip_all, fields(assistant.id = %id))]
pub async fn create_set(
    State(state): State<AppState>,
    caller: Authorized<AssistantsWrite>,
    Id(id): Id<AssistantId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Location, Tagged<SetView>)> {
    let questions: Vec<Question> = request.questions.into_iter().map(Into::into).collect();
    let set =
        evaluation::create_set(state.assistants(), &caller, id, &request.name, &questions).await?;

    let location = Location(format!("/api/v1/question-sets/{}", set.id));
    Ok((StatusCode::CREATED, location, tagged(set)))
}
