//! An example of every kind of event, for the `OpenAPI` document and for tests.

use super::{Event, LimitBound, Recorded};
use crate::{
    attachment::AttachmentStatus,
    channel::{ChannelKind, ChannelStatus},
    dialog::{Control, ControlStep, HandoffReason},
    evaluation::RunStatus,
    ids::{
        AssistantId, ChannelId, ContactId, DialogId, DocumentId, Id, MessageId, RunId, SourceId,
    },
    knowledge::{DocumentStatus, DocumentWarning, SourceStatus, WarningCode},
    message::{Author, MessageAct, Outcome},
    presence::PresenceState,
    sla::{Awaited, SlaStatus},
    snooze::SnoozeEnd,
};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// An id that looks like those of the program.
fn id<T: Id>(number: u128) -> T {
    T::from(Uuid::from_u128(0x019c_ea5b_e1b0_7c3d_9a41_5e2b_8f6d_0000 | number))
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_773_480_393_589_793).unwrap_or_default()
}

fn tomorrow() -> DateTime<Utc> {
    at() + TimeDelta::days(1)
}

impl Recorded {
    /// An example of every kind of event, in the order of [`Event::KINDS`].
    pub fn examples() -> Vec<Self> {
        let events = conversation().into_iter().chain(knowledge()).chain(the_rest());
        (1..).zip(events).map(|(seq, event)| Self { seq, at: at(), event }).collect()
    }
}

fn conversation() -> Vec<Event> {
    let dialog_id: DialogId = id(1);
    let question: MessageId = id(2);
    let reply: MessageId = id(3);
    let contact_id: ContactId = id(4);
    let assistant_id: AssistantId = id(5);
    let error = "the customer has blocked the bot".to_owned();

    vec![
        Event::DialogOpened { dialog_id, contact_id, assistant_id },
        Event::DialogControl {
            dialog_id,
            control: Control::Waiting,
            epoch: 1,
            step: Some(ControlStep::HandOff),
            seq: Some(3),
            reason: Some(HandoffReason::Asked),
            assignee_id: None,
            assigned_by: None,
        },
        Event::MessageStored {
            dialog_id,
            message_id: question,
            seq: 1,
            author: Author::Customer,
            text: Some("How much is a courier to Finland?".to_owned()),
        },
        Event::NoteStored {
            dialog_id,
            message_id: id(8),
            seq: 2,
            author_id: Some(id(9)),
            mentions: vec![id(10)],
        },
        Event::TurnStarted { dialog_id, seq: 1, attempt: 1 },
        Event::ReplySettled {
            dialog_id,
            message_id: reply,
            seq: 2,
            outcome: Outcome::Answered,
            text: Some("A courier to Finland is 12 euros.".to_owned()),
        },
        Event::TurnDiscarded { dialog_id, epoch: 1 },
        Event::TurnLimited { dialog_id, seq: 1, bound: LimitBound::Day },
        Event::MessageDelivered { dialog_id, message_id: reply, uncertain: 0 },
        Event::MessageEdited {
            dialog_id,
            message_id: question,
            seq: 1,
            text: Some("How much is a courier to Norway?".to_owned()),
        },
        Event::MessageActCorrected { dialog_id, message_id: reply, act: MessageAct::Thanks },
        Event::MessageFailed { dialog_id, message_id: reply, error },
        Event::MessageRetried { dialog_id, message_id: reply },
        Event::MessageCanceled { dialog_id, message_id: reply },
        Event::AttachmentStatus {
            dialog_id,
            message_id: question,
            attachment_id: id(11),
            status: AttachmentStatus::Stored,
        },
        Event::OperatorPresence { user_id: id(9), state: PresenceState::Online },
        Event::DialogSla { dialog_id, awaited: Awaited::First, status: SlaStatus::AtRisk },
        Event::DialogTagged { dialog_id, tags: vec![id(12)] },
        Event::DialogSnoozed { dialog_id, until: tomorrow() },
        Event::DialogReturned { dialog_id, because: SnoozeEnd::Customer },
        Event::TagSaved { tag_id: id(12) },
        Event::TagDeleted { tag_id: id(12) },
        Event::CannedReplySaved { canned_reply_id: id(13) },
        Event::CannedReplyDeleted { canned_reply_id: id(13) },
        Event::ContactBlocked { contact_id, blocked: true },
    ]
}

fn knowledge() -> Vec<Event> {
    let document_id: DocumentId = id(6);
    let source_id: SourceId = id(7);
    let assistant_id: AssistantId = id(5);
    let unread = "page 2 has no text".to_owned();
    let unreachable = "the site does not answer".to_owned();

    vec![
        Event::DocumentStatus {
            document_id,
            assistants: vec![assistant_id],
            status: DocumentStatus::Ready,
            passages: 12,
            embedded: 12,
            error: None,
            warnings: vec![DocumentWarning::pages(WarningCode::ALL[0], &[2], unread)],
        },
        Event::DocumentDeleted { document_id, assistants: vec![assistant_id] },
        Event::SourceStatus {
            source_id,
            assistant_id,
            status: SourceStatus::Failed,
            pages: 0,
            error: Some(unreachable),
        },
        Event::SourceDeleted { source_id, assistant_id },
    ]
}

fn the_rest() -> Vec<Event> {
    let assistant_id: AssistantId = id(5);
    let bot_id: ChannelId = id(8);
    let run_id: RunId = id(9);
    let channel_id: ChannelId = id(10);
    let error = "the token was revoked".to_owned();

    vec![
        Event::AssistantPublished { assistant_id, number: 3 },
        Event::AssistantPaused { assistant_id, paused: true },
        Event::EvaluationStatus {
            run_id,
            assistant_id,
            status: RunStatus::Running,
            done: 20,
            total: 50,
        },
        Event::BotStatus { bot_id, status: ChannelStatus::Failed, error: Some(error) },
        Event::BotDeleted { bot_id },
        Event::ChannelStatus {
            channel_id,
            kind: ChannelKind::Api,
            status: ChannelStatus::Running,
            error: None,
        },
        Event::ChannelDeleted { channel_id },
    ]
}
