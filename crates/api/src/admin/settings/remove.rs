//! `DELETE /api/v1/admin/settings/{name}`

use axum::{Json, extract::State};
use replyx_engine::providers;
use serde_json::json;

use super::SettingView;
use crate::{caller::Admin, error::ApiResult, input::Id, state::AppState};

/// Goes back to a setting's default.
#[utoipa::path(
    delete, path = "/admin/settings/{name}", operation_id = "reset_setting", tag = "admin",
    security(("bearer" = ["admin"])), params(("name" = String, Path, example = "session_days")),
    responses((status = 200, description = "the setting as it is now", body = SettingView))
)]
#[tracing::instrument(name = "api.admin.settings.remove", skip_all)]
pub async fn remove(
    state: State<AppState>,
    admin: Admin,
    name: Id<String>,
) -> ApiResult<Json<SettingView>> {
    let (State(state), Id(name)) = (state, name);
    let spec = super::known(&name)?;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    if tx.system().settings().remove(spec.name).await? {
        let act = admin.act(now, "setting.reset", ("setting", spec.name), json!({}));
        tx.system().audit().append(&act).await?;
        tx.commit().await?;
        state.tuning.reload(state.db()).await?;
        providers::load(&state.engine).await?;
    }
    Ok(Json(SettingView::of(&state, spec, None)))
}
