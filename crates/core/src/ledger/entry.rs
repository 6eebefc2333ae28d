//! An entry, what it was for, and the chain of hashes that entries are sealed with.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Funds, Movement};
use crate::{
    audit::ActorKind,
    ids::{AssistantId, DialogId, DocumentId, MessageId, WorkspaceId},
    money::Money,
    secret::sha256_hex,
};

/// A movement in the ledger. It is never changed or deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Whose ledger it is in.
    pub workspace_id: WorkspaceId,
    /// Its number there, from 1 without gaps.
    pub seq: i64,
    /// The idempotency key of what was posted.
    pub key: String,
    /// Its place in what was posted under this key, from 1.
    pub part: i64,
    /// What moved.
    pub movement: Movement,
    /// What the workspace had afterwards.
    pub after: Funds,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What an entry was for. An entry keeps its own facts: what it names may be deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The assistant.
    pub assistant_id: Option<AssistantId>,
    /// The dialog.
    pub dialog_id: Option<DialogId>,
    /// The message that was stored.
    pub message_id: Option<MessageId>,
    /// What else is known.
    pub facts: Facts,
}

/// What else is known of an entry. Stored as JSON; absent fields are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The kind of channel, or what was done without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_id: Option<DocumentId>,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Tokens that it read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Tokens that it wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
    /// The version of the prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_version: Option<i64>,
    /// The amount in another currency that this one was converted from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
    /// Who did it, if it was not the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorKind>,
    /// Their account or key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<Uuid>,
    /// Their e-mail address, or the name of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
    /// Why it was done, in their words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An amount in another currency, and the rate it was converted with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// The amount.
    pub amount: Money,
    /// Its currency.
    pub currency: String,
    /// What a unit of it is worth.
    pub rate: Money,
}

/// The hash of an entry: SHA-256 over the hash of the one before it ([`crate::audit::GENESIS`] for
/// the first) and every field of it, as a JSON array.
pub fn seal(previous: &str, entry: &Entry) -> String {
    let Movement { kind, source, target, amount, hold_id, credit_id, subject } = &entry.movement;
    let after = entry.after;
    let fields = json!([
        previous,
        entry.workspace_id,
        entry.seq,
        entry.key,
        entry.part,
        kind,
        source,
        target,
        amount.money(),
        amount.answers(),
        hold_id,
        credit_id,
        subject.assistant_id,
        subject.dialog_id,
        subject.message_id,
        subject.facts,
        [json!(after.trial), json!(after.bonus), json!(after.paid), json!(after.held)],
        after.held_answers,
        entry.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
    ]);
    sha256_hex(fields.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::GENESIS,
        ledger::{Account, Amount, EntryKind},
    };

    fn entry() -> Entry {
        let amount = Amount::Money(Money::from_micros(5));
        let movement = Movement::new(
            EntryKind::Hold,
            Account::Paid,
            Account::Held,
            amount,
            Subject::default(),
        );
        Entry {
            workspace_id: Uuid::nil().into(),
            seq: 1,
            key: "k".to_owned(),
            part: 1,
            movement,
            after: Funds::default(),
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_change_of_any_field_changes_the_hash() {
        type Change = fn(&mut Entry);

        let id = Uuid::from_u128(1);
        let changes: [Change; 21] = [
            |_| (),
            |entry| entry.workspace_id = Uuid::from_u128(1).into(),
            |entry| entry.seq = 2,
            |entry| entry.key.push('x'),
            |entry| entry.part = 2,
            |entry| entry.movement.kind = EntryKind::Release,
            |entry| entry.movement.source = Account::Bonus,
            |entry| entry.movement.target = Account::Revenue,
            |entry| entry.movement.amount = Amount::Money(Money::from_micros(6)),
            |entry| entry.movement.amount = Amount::Answers(5),
            |entry| entry.movement.hold_id = Some(Uuid::from_u128(1).into()),
            |entry| entry.movement.credit_id = Some(Uuid::from_u128(1).into()),
            |entry| entry.movement.subject.assistant_id = Some(Uuid::from_u128(1).into()),
            |entry| entry.movement.subject.dialog_id = Some(Uuid::from_u128(1).into()),
            |entry| entry.movement.subject.message_id = Some(Uuid::from_u128(1).into()),
            |entry| entry.movement.subject.facts.reason = Some(String::new()),
            |entry| entry.after.trial = 1,
            |entry| entry.after.bonus = Money::from_micros(1),
            |entry| entry.after.paid = Money::from_micros(1),
            |entry| entry.after.held_answers = 1,
            |entry| entry.created_at += std::time::Duration::from_micros(1),
        ];
        let mut hashes: Vec<_> = changes
            .iter()
            .map(|change| {
                let mut changed = entry();
                change(&mut changed);
                seal(GENESIS, &changed)
            })
            .collect();
        hashes.push(seal(&id.to_string(), &entry()));

        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }

    #[test]
    fn facts_are_stored_without_what_is_absent_and_read_back() {
        assert_eq!(serde_json::to_string(&Facts::default()).unwrap(), "{}");
        let facts = Facts {
            model: Some("gpt-4o".to_owned()),
            original: Some(Original {
                amount: Money::from_micros(1),
                currency: "USD".to_owned(),
                rate: Money::from_micros(90_000_000),
            }),
            actor: Some(ActorKind::Admin),
            ..Facts::default()
        };
        let stored = serde_json::to_string(&facts).unwrap();
        assert_eq!(
            stored,
            r#"{"model":"gpt-4o","original":{"amount":"0.000001","currency":"USD","rate":"90.00"},"actor":"admin"}"#
        );
        assert_eq!(serde_json::from_str::<Facts>(&stored).unwrap(), facts);
        let newer = r#"{"something_else": 1}"#;
        assert_eq!(serde_json::from_str::<Facts>(newer).unwrap(), Facts::default());
    }
}
