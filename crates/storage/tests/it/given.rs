//! Builders of what tests store; [`raw`] looks at the tables themselves.

use chrono::{DateTime, Duration, Utc};
use replyx_core::{
    assistant::{
        Assistant, AssistantSettings, Day, FixedText, HandOffPolicy, Language, OpeningHours, Pause,
        Texts, Unsure, Unverified, Version,
    },
    attachment::{AttachmentStatus, MessageFile, Upload},
    audit::{Act, ActorKind, Outcome},
    bot::Bot,
    bulk::{BulkItem, Undo},
    canned::CannedReply,
    change::{Change, New},
    channel::{Channel, Inbound, Outbound},
    clock::{Clock, random_hex},
    dialog::{Contact, Dialog},
    evaluation::{Question, QuestionSet, Run},
    file::Content,
    fixtures,
    ids::{AssistantId, DialogId, Id, JobId, MessageId, OutboxId, ProcessId, UserId, WorkspaceId},
    job::Kind,
    knowledge::{Document, DocumentKind, Replacement, Source, SourceStatus},
    ledger::{
        Account, Amount, Balance, BalanceNotice, Credit, CreditSource, EntryKind, Hold,
        HoldPurpose, Movement, Posting, Reserved, Subject,
    },
    message::Message,
    money::Money,
    page::PageRequest,
    permission::Permission,
    presence::{Assignment, Capacity, Presence, PresenceState},
    role::Role,
    rules::{assistant::QuestionSetContent, dialog::Utterance, sla::AssistantSla},
    secret::sha256_hex,
    sla::{Awaited, DialogSla, RunningSla, SlaPolicy, SlaStatus},
    snooze::Snooze,
    tag::{DialogTags, Tag},
    usage::{ModelCall, Purpose},
    user::{InboxNotice, User},
    waiting::QueueMove,
    workspace::{ApiKey, Invitation, KeyOwner, Workspace},
};
use replyx_storage::{
    Db, Tx,
    dialog_terms::{DialogTerm, Finders},
    drafts::Draft,
    inbox_views::StoredViews,
    kept_answers::{KeptAnswer, KeptKey},
    ledger::Seal,
    member_mail::NewNotice,
    outbox::Sendable,
    passages::{NewPassage, PassageChanges, Span},
    testing::append_entry,
    waits::UnplannedWait,
};
use replyx_text::terms::index_text;

mod people;
mod raw;

pub(crate) use people::*;
pub(crate) use raw::{check_full_text, numbers, rows};
pub(crate) use replyx_storage::testing::tamper;

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

/// Runs one call in a transaction of its own, and commits it; returns the answer and whose access
/// it changed.
macro_rules! telling {
    ($db:expr, |$tx:ident| $call:expr) => {{
        let mut $tx = $db.begin().await.unwrap();
        let answer = $call.await.unwrap();
        (answer, $tx.commit().await.unwrap().access)
    }};
}

/// Runs one call while another transaction has made its own and not committed yet; the second must
/// wait for the first. Returns both answers.
macro_rules! race {
    ($db:expr, |$tx:ident| $first:expr, $second:expr) => {{
        let one = {
            let mut $tx = $db.begin().await.unwrap();
            let answer = $first.await.unwrap();
            (answer, $tx)
        };
        let db = $db.clone();
        let other = tokio::spawn(async move { commit!(db, |$tx| $second) });
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert!(!other.is_finished(), "the second waits for the first");
        one.1.commit().await.unwrap();
        (one.0, other.await.unwrap())
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

/// What makes times and ids of fixtures: it stands still, at the moment at which all tests begin.
fn clock() -> Clock {
    Clock::manual(at(0))
}

pub(crate) fn workspace() -> Workspace {
    Workspace { id: id(), name: "Лавка".to_owned(), ..fixtures::workspace(&clock()) }
}

pub(crate) fn user() -> User {
    User { id: id(), name: Some("Анна".to_owned()), ..fixtures::user(&clock()) }
}

pub(crate) fn invitation(workspace: WorkspaceId) -> Invitation {
    Invitation {
        id: id(),
        workspace_id: workspace,
        email: format!("{}@example.net", random_hex::<6>()),
        role: Role::Operator,
        invited_by: id(),
        expires_at: at(1_000),
        created_at: at(0),
    }
}

pub(crate) fn api_key(workspace: WorkspaceId) -> ApiKey {
    ApiKey {
        id: id(),
        workspace_id: workspace,
        name: "Касса".to_owned(),
        prefix: "rx_1234".to_owned(),
        scopes: [Permission::DialogsRead, Permission::DocumentsWrite].into_iter().collect(),
        owner: KeyOwner::Workspace,
        created_by: id(),
        expires_at: Some(at(1_000)),
        last_used_at: None,
        created_at: at(0),
    }
}

/// A credit whose id is the workspace's.
pub(crate) fn credit(workspace: WorkspaceId) -> Credit {
    Credit {
        id: workspace.into_uuid().into(),
        workspace_id: workspace,
        source: CreditSource::Transfer,
        source_id: workspace.to_string(),
        amount: Money::from_micros(10),
        remaining: Money::from_micros(10),
        created_at: at(0),
    }
}

/// The first entry of a workspace: the credit, under its id.
pub(crate) fn paid(workspace: WorkspaceId) -> Posting {
    let amount = Amount::Money(Money::from_micros(10));
    let movement = Movement {
        credit_id: Some(credit(workspace).id),
        ..Movement::new(EntryKind::Credit, Account::Bank, Account::Paid, amount, Subject::default())
    };
    let key = format!("credit:{workspace}");
    Balance::empty(workspace, at(0)).post(&key, vec![movement], at(1)).unwrap()
}

/// A hold whose id is the dialog's.
pub(crate) fn hold(workspace: WorkspaceId, dialog: DialogId) -> Hold {
    Hold {
        id: dialog.into_uuid().into(),
        workspace_id: workspace,
        purpose: HoldPurpose::Answer,
        dialog_id: Some(dialog),
        reserved: Reserved { paid: Money::from_micros(3), ..Reserved::default() },
        price_version: 1,
        taken_at: at(1),
        expires_at: at(61),
    }
}

/// Something somebody did.
pub(crate) fn act(action: &str) -> Act {
    Act {
        at: at(0),
        actor: ActorKind::User,
        actor_id: Some(id::<UserId>().into_uuid()),
        actor_name: "anna@example.com".to_owned(),
        action: action.to_owned(),
        target: "member".to_owned(),
        target_id: Some("7".to_owned()),
        address: "203.0.113.7".to_owned(),
        outcome: Outcome::Done,
        details: serde_json::json!({"role": "viewer", "before": "owner"}),
    }
}

pub(crate) fn assistant(workspace: WorkspaceId) -> Assistant {
    Assistant {
        id: id(),
        settings: AssistantSettings {
            name: "Помощник".to_owned(),
            model: Some("extractive".to_owned()),
            system_prompt: "Be kind.".to_owned(),
            temperature: 0.2,
            language: Language::Russian,
            greeting: Some("Привет!".to_owned()),
            unknown_text: None,
            fallback_text: None,
            fallback_models: vec!["gpt-4o".to_owned()],
            time_zone: "Europe/Moscow".to_owned(),
            check_answers: false,
            unverified: Unverified::HandOff,
            unsure: Unsure::Quote,
            handoff_text: Some("Минуту".to_owned()),
            reopen_hours: 48,
            late_answer_minutes: 30,
            tags: vec!["цены".to_owned()],
            handoff: HandOffPolicy {
                on_request: false,
                on_unknown: 3,
                topics: vec!["Расторгнуть договор".to_owned()],
                assignment: Assignment::LeastBusy,
                announce_operator: false,
                waiting_hours: 12,
            },
            texts: Texts::new(
                [(Language::Russian, [(FixedText::Thanks, "Не за что".to_owned())].into())].into(),
            ),
            hours: Some(OpeningHours {
                week: [(Day::Monday, vec!["09:00-18:00".to_owned()])].into(),
                dates: [(at(0).date_naive(), Vec::new())].into(),
            }),
        },
        ..fixtures::assistant(&clock(), workspace)
    }
}

/// The assistant's settings as a published version.
pub(crate) fn version(assistant: &Assistant, number: i64) -> Version {
    Version {
        number,
        note: "Весна".to_owned(),
        created_at: at(number),
        ..fixtures::version(&clock(), assistant)
    }
}

pub(crate) fn bot(workspace: WorkspaceId, assistant: AssistantId) -> Bot {
    Bot { id: id(), ..fixtures::bot(&clock(), workspace, assistant) }
}

/// A channel through which a program of the owner talks.
pub(crate) fn channel(workspace: WorkspaceId, assistant: AssistantId) -> Channel {
    Channel {
        id: id(),
        name: "Приложение".to_owned(),
        ..fixtures::channel(&clock(), workspace, assistant)
    }
}

pub(crate) fn inbound(address: i64) -> Inbound {
    Inbound { display_name: "Пётр".to_owned(), ..fixtures::inbound(&clock(), 1, address) }
}

pub(crate) fn dialog(bot: &Bot, contact: &Contact) -> Dialog {
    Dialog { id: id(), epoch: 1, ..fixtures::dialog(&clock(), bot.assistant_id, contact) }
}

pub(crate) fn message(workspace: WorkspaceId, dialog: DialogId, seq: i64) -> Message {
    Message {
        id: id(),
        text: format!("слово {seq}"),
        created_at: at(seq),
        ..fixtures::reply(&clock(), workspace, dialog, seq)
    }
}

/// The messages of the tenant's dialog, oldest first.
pub(crate) async fn messages(db: &Db, tenant: &Tenant) -> Vec<Message> {
    let page = PageRequest::new(None, None);
    read!(db, |tx| tx.workspace(tenant.id).messages().list(tenant.dialog.id, page)).items
}

/// Stores a message of which no dialog and no event tells.
pub(crate) fn said(message: &Message) -> Change<New<Message>> {
    fixtures::unexplained(New(message.clone()))
}

pub(crate) fn document(workspace: WorkspaceId, assistant: AssistantId) -> Document {
    Document {
        id: id(),
        name: "доставка.md".to_owned(),
        title: Some("Доставка".to_owned()),
        language: "ru".to_owned(),
        tags: vec!["цены".to_owned()],
        ..fixtures::document(&clock(), workspace, assistant)
    }
}

/// What an answer is kept under.
pub(crate) fn kept_key(assistant: AssistantId) -> KeptKey {
    KeptKey { assistant_id: assistant, question: "5feceb66".to_owned(), version: 1, revision: 3 }
}

/// An answer that is kept.
pub(crate) fn kept_answer() -> KeptAnswer {
    KeptAnswer { text: "Два дня.".to_owned(), meta: fixtures::answer() }
}

/// A site that was fetched and is due again.
pub(crate) fn source(workspace: WorkspaceId, assistant: AssistantId) -> Source {
    Source {
        id: id(),
        depth: 1,
        max_pages: 9,
        status: SourceStatus::Ready,
        pages: 2,
        bytes: 300,
        fetched_at: Some(at(1)),
        next_at: Some(at(100)),
        ..fixtures::source(&clock(), workspace, assistant)
    }
}

/// A set of one question.
pub(crate) fn question_set(workspace: WorkspaceId, assistant: AssistantId) -> QuestionSet {
    QuestionSet {
        id: id(),
        name: "Доставка".to_owned(),
        ..fixtures::question_set(&clock(), workspace, assistant)
    }
}

/// What is asked in it.
pub(crate) fn questions() -> Vec<Question> {
    vec![Question {
        question: "Сколько стоит доставка?".to_owned(),
        answers: vec!["300 ₽".to_owned()],
        ..Question::default()
    }]
}

/// A run that waits.
pub(crate) fn run(set: &QuestionSet) -> Run {
    Run { id: id(), ..fixtures::run(&clock(), set) }
}

/// A call of a model for a dialog that cost something.
pub(crate) fn call(assistant: AssistantId, dialog: Option<DialogId>) -> ModelCall {
    ModelCall {
        id: id(),
        assistant_id: Some(assistant),
        dialog_id: dialog,
        message_id: None,
        purpose: Purpose::Answer,
        provider: "openai".to_owned(),
        model: "gpt-4o-mini".to_owned(),
        key_id: Some(id::<JobId>().into_uuid()),
        prompt_tokens: 100,
        completion_tokens: 10,
        estimated: false,
        cost: Money::from_micros(21),
        priced: true,
        first_token_ms: Some(300),
        duration_ms: 900,
        outcome: "ok".to_owned(),
        created_at: at(0),
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
        hash: sha256_hex(text.as_bytes()),
        place: Span {
            position: 0,
            start: 0,
            end: i64::try_from(text.len()).unwrap(),
            page: Some(1),
        },
    }
}

/// These passages as all that is new.
pub(crate) fn all_new(passages: &[NewPassage]) -> PassageChanges {
    let mut new = passages.to_vec();
    for (passage, position) in new.iter_mut().zip(0..) {
        passage.place.position = position;
    }
    PassageChanges { new, ..PassageChanges::default() }
}

/// The parts of a reply: their ids and `a`, `b`, `c`...
pub(crate) fn parts<const N: usize>() -> [(OutboxId, Outbound); N] {
    std::array::from_fn(|number| {
        let plain = char::from(b'a' + u8::try_from(number).unwrap()).to_string();
        let markup = Some(format!("<b>{plain}</b>"));
        (id(), Outbound::text(plain, markup))
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
    pub attachment: MessageFile,
    pub upload: Upload,
    pub document: Document,
    pub passages: Vec<NewPassage>,
    pub source: Source,
    pub set: QuestionSet,
    pub run: Run,
    pub call: ModelCall,
    pub invitation: Invitation,
    pub key: ApiKey,
}

/// Stores a workspace with an assistant, a bot, a contact of chat 7, a dialog and nothing in it.
pub(crate) async fn tenant(db: &Db) -> Tenant {
    let workspace = workspace();
    let user = user();
    let assistant = assistant(workspace.id);
    let bot = bot(workspace.id, assistant.id);
    let hook = random_hex::<16>();
    let mut tx = db.begin().await.unwrap();
    found(&mut tx, &workspace).await.unwrap();
    sign_up(&mut tx, &user, "$argon2id$").await.unwrap();
    join(&mut tx, workspace.id, user.id, Role::Owner, at(0)).await.unwrap();
    tx.apply(fixtures::unexplained(New(assistant.clone()))).await.unwrap();
    let version = version(&assistant, 1);
    tx.apply(assistant.publish_first(version)).await.unwrap();
    tx.apply(fixtures::registered(bot.clone(), b"sealed", &hook)).await.unwrap();
    let contact =
        tx.workspace(workspace.id).contacts().meet(bot.id, &inbound(7), id(), at(0)).await.unwrap();
    let dialog = dialog(&bot, &contact);
    tx.apply(dialog.clone().open()).await.unwrap();
    tx.commit().await.unwrap();
    let set = question_set(workspace.id, assistant.id);
    let message = message(workspace.id, dialog.id, 1);
    Tenant {
        id: workspace.id,
        source: source(workspace.id, assistant.id),
        run: run(&set),
        set,
        call: call(assistant.id, Some(dialog.id)),
        user,
        attachment: attachment(&message),
        upload: Upload::of(id(), workspace.id, "a.txt", b"a file", at(0)),
        message,
        document: document(workspace.id, assistant.id),
        invitation: invitation(workspace.id),
        key: api_key(workspace.id),
        assistant,
        bot,
        hook,
        contact,
        dialog,
        passages: vec![passage("Доставка по Москве два дня"), passage("Returns take 14 days")],
    }
}

/// A file that came with a message and waits to be fetched.
pub(crate) fn attachment(message: &Message) -> MessageFile {
    MessageFile {
        id: id(),
        workspace_id: message.workspace_id,
        dialog_id: message.dialog_id,
        message_id: message.id,
        what: "document".to_owned(),
        name: Some("Прайс.pdf".to_owned()),
        media_type: Some("application/pdf".to_owned()),
        size: Some(12),
        status: AttachmentStatus::Waiting,
        reference: "BQAC-1".to_owned(),
        created_at: at(0),
        updated_at: at(0),
    }
}

/// The tag of a workspace; it has the workspace's id.
pub(crate) fn tag(workspace: WorkspaceId) -> Tag {
    Tag {
        id: workspace.into_uuid().into(),
        workspace_id: workspace,
        name: "refund".to_owned(),
        created_at: at(0),
        updated_at: at(0),
    }
}

/// The dialog has the tag of the workspace.
pub(crate) fn dialog_tags(workspace: WorkspaceId, dialog: &Dialog) -> DialogTags {
    DialogTags { workspace_id: workspace, dialog_id: dialog.id, tags: vec![tag(workspace).id] }
}

/// The dialog is out of sight for a while.
pub(crate) fn bulk_item(workspace: WorkspaceId, dialog: &Dialog) -> BulkItem {
    BulkItem {
        workspace_id: workspace,
        bulk_id: dialog.id.into_uuid().into(),
        dialog_id: dialog.id,
        actor_id: dialog.id.into_uuid(),
        undo: Undo::of_control(dialog, dialog.epoch),
        created_at: at(0),
    }
}

pub(crate) fn views() -> StoredViews {
    StoredViews { views: "{}".to_owned(), updated_at: at(0) }
}

pub(crate) fn snooze(workspace: WorkspaceId, dialog: &Dialog) -> Snooze {
    Snooze {
        workspace_id: workspace,
        dialog_id: dialog.id,
        until: at(100),
        heard_seq: 9,
        epoch: dialog.epoch,
        created_at: at(0),
    }
}

/// The canned reply of a workspace; it has the workspace's id.
pub(crate) fn canned_reply(workspace: WorkspaceId) -> CannedReply {
    CannedReply {
        id: workspace.into_uuid().into(),
        workspace_id: workspace,
        shortcut: "hi".to_owned(),
        language: None,
        title: "Hello".to_owned(),
        text: "Hello {customer}".to_owned(),
        created_at: at(0),
        updated_at: at(0),
    }
}

/// A file that waits to take a document's place.
pub(crate) fn replacement() -> Replacement {
    Replacement {
        name: "newer.txt".to_owned(),
        kind: DocumentKind::Text,
        size: 5,
        content_hash: "newer".to_owned(),
    }
}

/// That somebody is mentioned in the tenant's dialog.
pub(crate) fn mention(tenant: &Tenant) -> NewNotice {
    NewNotice {
        notice: InboxNotice::Mention,
        dialog_id: tenant.dialog.id,
        seq: Some(1),
        only: Some(tenant.user.id),
        at: at(0),
    }
}

/// The wait of the tenant's dialog, of which nobody has decided anything.
pub(crate) fn unplanned(tenant: &Tenant) -> UnplannedWait {
    UnplannedWait {
        workspace_id: tenant.id,
        dialog_id: tenant.dialog.id,
        epoch: tenant.dialog.epoch,
        assistant_id: tenant.assistant.id,
        began_at: at(0),
    }
}

impl Tenant {
    /// Pauses the assistant, promises its customers a reply, and starts a clock.
    async fn promise(&self, tx: &mut Tx) {
        let Self { id: workspace_id, assistant, dialog, .. } = self;
        let workspace_id = *workspace_id;
        let pause = Pause {
            workspace_id,
            assistant_id: assistant.id,
            since: at(0),
            text: Some("!".into()),
        };
        tx.apply(fixtures::unexplained(pause)).await.unwrap();
        let words = [dialog_term(dialog.id)];
        tx.workspace(workspace_id).dialog_terms().add(&words).await.unwrap();
        tx.workspace(workspace_id).dialog_terms().begin(1).await.unwrap();
        tx.workspace(workspace_id).dialog_terms().mark(9).await.unwrap();
        let policy = SlaPolicy {
            first_reply: Some(std::time::Duration::from_mins(10)),
            ..SlaPolicy::default()
        };
        let promised = AssistantSla { workspace_id, assistant_id: assistant.id, policy };
        tx.apply(fixtures::unexplained(promised)).await.unwrap();
        let running = RunningSla {
            awaited: Awaited::First,
            since: at(0),
            target: std::time::Duration::from_mins(10),
            risk_at: Some(at(300)),
            due_at: Some(at(600)),
            status: SlaStatus::Running,
        };
        let clock =
            DialogSla { workspace_id, dialog_id: dialog.id, read_seq: 1, running: Some(running) };
        tx.apply(fixtures::unexplained(clock)).await.unwrap();
        // Snoozed, and snoozed again: the clock stood still.
        for _ in 0..2 {
            tx.apply(fixtures::unexplained(snooze(workspace_id, dialog))).await.unwrap();
        }
    }

    /// Stores what operators sort and answer with.
    async fn sort(&self, tx: &mut Tx) {
        tx.apply(fixtures::unexplained(New(tag(self.id)))).await.unwrap();
        tx.apply(fixtures::unexplained(dialog_tags(self.id, &self.dialog))).await.unwrap();
        tx.apply(fixtures::unexplained(New(canned_reply(self.id)))).await.unwrap();
        let draft = Draft { text: "Your parcel".to_owned(), updated_at: at(1) };
        let drafts = tx.workspace(self.id).drafts();
        drafts.put(self.user.id, self.dialog.id, &draft).await.unwrap();
        tx.workspace(self.id).inbox_views().put(self.user.id, &views()).await.unwrap();
        let item = bulk_item(self.id, &self.dialog);
        tx.workspace(self.id).bulk_items().insert(&item).await.unwrap();

        let user = self.user.id;
        tx.workspace(self.id).member_mail().lock().await.unwrap();
        tx.workspace(self.id).member_mail().note(&mention(self), at(0)).await.unwrap();
        assert!(tx.workspace(self.id).member_mail().begin(user, at(0), at(-1)).await.unwrap());
    }

    /// Stores the message, the document with its passages, a turn, an update, a job, a queued part,
    /// the invitation, the key and an entry of the audit log.
    pub(crate) async fn fill(&self, db: &Db) {
        let mut tx = db.begin().await.unwrap();
        let said = Utterance {
            dialog: self.dialog.clone(),
            message: self.message.clone(),
            channel_message: Some(5.into()),
            notice: None,
            client_id: None,
            queue: Some(QueueMove::Entered { left_by: Some(self.user.id) }),
        };
        tx.apply(fixtures::unexplained(said)).await.unwrap();
        tx.apply(self.attachment.clone().receive()).await.unwrap();
        let uploads = tx.workspace(self.id).uploads();
        uploads.insert(&self.upload, Content::Inline(b"a file")).await.unwrap();
        tx.apply(self.document.clone().store(b"bytes")).await.unwrap();
        tx.workspace(self.id).documents().set_text(self.document.id, Some("text")).await.unwrap();
        let replacements = tx.workspace(self.id).replacements();
        replacements.put(self.document.id, &replacement(), b"newer", at(1)).await.unwrap();
        tx.workspace(self.id).upload_days().add(at(0).date_naive(), 5).await.unwrap();
        tx.workspace(self.id)
            .passages()
            .change(self.document.id, &all_new(&self.passages))
            .await
            .unwrap();
        let kept = tx.workspace(self.id).kept_answers();
        kept.keep(&kept_key(self.assistant.id), &kept_answer(), at(99)).await.unwrap();
        let vector = (self.passages[0].id, vec![0_u8; 8]);
        tx.workspace(self.id).passages().add_vectors("e5", &[vector]).await.unwrap();
        tx.apply(fixtures::unexplained(New(self.source.clone()))).await.unwrap();
        let set = &self.set;
        let questions = questions();
        let content = QuestionSetContent { set: set.clone(), questions: Some(&questions) };
        tx.apply(fixtures::unexplained(New(content))).await.unwrap();
        tx.apply(fixtures::unexplained(New(self.run.clone()))).await.unwrap();
        tx.workspace(self.id).model_calls().insert(std::slice::from_ref(&self.call)).await.unwrap();
        tx.workspace(self.id).turns().request(self.dialog.id, at(1), at(3)).await.unwrap();
        tx.workspace(self.id).deliveries().take(self.bot.id, &100.into(), at(0)).await.unwrap();
        let presence = Presence {
            state: PresenceState::Online,
            ..Presence::of_nobody(self.id, self.user.id, at(0))
        };
        let change = presence.say(PresenceState::Away, Capacity::default(), at(1));
        tx.apply(fixtures::unexplained(change.state().clone())).await.unwrap();
        tx.workspace(self.id).inbox().read(id(), self.dialog.id, 1).await.unwrap();
        self.sort(&mut tx).await;
        let contact = self.contact.id;
        let day = at(0).date_naive();
        tx.workspace(self.id).contacts().answered(contact, day).await.unwrap();
        tx.workspace(self.id)
            .jobs()
            .enqueue(id::<JobId>(), Kind::light("index"), &serde_json::json!({"n": 1}), at(0))
            .await
            .unwrap();
        tx.workspace(self.id)
            .outbox()
            .enqueue(&self.dialog, &self.contact, self.message.id, &parts::<1>(), at(0))
            .await
            .unwrap();
        self.promise(&mut tx).await;
        let token = random_hex::<32>();
        let hash = random_hex::<32>();
        invite(&mut tx, &self.invitation, &token).await.unwrap();
        store_key(&mut tx, &self.key, &hash).await.unwrap();
        append_entry(&mut tx, Some(self.id), &act("member.invited")).await.unwrap();
        tx.workspace(self.id).ledger().open(at(0)).await.unwrap();
        tx.workspace(self.id).ledger().post(&paid(self.id)).await.unwrap();
        tx.workspace(self.id).credits().insert(&credit(self.id)).await.unwrap();
        tx.workspace(self.id).holds().insert(&hold(self.id, self.dialog.id)).await.unwrap();
        tx.workspace(self.id).trials().insert(50, at(0), at(7)).await.unwrap();
        let mark = self.id.to_string();
        tx.workspace(self.id).trials().mark("mailbox", &mark, at(0)).await.unwrap();
        tx.workspace(self.id).balance_notices().note(BalanceNotice::Low, at(0)).await.unwrap();
        let seal = Seal { workspace_id: self.id, seq: 1, hash: "x".to_owned() };
        tx.system().ledger().seal(0, &seal, at(0)).await.unwrap();
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
        tx.apply(said(&message)).await.unwrap();
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
    tx.apply(dialog.clone().open()).await.unwrap();
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

/// A word of a dialog.
pub(crate) fn dialog_term(dialog: DialogId) -> DialogTerm {
    DialogTerm { dialog, term: "parcel".to_owned(), finders: Finders::Everybody }
}
