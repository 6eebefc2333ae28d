//! What operators say: to the customer, and to each other.

use chrono::{DateTime, Utc};

use super::{AssistantNotInControl, Utterance};
use crate::{
    change::Change,
    dialog::{Control, Dialog, Operator},
    event::Event,
    ids::{MessageId, UserId},
    message::{Author, Delivery, Message, MessageKind},
};

/// What an operator writes, before it has its place in a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Identity of the message.
    pub id: MessageId,
    /// The client's own name of it, unique in the dialog.
    pub client_id: String,
    /// The words.
    pub text: String,
    /// Who wrote them.
    pub operator: Operator,
}

impl Dialog {
    /// The operator who has the dialog answers everything that the customer has said.
    ///
    /// # Errors
    ///
    /// [`AssistantNotInControl`] unless a human has control.
    pub fn answer(
        mut self,
        words: Written,
        now: DateTime<Utc>,
    ) -> Result<Change<Utterance>, AssistantNotInControl> {
        if self.control != Control::Human {
            return Err(AssistantNotInControl(self.control));
        }
        let client_id = words.client_id.clone();
        let message = self.utter(words, MessageKind::Text, Delivery::Queued, now);
        self.answered_seq = self.heard_seq;

        let event = Event::MessageStored {
            dialog_id: self.id,
            message_id: message.id,
            seq: message.seq,
            author: message.author,
            text: None,
        };
        Ok(self.uttered(message, client_id).telling(event, now))
    }

    /// An operator tells colleagues something that the customer never sees. A note may be written
    /// whoever has control.
    pub fn note(
        mut self,
        words: Written,
        mentions: Vec<UserId>,
        now: DateTime<Utc>,
    ) -> Change<Utterance> {
        let client_id = words.client_id.clone();
        let author_id = words.operator.user_id;
        let mut message = self.utter(words, MessageKind::Note, Delivery::None, now);
        message.mentions.clone_from(&mentions);

        let event = Event::NoteStored {
            dialog_id: self.id,
            message_id: message.id,
            seq: message.seq,
            author_id,
            mentions,
        };
        self.uttered(message, client_id).telling(event, now)
    }

    fn utter(
        &mut self,
        words: Written,
        kind: MessageKind,
        delivery: Delivery,
        now: DateTime<Utc>,
    ) -> Message {
        Message {
            id: words.id,
            workspace_id: self.workspace_id,
            dialog_id: self.id,
            seq: self.next_seq(now),
            author: Author::Operator,
            kind,
            text: words.text,
            quoted: None,
            revisions: Vec::new(),
            delivery,
            answer: None,
            act: None,
            operator: Some(words.operator),
            mentions: Vec::new(),
            created_at: now,
        }
    }

    fn uttered(self, message: Message, client_id: String) -> Change<Utterance> {
        let workspace = self.workspace_id;
        let said = Utterance { client_id: Some(client_id), ..Utterance::new(self, message) };
        Change::of(workspace, said)
    }
}

impl Utterance {
    /// An operator who has just taken over answers with the same step.
    ///
    /// # Errors
    ///
    /// [`AssistantNotInControl`] unless a human has control.
    pub fn answer(
        self,
        words: Written,
        now: DateTime<Utc>,
    ) -> Result<Change<Self>, AssistantNotInControl> {
        let Self { dialog, message: taken_over, queue, .. } = self;
        let change = dialog.answer(words, now)?;
        Ok(change.with(|said| Self { notice: Some(taken_over), queue, ..said }))
    }
}
