//! `GET /api/v1/admin/settings`

use std::collections::HashMap;

use axum::{Json, extract::State};
use replyx_core::setting::SETTINGS;

use super::SettingView;
use crate::{caller::Admin, error::ApiResult, page::List, state::AppState};

/// Lists all settings with their current values.
#[utoipa::path(
    get, path = "/admin/settings", operation_id = "list_settings", tag = "admin",
    security(("bearer" = ["admin"])),
    responses((status = 200, description = "all settings", body = List<SettingView>))
)]
#[tracing::instrument(name = "api.admin.settings.list", skip_all)]
pub async fn list(state: State<AppState>, _admin: Admin) -> ApiResult<Json<List<SettingView>>> {
    let State(state) = state;
    let stored = state.db().read().await?.system().settings().all().await?;
    let mut stored: HashMap<String, String> = stored.into_iter().collect();
    let items = SETTINGS.iter().map(|spec| SettingView::of(&state, spec, stored.remove(spec.name)));
    Ok(Json(List { items: items.collect(), next_cursor: None }))
}
