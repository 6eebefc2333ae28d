//! `GET /api/v1/sources`

use axum::{Json, extract::State};
use serde::Deserialize;
use uuid::Uuid;

use super::SourceView;
use crate::{
    caller::{DocumentsRead, May},
    error::{ApiResult, Problem},
    input::Params,
    page::{List, PageQuery},
    state::AppState,
};

/// Which sources.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only this assistant's; all assistants by default.
    assistant_id: Option<Uuid>,
    // Not a flattened `PageQuery`: its numbers could not be read from a query.
    /// The maximum number of items: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Lists the sources, oldest first.
#[utoipa::path(
    get, path = "/sources", operation_id = "list_sources", tag = "sources",
    params(Query),
    responses(
        (status = 200, description = "a page of sources", body = List<SourceView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.sources.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: May<DocumentsRead>,
    Params(query): Params<Query>,
) -> ApiResult<Json<List<SourceView>>> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request()?;
    let assistant = query.assistant_id.map(Into::into);
    let mut tx = state.db().read().await?;
    let page = tx.workspace(caller.workspace_id).sources().list(assistant, page).await?;
    Ok(Json(List::of(page, SourceView::from)))
}
