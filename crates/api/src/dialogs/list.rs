//! `GET /api/v1/dialogs`

use axum::extract::State;

use super::DialogView;
use crate::{
    caller::{DialogsRead, May},
    error::{ApiResult, Problem},
    input::Params,
    page::{List, PageQuery},
    state::AppState,
};

/// Lists the dialogs, newest first.
#[utoipa::path(
    get, path = "/dialogs", operation_id = "list_dialogs", tag = "dialogs",
    params(PageQuery),
    responses(
        (status = 200, description = "a page of dialogs", body = List<DialogView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: May<DialogsRead>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<DialogView>> {
    let page = query.request()?;
    let mut tx = state.db().read().await?;
    let page = tx.workspace(caller.workspace_id).dialogs().list(page).await?;
    Ok(List::of(page, DialogView::from))
}
