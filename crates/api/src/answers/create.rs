//! `POST /api/v1/assistants/{id}/answers`

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use replyx_assistants::answers::{self, Added, LONGEST_ANSWER, LONGEST_QUESTION, Pair};
use replyx_core::ids::AssistantId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{PairView, tagged, telling};
use crate::{
    caller::{Authorized, DocumentsWrite},
    error::{ApiResult, Problem},
    input::{Body, Id},
    location::Location,
    state::AppState,
    tagged::Tagged,
};

/// A question and its answer.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateAnswer)]
pub struct Request {
    /// The question, as a customer would ask it.
    #[garde(length(chars, min = 1, max = LONGEST_QUESTION), custom(telling))]
    #[schema(min_length = 1, max_length = 1_000, example = "Are you open on Sundays?")]
    question: String,
    /// The answer; the assistant phrases it to fit the conversation.
    #[garde(length(chars, min = 1, max = LONGEST_ANSWER), custom(telling))]
    #[schema(min_length = 1, max_length = 8_000, example = "Yes, from 10 to 16.")]
    answer: String,
}

/// Creates an answer: a question with its answer. Search finds it once its status is `ready`. If
/// the same pair exists, that one is returned.
#[utoipa::path(
    post, path = "/assistants/{id}/answers", operation_id = "create_answer", tag = "answers",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the pair was there already", body = PairView),
        (status = 201, description = "the pair, waiting to be read", body = PairView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 409, description = "`too_many_waiting`: too many documents of the workspace wait to be read", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.answers.create", skip_all, fields(assistant.id = %id))]
pub async fn create(
    State(state): State<AppState>,
    caller: Authorized<DocumentsWrite>,
    Id(id): Id<AssistantId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Location, Tagged<PairView>)> {
    let pair = Pair { question: request.question, answer: request.answer };
    let (status, document) = match answers::create(state.assistants(), &caller, id, &pair).await? {
        Added::Known(document) => (StatusCode::OK, document),
        Added::New(document) => (StatusCode::CREATED, document),
    };

    let location = Location(format!("/api/v1/assistants/{id}/answers/{}", document.id));
    Ok((status, location, tagged(document, pair)))
}
