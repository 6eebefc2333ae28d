//! A home for the program, somebody with an account, and what else every test needs.

use std::{path::PathBuf, process::Stdio, time::Duration};

use replyx_core::{
    change::New,
    clock::{Clock, random_hex},
    fixtures,
    role::Role,
};
use replyx_storage::testing::TestDb;
use replyx_testkit::{
    api::Api,
    openai::FakeOpenAi,
    program::{Launch, Program},
    telegram::{Bot, FakeTelegram},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt,
    process::Command,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

pub(crate) use replyx_testkit_macros::on_every_home;

/// The program under test.
pub(crate) const REPLYX: &str = env!("CARGO_BIN_EXE_replyx");
/// The token of the first bot.
pub(crate) const TOKEN: &str = "4001:first-token-of-thirty-characters-or-so";
/// The master secret of every program.
pub(crate) const SECRET: &str = "a-master-secret-for-tests-of-64-characters-0123456789abcdefghij-";
/// How long anything may take. Long, because the machine may be busy; nothing waits for it to pass.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const EMAIL: &str = "owner@example.org";
pub(crate) const PASSWORD: &str = "green lantern 7";

/// Where a program keeps its state, and the Telegram it speaks to.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) db: TestDb,
    pub(crate) redis: Option<String>,
    /// What begins every key in Redis.
    pub(crate) prefix: String,
    pub(crate) folder: TempDir,
    pub(crate) telegram: FakeTelegram,
}

impl Home {
    /// The default: one file, nothing beside it.
    pub(crate) async fn sqlite() -> Self {
        Self::on(replyx_storage::testing::sqlite().await, None).await
    }

    /// Production: `PostgreSQL` and Redis.
    pub(crate) async fn postgres() -> Self {
        Self::on(replyx_storage::testing::postgres().await, Some(redis())).await
    }

    /// As [`Self::postgres`], on a `PostgreSQL` that has pgvector.
    pub(crate) async fn pgvector() -> Self {
        Self::on(replyx_storage::testing::pgvector().await, Some(redis())).await
    }

    async fn on(db: TestDb, redis: Option<String>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let prefix = format!("test-{}", random_hex::<8>());
        Self { db, redis, prefix, folder, telegram: FakeTelegram::start().await }
    }

    /// How the program is started here.
    pub(crate) fn launch(&self) -> Launch {
        let launch = Launch::serve(REPLYX)
            .unlimited()
            .data(self.folder.path())
            .with("DATABASE_URL", &self.db.url)
            .with("TELEGRAM_API_URL", self.telegram.url())
            .with("SECRET_KEY", SECRET)
            .with("TELEGRAM_CHAT_RATE", 50)
            .with("TELEGRAM_BOT_RATE", 1000)
            .with("REPLY_WINDOW_MS", 50);
        match &self.redis {
            // Homes share a server, and nothing else.
            Some(redis) => launch.with("REDIS_URL", redis).with("REDIS_PREFIX", &self.prefix),
            None => launch,
        }
    }

    /// Starts the program and opens a shop in it.
    pub(crate) async fn open(&self) -> Shop {
        self.open_with(self.launch()).await
    }

    /// As [`Self::open`], started in another way.
    pub(crate) async fn open_with(&self, launch: Launch) -> Shop {
        let program = launch.start().await;
        let owner = Api::new(program.base()).register(EMAIL, PASSWORD).await;
        let assistant = owner.assistant(&json!({"name": "Support"})).await;
        Shop { launch, program, owner, assistant }
    }

    /// A bot at Telegram.
    pub(crate) fn bot(&self) -> Bot {
        self.telegram.add_bot(TOKEN, "first_bot")
    }
}

fn redis() -> String {
    std::env::var("REPLYX_TEST_REDIS").expect(
        "`REPLYX_TEST_REDIS` names a Redis: run through `make test` or `scripts/services run`",
    )
}

/// With a model behind it.
pub(crate) fn with_model(launch: Launch, model: &FakeOpenAi) -> Launch {
    launch.with("OPENAI_API_KEY", "sk-test").with("OPENAI_BASE_URL", model.base_url())
}

/// A running program, the owner of a workspace in it, and an assistant.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) launch: Launch,
    pub(crate) program: Program,
    pub(crate) owner: Api,
    pub(crate) assistant: String,
}

impl Shop {
    /// Lets the assistant read a sample document.
    pub(crate) async fn learn(&self, name: &str) -> String {
        self.owner.knowledge(&self.assistant, name, &sample(name)).await
    }

    /// Changes settings of the assistant and publishes them.
    pub(crate) async fn set(&self, settings: &Value) {
        let path = format!("/api/v1/assistants/{}", self.assistant);
        self.owner.patch(&path, settings).await.expect(200);
        self.owner.post(&format!("{path}/publish"), &json!({})).await.expect(201);
    }

    /// Registers the first bot.
    pub(crate) async fn connect(&self) -> String {
        self.owner.bot(&self.assistant, TOKEN).await
    }

    /// Kills the program and starts it again.
    pub(crate) async fn crash(self) -> Self {
        let Self { launch, program, owner, assistant } = self;
        program.kill().await;
        Self::again(launch, &owner, assistant).await
    }

    /// Starts a program that was ended.
    pub(crate) async fn again(launch: Launch, owner: &Api, assistant: String) -> Self {
        let program = launch.start().await;
        let owner = owner.at(program.base());
        Self { launch, program, owner, assistant }
    }

    /// The messages of the only dialog.
    pub(crate) async fn messages(&self) -> Vec<Value> {
        let dialogs = self.owner.get("/api/v1/dialogs").await.expect(200).body;
        let items = dialogs["items"].as_array().expect("a list");
        assert_eq!(items.len(), 1, "one dialog: {dialogs}");
        let path =
            format!("/api/v1/dialogs/{}/messages?limit=200", items[0]["id"].as_str().unwrap());
        self.owner.get(&path).await.expect(200).body["items"].as_array().unwrap().clone()
    }

    /// The replies of the only dialog, as soon as the last of them has been delivered.
    pub(crate) async fn replies(&self) -> Vec<Value> {
        until("the last reply is delivered", async || {
            let mut messages = self.messages().await;
            messages.retain(|message| message["author"] == "assistant");
            messages.last().is_some_and(|last| last["delivery"] == "delivered").then_some(messages)
        })
        .await
    }

    /// The sum of a metric over all label sets that hold all of these texts.
    pub(crate) async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.text("/metrics").await;
        text.lines()
            .filter(|line| line.split(['{', ' ']).next() == Some(name))
            .filter(|line| labels.iter().all(|label| line.contains(label)))
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }

    /// Waits until a metric has at least this value.
    pub(crate) async fn metric_reaches(&self, name: &str, labels: &[&str], least: f64) {
        until(&format!("`{name}` {labels:?} reaches {least}"), async || {
            (self.metric(name, labels).await >= least).then_some(())
        })
        .await;
    }

    /// A body that is not JSON.
    pub(crate) async fn text(&self, path: &str) -> String {
        let request = self.owner.request(reqwest::Method::GET, path);
        request.send().await.expect("the program answers").text().await.expect("it arrives")
    }

    /// Waits until a bot has this status, and returns the bot.
    pub(crate) async fn bot_is(&self, bot: &str, status: &str) -> Value {
        until(&format!("the bot is {status}"), async || {
            let found = self.owner.get(&format!("/api/v1/bots/{bot}")).await.expect(200).body;
            (found["status"] == status).then_some(found)
        })
        .await
    }
}

/// Looks until there is something to see.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        sleep(Duration::from_millis(30)).await;
    }
}

/// Long enough for what must not happen to happen.
pub(crate) async fn a_moment() {
    sleep(Duration::from_millis(1500)).await;
}

/// The folder of the sample documents.
pub(crate) fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../demo/documents")
}

/// A sample document.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    std::fs::read(samples().join(name)).expect("the sample exists")
}

/// Runs another command of the program with these variables and nothing else; returns whether it
/// succeeded, and its two outputs.
pub(crate) async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String, String) {
    let mut command = Command::new(REPLYX);
    command.args(arguments).env_clear().envs(variables.iter().copied()).kill_on_drop(true);
    let output = timeout(Duration::from_mins(2), command.output()).await;
    let output = output.expect("it ends").expect("it can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// Makes somebody who has an account a member of a shop, without an invitation.
pub(crate) async fn join(home: &Home, shop: &Shop, person: &Api, role: Role) {
    let id = async |who: &Api, what: &str| {
        let me = who.get("/api/v1/me").await.expect(200).body;
        let id = me[what]["id"].as_str().expect("an id");
        id.parse::<Uuid>().expect("an id")
    };
    let workspace = id(&shop.owner, "workspace").await;
    let user = id(person, "user").await;
    let member = fixtures::member(&Clock::system(), workspace.into(), user.into(), role);
    let mut tx = home.db.db.begin().await.expect("the database is there");
    tx.apply(fixtures::unexplained(New(member))).await.expect("they are no member yet");
    tx.commit().await.expect("the database is there");
}

/// Creates a platform admin.
pub(crate) async fn admin(home: &Home, email: &str) {
    let mut command = Command::new(REPLYX);
    let mut child = command
        .args(["admin", "create", email])
        .env_clear()
        .env("DATABASE_URL", &home.db.url)
        .env("DATA_DIR", home.folder.path())
        .env("SECRET_KEY", SECRET)
        .stdin(Stdio::piped())
        .spawn()
        .expect("it can be started");
    let mut input = child.stdin.take().expect("stdin is piped");
    input.write_all(format!("{PASSWORD}\n").as_bytes()).await.expect("it listens");
    drop(input);
    let status = timeout(PATIENCE, child.wait()).await.expect("it ends").expect("it ends");
    assert!(status.success(), "{status}");
}

/// Is the answer an RFC 9457 problem with this status and code?
pub(crate) fn assert_problem(answer: &replyx_testkit::api::Answer, status: u16, code: &str) {
    let context = format!("{} {}", answer.status, answer.body);
    assert_eq!(answer.status, status, "{context}");
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{context}");
    assert_eq!(answer.body["status"], status, "{context}");
    assert_eq!(answer.body["code"], code, "{context}");
    assert_eq!(answer.body["type"], format!("/problems/{code}"), "{context}");
    assert!(answer.body["title"].as_str().is_some_and(|title| !title.is_empty()), "{context}");
    assert!(answer.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{context}");
}
