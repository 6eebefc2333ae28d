//! A workspace with an assistant, the outside world it works in, and processes that work for it.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use replyx_channels::{
    Channels,
    telegram::{self, Rates, Telegram, format},
};
use replyx_core::{
    act::Actor,
    assistant::{Assistant, AssistantSettings, HandOffPolicy, Language},
    bot::Bot,
    change::New,
    channel::{ChatKind, Inbound, InboundContent, Outbound},
    clock::{Clock, random_hex},
    dialog::{Contact, Control, Dialog, HandoffReason, Operator},
    fixtures,
    ids::{AssistantId, MessageId, WorkspaceId},
    message::Message,
    retry::Backoff,
    rules::dialog::{Cause, Initiator, Utterance},
    secret::Keys,
};
use replyx_engine::{
    Bell, Desk, Engine, EngineSettings, VersionCache,
    context::{Context, Loaded},
    intake::{self, Door},
    payment, turn,
};
use replyx_knowledge::search::Search;
use replyx_live::Live;
use replyx_llm::{AdmissionLimits, Dialect, Embeddings, Limits, Models, ModelsConfig};
use replyx_storage::{
    Committed, Db, Listener, StorageError, fair::Places, testing::TestDb, tuning::Tuning,
    turns::ClaimedTurn,
};
use replyx_testkit::{
    openai::FakeOpenAi,
    telegram::{Bot as FakeBot, Chat, FakeTelegram},
};
use secrecy::SecretString;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

mod knows;
mod look;
mod people;
mod working;

pub(crate) use working::Working;

/// Longer than anything takes here, even on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// The moment at which manual clocks begin.
pub(crate) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// A workspace with an assistant, and the outside world.
pub(crate) struct World<'d> {
    pub(crate) db: &'d TestDb,
    pub(crate) telegram: FakeTelegram,
    pub(crate) model: FakeOpenAi,
    pub(crate) clock: Clock,
    pub(crate) workspace: WorkspaceId,
    pub(crate) assistant: AssistantId,
    /// How many calls there may be at once to the model.
    pub(crate) admission: AdmissionLimits,
    /// What gives texts their vectors: nothing unless a test sets it.
    pub(crate) embeddings: Arc<Embeddings>,
    keys: Keys,
    live: Live,
    prefix: String,
}

/// What a turn was found to need.
pub(crate) fn loaded(found: Loaded) -> Context {
    match found {
        Loaded::Ready(context) => *context,
        other => panic!("nothing to answer: {other:?}"),
    }
}

/// A bot, on our side and on Telegram's.
pub(crate) struct Line {
    pub(crate) bot: Bot,
    pub(crate) door: Door,
    pub(crate) fake: FakeBot,
}

impl Line {
    /// A chat, which Telegram knows from now on.
    pub(crate) fn chat(&self, id: i64) -> Chat {
        if id > 0 { self.fake.customer(id) } else { self.fake.group(id, "group") }
    }
}

impl<'d> World<'d> {
    /// A world that runs by the machine's clock.
    pub(crate) async fn open(db: &'d TestDb) -> Self {
        Self::with_clock(db, Clock::system()).await
    }

    pub(crate) async fn with_clock(db: &'d TestDb, clock: Clock) -> Self {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let workspace = fixtures::workspace(&clock);
        let assistant =
            Assistant { settings: assistant(), ..fixtures::assistant(&clock, workspace.id) };

        let mut tx = db.db.begin().await.unwrap();
        tx.apply(fixtures::unexplained(New(workspace.clone()))).await.unwrap();
        tx.apply(fixtures::unexplained(New(assistant.clone()))).await.unwrap();
        let version = fixtures::version(&clock, &assistant);
        tx.apply(assistant.publish_first(version)).await.unwrap();
        tx.commit().await.unwrap();
        let prefix = format!("engine-{}", random_hex::<8>());
        Self {
            db,
            telegram: FakeTelegram::start().await,
            model: FakeOpenAi::start().await,
            live: live(db, &prefix).await,
            prefix,
            workspace: workspace.id,
            assistant: assistant.id,
            admission: AdmissionLimits::default(),
            embeddings: Arc::new(Embeddings::none()),
            keys: Keys::derive(&SecretString::from("0123456789abcdef0123456789abcdef")).unwrap(),
            clock,
        }
    }

    /// Registers a bot that runs.
    pub(crate) async fn line(&self) -> Line {
        let telegram_id = 1000 + self.number();
        let fake = self.telegram.add_bot(&format!("{telegram_id}:TEST"), "shop_bot");
        let bot = Bot { telegram_id, ..fixtures::bot(&self.clock, self.workspace, self.assistant) };
        let sealed =
            self.keys.seal(&SecretString::from(fake.token()), bot.id.into_uuid().as_bytes());
        let mut tx = self.db.db.begin().await.unwrap();
        let change = fixtures::registered(bot.clone(), &sealed, &random_hex::<16>());
        tx.apply(change).await.unwrap();
        tx.commit().await.unwrap();
        Line { door: Door::from(&bot), bot, fake }
    }

    #[expect(clippy::unused_self, reason = "reads as what it is")]
    fn number(&self) -> i64 {
        // Also worlds in one database must not share them.
        static NUMBERS: AtomicI64 = AtomicI64::new(1);
        NUMBERS.fetch_add(1, Ordering::Relaxed)
    }

    /// A process of the installation, with ordinary settings of a test: nothing waits, nothing is
    /// limited.
    pub(crate) async fn engine(&self) -> Arc<Engine> {
        self.engine_with(|_| {}).await
    }

    pub(crate) async fn engine_with(
        &self,
        change: impl FnOnce(&mut EngineSettings),
    ) -> Arc<Engine> {
        self.engine_on(self.db.db.clone(), &self.telegram.url(), change).await
    }

    /// A process that reaches the database and Telegram in its own way.
    pub(crate) async fn engine_on(
        &self,
        db: Db,
        telegram_url: &str,
        change: impl FnOnce(&mut EngineSettings),
    ) -> Arc<Engine> {
        let telegram = Telegram::new(telegram_url, telegram::Limits::default()).unwrap();
        let unlimited = Rates::new(100_000, 100_000, 100_000);
        self.engine_through(db, telegram.with_rates(unlimited), change).await
    }

    /// A process whose bots speak no faster than this.
    pub(crate) async fn engine_paced(&self, rates: Rates) -> Arc<Engine> {
        let url = self.telegram.url();
        let telegram = Telegram::new(&url, telegram::Limits::default()).unwrap();
        self.engine_through(self.db.db.clone(), telegram.with_rates(rates), |_| {}).await
    }

    async fn engine_through(
        &self,
        db: Db,
        telegram: Telegram,
        change: impl FnOnce(&mut EngineSettings),
    ) -> Arc<Engine> {
        let mut settings = settings();
        change(&mut settings);
        let bell = Arc::new(Bell::default());
        let embeddings = Arc::clone(&self.embeddings);
        let engine = Engine {
            db: db.with_listener(Arc::<Bell>::clone(&bell)),
            live: if self.db.db.is_shared() {
                live(self.db, &self.prefix).await
            } else {
                self.live.clone()
            },
            models: self.models(),
            embeddings: Arc::clone(&embeddings),
            search: Search::new(embeddings, 1 << 20),
            channels: Channels::new(telegram),
            keys: self.keys.clone(),
            clock: self.clock.clone(),
            process: self.clock.id(),
            bell,
            desk: Desk::default(),
            versions: VersionCache::default(),
            tuning: Arc::new(tuning()),
            settings,
        };
        let mut tx = engine.db.begin().await.unwrap();
        tx.system().processes().beat(engine.process, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        Arc::new(engine)
    }

    fn models(&self) -> Models {
        let limits = Limits {
            first_token: Duration::from_secs(10),
            backoff: Backoff {
                first: Duration::from_millis(10),
                ceiling: Duration::from_millis(10),
                attempts: 2,
            },
            ..Limits::default()
        };
        let admission = self.admission;
        let config = ModelsConfig { limits, admission, ..ModelsConfig::default() };
        let config = config.with("openai", Dialect::Completions, self.model.base_url(), "sk-test");
        Models::new(config, Live::in_process(), self.clock.clone()).unwrap()
    }

    /// An update with words in it.
    pub(crate) fn text(&self, chat: i64, text: &str) -> Inbound {
        let message_id = self.number();
        self.update(
            chat,
            InboundContent::Text { text: text.to_owned(), message_id: message_id.into() },
        )
    }

    pub(crate) fn update(&self, chat_id: i64, content: InboundContent) -> Inbound {
        let number = self.number();
        let chat_kind = kind(chat_id);
        Inbound { chat_kind, content, ..fixtures::inbound(&self.clock, number, chat_id) }
    }

    /// Takes in what a customer says.
    pub(crate) async fn say(&self, engine: &Engine, line: &Line, chat: i64, text: &str) {
        line.chat(chat);
        self.take(engine, line, self.text(chat, text)).await.unwrap();
    }

    pub(crate) async fn take(
        &self,
        engine: &Engine,
        line: &Line,
        inbound: Inbound,
    ) -> Result<(), StorageError> {
        intake::accept_all(engine, &[(line.door, inbound)], None).await
    }

    /// Wakes the delivery of a process: [`Self::reply`] does not.
    pub(crate) fn ring(engine: &Engine) {
        engine.bell.committed(&Committed { outbox: true, turns: true, ..Committed::default() });
    }

    /// Stores a reply as a turn would, and queues its parts.
    pub(crate) async fn reply(&self, line: &Line, chat: i64, text: &str) -> MessageId {
        line.chat(chat);
        let now = self.clock.now();
        let mut tx = self.db.db.begin().await.unwrap();
        let inbound = self.text(chat, "?");
        let contacts = tx.workspace(self.workspace).contacts();
        let contact = contacts.meet(line.bot.id, &inbound, self.clock.id(), now).await.unwrap();
        let open = tx.workspace(self.workspace).dialogs().lock_open(contact.id).await.unwrap();
        let mut dialog = open.unwrap_or_else(|| self.dialog_of(&contact));
        if dialog.last_seq == 0 {
            tx.apply(dialog.clone().open()).await.unwrap();
        }
        dialog.last_seq += 1;
        dialog.updated_at = now;
        let seq = dialog.last_seq;
        let message = Message {
            text: text.to_owned(),
            ..fixtures::reply(&self.clock, self.workspace, dialog.id, seq)
        };
        let parts: Vec<_> = format::outbound(text)
            .into_iter()
            .map(|part| (self.clock.id(), Outbound::Text(part)))
            .collect();
        let said = Utterance::new(dialog, message);
        let Utterance { dialog, message, .. } =
            tx.apply(fixtures::unexplained(said)).await.unwrap();
        let outbox = tx.workspace(self.workspace).outbox();
        outbox.enqueue(&dialog, &contact, message.id, &parts, now).await.unwrap();
        tx.commit().await.unwrap();
        message.id
    }

    pub(crate) fn dialog_of(&self, contact: &Contact) -> Dialog {
        fixtures::dialog(&self.clock, self.assistant, contact)
    }

    /// Takes on the turns that are due.
    pub(crate) async fn claim(&self, engine: &Engine) -> Vec<ClaimedTurn> {
        let mut tx = engine.db.begin().await.unwrap();
        let turns = tx.system().turns();
        let mut claimed =
            turns.claim(engine.process, engine.clock.now(), Places::of(100)).await.unwrap();
        payment::hold(engine, &mut tx, &mut claimed).await.unwrap();
        tx.commit().await.unwrap();
        claimed
    }

    /// Takes on the only turn that is due.
    pub(crate) async fn claim_one(&self, engine: &Engine) -> ClaimedTurn {
        let claimed = self.claim(engine).await;
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        claimed[0]
    }

    /// Takes on the turns that are due and runs them one after the other; returns how many those
    /// were.
    pub(crate) async fn answer(&self, engine: &Engine) -> usize {
        let claimed = self.claim(engine).await;
        for turn in &claimed {
            turn::run(engine, *turn).await;
        }
        claimed.len()
    }

    /// Begins to run a turn, and returns when the model has been asked.
    pub(crate) async fn begin_turn(
        &self,
        engine: &Arc<Engine>,
        turn: ClaimedTurn,
    ) -> JoinHandle<()> {
        let asked = self.model.request_count();
        let engine = Arc::clone(engine);
        let running = tokio::spawn(async move { turn::run(&engine, turn).await });
        eventually("the model to be asked", async || {
            (self.model.request_count() > asked).then_some(())
        })
        .await;
        running
    }

    /// What other processes do when one has not been heard of.
    pub(crate) async fn bury(&self, engine: &Engine) {
        let mut tx = self.db.db.begin().await.unwrap();
        tx.system().processes().leave(engine.process).await.unwrap();
        let now = self.clock.now();
        tx.system().processes().reap(Duration::from_mins(1), now).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Gives the only dialog to somebody else.
    pub(crate) async fn give_control(&self, to: Control) {
        let id = self.dialog().await.id;
        let mut tx = self.db.db.begin().await.unwrap();
        let locked = tx.workspace(self.workspace).dialogs().lock(id).await.unwrap();
        let dialog = locked.unwrap();
        let now = self.clock.now();
        let operator = Operator { user_id: None, name: "Anna".to_owned() };
        let by = Initiator::Operator { operator: operator.clone(), actor: Actor::command_line() };
        let cause = Cause { message_id: self.clock.id(), by, now };
        let change = match to {
            Control::Ai => dialog.hand_back(&cause),
            Control::Waiting => dialog.hand_off(HandoffReason::Asked, &cause),
            Control::Human => dialog.take_over(operator, &cause),
            Control::Closed => dialog.close(&cause),
        };
        tx.apply(change.unwrap()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Fails when Telegram or the model was asked for what their APIs do not have.
    pub(crate) fn assert_manners(&self) {
        assert_eq!(self.telegram.violations(), [""; 0]);
        assert_eq!(self.model.violations(), [""; 0]);
    }
}

/// What admins have set in a test: no customer is answered too much.
fn tuning() -> Tuning {
    let unlimited = [("rate_contact", "1000000/1s"), ("contact_answers_per_day", "1000000")];
    Tuning::new(unlimited.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

/// The settings of a test.
pub(crate) fn settings() -> EngineSettings {
    EngineSettings {
        window: Duration::ZERO,
        window_latest: Duration::ZERO,
        typing_after: LONG,
        send_backoff: Backoff {
            first: Duration::from_millis(20),
            ceiling: Duration::from_millis(200),
            attempts: 100,
        },
        ..EngineSettings::default()
    }
}

pub(crate) fn assistant() -> AssistantSettings {
    AssistantSettings {
        system_prompt: "Be kind.".to_owned(),
        greeting: Some("Welcome!".to_owned()),
        unknown_text: Some("I do not know.".to_owned()),
        fallback_text: Some("Something is broken.".to_owned()),
        handoff_text: Some("A colleague will write to you.".to_owned()),
        // Fake models say what they like; tests of the check switch it on.
        check_answers: false,
        // Tests of late answers switch them on.
        late_answer_minutes: 0,
        // As do those of what customers are told of the people who answer.
        handoff: HandOffPolicy { announce_operator: false, ..HandOffPolicy::default() },
        ..AssistantSettings::new("Ada".to_owned(), Language::English)
    }
}

fn kind(chat: i64) -> ChatKind {
    if chat > 0 { ChatKind::Private } else { ChatKind::Group }
}

/// The shared state that goes with a database: in process beside `SQLite`, on Redis beside
/// `PostgreSQL`.
async fn live(db: &TestDb, prefix: &str) -> Live {
    if !db.db.is_shared() {
        return Live::in_process();
    }
    let url = std::env::var("REPLYX_TEST_REDIS").expect(
        "`REPLYX_TEST_REDIS` names a Redis server: run through `make test` or `scripts/services run`",
    );
    Live::redis(&url, prefix).await.unwrap()
}

/// Looks again and again until there is something.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    look: impl Fn() -> F,
) -> T {
    let deadline = Instant::now() + LONG;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// The texts that a chat has received, as people see them.
pub(crate) fn received(chat: &Chat) -> Vec<String> {
    chat.sent().iter().map(|sent| sent.plain.clone()).collect()
}
