//! The conversation of one contact with one assistant, and who may speak in it.

use chrono::{DateTime, Utc};

use crate::{
    channel::{Address, ChatKind},
    ids::{AssistantId, ChannelId, ContactId, DialogId, WorkspaceId},
    words::words,
};

words! {
    /// Who has control of a dialog.
    Control {
        /// The assistant answers.
        Ai = "ai",
        /// The customer waits for a human.
        Waiting = "waiting",
        /// An operator answers.
        Human = "human",
        /// Nobody: it is over, and the next word of the customer opens a new one.
        Closed = "closed",
    }
}

/// A customer, as known in one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Identity.
    pub id: ContactId,
    /// The workspace whose customer it is.
    pub workspace_id: WorkspaceId,
    /// The channel they write in.
    pub channel_id: ChannelId,
    /// Where they are reached in it.
    pub address: Address,
    /// What kind of chat that is.
    pub chat_kind: ChatKind,
    /// The name they give themselves.
    pub display_name: String,
    /// Since when they do not want to hear from us.
    pub blocked_at: Option<DateTime<Utc>>,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialog {
    /// Identity.
    pub id: DialogId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// The assistant that answers in it.
    pub assistant_id: AssistantId,
    /// The channel it runs through.
    pub channel_id: ChannelId,
    /// The contact.
    pub contact_id: ContactId,
    /// Who has control: assistant, operator or nobody.
    pub control: Control,
    /// Raised by every change of control; settling a turn compares it.
    pub epoch: i64,
    /// The number of its last message; 0 before the first.
    pub last_seq: i64,
    /// The number of the customer's last message; 0 before the first.
    pub heard_seq: i64,
    /// Up to which message of the customer everything has been answered.
    pub answered_seq: i64,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When something was last said in it.
    pub updated_at: DateTime<Utc>,
}

impl Dialog {
    /// A dialog of a contact with an assistant, in which nothing has been said.
    pub fn between(
        contact: &Contact,
        assistant_id: AssistantId,
        id: DialogId,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            workspace_id: contact.workspace_id,
            assistant_id,
            channel_id: contact.channel_id,
            contact_id: contact.id,
            control: Control::Ai,
            epoch: 0,
            last_seq: 0,
            heard_seq: 0,
            answered_seq: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// May a turn that began at `epoch` store its reply?
    pub fn may_settle(&self, epoch: i64) -> bool {
        self.control == Control::Ai && self.epoch == epoch
    }
}
