//! `GET /api/v1/bots`

use axum::{Json, extract::State};

use super::BotView;
use crate::{
    caller::{BotsRead, May},
    error::{ApiResult, Problem},
    input::Params,
    page::{List, PageQuery},
    state::AppState,
};

/// Lists the bots, oldest first.
#[utoipa::path(
    get, path = "/bots", operation_id = "list_bots", tag = "bots",
    security(("bearer" = ["bots:read"])), params(PageQuery),
    responses(
        (status = 200, description = "a page of bots", body = List<BotView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.bots.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: May<BotsRead>,
    Params(query): Params<PageQuery>,
) -> ApiResult<Json<List<BotView>>> {
    let page = query.request()?;
    let mut tx = state.db().read().await?;
    let page = tx.workspace(caller.workspace_id).bots().list(page).await?;
    Ok(Json(List::of(page, BotView::from)))
}
