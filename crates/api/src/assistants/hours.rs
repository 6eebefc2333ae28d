//! Business hours, as clients see and set them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use garde::Validate;
use replyx_core::assistant::{Day, OpeningHours};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// When people answer, by the clock of the assistant's time zone. Outside of these hours a handoff
/// tells the customer when they are back (`after_hours` of `texts`). An interval is written as
/// `09:00-18:00` and may end at `24:00`; a day has at most 10, in order.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = BusinessHours)]
pub(crate) struct HoursView {
    /// The intervals of the days of the week (`mon` to `sun`). A day that is left out is closed.
    #[garde(custom(possible_week))]
    #[schema(
        value_type = HashMap<String, Vec<String>>,
        example = json!({"mon": ["09:00-12:30", "13:30-18:00"], "sat": ["10:00-14:00"]}),
    )]
    week: BTreeMap<Day, Vec<String>>,
    /// Dates with intervals of their own, at most 400; a holiday has none.
    #[garde(custom(possible_dates))]
    #[schema(
        value_type = HashMap<String, Vec<String>>,
        example = json!({"2026-12-24": ["09:00-12:00"], "2026-12-25": []}),
    )]
    dates: BTreeMap<NaiveDate, Vec<String>>,
}

impl HoursView {
    pub(super) fn of(hours: &OpeningHours) -> Self {
        let OpeningHours { week, dates } = hours.clone();
        Self { week, dates }
    }

    pub(super) fn into_hours(self) -> OpeningHours {
        let Self { week, dates } = self;
        OpeningHours { week, dates }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn possible_week(week: &BTreeMap<Day, Vec<String>>, (): &()) -> garde::Result {
    possible(&OpeningHours { week: week.clone(), ..OpeningHours::default() })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn possible_dates(dates: &BTreeMap<NaiveDate, Vec<String>>, (): &()) -> garde::Result {
    possible(&OpeningHours { dates: dates.clone(), ..OpeningHours::default() })
}

fn possible(hours: &OpeningHours) -> garde::Result {
    hours.check().map_err(|bad| garde::Error::new(bad.to_string()))
}
