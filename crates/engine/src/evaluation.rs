//! Measuring an assistant by a question set: the job behind a run.
//!
//! [`run`] asks every question of the set, by the draft or a published version, and stores how it
//! went. A job that died starts again: what it had spent is in the ledger, its results are not
//! kept. Nobody else is told anything.

use std::{
    error::Error,
    sync::{
        LazyLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use replyx_billing::Error as Unpaid;
use replyx_core::{
    assistant::AssistantSettings,
    change::Change,
    evaluation::{Question, Run},
    ids::{AssistantId, WorkspaceId},
    message::{CheckOutcome, Outcome},
    rules::run::RunEnded,
    usage::Purpose,
};
use replyx_knowledge::{
    evaluate::{DEPTH, Evaluate, EvaluatedAnswer, QuestionOutcome, Tally, judge, settings_hash},
    search::Query,
};
use replyx_live::Seats;
use replyx_storage::{State, StorageError};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    Engine, preview,
    turn::{self, BUSY},
};

/// How many questions of a run are under way at once: customers come first.
const AT_ONCE: usize = 2;
/// How many questions of all runs are under way at once in this process.
const OF_ALL: usize = 4;
/// How often progress is told at most.
const PROGRESS: Duration = Duration::from_secs(1);
/// A run whose questions take longer than this together is given up. Time in which they wait for
/// their turn does not count: how long that is depends on the runs of others.
const LONGEST: Duration = Duration::from_hours(4);

/// The runs of all workspaces go on together, and the workspaces take turns with each question: a
/// set of thousands does not delay another's set of three.
static QUESTIONS: LazyLock<Seats<WorkspaceId>> = LazyLock::new(|| Seats::new(OF_ALL, OF_ALL));

/// Asks the questions of a run and stores how it went. A run that is gone or has ended is a
/// success.
#[tracing::instrument(name = "engine.evaluation.run", skip_all, fields(run.id = %job.run_id))]
pub async fn run(engine: &Engine, job: Evaluate) -> Result<(), StorageError> {
    let mut tx = engine.db.read().await?;
    let Some(run) = tx.workspace(job.workspace_id).runs().find(job.run_id).await? else {
        return Ok(());
    };

    if run.has_ended() {
        return Ok(());
    }

    let questions = tx.workspace(job.workspace_id).question_sets().questions(run.set_id).await?;
    let assistants = tx.workspace(job.workspace_id).assistants();
    let settings = match run.version {
        None => assistants.find(run.assistant_id).await?.map(|assistant| assistant.settings),
        Some(number) => {
            assistants.version(run.assistant_id, number).await?.map(|version| version.settings)
        }
    };

    drop(tx);
    let Some(settings) = settings else {
        return fail(engine, &run, "the assistant or its version is no longer there").await;
    };

    if settings_hash(&settings, &questions) != run.settings_hash {
        return fail(engine, &run, "the draft or the questions were changed before the run began")
            .await;
    }

    if change(engine, &run, |run, now| run.progress(0, now)).await?.is_none() {
        return Ok(());
    }

    match ask_all(engine, &run, &settings, &questions).await? {
        Asked::All(tally) if run.answers && tally.failed() == questions.len() => {
            fail(engine, &run, "no model answered any of the questions").await
        }
        Asked::All(tally) => {
            let finish = |run: Run, now| run.finish(tally.metrics(), tally.results(), now);
            change(engine, &run, finish).await.map(drop)
        }
        Asked::Gone => Ok(()),
        Asked::Suspended => postpone(engine, &run).await,
        Asked::TooLong => fail(engine, &run, "the questions took too long").await,
        Asked::Unpaid(why) => fail(engine, &run, &why).await,
    }
}

/// How often the job is tried at most, counted when it is claimed.
pub const ATTEMPTS: u32 = 8;

/// Ends the job of a run that has been tried as often as may be and never came to an end: the run
/// fails.
pub async fn give_up(engine: &Engine, job: Evaluate) -> Result<(), StorageError> {
    let mut tx = engine.db.read().await?;
    let found = tx.workspace(job.workspace_id).runs().find(job.run_id).await?;
    drop(tx);
    match found {
        Some(run) if !run.has_ended() => {
            fail(
                engine,
                &run,
                "each time the questions were asked the program or its database failed before it was done",
            )
            .await
        }
        _ => Ok(()),
    }
}

/// How the asking ended.
enum Asked {
    /// Every question was asked.
    All(Tally),
    /// The run was deleted in the meantime.
    Gone,
    /// The workspace was suspended in the meantime.
    Suspended,
    /// The questions took longer than [`LONGEST`].
    TooLong,
    /// They cannot be paid, and why.
    Unpaid(String),
}

/// Begins a run again once its workspace is resumed: until then nobody takes the job on.
async fn postpone(engine: &Engine, run: &Run) -> Result<(), StorageError> {
    let workspace_id = run.workspace_id;
    let now = engine.clock.now();
    if change(engine, run, Run::postpone).await?.is_none() {
        return Ok(());
    }
    let job = serde_json::json!(Evaluate { workspace_id, run_id: run.id });
    let mut tx = engine.db.begin().await?;
    let jobs = tx.workspace(workspace_id).jobs();
    jobs.enqueue(engine.clock.id(), Evaluate::KIND, &job, now).await?;
    tx.commit().await.map(drop)
}

async fn is_suspended(engine: &Engine, workspace: WorkspaceId) -> Result<bool, StorageError> {
    let mut tx = engine.db.read().await?;
    let policy = tx.system().workspaces().model_policy(workspace).await?;
    Ok(policy.is_some_and(|policy| policy.suspended))
}

/// Asks all questions.
///
/// Progress is told beside the asking and not between two questions: a question that waits to be
/// asked on may hold the only connection that writes.
async fn ask_all(
    engine: &Engine,
    run: &Run,
    settings: &AssistantSettings,
    questions: &[Question],
) -> Result<Asked, StorageError> {
    let workspace = run.workspace_id;
    let assistant = run.assistant_id;
    let target =
        Target { engine, workspace, assistant, settings, answers: run.answers, longest: None };
    let done = AtomicI64::new(0);
    let asking = async {
        let mut tally = Tally::default();
        // How long the questions have been under way together, milliseconds.
        let spent = &AtomicU64::new(0);
        let ask = move |at: usize| async move {
            let mut failed = 0;
            loop {
                let seat = QUESTIONS.take(workspace).await;
                let begun = Instant::now();
                let left =
                    LONGEST.saturating_sub(Duration::from_millis(spent.load(Ordering::Relaxed)));
                let tried = timeout(left, target.attempt(&questions[at])).await;
                let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                spent.fetch_add(took, Ordering::Relaxed);
                drop(seat);

                // That no model was free says nothing about the assistant.
                failed += 1;
                match tried {
                    Ok(Ok(tried)) if tried.turned_away && failed < BUSY.attempts => {
                        sleep(turn::wait(&BUSY, failed)).await;
                    }
                    Ok(tried) => return tried.map(|tried| Some(tried.judged)),
                    Err(_) => return Ok(None),
                }
            }
        };
        let mut going = stream::iter(0..questions.len()).map(ask).buffered(AT_ONCE);
        while let Some(judged) = going.next().await {
            match judged {
                Ok(Some(judged)) => tally.add(judged),
                Ok(None) => return Ok(Asked::TooLong),
                Err(Unpaid::Storage(error)) => return Err(error),
                Err(error) => return Ok(Asked::Unpaid(error.to_string())),
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Asked::All(tally))
    };
    let telling = async {
        loop {
            sleep(PROGRESS).await;
            match tell(engine, run, done.load(Ordering::Relaxed)).await {
                Ok(None) => {}
                Ok(Some(ended)) => return Ok(ended),
                // What was asked so far is paid for. It is told again a second later.
                Err(error) if error.is_transient() => tracing::warn!(
                    error = &error as &dyn Error,
                    "could not store the progress of an evaluation"
                ),
                Err(error) => return Err(error),
            }
        }
    };
    tokio::select! {
        asked = asking => asked,
        ended = telling => ended,
    }
}

/// Stores how far a run is; `Some`: it ends here.
async fn tell(engine: &Engine, run: &Run, done: i64) -> Result<Option<Asked>, StorageError> {
    if change(engine, run, |run, now| run.progress(done, now)).await?.is_none() {
        return Ok(Some(Asked::Gone));
    }
    let suspended = is_suspended(engine, run.workspace_id).await?;
    Ok(suspended.then_some(Asked::Suspended))
}

/// Whom questions are put to.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The engine that answers.
    pub engine: &'a Engine,
    /// Whose the assistant is.
    pub workspace: WorkspaceId,
    /// Whose knowledge is asked.
    pub assistant: AssistantId,
    /// How it answers.
    pub settings: &'a AssistantSettings,
    /// Is it asked for answers, too, or only searched?
    pub answers: bool,
    /// In a longer answer an expected string does not count, characters.
    pub longest: Option<usize>,
}

/// A question that was put.
struct Tried {
    judged: QuestionOutcome,
    /// Whether no model was free to answer it.
    turned_away: bool,
}

impl Target<'_> {
    /// Puts a question and judges how it went.
    pub async fn ask(&self, question: &Question) -> Result<QuestionOutcome, Unpaid> {
        Ok(self.attempt(question).await?.judged)
    }

    async fn attempt(&self, question: &Question) -> Result<Tried, Unpaid> {
        let query = Query {
            purpose: Purpose::Evaluation,
            tags: &self.settings.tags,
            ..Query::new(&question.question, DEPTH)
        };
        let search = &self.engine.search;
        let found = search.find(&self.engine.db, self.workspace, self.assistant, &query).await?;
        let mut turned_away = false;
        let said =
            if self.answers { Some(self.answer(question, &mut turned_away).await?) } else { None };
        let judged = judge(question, &found.hits, found.took, said);
        Ok(Tried { judged, turned_away })
    }

    async fn answer(
        &self,
        question: &Question,
        turned_away: &mut bool,
    ) -> Result<EvaluatedAnswer, Unpaid> {
        let Self { workspace, assistant, settings, .. } = *self;
        let asked = &question.question;
        let begun = Instant::now();
        let answered =
            preview::answer_once(self.engine, workspace, assistant, settings, asked).await?;
        *turned_away = answered.turned_away;
        let meta = answered.reply.meta;
        Ok(EvaluatedAnswer {
            text: answered.reply.text,
            longest: self.longest,
            declined: meta.outcome == Outcome::Unknown,
            failed: meta.outcome == Outcome::Fallback,
            unverified: meta.check == CheckOutcome::Failed,
            cost: meta.cost,
            took: begun.elapsed(),
        })
    }
}

async fn fail(engine: &Engine, run: &Run, why: &str) -> Result<(), StorageError> {
    change(engine, run, |run, now| run.fail(why, now)).await.map(drop)
}

/// Changes a run as it is stored. `None`: it is gone, or another process has ended it.
async fn change<T: State>(
    engine: &Engine,
    run: &Run,
    how: impl FnOnce(Run, DateTime<Utc>) -> Result<Change<T>, RunEnded>,
) -> Result<Option<T>, StorageError> {
    let mut tx = engine.db.begin().await?;
    let found = tx.workspace(run.workspace_id).runs().lock(run.id).await?;
    let Some(stored) = found else { return Ok(None) };
    let Ok(change) = how(stored, engine.clock.now()) else { return Ok(None) };

    let state = tx.apply(change).await?;
    tx.commit().await?;
    Ok(Some(state))
}
