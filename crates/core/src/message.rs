//! One utterance in a dialog.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    channel::Quoted,
    dialog::Operator,
    ids::{DialogId, DocumentId, MessageId, PassageId, UserId, WorkspaceId},
    money::Money,
    words::words,
};

words! {
    /// The author.
    Author {
        /// The customer.
        Customer = "customer",
        /// The assistant.
        Assistant = "assistant",
        /// A human on our side.
        Operator = "operator",
        /// The program itself.
        System = "system",
    }
}

words! {
    /// The kind of message.
    MessageKind {
        /// Words.
        Text = "text",
        /// The customer opened the conversation (`/start`).
        Start = "start",
        /// A command: the text is the command with its slash.
        Command = "command",
        /// Something we cannot read yet; the text names it (`photo`, `voice`).
        Unsupported = "unsupported",
        /// Who may speak changed; the text names the step (`take_over`, `close`).
        Control = "control",
        /// What operators tell each other. It is never sent.
        Note = "note",
    }
}

impl MessageKind {
    /// May the customer see it? Control and notes are for colleagues.
    pub const fn is_shown(self) -> bool {
        matches!(self, Self::Text | Self::Start | Self::Command | Self::Unsupported)
    }
}

words! {
    /// The outcome of a reply.
    Delivery {
        /// Nothing to deliver: it came from the customer, or is not for them.
        None = "none",
        /// Stored, on its way.
        Queued = "queued",
        /// The channel took every part.
        Delivered = "delivered",
        /// The channel refused it permanently.
        Failed = "failed",
        /// Somebody took over before all of it was sent.
        Canceled = "canceled",
    }
}

words! {
    /// How far a part of a reply is.
    PartStatus {
        /// It waits to be sent.
        Queued = "queued",
        /// It is being sent.
        Sending = "sending",
        /// The channel took it.
        Sent = "sent",
        /// It may have been sent; it will be sent again.
        Uncertain = "uncertain",
        /// The channel refused it permanently.
        Failed = "failed",
        /// Somebody took over before it was sent.
        Canceled = "canceled",
    }
}

words! {
    /// How a turn ended.
    Outcome as "AnswerOutcome" {
        /// Answered from the documents.
        Answered = "answered",
        /// The documents did not hold the answer, and the assistant said so.
        Unknown = "unknown",
        /// No model could be reached, and the assistant said so.
        Fallback = "fallback",
        /// A fixed text: the greeting, or a note that this kind of message cannot be read.
        Fixed = "fixed",
        /// The customer has had as many answers as one gets, and was told so.
        Limited = "limited",
    }
}

words! {
    /// The result of checking an answer's facts against its sources.
    CheckOutcome {
        /// Every fact stands in the sources.
        Passed = "passed",
        /// The first answer had facts of its own; the second one passed.
        Regenerated = "regenerated",
        /// Both answers had facts of their own; the customer got another text.
        Failed = "failed",
        /// There was nothing to check, or the assistant's owner switched it off.
        Skipped = "skipped",
    }
}

words! {
    /// What a customer's message is, told before anything is looked up.
    MessageAct {
        /// The customer says hello.
        Greeting = "greeting",
        /// The customer thanks.
        Thanks = "thanks",
        /// The customer agrees, or says that they understood.
        Agreement = "agreement",
        /// The customer says goodbye.
        Farewell = "farewell",
        /// Nothing but emoji.
        Emoji = "emoji",
        /// The customer asks who answers.
        WhoAreYou = "who_are_you",
        /// The customer asks what the assistant is for, or says that they have a question.
        WhatCanYouDo = "what_can_you_do",
        /// The customer asks for a human.
        WantsHuman = "wants_human",
        /// The customer complains.
        Complaint = "complaint",
        /// The customer wants to book something, or to change a booking.
        Booking = "booking",
        /// The customer asks what became of an order.
        OrderStatus = "order_status",
        /// Insults, and nothing else.
        Abuse = "abuse",
        /// Everything else: the documents are searched.
        Question = "question",
    }
}

/// What a message said before its author edited it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The words.
    pub text: String,
    /// When they were replaced.
    pub until: DateTime<Utc>,
}

/// One utterance in a dialog.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Identity.
    pub id: MessageId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// Where it was said.
    pub dialog_id: DialogId,
    /// Its place in the dialog, from 1 without gaps.
    pub seq: i64,
    /// The author.
    pub author: Author,
    /// The kind of message.
    pub kind: MessageKind,
    /// What was said.
    pub text: String,
    /// The earlier words that a customer's message is about, where they point to some.
    pub quoted: Option<Quoted>,
    /// What a customer's message said before it was edited, oldest first.
    pub revisions: Vec<Revision>,
    /// What became of it, if it is ours.
    pub delivery: Delivery,
    /// How an assistant's reply was made; `null` for other authors.
    pub answer: Option<AnswerMeta>,
    /// The operator who wrote it or changed control; `None` for other authors.
    pub operator: Option<Operator>,
    /// Whom a note wants to read it.
    pub mentions: Vec<UserId>,
    /// What a customer's message is; `None` until it was answered, and for other authors.
    pub act: Option<MessageAct>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
}

/// How an assistant's reply was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is stored and shown by its own name")]
pub struct AnswerMeta {
    /// How the turn ended.
    pub outcome: Outcome,
    /// The model that wrote it.
    pub model: String,
    /// Tokens read by the model.
    pub prompt_tokens: u64,
    /// Tokens written by the model.
    pub completion_tokens: u64,
    /// What the model's provider charges for them.
    pub cost: Money,
    /// From the start of the turn to the stored reply, milliseconds.
    pub duration_ms: u64,
    /// From asking the model to its first word, milliseconds.
    pub first_token_ms: Option<u64>,
    /// The passages that the answer is based on, best first.
    pub citations: Vec<Citation>,
    /// The provider of the model; empty if none was called.
    #[serde(default)]
    pub provider: String,
    /// How many calls of a model the answer took, failed ones included.
    #[serde(default)]
    pub attempts: u32,
    /// What became of the check.
    #[serde(default = "skipped")]
    pub check: CheckOutcome,
    /// What the check did not find in the sources, in a few words each; bounded.
    #[serde(default)]
    pub objections: Vec<String>,
    /// The self-contained question that was searched for, where it is not the customer's.
    #[serde(default)]
    pub searched: Option<String>,
    /// The assistant's version that answered; `None` for a draft.
    #[serde(default)]
    pub version: Option<i64>,
    /// What the customer's message was taken for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<MessageAct>,
    /// Whether a human was offered: `yes` brings one in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offered: bool,
    /// Whether it came after the fallback text, once a model was back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Whether it is what another customer was answered to the same question.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// Whether it was quoted as what may help.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
}

const fn skipped() -> CheckOutcome {
    CheckOutcome::Skipped
}

/// A passage that an answer is based on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The document.
    pub document_id: DocumentId,
    /// The passage in it.
    pub passage_id: PassageId,
    /// The document's title and the headings above the passage.
    pub title: String,
    /// The page of the original it begins on, from 1, where the format has pages.
    pub page: Option<i64>,
    /// Where it begins in the document's text, bytes.
    pub start: i64,
    /// Where it ends in the document's text, bytes, exclusive.
    pub end: i64,
}
