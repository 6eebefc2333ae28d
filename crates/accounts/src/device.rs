//! From where, and with what, somebody asks who is not known yet.

use chrono::{DateTime, Utc};
use replyx_core::{
    address::ClientAddress,
    audit::{Act, ActorKind, Outcome},
    user::User,
};
use serde_json::Value;

/// From where, and with what, somebody asks who is not signed in.
#[derive(Clone, Debug)]
pub struct Device {
    /// The client's address.
    pub address: ClientAddress,
    /// The client's words on itself, at most 200 characters.
    pub user_agent: String,
}

impl Device {
    /// Something that was tried from here, for the platform's log. `who` may not be known.
    pub(crate) fn act(
        &self,
        now: DateTime<Utc>,
        action: &str,
        who: Option<&User>,
        outcome: Outcome,
        details: Value,
    ) -> Act {
        let proved = matches!(outcome, Outcome::Done);
        let actor = if proved { ActorKind::User } else { ActorKind::Nobody };
        let id = who.map(|user| user.id.into_uuid());
        Act {
            at: now,
            actor,
            actor_id: id.filter(|_| proved),
            actor_name: who.map(|user| user.email.clone()).unwrap_or_default(),
            action: action.to_owned(),
            target: "user".to_owned(),
            target_id: id.map(|id| id.to_string()),
            address: self.address.to_string(),
            outcome,
            details,
        }
    }
}
