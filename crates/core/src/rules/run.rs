//! How a measurement of an assistant goes on.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    act::{Actor, EvaluationStarted},
    change::{Change, New},
    evaluation::{Metrics, QuestionResult, Run, RunStatus},
    event::Event,
};

#[cfg(test)]
mod tests;

/// The run has ended: a process that was taken for dead and wakes up changes nothing that another
/// has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the run has ended")]
pub struct RunEnded;

/// A run that is done, with how it did on each question, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredRun {
    /// The run.
    pub run: Run,
    /// How it did.
    pub results: Vec<QuestionResult>,
}

impl Run {
    /// Queues the run.
    pub fn start(self, by: &Actor) -> Change<New<Self>> {
        let act = EvaluationStarted {
            evaluation_run: self.id,
            question_set_id: self.set_id,
            version: self.version,
            answers: self.answers,
        };
        let at = self.created_at;
        self.told(at).with(New).done_by(by, &act, at)
    }

    /// Asks, and has asked so many questions.
    ///
    /// # Errors
    ///
    /// [`RunEnded`].
    pub fn progress(self, done: i64, now: DateTime<Utc>) -> Result<Change<Self>, RunEnded> {
        let run = self.going_on()?;
        Ok(Self { status: RunStatus::Running, done, ..run }.told(now))
    }

    /// Waits to be started again from the first question.
    ///
    /// # Errors
    ///
    /// [`RunEnded`].
    pub fn postpone(self, now: DateTime<Utc>) -> Result<Change<Self>, RunEnded> {
        let run = self.going_on()?;
        Ok(Self { status: RunStatus::Queued, done: 0, ..run }.told(now))
    }

    /// Is done.
    ///
    /// # Errors
    ///
    /// [`RunEnded`].
    pub fn finish(
        self,
        metrics: Metrics,
        results: Vec<QuestionResult>,
        now: DateTime<Utc>,
    ) -> Result<Change<MeasuredRun>, RunEnded> {
        let run = self.going_on()?;
        let run = Self {
            status: RunStatus::Done,
            done: run.total,
            metrics: Some(metrics),
            finished_at: Some(now),
            ..run
        };
        Ok(run.told(now).with(|run| MeasuredRun { run, results }))
    }

    /// Cannot be measured; `why` in a sentence for its owner.
    ///
    /// # Errors
    ///
    /// [`RunEnded`].
    pub fn fail(self, why: &str, now: DateTime<Utc>) -> Result<Change<Self>, RunEnded> {
        let run = self.going_on()?;
        let run = Self {
            status: RunStatus::Failed,
            error: Some(why.to_owned()),
            finished_at: Some(now),
            ..run
        };
        Ok(run.told(now))
    }

    /// Has it come to its end, good or bad?
    pub const fn has_ended(&self) -> bool {
        matches!(self.status, RunStatus::Done | RunStatus::Failed)
    }

    fn going_on(self) -> Result<Self, RunEnded> {
        if self.has_ended() { Err(RunEnded) } else { Ok(self) }
    }

    fn told(self, now: DateTime<Utc>) -> Change<Self> {
        let event = Event::EvaluationStatus {
            run_id: self.id,
            assistant_id: self.assistant_id,
            status: self.status,
            done: self.done,
            total: self.total,
        };
        Change::of(self.workspace_id, self).telling(event, now)
    }
}
