//! What becomes of a reply on its way to the customer.

use chrono::{DateTime, Utc};

use crate::{
    change::Change,
    event::Event,
    ids::{DialogId, MessageId, WorkspaceId},
    message::Delivery,
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
