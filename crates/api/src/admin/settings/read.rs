//! `GET /api/v1/admin/settings/{name}`

use axum::extract::State;

use super::{SettingView, tagged};
use crate::{caller::Admin, error::ApiResult, input::Id, state::AppState, tagged::Tagged};

/// Shows a setting with its current value.
#[utoipa::path(
    get, path = "/admin/settings/{name}", operation_id = "read_setting", tag = "admin",
    security(("bearer" = ["admin"])), params(("name" = String, Path, example = "session_days")),
    responses(
        (status = 200, description = "the setting", body = SettingView),
        (status = 304, description = "not modified"),
    )
)]
#[tracing::instrument(name = "api.admin.settings.read", skip_all)]
pub async fn read(
    State(state): State<AppState>,
    _admin: Admin,
    Id(name): Id<String>,
) -> ApiResult<Tagged<SettingView>> {
    let spec = super::known(&name)?;
    let stored = state.db().read().await?.system().settings().find(spec.name).await?;

    Ok(tagged(&state, spec, stored))
}
