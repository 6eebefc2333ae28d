//! Conversations: the `dialogs` table of one workspace.

use chrono::{DateTime, Utc};
use replyx_core::{
    dialog::{Control, Dialog, HandoffReason, Operator},
    ids::{ContactId, DialogId, UserId, WorkspaceId},
    page::{Page, PageRequest},
    rules::dialog::{Edited, Utterance},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! columns {
    () => {
        "workspace_id, id, assistant_id, channel_id, contact_id, control, epoch, last_seq, heard_seq,
         answered_seq, edits, fresh_seq, created_at, updated_at, assignee_id, assignee_name, asking_since,
         handoff_reason, closed_at"
    };
}

macro_rules! find {
    () => {
        concat!("SELECT ", columns!(), " FROM dialogs WHERE workspace_id = $1 AND id = $2")
    };
}

macro_rules! find_open {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM dialogs WHERE workspace_id = $1 AND contact_id = $2 AND control <> 'closed'"
        )
    };
}

macro_rules! find_last {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM dialogs WHERE workspace_id = $1 AND contact_id = $2 ORDER BY id DESC LIMIT 1"
        )
    };
}

mod context;
mod together;

pub use context::DialogContext;
pub use together::SystemDialogs;

#[derive(crate::FromRow)]
pub(crate) struct Row {
    workspace_id: Uuid,
    id: Uuid,
    assistant_id: Uuid,
    channel_id: Uuid,
    contact_id: Uuid,
    control: String,
    epoch: i64,
    last_seq: i64,
    heard_seq: i64,
    answered_seq: i64,
    edits: i64,
    fresh_seq: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    assignee_id: Option<Uuid>,
    assignee_name: Option<String>,
    asking_since: Option<DateTime<Utc>>,
    handoff_reason: Option<String>,
    closed_at: Option<DateTime<Utc>>,
}

/// One workspace's dialogs.
pub struct Dialogs<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Dialogs<'_> {
    /// Stores a new dialog.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when the contact has an open dialog already.
    pub(crate) async fn insert(self, dialog: &Dialog) -> Result<(), StorageError> {
        debug_assert_eq!(dialog.workspace_id, self.workspace, "stored in another workspace");
        const SQL: &str = concat!(
            "INSERT INTO dialogs (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
        );
        let assignee = dialog.assignee.as_ref();
        run!(self.tx, SQL;
            self.workspace.into_uuid(), dialog.id.into_uuid(), dialog.assistant_id.into_uuid(),
            dialog.channel_id.into_uuid(), dialog.contact_id.into_uuid(), dialog.control.as_str(),
            dialog.epoch, dialog.last_seq, dialog.heard_seq, dialog.answered_seq, dialog.edits,
            dialog.fresh_seq, dialog.created_at,
            dialog.updated_at, assignee.and_then(|operator| operator.user_id).map(UserId::into_uuid),
            assignee.map(|operator| operator.name.as_str()), dialog.asking_since,
            dialog.handoff_reason.map(HandoffReason::as_str), dialog.closed_at);
        Ok(())
    }

    /// Finds a dialog.
    pub async fn find(self, id: DialogId) -> Result<Option<Dialog>, StorageError> {
        row!(self.tx, Row, find!(); self.workspace.into_uuid(), id.into_uuid())
            .as_ref()
            .map(read)
            .transpose()
    }

    /// Finds a dialog and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: DialogId) -> Result<Option<Dialog>, StorageError> {
        // A writing transaction already holds all of SQLite.
        let sql = self.tx.sql(concat!(find!(), " FOR NO KEY UPDATE"), find!());
        row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid())
            .as_ref()
            .map(read)
            .transpose()
    }

    /// Finds and locks the dialog a contact is in.
    pub async fn lock_open(self, contact: ContactId) -> Result<Option<Dialog>, StorageError> {
        let sql = self.tx.sql(concat!(find_open!(), " FOR NO KEY UPDATE"), find_open!());
        row!(self.tx, Row, sql; self.workspace.into_uuid(), contact.into_uuid())
            .as_ref()
            .map(read)
            .transpose()
    }

    /// Finds and locks the last dialog of a contact, if it is over. The caller holds the contact's
    /// lock.
    pub async fn lock_closed(self, contact: ContactId) -> Result<Option<Dialog>, StorageError> {
        let sql = self.tx.sql(concat!(find_last!(), " FOR NO KEY UPDATE"), find_last!());
        let row = row!(self.tx, Row, sql; self.workspace.into_uuid(), contact.into_uuid());
        let last = row.as_ref().map(read).transpose()?;
        Ok(last.filter(|dialog| dialog.control == Control::Closed))
    }

    /// Writes a changed dialog.
    ///
    /// # Errors
    ///
    /// Fails when the dialog is not there.
    pub(crate) async fn save(self, dialog: &Dialog) -> Result<(), StorageError> {
        debug_assert_eq!(dialog.workspace_id, self.workspace, "saved under another workspace");
        save(self.tx, &[dialog]).await
    }

    /// Stores what was said, with the dialog as it is then.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when its place in the dialog is taken.
    pub(crate) async fn keep(self, said: &Utterance) -> Result<(), StorageError> {
        let messages = self.tx.workspace(self.workspace).messages();
        let client_id = said.client_id.as_deref();
        messages.insert(&said.message, said.channel_message.as_ref(), client_id).await?;
        if let Some(notice) = &said.notice {
            self.tx.workspace(self.workspace).messages().insert(notice, None, None).await?;
        }
        if let Some(to) = said.queue {
            self.tx.workspace(self.workspace).waits().note(&said.dialog, to).await?;
        }
        self.save(&said.dialog).await
    }

    /// Stores what an edited message says, with the dialog as it is then.
    pub(crate) async fn revise(self, edited: &Edited) -> Result<(), StorageError> {
        self.tx.workspace(self.workspace).messages().revise(&edited.message).await?;
        self.save(&edited.dialog).await
    }

    /// The summary of what was said up to and including a message, by its `seq`; `None`: there is
    /// none.
    pub async fn summary(self, id: DialogId) -> Result<Option<(String, i64)>, StorageError> {
        const SQL: &str = "
            SELECT summary, summary_seq FROM dialogs
             WHERE workspace_id = $1 AND id = $2 AND summary IS NOT NULL AND summary_seq > fresh_seq";
        Ok(row!(self.tx, (String, i64), SQL; self.workspace.into_uuid(), id.into_uuid()))
    }

    /// Keeps a summary of what was said up to and including the message `seq`. A newer one is not
    /// overwritten.
    pub async fn set_summary(
        self,
        id: DialogId,
        summary: &str,
        seq: i64,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE dialogs SET summary = $3, summary_seq = $4
             WHERE workspace_id = $1 AND id = $2 AND summary_seq < $4 AND fresh_seq < $4";
        run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid(), summary, seq);
        Ok(())
    }

    /// A page of the dialogs, newest first.
    pub async fn list(
        self,
        page: PageRequest<DialogId>,
    ) -> Result<Page<Dialog, DialogId>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM dialogs WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
        );
        let before = page.after.map_or(Uuid::max(), DialogId::into_uuid);
        let rows = rows!(self.tx, Row, SQL;
            self.workspace.into_uuid(), before, i64::from(page.limit) + 1);
        let found = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::of(found, page.limit, |dialog: &Dialog| dialog.id))
    }
}

/// Writes changed dialogs.
pub(crate) async fn save(tx: &mut Tx, changed: &[&Dialog]) -> Result<(), StorageError> {
    const SQL: [&str; 2] = given!(
        [
            "workspace_id" "uuid", 2 "id" "uuid", 3 "control" "text", 4 "epoch" "bigint",
            5 "last_seq" "bigint", 6 "heard_seq" "bigint", 7 "answered_seq" "bigint",
            8 "updated_at" "timestamptz", 9 "assignee_id" "uuid", 10 "assignee_name" "text",
            11 "asking_since" "timestamptz", 12 "handoff_reason" "text", 13 "closed_at" "timestamptz",
            14 "edits" "bigint", 15 "fresh_seq" "bigint",
        ]
        "UPDATE dialogs SET control = given.control, epoch = given.epoch, last_seq = given.last_seq,
                heard_seq = given.heard_seq, answered_seq = given.answered_seq,
                updated_at = given.updated_at, assignee_id = given.assignee_id,
                assignee_name = given.assignee_name, asking_since = given.asking_since,
                handoff_reason = given.handoff_reason, closed_at = given.closed_at,
                edits = given.edits, fresh_seq = given.fresh_seq
           FROM given
          WHERE dialogs.workspace_id = given.workspace_id AND dialogs.id = given.id"
    );
    let saved = run_each!(tx, SQL, changed; |dialog|
        dialog.workspace_id.into_uuid(), dialog.id.into_uuid(), dialog.control.as_str(),
        dialog.epoch, dialog.last_seq, dialog.heard_seq, dialog.answered_seq, dialog.updated_at,
        dialog.assignee.as_ref().and_then(|operator| operator.user_id).map(UserId::into_uuid),
        dialog.assignee.as_ref().map(|operator| operator.name.as_str()), dialog.asking_since,
        dialog.handoff_reason.map(HandoffReason::as_str), dialog.closed_at, dialog.edits,
        dialog.fresh_seq);
    StorageError::expect_a_row_each("dialogs", changed, saved)
}

pub(crate) fn read(row: &Row) -> Result<Dialog, StorageError> {
    let corrupt = StorageError::corrupt("dialogs");
    let reason = row.handoff_reason.as_deref().map(str::parse).transpose().map_err(corrupt)?;

    Ok(Dialog {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        assistant_id: row.assistant_id.into(),
        channel_id: row.channel_id.into(),
        contact_id: row.contact_id.into(),
        control: row.control.parse().map_err(StorageError::corrupt("dialogs"))?,
        epoch: row.epoch,
        last_seq: row.last_seq,
        heard_seq: row.heard_seq,
        answered_seq: row.answered_seq,
        edits: row.edits,
        fresh_seq: row.fresh_seq,
        created_at: row.created_at,
        updated_at: row.updated_at,
        assignee: operator(row.assignee_id, row.assignee_name.as_deref()),
        asking_since: row.asking_since,
        handoff_reason: reason,
        closed_at: row.closed_at,
    })
}

/// Somebody on our side, from two columns.
pub(crate) fn operator(id: Option<Uuid>, name: Option<&str>) -> Option<Operator> {
    name.map(|name| Operator { user_id: id.map(UserId::from), name: name.to_owned() })
}
