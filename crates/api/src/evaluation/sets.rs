//! Question sets: listed, shown, deleted.

use axum::{extract::State, http::StatusCode};
use replyx_assistants::evaluation;
use replyx_core::ids::{AssistantId, QuestionSetId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{QuestionView, SetView, edition, find_set};
use crate::{
    caller::{AssistantsRead, AssistantsWrite, Authorized},
    error::{ApiError, ApiResult, Problem},
    input::{Id, Params},
    page::{List, PageQuery},
    state::AppState,
    tagged::Tagged,
};

/// Lists the question sets of an assistant, oldest first.
#[utoipa::path(
    get, path = "/assistants/{id}/question-sets", operation_id = "list_question_sets", tag = "evaluation",
    params(("id" = uuid::Uuid, Path), PageQuery),
    responses(
        (status = 200, description = "a page of sets", body = List<SetView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.list_sets", skip_all, fields(assistant.id = %id))]
pub async fn list_sets(
    State(state): State<AppState>,
    caller: Authorized<AssistantsRead>,
    Id(id): Id<AssistantId>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<SetView>> {
    let workspace = caller.workspace_id;
    let mut tx = state.db().read().await?;
    let known = tx.workspace(workspace).assistants().find(id).await?;
    known.ok_or(ApiError::NotFound("assistant"))?;
    let page = tx.workspace(workspace).question_sets().list(id, query.request()?).await?;
    Ok(List::of(page, SetView::from))
}

/// A question set with its questions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuestionSetWithQuestions)]
pub struct Response {
    #[serde(flatten)]
    set: SetView,
    questions: Vec<QuestionView>,
}

/// Shows a question set with its questions.
#[utoipa::path(
    get, path = "/question-sets/{id}", operation_id = "read_question_set", tag = "evaluation",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the set", body = Response),
        (status = 304, description = "not modified"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such set", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.read_set", skip_all, fields(set.id = %id))]
pub async fn read_set(
    State(state): State<AppState>,
    caller: Authorized<AssistantsRead>,
    Id(id): Id<QuestionSetId>,
) -> ApiResult<Tagged<Response>> {
    let mut tx = state.db().read().await?;
    let set = find_set(&mut tx, caller.workspace_id, id).await?;
    let questions = tx.workspace(caller.workspace_id).question_sets().questions(id).await?;
    let questions = questions.into_iter().map(Into::into).collect();
    Ok(Tagged::new(edition(&set), Response { set: set.into(), questions }))
}

/// Deletes a question set with its runs.
#[utoipa::path(
    delete, path = "/question-sets/{id}", operation_id = "delete_question_set", tag = "evaluation",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "it was deleted"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such set", body = Problem),
        (status = 409, description = "`question_set_in_use`: it is the gate of its assistant", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.delete_set", skip_all, fields(set.id = %id))]
pub async fn delete_set(
    State(state): State<AppState>,
    caller: Authorized<AssistantsWrite>,
    Id(id): Id<QuestionSetId>,
) -> ApiResult<StatusCode> {
    evaluation::delete_set(state.assistants(), &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
