//! One turn of a dialog: from the customer's words to our stored reply.
//!
//! [`run`] is the only place that knows the order of the steps:
//!
//! 1. [`context`]: what was said before, and how this assistant is to answer.
//! 2. [`guard`]: may it answer at all, and does that take a model?
//!    Is the assistant paused (`pause`)? And is it within what one customer is answered
//!    ([`limit`])?
//! 3. [`rewrite`]: what is searched for, when the question leans on what was said before.
//! 4. [`retrieve`]: the passages that are relevant to the question.
//! 5. [`prompt`]: the text for the model.
//! 6. [`Models::complete`](replyx_llm::Models::complete): the model's answer, within its bounds of
//!    time and attempts.
//! 7. [`check`]: is it one, and does it state what its sources hold? If not, 5 to 7 once more.
//! 8. [`settle`]: reply, costs, events and outbox, in one transaction.
//! 9. [`summary`]: what has fallen out of the history's sight, in short. Nobody waits for it.
//!
//! Steps 3 to 7 are [`answer`], which begins with what the message is (`acts`: small talk and
//! requests for a human need no search) and knows no dialog: previews and evaluations take them,
//! too.
//!
//! Where no model could be reached, the customer gets the fallback text, and the turn stays to
//! answer late (`late`).
//!
//! A turn may run twice: the process can die anywhere before 8 has committed. Step 8 ends the turn
//! in the same transaction, so there is one reply. No transaction is open during steps 3 to 7.

use std::{error::Error, mem, panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use replyx_core::{
    assistant::FixedText,
    clock::Clock,
    ledger::Payment,
    message::{CheckOutcome, Outcome},
    retry::{Backoff, Retry},
    usage::Purpose,
};
use replyx_grounding::Objection;
use replyx_knowledge::search::{Hit, SearchOutcome};
use replyx_llm::{ChatRequest, Progress};
use replyx_storage::{
    StorageError,
    turns::{Attempts, ClaimedTurn, LateQuestion},
    until_stored,
};
use tokio::time::Instant;

use crate::{
    Engine, acts,
    check::{self, Reply, Taken},
    commands,
    context::{self, AnswerRequest, Context, Loaded},
    guard::{self, Decision},
    kept, late,
    limit::{self, Notice, ReachedLimit},
    pause, prompt, retrieve, rewrite,
    settle::{self, Settled},
    summary, typing,
    usage::{Ledger, millis},
    waiting,
};

/// When a turn that failed is tried again. It fails when the database does: a model's failure is
/// answered.
pub(crate) const FAILED: Backoff = Backoff {
    first: Duration::from_millis(500),
    ceiling: Duration::from_secs(10),
    attempts: u32::MAX,
};

/// When a turn that found no model free is tried again: a burst has some minutes to pass before the
/// attempts are used up.
pub(crate) const BUSY: Backoff =
    Backoff { first: Duration::from_secs(2), ceiling: Duration::from_secs(30), attempts: 8 };

/// Runs a turn to its end: settled, or handed back.
#[tracing::instrument(name = "engine.turn.run", skip_all, fields(dialog.id = %turn.dialog_id, turn.attempt = turn.attempts))]
pub async fn run(engine: &Engine, turn: ClaimedTurn) {
    let begun = Instant::now();
    let mut ledger = Ledger::default();
    match AssertUnwindSafe(attempt(engine, &turn, begun, &mut ledger)).catch_unwind().await {
        Ok(Ok(Attempted::TurnedAway)) => {
            metrics::counter!("turns_total", "outcome" => "busy").increment(1);
            tracing::info!(
                duration_ms = millis(begun.elapsed()),
                "no model was free for a turn; it will be retried"
            );
            // It counts: a model that is never free is apologized for in the end.
            hand_back(engine, &turn, Attempts::Keep, &BUSY).await;
        }
        Ok(Ok(Attempted::Ended(ended))) => {
            let outcome = match ended.settled {
                Settled::Stored => ended.outcome.map_or("silent", Outcome::as_str),
                Settled::Discarded => "discarded",
                Settled::Lost => "lost",
                Settled::Silent => "silent",
                Settled::Limited => "limited",
            };
            metrics::counter!("turns_total", "outcome" => outcome).increment(1);
            metrics::histogram!("turn_duration_seconds").record(begun.elapsed().as_secs_f64());
            tracing::info!(
                turn.outcome = outcome,
                duration_ms = millis(begun.elapsed()),
                "turn ended"
            );
            if let (Settled::Stored, Some(context)) = (ended.settled, ended.answered) {
                summary::fold(engine, &context).await;
            }
        }
        Ok(Err(error)) => {
            metrics::counter!("turns_total", "outcome" => "failed").increment(1);
            tracing::warn!(error = &error as &dyn Error, "turn failed; it will be retried");
            // The customer gets the fallback text after a few attempts. That the database is busy
            // or away is none, unless a model was asked: each attempt asks, and pays, again. The
            // first one always counts: the customer's limit was charged for it, and is once a turn.
            let is_free = error.is_transient() && ledger.calls().is_empty() && turn.attempts > 1;
            let attempts = if is_free { Attempts::Forgive } else { Attempts::Keep };
            hand_back(engine, &turn, attempts, &FAILED).await;
        }
        // Unsettled and ours, it would keep its dialog silent as long as this process lives.
        Err(_) => {
            metrics::counter!("turns_total", "outcome" => "panicked").increment(1);
            tracing::error!("turn panicked; it will be retried");
            hand_back(engine, &turn, Attempts::Keep, &FAILED).await;
        }
    }
}

/// What an attempt at a turn came to.
enum Attempted {
    /// The turn is over.
    Ended(Ended),
    /// No model was free to be asked: the turn is handed back.
    TurnedAway,
}

/// How a turn ended.
struct Ended {
    settled: Settled,
    outcome: Option<Outcome>,
    /// What it began with, if an answer was looked for.
    answered: Option<Box<Context>>,
}

impl Ended {
    fn silent(settled: Settled) -> Attempted {
        Attempted::Ended(Self { settled, outcome: None, answered: None })
    }
}

async fn attempt(
    engine: &Engine,
    turn: &ClaimedTurn,
    begun: Instant,
    ledger: &mut Ledger,
) -> Result<Attempted, StorageError> {
    let context = match context::load(engine, turn).await? {
        Loaded::Ready(context) => *context,
        Loaded::Gone => return Ok(Ended::silent(settle::close(engine, turn, i64::MAX).await?)),
        Loaded::Suspended => return Ok(Ended::silent(settle::postpone(engine, turn).await?)),
    };
    if let Some(late) = turn.late {
        return late_answer(engine, turn, context, late, begun, ledger).await;
    }
    let ask = &context.ask;
    let mut decision = guard::decide(&context, turn.attempts, engine.settings.turn_attempts);
    if decision != Decision::Silence
        && let Some(notice) = pause::notice(engine, &context).await?
    {
        return Ok(Ended::silent(pause::end(engine, turn, &context, notice).await?));
    }
    if decision == Decision::Answer && waiting::is_called_off(engine, &context).await? {
        decision = Decision::Fixed(ask.say(FixedText::QueueLeft).to_owned());
    }
    if decision == Decision::Answer && turn.payment == Payment::Lacking {
        let over = limit::unpaid(&context);
        return limited(engine, turn, context, over).await;
    }
    let is_reply = matches!(decision, Decision::Answer | Decision::HandOff | Decision::Fixed(_));
    if is_reply && let Some(over) = limit::check(engine, turn, &context).await {
        return limited(engine, turn, context, over).await;
    }
    let looked = decision == Decision::Answer;
    let reply = match decision {
        Decision::Silence => {
            let heard = context.dialog.heard_seq;
            return Ok(Ended::silent(settle::close(engine, turn, heard).await?));
        }
        Decision::Fixed(text) => check::fixed(ask, text, Outcome::Fixed),
        Decision::HandOff => acts::asked(ask),
        Decision::GiveUp => {
            let apology = check::apology(ask, Taken::default());
            Reply { may_come_late: true, ..apology }
        }
        Decision::Answer => {
            let _typing = typing::show(engine, &context);
            let answered = ask_models(engine, turn, ask, ledger).await?;
            if answered.turned_away {
                // The question may have been rewritten or embedded.
                account(engine, turn, ledger).await;
                return Ok(Attempted::TurnedAway);
            }
            commands::stand_before(answered.reply, &context)
        }
    };

    let ended = settle_reply(engine, turn, context, reply, begun, ledger).await?;
    let answered = ended.answered.filter(|_| looked);
    Ok(Attempted::Ended(Ended { answered, ..ended }))
}

/// Looks for an answer, and notes in `ledger` what that cost.
async fn ask_models(
    engine: &Engine,
    turn: &ClaimedTurn,
    ask: &AnswerRequest,
    ledger: &mut Ledger,
) -> Result<Answered, StorageError> {
    match answer(engine, ask, ledger, &mut |_| {}).await {
        Ok(mut answered) => {
            *ledger = mem::take(&mut answered.ledger);
            Ok(answered)
        }
        Err(error) => {
            // The turn is run again. What its models did until now was paid for.
            account(engine, turn, ledger).await;
            Err(error)
        }
    }
}

/// Asks again what the customer got the fallback text for. While no model can be reached they hear
/// nothing more; their limits counted the question the first time.
async fn late_answer(
    engine: &Engine,
    turn: &ClaimedTurn,
    context: Context,
    late: LateQuestion,
    begun: Instant,
    ledger: &mut Ledger,
) -> Result<Attempted, StorageError> {
    if !late::is_awaited(engine, turn, &context, late).await? {
        let answered = context.dialog.answered_seq;
        return Ok(Ended::silent(settle::close(engine, turn, answered).await?));
    }

    // Nobody pays for it at the moment: as if no model could be reached.
    if turn.payment == Payment::Lacking {
        let settled = settle::wait_longer(engine, turn, &context, late, ledger).await?;
        return Ok(Ended::silent(settled));
    }

    let mut reply = ask_models(engine, turn, &context.ask, ledger).await?.reply;
    if reply.meta.outcome == Outcome::Fallback {
        let settled = settle::wait_longer(engine, turn, &context, late, ledger).await;
        if !matches!(settled, Ok(Settled::Silent)) {
            account(engine, turn, ledger).await;
        }
        return Ok(Ended::silent(settled?));
    }

    reply.meta.late = true;
    let ended = settle_reply(engine, turn, context, reply, begun, ledger).await?;
    if ended.settled == Settled::Stored {
        metrics::counter!("late_answers_total").increment(1);
    }
    Ok(Attempted::Ended(ended))
}

/// Stores the reply of a turn, or what it cost.
async fn settle_reply(
    engine: &Engine,
    turn: &ClaimedTurn,
    context: Context,
    mut reply: Reply,
    begun: Instant,
    ledger: &Ledger,
) -> Result<Ended, StorageError> {
    waiting::announce(engine, &context, &mut reply).await;
    reply.meta.duration_ms = millis(begun.elapsed());
    let outcome = Some(reply.meta.outcome);
    let settled = settle::store(engine, turn, &context, reply, ledger.clone()).await;
    if !matches!(settled, Ok(Settled::Stored | Settled::Discarded)) {
        account(engine, turn, ledger).await;
    }

    Ok(Ended { settled: settled?, outcome, answered: Some(Box::new(context)) })
}

/// Stores what a turn cost that ends without a stored reply.
async fn account(engine: &Engine, turn: &ClaimedTurn, ledger: &Ledger) {
    if let Err(error) = settle::account(engine, turn, ledger).await {
        tracing::warn!(error = &error as &dyn Error, "could not store the costs of a turn");
    }
}

/// Ends a turn beyond a bound of its customer: they are told once, and not answered.
async fn limited(
    engine: &Engine,
    turn: &ClaimedTurn,
    context: Context,
    over: ReachedLimit,
) -> Result<Attempted, StorageError> {
    let heard = context.dialog.heard_seq;
    if over.notice == Notice::Given {
        let settled = settle::leave_unanswered(engine, turn, heard, over.bound).await?;
        return Ok(Ended::silent(settled));
    }
    let text = limit::text(over.bound, &context.ask);
    let reply = check::fixed(&context.ask, text.to_owned(), Outcome::Limited);
    let reply = Reply { limited: Some(over.bound), ..reply };
    let settled = settle::store(engine, turn, &context, reply, Ledger::default()).await?;
    let outcome = Some(Outcome::Limited);
    Ok(Attempted::Ended(Ended { settled, outcome, answered: None }))
}

/// An answer on its way.
#[derive(Debug)]
pub enum Step<'a> {
    /// What was searched for, and what was found.
    Retrieved {
        /// The question that was searched for.
        searched: &'a str,
        /// The passages.
        found: &'a SearchOutcome,
    },
    /// The model is asked.
    Prompt(&'a ChatRequest),
    /// More of the answer.
    Text(&'a str),
    /// What was shown of the answer is void, and another one begins.
    Restarted,
    /// The answer was checked.
    Checked(CheckOutcome, &'a [Objection]),
}

/// An answer, and all that went into it.
#[derive(Clone, Debug)]
pub struct Answered {
    /// What will be said.
    pub reply: Reply,
    /// The passages the model was shown, best first.
    pub hits: Vec<Hit>,
    /// Of these tags each document had one that was searched; empty: all were.
    pub tags: Vec<String>,
    /// The calls of models it took.
    pub ledger: Ledger,
    /// Whether the reply is an apology because no model was free: none was asked for an answer, and
    /// asking again later helps.
    pub turned_away: bool,
}

/// Answers a question: steps 3 to 7. `show` is told of each as it happens. What it costs is noted
/// in `ledger`, which the answer takes along; who drops this half-way finds there what was paid
/// until then.
///
/// # Errors
///
/// A model that gives no answer is an apology, not an error.
pub async fn answer(
    engine: &Engine,
    ask: &AnswerRequest,
    ledger: &mut Ledger,
    show: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<Answered, StorageError> {
    let heard = acts::hear(engine, ask, ledger).await;
    if let Some(reply) = acts::reply(ask, heard) {
        let ledger = mem::take(ledger);
        let tags = Vec::new();
        return Ok(Answered { reply, hits: Vec::new(), tags, ledger, turned_away: false });
    }

    let repeatable = if heard.is_question() { kept::repeatable(engine, ask).await? } else { None };
    let searched = rewrite::searched(engine, ask, ledger).await;
    let found = retrieve::passages(engine, ask, &searched, ledger).await?;
    show(Step::Retrieved { searched: &searched, found: &found });
    let understood = found.understood.as_deref().unwrap_or(&searched);
    let key = repeatable.and_then(|repeatable| repeatable.key(ask, understood, &found.hits));
    let known = match &key {
        Some(key) => kept::find(engine, ask, key).await?,
        None => None,
    };
    let Written { mut reply, turned_away } = match known {
        Some(reply) => reply.into(),
        None => written(engine, ask, understood, &found.hits, ledger, show).await,
    };
    acts::follow(ask, heard, &mut reply);
    if let Some(key) = key.filter(|_| !reply.meta.kept) {
        kept::mark(&mut reply, key);
    }
    if understood != ask.question {
        reply.meta.searched = Some(understood.to_owned());
    }
    let outcome = reply.meta.check.as_str();
    metrics::counter!("answer_checks_total", "outcome" => outcome).increment(1);
    let tags = ask.settings.tags.clone();
    Ok(Answered { reply, hits: found.hits, tags, ledger: mem::take(ledger), turned_away })
}

/// What came of asking for an answer.
struct Written {
    reply: Reply,
    turned_away: bool,
}

impl From<Reply> for Written {
    fn from(reply: Reply) -> Self {
        Self { reply, turned_away: false }
    }
}

/// Steps 5 to 7: an answer that may be said, at the second try if need be, or what is said instead.
async fn written(
    engine: &Engine,
    ask: &AnswerRequest,
    understood: &str,
    hits: &[Hit],
    ledger: &mut Ledger,
    show: &mut (dyn FnMut(Step<'_>) + Send),
) -> Written {
    let mut taken = Taken::default();
    let mut refused = Vec::new();
    let mut turned_away = false;
    let mut may_come_late = false;
    for purpose in [Purpose::Answer, Purpose::Regenerate] {
        let mut request = prompt::assemble(ask, hits, &engine.settings, &refused);
        // A chat model reads the dialog; one that quotes knows nothing but the question.
        understood.clone_into(&mut request.question);
        if purpose == Purpose::Regenerate {
            show(Step::Restarted);
        }
        show(Step::Prompt(&request));
        let progress = |progress: Progress<'_>| match progress {
            Progress::Text(text) => show(Step::Text(text)),
            Progress::Restarted => show(Step::Restarted),
        };
        let completion = match engine.models.complete(&request, progress).await {
            Ok(completion) => completion,
            Err(failure) => {
                tracing::warn!(error = &failure as &dyn Error, "the model did not answer");
                ledger.note(&engine.clock, ask, purpose, &failure.spent);
                taken.fail(failure.spent.len());
                turned_away = failure.error.was_not_asked();
                may_come_late = failure.error.may_pass();
                break;
            }
        };
        ledger.note(&engine.clock, ask, purpose, &completion.spent);
        taken.add(&completion);
        let objections = check::objections(ask, hits, &completion);
        if objections.is_empty() {
            let reply = check::answer(ask, hits, &completion, taken, &refused);
            show(Step::Checked(reply.meta.check, &refused));
            return reply.into();
        }
        refused = objections;
        // A quotation would be the same again.
        if check::is_quotation(&completion) {
            break;
        }
    }
    if refused.is_empty() {
        let reply = Reply { may_come_late, ..check::apology(ask, taken) };
        return Written { reply, turned_away };
    }

    show(Step::Checked(CheckOutcome::Failed, &refused));
    check::unverified(ask, taken, &refused).into()
}

/// Gives the turn back for another attempt, however long the database is away: as long as this
/// process lives, nobody else would take the turn from it.
async fn hand_back(engine: &Engine, turn: &ClaimedTurn, counted: Attempts, backoff: &Backoff) {
    until_stored("hand back a turn", || async {
        let due = engine.clock.now() + pause(turn, backoff);
        let mut tx = engine.db.begin().await?;
        let turns = tx.workspace(turn.workspace_id).turns();
        turns.hand_back(turn.dialog_id, engine.process, due, counted).await?;
        tx.commit().await
    })
    .await;
}

/// How long a turn waits for its next attempt.
pub(crate) fn pause(turn: &ClaimedTurn, backoff: &Backoff) -> Duration {
    wait(backoff, u32::try_from(turn.attempts).unwrap_or(u32::MAX))
}

/// How long to wait after so many failures in a row.
pub(crate) fn wait(backoff: &Backoff, failed: u32) -> Duration {
    let [chance] = Clock::bytes();
    match backoff.after(failed, chance) {
        Retry::After(wait) => wait,
        Retry::Never => backoff.ceiling,
    }
}
