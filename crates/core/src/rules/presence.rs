//! Operators come and go.

use chrono::{DateTime, Utc};

use crate::{
    change::Change,
    event::Event,
    presence::{Capacity, Presence, PresenceState},
};

impl Presence {
    /// The operator says whether they are there. Only another state is told to others.
    pub fn say(
        mut self,
        state: PresenceState,
        capacity: Capacity,
        now: DateTime<Utc>,
    ) -> Change<Self> {
        self.capacity = capacity;
        self.seen_at = now;
        self.turn(state, now)
    }

    /// Nothing has been heard of the operator for too long. `None`: that is not so.
    pub fn vanish(self, now: DateTime<Utc>) -> Option<Change<Self>> {
        let is_silent = self.state_at(now) == PresenceState::Offline;
        let vanishes = self.state != PresenceState::Offline && is_silent;
        vanishes.then(|| self.turn(PresenceState::Offline, now))
    }

    fn turn(mut self, state: PresenceState, now: DateTime<Utc>) -> Change<Self> {
        let workspace = self.workspace_id;
        if self.state == state {
            return Change::of(workspace, self);
        }
        self.state = state;
        self.since = now;
        let event = Event::OperatorPresence { user_id: self.user_id, state };
        Change::of(workspace, self).telling(event, now)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn only_another_state_is_told_and_who_is_silent_vanishes_once() {
        let nobody = Presence::of_nobody(Uuid::nil().into(), Uuid::nil().into(), at(0));
        let here = nobody.say(PresenceState::Online, Capacity::default(), at(1));
        assert_eq!(here.events().count(), 1);
        let still = here.state().clone().say(PresenceState::Online, Capacity::default(), at(60));
        assert_eq!(still.events().count(), 0);
        assert_eq!((still.state().since, still.state().seen_at), (at(1), at(60)));

        let there = still.state().clone();
        assert!(there.clone().vanish(at(150)).is_none());
        let gone = there.vanish(at(151)).unwrap();
        assert_eq!((gone.state().state, gone.state().since), (PresenceState::Offline, at(151)));
        assert!(gone.state().clone().vanish(at(500)).is_none());
    }
}
