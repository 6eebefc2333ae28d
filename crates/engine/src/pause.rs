//! A paused assistant: it answers nobody, and a customer who writes is told why once.

use replyx_core::{assistant::FixedText, message::Outcome};
use replyx_storage::{StorageError, turns::ClaimedTurn};

use crate::{
    Engine, check,
    context::Context,
    settle::{self, Settled},
    usage::Ledger,
};

/// What a customer of a paused assistant is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// This, because they do not know yet.
    Due(String),
    /// Nothing more.
    Given,
}

/// What the customer is told instead of an answer; nothing when the assistant is not paused.
pub(crate) async fn notice(
    engine: &Engine,
    context: &Context,
) -> Result<Option<Notice>, StorageError> {
    let Some(pause) = &context.pause else { return Ok(None) };

    // All that a paused assistant says is this text.
    let mut tx = engine.db.read().await?;
    let pauses = tx.workspace(pause.workspace_id).pauses();
    let said = pauses.last_reply(context.dialog.id).await?;
    if said.is_some_and(|at| pause.since <= at) {
        return Ok(Some(Notice::Given));
    }
    let text = pause.text.as_deref().unwrap_or_else(|| context.ask.say(FixedText::Paused));
    Ok(Some(Notice::Due(text.to_owned())))
}

/// Ends a turn of a paused assistant.
pub(crate) async fn end(
    engine: &Engine,
    turn: &ClaimedTurn,
    context: &Context,
    notice: Notice,
) -> Result<Settled, StorageError> {
    match notice {
        Notice::Given => settle::close(engine, turn, context.dialog.heard_seq).await,
        Notice::Due(text) => {
            let reply = check::fixed(&context.ask, text, Outcome::Fixed);
            settle::store(engine, turn, context, reply, Ledger::default()).await
        }
    }
}
