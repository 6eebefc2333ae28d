//! Who of those who answer customers is there, and who gets which dialog.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    channel::ChannelKind,
    ids::{UserId, WorkspaceId},
    words::words,
};

words! {
    /// Whether an operator is there.
    PresenceState {
        /// Answers, and is given dialogs.
        Online = "online",
        /// Answers what they have, and is given nothing.
        Away = "away",
        /// Does not answer.
        Offline = "offline",
    }
}

words! {
    /// Why a dialog was given to an operator.
    AssignReason {
        /// Somebody chose them.
        Chosen = "chosen",
        /// They were the last to answer the customer.
        LastOperator = "last_operator",
        /// It was their turn.
        RoundRobin = "round_robin",
        /// They had the fewest dialogs.
        LeastBusy = "least_busy",
    }
}

words! {
    /// Who is given the dialogs that wait, without anybody choosing.
    Assignment {
        /// Nobody: operators take them over.
        None = "none",
        /// Operators who are online and have room, in turn.
        RoundRobin = "round_robin",
        /// The operator who is online and has the fewest dialogs.
        LeastBusy = "least_busy",
    }
}

/// How many dialogs of each kind of channel an operator is given at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Capacity(BTreeMap<ChannelKind, i64>);

impl Capacity {
    /// Nobody has more of one kind.
    pub const MOST: i64 = 100;

    /// As an operator says it; what they do not mention has its default.
    pub const fn new(said: BTreeMap<ChannelKind, i64>) -> Self {
        Self(said)
    }

    /// How many of this kind.
    pub fn of(&self, kind: ChannelKind) -> i64 {
        self.0.get(&kind).copied().unwrap_or(kind.usual_capacity())
    }

    /// How many of every kind.
    pub fn all(&self) -> BTreeMap<ChannelKind, i64> {
        ChannelKind::ALL.iter().map(|kind| (*kind, self.of(*kind))).collect()
    }

    /// The same with other numbers for the kinds that are mentioned.
    #[must_use]
    pub fn with(mut self, said: BTreeMap<ChannelKind, i64>) -> Self {
        self.0.extend(said);
        self
    }
}

/// An operator of a workspace, as they said last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The member.
    pub user_id: UserId,
    /// What they said.
    pub state: PresenceState,
    /// How many dialogs they are given at once.
    pub capacity: Capacity,
    /// When they said it last.
    pub seen_at: DateTime<Utc>,
    /// Since when it holds.
    pub since: DateTime<Utc>,
}

impl Presence {
    /// An operator who has said nothing for so long is offline.
    pub const LEASE: TimeDelta = TimeDelta::seconds(90);

    /// A member who has not said anything yet.
    pub fn of_nobody(workspace_id: WorkspaceId, user_id: UserId, now: DateTime<Utc>) -> Self {
        Self {
            workspace_id,
            user_id,
            state: PresenceState::Offline,
            capacity: Capacity::default(),
            seen_at: now,
            since: now,
        }
    }

    /// What holds now: an operator who is silent for too long is offline.
    pub fn state_at(&self, now: DateTime<Utc>) -> PresenceState {
        if now - self.seen_at > Self::LEASE { PresenceState::Offline } else { self.state }
    }
}

/// An operator who is online, as one looks for somebody to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The member.
    pub user_id: UserId,
    /// Their name.
    pub name: String,
    /// How many dialogs of the kind of channel they have.
    pub open: i64,
    /// How many they are given at most.
    pub capacity: i64,
    /// When they were last given one.
    pub assigned_at: Option<DateTime<Utc>>,
}

impl Seat {
    /// May they be given another one?
    pub const fn has_room(&self) -> bool {
        self.open < self.capacity
    }
}

/// Who of these is given a dialog, and why. The operator who answered the customer last comes
/// first.
pub fn choose(
    assignment: Assignment,
    last: Option<UserId>,
    seats: &[Seat],
) -> Option<(&Seat, AssignReason)> {
    let with_room = || seats.iter().filter(|seat| seat.has_room());
    if assignment == Assignment::None {
        return None;
    }
    if let Some(seat) = with_room().find(|seat| Some(seat.user_id) == last) {
        return Some((seat, AssignReason::LastOperator));
    }

    // Of two who are alike, the one who has waited longer for a dialog.
    let turn = |seat: &Seat| (seat.assigned_at, seat.user_id.into_uuid());
    match assignment {
        Assignment::None => None,
        Assignment::RoundRobin => {
            let seat = with_room().min_by_key(|seat| turn(seat))?;
            Some((seat, AssignReason::RoundRobin))
        }
        Assignment::LeastBusy => {
            let seat = with_room().min_by_key(|seat| (seat.open, turn(seat)))?;
            Some((seat, AssignReason::LeastBusy))
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        Uuid::from_u128(number).into()
    }

    fn seat(number: u128, open: i64, capacity: i64, assigned: Option<i64>) -> Seat {
        let assigned_at = assigned.and_then(|second| DateTime::from_timestamp(second, 0));
        Seat { user_id: user(number), name: number.to_string(), open, capacity, assigned_at }
    }

    fn chosen(
        assignment: Assignment,
        last: Option<u128>,
        seats: &[Seat],
    ) -> Option<(UserId, AssignReason)> {
        let chosen = choose(assignment, last.map(user), seats);
        chosen.map(|(seat, why)| (seat.user_id, why))
    }

    #[test]
    fn the_last_operator_comes_first_and_then_the_owners_way_among_those_with_room() {
        let full = seat(1, 2, 2, None);
        let busy = seat(2, 3, 5, Some(10));
        let free = seat(3, 1, 5, Some(20));
        let seats = [full, busy, free];

        let robin = Assignment::RoundRobin;
        assert_eq!(chosen(robin, Some(3), &seats), Some((user(3), AssignReason::LastOperator)));
        assert_eq!(chosen(robin, Some(1), &seats), Some((user(2), AssignReason::RoundRobin)));
        assert_eq!(chosen(robin, Some(9), &seats), Some((user(2), AssignReason::RoundRobin)));
        let least = Assignment::LeastBusy;
        assert_eq!(chosen(least, None, &seats), Some((user(3), AssignReason::LeastBusy)));
        assert_eq!(chosen(Assignment::None, Some(3), &seats), None);
        assert_eq!(chosen(least, None, &seats[..1]), None);
        assert_eq!(chosen(robin, None, &[]), None);
    }

    #[test]
    fn who_has_never_been_given_a_dialog_is_next() {
        let seats = [seat(1, 0, 5, Some(1)), seat(2, 0, 5, None)];
        let next = chosen(Assignment::RoundRobin, None, &seats);
        assert_eq!(next, Some((user(2), AssignReason::RoundRobin)));
    }

    #[test]
    fn silence_is_absence_and_what_is_not_said_has_its_default() {
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        let there = Presence {
            state: PresenceState::Online,
            ..Presence::of_nobody(Uuid::nil().into(), user(1), now)
        };
        assert_eq!(there.state_at(now + Presence::LEASE), PresenceState::Online);
        let later = now + Presence::LEASE + TimeDelta::milliseconds(1);
        assert_eq!(there.state_at(later), PresenceState::Offline);

        let kind = ChannelKind::ALL[0];
        let capacity = Capacity::default().with(BTreeMap::from([(kind, 1)]));
        assert_eq!(capacity.of(kind), 1);
        let other = ChannelKind::ALL[1];
        assert_eq!(capacity.of(other), other.usual_capacity());
        assert_eq!(capacity.all().len(), ChannelKind::ALL.len());
    }
}
