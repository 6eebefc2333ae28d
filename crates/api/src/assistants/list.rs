//! `GET /api/v1/assistants`

use axum::{Json, extract::State};

use super::AssistantView;
use crate::{
    caller::{AssistantsRead, May},
    error::{ApiResult, Problem},
    input::Params,
    page::{List, PageQuery},
    state::AppState,
};

/// Lists the assistants, oldest first.
#[utoipa::path(
    get, path = "/assistants", operation_id = "list_assistants", tag = "assistants",
    params(PageQuery),
    responses(
        (status = 200, description = "a page of assistants", body = List<AssistantView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: May<AssistantsRead>,
    Params(query): Params<PageQuery>,
) -> ApiResult<Json<List<AssistantView>>> {
    let mut tx = state.db().read().await?;
    let page = tx.workspace(caller.workspace_id).assistants().list(query.request()?).await?;
    Ok(Json(List::of(page, AssistantView::from)))
}
