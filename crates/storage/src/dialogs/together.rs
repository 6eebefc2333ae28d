//! What is done to the dialogs of many customers with one statement.

use replyx_core::{
    dialog::Dialog,
    ids::{ContactId, DialogId, WorkspaceId},
};

use super::{Row, read};
use crate::{StorageError, Tx, unit::Company};

/// The dialogs of all workspaces.
pub struct SystemDialogs<'t> {
    pub(crate) tx: &'t mut Tx,
}

macro_rules! find_each {
    ($lock:literal) => {
        given!(
            ["in_workspace" "uuid", 2 "dialog" "uuid"]
            concat!(
                "SELECT ",
                columns!(),
                " FROM dialogs WHERE (workspace_id, id) IN (SELECT in_workspace, dialog FROM given)",
                $lock
            )
        )
    };
}

impl SystemDialogs<'_> {
    /// Finds dialogs and keeps others from changing them until the transaction ends. In company
    /// those are left out that others are changing.
    pub async fn lock_each(
        self,
        which: &[(WorkspaceId, DialogId)],
        company: Company,
    ) -> Result<Vec<Dialog>, StorageError> {
        const FREE: [&str; 2] = find_each!(" FOR NO KEY UPDATE SKIP LOCKED");
        const ALL: [&str; 2] = find_each!(" FOR NO KEY UPDATE");
        // A writing transaction already holds all of SQLite.
        const HELD: [&str; 2] = find_each!("");
        let [locked, _] = if company == Company::Shared { FREE } else { ALL };
        let found = rows_each!(self.tx, Row, [locked, HELD[1]], which; |row|
            row.0.into_uuid(), row.1.into_uuid());
        found.iter().map(read).collect()
    }
}

macro_rules! find_open_each {
    ($lock:literal) => {
        given!(
            ["in_workspace" "uuid", 2 "contact" "uuid"]
            concat!(
                "SELECT ",
                columns!(),
                " FROM dialogs
                  WHERE (workspace_id, contact_id) IN (SELECT in_workspace, contact FROM given)
                    AND control <> 'closed'",
                $lock
            )
        )
    };
}

impl SystemDialogs<'_> {
    /// Finds and locks the dialogs that contacts are in. The caller holds the contacts' locks.
    pub async fn lock_open_each(
        self,
        whose: &[(WorkspaceId, ContactId)],
    ) -> Result<Vec<Dialog>, StorageError> {
        const LOCKED: [&str; 2] = find_open_each!(" FOR NO KEY UPDATE");
        const HELD: [&str; 2] = find_open_each!("");
        let found = rows_each!(self.tx, Row, [LOCKED[0], HELD[1]], whose; |row|
            row.0.into_uuid(), row.1.into_uuid());
        found.iter().map(read).collect()
    }
}
