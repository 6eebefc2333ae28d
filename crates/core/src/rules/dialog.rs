//! What happens in a dialog, and to its contact.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    assistant::Language,
    change::{Change, LogOnly, New},
    channel::{MessageRef, Quoted},
    command::HouseCommand,
    dialog::{Contact, Control, Dialog, HandoffReason},
    event::{Event, LimitBound},
    ids::{DialogId, MessageId, WorkspaceId},
    message::{AnswerMeta, Author, Delivery, Message, MessageKind},
    waiting::QueueMove,
};

mod control;
mod edit;
mod operator;
mod program;
#[cfg(test)]
mod tests;

pub use crate::dialog::ControlStep;
pub use control::{Cause, ControlRefused, EDGES, Initiator};
pub use edit::Edited;
pub use operator::Written;
pub use program::Announcement;

impl Dialog {
    /// Begins.
    pub fn open(self) -> Change<New<Self>> {
        let event = Event::DialogOpened {
            dialog_id: self.id,
            contact_id: self.contact_id,
            assistant_id: self.assistant_id,
        };
        let at = self.created_at;
        Change::of(self.workspace_id, New(self)).telling(event, at)
    }

    /// The customer said something.
    pub fn hear(mut self, said: CustomerMessage, now: DateTime<Utc>) -> Change<Utterance> {
        let message = Message {
            id: said.id,
            workspace_id: self.workspace_id,
            dialog_id: self.id,
            seq: self.next_seq(now),
            author: Author::Customer,
            kind: said.kind,
            text: said.text,
            quoted: said.quoted,
            revisions: Vec::new(),
            delivery: Delivery::None,
            answer: None,
            operator: None,
            mentions: Vec::new(),
            act: None,
            created_at: now,
        };
        self.heard_seq = message.seq;
        let is_command = message.kind == MessageKind::Command;
        if is_command && HouseCommand::of(&message.text) == Some(HouseCommand::Reset) {
            self.fresh_seq = message.seq;
        }

        let event = Event::MessageStored {
            dialog_id: self.id,
            message_id: message.id,
            seq: message.seq,
            author: message.author,
            text: None,
        };
        let channel_message = Some(said.channel_message);
        let workspace = self.workspace_id;
        let said = Utterance { channel_message, ..Utterance::new(self, message) };
        Change::of(workspace, said).telling(event, now)
    }

    /// The assistant replies.
    ///
    /// # Errors
    ///
    /// [`AssistantNotInControl`] when somebody else has control.
    pub fn reply(
        mut self,
        reply: Reply,
        now: DateTime<Utc>,
    ) -> Result<Change<Utterance>, AssistantNotInControl> {
        if self.control != Control::Ai {
            return Err(AssistantNotInControl(self.control));
        }
        let outcome = reply.answer.outcome;
        let message = Message {
            id: reply.id,
            workspace_id: self.workspace_id,
            dialog_id: self.id,
            seq: self.next_seq(now),
            author: Author::Assistant,
            kind: MessageKind::Text,
            text: reply.text,
            quoted: None,
            revisions: Vec::new(),
            delivery: Delivery::Queued,
            answer: Some(reply.answer),
            operator: None,
            mentions: Vec::new(),
            act: None,
            created_at: now,
        };
        if let Some(heard) = reply.answers {
            self.answered_seq = heard;
        }

        let event = Event::ReplySettled {
            dialog_id: self.id,
            message_id: message.id,
            seq: message.seq,
            outcome,
            text: None,
        };
        let workspace = self.workspace_id;
        let change = Change::of(workspace, Utterance::new(self, message)).telling(event, now);
        match reply.then {
            FollowUp::GoOn => Ok(change),
            FollowUp::HandOff { reason, message_id } => change
                .and_then(|said| said.hand_off(reason, message_id, now))
                .map_err(|refused| AssistantNotInControl(refused.control)),
        }
    }

    /// Takes the number of the next message.
    fn next_seq(&mut self, now: DateTime<Utc>) -> i64 {
        self.last_seq += 1;
        self.updated_at = now;
        self.last_seq
    }

    /// The reply of a turn that began at `epoch` is discarded.
    pub fn turn_discarded(&self, epoch: i64, now: DateTime<Utc>) -> Change<LogOnly> {
        let event = Event::TurnDiscarded { dialog_id: self.id, epoch };
        Change::noted(self.workspace_id, event, now)
    }

    /// What the customer said up to message `seq` is not answered: they have had as many answers as
    /// one gets.
    pub fn turn_limited(&self, seq: i64, bound: LimitBound, now: DateTime<Utc>) -> Change<LogOnly> {
        let event = Event::TurnLimited { dialog_id: self.id, seq, bound };
        Change::noted(self.workspace_id, event, now)
    }
}

/// A turn of a dialog that was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartedTurn {
    /// Whose dialog it is.
    pub workspace_id: WorkspaceId,
    /// The dialog.
    pub dialog_id: DialogId,
    /// The number of the last message of the customer.
    pub heard_seq: i64,
    /// How often the turn has been claimed, this time included.
    pub attempt: i64,
}

impl StartedTurn {
    /// The turn begins.
    pub fn started(self, now: DateTime<Utc>) -> Change<LogOnly> {
        let Self { workspace_id, dialog_id, heard_seq: seq, attempt } = self;
        Change::noted(workspace_id, Event::TurnStarted { dialog_id, seq, attempt }, now)
    }
}

/// What a customer said, before it has its place in a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerMessage {
    /// Identity of the message.
    pub id: MessageId,
    /// What kind of utterance it is.
    pub kind: MessageKind,
    /// The words.
    pub text: String,
    /// The earlier words that they are about, where the customer points to some.
    pub quoted: Option<Quoted>,
    /// The channel's own name of it.
    pub channel_message: MessageRef,
}

/// What an assistant says, before it has its place in a dialog.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Identity of the message.
    pub id: MessageId,
    /// The words.
    pub text: String,
    /// How they were made.
    pub answer: AnswerMeta,
    /// Up to which message of the customer they answer everything; `None`: they answer nothing.
    pub answers: Option<i64>,
    /// What happens with the dialog then.
    pub then: FollowUp,
}

/// What happens with a dialog after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowUp {
    /// It goes on.
    GoOn,
    /// It waits for a human.
    HandOff {
        /// Why.
        reason: HandoffReason,
        /// Identity of the message that says so.
        message_id: MessageId,
    },
}

/// Somebody else than the assistant has control of the dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the assistant does not have control: the dialog is `{0}`")]
pub struct AssistantNotInControl(pub Control);

/// Something that was said, with the dialog as it is from then on.
#[derive(Clone, Debug, PartialEq)]
pub struct Utterance {
    /// The dialog.
    pub dialog: Dialog,
    /// What was said.
    pub message: Message,
    /// The channel's own name of it, if it came from there.
    pub channel_message: Option<MessageRef>,
    /// What the program says right after it: that control changed with these words.
    pub notice: Option<Message>,
    /// The client's own name of it, if an operator wrote it.
    pub client_id: Option<String>,
    /// What it does to the queue of those who wait for a human.
    pub queue: Option<QueueMove>,
}

impl Utterance {
    /// Words that did not come from the channel.
    pub const fn new(dialog: Dialog, message: Message) -> Self {
        Self { dialog, message, channel_message: None, notice: None, client_id: None, queue: None }
    }

    /// Asks for a human with the same words.
    fn hand_off(
        self,
        reason: HandoffReason,
        message_id: MessageId,
        now: DateTime<Utc>,
    ) -> Result<Change<Self>, ControlRefused> {
        let Self { dialog, message, channel_message, .. } = self;
        let change = dialog.hand_off(reason, &Cause::of_program(message_id, now))?;
        Ok(change.with(|step| Self {
            channel_message,
            notice: Some(step.message),
            queue: step.queue,
            ..Self::new(step.dialog, message)
        }))
    }
}

impl Contact {
    /// Does not want to hear from us. `None`: we knew.
    pub fn block(mut self, now: DateTime<Utc>) -> Option<Change<Self>> {
        if self.blocked_at.is_some() {
            return None;
        }
        self.blocked_at = Some(now);
        Some(self.told_block(now))
    }

    /// Lets us speak again, as of `now`. `None`: we may, or were blocked after that.
    pub fn unblock(mut self, now: DateTime<Utc>) -> Option<Change<Self>> {
        if self.blocked_at.is_none_or(|since| since > now) {
            return None;
        }
        self.blocked_at = None;
        Some(self.told_block(now))
    }

    /// Came by a link that carried this. `None`: where they came from is known; the first time
    /// counts.
    pub fn come_from(mut self, source: &str) -> Option<Change<Self>> {
        if self.source.is_some() {
            return None;
        }
        self.source = Some(source.to_owned());
        Some(Change::of(self.workspace_id, self))
    }

    /// Chose a language. `None`: it was chosen already.
    pub fn choose(mut self, language: Language) -> Option<Change<Self>> {
        if self.language == Some(language) {
            return None;
        }
        self.language = Some(language);
        Some(Change::of(self.workspace_id, self))
    }

    fn told_block(self, now: DateTime<Utc>) -> Change<Self> {
        let blocked = self.blocked_at.is_some();
        let event = Event::ContactBlocked { contact_id: self.id, blocked };
        Change::of(self.workspace_id, self).telling(event, now)
    }
}
