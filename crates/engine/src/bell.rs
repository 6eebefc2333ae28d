//! Wakes who sleeps when there is something to do, in this process and in the others.
//!
//! The bell hears of every commit. It is a hint: sleeping workers also look at the database now and
//! then, so a lost hint costs time, never work.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{ProcessId, WorkspaceId},
    job::Lane,
};
use replyx_live::{Live, News, NewsSignal, Topic, Work};
use replyx_storage::{Committed, Listener};
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

mod agenda;

use agenda::Agenda;
pub use agenda::{Coverage, NextTurn};

/// Wakes the sleeping workers.
#[derive(Debug, Default)]
pub struct Bell {
    turns: Notify,
    agenda: Mutex<Agenda>,
    outbox: Notify,
    /// One for each lane: a worker that is woken for all looks in its own.
    jobs: [Notify; Lane::ALL.len()],
    bots: Notify,
    news: Notify,
    pending: Mutex<PendingSignals>,
}

/// What the other processes, and the streams of this one, have not been told yet.
#[derive(Debug, Default)]
struct PendingSignals {
    heads: BTreeMap<WorkspaceId, i64>,
    work: Work,
}

impl Listener for Bell {
    fn committed(&self, what: &Committed) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for (workspace, seq) in &what.events {
            let head = pending.heads.entry(*workspace).or_default();
            *head = (*head).max(*seq);
        }
        let work =
            Work { turns: what.turns, outbox: what.outbox, jobs: what.jobs, bots: what.bots };
        pending.work = pending.work.and(work);
        drop(pending);

        if work.turns {
            self.note_turns(&what.turns_due);
        }
        self.ring(work);
        self.news.notify_one();
    }
}

impl Bell {
    /// Sleeps until turns may be due, at most `longest`.
    pub async fn turns(&self, longest: Duration) {
        let _ = timeout(longest, self.turns.notified()).await;
    }

    /// What is known of the next turn. What is due is the caller's: nobody is told of it again.
    pub fn next_turn(&self, now: DateTime<Utc>) -> NextTurn {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner).next(now)
    }

    /// Notes when turns will be due; without any times, the database is to be asked. Nobody is
    /// woken.
    pub fn note_turns(&self, due: &[DateTime<Utc>]) {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner).add(due);
    }

    /// Notes what the database says of when turns are due, after [`NextTurn::Unknown`]: these
    /// times, in order, and perhaps more. Returns what is known then.
    pub fn learn_turns(
        &self,
        due: &[DateTime<Utc>],
        told: Coverage,
        now: DateTime<Utc>,
    ) -> NextTurn {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner).learn(due, told, now)
    }

    /// Sleeps until replies may be sent, at most `longest`.
    pub async fn outbox(&self, longest: Duration) {
        let _ = timeout(longest, self.outbox.notified()).await;
    }

    /// Sleeps until jobs of a lane may be due, at most `longest`.
    pub async fn jobs(&self, lane: Lane, longest: Duration) {
        let _ = timeout(longest, self.jobs[lane as usize].notified()).await;
    }

    /// Sleeps until a bot may have changed, at most `longest`.
    pub async fn bots(&self, longest: Duration) {
        let _ = timeout(longest, self.bots.notified()).await;
    }

    /// Other processes have committed work of these kinds, and did not say when it is due.
    fn heard(&self, work: Work) {
        if work.turns {
            self.note_turns(&[]);
        }
        self.ring(work);
    }

    /// Wakes those who do work of these kinds.
    fn ring(&self, work: Work) {
        if work.turns {
            self.turns.notify_one();
        }
        if work.outbox {
            self.outbox.notify_one();
        }
        if work.jobs {
            self.jobs.iter().for_each(Notify::notify_one);
        }
        if work.bots {
            self.bots.notify_one();
        }
    }

    /// Tells streams and other processes what was committed here, until stopped.
    pub async fn tell(&self, live: &Live, process: ProcessId, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = self.news.notified() => {}
                () = stop.cancelled() => return,
            }
            let pending =
                mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
            let mut told = Ok(());
            for (workspace_id, seq) in pending.heads {
                told = told.and(live.tell(process, &News::Logged { workspace_id, seq }).await);
            }
            if !pending.work.is_none() {
                told = told.and(live.tell(process, &News::Work(pending.work)).await);
            }
            if let Err(error) = told {
                tracing::debug!(error = &error as &dyn std::error::Error, "news could not be told");
            }
        }
    }

    /// Rings here when another process has committed work, until stopped.
    pub async fn hear(&self, live: &Live, process: ProcessId, stop: CancellationToken) {
        let mut listener = live.listen(&Topic::Work, process).await;
        loop {
            let heard = tokio::select! {
                heard = listener.next() => heard,
                () = stop.cancelled() => return,
            };
            match heard {
                NewsSignal::Gap => self.heard(Work::ALL),
                NewsSignal::News(News::Work(work)) => self.heard(work),
                NewsSignal::News(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use replyx_core::clock::Clock;

    use super::*;

    #[tokio::test]
    async fn what_one_process_commits_wakes_another_and_not_itself_twice() {
        let live = Live::in_process();
        let clock = Clock::system();
        let one = Bell::default();
        let other = Bell::default();
        let first: ProcessId = clock.id();
        let second: ProcessId = clock.id();
        let stop = CancellationToken::new();
        let workspace: WorkspaceId = clock.id();
        let mut log = live.listen(&Topic::Log(workspace), second).await;

        let scenario = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            one.committed(&Committed {
                events: vec![(workspace, 7)],
                turns: true,
                ..Committed::default()
            });
            timeout(Duration::from_secs(5), other.turns.notified()).await.expect("was woken");
            let logged = News::Logged { workspace_id: workspace, seq: 7 };
            assert_eq!(log.next().await, NewsSignal::News(logged));
            one.turns.notified().await;
            let again = timeout(Duration::from_millis(100), one.turns.notified()).await;
            assert!(again.is_err(), "its own news came back to it");
            assert!(timeout(Duration::from_millis(10), other.outbox.notified()).await.is_err());
            stop.cancel();
        };
        tokio::join!(
            one.tell(&live, first, stop.clone()),
            one.hear(&live, first, stop.clone()),
            other.hear(&live, second, stop.clone()),
            scenario,
        );
    }
}
