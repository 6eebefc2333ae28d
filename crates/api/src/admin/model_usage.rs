//! `GET /api/v1/admin/model-usage`

use axum::extract::State;
use chrono::{Datelike, NaiveDate};
use replyx_storage::model_calls::ModelUsage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::Admin,
    error::{ApiError, ApiResult, Problem},
    input::Params,
    page::List,
    state::AppState,
    usage::TotalsView,
};

/// At most so many rows are reported.
const ROWS: u32 = 10_000;

/// Of what time.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// The first day, UTC; the first of this month unless given.
    #[param(example = "2026-03-01")]
    from: Option<NaiveDate>,
    /// The last day, UTC; today unless given.
    #[param(example = "2026-03-14")]
    to: Option<NaiveDate>,
}

/// What a model was used for in the whole installation, by one key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelUsage)]
pub struct ModelUsageView {
    /// The key, where its id is known.
    key_id: Option<Uuid>,
    /// The provider's name.
    #[schema(example = "openai")]
    provider: String,
    /// The model's name.
    #[schema(example = "gpt-4o-mini")]
    model: String,
    #[serde(flatten)]
    totals: TotalsView,
    /// How many of the calls had no price: they are not in `cost`.
    #[schema(example = 0)]
    unpriced_calls: i64,
    /// How many of the calls were under way when their process died: they are in `cost` with the
    /// most they may have cost.
    #[schema(example = 0)]
    lost_calls: i64,
}

impl From<ModelUsage> for ModelUsageView {
    fn from(usage: ModelUsage) -> Self {
        Self {
            key_id: usage.key_id,
            provider: usage.provider,
            model: usage.model,
            totals: usage.totals.into(),
            unpriced_calls: usage.unpriced,
            lost_calls: usage.lost,
        }
    }
}

/// Reports model use in all workspaces, including deleted ones, by provider, model and key.
#[utoipa::path(
    get, path = "/admin/model-usage", operation_id = "read_model_usage", tag = "admin",
    params(Query),
    responses(
        (status = 200, description = "what was used", body = List<ModelUsageView>),
        (status = 422, description = "the time ends before it begins", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.model_usage.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    _admin: Admin,
    Params(query): Params<Query>,
) -> ApiResult<List<ModelUsageView>> {
    let to = query.to.unwrap_or_else(|| state.clock().now().date_naive());
    let from = query.from.unwrap_or_else(|| to.with_day(1).unwrap_or(to));
    // The database compares days as texts of four digits, two and two.
    if !(1..=9999).contains(&from.year()) || !(1..=9999).contains(&to.year()) {
        return Err(ApiError::field("from", "must be a day of the years 1 to 9999"));
    }
    if to < from {
        return Err(ApiError::field("to", "must not be before `from`"));
    }
    let mut tx = state.db().read().await?;
    let usage = tx.system().model_calls().by_model(from, to, ROWS).await?;
    let items = usage.into_iter().map(ModelUsageView::from).collect();
    Ok(List { items, next_cursor: None })
}
