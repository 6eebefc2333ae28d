//! One step on many dialogs at once, which can be undone for a short while.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    dialog::{Control, Dialog, HandoffReason, Operator},
    ids::{BulkId, DialogId, TagId, UserId, WorkspaceId},
};

/// How long a step can be undone.
pub const UNDO: TimeDelta = TimeDelta::minutes(1);

/// What is done to each of the dialogs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkStep {
    /// It is closed.
    Close,
    /// It is given to a member; `None`: to those that wait for a human, if somebody has it.
    Assign(Option<UserId>),
    /// It gets tags and loses others.
    Tag {
        /// Those it gets.
        add: Vec<TagId>,
        /// Those it loses.
        remove: Vec<TagId>,
    },
}

/// What a step changed of one dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkItem {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The step.
    pub bulk_id: BulkId,
    /// The dialog.
    pub dialog_id: DialogId,
    /// Who did it: a user or a key.
    pub actor_id: Uuid,
    /// What undoing it takes.
    pub undo: Undo,
    /// When it was done.
    pub created_at: DateTime<Utc>,
}

/// What undoing a step on a dialog takes. It is stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Undo {
    /// Control of the dialog goes back to where it was.
    Control {
        /// The dialog's epoch after the step: with another one there is nothing to undo.
        epoch: i64,
        /// Who had control.
        control: Control,
        /// The operator who had it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        holder: Option<Holder>,
        /// Why a human was asked for.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        reason: Option<HandoffReason>,
        /// Since when the customer had been asking for one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        asking_since: Option<DateTime<Utc>>,
    },
    /// Its tags are as they were.
    Tags {
        /// Those it got.
        added: Vec<TagId>,
        /// Those it lost.
        removed: Vec<TagId>,
    },
}

/// An operator who had a dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The member; `None` for a program with a key.
    pub user_id: Option<UserId>,
    /// The name that colleagues see.
    pub name: String,
}

impl Undo {
    /// What leads back to `before` from a step after which the dialog has this epoch.
    pub fn of_control(before: &Dialog, epoch: i64) -> Self {
        let holder = before.assignee.clone();
        Self::Control {
            epoch,
            control: before.control,
            holder: holder.map(|Operator { user_id, name }| Holder { user_id, name }),
            reason: before.handoff_reason,
            asking_since: before.asking_since,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_undoing_takes_has_one_stored_form() {
        let id = Uuid::from_u128(7);
        let written = "00000000-0000-0000-0000-000000000007";
        for (undo, stored) in [
            (
                Undo::Control {
                    epoch: 3,
                    control: Control::Ai,
                    holder: None,
                    reason: None,
                    asking_since: None,
                },
                r#"{"step":"control","epoch":3,"control":"ai"}"#.to_owned(),
            ),
            (
                Undo::Control {
                    epoch: 3,
                    control: Control::Human,
                    holder: Some(Holder { user_id: Some(id.into()), name: "Kim".to_owned() }),
                    reason: Some(HandoffReason::Operator),
                    asking_since: DateTime::from_timestamp(0, 0),
                },
                format!(
                    r#"{{"step":"control","epoch":3,"control":"human","holder":{{"user_id":"{written}","name":"Kim"}},"reason":"operator","asking_since":"1970-01-01T00:00:00Z"}}"#
                ),
            ),
            (
                Undo::Tags { added: vec![id.into()], removed: Vec::new() },
                format!(r#"{{"step":"tags","added":["{written}"],"removed":[]}}"#),
            ),
        ] {
            assert_eq!(serde_json::to_string(&undo).unwrap(), stored);
            assert_eq!(serde_json::from_str::<Undo>(&stored).unwrap(), undo);
        }
    }
}
