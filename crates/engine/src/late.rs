//! A late answer: the customer got the fallback text because no model could be reached, and gets
//! the real answer once one is back.
//!
//! The turn of such a question is not finished but stays in its table, to be run again and again
//! until `late_answer_minutes` of the assistant have passed. So it survives the process, runs in
//! one process at a time, and becomes an ordinary turn when the customer writes again. It ends in
//! silence when somebody else has answered or nobody is back in time.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use replyx_core::{
    clock::Clock,
    dialog::Control,
    message::Outcome,
    retry::{Backoff, Retry},
};
use replyx_storage::{
    StorageError,
    turns::{ClaimedTurn, LateQuestion},
};

use crate::{Engine, check::Reply, context::Context};

/// When a model that could not be reached is asked again.
const AGAIN: Backoff =
    Backoff { first: Duration::from_secs(20), ceiling: Duration::from_mins(2), attempts: u32::MAX };

/// How often one try is begun at most: a question may be what ends the process.
const ATTEMPTS: i64 = 3;

/// What of the turn remains to be answered late, if `reply` is the fallback text in place of an
/// answer that may still come.
pub(crate) fn remains(
    turn: &ClaimedTurn,
    context: &Context,
    reply: &Reply,
) -> Option<LateQuestion> {
    let minutes = context.ask.settings.late_answer_minutes;
    let is_apology = reply.meta.outcome == Outcome::Fallback && reply.may_come_late;
    if !is_apology || turn.late.is_some() || minutes == 0 {
        return None;
    }

    let until = context.ask.now.checked_add_signed(TimeDelta::try_minutes(minutes)?)?;
    Some(LateQuestion { after: context.dialog.answered_seq, until, tries: 0 })
}

/// When the question is asked the next time, and what remains then; `None`: that would be too late.
pub(crate) fn next(
    late: LateQuestion,
    now: DateTime<Utc>,
) -> Option<(DateTime<Utc>, LateQuestion)> {
    let tries = late.tries.saturating_add(1);
    let [chance] = Clock::bytes();
    let Retry::After(wait) = AGAIN.after(tries, chance) else { return None };
    let due = now + wait;
    (due < late.until).then_some((due, LateQuestion { tries, ..late }))
}

/// Whether the customer still waits for the answer: it is not too late, they have not written
/// again, and no operator has spoken or has the dialog. A question that ends the process again and
/// again is left alone, too.
///
/// # Errors
///
/// Fails when the database does.
pub(crate) async fn is_awaited(
    engine: &Engine,
    turn: &ClaimedTurn,
    context: &Context,
    late: LateQuestion,
) -> Result<bool, StorageError> {
    let dialog = &context.dialog;
    let is_over = context.ask.now >= late.until || turn.attempts > ATTEMPTS;
    let is_open = dialog.control == Control::Ai && dialog.heard_seq == dialog.answered_seq;
    if is_over || !is_open {
        return Ok(false);
    }

    let mut tx = engine.db.read().await?;
    let messages = tx.workspace(turn.workspace_id).messages();
    Ok(!messages.operator_spoke(dialog.id, dialog.answered_seq).await?)
}
