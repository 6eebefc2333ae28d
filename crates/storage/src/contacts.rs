//! Customers: the `contacts` table of one workspace.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::Inbound,
    dialog::Contact,
    event::Event,
    ids::{BotId, ContactId, WorkspaceId},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! columns {
    () => {
        "workspace_id, id, bot_id, chat_id, chat_kind, display_name, blocked_at"
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    bot_id: Uuid,
    chat_id: i64,
    chat_kind: String,
    display_name: String,
    blocked_at: Option<DateTime<Utc>>,
}

/// One workspace's contacts.
pub struct Contacts<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Contacts<'_> {
    /// Finds whoever wrote, or makes them a contact under `new_id`; their name is brought up to date. The
    /// row stays locked until the transaction ends: two first messages make one contact.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or the row cannot be read.
    pub async fn meet(
        self,
        bot: BotId,
        inbound: &Inbound,
        new_id: ContactId,
        now: DateTime<Utc>,
    ) -> Result<Contact, StorageError> {
        const SQL: &str = concat!(
            "INSERT INTO contacts (workspace_id, id, bot_id, chat_id, chat_kind, display_name,
                                   language_code, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (workspace_id, bot_id, chat_id) DO UPDATE
                SET display_name = excluded.display_name, language_code = excluded.language_code
             RETURNING ",
            columns!()
        );
        let row = row!(self.tx, Row, SQL;
            self.workspace.into_uuid(), new_id.into_uuid(), bot.into_uuid(), inbound.chat_id,
            inbound.chat_kind.as_str(), &inbound.display_name, &inbound.language_code, now);
        read(row.ok_or(StorageError::RowsAffected { table: "contacts", actual: 0 })?)
    }

    /// Finds a contact.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or the row cannot be read.
    pub async fn find(self, id: ContactId) -> Result<Option<Contact>, StorageError> {
        const SQL: &str =
            concat!("SELECT ", columns!(), " FROM contacts WHERE workspace_id = $1 AND id = $2");
        row!(self.tx, Row, SQL; self.workspace.into_uuid(), id.into_uuid()).map(read).transpose()
    }

    /// Marks a contact as having blocked the bot, or as letting it speak again, and tells the log if that
    /// is news.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn set_blocked(
        self,
        id: ContactId,
        blocked: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const BLOCK: &str = "
            UPDATE contacts SET blocked_at = $3
             WHERE workspace_id = $1 AND id = $2 AND blocked_at IS NULL";
        const UNBLOCK: &str = "
            UPDATE contacts SET blocked_at = NULL
             WHERE workspace_id = $1 AND id = $2 AND blocked_at IS NOT NULL AND blocked_at <= $3";
        let sql = if blocked { BLOCK } else { UNBLOCK };
        let changed = run!(self.tx, sql; self.workspace.into_uuid(), id.into_uuid(), now);
        if changed == 1 {
            self.tx.record(self.workspace, Event::ContactBlocked { contact_id: id, blocked }, now);
        }
        Ok(())
    }
}

fn read(row: Row) -> Result<Contact, StorageError> {
    Ok(Contact {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        bot_id: row.bot_id.into(),
        chat_id: row.chat_id,
        chat_kind: row.chat_kind.parse().map_err(StorageError::corrupt("contacts"))?,
        display_name: row.display_name,
        blocked_at: row.blocked_at,
    })
}
