//! Utterances: the `messages` table of one workspace.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::{Address, MessageRef, Quoted},
    dialog::ControlStep,
    ids::{ChannelId, ContactId, DialogId, MessageId, UserId, WorkspaceId},
    message::{AnswerMeta, Author, Message, MessageAct, MessageKind, Revision},
    page::{Page, PageRequest},
    rules::message::{CorrectedAct, MessageDelivery},
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{StorageError, Tx, dialogs::operator};

macro_rules! columns {
    () => {
        "workspace_id, id, dialog_id, seq, author, kind, text, delivery, answer, act, created_at, operator_id,
         operator_name, mentions, quoted, revisions"
    };
}

#[derive(crate::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    dialog_id: Uuid,
    seq: i64,
    author: String,
    kind: String,
    text: String,
    delivery: String,
    answer: Option<Json<AnswerMeta>>,
    act: Option<String>,
    created_at: DateTime<Utc>,
    operator_id: Option<Uuid>,
    operator_name: Option<String>,
    mentions: Option<Json<Vec<UserId>>>,
    quoted: Option<Json<Quoted>>,
    revisions: Option<Json<Vec<Revision>>>,
}

/// A message of a customer, as its channel knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedMessage {
    /// The message.
    pub message_id: MessageId,
    /// Where it was said.
    pub dialog_id: DialogId,
    /// By whom.
    pub contact_id: ContactId,
    /// Its place in the dialog.
    pub seq: i64,
}

/// What was said: a message without what only those read who look at it in the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// Its place in the dialog.
    pub seq: i64,
    /// By whom.
    pub author: Author,
    /// What kind of message it is.
    pub kind: MessageKind,
    /// The words.
    pub text: String,
    /// The earlier words that they are about, where a customer points to some.
    pub quoted: Option<Quoted>,
    /// The channel's own name of the message, if it came from there.
    pub channel_message: Option<MessageRef>,
}

/// One workspace's messages.
pub struct Messages<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Messages<'_> {
    /// Stores a message. `channel_message` is the channel's own name of it, if it came from there;
    /// `client_id` that of the client through which an operator wrote it.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when its place in the dialog is taken.
    pub(crate) async fn insert(
        self,
        message: &Message,
        channel_message: Option<&MessageRef>,
        client_id: Option<&str>,
    ) -> Result<(), StorageError> {
        debug_assert_eq!(message.workspace_id, self.workspace, "stored in another workspace");
        insert(self.tx, &[NewMessage { message, channel_message, client_id }]).await
    }

    /// Finds what a customer said under the channel's own name of it.
    pub async fn heard(
        self,
        channel: ChannelId,
        address: &Address,
        channel_message: &MessageRef,
    ) -> Result<Option<AcceptedMessage>, StorageError> {
        // The newest first: it is nearly always the last thing that was said.
        const SQL: &str = "
            SELECT m.id, m.dialog_id, c.id, m.seq
              FROM contacts c
              JOIN dialogs d ON d.workspace_id = c.workspace_id AND d.contact_id = c.id
              JOIN messages m ON m.workspace_id = d.workspace_id AND m.dialog_id = d.id
             WHERE c.workspace_id = $1 AND c.channel_id = $2 AND c.address = $3
               AND m.channel_message = $4 AND m.author = 'customer'
             ORDER BY d.id DESC, m.seq DESC LIMIT 1";
        let found = row!(self.tx, (Uuid, Uuid, Uuid, i64), SQL;
            self.workspace.into_uuid(), channel.into_uuid(), address.as_str(),
            channel_message.as_str());
        Ok(found.map(|(message, dialog, contact, seq)| AcceptedMessage {
            message_id: message.into(),
            dialog_id: dialog.into(),
            contact_id: contact.into(),
            seq,
        }))
    }

    /// What was said in a dialog up to number `upto`: the newest `limit` messages, oldest first.
    /// What operators tell each other, changes of control and what was canceled was not said, and
    /// files without a word say nothing. How answers came about is not read: it is longer than the
    /// answers.
    pub async fn spoken(
        self,
        dialog: DialogId,
        upto: i64,
        limit: u32,
    ) -> Result<Vec<Spoken>, StorageError> {
        const SQL: &str = "
            SELECT seq, author, kind, text, quoted, channel_message FROM messages
             WHERE workspace_id = $1 AND dialog_id = $2 AND seq <= $3
               AND kind NOT IN ('control', 'note') AND delivery <> 'canceled' AND text <> ''
             ORDER BY seq DESC LIMIT $4";
        let rows = rows!(self.tx, SpokenRow, SQL;
            self.workspace.into_uuid(), dialog.into_uuid(), upto, i64::from(limit));
        rows.into_iter().rev().map(read_spoken).collect()
    }

    /// The channel's own name of the last message that the customer sent in a dialog.
    pub async fn last_heard(self, dialog: DialogId) -> Result<Option<MessageRef>, StorageError> {
        const SQL: &str = "
            SELECT channel_message FROM messages
             WHERE workspace_id = $1 AND dialog_id = $2 AND author = 'customer'
             ORDER BY seq DESC LIMIT 1";
        let last = value!(self.tx, Option<String>, SQL;
            self.workspace.into_uuid(), dialog.into_uuid());
        Ok(last.flatten().map(MessageRef::from))
    }

    /// How the last `limit` replies of the assistant up to number `upto` were made, newest first.
    pub async fn answers(
        self,
        dialog: DialogId,
        upto: i64,
        limit: u32,
    ) -> Result<Vec<AnswerMeta>, StorageError> {
        const SQL: &str = "
            SELECT answer FROM messages
             WHERE workspace_id = $1 AND dialog_id = $2 AND seq <= $3 AND author = 'assistant'
               AND answer IS NOT NULL
             ORDER BY seq DESC LIMIT $4";
        let rows = rows!(self.tx, (Json<AnswerMeta>,), SQL;
            self.workspace.into_uuid(), dialog.into_uuid(), upto, i64::from(limit));
        Ok(rows.into_iter().map(|(Json(answer),)| answer).collect())
    }

    /// A page of a dialog's messages, oldest first.
    pub async fn list(
        self,
        dialog: DialogId,
        page: PageRequest<i64>,
    ) -> Result<Page<Message, i64>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM messages WHERE workspace_id = $1 AND dialog_id = $2 AND seq > $3
               ORDER BY seq LIMIT $4"
        );
        let rows = rows!(self.tx, Row, SQL;
            self.workspace.into_uuid(), dialog.into_uuid(), page.after.unwrap_or_default(),
            i64::from(page.limit) + 1);
        let found = rows.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::of(found, page.limit, |message: &Message| message.seq))
    }

    /// A page of what the customer may see of a dialog's messages, oldest first: no notes of
    /// operators, and nothing that the program says of changes of control.
    pub async fn shown(
        self,
        dialog: DialogId,
        page: PageRequest<i64>,
    ) -> Result<Page<Message, i64>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM messages WHERE workspace_id = $1 AND dialog_id = $2 AND seq > $3
                 AND kind NOT IN ('control', 'note')
               ORDER BY seq LIMIT $4"
        );
        let rows = rows!(self.tx, Row, SQL;
            self.workspace.into_uuid(), dialog.into_uuid(), page.after.unwrap_or_default(),
            i64::from(page.limit) + 1);
        let found = rows.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::of(found, page.limit, |message: &Message| message.seq))
    }

    /// Whether the message of this number says that the program took a step by itself.
    pub async fn is_step_of_program(
        self,
        dialog: DialogId,
        seq: i64,
        step: ControlStep,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            SELECT seq FROM messages
             WHERE workspace_id = $1 AND dialog_id = $2 AND seq = $3 AND kind = 'control'
               AND text = $4 AND operator_name IS NULL";
        let found = value!(self.tx, i64, SQL;
            self.workspace.into_uuid(), dialog.into_uuid(), seq, step.as_str());
        Ok(found.is_some())
    }

    /// Finds a message.
    pub async fn find(self, id: MessageId) -> Result<Option<Message>, StorageError> {
        const SQL: &str =
            concat!("SELECT ", columns!(), " FROM messages WHERE workspace_id = $1 AND id = $2");
        row!(self.tx, Row, SQL; self.workspace.into_uuid(), id.into_uuid()).map(read).transpose()
    }

    /// Finds what an operator wrote under the client's own name of it.
    pub async fn by_client(
        self,
        dialog: DialogId,
        client_id: &str,
    ) -> Result<Option<Message>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM messages WHERE workspace_id = $1 AND dialog_id = $2 AND client_id = $3"
        );
        row!(self.tx, Row, SQL; self.workspace.into_uuid(), dialog.into_uuid(), client_id)
            .map(read)
            .transpose()
    }

    /// The last reply to the customer after message `seq` that an operator other than `writer`
    /// wrote; all programs with keys (`None`) are one writer.
    pub async fn reply_after(
        self,
        dialog: DialogId,
        seq: i64,
        writer: Option<UserId>,
    ) -> Result<Option<Message>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM messages WHERE workspace_id = $1 AND dialog_id = $2 AND seq > $3
                 AND author = 'operator' AND kind = 'text' AND COALESCE(operator_id, $4) <> $5
               ORDER BY seq DESC LIMIT 1"
        );
        let writer = writer.map_or(Uuid::nil(), UserId::into_uuid);
        row!(self.tx, Row, SQL;
            self.workspace.into_uuid(), dialog.into_uuid(), seq, Uuid::nil(), writer)
        .map(read)
        .transpose()
    }

    /// Whether an operator has said something to the customer after number `after`.
    pub async fn operator_spoke(self, dialog: DialogId, after: i64) -> Result<bool, StorageError> {
        const SQL: &str = "
            SELECT seq FROM messages
             WHERE workspace_id = $1 AND dialog_id = $2 AND seq > $3 AND author = 'operator'
               AND kind = 'text' LIMIT 1";
        let seq = value!(self.tx, i64, SQL; self.workspace.into_uuid(), dialog.into_uuid(), after);
        Ok(seq.is_some())
    }

    /// The operator whom the customer of a dialog takes for the one who answers: who spoke to them
    /// last, or of whom they were told last. `None`: the assistant has spoken since, or nobody has.
    pub async fn known_operator(self, dialog: DialogId) -> Result<Option<UserId>, StorageError> {
        const SQL: &str = "
            SELECT operator_id FROM messages
             WHERE workspace_id = $1 AND dialog_id = $2 AND kind = 'text'
               AND (author IN ('assistant', 'operator')
                    OR author = 'system' AND operator_id IS NOT NULL)
               AND delivery NOT IN ('canceled', 'failed')
             ORDER BY seq DESC LIMIT 1";
        let last = value!(self.tx, Option<Uuid>, SQL;
            self.workspace.into_uuid(), dialog.into_uuid());
        Ok(last.flatten().map(UserId::from))
    }

    /// Writes what an edited message says.
    ///
    /// # Errors
    ///
    /// Fails when the message is not there.
    pub(crate) async fn revise(self, message: &Message) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE messages SET kind = $3, text = $4, revisions = $5
             WHERE workspace_id = $1 AND id = $2";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), message.id.into_uuid(), message.kind.as_str(),
            &message.text, revisions(message));
        StorageError::expect_one_row("messages", changed)
    }

    /// Writes what a customer's message is.
    ///
    /// # Errors
    ///
    /// Fails when the message is not there.
    pub(crate) async fn correct_act(self, corrected: &CorrectedAct) -> Result<(), StorageError> {
        const SQL: &str = "UPDATE messages SET act = $3 WHERE workspace_id = $1 AND id = $2";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), corrected.message_id.into_uuid(), corrected.act.as_str());
        StorageError::expect_one_row("messages", changed)
    }

    /// Writes what became of a reply.
    ///
    /// # Errors
    ///
    /// Fails when the message is not there.
    pub(crate) async fn set_delivery(self, sent: &MessageDelivery) -> Result<(), StorageError> {
        set_deliveries(self.tx, &[*sent]).await
    }
}

/// Writes what became of replies.
pub(crate) async fn set_deliveries(
    tx: &mut Tx,
    sent: &[MessageDelivery],
) -> Result<(), StorageError> {
    const SQL: [&str; 2] = given!(
        ["in_workspace" "uuid", 2 "message" "uuid", 3 "became" "text"]
        "UPDATE messages SET delivery = given.became
           FROM given
          WHERE messages.workspace_id = given.in_workspace AND messages.id = given.message"
    );
    let changed = run_each!(tx, SQL, sent; |sent|
        sent.workspace_id.into_uuid(), sent.message_id.into_uuid(), sent.delivery.as_str());
    StorageError::expect_a_row_each("messages", sent, changed)
}

/// A message with the names that others have for it.
pub(crate) struct NewMessage<'a> {
    /// The message.
    pub(crate) message: &'a Message,
    /// The channel's own name of it, if it came from there.
    pub(crate) channel_message: Option<&'a MessageRef>,
    /// That of the client through which an operator wrote it.
    pub(crate) client_id: Option<&'a str>,
}

/// Stores messages.
pub(crate) async fn insert(tx: &mut Tx, new: &[NewMessage<'_>]) -> Result<(), StorageError> {
    const SQL: [&str; 2] = given!(
        [
            "workspace_id" "uuid", 2 "id" "uuid", 3 "dialog_id" "uuid", 4 "seq" "bigint",
            5 "author" "text", 6 "kind" "text", 7 "text" "text", 8 "delivery" "text",
            9 "answer" "jsonb", 10 "act" "text", 11 "created_at" "timestamptz",
            12 "operator_id" "uuid", 13 "operator_name" "text", 14 "mentions" "jsonb",
            15 "quoted" "jsonb", 16 "revisions" "jsonb", 17 "channel_message" "text",
            18 "client_id" "text",
        ]
        concat!(
            "INSERT INTO messages (",
            columns!(),
            ", channel_message, client_id) SELECT ",
            columns!(),
            ", channel_message, client_id FROM given"
        )
    );
    run_each!(tx, SQL, new; |new|
        new.message.workspace_id.into_uuid(), new.message.id.into_uuid(),
        new.message.dialog_id.into_uuid(), new.message.seq, new.message.author.as_str(),
        new.message.kind.as_str(), &new.message.text, new.message.delivery.as_str(),
        new.message.answer.as_ref().map(Json), new.message.act.map(MessageAct::as_str),
        new.message.created_at,
        new.message.operator.as_ref().and_then(|by| by.user_id).map(UserId::into_uuid),
        new.message.operator.as_ref().map(|by| by.name.as_str()),
        Some(&new.message.mentions).filter(|mentions| !mentions.is_empty()).map(Json),
        new.message.quoted.as_ref().map(Json), revisions(new.message),
        new.channel_message.map(MessageRef::as_str), new.client_id);
    Ok(())
}

/// What a message said before, as it is stored.
fn revisions(message: &Message) -> Option<Json<&[Revision]>> {
    Some(message.revisions.as_slice()).filter(|revisions| !revisions.is_empty()).map(Json)
}

/// What messages of a customer are.
#[derive(Clone, Copy, Debug)]
pub struct ToldAct {
    /// Whose dialog it is.
    pub workspace_id: WorkspaceId,
    /// The dialog.
    pub dialog_id: DialogId,
    /// The messages after this number.
    pub after: i64,
    /// And up to this one.
    pub upto: i64,
    /// What they are.
    pub act: MessageAct,
}

/// The messages of all workspaces.
pub struct SystemMessages<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemMessages<'_> {
    /// Writes what customers' messages are, where that has not been told yet.
    pub async fn tell_acts(self, told: &[ToldAct]) -> Result<(), StorageError> {
        const SQL: [&str; 2] = given!(
            [
                "workspace_id" "uuid", 2 "dialog_id" "uuid", 3 "earlier" "bigint", 4 "upto" "bigint",
                5 "told" "text",
            ]
            "UPDATE messages SET act = given.told
               FROM given
              WHERE messages.workspace_id = given.workspace_id
                AND messages.dialog_id = given.dialog_id
                AND messages.seq > given.earlier AND messages.seq <= given.upto
                AND messages.author = 'customer' AND messages.kind = 'text'
                AND messages.act IS NULL"
        );
        run_each!(self.tx, SQL, told; |told|
            told.workspace_id.into_uuid(), told.dialog_id.into_uuid(), told.after, told.upto,
            told.act.as_str());
        Ok(())
    }
}

fn read(row: Row) -> Result<Message, StorageError> {
    let words = (|| Ok((row.author.parse()?, row.kind.parse()?, row.delivery.parse()?)))();
    let (author, kind, delivery) = words
        .map_err(|error: replyx_core::UnknownWord| StorageError::corrupt("messages")(error))?;
    Ok(Message {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        dialog_id: row.dialog_id.into(),
        seq: row.seq,
        author,
        kind,
        text: row.text,
        delivery,
        answer: row.answer.map(|Json(answer)| answer),
        operator: operator(row.operator_id, row.operator_name.as_deref()),
        mentions: row.mentions.map(|Json(mentions)| mentions).unwrap_or_default(),
        quoted: row.quoted.map(|Json(quoted)| quoted),
        revisions: row.revisions.map(|Json(revisions)| revisions).unwrap_or_default(),
        act: row
            .act
            .map(|act| act.parse())
            .transpose()
            .map_err(StorageError::corrupt("messages"))?,
        created_at: row.created_at,
    })
}

#[derive(crate::FromRow)]
struct SpokenRow {
    seq: i64,
    author: String,
    kind: String,
    text: String,
    quoted: Option<Json<Quoted>>,
    channel_message: Option<String>,
}

fn read_spoken(row: SpokenRow) -> Result<Spoken, StorageError> {
    let corrupt = StorageError::corrupt("messages");
    match (row.author.parse(), row.kind.parse()) {
        (Ok(author), Ok(kind)) => Ok(Spoken {
            seq: row.seq,
            author,
            kind,
            text: row.text,
            quoted: row.quoted.map(|Json(quoted)| quoted),
            channel_message: row.channel_message.map(MessageRef::from),
        }),
        (Err(error), _) | (_, Err(error)) => Err(corrupt(error)),
    }
}
