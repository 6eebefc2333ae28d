//! The audit log: who did what, on what, from where, with which outcome.
//!
//! Entries are numbered per chain and never changed. Each carries the hash of itself and of the one
//! before, so that a changed, removed or inserted entry shows ([`hash`], checked by
//! `replyx admin audit verify`). A workspace has a chain; what concerns accounts and the
//! installation is in the platform's.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{ids::WorkspaceId, secret::sha256_hex, words::words};

words! {
    /// The actor.
    ActorKind {
        /// A person.
        User = "user",
        /// A program with a key.
        ApiKey = "api_key",
        /// A platform admin, through the admin side or the command line.
        Admin = "admin",
        /// The program itself.
        System = "system",
        /// Somebody who is not known (yet).
        Nobody = "nobody",
    }
}

words! {
    /// How it ended.
    Outcome as "ActOutcome" {
        /// It was done.
        Done = "done",
        /// It was refused.
        Refused = "refused",
    }
}

/// Something that was done, or refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The actor.
    pub actor: ActorKind,
    /// Their account or key.
    pub actor_id: Option<Uuid>,
    /// Their e-mail address, or the name of the key.
    pub actor_name: String,
    /// What was done: `member.role_changed`, `login`.
    pub action: String,
    /// The kind of target: `user`, `assistant`, or empty.
    pub target: String,
    /// The id of the target.
    pub target_id: Option<String>,
    /// The client's address; empty on the command line.
    pub address: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What else matters: a small object, never a secret or a customer's words.
    pub details: Value,
}

/// An act in its chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The workspace whose chain it is; none is the platform's.
    pub workspace_id: Option<WorkspaceId>,
    /// Its number in the chain, from 1 without gaps.
    pub seq: i64,
    /// What was done.
    pub act: Act,
    /// [`hash`] of it, lower-case hexadecimal.
    pub hash: String,
}

/// The hash of the entry before the first.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The hash of an entry: SHA-256 over the hash of the one before it and every field of it, as a
/// JSON array.
pub fn hash(previous: &str, workspace: Option<WorkspaceId>, seq: i64, act: &Act) -> String {
    let fields = json!([
        previous,
        workspace.map(|id| id.to_string()),
        seq,
        act.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        act.actor.as_str(),
        act.actor_id.map(|id| id.to_string()),
        act.actor_name,
        act.action,
        act.target,
        act.target_id,
        act.address,
        act.outcome.as_str(),
        act.details,
    ]);
    sha256_hex(fields.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_any_field_changes_the_hash() {
        let act = Act {
            at: DateTime::UNIX_EPOCH,
            actor: ActorKind::User,
            actor_id: Some(Uuid::nil()),
            actor_name: "a@example.org".to_owned(),
            action: "login".to_owned(),
            target: String::new(),
            target_id: None,
            address: "127.0.0.1".to_owned(),
            outcome: Outcome::Done,
            details: json!({"b": 1, "a": 2}),
        };
        let original = hash(GENESIS, None, 1, &act);
        let mut hashes = vec![
            original.clone(),
            hash(&original, None, 1, &act),
            hash(GENESIS, Some(Uuid::nil().into()), 1, &act),
            hash(GENESIS, None, 2, &act),
        ];
        let changed = |change: fn(&mut Act)| {
            let mut act = act.clone();
            change(&mut act);
            hash(GENESIS, None, 1, &act)
        };
        hashes.push(changed(|act| act.at += std::time::Duration::from_micros(1)));
        hashes.push(changed(|act| act.actor = ActorKind::Admin));
        hashes.push(changed(|act| act.actor_id = None));
        hashes.push(changed(|act| act.actor_name.push('x')));
        hashes.push(changed(|act| act.action.push('x')));
        hashes.push(changed(|act| act.target.push('x')));
        hashes.push(changed(|act| act.target_id = Some(String::new())));
        hashes.push(changed(|act| act.address.push('x')));
        hashes.push(changed(|act| act.outcome = Outcome::Refused));
        hashes.push(changed(|act| act.details = json!({})));
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }
}
