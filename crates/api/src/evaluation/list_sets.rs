//! `GET /api/v1/assistants/{id}/question-sets`

use axum::{Json, extract::State};
use replyx_core::ids::AssistantId;

use super::SetView;
use crate::{
    caller::{AssistantsRead, May},
    error::{ApiError, ApiResult, Problem},
    input::{Id, Params},
    page::{List, PageQuery},
    state::AppState,
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
    caller: May<AssistantsRead>,
    Id(id): Id<AssistantId>,
    Params(query): Params<PageQuery>,
) -> ApiResult<Json<List<SetView>>> {
    let workspace = caller.workspace_id;
    let mut tx = state.db().read().await?;
    let known = tx.workspace(workspace).assistants().find(id).await?;
    known.ok_or(ApiError::NotFound("assistant"))?;
    let page = tx.workspace(workspace).question_sets().list(id, query.request()?).await?;
    Ok(Json(List::of(page, SetView::from)))
}
