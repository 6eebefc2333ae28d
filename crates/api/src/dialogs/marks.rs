//! What operators put on dialogs: tags, and until when one is out of sight.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use replyx_core::{
    dialog::Dialog,
    ids::{DialogId, WorkspaceId},
    tag::Tag,
};
use replyx_storage::{StorageError, Tx};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A tag of a dialog.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DialogTag)]
pub struct DialogTagView {
    id: Uuid,
    #[schema(example = "refund")]
    name: String,
}

impl From<Tag> for DialogTagView {
    fn from(tag: Tag) -> Self {
        Self { id: tag.id.into_uuid(), name: tag.name }
    }
}

/// What operators have put on a dialog.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DialogMarks)]
pub struct MarksView {
    /// Its tags, by their names.
    tags: Vec<DialogTagView>,
    /// Until when its operator does not want to see it; `null`: it is in sight. The customer's
    /// words and a change of control bring it back earlier.
    snoozed_until: Option<DateTime<Utc>>,
}

impl MarksView {
    pub(super) fn new(tags: Vec<DialogTagView>, snoozed_until: Option<DateTime<Utc>>) -> Self {
        Self { tags, snoozed_until }
    }

    /// The marks of one dialog.
    pub(super) async fn of(
        tx: &mut Tx,
        dialog: &Dialog,
        now: DateTime<Utc>,
    ) -> Result<Self, StorageError> {
        let tags = tags(tx, dialog.workspace_id, &[dialog.id]).await?.remove(&dialog.id);
        let snooze = tx.workspace(dialog.workspace_id).snoozes().find(dialog.id).await?;
        let snooze = snooze.filter(|snooze| snooze.ended_by(dialog, now).is_none());
        Ok(Self::new(tags.unwrap_or_default(), snooze.map(|snooze| snooze.until)))
    }
}

/// The tags of dialogs that have any.
pub(super) async fn tags(
    tx: &mut Tx,
    workspace: WorkspaceId,
    dialogs: &[DialogId],
) -> Result<HashMap<DialogId, Vec<DialogTagView>>, StorageError> {
    let mut tags: HashMap<_, Vec<_>> = HashMap::new();
    for (dialog, tag) in tx.workspace(workspace).tags().of_dialogs(dialogs).await? {
        tags.entry(dialog).or_default().push(tag.into());
    }
    Ok(tags)
}
