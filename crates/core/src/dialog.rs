//! The conversation of one contact with one assistant, and who may speak in it.

use chrono::{DateTime, Duration, Utc};

use crate::{
    assistant::Language,
    channel::{Address, ChatKind},
    ids::{AssistantId, ChannelId, ContactId, DialogId, UserId, WorkspaceId},
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
        /// Nobody: it is over. The customer's next words reopen it, or begin a new one.
        Closed = "closed",
    }
}

words! {
    /// Why a dialog waits for a human.
    HandoffReason {
        /// The customer asked for one.
        Asked = "asked",
        /// The assistant did not know the answer.
        Unknown = "unknown",
        /// The answer failed its check.
        Unverified = "unverified",
        /// The owner wants people to answer this subject.
        Topic = "topic",
        /// The customer is angry.
        Angry = "angry",
        /// People answer everything.
        Always = "always",
        /// An operator gave it back to the queue.
        Operator = "operator",
        /// The operator did not answer in time.
        Silence = "silence",
        /// The operator went offline, or is no longer a member.
        Absence = "absence",
        /// The operator's shift ended.
        ShiftEnded = "shift_ended",
    }
}

words! {
    /// What changes who has control of a dialog.
    ControlStep {
        /// A human is asked for.
        HandOff = "hand_off",
        /// An operator answers from now on.
        TakeOver = "take_over",
        /// Somebody gives the dialog to an operator.
        Assign = "assign",
        /// Nobody is asked for any more: the assistant answers.
        Release = "release",
        /// The operator gives the dialog back to the assistant.
        HandBack = "hand_back",
        /// The dialog is over.
        Close = "close",
        /// A dialog that was over goes on.
        Reopen = "reopen",
    }
}

/// Somebody on our side who is not the assistant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The person; `None` for a program with a key, and for a person whose account was deleted.
    pub user_id: Option<UserId>,
    /// The name that colleagues see.
    pub name: String,
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
    /// The language of their app, as the channel told it.
    pub language_code: Option<String>,
    /// The language that they chose.
    pub language: Option<Language>,
    /// Where they came from: what the link carried by which they first came.
    pub source: Option<String>,
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
    /// How often the customer edited what was not answered yet; settling a turn compares it.
    pub edits: i64,
    /// The number of the customer's last wish to begin anew: the assistant knows nothing of what
    /// was said before; 0: there was none.
    pub fresh_seq: i64,
    /// The operator who answers; `None` unless `control` is `human`.
    pub assignee: Option<Operator>,
    /// Since when the customer has been asking for a human. Kept while one answers, so that nobody
    /// loses their place in the queue.
    pub asking_since: Option<DateTime<Utc>>,
    /// Why a human was asked for.
    pub handoff_reason: Option<HandoffReason>,
    /// Since when it is over.
    pub closed_at: Option<DateTime<Utc>>,
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
            // Nobody has asked for a human, and nothing has been said.
            control: Control::Ai,
            epoch: 0,
            last_seq: 0,
            heard_seq: 0,
            answered_seq: 0,
            edits: 0,
            fresh_seq: 0,
            assignee: None,
            asking_since: None,
            handoff_reason: None,
            closed_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Since when the customer waits for a human, if they do.
    pub fn waiting_since(&self) -> Option<DateTime<Utc>> {
        self.asking_since.filter(|_| self.control == Control::Waiting)
    }

    /// Do the customer's words still go on in it, rather than begin a new dialog?
    pub fn reopens(&self, after: Duration, now: DateTime<Utc>) -> bool {
        let closed = self.closed_at.filter(|_| self.control == Control::Closed);
        closed.is_some_and(|closed| now - closed < after)
    }

    /// May a turn that began at `epoch` store its reply?
    pub fn may_settle(&self, epoch: i64) -> bool {
        self.control == Control::Ai && self.epoch == epoch
    }
}
