//! Facts in a workspace's log, numbered, that screens and webhooks follow.
//!
//! An event says what changed and carries the ids and the few values a screen needs to show it; it
//! is written in the transaction of the change. The stored form has a test: readers of old logs
//! rely on it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    channel::{ChannelKind, ChannelStatus},
    dialog::Control,
    evaluation::RunStatus,
    ids::{AssistantId, ChannelId, ContactId, DialogId, DocumentId, MessageId, RunId, SourceId},
    knowledge::{DocumentStatus, DocumentWarning, SourceStatus},
    message::{Author, Outcome},
};

/// A fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    /// A dialog began.
    #[serde(rename = "dialog.opened")]
    DialogOpened {
        /// The dialog.
        dialog_id: DialogId,
        /// The contact.
        contact_id: ContactId,
        /// The assistant that answers.
        assistant_id: AssistantId,
    },
    /// Somebody else may speak now.
    #[serde(rename = "dialog.control")]
    DialogControl {
        /// The dialog.
        dialog_id: DialogId,
        /// Who has control: assistant, operator or nobody.
        control: Control,
        /// The dialog's epoch from now on.
        epoch: i64,
    },
    /// A customer's message was stored.
    #[serde(rename = "message.stored")]
    MessageStored {
        /// Where it was said.
        dialog_id: DialogId,
        /// The message.
        message_id: MessageId,
        /// Its place in the dialog.
        seq: i64,
        /// The author.
        author: Author,
        /// What was said.
        text: String,
    },
    /// The assistant began to think.
    #[serde(rename = "turn.started")]
    TurnStarted {
        /// The dialog.
        dialog_id: DialogId,
        /// The last customer message it will answer.
        seq: i64,
        /// How often this turn has been tried, from 1.
        attempt: i64,
    },
    /// A reply was stored and queued for delivery.
    #[serde(rename = "reply.settled")]
    ReplySettled {
        /// The dialog.
        dialog_id: DialogId,
        /// The reply.
        message_id: MessageId,
        /// Its place in the dialog.
        seq: i64,
        /// How the turn ended.
        outcome: Outcome,
        /// What was said.
        text: String,
    },
    /// A turn ended without a reply: somebody took over while it ran.
    #[serde(rename = "turn.discarded")]
    TurnDiscarded {
        /// The dialog.
        dialog_id: DialogId,
        /// The epoch the turn had begun in.
        epoch: i64,
    },
    /// What a customer wrote is not answered: they have had as many answers as one gets.
    #[serde(rename = "turn.limited")]
    TurnLimited {
        /// The dialog.
        dialog_id: DialogId,
        /// The last customer message that is not answered.
        seq: i64,
        /// Which bound they have come to.
        bound: LimitBound,
    },
    /// The channel took every part of a reply.
    #[serde(rename = "message.delivered")]
    MessageDelivered {
        /// The dialog.
        dialog_id: DialogId,
        /// The reply.
        message_id: MessageId,
        /// How many parts may have been sent twice, because the first outcome could not be known.
        uncertain: i64,
    },
    /// The channel refused a reply permanently.
    #[serde(rename = "message.failed")]
    MessageFailed {
        /// The dialog.
        dialog_id: DialogId,
        /// The reply.
        message_id: MessageId,
        /// Why, in a sentence for its owner.
        error: String,
    },
    /// The contact blocked the bot, or let it speak again.
    #[serde(rename = "contact.blocked")]
    ContactBlocked {
        /// The contact.
        contact_id: ContactId,
        /// Whether the bot is blocked now.
        blocked: bool,
    },
    /// A document moved on.
    #[serde(rename = "document.status")]
    DocumentStatus {
        /// The document.
        document_id: DocumentId,
        /// The assistants that know it.
        #[serde(default)]
        assistants: Vec<AssistantId>,
        /// Its status.
        status: DocumentStatus,
        /// How many passages it has so far.
        #[serde(default)]
        passages: i64,
        /// How many of them have a vector.
        #[serde(default)]
        embedded: i64,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        error: Option<String>,
        /// Warnings for the owner of a document that could be read.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        warnings: Vec<DocumentWarning>,
    },
    /// A document was deleted with all its passages.
    #[serde(rename = "document.deleted")]
    DocumentDeleted {
        /// The document.
        document_id: DocumentId,
        /// The assistants that knew it.
        #[serde(default)]
        assistants: Vec<AssistantId>,
    },
    /// A source moved on.
    #[serde(rename = "source.status")]
    SourceStatus {
        /// The source.
        source_id: SourceId,
        /// The assistant that knows it.
        assistant_id: AssistantId,
        /// Its status.
        status: SourceStatus,
        /// How many pages it has so far.
        pages: i64,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        error: Option<String>,
    },
    /// A source was deleted with its pages.
    #[serde(rename = "source.deleted")]
    SourceDeleted {
        /// The source.
        source_id: SourceId,
        /// Whose knowledge it was.
        assistant_id: AssistantId,
    },
    /// A version of an assistant answers customers from now on.
    #[serde(rename = "assistant.published")]
    AssistantPublished {
        /// The assistant.
        assistant_id: AssistantId,
        /// The version's number.
        number: i64,
    },
    /// A measurement of an assistant moved on.
    #[serde(rename = "evaluation.status")]
    EvaluationStatus {
        /// The run.
        run_id: RunId,
        /// The assistant that is measured.
        assistant_id: AssistantId,
        /// Its status.
        status: RunStatus,
        /// How many questions have been asked.
        done: i64,
        /// How many there are.
        total: i64,
    },
    /// A bot was registered, started, stopped, or failed.
    #[serde(rename = "bot.status")]
    BotStatus {
        /// The bot.
        bot_id: ChannelId,
        /// Its status.
        status: ChannelStatus,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        error: Option<String>,
    },
    /// A bot was deleted.
    #[serde(rename = "bot.deleted")]
    BotDeleted {
        /// The bot.
        bot_id: ChannelId,
    },
    /// A channel that is no bot was made, changed, or failed.
    #[serde(rename = "channel.status")]
    ChannelStatus {
        /// The channel.
        channel_id: ChannelId,
        /// Which network it belongs to.
        kind: ChannelKind,
        /// Its status.
        status: ChannelStatus,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        error: Option<String>,
    },
    /// A channel that is no bot was deleted.
    #[serde(rename = "channel.deleted")]
    ChannelDeleted {
        /// The channel.
        channel_id: ChannelId,
    },
}

impl Event {
    /// The stable name of this kind of fact, as streams and webhooks show it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DialogOpened { .. } => "dialog.opened",
            Self::DialogControl { .. } => "dialog.control",
            Self::MessageStored { .. } => "message.stored",
            Self::TurnStarted { .. } => "turn.started",
            Self::ReplySettled { .. } => "reply.settled",
            Self::TurnDiscarded { .. } => "turn.discarded",
            Self::TurnLimited { .. } => "turn.limited",
            Self::MessageDelivered { .. } => "message.delivered",
            Self::MessageFailed { .. } => "message.failed",
            Self::ContactBlocked { .. } => "contact.blocked",
            Self::DocumentStatus { .. } => "document.status",
            Self::DocumentDeleted { .. } => "document.deleted",
            Self::SourceStatus { .. } => "source.status",
            Self::SourceDeleted { .. } => "source.deleted",
            Self::AssistantPublished { .. } => "assistant.published",
            Self::EvaluationStatus { .. } => "evaluation.status",
            Self::BotStatus { .. } => "bot.status",
            Self::BotDeleted { .. } => "bot.deleted",
            Self::ChannelStatus { .. } => "channel.status",
            Self::ChannelDeleted { .. } => "channel.deleted",
        }
    }
}

/// A bound on the answers to one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitBound {
    /// So many in a short time.
    Rate,
    /// So many on a day.
    Day,
}

/// An event in the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recorded {
    /// Its number in the workspace's log, from 1 without gaps, in the order of commits. In JSON it
    /// is `id`, because some events have a `seq` of their own.
    #[serde(rename = "id")]
    pub seq: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_is_stable() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let event = Event::DocumentStatus {
            document_id: id.parse().unwrap(),
            assistants: vec![id.parse().unwrap()],
            status: DocumentStatus::Failed,
            passages: 0,
            embedded: 0,
            error: Some("the file is empty".to_owned()),
            warnings: Vec::new(),
        };
        let stored = serde_json::to_value(&event).unwrap();
        assert_eq!(
            stored,
            serde_json::json!({
                "type": "document.status", "document_id": id, "assistants": [id],
                "status": "failed", "passages": 0, "embedded": 0, "error": "the file is empty",
            })
        );
        assert_eq!(stored["type"], event.name());
        assert_eq!(serde_json::from_value::<Event>(stored).unwrap(), event);
    }

    #[test]
    fn the_number_in_the_log_and_the_number_in_the_dialog_do_not_collide() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let event = Event::TurnStarted { dialog_id: id.parse().unwrap(), seq: 2, attempt: 1 };
        let shown =
            serde_json::to_string(&Recorded { seq: 7, at: DateTime::UNIX_EPOCH, event }).unwrap();
        assert!(shown.starts_with(r#"{"id":7,"#), "{shown}");
        assert_eq!(shown.matches("\"seq\":").count(), 1, "{shown}");
    }
}
