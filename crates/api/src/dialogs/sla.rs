//! How the promise of a reply stands in a dialog, as clients see it.

use chrono::{DateTime, Utc};
use replyx_core::sla::{Awaited, RunningSla, SlaStatus};
use serde::Serialize;
use utoipa::ToSchema;

/// A reply of a person that the customer was promised and waits for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DialogSla)]
pub(super) struct DialogSlaView {
    /// `first` or `next`.
    #[schema(example = "first")]
    awaited: Awaited,
    /// When the customer wrote the oldest words that nobody has answered.
    since: DateTime<Utc>,
    /// Within which time the reply was promised, minutes of business hours.
    #[schema(example = 15)]
    target_minutes: u64,
    /// When the reply is due; `null`: not within a year, or the dialog is snoozed.
    due_at: Option<DateTime<Utc>>,
    /// `running`, `at_risk` (half of the time has passed) or `broken`.
    status: SlaStatus,
}

impl DialogSlaView {
    pub(super) fn of(running: RunningSla, now: DateTime<Utc>) -> Self {
        let RunningSla { awaited, since, target, due_at, status, .. } = running.at(now);
        Self { awaited, since, target_minutes: target.as_secs() / 60, due_at, status }
    }
}
