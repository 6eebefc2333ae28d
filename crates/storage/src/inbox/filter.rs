//! Which dialogs an operator wants to see.

use replyx_core::{
    dialog::Control,
    ids::{AssistantId, ChannelId, TagId, UserId},
};
use uuid::Uuid;

/// Whose dialogs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Assigned {
    /// Everybody's.
    #[default]
    Any,
    /// Those that nobody has.
    Nobody,
    /// This member's.
    To(UserId),
}

/// Those that are out of their operators' sight, or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Snoozed {
    /// All.
    #[default]
    Any,
    /// Only those in sight.
    No,
    /// Only those out of sight.
    Yes,
}

/// Which dialogs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxFilter {
    /// Only those in this control.
    pub control: Option<Control>,
    /// Only those that wait for a human or that one has.
    pub with_people: bool,
    /// Whose.
    pub assigned: Assigned,
    /// Only this assistant's.
    pub assistant: Option<AssistantId>,
    /// Only this channel's.
    pub channel: Option<ChannelId>,
    /// Only those with words of the customer that the reader has not read.
    pub unread: bool,
    /// Only those with this tag.
    pub tag: Option<TagId>,
    /// Only those in sight, or out of sight.
    pub snoozed: Snoozed,
}

impl InboxFilter {
    /// The statement that begins with the fewest dialogs.
    pub(super) const fn choose(
        &self,
        tagged: &'static str,
        of_people: &'static str,
        all: &'static str,
    ) -> &'static str {
        if self.tag.is_some() {
            tagged
        } else if self.is_of_people() {
            of_people
        } else {
            all
        }
    }

    /// As statements are given it.
    pub(super) fn given(&self) -> Given {
        let assigned = match self.assigned {
            Assigned::Any => 0,
            Assigned::Nobody => 1,
            Assigned::To(_) => 2,
        };
        let to = match self.assigned {
            Assigned::To(user) => user.into_uuid(),
            Assigned::Any | Assigned::Nobody => Uuid::nil(),
        };
        let snoozed = match self.snoozed {
            Snoozed::Any => 0,
            Snoozed::No => 1,
            Snoozed::Yes => 2,
        };

        Given {
            control: self.control.map(Control::as_str),
            with_people: i64::from(self.with_people),
            assigned,
            to,
            assistant: self.assistant.map(AssistantId::into_uuid),
            channel: self.channel.map(ChannelId::into_uuid),
            unread: i64::from(self.unread),
            snoozed,
            tag: self.tag.map(TagId::into_uuid),
        }
    }

    /// Does it show only dialogs that wait for a human or that one has?
    pub(super) const fn is_of_people(&self) -> bool {
        self.with_people
            || matches!(self.control, Some(Control::Waiting | Control::Human))
            || matches!(self.assigned, Assigned::To(_))
    }
}

/// A filter as statements are given it.
pub(super) struct Given {
    pub(super) control: Option<&'static str>,
    pub(super) with_people: i64,
    pub(super) assigned: i64,
    pub(super) to: Uuid,
    pub(super) assistant: Option<Uuid>,
    pub(super) channel: Option<Uuid>,
    pub(super) unread: i64,
    pub(super) snoozed: i64,
    pub(super) tag: Option<Uuid>,
}
