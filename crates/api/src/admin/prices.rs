//! `/api/v1/admin/prices` and `/api/v1/admin/dollar-rates`: what is charged, and what a dollar is
//! worth. Versions are only ever added.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use replyx_billing::admin;
use replyx_core::{
    channel::ChannelKind,
    ledger::{Account, PriceList, RateVersion, TokenPrice},
    setting::is_model_name,
};
use replyx_storage::ledger::Day;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    billing::{self, prices::PricesView},
    caller::Admin,
    error::{ApiError, ApiResult, Problem},
    input::{Body, Params},
    page::List,
    state::AppState,
};

/// At most so many models have a price of their own.
const MODELS: usize = 200;
/// The longest time that is reported at once, days.
const LONGEST: i64 = 366;

/// New prices. Amounts are decimal numbers in the currency of the installation.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetPrices)]
pub struct PricesRequest {
    /// From when on they count; at once unless given. Not in the past.
    #[garde(skip)]
    in_force_from: Option<DateTime<Utc>>,
    /// An answer in a channel that has no price of its own.
    #[garde(custom(billing::amount))]
    #[schema(pattern = "^[0-9]{1,9}([.][0-9]{1,6})?$", example = "0.05")]
    answer: String,
    /// An answer by the kind of channel.
    #[serde(default)]
    #[garde(custom(channels))]
    #[schema(example = json!({"api": "0.02"}))]
    answer_by_channel: BTreeMap<String, String>,
    /// A document that is read for the first time.
    #[garde(custom(billing::amount))]
    #[schema(pattern = "^[0-9]{1,9}([.][0-9]{1,6})?$", example = "0.05")]
    document: String,
    /// 1,000 tokens by model.
    #[serde(default)]
    #[garde(custom(models))]
    tokens: BTreeMap<String, TokenPriceRequest>,
    /// What is added to the provider's charge for a model that is not among `tokens`, per cent; 0
    /// by default.
    #[serde(default)]
    #[garde(range(max = 10_000))]
    #[schema(maximum = 10_000, example = 20)]
    margin_percent: u32,
    /// Answers that cost nothing, per workspace and month (UTC); 0 by default.
    #[serde(default)]
    #[garde(range(max = 1_000_000))]
    #[schema(maximum = 1_000_000, example = 0)]
    free_answers: u32,
    /// Documents that cost nothing, per workspace and month (UTC); 0 by default.
    #[serde(default)]
    #[garde(range(max = 1_000_000))]
    #[schema(maximum = 1_000_000, example = 0)]
    free_documents: u32,
}

/// What 1,000 tokens of a model cost, decimal numbers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetTokenPrice)]
pub struct TokenPriceRequest {
    /// Tokens that it reads.
    #[schema(pattern = "^[0-9]{1,9}([.][0-9]{1,6})?$", example = "0.0003")]
    prompt: String,
    /// Tokens that it writes.
    #[schema(pattern = "^[0-9]{1,9}([.][0-9]{1,6})?$", example = "0.0012")]
    completion: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn channels(prices: &BTreeMap<String, String>, context: &()) -> garde::Result {
    for (channel, price) in prices {
        if channel.parse::<ChannelKind>().is_err() {
            return Err(garde::Error::new(format!("`{channel}` is not a kind of channel")));
        }
        billing::amount(price, context)?;
    }
    Ok(())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn models(prices: &BTreeMap<String, TokenPriceRequest>, context: &()) -> garde::Result {
    if prices.len() > MODELS {
        return Err(garde::Error::new(format!("must be at most {MODELS} models")));
    }
    for (model, price) in prices {
        if !is_model_name(model) {
            return Err(garde::Error::new(
                "a name of a model is 1 to 100 visible ASCII characters",
            ));
        }
        billing::amount(&price.prompt, context)?;
        billing::amount(&price.completion, context)?;
    }
    Ok(())
}

impl PricesRequest {
    fn prices(&self) -> PriceList {
        let of_tokens = |price: &TokenPriceRequest| TokenPrice {
            prompt: billing::read(&price.prompt),
            completion: billing::read(&price.completion),
        };
        let by_channel = self.answer_by_channel.iter();
        let tokens = self.tokens.iter();
        PriceList {
            answer: billing::read(&self.answer),
            answer_by_channel: by_channel
                .map(|(channel, price)| (channel.clone(), billing::read(price)))
                .collect(),
            document: billing::read(&self.document),
            tokens: tokens.map(|(model, price)| (model.clone(), of_tokens(price))).collect(),
            margin_percent: self.margin_percent,
            free_answers: self.free_answers,
            free_documents: self.free_documents,
        }
    }
}

/// Lists all versions of the prices, the oldest first.
#[utoipa::path(
    get, path = "/admin/prices", operation_id = "list_all_prices", tag = "admin",
    responses((status = 200, description = "the versions", body = List<PricesView>))
)]
#[tracing::instrument(name = "api.admin.prices.list", skip_all)]
pub async fn list(State(state): State<AppState>, admin: Admin) -> ApiResult<List<PricesView>> {
    let versions = admin::prices(&state.billing, &admin).await?;
    let items = versions.into_iter().map(PricesView::from).collect();
    Ok(List { items, next_cursor: None })
}

/// Sets the prices from a moment on. Work that is under way keeps the prices with which it began.
#[utoipa::path(
    post, path = "/admin/prices", operation_id = "set_prices", tag = "admin",
    request_body = PricesRequest,
    responses(
        (status = 200, description = "the new version", body = PricesView),
        (status = 409, description = "`billing_off`, or `set_by_another`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.prices.set", skip_all)]
pub async fn set(
    State(state): State<AppState>,
    admin: Admin,
    Body(request): Body<PricesRequest>,
) -> ApiResult<Json<PricesView>> {
    let prices = request.prices();
    let set = admin::set_prices(&state.billing, &admin, &prices, request.in_force_from).await?;
    Ok(Json(set.into()))
}

/// What a US dollar is worth.
#[derive(Debug, Serialize, ToSchema)]
pub struct DollarRateView {
    /// Its number.
    #[schema(example = 1)]
    version: i64,
    /// From when on it counts.
    in_force_from: DateTime<Utc>,
    /// In the currency of the installation, a decimal number.
    #[schema(example = "90.50")]
    rate: String,
    /// Who set it.
    #[schema(example = "root@example.org")]
    set_by: String,
}

impl From<RateVersion> for DollarRateView {
    fn from(rate: RateVersion) -> Self {
        Self {
            version: rate.version,
            in_force_from: rate.in_force_from,
            rate: rate.rate.to_string(),
            set_by: rate.set_by,
        }
    }
}

/// A new rate.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetDollarRate)]
pub struct RateRequest {
    /// What a US dollar is worth in the currency of the installation, a decimal number.
    #[garde(custom(billing::amount))]
    #[schema(pattern = "^[0-9]{1,9}([.][0-9]{1,6})?$", example = "90.50")]
    rate: String,
    /// From when on it counts; at once unless given. Not in the past.
    #[garde(skip)]
    in_force_from: Option<DateTime<Utc>>,
}

/// Lists all rates of the dollar, the oldest first.
#[utoipa::path(
    get, path = "/admin/dollar-rates", operation_id = "list_dollar_rates", tag = "admin",
    responses((status = 200, description = "the rates", body = List<DollarRateView>))
)]
#[tracing::instrument(name = "api.admin.prices.list_rates", skip_all)]
pub async fn list_rates(
    State(state): State<AppState>,
    admin: Admin,
) -> ApiResult<List<DollarRateView>> {
    let rates = admin::dollar_rates(&state.billing, &admin).await?;
    let items = rates.into_iter().map(DollarRateView::from).collect();
    Ok(List { items, next_cursor: None })
}

/// Sets what a dollar is worth from a moment on.
#[utoipa::path(
    post, path = "/admin/dollar-rates", operation_id = "set_dollar_rate", tag = "admin",
    request_body = RateRequest,
    responses(
        (status = 200, description = "the new rate", body = DollarRateView),
        (status = 409, description = "`billing_off`, or `set_by_another`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.prices.set_rate", skip_all)]
pub async fn set_rate(
    State(state): State<AppState>,
    admin: Admin,
    Body(request): Body<RateRequest>,
) -> ApiResult<Json<DollarRateView>> {
    let rate = billing::read(&request.rate);
    let set = admin::set_dollar_rate(&state.billing, &admin, rate, request.in_force_from).await?;
    Ok(Json(set.into()))
}

/// Of what time.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TotalsQuery {
    /// The first day, UTC.
    #[param(example = "2026-03-01")]
    from: NaiveDate,
    /// The last day, UTC, at most 366 days later.
    #[param(example = "2026-03-31")]
    to: NaiveDate,
}

/// What an account gained and lost on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerDayView {
    /// The account.
    #[schema(example = "revenue")]
    account: Account,
    /// The day, UTC.
    #[schema(example = "2026-03-14")]
    day: NaiveDate,
    /// Money, a decimal number; negative when it lost more than it gained.
    #[schema(example = "12.50")]
    amount: String,
    /// Answers of trials.
    #[schema(example = 0)]
    answers: i64,
}

impl From<Day> for LedgerDayView {
    fn from(day: Day) -> Self {
        Self {
            account: day.account,
            day: day.day,
            amount: day.amount.to_string(),
            answers: day.answers,
        }
    }
}

/// Reports what the accounts of all workspaces and of the installation gained and lost, by account
/// and day: `revenue` is what was paid and spent, `bonus_spent` what was given and spent. The sum
/// of all accounts is zero. Entries are counted within some minutes.
#[utoipa::path(
    get, path = "/admin/ledger", operation_id = "read_ledger", tag = "admin",
    params(TotalsQuery),
    responses(
        (status = 200, description = "the sums", body = List<LedgerDayView>),
        (status = 422, description = "the days are too many, or in the wrong order", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.prices.ledger", skip_all)]
pub async fn ledger(
    State(state): State<AppState>,
    admin: Admin,
    Params(query): Params<TotalsQuery>,
) -> ApiResult<List<LedgerDayView>> {
    let length = query.to.signed_duration_since(query.from).num_days();
    if !(0..=LONGEST).contains(&length) {
        return Err(ApiError::field("to", "must be 0 to 366 days after `from`"));
    }
    let days = admin::totals(&state.billing, &admin, query.from, query.to).await?;
    let items = days.into_iter().map(LedgerDayView::from).collect();
    Ok(List { items, next_cursor: None })
}
