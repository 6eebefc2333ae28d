//! `GET /api/v1/balance`

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use replyx_billing::{
    account::{self, Account},
    trial::{Trial, TrialStatus},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    caller::{Authorized, BillingRead},
    error::ApiResult,
    state::AppState,
};

/// What a workspace has. Amounts are decimal numbers in its currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct BalanceView {
    /// `on`, or `off`: nobody pays in this installation, and all amounts are zero.
    #[schema(example = "on")]
    billing: &'static str,
    /// The currency.
    #[schema(example = "USD")]
    currency: String,
    /// All money, also what is set aside.
    #[schema(example = "12.50")]
    balance: String,
    /// Money that is set aside for work that is under way.
    #[schema(example = "0.05")]
    held: String,
    /// Money that can be spent: `bonus` and `paid`.
    #[schema(example = "12.45")]
    available: String,
    /// Of it, money that was given. It is spent first and never paid out.
    #[schema(example = "2.45")]
    bonus: String,
    /// Of it, money that was paid.
    #[schema(example = "10.00")]
    paid: String,
    /// Answers of the trial that are left.
    #[schema(example = 0)]
    trial_answers: i64,
    /// The trial; `null`: there is none.
    trial: Option<TrialView>,
    /// For how many answers of the usual price the money is enough; `null`: answers cost nothing.
    #[schema(example = 249)]
    answers_left: Option<i64>,
    /// For how many days the money is enough, spent as on the 14 days before; `null`: nothing was
    /// spent.
    #[schema(example = 12)]
    days_left: Option<i64>,
    /// Whether `answers_left`, with the trial, is fewer than the setting `low_balance_answers`.
    #[schema(example = false)]
    low_balance: bool,
}

/// The trial of a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialView {
    /// `running`; `expired`: its time is over; `spent`: its answers are used up; `too_costly`:
    /// models have cost as much as they may.
    #[schema(example = "running")]
    status: &'static str,
    /// When it began.
    started_at: DateTime<Utc>,
    /// When it ends at the latest.
    ends_at: DateTime<Utc>,
    /// The answers that it has in all.
    #[schema(example = 50)]
    answers: i64,
    /// Of them, those that are left.
    #[schema(example = 42)]
    answers_left: i64,
}

impl From<(Trial, TrialStatus)> for TrialView {
    fn from((trial, status): (Trial, TrialStatus)) -> Self {
        Self {
            status: status.as_str(),
            started_at: trial.started_at,
            ends_at: trial.ends_at,
            answers: trial.answers,
            answers_left: trial.answers_left,
        }
    }
}

impl From<Account> for BalanceView {
    fn from(account: Account) -> Self {
        let funds = account.funds;
        Self {
            billing: account.mode.as_str(),
            currency: account.currency,
            balance: funds.total().to_string(),
            held: funds.held.to_string(),
            available: funds.available().to_string(),
            bonus: funds.bonus.to_string(),
            paid: funds.paid.to_string(),
            trial_answers: funds.trial,
            trial: account.trial.map(Into::into),
            answers_left: account.answers_left,
            days_left: account.days_left,
            low_balance: account.is_low,
        }
    }
}

/// Shows the balance of the workspace.
#[utoipa::path(
    get, path = "/balance", operation_id = "read_balance", tag = "billing",
    responses((status = 200, description = "the balance", body = BalanceView))
)]
#[tracing::instrument(name = "api.billing.balance", skip_all)]
pub async fn read(
    State(state): State<AppState>,
    caller: Authorized<BillingRead>,
) -> ApiResult<Json<BalanceView>> {
    Ok(Json(account::balance(&state.billing, caller.workspace_id).await?.into()))
}
