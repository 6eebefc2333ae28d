//! Conversations with customers.

pub mod act;
pub mod attention;
pub mod bulk;
pub mod control;
pub mod draft;
pub mod inbox;
pub mod list;
pub mod marks;
pub mod messages;
pub mod parts;
pub mod read;
mod sla;
pub mod update;
pub mod views;
pub mod write;

use chrono::{DateTime, Utc};
use replyx_core::dialog::{Control, Dialog, HandoffReason};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::OperatorView;

/// A dialog, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
pub struct DialogView {
    id: Uuid,
    assistant_id: Uuid,
    /// The channel that the customer writes in.
    channel_id: Uuid,
    /// Same as `channel_id`: the bot, if the channel is a bot.
    bot_id: Uuid,
    contact_id: Uuid,
    /// Who may speak: `ai`, `waiting` (for a human), `human` or `closed`.
    #[schema(example = "ai")]
    control: Control,
    /// Grows with every change of control.
    #[schema(example = 2)]
    epoch: i64,
    /// The operator who answers; `null` unless `control` is `human`.
    assignee: Option<OperatorView>,
    /// Since when the customer waits for a human; `null` unless `control` is `waiting`.
    waiting_since: Option<DateTime<Utc>>,
    /// Why a human was asked for, while one is.
    #[schema(example = "asked")]
    handoff_reason: Option<HandoffReason>,
    /// Since when it is closed.
    closed_at: Option<DateTime<Utc>>,
    /// The number of its last message; 0 before the first.
    #[schema(example = 2)]
    last_seq: i64,
    /// Up to which message of the customer everything has been answered.
    #[schema(example = 1)]
    answered_seq: i64,
    created_at: DateTime<Utc>,
    /// When something was last said in it.
    updated_at: DateTime<Utc>,
}

impl From<Dialog> for DialogView {
    fn from(dialog: Dialog) -> Self {
        Self {
            id: dialog.id.into_uuid(),
            assistant_id: dialog.assistant_id.into_uuid(),
            channel_id: dialog.channel_id.into_uuid(),
            bot_id: dialog.channel_id.into_uuid(),
            contact_id: dialog.contact_id.into_uuid(),
            control: dialog.control,
            epoch: dialog.epoch,
            waiting_since: dialog.waiting_since(),
            handoff_reason: dialog.handoff_reason,
            closed_at: dialog.closed_at,
            assignee: dialog.assignee.map(OperatorView::from),
            last_seq: dialog.last_seq,
            answered_seq: dialog.answered_seq,
            created_at: dialog.created_at,
            updated_at: dialog.updated_at,
        }
    }
}
