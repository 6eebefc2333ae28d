//! Step 2: may the assistant answer at all, and does it take a model to do so?

use replyx_core::{assistant::FixedText, dialog::Control, message::MessageKind};

use crate::{commands, context::Context};

/// What is to be done with a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: somebody else has the word, or there is nothing to answer.
    Silence,
    /// A fixed text is the answer.
    Fixed(String),
    /// The customer asks for a human by a command: the dialog is handed off.
    HandOff,
    /// The customer has waited through too many failed attempts: apologise.
    GiveUp,
    /// Look it up and write an answer.
    Answer,
}

/// Decides. Pure.
pub fn decide(context: &Context, attempts: i64, most: i64) -> Decision {
    let Some(last) = context.pending.last() else { return Decision::Silence };
    if context.dialog.control != Control::Ai {
        return Decision::Silence;
    }
    if context.ask.settings.handoff.on_request && commands::asks_human(&context.pending) {
        return Decision::HandOff;
    }
    if context.pending.iter().any(|message| message.kind == MessageKind::Text) {
        return if attempts > most { Decision::GiveUp } else { Decision::Answer };
    }
    let commands = commands::texts(context);
    if !commands.is_empty() {
        return Decision::Fixed(commands);
    }
    let text = match last.kind {
        MessageKind::Start => FixedText::Start,
        _ => FixedText::TextOnly,
    };
    Decision::Fixed(context.ask.say(text).to_owned())
}
