//! Canned replies come, change and go.

use chrono::{DateTime, Utc};

use crate::{
    act::{Actor, CannedReplyCreated, CannedReplyDeleted, CannedReplyUpdated},
    canned::CannedReply,
    change::{Change, Deleted, New},
    event::Event,
};

impl CannedReply {
    /// Is there from now on.
    pub fn create(self, by: &Actor) -> Change<New<Self>> {
        let act = CannedReplyCreated { canned_reply: self.id, shortcut: self.shortcut.clone() };
        let event = Event::CannedReplySaved { canned_reply_id: self.id };
        let at = self.created_at;
        Change::of(self.workspace_id, New(self)).telling(event, at).done_by(by, &act, at)
    }

    /// Reads as it does now.
    pub fn update(mut self, by: &Actor, now: DateTime<Utc>) -> Change<Self> {
        let act = CannedReplyUpdated { canned_reply: self.id, shortcut: self.shortcut.clone() };
        let event = Event::CannedReplySaved { canned_reply_id: self.id };
        self.updated_at = now;
        Change::of(self.workspace_id, self).telling(event, now).done_by(by, &act, now)
    }

    /// Is deleted.
    pub fn delete(self, by: &Actor, now: DateTime<Utc>) -> Change<Deleted<Self>> {
        let act = CannedReplyDeleted { canned_reply: self.id, shortcut: self.shortcut.clone() };
        let event = Event::CannedReplyDeleted { canned_reply_id: self.id };
        Change::of(self.workspace_id, Deleted(self)).telling(event, now).done_by(by, &act, now)
    }
}
