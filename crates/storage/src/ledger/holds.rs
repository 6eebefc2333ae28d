//! What is set aside for work that is under way: the `ledger_holds` table. A hold is deleted when
//! it is settled; its entries stay.

use std::slice;

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{DialogId, HoldId, WorkspaceId},
    ledger::{Hold, Reserved},
    money::Money,
};
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! holds {
    () => {
        "SELECT workspace_id, id, purpose, dialog_id, answers, bonus, paid, price_version, taken_at,
                expires_at
           FROM ledger_holds"
    };
}

#[derive(crate::FromRow)]
pub(super) struct Row {
    workspace_id: Uuid,
    id: Uuid,
    purpose: String,
    dialog_id: Option<Uuid>,
    answers: i64,
    bonus: i64,
    paid: i64,
    price_version: i64,
    taken_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl Row {
    pub(super) fn hold(self) -> Result<Hold, StorageError> {
        Ok(Hold {
            id: self.id.into(),
            workspace_id: self.workspace_id.into(),
            purpose: self.purpose.parse().map_err(StorageError::corrupt("ledger_holds"))?,
            dialog_id: self.dialog_id.map(Into::into),
            reserved: Reserved {
                answers: self.answers,
                bonus: Money::from_micros(self.bonus),
                paid: Money::from_micros(self.paid),
            },
            price_version: self.price_version,
            taken_at: self.taken_at,
            expires_at: self.expires_at,
        })
    }
}

/// One workspace's holds.
pub struct Holds<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Holds<'_> {
    /// Stores a new hold.
    ///
    /// # Errors
    ///
    /// Fails when its dialog has one.
    pub async fn insert(self, hold: &Hold) -> Result<(), StorageError> {
        debug_assert_eq!(hold.workspace_id, self.workspace, "of another workspace");
        insert(self.tx, slice::from_ref(hold)).await
    }

    /// Finds a hold.
    pub async fn find(self, id: HoldId) -> Result<Option<Hold>, StorageError> {
        const SQL: &str = concat!(holds!(), " WHERE workspace_id = $1 AND id = $2");
        let row = row!(self.tx, Row, SQL; self.workspace.into_uuid(), id.into_uuid());
        row.map(Row::hold).transpose()
    }

    /// Finds the hold of a dialog.
    pub async fn of_dialog(self, dialog: DialogId) -> Result<Option<Hold>, StorageError> {
        const SQL: &str = concat!(holds!(), " WHERE workspace_id = $1 AND dialog_id = $2");
        let row = row!(self.tx, Row, SQL; self.workspace.into_uuid(), dialog.into_uuid());
        row.map(Row::hold).transpose()
    }

    /// All holds, the oldest first; at most `limit`.
    pub async fn list(self, limit: u32) -> Result<Vec<Hold>, StorageError> {
        const SQL: &str =
            concat!(holds!(), " WHERE workspace_id = $1 ORDER BY taken_at, id LIMIT $2");
        let rows = rows!(self.tx, Row, SQL; self.workspace.into_uuid(), i64::from(limit));
        rows.into_iter().map(Row::hold).collect()
    }

    /// Keeps a hold for longer. `false`: there is none.
    pub async fn renew(self, id: HoldId, until: DateTime<Utc>) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE ledger_holds SET expires_at = $3 WHERE workspace_id = $1 AND id = $2";
        let renewed = run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid(), until);
        Ok(renewed == 1)
    }

    /// Deletes a hold that is settled. `false`: there is none.
    pub async fn delete(self, id: HoldId) -> Result<bool, StorageError> {
        const SQL: &str = "DELETE FROM ledger_holds WHERE workspace_id = $1 AND id = $2";
        Ok(run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid()) == 1)
    }
}

/// Stores new holds.
pub(super) async fn insert(tx: &mut Tx, holds: &[Hold]) -> Result<(), StorageError> {
    const SQL: [&str; 2] = given!(
        [
            "workspace_id" "uuid", 2 "id" "uuid", 3 "purpose" "text", 4 "dialog_id" "uuid",
            5 "answers" "bigint", 6 "bonus" "bigint", 7 "paid" "bigint", 8 "price_version" "bigint",
            9 "taken_at" "timestamptz", 10 "expires_at" "timestamptz",
        ]
        "INSERT INTO ledger_holds (workspace_id, id, purpose, dialog_id, answers, bonus, paid,
                                   price_version, taken_at, expires_at)
         SELECT workspace_id, id, purpose, dialog_id, answers, bonus, paid, price_version,
                taken_at, expires_at FROM given"
    );
    run_each!(tx, SQL, holds; |hold|
        hold.workspace_id.into_uuid(), hold.id.into_uuid(), hold.purpose.as_str(),
        hold.dialog_id.map(DialogId::into_uuid), hold.reserved.answers,
        hold.reserved.bonus.micros(), hold.reserved.paid.micros(), hold.price_version,
        hold.taken_at, hold.expires_at);
    Ok(())
}

/// All holds.
pub struct SystemHolds<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemHolds<'_> {
    /// Holds whose time is over, by workspace; at most `limit`.
    pub async fn expired(self, at: DateTime<Utc>, limit: u32) -> Result<Vec<Hold>, StorageError> {
        const SQL: &str =
            concat!(holds!(), " WHERE expires_at <= $1 ORDER BY workspace_id, id LIMIT $2");
        let rows = rows!(self.tx, Row, SQL; at, i64::from(limit));
        rows.into_iter().map(Row::hold).collect()
    }
}
