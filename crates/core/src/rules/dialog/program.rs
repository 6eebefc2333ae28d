//! What the program itself says to a customer who is in people's hands: who answers, and that the
//! wait goes on.

use chrono::{DateTime, Utc};

use super::Utterance;
use crate::{
    change::Change,
    dialog::{Dialog, Operator},
    event::Event,
    ids::MessageId,
    message::{Author, Delivery, Message, MessageKind},
};

/// What the program says, before it has its place in a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Identity of the message.
    pub id: MessageId,
    /// The words.
    pub text: String,
    /// The operator of whom it tells, if it does.
    pub operator: Option<Operator>,
}

impl Dialog {
    /// The program tells the customer something. It answers nothing, and changes nobody's control.
    pub fn announce(mut self, words: Announcement, now: DateTime<Utc>) -> Change<Utterance> {
        let message = Message {
            id: words.id,
            workspace_id: self.workspace_id,
            dialog_id: self.id,
            seq: self.next_seq(now),
            author: Author::System,
            kind: MessageKind::Text,
            text: words.text,
            quoted: None,
            revisions: Vec::new(),
            delivery: Delivery::Queued,
            answer: None,
            operator: words.operator,
            mentions: Vec::new(),
            act: None,
            created_at: now,
        };

        let event = Event::MessageStored {
            dialog_id: self.id,
            message_id: message.id,
            seq: message.seq,
            author: message.author,
            text: None,
        };

        let workspace = self.workspace_id;
        Change::of(workspace, Utterance::new(self, message)).telling(event, now)
    }
}
