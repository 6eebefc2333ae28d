//! One turn of a dialog: from the customer's words to our stored reply.
//!
//! [`run`] is the only place that knows the order of the steps:
//!
//! 1. [`context`]: what was said before, and how this assistant is to answer.
//! 2. [`guard`]: may it answer at all, and does that take a model?
//! 3. [`retrieve`]: the passages that bear on the question.
//! 4. [`prompt`]: the text for the model.
//! 5. [`generate`]: the model's answer.
//! 6. [`check`]: is it one?
//! 7. [`settle`]: reply, events and outbox, in one transaction.
//!
//! A turn may run twice: the process can die anywhere before 7 has committed. Step 7 ends the turn in the
//! same transaction, so there is one reply. No transaction is open during steps 3 to 6.

use std::{error::Error, panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use replyx_core::{
    clock::Clock,
    message::Outcome,
    retry::{Backoff, Retry},
};
use replyx_storage::{StorageError, turns::ClaimedTurn};
use tokio::time::{Instant, sleep};

use crate::{
    Engine,
    check::{self, Reply},
    context::{self, Context},
    generate,
    guard::{self, Decision},
    prompt, retrieve,
    settle::{self, Settled},
    typing,
};

/// When a turn that failed is tried again. It fails when the database does: a model's failure is answered.
const AGAIN: Backoff = Backoff {
    first: Duration::from_millis(500),
    ceiling: Duration::from_secs(10),
    attempts: u32::MAX,
};

/// Runs a turn to its end: settled, or handed back.
#[tracing::instrument(name = "engine.turn.run", skip_all, fields(dialog.id = %turn.dialog_id, turn.attempt = turn.attempts))]
pub async fn run(engine: &Engine, turn: ClaimedTurn) {
    let begun = Instant::now();
    match AssertUnwindSafe(attempt(engine, &turn, begun)).catch_unwind().await {
        Ok(Ok((settled, outcome))) => {
            let outcome = match settled {
                Settled::Stored => outcome.map_or("silent", Outcome::as_str),
                Settled::Discarded => "discarded",
                Settled::Lost => "lost",
                Settled::Silent => "silent",
            };
            metrics::counter!("turns_total", "outcome" => outcome).increment(1);
            metrics::histogram!("turn_duration_seconds").record(begun.elapsed().as_secs_f64());
            tracing::info!(turn.outcome = outcome, duration_ms = millis(begun), "turn ended");
        }
        Ok(Err(error)) => {
            metrics::counter!("turns_total", "outcome" => "failed").increment(1);
            tracing::warn!(error = &error as &dyn Error, "turn failed, will be tried again");
            hand_back(engine, &turn).await;
        }
        // Unsettled and ours, it would keep its dialog silent as long as this process lives.
        Err(_) => {
            metrics::counter!("turns_total", "outcome" => "panicked").increment(1);
            tracing::error!("turn panicked, will be tried again");
            hand_back(engine, &turn).await;
        }
    }
}

async fn attempt(
    engine: &Engine,
    turn: &ClaimedTurn,
    begun: Instant,
) -> Result<(Settled, Option<Outcome>), StorageError> {
    let Some(context) = context::load(engine, turn).await? else {
        return Ok((settle::close(engine, turn, i64::MAX).await?, None));
    };
    let mut reply = match guard::decide(&context, turn.attempts, engine.settings.turn_attempts) {
        Decision::Silence => {
            let heard = context.dialog.heard_seq;
            return Ok((settle::close(engine, turn, heard).await?, None));
        }
        Decision::Fixed(text) => check::fixed(&context, text, Outcome::Fixed),
        Decision::GiveUp => apology(&context),
        Decision::Answer => answer(engine, &context).await?,
    };
    reply.meta.duration_ms = millis(begun);
    let outcome = reply.meta.outcome;
    Ok((settle::store(engine, turn, &context, reply).await?, Some(outcome)))
}

async fn answer(engine: &Engine, context: &Context) -> Result<Reply, StorageError> {
    let _typing = typing::show(engine, context);
    let hits = retrieve::passages(engine, context).await?;
    let request = prompt::assemble(context, &hits, engine.settings.answer_tokens);
    Ok(match generate::answer(engine, &request).await {
        Ok(completion) => check::answer(context, &hits, completion),
        Err(error) => {
            tracing::warn!(error = &error as &dyn Error, "the model gave no answer");
            apology(context)
        }
    })
}

fn apology(context: &Context) -> Reply {
    check::fixed(context, context.assistant.fallback_text().to_owned(), Outcome::Fallback)
}

/// Gives the turn back for another attempt, however long the database is away: as long as this process
/// lives, nobody else would take the turn from it.
pub(crate) async fn hand_back(engine: &Engine, turn: &ClaimedTurn) {
    let attempts = u32::try_from(turn.attempts).unwrap_or(u32::MAX);
    let mut failed = 0;
    loop {
        let due = engine.clock.now() + wait(attempts);
        let handed_back = async {
            let mut tx = engine.db.begin().await?;
            let turns = tx.workspace(turn.workspace_id).turns();
            turns.hand_back(turn.dialog_id, engine.process, due, false).await?;
            tx.commit().await
        };
        match handed_back.await {
            Ok(_) => return,
            Err(error) => {
                failed += 1;
                tracing::error!(error = &error as &dyn Error, "a turn could not be handed back");
                sleep(wait(failed)).await;
            }
        }
    }
}

fn wait(failed: u32) -> Duration {
    let [chance] = Clock::bytes();
    match AGAIN.after(failed, chance) {
        Retry::After(wait) => wait,
        Retry::Never => AGAIN.ceiling,
    }
}

fn millis(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
