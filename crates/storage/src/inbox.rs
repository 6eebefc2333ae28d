//! Dialogs as operators see them in a list: the `dialogs` table joined with contacts, last messages
//! and what each member has read.
//!
//! No index follows what is said in a dialog, so storing a message rewrites none. Last activity is
//! the order of the last messages, whose ids grow with time; dialogs that wait for people, or that
//! people have, are few, have an index of their own, and are sorted when they are read.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::ChatKind,
    dialog::Dialog,
    ids::{DialogId, MessageId, UserId, WorkspaceId},
    message::{Author, MessageKind},
    page::Page,
};
use uuid::Uuid;

use crate::{StorageError, Tx, dialogs};

mod filter;

use filter::Given;
pub use filter::{Assigned, InboxFilter, Snoozed};

/// At most so many of the newest messages are looked through for unread ones.
pub const UNREAD_MOST: i64 = 100;

/// How much of the last message is shown, characters.
pub const EXCERPT: i64 = 200;

/// At most so many dialogs of a view are counted.
pub const COUNTED_MOST: i64 = 10_000;

/// Who looks, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The member; `None`: a program with a key, to whom everything is unread.
    pub member: Option<UserId>,
    /// The time.
    pub now: DateTime<Utc>,
}

/// In which order, and after what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxOrder {
    /// The newest dialog first.
    Newest {
        /// Only those older than this one.
        after: Option<DialogId>,
    },
    /// The last thing said first.
    Activity {
        /// Only those whose last message is older than this one.
        after: Option<MessageId>,
    },
    /// The longest waiting first; only those that wait.
    Waiting {
        /// Only what comes after this time and dialog.
        after: Option<(DateTime<Utc>, DialogId)>,
    },
}

/// A dialog in the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEntry {
    /// The dialog.
    pub dialog: Dialog,
    /// The name that the contact gives themselves.
    pub contact_name: String,
    /// What kind of chat it is.
    pub chat_kind: ChatKind,
    /// Where the contact came from.
    pub source: Option<String>,
    /// Does the contact not want to hear from us?
    pub blocked: bool,
    /// The last message.
    pub last: Option<LastMessage>,
    /// Until when it is out of its operator's sight.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// How many of the customer's newest messages the reader has not read; at most
    /// [`UNREAD_MOST`].
    pub unread: i64,
}

/// The last message of a dialog, shortened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastMessage {
    /// Identity.
    pub id: MessageId,
    /// Its place in the dialog.
    pub seq: i64,
    /// By whom.
    pub author: Author,
    /// Of what kind.
    pub kind: MessageKind,
    /// The words; at most [`EXCERPT`] characters.
    pub text: String,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
}

/// How many dialogs are in each view of a member; at most [`COUNTED_MOST`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxCounts {
    /// The member has them, and wants to see them now.
    pub mine: i64,
    /// The member has them, and does not want to see them until a time.
    pub snoozed: i64,
    /// They wait for a human.
    pub waiting: i64,
    /// The assistant has them.
    pub ai: i64,
    /// They wait for a human, or have one who is not a member.
    pub unassigned: i64,
    /// They were closed since a time.
    pub closed: i64,
    /// The member has them, and has not read the customer's last words.
    pub unread: i64,
}

/// The dialogs first, each with its last message.
macro_rules! from_dialogs {
    () => {
        "dialogs d
           LEFT JOIN messages m ON m.workspace_id = d.workspace_id AND m.dialog_id = d.id
                               AND m.seq = d.last_seq"
    };
}

/// The dialogs with a tag first, each with its last message.
macro_rules! from_tagged {
    () => {
        "dialog_tags g
          CROSS JOIN dialogs d
           LEFT JOIN messages m ON m.workspace_id = d.workspace_id AND m.dialog_id = d.id
                               AND m.seq = d.last_seq"
    };
}

/// What puts a dialog out of sight, if it is in force.
macro_rules! snooze {
    ($now:literal) => {
        concat!(
            " LEFT JOIN snoozes z ON z.workspace_id = d.workspace_id AND z.dialog_id = d.id
                                 AND z.until_at > ",
            $now,
            " AND z.epoch = d.epoch AND z.heard_seq >= d.heard_seq "
        )
    };
}

/// The messages first, newest before older ones; of each dialog only the last.
macro_rules! from_messages {
    () => {
        "messages m
          CROSS JOIN dialogs d"
    };
}

macro_rules! entries {
    ($tables:expr, $condition:literal, $order:literal) => {
        entries!($tables, "", $condition, $order)
    };
    ($tables:expr, $words:expr, $condition:literal, $order:literal) => {
        concat!(
            "SELECT d.workspace_id, d.id, d.assistant_id, d.channel_id, d.contact_id, d.control,
                    d.epoch, d.last_seq, d.heard_seq, d.answered_seq, d.edits, d.fresh_seq, d.created_at,
                    d.updated_at,
                    d.assignee_id, d.assignee_name, d.asking_since, d.handoff_reason, d.closed_at,
                    c.display_name, c.chat_kind, c.source, c.blocked_at, m.id AS last_id,
                    m.author AS last_author, m.kind AS last_kind,
                    SUBSTR(m.text, 1, 200) AS last_text, m.created_at AS last_created_at,
                    z.until_at AS snoozed_until,
                    (SELECT COUNT(*) FROM messages u
                      WHERE u.workspace_id = d.workspace_id AND u.dialog_id = d.id
                        AND u.seq > COALESCE(r.seq, 0) AND u.seq > d.last_seq - 100
                        AND u.author = 'customer') AS unread
               FROM ",
            $tables,
            " JOIN contacts c ON c.workspace_id = d.workspace_id AND c.id = d.contact_id
               LEFT JOIN dialog_reads r ON r.workspace_id = d.workspace_id AND r.user_id = $2
                                       AND r.dialog_id = d.id",
            snooze!("$11"),
            " WHERE d.workspace_id = $1
                AND ($4 IS NULL OR d.control = $4)
                AND ($5 = 0 OR d.control IN ('waiting', 'human'))
                AND ($6 = 0 OR ($6 = 1 AND d.assignee_id IS NULL)
                            OR ($6 = 2 AND d.assignee_id = $7))
                AND ($8 IS NULL OR d.assistant_id = $8)
                AND ($9 IS NULL OR d.channel_id = $9)
                AND ($10 = 0 OR d.heard_seq > COALESCE(r.seq, 0))
                AND ($12 = 0 OR ($12 = 1 AND z.until_at IS NULL)
                             OR ($12 = 2 AND z.until_at IS NOT NULL))
                AND ($13 IS NULL OR EXISTS (SELECT 1 FROM dialog_tags t
                                             WHERE t.workspace_id = d.workspace_id
                                               AND t.dialog_id = d.id AND t.tag_id = $13))
                AND ",
            $words,
            $condition,
            " ORDER BY ",
            $order,
            " LIMIT $3"
        )
    };
}

mod search;

pub use search::{MOST_WORDS, SEARCHED_MOST, SearchWords};

const NEWEST: &str = entries!(from_dialogs!(), "d.id < $14", "d.id DESC");
const NEWEST_OF_PEOPLE: &str =
    entries!(from_dialogs!(), "d.control IN ('waiting', 'human') AND d.id < $14", "d.id DESC");
const NEWEST_TAGGED: &str = entries!(
    from_tagged!(),
    "g.workspace_id = $1 AND g.tag_id = $13 AND d.id = g.dialog_id AND g.dialog_id < $14",
    "g.dialog_id DESC"
);
const ACTIVITY: &str = entries!(
    from_messages!(),
    "m.workspace_id = $1 AND m.dialog_id = d.id AND m.seq = d.last_seq AND m.id < $14",
    "m.id DESC"
);
const ACTIVITY_OF_PEOPLE: &str =
    entries!(from_dialogs!(), "d.control IN ('waiting', 'human') AND m.id < $14", "m.id DESC");
const ACTIVITY_TAGGED: &str = entries!(
    from_tagged!(),
    "g.workspace_id = $1 AND g.tag_id = $13 AND d.id = g.dialog_id AND m.id < $14",
    "m.id DESC"
);
const WAITING: &str = entries!(
    from_dialogs!(),
    "d.control = 'waiting' AND (d.asking_since, d.id) > ($14, $15)",
    "d.asking_since, d.id"
);

#[derive(crate::FromRow)]
struct Row {
    #[row(flatten)]
    dialog: dialogs::Row,
    display_name: String,
    chat_kind: String,
    source: Option<String>,
    blocked_at: Option<DateTime<Utc>>,
    last_id: Option<Uuid>,
    last_author: Option<String>,
    last_kind: Option<String>,
    last_text: Option<String>,
    last_created_at: Option<DateTime<Utc>>,
    snoozed_until: Option<DateTime<Utc>>,
    unread: i64,
}

/// One workspace's inbox.
pub struct Inbox<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Inbox<'_> {
    /// At most `limit` dialogs, as `reader` sees them.
    pub async fn list(
        self,
        reader: Reader,
        filter: InboxFilter,
        order: InboxOrder,
        limit: u32,
    ) -> Result<Page<InboxEntry, DialogId>, StorageError> {
        let workspace = self.workspace.into_uuid();
        let member = reader.member.map_or(Uuid::nil(), UserId::into_uuid);
        let more = i64::from(limit) + 1;
        let Given { control, with_people, assigned, to, assistant, channel, unread, snoozed, tag } =
            filter.given();
        let now = reader.now;

        let rows = match order {
            InboxOrder::Newest { after } => {
                let before = after.map_or(Uuid::max(), DialogId::into_uuid);
                let sql = filter.choose(NEWEST_TAGGED, NEWEST_OF_PEOPLE, NEWEST);
                rows!(self.tx, Row, sql;
                    workspace, member, more, control, with_people, assigned, to, assistant, channel,
                    unread, now, snoozed, tag, before)
            }
            InboxOrder::Activity { after } => {
                let before = after.map_or(Uuid::max(), MessageId::into_uuid);
                let sql = filter.choose(ACTIVITY_TAGGED, ACTIVITY_OF_PEOPLE, ACTIVITY);
                rows!(self.tx, Row, sql;
                    workspace, member, more, control, with_people, assigned, to, assistant, channel,
                    unread, now, snoozed, tag, before)
            }
            InboxOrder::Waiting { after } => {
                let (at, id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil().into()));
                rows!(self.tx, Row, WAITING;
                    workspace, member, more, control, with_people, assigned, to, assistant, channel,
                    unread, now, snoozed, tag, at, id.into_uuid())
            }
        };
        let found = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::of(found, limit, |entry: &InboxEntry| entry.dialog.id))
    }

    /// How many dialogs are in each view of a member; closed ones since `since`.
    pub async fn counts(
        self,
        reader: Reader,
        since: DateTime<Utc>,
    ) -> Result<InboxCounts, StorageError> {
        const SQL: &str = concat!(
            "SELECT (SELECT COUNT(*) FROM dialogs d",
            snooze!("$5"),
            "        WHERE d.workspace_id = $1 AND d.control = 'human' AND d.assignee_id = $2
                       AND z.until_at IS NULL),
                   (SELECT COUNT(*) FROM dialogs d",
            snooze!("$5"),
            "        WHERE d.workspace_id = $1 AND d.control = 'human' AND d.assignee_id = $2
                       AND z.until_at IS NOT NULL),
                   (SELECT COUNT(*) FROM (SELECT 1 FROM dialogs d
                     WHERE d.workspace_id = $1 AND d.control IN ('waiting', 'human')
                       AND d.control = 'waiting' LIMIT $4) counted),
                   (SELECT COUNT(*) FROM (SELECT 1 FROM dialogs d
                     WHERE d.workspace_id = $1 AND d.control <> 'closed' AND d.control = 'ai'
                     LIMIT $4) counted),
                   (SELECT COUNT(*) FROM (SELECT 1 FROM dialogs d
                     WHERE d.workspace_id = $1 AND d.control IN ('waiting', 'human')
                       AND d.assignee_id IS NULL LIMIT $4) counted),
                   (SELECT COUNT(*) FROM (SELECT 1 FROM dialogs d
                     WHERE d.workspace_id = $1 AND d.control = 'closed' AND d.closed_at >= $3
                     LIMIT $4) counted),
                   (SELECT COUNT(*) FROM dialogs d
                      LEFT JOIN dialog_reads r ON r.workspace_id = d.workspace_id
                                              AND r.user_id = $2 AND r.dialog_id = d.id
                     WHERE d.workspace_id = $1 AND d.control = 'human' AND d.assignee_id = $2
                       AND d.heard_seq > COALESCE(r.seq, 0))"
        );

        let member = reader.member.map_or(Uuid::nil(), UserId::into_uuid);
        let row = row!(self.tx, (i64, i64, i64, i64, i64, i64, i64), SQL;
            self.workspace.into_uuid(), member, since, COUNTED_MOST, reader.now);
        let (mine, snoozed, waiting, ai, unassigned, closed, unread) = row.unwrap_or_default();
        Ok(InboxCounts { mine, snoozed, waiting, ai, unassigned, closed, unread })
    }

    /// Notes that a member has read a dialog up to message `seq`. What was read stays read.
    pub async fn read(
        self,
        member: UserId,
        dialog: DialogId,
        seq: i64,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO dialog_reads (workspace_id, user_id, dialog_id, seq) VALUES ($1, $2, $3, $4)
            ON CONFLICT (workspace_id, user_id, dialog_id) DO UPDATE SET seq = excluded.seq
             WHERE dialog_reads.seq < excluded.seq";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), member.into_uuid(), dialog.into_uuid(), seq);
        Ok(())
    }
}

fn read(row: &Row) -> Result<InboxEntry, StorageError> {
    let dialog = dialogs::read(&row.dialog)?;
    Ok(InboxEntry {
        contact_name: row.display_name.clone(),
        chat_kind: row.chat_kind.parse().map_err(StorageError::corrupt("contacts"))?,
        source: row.source.clone(),
        blocked: row.blocked_at.is_some(),
        last: last(row, dialog.last_seq)?,
        snoozed_until: row.snoozed_until,
        unread: row.unread,
        dialog,
    })
}

fn last(row: &Row, seq: i64) -> Result<Option<LastMessage>, StorageError> {
    let Row { last_id, last_author, last_kind, last_text, last_created_at, .. } = row;
    let (Some(id), Some(author), Some(kind), Some(text), Some(created_at)) =
        (last_id, last_author, last_kind, last_text, last_created_at)
    else {
        return Ok(None);
    };
    Ok(Some(LastMessage {
        id: (*id).into(),
        seq,
        author: author.parse().map_err(StorageError::corrupt("messages"))?,
        kind: kind.parse().map_err(StorageError::corrupt("messages"))?,
        text: text.clone(),
        created_at: *created_at,
    }))
}
