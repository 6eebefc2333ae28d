//! Tags come and go, and dialogs get them.

use chrono::{DateTime, Utc};

use crate::{
    act::{Actor, TagCreated, TagDeleted, TagRenamed},
    change::{Change, Deleted, New},
    dialog::Dialog,
    event::Event,
    ids::TagId,
    tag::{DialogTags, Tag},
};

impl Tag {
    /// Is there from now on.
    pub fn create(self, by: &Actor) -> Change<New<Self>> {
        let act = TagCreated { tag: self.id, name: self.name.clone() };
        let event = Event::TagSaved { tag_id: self.id };
        let at = self.created_at;
        Change::of(self.workspace_id, New(self)).telling(event, at).done_by(by, &act, at)
    }

    /// Is called something else from now on.
    pub fn rename(mut self, name: String, by: &Actor, now: DateTime<Utc>) -> Change<Self> {
        let act = TagRenamed { tag: self.id, name: name.clone() };
        let event = Event::TagSaved { tag_id: self.id };
        self.name = name;
        self.updated_at = now;
        Change::of(self.workspace_id, self).telling(event, now).done_by(by, &act, now)
    }

    /// Is deleted, from its dialogs as well.
    pub fn delete(self, by: &Actor, now: DateTime<Utc>) -> Change<Deleted<Self>> {
        let act = TagDeleted { tag: self.id, name: self.name.clone() };
        let event = Event::TagDeleted { tag_id: self.id };
        Change::of(self.workspace_id, Deleted(self)).telling(event, now).done_by(by, &act, now)
    }
}

impl Dialog {
    /// Has these tags from now on, and no others.
    pub fn tag(&self, tags: Vec<TagId>, now: DateTime<Utc>) -> Change<DialogTags> {
        let workspace_id = self.workspace_id;
        let dialog_id = self.id;
        let event = Event::DialogTagged { dialog_id, tags: tags.clone() };
        Change::of(workspace_id, DialogTags { workspace_id, dialog_id, tags }).telling(event, now)
    }
}
