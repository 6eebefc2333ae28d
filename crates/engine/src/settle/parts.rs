//! What is sent of a reply.

use replyx_core::{
    assistant::FixedText,
    channel::{Button, MessageRef, Outbound},
    ids::OutboxId,
};

use crate::{Engine, check::Reply, context::Context};

/// The parts of a reply. Where a human is offered, a button below the last part brings them in.
pub(super) fn of(engine: &Engine, context: &Context, reply: &Reply) -> Vec<Outbound> {
    let channel = engine.channels.of(context.channel.kind);
    let mut parts = channel.render(&reply.text);
    if reply.meta.offered && channel.has_buttons() {
        let button = Button::saying(context.ask.say(FixedText::HumanButton));
        let last = parts.pop();
        parts.extend(last.map(|last| last.with_buttons(vec![button])));
    }
    parts
}

/// The same parts, the first of which is shown as the answer to a question: where that is not the
/// last thing that was said in the chat.
pub(super) fn answering(
    mut parts: Vec<(OutboxId, Outbound)>,
    question: Option<&MessageRef>,
) -> Vec<(OutboxId, Outbound)> {
    if let (Some(question), Some((_, first))) = (question, parts.first_mut()) {
        *first = first.clone().answering(question);
    }
    parts
}
