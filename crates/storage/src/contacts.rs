//! Customers: the `contacts` table of one workspace.

use chrono::{DateTime, NaiveDate, Utc};
use replyx_core::{
    assistant::Language,
    channel::{Address, ChatKind, Inbound},
    dialog::Contact,
    event::LimitBound,
    ids::{ChannelId, ContactId, WorkspaceId},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! columns {
    () => {
        "workspace_id, id, channel_id, address, chat_kind, display_name, language_code, language, source,
         blocked_at"
    };
}

#[derive(crate::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    channel_id: Uuid,
    address: String,
    chat_kind: String,
    display_name: String,
    language_code: Option<String>,
    language: Option<String>,
    source: Option<String>,
    blocked_at: Option<DateTime<Utc>>,
}

/// What a customer was answered on a day, and whether they were told that it is enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, crate::FromRow)]
pub struct ContactDay {
    /// How many answers they got.
    pub answers: i64,
    /// When they were told that there are no more on this day.
    pub day_told_at: Option<DateTime<Utc>>,
    /// When they were last told that they write too fast.
    pub rate_told_at: Option<DateTime<Utc>>,
    /// When they were told that nobody can answer, because the balance is used up.
    pub balance_told_at: Option<DateTime<Utc>>,
}

/// A conversation of a chat that got another address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Where it was.
    pub from: Address,
    /// Where it is.
    pub to: Address,
    /// Whose address that is now.
    pub contact: ContactId,
}

/// One workspace's contacts.
pub struct Contacts<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Contacts<'_> {
    /// Finds the sender, or makes them a contact under `new_id`; their name is brought up to
    /// date. The row stays locked until the transaction ends: two first messages make one contact.
    /// What comes late from a group that has moved belongs to the contact that moved.
    pub async fn meet(
        self,
        channel: ChannelId,
        inbound: &Inbound,
        new_id: ContactId,
        now: DateTime<Utc>,
    ) -> Result<Contact, StorageError> {
        const MOVED: &str = "
            SELECT address FROM contacts
             WHERE workspace_id = $1 AND channel_id = $2 AND former_address = $3
             ORDER BY created_at, id LIMIT 1";
        let mut address = inbound.address.as_str().to_owned();
        if inbound.chat_kind == ChatKind::Group {
            let moved = value!(self.tx, String, MOVED;
                self.workspace.into_uuid(), channel.into_uuid(), &address);
            address = moved.unwrap_or(address);
        }

        let sender = Sender { workspace_id: self.workspace, channel_id: channel, new_id, inbound };
        let met = meet(self.tx, &[(sender, address)], now).await?;
        met.into_iter().next().ok_or(StorageError::RowsAffected { table: "contacts", actual: 0 })
    }

    /// Keeps the contacts, and with them the dialogs, of a chat that got another address: of the
    /// chat, and of all conversations within it ([`Address::moved`]). Somebody may have written
    /// there before we heard of the change: then that contact goes on there, and the old one keeps
    /// its address.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when somebody writes there at this moment.
    pub async fn follow(
        self,
        channel: ChannelId,
        from: &Address,
        to: &Address,
    ) -> Result<Vec<Followed>, StorageError> {
        const FROM: &str = "
            SELECT address FROM contacts
             WHERE workspace_id = $1 AND channel_id = $2 AND address LIKE $3 ORDER BY address";
        const THERE: &str =
            "SELECT id FROM contacts WHERE workspace_id = $1 AND channel_id = $2 AND address = $3";
        const SQL: &str = "
            UPDATE contacts SET address = $4, former_address = $3
             WHERE workspace_id = $1 AND channel_id = $2 AND address = $3 RETURNING id";
        let workspace = self.workspace.into_uuid();
        let channel = channel.into_uuid();
        // An address may hold what stands for any letter: which are in the chat is asked again.
        let begins = format!("{from}%");
        let found = rows!(self.tx, (String,), FROM; workspace, channel, &begins);

        let mut followed = Vec::new();
        for (address,) in found {
            let old = Address::from(address);
            let Some(new) = old.moved(from, to) else { continue };
            let there = value!(self.tx, Uuid, THERE; workspace, channel, new.as_str());
            let contact = match there {
                Some(contact) => Some(contact),
                None => {
                    value!(self.tx, Uuid, SQL; workspace, channel, old.as_str(), new.as_str())
                }
            };
            let contact = contact.map(ContactId::from);
            followed.extend(contact.map(|contact| Followed { from: old, to: new, contact }));
        }
        Ok(followed)
    }

    /// Finds a contact.
    pub async fn find(self, id: ContactId) -> Result<Option<Contact>, StorageError> {
        const SQL: &str =
            concat!("SELECT ", columns!(), " FROM contacts WHERE workspace_id = $1 AND id = $2");
        row!(self.tx, Row, SQL; self.workspace.into_uuid(), id.into_uuid()).map(read).transpose()
    }

    /// Finds a contact and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: ContactId) -> Result<Option<Contact>, StorageError> {
        macro_rules! find {
            () => {
                concat!("SELECT ", columns!(), " FROM contacts WHERE workspace_id = $1 AND id = $2")
            };
        }
        // A writing transaction already holds all of SQLite.
        let sql = self.tx.sql(concat!(find!(), " FOR NO KEY UPDATE"), find!());
        row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid()).map(read).transpose()
    }

    /// Writes what a contact told of themselves, and since when they do not want to hear from us.
    ///
    /// # Errors
    ///
    /// Fails when the contact is not there.
    pub(crate) async fn save(self, contact: &Contact) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE contacts SET blocked_at = $3, language = $4, source = $5
             WHERE workspace_id = $1 AND id = $2";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), contact.id.into_uuid(), contact.blocked_at,
            contact.language.map(Language::as_str), &contact.source);
        StorageError::expect_one_row("contacts", changed)
    }

    /// What a customer was answered on a day.
    pub async fn day(self, id: ContactId, day: NaiveDate) -> Result<ContactDay, StorageError> {
        const SQL: &str = "
            SELECT answers, day_told_at, rate_told_at, balance_told_at FROM contact_days
             WHERE workspace_id = $1 AND contact_id = $2 AND day = $3";
        let found = row!(self.tx, ContactDay, SQL;
            self.workspace.into_uuid(), id.into_uuid(), day.to_string());
        Ok(found.unwrap_or_default())
    }

    /// Counts an answer.
    ///
    /// # Errors
    ///
    /// Fails when the contact is somebody else's.
    pub async fn answered(self, id: ContactId, day: NaiveDate) -> Result<(), StorageError> {
        answered(self.tx, &[(self.workspace, id)], day).await
    }

    /// Notes that a customer is told of a bound.
    ///
    /// # Errors
    ///
    /// Fails when the contact is somebody else's.
    pub async fn told(
        self,
        id: ContactId,
        day: NaiveDate,
        bound: LimitBound,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const OF_DAY: &str = "
            INSERT INTO contact_days (workspace_id, contact_id, day, day_told_at)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (workspace_id, contact_id, day) DO UPDATE SET day_told_at = excluded.day_told_at";

        const OF_RATE: &str = "
            INSERT INTO contact_days (workspace_id, contact_id, day, rate_told_at)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (workspace_id, contact_id, day) DO UPDATE SET rate_told_at = excluded.rate_told_at";

        const OF_BALANCE: &str = "
            INSERT INTO contact_days (workspace_id, contact_id, day, balance_told_at)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (workspace_id, contact_id, day)
            DO UPDATE SET balance_told_at = excluded.balance_told_at";

        let sql = match bound {
            LimitBound::Day => OF_DAY,
            LimitBound::Rate => OF_RATE,
            LimitBound::Balance => OF_BALANCE,
        };
        run!(self.tx, sql; self.workspace.into_uuid(), id.into_uuid(), day.to_string(), now);
        Ok(())
    }
}

/// All contacts.
pub struct SystemContacts<'t> {
    pub(crate) tx: &'t mut Tx,
}

/// Somebody who writes.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// Whose channel it is.
    pub workspace_id: WorkspaceId,
    /// The channel.
    pub channel_id: ChannelId,
    /// Who they are if nobody has heard of them.
    pub new_id: ContactId,
    /// What came of them.
    pub inbound: &'a Inbound,
}

/// Finds senders by their addresses, who are different ones, or makes them contacts.
async fn meet(
    tx: &mut Tx,
    senders: &[(Sender<'_>, String)],
    now: DateTime<Utc>,
) -> Result<Vec<Contact>, StorageError> {
    const SQL: [&str; 2] = given!(
        [
            "workspace_id" "uuid", 2 "id" "uuid", 3 "channel_id" "uuid", 4 "address" "text",
            5 "chat_kind" "text", 6 "display_name" "text", 7 "language_code" "text",
            8 "created_at" "timestamptz",
        ]
        concat!(
            "INSERT INTO contacts (workspace_id, id, channel_id, address, chat_kind, display_name,
                                   language_code, created_at)
             SELECT workspace_id, id, channel_id, address, chat_kind, display_name, language_code,
                    created_at
               FROM given WHERE TRUE
             ON CONFLICT (workspace_id, channel_id, address) DO UPDATE
                SET display_name = excluded.display_name, language_code = excluded.language_code
             RETURNING ",
            columns!()
        )
    );

    let met = rows_each!(tx, Row, SQL, senders; |row|
        row.0.workspace_id.into_uuid(), row.0.new_id.into_uuid(), row.0.channel_id.into_uuid(),
        &row.1, row.0.inbound.chat_kind.as_str(), &row.0.inbound.display_name,
        &row.0.inbound.language_code, now);
    met.into_iter().map(read).collect()
}

/// Counts an answer to each of these customers, who are different ones.
async fn answered(
    tx: &mut Tx,
    whom: &[(WorkspaceId, ContactId)],
    day: NaiveDate,
) -> Result<(), StorageError> {
    const SQL: [&str; 2] = given!(
        ["workspace_id" "uuid", 2 "contact_id" "uuid", 3 "day" "text"]
        "INSERT INTO contact_days (workspace_id, contact_id, day, answers)
         SELECT workspace_id, contact_id, day, 1 FROM given WHERE TRUE
         ON CONFLICT (workspace_id, contact_id, day) DO UPDATE
            SET answers = contact_days.answers + 1"
    );
    run_each!(tx, SQL, whom; |row|
        row.0.into_uuid(), row.1.into_uuid(), day.to_string());
    Ok(())
}

impl SystemContacts<'_> {
    /// Finds the senders in private chats, or makes them contacts, each as [`Contacts::meet`] does.
    /// They are different ones, in the order in which their rows are locked.
    pub async fn meet_each(
        self,
        senders: &[Sender<'_>],
        now: DateTime<Utc>,
    ) -> Result<Vec<Contact>, StorageError> {
        let address = |sender: &Sender<'_>| sender.inbound.address.as_str().to_owned();
        let senders: Vec<_> = senders.iter().map(|sender| (*sender, address(sender))).collect();
        meet(self.tx, &senders, now).await
    }

    /// Counts an answer to each of these customers, who are different ones.
    ///
    /// # Errors
    ///
    /// Fails when a contact is not of its workspace.
    pub async fn answered_each(
        self,
        whom: &[(WorkspaceId, ContactId)],
        day: NaiveDate,
    ) -> Result<(), StorageError> {
        answered(self.tx, whom, day).await
    }

    /// Forgets what customers were answered on days before `day`, a batch at a time
    /// ([`crate::sweep::BATCH`]).
    pub async fn forget_days(self, day: NaiveDate) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("contact_days", "day < $1");
        Ok(delete_batch!(self.tx, SQL; day.to_string()))
    }
}

/// Reads the language that a contact chose.
pub(crate) fn language(stored: Option<&str>) -> Result<Option<Language>, StorageError> {
    stored.map(str::parse).transpose().map_err(StorageError::corrupt("contacts"))
}

fn read(row: Row) -> Result<Contact, StorageError> {
    Ok(Contact {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        channel_id: row.channel_id.into(),
        address: row.address.into(),
        chat_kind: row.chat_kind.parse().map_err(StorageError::corrupt("contacts"))?,
        display_name: row.display_name,
        language_code: row.language_code,
        language: language(row.language.as_deref())?,
        source: row.source,
        blocked_at: row.blocked_at,
    })
}
