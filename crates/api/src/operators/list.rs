//! `GET /api/v1/operators`

use axum::extract::State;

use super::OperatorView;
use crate::{
    caller::{Authorized, DialogsRead},
    error::{ApiResult, Problem},
    input::Params,
    page::{List, PageQuery},
    state::AppState,
};

/// Lists the members who may answer customers, and whether they are there.
#[utoipa::path(
    get, path = "/operators", operation_id = "list_operators", tag = "operators",
    params(PageQuery),
    responses(
        (status = 200, description = "a page of operators", body = List<OperatorView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.operators.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<OperatorView>> {
    let mut tx = state.db().read().await?;
    let page = tx.workspace(caller.workspace_id).operators().list(query.request()?).await?;
    let now = state.engine.clock.now();
    Ok(List::of(page, |listed| OperatorView::of(listed, now)))
}
