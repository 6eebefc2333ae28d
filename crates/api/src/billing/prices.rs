//! `GET /api/v1/prices`

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use replyx_billing::account;
use replyx_core::ledger::{PriceList, PriceVersion, TokenPrice};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    caller::{Authorized, BillingRead},
    error::ApiResult,
    state::AppState,
};

/// What is charged. Amounts are decimal numbers in the currency of the installation.
#[derive(Debug, Serialize, ToSchema)]
pub struct PricesView {
    /// Their number.
    #[schema(example = 1)]
    version: i64,
    /// From when on they count.
    in_force_from: DateTime<Utc>,
    /// An answer in a channel that has no price of its own.
    #[schema(example = "0.05")]
    answer: String,
    /// An answer by the kind of channel.
    #[schema(example = json!({"api": "0.02"}))]
    answer_by_channel: BTreeMap<String, String>,
    /// A document that is read for the first time.
    #[schema(example = "0.05")]
    document: String,
    /// 1,000 tokens by model.
    tokens: BTreeMap<String, TokenPriceView>,
    /// What is added to the provider's charge for a model that is not among `tokens`, per cent.
    #[schema(example = 20)]
    margin_percent: u32,
    /// Answers that cost nothing, per workspace and month (UTC).
    #[schema(example = 0)]
    free_answers: u32,
    /// Documents that cost nothing, per workspace and month (UTC).
    #[schema(example = 0)]
    free_documents: u32,
}

/// What 1,000 tokens of a model cost, decimal numbers.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenPriceView {
    /// Tokens that it reads.
    #[schema(example = "0.0003")]
    prompt: String,
    /// Tokens that it writes.
    #[schema(example = "0.0012")]
    completion: String,
}

impl From<PriceVersion> for PricesView {
    fn from(version: PriceVersion) -> Self {
        let PriceList {
            answer,
            answer_by_channel,
            document,
            tokens,
            margin_percent,
            free_answers,
            free_documents,
        } = version.prices;
        let of_tokens = |price: TokenPrice| TokenPriceView {
            prompt: price.prompt.to_string(),
            completion: price.completion.to_string(),
        };

        Self {
            version: version.version,
            in_force_from: version.in_force_from,
            answer: answer.to_string(),
            answer_by_channel: answer_by_channel
                .into_iter()
                .map(|(channel, price)| (channel, price.to_string()))
                .collect(),
            document: document.to_string(),
            tokens: tokens.into_iter().map(|(model, price)| (model, of_tokens(price))).collect(),
            margin_percent,
            free_answers,
            free_documents,
        }
    }
}

/// The prices.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Prices)]
pub struct Response {
    /// `on`, or `off`: nobody pays in this installation, and there are no prices.
    #[schema(example = "on")]
    billing: &'static str,
    /// The currency.
    #[schema(example = "USD")]
    currency: String,
    /// The prices that are in force, and those that will be, in the order of their moments.
    items: Vec<PricesView>,
}

/// Shows what is charged, now and from later moments on.
#[utoipa::path(
    get, path = "/prices", operation_id = "list_prices", tag = "billing",
    responses((status = 200, description = "the prices", body = Response))
)]
#[tracing::instrument(name = "api.billing.prices", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    _caller: Authorized<BillingRead>,
) -> ApiResult<Json<Response>> {
    let settings = &state.billing.settings;
    let items = account::prices(&state.billing).await?;
    Ok(Json(Response {
        billing: settings.mode.as_str(),
        currency: settings.currency.clone(),
        items: items.into_iter().map(PricesView::from).collect(),
    }))
}
