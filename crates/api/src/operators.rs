//! People who answer customers.

pub mod board;
pub mod list;
pub mod presence;
pub mod queue;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::ChannelKind,
    presence::{Capacity, PresenceState},
};
use replyx_storage::operators::Listed;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Somebody who answers customers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperatorPresence)]
pub struct OperatorView {
    /// The member.
    user_id: Uuid,
    #[schema(example = "Kim")]
    name: String,
    /// Whether they are there; `offline` 90 seconds after they last said anything else.
    #[schema(example = "online")]
    state: PresenceState,
    /// How many dialogs they have.
    #[schema(example = 2)]
    open: i64,
    /// How many dialogs of each kind of channel they are given at once.
    #[schema(example = json!({"api": 3}))]
    capacity: BTreeMap<ChannelKind, i64>,
    /// When they last said whether they are there; `null` if they never did.
    last_seen_at: Option<DateTime<Utc>>,
}

impl OperatorView {
    fn of(listed: Listed, now: DateTime<Utc>) -> Self {
        let presence = listed.presence.as_ref();
        Self {
            user_id: listed.user_id.into_uuid(),
            name: listed.name,
            state: presence.map_or(PresenceState::Offline, |presence| presence.state_at(now)),
            open: listed.open,
            capacity: presence.map_or_else(|| Capacity::default().all(), |it| it.capacity.all()),
            last_seen_at: presence.map(|presence| presence.seen_at),
        }
    }
}
