//! Builders of what tests store, and a look at the raw tables.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use replyx_core::{
    assistant::{Assistant, Language, Settings},
    bot::{Bot, BotMode, BotStatus},
    channel::{ChatKind, Inbound, InboundContent, Outbound},
    clock::{Clock, random_hex},
    dialog::{Contact, Control, Dialog},
    ids::{AssistantId, DialogId, Id, JobId, MessageId, OutboxId, ProcessId, UserId, WorkspaceId},
    knowledge::{Document, DocumentKind, DocumentStatus},
    message::{Author, Delivery, Message, MessageKind},
    role::Role,
    terms::index_text,
    user::User,
    workspace::Workspace,
};
use replyx_storage::{Db, outbox::Sendable, passages::NewPassage};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};

/// Runs one call in a transaction of its own, and commits it: `commit!(db, |tx| tx.system()...)`.
macro_rules! commit {
    ($db:expr, |$tx:ident| $call:expr) => {{
        let mut $tx = $db.begin().await.unwrap();
        let answer = $call.await.unwrap();
        $tx.commit().await.unwrap();
        answer
    }};
}

/// Runs one call in a reading transaction: `read!(db, |tx| tx.system()...)`.
macro_rules! read {
    ($db:expr, |$tx:ident| $call:expr) => {{
        let mut $tx = $db.read().await.unwrap();
        $call.await.unwrap()
    }};
}

/// A new id.
pub(crate) fn id<T: Id>() -> T {
    Clock::system().id()
}

/// A moment, in seconds after the one at which all tests begin.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 123_456_000).unwrap()
}

/// A moment between two seconds.
pub(crate) fn at_millis(millis: i64) -> DateTime<Utc> {
    at(0) + Duration::milliseconds(millis)
}

pub(crate) fn workspace() -> Workspace {
    Workspace { id: id(), name: "Лавка".to_owned(), created_at: at(0) }
}

pub(crate) fn user() -> User {
    let email = format!("{}@example.com", random_hex::<6>());
    User { id: id(), email, name: Some("Анна".to_owned()), created_at: at(0) }
}

pub(crate) fn assistant(workspace: WorkspaceId) -> Assistant {
    Assistant {
        id: id(),
        workspace_id: workspace,
        settings: Settings {
            name: "Помощник".to_owned(),
            model: Some("extractive".to_owned()),
            system_prompt: "Be kind.".to_owned(),
            temperature: 0.2,
            language: Language::Russian,
            greeting: Some("Привет!".to_owned()),
            unknown_text: None,
            fallback_text: None,
        },
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn bot(workspace: WorkspaceId, assistant: AssistantId) -> Bot {
    Bot {
        id: id(),
        workspace_id: workspace,
        assistant_id: assistant,
        telegram_id: i64::from(u32::from_le_bytes(Clock::bytes())),
        username: "lavka_bot".to_owned(),
        mode: BotMode::Auto,
        status: BotStatus::Running,
        error: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn inbound(chat_id: i64) -> Inbound {
    Inbound {
        update_id: 1,
        chat_id,
        chat_kind: ChatKind::Private,
        display_name: "Пётр".to_owned(),
        language_code: Some("ru".to_owned()),
        sent_at: at(0),
        content: InboundContent::Text { text: "Где заказ?".to_owned(), message_id: 1 },
    }
}

pub(crate) fn dialog(bot: &Bot, contact: &Contact) -> Dialog {
    Dialog {
        id: id(),
        workspace_id: bot.workspace_id,
        assistant_id: bot.assistant_id,
        bot_id: bot.id,
        contact_id: contact.id,
        control: Control::Ai,
        epoch: 1,
        last_seq: 0,
        heard_seq: 0,
        answered_seq: 0,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn message(workspace: WorkspaceId, dialog: DialogId, seq: i64) -> Message {
    Message {
        id: id(),
        workspace_id: workspace,
        dialog_id: dialog,
        seq,
        author: Author::Assistant,
        kind: MessageKind::Text,
        text: format!("слово {seq}"),
        delivery: Delivery::Queued,
        answer: None,
        created_at: at(seq),
    }
}

pub(crate) fn document(workspace: WorkspaceId, assistant: AssistantId) -> Document {
    Document {
        id: id(),
        workspace_id: workspace,
        assistant_id: assistant,
        name: "доставка.md".to_owned(),
        kind: DocumentKind::Markdown,
        size: 5,
        content_hash: random_hex::<32>(),
        status: DocumentStatus::Queued,
        error: None,
        passages: 0,
        created_at: at(0),
        updated_at: at(0),
    }
}

/// A passage that is found by the words of its text.
pub(crate) fn passage(text: &str) -> NewPassage {
    let terms = index_text(text);
    NewPassage {
        id: id(),
        headings: "Доставка > Сроки".to_owned(),
        text: text.to_owned(),
        length: i64::try_from(terms.split_whitespace().count()).unwrap(),
        terms,
        start: 0,
        end: i64::try_from(text.len()).unwrap(),
        page: Some(1),
    }
}

/// The parts of a reply: their ids and `a`, `b`, `c`...
pub(crate) fn parts<const N: usize>() -> [(OutboxId, Outbound); N] {
    std::array::from_fn(|number| {
        let plain = char::from(b'a' + u8::try_from(number).unwrap()).to_string();
        (id(), Outbound { formatted: Some(format!("<b>{plain}</b>")), plain })
    })
}

/// A workspace with one of everything.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub id: WorkspaceId,
    pub user: User,
    pub assistant: Assistant,
    pub bot: Bot,
    pub hook: String,
    pub contact: Contact,
    pub dialog: Dialog,
    pub message: Message,
    pub document: Document,
    pub passages: Vec<NewPassage>,
}

/// Stores a workspace with an assistant, a bot, a contact of chat 7, a dialog and nothing in it.
pub(crate) async fn tenant(db: &Db) -> Tenant {
    let workspace = workspace();
    let user = user();
    let assistant = assistant(workspace.id);
    let bot = bot(workspace.id, assistant.id);
    let hook = random_hex::<16>();
    let mut tx = db.begin().await.unwrap();
    tx.system().workspaces().insert(&workspace).await.unwrap();
    tx.system().users().insert(&user, "$argon2id$").await.unwrap();
    tx.workspace(workspace.id).members().insert(user.id, Role::Owner, at(0)).await.unwrap();
    tx.workspace(workspace.id).assistants().insert(&assistant).await.unwrap();
    tx.workspace(workspace.id).bots().insert(&bot, b"sealed", &hook).await.unwrap();
    let contact =
        tx.workspace(workspace.id).contacts().meet(bot.id, &inbound(7), id(), at(0)).await.unwrap();
    let dialog = dialog(&bot, &contact);
    tx.workspace(workspace.id).dialogs().insert(&dialog).await.unwrap();
    tx.commit().await.unwrap();
    Tenant {
        id: workspace.id,
        user,
        message: message(workspace.id, dialog.id, 1),
        document: document(workspace.id, assistant.id),
        assistant,
        bot,
        hook,
        contact,
        dialog,
        passages: vec![passage("Доставка по Москве два дня"), passage("Returns take 14 days")],
    }
}

impl Tenant {
    /// Stores the message, the document with its passages, a turn, an update, a job and a queued part.
    pub(crate) async fn fill(&self, db: &Db) {
        let mut tx = db.begin().await.unwrap();
        tx.workspace(self.id).messages().insert(&self.message, Some(5)).await.unwrap();
        tx.workspace(self.id).documents().insert(&self.document, b"bytes").await.unwrap();
        tx.workspace(self.id).documents().set_text(self.document.id, "text").await.unwrap();
        tx.workspace(self.id)
            .passages()
            .replace(self.assistant.id, self.document.id, &self.passages)
            .await
            .unwrap();
        tx.workspace(self.id).turns().request(self.dialog.id, at(1), at(3)).await.unwrap();
        tx.workspace(self.id).updates().take(self.bot.id, 100, at(0)).await.unwrap();
        tx.workspace(self.id)
            .jobs()
            .enqueue(id::<JobId>(), "index", &serde_json::json!({"n": 1}), at(0))
            .await
            .unwrap();
        tx.workspace(self.id)
            .outbox()
            .enqueue(&self.dialog, &self.contact, self.message.id, &parts::<1>(), at(0))
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    /// Stores a reply and queues its parts.
    pub(crate) async fn reply<const N: usize>(
        &self,
        db: &Db,
        seq: i64,
    ) -> (MessageId, [OutboxId; N]) {
        let parts = parts::<N>();
        let ids = parts.each_ref().map(|(id, _)| *id);
        let message = message(self.id, self.dialog.id, seq);
        let mut tx = db.begin().await.unwrap();
        tx.workspace(self.id).messages().insert(&message, None).await.unwrap();
        tx.workspace(self.id)
            .outbox()
            .enqueue(&self.dialog, &self.contact, message.id, &parts, at(0))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        (message.id, ids)
    }
}

/// Registers a process that is alive at `beat`.
pub(crate) async fn process(db: &Db, beat: DateTime<Utc>) -> ProcessId {
    let process = id();
    let mut tx = db.begin().await.unwrap();
    tx.system().processes().beat(process, beat).await.unwrap();
    tx.commit().await.unwrap();
    process
}

/// Another contact of the tenant's bot, with a dialog.
pub(crate) async fn chat(db: &Db, tenant: &Tenant, chat_id: i64) -> Tenant {
    let mut tx = db.begin().await.unwrap();
    let contact = tx
        .workspace(tenant.id)
        .contacts()
        .meet(tenant.bot.id, &inbound(chat_id), id(), at(0))
        .await
        .unwrap();
    let dialog = dialog(&tenant.bot, &contact);
    tx.workspace(tenant.id).dialogs().insert(&dialog).await.unwrap();
    tx.commit().await.unwrap();
    Tenant { message: message(tenant.id, dialog.id, 1), contact, dialog, ..tenant.clone() }
}

/// What may be sent now.
pub(crate) async fn sendable(db: &Db, now: DateTime<Utc>) -> Vec<Sendable> {
    db.read().await.unwrap().system().outbox().sendable(now, 100).await.unwrap()
}

/// A user that nobody knows.
pub(crate) fn stranger() -> UserId {
    id()
}

/// Every row of every table as text, by table; of one workspace or of all.
pub(crate) async fn rows(url: &str, of: Option<WorkspaceId>) -> BTreeMap<String, Vec<String>> {
    let hex = of.map(|id| id.into_uuid().simple().to_string());
    let mut all = BTreeMap::new();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let mut conn = SqliteConnection::connect(path).await.unwrap();
        for (table, columns) in sqlite_tables(&mut conn).await {
            let Some(filter) = filter(&columns, hex.as_deref(), |hex| format!("x'{hex}'")) else {
                continue;
            };
            let shown = columns.iter().map(|c| format!("quote({c})")).collect::<Vec<_>>();
            let sql = format!("SELECT {} FROM {table} {filter}", shown.join(" || ', ' || "));
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut conn).await.unwrap();
            all.insert(table, sorted(rows.iter().map(|row| row.get(0)).collect()));
        }
    } else {
        let mut conn = PgConnection::connect(url).await.unwrap();
        for (table, columns) in postgres_tables(&mut conn).await {
            let Some(filter) = filter(&columns, hex.as_deref(), |hex| format!("'{hex}'")) else {
                continue;
            };
            let sql = format!("SELECT row_to_json(t)::text FROM {table} t {filter}");
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut conn).await.unwrap();
            all.insert(table, sorted(rows.iter().map(|row| row.get(0)).collect()));
        }
    }
    all
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}

/// The condition for rows of one workspace; nothing when the table knows no workspaces.
fn filter(
    columns: &[String],
    hex: Option<&str>,
    literal: impl Fn(&str) -> String,
) -> Option<String> {
    let Some(hex) = hex else { return Some(String::new()) };
    let known = columns.iter().any(|column| column == "workspace_id");
    known.then(|| format!("WHERE workspace_id = {}", literal(hex)))
}

async fn sqlite_tables(conn: &mut SqliteConnection) -> Vec<(String, Vec<String>)> {
    let tables: Vec<(String,)> = sqlx::query_as(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
            AND name NOT LIKE 'passages_fts%' AND name <> '_sqlx_migrations' ORDER BY name",
    )
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    let mut found = Vec::new();
    for (table,) in tables {
        let columns: Vec<(String,)> =
            sqlx::query_as("SELECT name FROM pragma_table_info($1) ORDER BY cid")
                .bind(&table)
                .fetch_all(&mut *conn)
                .await
                .unwrap();
        found.push((table, columns.into_iter().map(|(name,)| name).collect()));
    }
    found
}

async fn postgres_tables(conn: &mut PgConnection) -> Vec<(String, Vec<String>)> {
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text FROM information_schema.columns
          WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'
          ORDER BY table_name, ordinal_position",
    )
    .fetch_all(conn)
    .await
    .unwrap();
    let mut found = BTreeMap::<String, Vec<String>>::new();
    for (table, column) in columns {
        found.entry(table).or_default().push(column);
    }
    found.into_iter().collect()
}

/// The numbers that a query of one column finds.
pub(crate) async fn numbers(url: &str, sql: &'static str) -> Vec<i64> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let mut conn = SqliteConnection::connect(path).await.unwrap();
        sqlx::query_scalar(sql).fetch_all(&mut conn).await.unwrap()
    } else {
        let mut conn = PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar(sql).fetch_all(&mut conn).await.unwrap()
    }
}

/// Fails when the full-text index of `SQLite` is not what its table says.
pub(crate) async fn check_full_text(url: &str) {
    let Some(path) = url.strip_prefix("sqlite:") else { return };
    let mut conn = SqliteConnection::connect(path).await.unwrap();
    sqlx::query("INSERT INTO passages_fts (passages_fts, rank) VALUES ('integrity-check', 1)")
        .execute(&mut conn)
        .await
        .unwrap();
}
