//! What a turn of a dialog begins with, but for what was said: one row.

use chrono::{DateTime, NaiveDate, Utc};
use replyx_core::{
    assistant::Pause,
    channel::Channel,
    command::OwnerCommand,
    dialog::{Contact, Dialog},
    ids::DialogId,
};
use uuid::Uuid;

use super::{Dialogs, Row, read};
use crate::{
    StorageError, bots,
    channels::{Access, commands, secret},
    contacts::{self, ContactDay},
    workspaces::{self, ModelPolicy},
};

/// A dialog with everything around it that an answer depends on.
#[derive(Debug)]
pub struct DialogContext {
    /// The dialog.
    pub dialog: Dialog,
    /// What was said in it a long time ago, in short.
    pub summary: Option<String>,
    /// The customer.
    pub contact: Contact,
    /// What the customer was answered on the day.
    pub day: ContactDay,
    /// The channel, with what it needs to send.
    pub access: Access,
    /// The number of the published version.
    pub version: i64,
    /// When that version was made. An assistant has no two versions of one number and time.
    pub version_at: DateTime<Utc>,
    /// The revision of what the assistant knows.
    pub knowledge: i64,
    /// The pause of the assistant, if it is paused.
    pub pause: Option<Pause>,
    /// The commands of the owner, where the channel is a bot.
    pub commands: Vec<OwnerCommand>,
    /// Which models may be used.
    pub policy: ModelPolicy,
}

#[derive(crate::FromRow)]
struct ContextRow {
    #[row(flatten)]
    dialog: Row,
    summary: Option<String>,
    #[row(flatten)]
    contact: ContactColumns,
    #[row(flatten)]
    channel: ChannelColumns,
    answers: Option<i64>,
    day_told_at: Option<DateTime<Utc>>,
    rate_told_at: Option<DateTime<Utc>>,
    balance_told_at: Option<DateTime<Utc>>,
    version: i64,
    version_at: DateTime<Utc>,
    knowledge: i64,
    paused_since: Option<DateTime<Utc>>,
    pause_text: Option<String>,
    suspended: bool,
    allowed_models: Option<String>,
}

#[derive(crate::FromRow)]
struct ContactColumns {
    contact_channel_id: Uuid,
    address: String,
    chat_kind: String,
    display_name: String,
    language_code: Option<String>,
    language: Option<String>,
    source: Option<String>,
    blocked_at: Option<DateTime<Utc>>,
}

#[derive(crate::FromRow)]
struct ChannelColumns {
    channel_assistant_id: Uuid,
    channel_kind: String,
    channel_name: String,
    channel_status: String,
    channel_error: Option<String>,
    channel_created_at: DateTime<Utc>,
    channel_updated_at: DateTime<Utc>,
    secret_sealed: Option<Vec<u8>>,
    commands: Option<String>,
}

impl Dialogs<'_> {
    /// Finds a dialog with everything around it that an answer depends on. `None`: the dialog, its
    /// assistant or its channel does not exist, or no version of the assistant is published.
    pub async fn context(
        self,
        id: DialogId,
        day: NaiveDate,
    ) -> Result<Option<DialogContext>, StorageError> {
        const SQL: &str = concat!(
            "SELECT d.*, contacts.channel_id AS contact_channel_id, contacts.address,
                    contacts.chat_kind, contacts.display_name, contacts.blocked_at,
                    contacts.language_code, contacts.language, contacts.source,
                    days.answers, days.day_told_at, days.rate_told_at, days.balance_told_at,
                    c.assistant_id AS channel_assistant_id, c.kind AS channel_kind,
                    c.name AS channel_name, c.status AS channel_status, c.error AS channel_error,
                    c.created_at AS channel_created_at, c.updated_at AS channel_updated_at,
                    ",
            secret!("c"),
            " AS secret_sealed, ",
            commands!("c"),
            " AS commands, versions.number AS version,
                    versions.created_at AS version_at, assistants.knowledge_revision AS knowledge,
                    pauses.since AS paused_since, pauses.text AS pause_text,
                    workspaces.suspended_at IS NOT NULL AS suspended, workspaces.allowed_models
               FROM (SELECT ",
            columns!(),
            ", CASE WHEN summary_seq > fresh_seq THEN summary END AS summary
                  FROM dialogs WHERE workspace_id = $1 AND id = $2) AS d
               JOIN workspaces ON workspaces.id = d.workspace_id
               JOIN contacts ON contacts.workspace_id = d.workspace_id AND contacts.id = d.contact_id
               JOIN channels AS c ON c.workspace_id = d.workspace_id AND c.id = d.channel_id
                                 AND c.deleted_at IS NULL
               JOIN assistants ON assistants.workspace_id = d.workspace_id
                              AND assistants.id = d.assistant_id AND assistants.deleted_at IS NULL
               JOIN assistant_versions AS versions
                 ON versions.workspace_id = d.workspace_id
                AND versions.assistant_id = d.assistant_id
                AND versions.number = assistants.published
               LEFT JOIN assistant_pauses AS pauses
                 ON pauses.workspace_id = d.workspace_id AND pauses.assistant_id = d.assistant_id
               LEFT JOIN contact_days AS days
                 ON days.workspace_id = d.workspace_id AND days.contact_id = d.contact_id
                AND days.day = $3"
        );
        let row = row!(self.tx, ContextRow, SQL;
            self.workspace.into_uuid(), id.into_uuid(), day.to_string());
        row.map(read_context).transpose()
    }
}

fn read_context(row: ContextRow) -> Result<DialogContext, StorageError> {
    let dialog = read(&row.dialog)?;
    let contact = Contact {
        id: dialog.contact_id,
        workspace_id: dialog.workspace_id,
        channel_id: row.contact.contact_channel_id.into(),
        address: row.contact.address.into(),
        chat_kind: row.contact.chat_kind.parse().map_err(StorageError::corrupt("contacts"))?,
        display_name: row.contact.display_name,
        language_code: row.contact.language_code,
        language: contacts::language(row.contact.language.as_deref())?,
        source: row.contact.source,
        blocked_at: row.contact.blocked_at,
    };
    let day = ContactDay {
        answers: row.answers.unwrap_or_default(),
        day_told_at: row.day_told_at,
        rate_told_at: row.rate_told_at,
        balance_told_at: row.balance_told_at,
    };

    let pause = row.paused_since.map(|since| Pause {
        workspace_id: dialog.workspace_id,
        assistant_id: dialog.assistant_id,
        since,
        text: row.pause_text,
    });

    let commands = row.channel.commands.as_deref().map(bots::read_commands).transpose()?;

    Ok(DialogContext {
        pause,
        commands: commands.unwrap_or_default(),
        summary: row.summary,
        contact,
        day,
        access: read_channel(row.channel, &dialog)?,
        version: row.version,
        version_at: row.version_at,
        knowledge: row.knowledge,
        policy: ModelPolicy {
            suspended: row.suspended,
            allowed: row.allowed_models.as_deref().map(workspaces::names),
        },
        dialog,
    })
}

fn read_channel(row: ChannelColumns, dialog: &Dialog) -> Result<Access, StorageError> {
    let channel = Channel {
        id: dialog.channel_id,
        workspace_id: dialog.workspace_id,
        assistant_id: row.channel_assistant_id.into(),
        kind: row.channel_kind.parse().map_err(StorageError::corrupt("channels"))?,
        name: row.channel_name,
        status: row.channel_status.parse().map_err(StorageError::corrupt("channels"))?,
        error: row.channel_error,
        created_at: row.channel_created_at,
        updated_at: row.channel_updated_at,
    };
    Ok(Access { channel, secret_sealed: row.secret_sealed })
}
