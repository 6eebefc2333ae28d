//! What becomes of a reply on its way to the customer.

use chrono::{DateTime, Utc};

use crate::{
    act::{Actor, MessageActCorrected},
    change::Change,
    event::Event,
    ids::{DialogId, MessageId, WorkspaceId},
    message::{Author, Delivery, Message, MessageAct},
};

/// A reply on its way, by its ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentReply {
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// Where it was said.
    pub dialog_id: DialogId,
    /// The message.
    pub message_id: MessageId,
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageDelivery {
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The message.
    pub message_id: MessageId,
    /// What became of it.
    pub delivery: Delivery,
}

/// What a customer's message is, corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CorrectedAct {
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The message.
    pub message_id: MessageId,
    /// What it is.
    pub act: MessageAct,
}

impl Message {
    /// Corrects what the message is. `None`: it is not a customer's.
    pub fn correct_act(
        &self,
        act: MessageAct,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Option<Change<CorrectedAct>> {
        if self.author != Author::Customer {
            return None;
        }
        let Self { workspace_id, dialog_id, id: message_id, .. } = *self;
        let event = Event::MessageActCorrected { dialog_id, message_id, act };
        let entry = MessageActCorrected { message: message_id, dialog_id, act };
        let corrected = CorrectedAct { workspace_id, message_id, act };
        Some(Change::of(workspace_id, corrected).telling(event, now).done_by(by, &entry, now))
    }
}

impl SentReply {
    /// The channel took every part; so many of them may have been sent twice.
    pub fn delivered(self, uncertain: i64, now: DateTime<Utc>) -> Change<MessageDelivery> {
        let Self { dialog_id, message_id, .. } = self;
        let event = Event::MessageDelivered { dialog_id, message_id, uncertain };
        self.became(Delivery::Delivered).telling(event, now)
    }

    /// The channel refused it permanently.
    pub fn failed(self, error: String, now: DateTime<Utc>) -> Change<MessageDelivery> {
        let Self { dialog_id, message_id, .. } = self;
        let event = Event::MessageFailed { dialog_id, message_id, error };
        self.became(Delivery::Failed).telling(event, now)
    }

    /// What the channel refused of it is sent again.
    pub fn retried(self, now: DateTime<Utc>) -> Change<MessageDelivery> {
        let Self { dialog_id, message_id, .. } = self;
        let event = Event::MessageRetried { dialog_id, message_id };
        self.became(Delivery::Queued).telling(event, now)
    }

    /// Somebody took over before all of it was sent.
    pub fn canceled(self, now: DateTime<Utc>) -> Change<MessageDelivery> {
        let Self { dialog_id, message_id, .. } = self;
        let event = Event::MessageCanceled { dialog_id, message_id };
        self.became(Delivery::Canceled).telling(event, now)
    }

    const fn became(self, delivery: Delivery) -> Change<MessageDelivery> {
        let Self { workspace_id, message_id, .. } = self;
        Change::of(workspace_id, MessageDelivery { workspace_id, message_id, delivery })
    }
}
