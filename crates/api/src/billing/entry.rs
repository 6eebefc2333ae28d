//! An entry of the ledger, as a workspace sees it.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{AssistantId, CreditId, DialogId, DocumentId, HoldId, MessageId},
    ledger::{self, Account, EntryKind, Facts, Movement},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A movement of money or of trial answers. Entries are never changed or deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// Its number in the ledger of the workspace, from 1 without gaps.
    #[schema(example = 17)]
    pub(super) seq: i64,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// Why: `credit`, `hold`, `capture`, `release`, `given_back`, `refund`, `correction`,
    /// `trial_granted`, `trial_ended`, `write_off` or `model_cost`.
    #[schema(example = "capture")]
    pub(super) kind: EntryKind,
    /// The account that it was taken from.
    #[schema(example = "held")]
    pub(super) source: Account,
    /// The account that it was added to.
    #[schema(example = "revenue")]
    pub(super) target: Account,
    /// The money that moved, a decimal number.
    #[schema(example = "0.05")]
    pub(super) amount: String,
    /// The answers of the trial that moved.
    #[schema(example = 0)]
    pub(super) answers: i64,
    /// The money that could be spent afterwards, a decimal number.
    #[schema(example = "12.45")]
    pub(super) available_after: String,
    /// The money that was set aside afterwards, a decimal number.
    #[schema(example = "0.00")]
    pub(super) held_after: String,
    /// The hold that it set aside, spent or released: its entries have it in common.
    pub(super) hold_id: Option<Uuid>,
    /// The credit that it added or drew from.
    pub(super) credit_id: Option<Uuid>,
    /// The assistant that it was for.
    pub(super) assistant_id: Option<Uuid>,
    /// The dialog that it was for.
    pub(super) dialog_id: Option<Uuid>,
    /// The message that it was for.
    pub(super) message_id: Option<Uuid>,
    /// The document that it was for.
    pub(super) document_id: Option<Uuid>,
    /// The kind of channel.
    #[schema(example = "api")]
    pub(super) channel: Option<String>,
    /// The model.
    #[schema(example = "gpt-4o-mini")]
    pub(super) model: Option<String>,
    /// Tokens that it read.
    #[schema(example = 812)]
    pub(super) prompt_tokens: Option<u64>,
    /// Tokens that it wrote.
    #[schema(example = 24)]
    pub(super) completion_tokens: Option<u64>,
    /// The version of the prices.
    #[schema(example = 1)]
    pub(super) price_version: Option<i64>,
    /// The reason, if somebody did it by hand.
    #[schema(example = "paid by bank transfer")]
    pub(super) reason: Option<String>,
}

impl From<ledger::Entry> for EntryView {
    fn from(entry: ledger::Entry) -> Self {
        let ledger::Entry { seq, movement, after, created_at, .. } = entry;
        let Movement { kind, source, target, amount, hold_id, credit_id, subject } = movement;
        // Who of the platform did it is in the platform's audit log.
        let Facts {
            channel,
            document_id,
            model,
            prompt_tokens,
            completion_tokens,
            price_version,
            reason,
            ..
        } = subject.facts;

        Self {
            seq,
            created_at,
            kind,
            source,
            target,
            amount: amount.money().to_string(),
            answers: amount.answers(),
            available_after: after.available().to_string(),
            held_after: after.held.to_string(),
            hold_id: hold_id.map(HoldId::into_uuid),
            credit_id: credit_id.map(CreditId::into_uuid),
            assistant_id: subject.assistant_id.map(AssistantId::into_uuid),
            dialog_id: subject.dialog_id.map(DialogId::into_uuid),
            message_id: subject.message_id.map(MessageId::into_uuid),
            document_id: document_id.map(DocumentId::into_uuid),
            channel,
            model,
            prompt_tokens,
            completion_tokens,
            price_version,
            reason,
        }
    }
}
