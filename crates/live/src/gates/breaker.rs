//! A breaker: closed while things work, open after failures, then half open for one at a time.

use std::{collections::VecDeque, time::Duration};

use super::millis;

/// How many of the latest outcomes a breaker looks at.
const LATEST: usize = 20;

/// How long a breaker remembers that it has seen anything.
const MEMORY: Duration = Duration::from_mins(10);

/// A probe that does not report is waited for this long at a time.
const PROBE_WAIT: u64 = 1_000;

/// When a breaker opens, and for how long. It looks at the latest twenty outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerRules {
    /// It opens after so many failures within `window`, if they are at least twice the successes.
    pub failures: u32,
    /// The time in which both are counted.
    pub window: Duration,
    /// It opens after so many failures with no success between them, too.
    pub row: u32,
    /// How long it stays open at first.
    pub open: Duration,
    /// How long it stays open at most: every failed probe doubles the time.
    pub longest: Duration,
}

impl Default for BreakerRules {
    /// Five failures and two of three within half a minute, or three in a row; open for 15 seconds,
    /// at most two minutes.
    fn default() -> Self {
        Self {
            failures: 5,
            window: Duration::from_secs(30),
            row: 3,
            open: Duration::from_secs(15),
            longest: Duration::from_mins(2),
        }
    }
}

pub(super) enum Passage {
    Free,
    Probe,
    Shut { wait: u64 },
}

/// Times are milliseconds since the process's start.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    latest: VecDeque<(u64, bool)>,
    /// Until when it is open, and how often it has opened since it last worked.
    open: Option<(u64, u32)>,
    /// Who probes, and until when that is trusted.
    probe: Option<(String, u64)>,
}

impl Breaker {
    pub(super) fn is_used(&self, now: u64) -> bool {
        let since = now.saturating_sub(millis(MEMORY));
        self.open.is_some_and(|(until, _)| until > since)
            || self.latest.back().is_some_and(|(at, _)| *at > since)
    }

    pub(super) fn passage(&self, holder: &str, now: u64) -> Passage {
        match (self.open, &self.probe) {
            (None, _) => Passage::Free,
            (Some((until, _)), _) if until > now => Passage::Shut { wait: until - now },
            (_, Some((probing, until))) if probing != holder && *until > now => {
                Passage::Shut { wait: PROBE_WAIT.min(until - now) }
            }
            _ => Passage::Probe,
        }
    }

    /// Is the one who passes the probe?
    pub(super) fn pass(&mut self, holder: &str, now: u64, until: u64) -> bool {
        let probe = matches!(self.passage(holder, now), Passage::Probe);
        if probe {
            self.probe = Some((holder.to_owned(), until));
        }
        probe
    }

    pub(super) fn keep(&mut self, holder: &str, until: u64) {
        if let Some((_, end)) = self.probe.as_mut().filter(|(probing, _)| probing == holder) {
            *end = until;
        }
    }

    /// Is it open afterwards?
    pub(super) fn report(
        &mut self,
        holder: &str,
        worked: Option<bool>,
        rules: &BreakerRules,
        now: u64,
    ) -> bool {
        if let Some((_, opened)) = self.open {
            if self.probe.as_ref().is_none_or(|(probing, _)| probing != holder) {
                // What was begun before it opened says nothing new.
                return true;
            }
            self.probe = None;
            match worked {
                Some(true) => *self = Self::default(),
                Some(false) => {
                    let doubled = millis(rules.open).saturating_mul(1 << opened.min(20));
                    self.open = Some((now + doubled.min(millis(rules.longest)), opened + 1));
                }
                None => {}
            }
            return self.open.is_some();
        }
        let Some(worked) = worked else { return false };
        self.latest.push_back((now, worked));
        if self.latest.len() > LATEST {
            self.latest.pop_front();
        }
        let failed = |(_, worked): &&(u64, bool)| !worked;
        let row = self.latest.iter().rev().take_while(failed).count();
        let since = now.saturating_sub(millis(rules.window));
        let recent = self.latest.iter().filter(|(at, _)| *at >= since);
        let (failures, all) = recent.fold((0, 0), |(failures, all), (_, worked)| {
            (failures + usize::from(!worked), all + 1)
        });
        let many = failures >= rules.failures as usize && failures * 3 >= all * 2;
        if row >= rules.row as usize || many {
            self.latest.clear();
            self.open = Some((now + millis(rules.open), 1));
        }
        self.open.is_some()
    }
}
