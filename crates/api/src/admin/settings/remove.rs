//! `DELETE /api/v1/admin/settings/{name}`

use axum::extract::State;
use replyx_engine::providers;
use serde_json::json;

use super::{SettingView, edition, tagged};
use crate::{
    caller::Admin,
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
    tagged::{IfMatch, Tagged},
};

/// Resets a setting to its default.
#[utoipa::path(
    delete, path = "/admin/settings/{name}", operation_id = "reset_setting", tag = "admin",
    security(("bearer" = ["admin"])), params(("name" = String, Path, example = "session_days")),
    responses(
        (status = 200, description = "the setting as it is now", body = SettingView),
        (status = 412, description = "somebody else has changed it", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.settings.remove", skip_all)]
pub async fn remove(
    State(state): State<AppState>,
    admin: Admin,
    Id(name): Id<String>,
    expected: IfMatch,
) -> ApiResult<Tagged<SettingView>> {
    let spec = super::known(&name)?;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let stored = tx.system().settings().find(spec.name).await?;
    expected.check(&edition(stored.as_deref()))?;
    let removed = tx.system().settings().remove(spec.name).await?;
    // Somebody has changed it since it was read here, a moment ago.
    if expected.is_conditional() && removed != stored {
        return Err(ApiError::PreconditionFailed);
    }

    if removed.is_some() {
        let act = admin.act(now, "setting.reset", ("setting", spec.name), json!({}));
        tx.system().audit().append(&act).await?;
        tx.commit().await?;
        state.tuning.reload(state.db()).await?;
        providers::load(&state.engine).await?;
    }
    Ok(tagged(&state, spec, None))
}
