//! Facts in a workspace's log, numbered, that screens and webhooks follow.
//!
//! An event says what changed and carries the ids and the few values that a screen needs to show
//! it; it is written in the transaction of the change. What people said is not stored with it but
//! read from their message whenever the event is read, so that deleted words are gone from the log
//! as well.
//!
//! The table below is the one place that names an event and its fields. Its stored form,
//! [`Event::KINDS`], the `OpenAPI` document and the list in `docs/api.md` follow from it or are
//! tested against it. Stored forms are stable: fields may be added, none is renamed or removed.

#[macro_use]
mod table;

mod examples;
mod kind;
mod quoted;
mod recorded;
mod shapes;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use kind::{EventKind, Subject};
pub use recorded::{Recorded, VERSION};

use crate::{
    attachment::AttachmentStatus,
    channel::{ChannelKind, ChannelStatus},
    dialog::{Control, ControlStep, HandoffReason},
    evaluation::RunStatus,
    ids::{
        AssistantId, AttachmentId, CannedReplyId, ChannelId, ContactId, DialogId, DocumentId,
        MessageId, RunId, SourceId, TagId, UserId,
    },
    knowledge::{DocumentStatus, DocumentWarning, SourceStatus},
    message::{Author, MessageAct, Outcome},
    presence::{AssignReason, PresenceState},
    shape::{Field, Presence, Shaped},
    sla::{Awaited, SlaStatus},
    snooze::SnoozeEnd,
    words::words,
};

events! {
    /// A dialog began.
    DialogOpened = "dialog.opened" {
        /// The dialog.
        dialog_id: DialogId,
        /// The contact.
        contact_id: ContactId,
        /// The assistant that answers.
        assistant_id: AssistantId,
    }

    /// Control of the dialog changed.
    DialogControl = "dialog.control" {
        /// The dialog.
        dialog_id: DialogId,
        /// Who has control: assistant, operator or nobody.
        control: Control,
        /// The dialog's epoch from now on.
        epoch: i64,
        /// What happened.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        step: Option<ControlStep>,
        /// The place in the dialog of the message that says so.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        seq: Option<i64>,
        /// Why the dialog waits for a human.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        reason: Option<HandoffReason>,
        /// The operator who answers from now on.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        assignee_id: Option<UserId>,
        /// Why it was given to them.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        assigned_by: Option<AssignReason>,
    }

    /// A message of a customer, or of an operator or the program to the customer, was stored.
    MessageStored = "message.stored" {
        /// Where it was said.
        dialog_id: DialogId,
        /// The message.
        message_id: MessageId,
        /// Its place in the dialog.
        seq: i64,
        /// The author.
        author: Author,
        /// What was said. Left out when the message was deleted.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        text: Option<String>,
    }

    /// An operator wrote a note for colleagues. Its words are not in the log.
    NoteStored = "note.stored" {
        /// Where it was written.
        dialog_id: DialogId,
        /// The note.
        message_id: MessageId,
        /// Its place in the dialog.
        seq: i64,
        /// Who wrote it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        author_id: Option<UserId>,
        /// Who is to read it.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        mentions: Vec<UserId>,
    }

    /// The assistant began to think.
    TurnStarted = "turn.started" {
        /// The dialog.
        dialog_id: DialogId,
        /// The last customer message it will answer.
        seq: i64,
        /// How often this turn has been tried, from 1.
        attempt: i64,
    }

    /// A reply was stored and queued for delivery.
    ReplySettled = "reply.settled" {
        /// The dialog.
        dialog_id: DialogId,
        /// The reply.
        message_id: MessageId,
        /// Its place in the dialog.
        seq: i64,
        /// How the turn ended.
        outcome: Outcome,
        /// What was said. Left out when the message was deleted.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        text: Option<String>,
    }

    /// A turn ended without a reply because somebody took over, or because the customer edited
    /// what it answers.
    TurnDiscarded = "turn.discarded" {
        /// The dialog.
        dialog_id: DialogId,
        /// The epoch in which the turn began.
        epoch: i64,
    }

    /// What a customer wrote is not answered: they have had as many answers as one gets.
    TurnLimited = "turn.limited" {
        /// The dialog.
        dialog_id: DialogId,
        /// The last customer message that is not answered.
        seq: i64,
        /// Which bound they have come to.
        bound: LimitBound,
    }

    /// The channel took every part of a reply.
    MessageDelivered = "message.delivered" {
        /// The dialog.
        dialog_id: DialogId,
        /// The reply.
        message_id: MessageId,
        /// How many parts may have been sent twice, because the first outcome could not be known.
        uncertain: i64,
    }

    /// A customer edited a message.
    MessageEdited = "message.edited" {
        /// The dialog.
        dialog_id: DialogId,
        /// The message.
        message_id: MessageId,
        /// Its place in the dialog.
        seq: i64,
        /// What it says now. Left out when the message was deleted.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        text: Option<String>,
    }

    /// An operator corrected what a customer's message is.
    MessageActCorrected = "message.act_corrected" {
        /// The dialog.
        dialog_id: DialogId,
        /// The message.
        message_id: MessageId,
        /// What it is.
        act: MessageAct,
    }

    /// The channel refused a reply permanently.
    MessageFailed = "message.failed" {
        /// The dialog.
        dialog_id: DialogId,
        /// The reply.
        message_id: MessageId,
        /// Why, in a sentence for its owner.
        error: String,
    }

    /// What the channel refused of a reply is sent again.
    MessageRetried = "message.retried" {
        /// The dialog.
        dialog_id: DialogId,
        /// The reply.
        message_id: MessageId,
    }

    /// What was not sent yet of an assistant's reply is not sent any more: control changed.
    MessageCanceled = "message.canceled" {
        /// The dialog.
        dialog_id: DialogId,
        /// The reply.
        message_id: MessageId,
    }

    /// A file of a message was fetched, or cannot be had.
    AttachmentStatus = "attachment.status" {
        /// The dialog.
        dialog_id: DialogId,
        /// The message.
        message_id: MessageId,
        /// The file.
        attachment_id: AttachmentId,
        /// Its status.
        status: AttachmentStatus,
    }

    /// An operator came online, is away or went offline.
    OperatorPresence = "operator.presence" {
        /// The operator.
        user_id: UserId,
        /// Whether they are there.
        state: PresenceState,
    }

    /// A promised reply of a person is at risk, or was not given in time.
    DialogSla = "dialog.sla" {
        /// The dialog.
        dialog_id: DialogId,
        /// Which reply was promised.
        awaited: Awaited,
        /// How the promise stands.
        status: SlaStatus,
    }

    /// A dialog has other tags.
    DialogTagged = "dialog.tagged" {
        /// The dialog.
        dialog_id: DialogId,
        /// All its tags from now on.
        tags: Vec<TagId>,
    }

    /// An operator does not want to see a dialog until a time, or until the customer writes.
    DialogSnoozed = "dialog.snoozed" {
        /// The dialog.
        dialog_id: DialogId,
        /// Until when.
        until: DateTime<Utc>,
    }

    /// A snoozed dialog is in sight again. Sent up to 15 seconds after it is.
    DialogReturned = "dialog.returned" {
        /// The dialog.
        dialog_id: DialogId,
        /// What brought it back.
        because: SnoozeEnd,
    }

    /// A tag was created or renamed.
    TagSaved = "tag.saved" {
        /// The tag.
        tag_id: TagId,
    }

    /// A tag was deleted, from its dialogs as well.
    TagDeleted = "tag.deleted" {
        /// The tag.
        tag_id: TagId,
    }

    /// A canned reply was created or changed.
    CannedReplySaved = "canned_reply.saved" {
        /// The canned reply.
        canned_reply_id: CannedReplyId,
    }

    /// A canned reply was deleted.
    CannedReplyDeleted = "canned_reply.deleted" {
        /// The canned reply.
        canned_reply_id: CannedReplyId,
    }

    /// The contact blocked or unblocked the bot.
    ContactBlocked = "contact.blocked" {
        /// The contact.
        contact_id: ContactId,
        /// Whether the bot is blocked now.
        blocked: bool,
    }

    /// A document moved on.
    DocumentStatus = "document.status" {
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
    }

    /// A document was deleted with all its passages.
    DocumentDeleted = "document.deleted" {
        /// The document.
        document_id: DocumentId,
        /// The assistants that knew it.
        #[serde(default)]
        assistants: Vec<AssistantId>,
    }

    /// A source moved on.
    SourceStatus = "source.status" {
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
    }

    /// A source was deleted with its pages.
    SourceDeleted = "source.deleted" {
        /// The source.
        source_id: SourceId,
        /// The assistant that knew it.
        assistant_id: AssistantId,
    }

    /// A version of an assistant answers customers from now on.
    AssistantPublished = "assistant.published" {
        /// The assistant.
        assistant_id: AssistantId,
        /// The version's number.
        number: i64,
    }

    /// An assistant was paused, and answers nobody, or was resumed.
    AssistantPaused = "assistant.paused" {
        /// The assistant.
        assistant_id: AssistantId,
        /// Whether it is paused now.
        paused: bool,
    }

    /// A measurement of an assistant moved on.
    EvaluationStatus = "evaluation.status" {
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
    }

    /// A bot was registered, started, stopped, or failed.
    BotStatus = "bot.status" {
        /// The bot.
        bot_id: ChannelId,
        /// Its status.
        status: ChannelStatus,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        error: Option<String>,
    }

    /// A bot was deleted.
    BotDeleted = "bot.deleted" {
        /// The bot.
        bot_id: ChannelId,
    }

    /// A channel other than a bot was created or changed, or failed.
    ChannelStatus = "channel.status" {
        /// The channel.
        channel_id: ChannelId,
        /// Which network it belongs to.
        kind: ChannelKind,
        /// Its status.
        status: ChannelStatus,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        error: Option<String>,
    }

    /// A channel other than a bot was deleted.
    ChannelDeleted = "channel.deleted" {
        /// The channel.
        channel_id: ChannelId,
    }
}

words! {
    /// A bound on the answers to one customer.
    LimitBound {
        /// So many in a short time.
        Rate = "rate",
        /// So many on a day.
        Day = "day",
        /// As many as the balance of the workspace pays for.
        Balance = "balance",
    }
}
