//! The trial: bounded in time, in answers and in what models may cost.

use chrono::{DateTime, TimeDelta, Utc};
use replyx_storage::ledger::StoredTrial;

/// A workspace's trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub ends_at: DateTime<Utc>,
    /// The answers that it has.
    pub answers: i64,
    /// The answers that are left.
    pub answers_left: i64,
    /// When what was left of it was taken back.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Whether a trial pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialStatus {
    /// It does.
    Running,
    /// Its time is over.
    Expired,
    /// Its answers are used up.
    Spent,
    /// Models have cost as much as they may.
    TooCostly,
}

impl TrialStatus {
    /// Its word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Expired => "expired",
            Self::Spent => "spent",
            Self::TooCostly => "too_costly",
        }
    }
}

/// What the owner is told before a trial ends; each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// It ends within three days.
    ThreeDays,
    /// It ends within a day.
    OneDay,
    /// Of its answers 80 % are used.
    FewAnswers,
}

/// Of the answers so many hundredths are used when the owner is warned.
const MOST_USED: i128 = 80;

impl Trial {
    /// A trial with what the ledger says is left of it. `None`: there never was one.
    pub fn of(stored: &StoredTrial, answers_left: i64) -> Option<Self> {
        (stored.answers > 0).then_some(Self {
            started_at: stored.started_at,
            ends_at: stored.ends_at,
            answers: stored.answers,
            answers_left,
            ended_at: stored.ended_at,
        })
    }

    /// Whether it pays at a moment.
    pub fn status(&self, at: DateTime<Utc>) -> TrialStatus {
        if at >= self.ends_at {
            TrialStatus::Expired
        } else if self.ended_at.is_some() {
            TrialStatus::TooCostly
        } else if self.answers_left <= 0 {
            TrialStatus::Spent
        } else {
            TrialStatus::Running
        }
    }

    /// The warnings that are due at a moment, also those that were given already. A trial that has
    /// ended warns of nothing; one that never lasted that long does not warn of its days.
    pub fn warnings(&self, at: DateTime<Utc>) -> Vec<Warning> {
        if self.status(at) != TrialStatus::Running {
            return Vec::new();
        }

        let ends_within = |days| {
            let days = TimeDelta::days(days);
            self.ends_at - self.started_at > days && self.ends_at - at <= days
        };
        let used = i128::from(self.answers - self.answers_left);
        let most_used = used * 100 >= i128::from(self.answers) * MOST_USED;

        [
            (ends_within(3), Warning::ThreeDays),
            (ends_within(1), Warning::OneDay),
            (most_used, Warning::FewAnswers),
        ]
        .into_iter()
        .filter_map(|(is_due, warning)| is_due.then_some(warning))
        .collect()
    }
}

/// The form of an e-mail address by which one mailbox is known: lower case, without what follows a
/// plus sign, and without dots where the provider ignores them. A trial is once per mailbox.
pub fn mailbox(address: &str) -> String {
    let lower = address.trim().to_lowercase();
    let Some((name, domain)) = lower.rsplit_once('@') else { return lower };
    let name = name.split('+').next().unwrap_or_default();
    let domain = if domain == "googlemail.com" { "gmail.com" } else { domain };
    let name = if domain == "gmail.com" { name.replace('.', "") } else { name.to_owned() };
    format!("{name}@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(days: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(days)
    }

    fn trial() -> Trial {
        Trial { started_at: day(0), ends_at: day(7), answers: 50, answers_left: 50, ended_at: None }
    }

    #[test]
    fn it_ends_by_time_by_answers_and_by_what_models_cost() {
        assert_eq!(trial().status(day(7) - TimeDelta::microseconds(1)), TrialStatus::Running);
        assert_eq!(trial().status(day(7)), TrialStatus::Expired);
        assert_eq!(Trial { answers_left: 0, ..trial() }.status(day(1)), TrialStatus::Spent);
        let costly = Trial { ended_at: Some(day(1)), ..trial() };
        assert_eq!(costly.status(day(1)), TrialStatus::TooCostly);
    }

    #[test]
    fn its_owner_is_warned_of_days_and_answers() {
        use Warning::{FewAnswers, OneDay, ThreeDays};

        assert_eq!(trial().warnings(day(3)), []);
        assert_eq!(trial().warnings(day(4)), [ThreeDays]);
        assert_eq!(trial().warnings(day(6)), [ThreeDays, OneDay]);
        assert_eq!(trial().warnings(day(7)), []);
        let used = |left| Trial { answers_left: left, ..trial() }.warnings(day(1));
        assert_eq!([used(11), used(10), used(0)], [vec![], vec![FewAnswers], vec![]]);
        let short = Trial { ends_at: day(1), ..trial() };
        assert_eq!(short.warnings(day(0)), []);
    }

    #[test]
    fn aliases_of_a_mailbox_are_one() {
        for (address, one) in [
            ("Anna.B+shop@GoogleMail.com", "annab@gmail.com"),
            ("anna.b+x@example.org", "anna.b@example.org"),
            ("\"odd@name\"@example.org", "\"odd@name\"@example.org"),
            ("no address", "no address"),
        ] {
            assert_eq!(mailbox(address), one);
        }
    }
}
