//! `GET /api/v1/admin/model-keys`

use axum::{Json, extract::State};

use super::{ModelKeyView, Usage};
use crate::{caller::Admin, error::ApiResult, page::List, state::AppState};

/// Lists the model keys added through the API, by provider and priority, with their use.
#[utoipa::path(
    get, path = "/admin/model-keys", operation_id = "list_model_keys", tag = "admin",
    security(("bearer" = ["admin"])),
    responses((status = 200, description = "all keys, without their secrets", body = List<ModelKeyView>))
)]
#[tracing::instrument(name = "api.admin.model_keys.list", skip_all)]
pub async fn list(state: State<AppState>, _admin: Admin) -> ApiResult<Json<List<ModelKeyView>>> {
    let State(state) = state;
    let today = state.clock().now().date_naive();
    let mut tx = state.db().read().await?;
    let keys = tx.system().model_keys().list().await?;
    let usage = Usage::read(&mut tx, today).await?;
    let items = keys.into_iter().map(|key| ModelKeyView::of(key, &usage)).collect();
    Ok(Json(List { items, next_cursor: None }))
}
