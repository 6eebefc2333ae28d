//! `PATCH /api/v1/question-sets/{id}`

use axum::extract::State;
use chrono::TimeDelta;
use garde::Validate;
use replyx_core::ids::QuestionSetId;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{QuestionView, SetView, edition, questions};
use crate::{
    caller::{AssistantsWrite, May},
    error::{ApiError, ApiResult, Problem},
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
    security(("bearer" = ["assistants:write"])), params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the set as it is now", body = SetView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such set", body = Problem),
        (status = 412, description = "somebody else has changed it", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.evaluation.update_set", skip_all, fields(set.id = %id))]
pub async fn update_set(
    State(state): State<AppState>,
    caller: May<AssistantsWrite>,
    Id(id): Id<QuestionSetId>,
    expected: IfMatch,
    Body(request): Body<Request>,
) -> ApiResult<Tagged<SetView>> {
    let questions = request.questions.map(questions).transpose()?;
    let workspace = caller.workspace_id;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let found = tx.workspace(workspace).question_sets().lock(id).await?;
    let mut set = found.ok_or(ApiError::NotFound("question set"))?;
    expected.check(&edition(&set))?;
    set.name = request.name.unwrap_or(set.name);
    if let Some(questions) = &questions {
        set.size = i64::try_from(questions.len()).unwrap_or(i64::MAX);
    }
    // Whatever the clock of this process says, it is another edition.
    set.updated_at = now.max(set.updated_at + TimeDelta::microseconds(1));
    if !tx.workspace(workspace).question_sets().save(&set, questions.as_deref()).await? {
        return Err(ApiError::NotFound("question set"));
    }
    let details = json!({"name": set.name, "size": set.size});
    let act = caller.act(now, "question_set.updated", ("question_set", id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    Ok(Tagged::new(edition(&set), set.into()))
}
