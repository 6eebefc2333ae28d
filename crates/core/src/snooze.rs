//! Dialogs that are out of their operator's sight until a time.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    dialog::Dialog,
    ids::{DialogId, WorkspaceId},
    words::words,
};

words! {
    /// What brings a snoozed dialog back.
    SnoozeEnd {
        /// Its time has come.
        Time = "time",
        /// The customer has written.
        Customer = "customer",
        /// Control of the dialog has changed.
        Control = "control",
        /// Somebody ended it.
        Operator = "operator",
    }
}

/// A dialog that its operator does not want to see until a time. It is over as soon as the customer
/// writes or the dialog changes hands, whether or not anybody has noticed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snooze {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The dialog.
    pub dialog_id: DialogId,
    /// Until when.
    pub until: DateTime<Utc>,
    /// The customer's last message at that time: a later one ends it.
    pub heard_seq: i64,
    /// The dialog's epoch at that time: a later one ends it.
    pub epoch: i64,
    /// When it began.
    pub created_at: DateTime<Utc>,
}

/// A snooze that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedSnooze {
    /// What it was.
    pub snooze: Snooze,
    /// When it was ended; its own time may have come before.
    pub at: DateTime<Utc>,
}

impl Snooze {
    /// None lasts longer.
    pub const LONGEST: TimeDelta = TimeDelta::days(366);

    /// What has ended it; `None`: it goes on.
    pub fn ended_by(&self, dialog: &Dialog, now: DateTime<Utc>) -> Option<SnoozeEnd> {
        if dialog.epoch != self.epoch {
            Some(SnoozeEnd::Control)
        } else if dialog.heard_seq > self.heard_seq {
            Some(SnoozeEnd::Customer)
        } else if self.until <= now {
            Some(SnoozeEnd::Time)
        } else {
            None
        }
    }
}
