//! How soon people answer: the clocks behind the times that an owner has promised.
//!
//! A dialog has at most one [`SlaClock`]. [`Sla::apply`] is the only way to start, pause and stop
//! it:
//!
//! | what happens | the clock |
//! |---|---|
//! | the customer asks for something | starts, unless it runs already: the oldest words count |
//! | the customer says thanks or farewell | neither starts nor is started again |
//! | a person replies to the customer | stops |
//! | the dialog is closed | stops; the next reply is a first one again |
//! | the assistant replies, a note is written, an acknowledgement is sent | goes on |
//! | the dialog is snoozed, comes back | is paused, goes on |
//!
//! It counts business hours alone and keeps the target that it began with, whatever the owner sets
//! in the meantime. Time comes in; what comes out says whether the promise was kept.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    hours::BusinessHours,
    ids::{DialogId, WorkspaceId},
    words::words,
};

/// Within which time a person replies, counted in business hours. Nothing where it is not promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlaPolicy {
    /// The first reply to a customer who waits for a person.
    pub first_reply: Option<Duration>,
    /// Every later one.
    pub next_reply: Option<Duration>,
}

words! {
    /// Which reply a clock waits for.
    Awaited as "SlaAwaited" {
        /// The first one of a person.
        First = "first",
        /// A later one.
        Next = "next",
    }
}

words! {
    /// How a promise stands.
    SlaStatus, example "at_risk" {
        /// Less than half of the promised time has passed.
        Running = "running",
        /// Half of the promised time has passed.
        AtRisk = "at_risk",
        /// The promised time has passed.
        Broken = "broken",
    }
}

impl SlaPolicy {
    /// At most so many minutes may be promised: 30 days.
    pub const MOST_MINUTES: u32 = 43_200;

    /// Whether nothing is promised.
    pub const fn is_empty(&self) -> bool {
        self.first_reply.is_none() && self.next_reply.is_none()
    }
}

/// A clock with the moments that follow from it, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningSla {
    /// Which reply it waits for.
    pub awaited: Awaited,
    /// When the customer wrote the oldest words that nobody has answered.
    pub since: DateTime<Utc>,
    /// Within which time the reply is promised, business hours.
    pub target: Duration,
    /// When half of that time has passed. `None`: not within a year, or the dialog is snoozed.
    pub risk_at: Option<DateTime<Utc>>,
    /// When the reply is due. `None`: not within a year, or the dialog is snoozed.
    pub due_at: Option<DateTime<Utc>>,
    /// How it stands, as far as that was told.
    pub status: SlaStatus,
}

impl RunningSla {
    /// What follows from a clock in these business hours.
    pub fn of(clock: &SlaClock, hours: &BusinessHours, now: DateTime<Utc>) -> Self {
        // While the dialog is snoozed, no moment is known: only what has passed counts.
        let status = if clock.running_since.is_some() || clock.spent < clock.target / 2 {
            SlaStatus::Running
        } else if clock.spent < clock.target {
            SlaStatus::AtRisk
        } else {
            SlaStatus::Broken
        };
        let running = Self {
            awaited: clock.awaited,
            since: clock.since,
            target: clock.target,
            risk_at: at_risk(clock, hours),
            due_at: clock.due_at(hours),
            status,
        };
        running.at(now)
    }

    /// The same, as it stands at this moment.
    #[must_use]
    pub fn at(self, now: DateTime<Utc>) -> Self {
        let is_past = |at: Option<DateTime<Utc>>| at.is_some_and(|at| at <= now);
        let status = if is_past(self.due_at) {
            SlaStatus::Broken
        } else if is_past(self.risk_at) {
            SlaStatus::AtRisk
        } else {
            self.status
        };
        Self { status, ..self }
    }
}

/// What is known of the promises in a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialogSla {
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The dialog.
    pub dialog_id: DialogId,
    /// The number of the last message that was looked at.
    pub read_seq: i64,
    /// The clock, when somebody is owed a reply.
    pub running: Option<RunningSla>,
}

/// What the customer's words want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// An answer.
    Request,
    /// None: thanks, a farewell.
    Courtesy,
}

/// What happens in a dialog that people look after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlaEvent {
    /// The customer wrote.
    Wrote(Words),
    /// A person replied to the customer.
    PersonReplied,
    /// The assistant did.
    AssistantReplied,
    /// A note was written, which the customer never sees.
    Noted,
    /// The customer was told that they will be answered.
    Acknowledged,
    /// It was put aside until later.
    Snoozed,
    /// Later has come.
    Woken,
    /// It was closed.
    Closed,
}

/// A clock that waits for a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlaClock {
    /// Which reply.
    pub awaited: Awaited,
    /// When the customer wrote the oldest words that nobody has answered.
    pub since: DateTime<Utc>,
    /// Within which time the reply is promised, business hours.
    pub target: Duration,
    /// The business hours that have passed until [`Self::running_since`].
    pub spent: Duration,
    /// From when on it counts; nothing while the dialog is snoozed.
    pub running_since: Option<DateTime<Utc>>,
}

impl SlaClock {
    /// The business hours that have passed.
    pub fn spent_at(&self, now: DateTime<Utc>, hours: &BusinessHours) -> Duration {
        let running = self.running_since.map(|since| hours.open_between(since, now));
        self.spent + running.unwrap_or_default()
    }

    /// When the reply is due. `None` while the dialog is snoozed, and where the business does not
    /// open often enough within a year. A promise that is broken was due when it broke.
    pub fn due_at(&self, hours: &BusinessHours) -> Option<DateTime<Utc>> {
        let since = self.running_since?;
        hours.after(since, self.target.saturating_sub(self.spent))
    }

    /// Has the promise been broken?
    pub fn is_broken(&self, now: DateTime<Utc>, hours: &BusinessHours) -> bool {
        self.spent_at(now, hours) > self.target
    }
}

/// How a clock ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlaResult {
    /// Which reply it waited for.
    pub awaited: Awaited,
    /// Whether a person replied, or the dialog was closed without it.
    pub end: SlaEnd,
    /// When the customer wrote the words that were answered.
    pub since: DateTime<Utc>,
    /// How long it took, business hours.
    pub spent: Duration,
    /// Within which time it was promised.
    pub target: Duration,
}

impl SlaResult {
    /// Was the promise kept?
    pub fn is_kept(&self) -> bool {
        self.spent <= self.target
    }
}

/// What ended a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlaEnd {
    /// A person replied.
    Replied,
    /// The dialog was closed.
    Closed,
}

/// A span of time in which a dialog was snoozed, if nothing ended it before: the customer's words
/// do, and another epoch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlaPause {
    /// Since when.
    pub from: DateTime<Utc>,
    /// Until when at most.
    pub to: DateTime<Utc>,
}

/// What a dialog knows of the promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sla {
    /// Whether a person has replied since the dialog was opened.
    pub has_reply: bool,
    /// Whether it is put aside until later.
    pub is_snoozed: bool,
    /// The clock that waits for a reply.
    pub clock: Option<SlaClock>,
}

impl Sla {
    /// Does what follows from something that happened, and says how a clock ended if one did.
    /// Things are told in the order in which they happened.
    pub fn apply(
        &mut self,
        what: SlaEvent,
        at: DateTime<Utc>,
        policy: &SlaPolicy,
        hours: &BusinessHours,
    ) -> Option<SlaResult> {
        match what {
            SlaEvent::Wrote(Words::Request) => {
                if self.clock.is_none() {
                    self.clock = self.start(at, policy);
                }
                None
            }
            SlaEvent::PersonReplied => {
                self.has_reply = true;
                self.stop(SlaEnd::Replied, at, hours)
            }

            SlaEvent::Closed => {
                let result = self.stop(SlaEnd::Closed, at, hours);
                *self = Self::default();
                result
            }

            SlaEvent::Snoozed => {
                self.is_snoozed = true;
                if let Some(clock) = &mut self.clock {
                    clock.spent = clock.spent_at(at, hours);
                    clock.running_since = None;
                }
                None
            }
            SlaEvent::Woken => {
                self.is_snoozed = false;
                if let Some(clock) = &mut self.clock {
                    clock.running_since.get_or_insert(at);
                }
                None
            }
            SlaEvent::Wrote(Words::Courtesy)
            | SlaEvent::AssistantReplied
            | SlaEvent::Noted
            | SlaEvent::Acknowledged => None,
        }
    }

    fn start(&self, at: DateTime<Utc>, policy: &SlaPolicy) -> Option<SlaClock> {
        let (awaited, target) = if self.has_reply {
            (Awaited::Next, policy.next_reply?)
        } else {
            (Awaited::First, policy.first_reply?)
        };
        let running_since = (!self.is_snoozed).then_some(at);
        Some(SlaClock { awaited, since: at, target, spent: Duration::ZERO, running_since })
    }

    fn stop(&mut self, end: SlaEnd, at: DateTime<Utc>, hours: &BusinessHours) -> Option<SlaResult> {
        let clock = self.clock.take()?;
        let SlaClock { awaited, since, target, .. } = clock;
        Some(SlaResult { awaited, end, since, spent: clock.spent_at(at, hours), target })
    }
}

/// When half of the promised time will have passed: from then on the promise is at risk. `None` as
/// for [`SlaClock::due_at`].
pub fn at_risk(clock: &SlaClock, hours: &BusinessHours) -> Option<DateTime<Utc>> {
    let since = clock.running_since?;
    hours.after(since, (clock.target / 2).saturating_sub(clock.spent))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::TimeDelta;
    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::{
        SlaEvent::{
            Acknowledged, AssistantReplied, Closed, Noted, PersonReplied, Snoozed, Woken, Wrote,
        },
        Words::{Courtesy, Request},
        *,
    };
    use crate::hours::Interval;

    const POLICY: SlaPolicy = SlaPolicy {
        first_reply: Some(Duration::from_hours(1)),
        next_reply: Some(Duration::from_hours(2)),
    };

    /// Monday to Friday, 9 to 12 and 13 to 17, in Berlin; the 7th of December is a holiday.
    fn hours() -> BusinessHours {
        let day = [(9, 12), (13, 17)].map(|(from, to)| Interval { from: from * 60, to: to * 60 });
        let mut week: [Vec<Interval>; 7] = std::array::from_fn(|_| day.to_vec());
        week[5].clear();
        week[6].clear();
        let dates = BTreeMap::from([("2026-12-07".parse().unwrap(), Vec::new())]);
        BusinessHours::new(Tz::Europe__Berlin, week, dates).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-{text}:00Z").parse().unwrap()
    }

    /// Applies what happened, and returns the last result.
    fn after(sla: &mut Sla, steps: &[(SlaEvent, &str)]) -> Option<SlaResult> {
        let results =
            steps.iter().map(|(what, when)| sla.apply(*what, at(when), &POLICY, &hours()));
        results.last().flatten()
    }

    #[test]
    fn a_clock_starts_at_the_oldest_unanswered_words_and_stops_at_a_persons_reply() {
        let mut sla = Sla::default();
        let result = after(
            &mut sla,
            &[
                (Wrote(Request), "11-30T08:30"),
                (Wrote(Request), "11-30T08:50"),
                (AssistantReplied, "11-30T08:51"),
                (Noted, "11-30T08:52"),
                (Acknowledged, "11-30T08:53"),
                (PersonReplied, "11-30T09:20"),
            ],
        );
        let result = result.unwrap();
        assert_eq!((result.awaited, result.end), (Awaited::First, SlaEnd::Replied));
        assert_eq!(result.spent, Duration::from_mins(50));
        assert!(result.is_kept());
        assert_eq!(sla.clock, None);
    }

    #[test]
    fn only_business_hours_count() {
        let mut sla = Sla::default();
        // Friday, half an hour before closing; Monday is a holiday.
        after(&mut sla, &[(Wrote(Request), "12-04T15:30")]);
        let clock = sla.clock.unwrap();
        assert_eq!(clock.due_at(&hours()), Some(at("12-08T08:30")));
        assert!(!clock.is_broken(at("12-08T08:30"), &hours()), "on time is in time");
        assert!(clock.is_broken(at("12-08T08:31"), &hours()));
        // Outside business hours it starts with the next opening.
        let mut sla = Sla::default();
        after(&mut sla, &[(Wrote(Request), "11-28T10:00")]);
        assert_eq!(sla.clock.unwrap().due_at(&hours()), Some(at("11-30T09:00")));
    }

    #[test]
    fn thanks_and_farewells_start_nothing() {
        let mut sla = Sla::default();
        let steps = [(Wrote(Courtesy), "11-30T08:30")];
        assert_eq!((after(&mut sla, &steps), sla.clock), (None, None));
        let steps = [
            (Wrote(Request), "11-30T08:40"),
            (PersonReplied, "11-30T08:50"),
            (Wrote(Courtesy), "11-30T08:55"),
        ];
        assert_eq!((after(&mut sla, &steps), sla.clock), (None, None));
        // Nor do they hide what was asked before.
        let steps = [(Wrote(Request), "11-30T09:00"), (Wrote(Courtesy), "11-30T09:01")];
        after(&mut sla, &steps);
        assert_eq!(sla.clock.unwrap().since, at("11-30T09:00"));
    }

    #[test]
    fn a_clock_keeps_the_target_it_began_with() {
        let mut sla = Sla::default();
        after(&mut sla, &[(Wrote(Request), "11-30T08:30")]);
        let stricter = SlaPolicy { first_reply: Some(Duration::from_mins(1)), next_reply: None };
        sla.apply(Wrote(Request), at("11-30T08:40"), &stricter, &hours());
        let result = sla.apply(PersonReplied, at("11-30T08:50"), &stricter, &hours()).unwrap();
        assert_eq!((result.target, result.is_kept()), (Duration::from_hours(1), true));
        // What is no longer promised is no longer measured.
        sla.apply(Wrote(Request), at("11-30T09:00"), &stricter, &hours());
        assert_eq!(sla.clock, None);
    }

    #[test]
    fn it_stands_still_while_the_dialog_is_snoozed() {
        let mut sla = Sla::default();
        after(&mut sla, &[(Wrote(Request), "11-30T08:30"), (Snoozed, "11-30T09:00")]);
        assert_eq!(sla.clock.unwrap().due_at(&hours()), None);
        after(
            &mut sla,
            &[(Snoozed, "11-30T09:10"), (Woken, "12-01T08:00"), (Woken, "12-01T08:10")],
        );
        assert_eq!(sla.clock.unwrap().due_at(&hours()), Some(at("12-01T08:30")));

        // One that starts while the dialog is snoozed counts from its end, and knows when it was
        // asked.
        let mut sla = Sla::default();
        after(&mut sla, &[(Snoozed, "11-30T08:00"), (Wrote(Request), "11-30T08:30")]);
        after(&mut sla, &[(Woken, "11-30T09:00")]);
        let clock = sla.clock.unwrap();
        assert_eq!(clock.since, at("11-30T08:30"));
        assert_eq!(clock.due_at(&hours()), Some(at("11-30T10:00")));
    }

    #[test]
    fn later_replies_have_a_promise_of_their_own_until_the_dialog_is_closed() {
        let mut sla = Sla::default();
        let steps = [
            (Wrote(Request), "11-30T08:30"),
            (PersonReplied, "11-30T08:40"),
            (Wrote(Request), "11-30T09:00"),
            (Closed, "11-30T10:30"),
        ];
        let result = after(&mut sla, &steps).unwrap();
        assert_eq!((result.awaited, result.end), (Awaited::Next, SlaEnd::Closed));
        assert_eq!((result.spent, result.is_kept()), (Duration::from_mins(90), true));
        assert_eq!(sla, Sla::default());
        after(&mut sla, &[(Wrote(Request), "11-30T13:00")]);
        assert_eq!(sla.clock.unwrap().awaited, Awaited::First);
    }

    fn happened() -> impl Strategy<Value = SlaEvent> {
        prop_oneof![
            3 => Just(Wrote(Request)),
            1 => Just(Wrote(Courtesy)),
            2 => Just(PersonReplied),
            1 => Just(AssistantReplied),
            1 => Just(Noted),
            1 => Just(Acknowledged),
            1 => Just(Snoozed),
            2 => Just(Woken),
            1 => Just(Closed),
        ]
    }

    /// The same minute by minute: who waits, for what, and for how many open minutes.
    #[derive(Default)]
    struct Reference {
        replied: bool,
        snoozed: bool,
        waits: Option<(bool, u64)>,
    }

    impl Reference {
        fn tick(&mut self, is_open: bool) {
            if let Some((_, minutes)) = &mut self.waits
                && is_open
                && !self.snoozed
            {
                *minutes += 1;
            }
        }

        fn apply(&mut self, what: SlaEvent) -> Option<(bool, u64)> {
            match what {
                Wrote(Request) => {
                    self.waits.get_or_insert((self.replied, 0));
                    None
                }
                PersonReplied => {
                    self.replied = true;
                    self.waits.take()
                }
                Closed => std::mem::take(self).waits,
                Snoozed | Woken => {
                    self.snoozed = what == Snoozed;
                    None
                }
                _ => None,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn clocks_measure_what_is_counted_minute_by_minute(
            start in 0_i64..20_000,
            steps in prop::collection::vec((happened(), 0_u64..900), 1..25),
        ) {
            let hours = hours();
            let mut now = at("10-20T00:00") + TimeDelta::minutes(start);
            let mut sla = Sla::default();
            let mut reference = Reference::default();
            for (what, pause) in steps {
                for _ in 0..pause {
                    reference.tick(hours.is_open(now));
                    now += TimeDelta::minutes(1);
                }
                let result = sla.apply(what, now, &POLICY, &hours);
                let measured = result.map(|result| {
                    (result.awaited == Awaited::Next, result.spent.as_secs() / 60)
                });
                prop_assert_eq!(measured, reference.apply(what));

                let spent = sla.clock.map(|clock| clock.spent_at(now, &hours).as_secs() / 60);
                prop_assert_eq!(spent, reference.waits.map(|(_, minutes)| minutes));
                if let Some(clock) = sla.clock
                    && clock.spent <= clock.target
                    && let Some(due) = clock.due_at(&hours)
                {
                    // It breaks right after it is due, and not before.
                    prop_assert!(!clock.is_broken(due, &hours));
                    prop_assert_eq!(clock.spent_at(due, &hours), clock.target);
                }
            }
        }
    }
}
