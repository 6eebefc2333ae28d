//! `GET /api/v1/usage`

use axum::{Json, extract::State};
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DayUsageView, TotalsView, sum};
use crate::{
    caller::{AssistantsRead, Authorized},
    error::{ApiError, ApiResult, Problem},
    input::Params,
    state::AppState,
};

/// The longest time that is reported at once, days.
const LONGEST: i64 = 366;
/// How far back is reported unless asked otherwise, days before today.
const USUAL: Days = Days::new(29);
/// At most so many rows are reported.
const ROWS: u32 = 10_000;

/// Of what time, and of whom.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// The first day, UTC; 29 days before the last unless given.
    #[param(example = "2026-03-01")]
    from: Option<NaiveDate>,
    /// The last day, UTC; today unless given.
    #[param(example = "2026-03-14")]
    to: Option<NaiveDate>,
    /// Only this assistant's; all assistants by default.
    assistant_id: Option<Uuid>,
}

/// What was used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageReport)]
pub struct Response {
    /// The first day, UTC.
    #[schema(example = "2026-02-13")]
    from: NaiveDate,
    /// The last day, UTC.
    #[schema(example = "2026-03-14")]
    to: NaiveDate,
    /// All of it together.
    totals: TotalsView,
    /// By day, assistant, purpose and model, in that order.
    items: Vec<DayUsageView>,
}

/// Reports model use and its cost, for at most 366 days.
#[utoipa::path(
    get, path = "/usage", operation_id = "read_usage", tag = "usage",
    params(Query),
    responses(
        (status = 200, description = "what was used", body = Response),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 422, description = "the time is too long, or ends before it begins", body = Problem),
    )
)]
#[tracing::instrument(name = "api.usage.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<AssistantsRead>,
    Params(query): Params<Query>,
) -> ApiResult<Json<Response>> {
    let (from, to) = days(query.from, query.to, state.clock().now().date_naive())?;
    let mut tx = state.db().read().await?;
    let calls = tx.workspace(caller.workspace_id).model_calls();
    let usage = calls.by_day(query.assistant_id.map(Into::into), from, to, ROWS + 1).await?;
    if usage.len() > ROWS as usize {
        let detail = format!("the report has more than {ROWS} rows: ask for a shorter time");
        return Err(ApiError::field("from", detail));
    }
    let totals = sum(&usage).into();
    let items = usage.into_iter().map(DayUsageView::from).collect();
    Ok(Json(Response { from, to, totals, items }))
}

fn days(
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    today: NaiveDate,
) -> ApiResult<(NaiveDate, NaiveDate)> {
    let to = to.unwrap_or(today);
    let from = from.unwrap_or_else(|| to.checked_sub_days(USUAL).unwrap_or(to));
    // The database compares days as texts of four digits, two and two.
    let common = NaiveDate::from_ymd_opt(1, 1, 1).zip(NaiveDate::from_ymd_opt(9999, 12, 31));
    if common.is_some_and(|(first, last)| from < first || to > last) {
        return Err(ApiError::field("from", "must be a day of the years 1 to 9999"));
    }
    match (to - from).num_days() {
        length if length < 0 => Err(ApiError::field("to", "must not be before `from`")),
        length if length >= LONGEST => {
            Err(ApiError::field("from", format!("must be at most {LONGEST} days before `to`")))
        }
        _ => Ok((from, to)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_covers_thirty_days_unless_asked_otherwise_and_at_most_a_leap_year() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let today = day("2026-03-14");
        let given = |from: Option<&str>, to: Option<&str>| days(from.map(day), to.map(day), today);
        assert_eq!(given(None, None).unwrap(), (day("2026-02-13"), today));
        assert_eq!(given(None, Some("2026-01-30")).unwrap().0, day("2026-01-01"));
        assert!(given(Some("2024-01-01"), Some("2024-12-31")).is_ok());
        assert!(given(Some("2023-12-31"), Some("2024-12-31")).is_err());
        assert!(given(Some("2026-03-15"), None).is_err());
        assert!(given(Some("+10000-01-01"), Some("+10000-01-02")).is_err());
    }
}
