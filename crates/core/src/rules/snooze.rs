//! Operators put dialogs out of their sight for a time.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    change::Change,
    dialog::{Control, Dialog},
    event::Event,
    snooze::{EndedSnooze, Snooze, SnoozeEnd},
};

/// Only what an operator has can be snoozed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("only a dialog that an operator has can be snoozed: it is `{0}`")]
pub struct SnoozeRefused(pub Control);

impl Dialog {
    /// Is out of its operator's sight until a time, or until the customer writes.
    ///
    /// # Errors
    ///
    /// [`SnoozeRefused`] unless an operator has it.
    pub fn snooze(
        &self,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Change<Snooze>, SnoozeRefused> {
        if self.control != Control::Human {
            return Err(SnoozeRefused(self.control));
        }
        let snooze = Snooze {
            workspace_id: self.workspace_id,
            dialog_id: self.id,
            until,
            heard_seq: self.heard_seq,
            epoch: self.epoch,
            created_at: now,
        };
        let event = Event::DialogSnoozed { dialog_id: self.id, until };
        Ok(Change::of(self.workspace_id, snooze).telling(event, now))
    }
}

impl Snooze {
    /// The dialog is in sight again.
    pub fn end(self, because: SnoozeEnd, now: DateTime<Utc>) -> Change<EndedSnooze> {
        let event = Event::DialogReturned { dialog_id: self.dialog_id, because };
        Change::of(self.workspace_id, EndedSnooze { snooze: self, at: now }).telling(event, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{channel::ChatKind, clock::Clock, dialog::Contact};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn a_snooze_ends_by_time_by_the_customer_and_when_the_dialog_changes_hands() {
        let clock = Clock::manual(at(0));
        let contact = Contact {
            id: clock.id(),
            workspace_id: clock.id(),
            channel_id: clock.id(),
            address: "7".into(),
            chat_kind: ChatKind::Private,
            display_name: "Anna".to_owned(),
            language_code: None,
            language: None,
            source: None,
            blocked_at: None,
        };
        let mut dialog = Dialog::between(&contact, clock.id(), clock.id(), at(0));
        assert_eq!(dialog.snooze(at(60), at(0)).unwrap_err(), SnoozeRefused(Control::Ai));

        dialog.control = Control::Human;
        let snoozed = dialog.snooze(at(60), at(0)).unwrap();
        assert_eq!(snoozed.events().count(), 1);
        let snooze = snoozed.state();
        assert_eq!(snooze.ended_by(&dialog, at(59)), None);
        assert_eq!(snooze.ended_by(&dialog, at(60)), Some(SnoozeEnd::Time));

        let written = Dialog { heard_seq: dialog.heard_seq + 1, ..dialog.clone() };
        assert_eq!(snooze.ended_by(&written, at(1)), Some(SnoozeEnd::Customer));
        let taken = Dialog { epoch: dialog.epoch + 1, ..written };
        assert_eq!(snooze.ended_by(&taken, at(1)), Some(SnoozeEnd::Control));
    }
}
