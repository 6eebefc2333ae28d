//! `GET /api/v1/assistants/{id}/answers`

use axum::{Json, extract::State};
use replyx_assistants::answers::Pair;
use replyx_core::ids::{AssistantId, DocumentId};
use replyx_storage::documents::DocumentFilter;

use super::PairView;
use crate::{
    caller::{DocumentsRead, May},
    error::{ApiError, ApiResult, Problem},
    input::{Id, Params},
    page::{List, PageQuery},
    state::AppState,
};

/// Lists the questions and answers of an assistant, oldest first.
#[utoipa::path(
    get, path = "/assistants/{id}/answers", operation_id = "list_answers", tag = "answers",
    params(("id" = uuid::Uuid, Path), PageQuery),
    responses(
        (status = 200, description = "a page of pairs", body = List<PairView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
    )
)]
#[tracing::instrument(name = "api.answers.list", skip_all, fields(assistant.id = %id))]
pub async fn list(
    State(state): State<AppState>,
    caller: May<DocumentsRead>,
    Id(id): Id<AssistantId>,
    Params(query): Params<PageQuery>,
) -> ApiResult<Json<List<PairView>>> {
    let page = query.request::<DocumentId>()?;
    let workspace = caller.workspace_id;
    let mut tx = state.db().read().await?;
    let known = tx.workspace(workspace).assistants().find(id).await?;
    known.ok_or(ApiError::NotFound("assistant"))?;
    let filter = DocumentFilter { assistant: Some(id), answers: true, ..DocumentFilter::default() };
    let page = tx.workspace(workspace).documents().list_with_originals(filter, page).await?;
    let next_cursor = page.next.map(|cursor| cursor.to_string());
    let views = page.items.into_iter().map(|(document, original)| {
        let pair = Pair::parse(&original)?;
        Ok(PairView::of(document, pair))
    });
    let items = views.collect::<ApiResult<Vec<_>>>()?;

    Ok(Json(List { items, next_cursor }))
}
