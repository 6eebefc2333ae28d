//! `GET /api/v1/admin/model-providers`

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use replyx_engine::providers::dialect_name;

use super::ModelProviderView;
use crate::{caller::Admin, error::ApiResult, page::List, state::AppState};

/// Lists the model providers by name.
#[utoipa::path(
    get, path = "/admin/model-providers", operation_id = "list_model_providers", tag = "admin",
    security(("bearer" = ["admin"])),
    responses((status = 200, description = "all providers", body = List<ModelProviderView>))
)]
#[tracing::instrument(name = "api.admin.model_providers.list", skip_all)]
pub async fn list(
    state: State<AppState>,
    _admin: Admin,
) -> ApiResult<Json<List<ModelProviderView>>> {
    let State(state) = state;
    let mut all = BTreeMap::new();
    for provider in state.engine.models.configured() {
        let view = ModelProviderView {
            name: provider.name.clone(),
            protocol: dialect_name(provider.protocol).to_owned(),
            base_url: provider.base_url.clone(),
            configured: true,
            dropped_keys: 0,
            created_at: None,
            updated_at: None,
        };
        all.insert(provider.name.clone(), view);
    }
    for provider in state.db().read().await?.system().model_keys().providers().await? {
        let configured = all.contains_key(&provider.name);
        all.insert(provider.name.clone(), ModelProviderView::added(provider, configured));
    }
    Ok(Json(List { items: all.into_values().collect(), next_cursor: None }))
}
