//! What becomes of what was promised to customers.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    act::{Actor, AssistantSlaSet},
    assistant::Assistant,
    change::Change,
    event::Event,
    ids::{AssistantId, WorkspaceId},
    sla::{DialogSla, SlaPolicy, SlaStatus},
};

/// The promises of an assistant's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssistantSla {
    /// The workspace of the assistant.
    pub workspace_id: WorkspaceId,
    /// Whose dialogs they are about.
    pub assistant_id: AssistantId,
    /// What is promised.
    pub policy: SlaPolicy,
}

impl Assistant {
    /// Promises this from now on. Clocks that run keep what they began with.
    pub fn promise(
        &self,
        policy: SlaPolicy,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Change<AssistantSla> {
        let minutes = |time: Option<Duration>| time.map(|time| time.as_secs() / 60);
        let act = AssistantSlaSet {
            assistant: self.id,
            name: self.settings.name.clone(),
            first_reply_minutes: minutes(policy.first_reply),
            next_reply_minutes: minutes(policy.next_reply),
        };
        let state = AssistantSla { workspace_id: self.workspace_id, assistant_id: self.id, policy };
        Change::of(self.workspace_id, state).done_by(by, &act, now)
    }
}

impl DialogSla {
    /// Stands like this from now on. It is told when a promise comes to be at risk or broken.
    pub fn stand(self, before: Option<&Self>, now: DateTime<Utc>) -> Change<Self> {
        let told = before.and_then(|before| before.running);
        let change = Change::of(self.workspace_id, self);
        let Some(running) = self.running else { return change };
        let is_same = told.is_some_and(|told| told.since == running.since);
        let is_known = is_same && told.is_some_and(|told| told.status == running.status);
        if is_known || running.status == SlaStatus::Running {
            return change;
        }

        let event = Event::DialogSla {
            dialog_id: self.dialog_id,
            awaited: running.awaited,
            status: running.status,
        };
        change.telling(event, now)
    }
}
