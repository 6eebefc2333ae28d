//! `replyx demo`: the main job end to end, offline.
//!
//! A [`Demo`] is the world around the program: a simulated Bot API, a sample shop's documents, a
//! customer. The program starts with [`Demo::variables`]; [`Demo::play`] does by its HTTP API what
//! an owner would do (account, assistant, documents, bot), lets the customer ask, and judges every
//! answer.

use std::{
    collections::HashMap,
    env, fs,
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Duration,
};

use replyx_terminal::complain;
use replyx_testkit::{
    api::Api,
    telegram::{Bot, Chat, FakeTelegram},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    signal,
    time::sleep,
};

mod ask;
mod print;
mod sample;

/// How the demo is run.
#[derive(Debug)]
pub struct Options {
    /// Ends after the script.
    pub once: bool,
    /// Where its data goes; a temporary folder unless given.
    pub data: Option<PathBuf>,
    /// Other documents than the built-in ones.
    pub documents: Option<PathBuf>,
}

/// The world around the program.
#[derive(Debug)]
pub struct Demo {
    options: Options,
    temporary: TempDir,
    documents: Vec<sample::Document>,
    questions: Vec<sample::Question>,
    telegram: FakeTelegram,
    bot: Bot,
}

/// How many answers were right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The right ones.
    pub right: usize,
    /// All.
    pub asked: usize,
}

impl Verdict {
    /// Whether every answer was right.
    pub const fn all_right(self) -> bool {
        self.right == self.asked
    }
}

const EMAIL: &str = "owner@lanterna.example";
const PASSWORD: &str = "green lantern 7";
const BOT_TOKEN: &str = "1000001:demo-token-of-the-lanterna-shop-bot";
const MODELS: &str = "data/models";
const READING: Duration = Duration::from_millis(1100);
const READY: Duration = Duration::from_mins(2);

impl Demo {
    /// Reads the documents and starts the simulated Telegram.
    ///
    /// # Errors
    ///
    /// Fails when the documents cannot be read, or there is no room for a temporary folder.
    pub async fn prepare(options: Options) -> anyhow::Result<Self> {
        let temporary = tempfile::tempdir()?;
        let documents = sample::documents(options.documents.as_deref())?;
        let questions = sample::questions()?;

        let telegram = FakeTelegram::start().await;
        let bot = telegram.add_bot(BOT_TOKEN, "lanterna_demo_bot");
        Ok(Self { options, temporary, documents, questions, telegram, bot })
    }

    /// The program's settings: they depend on nothing around it, no key, no network, no service.
    pub fn variables(&self) -> HashMap<String, String> {
        // A folder that is named and holds no model is warned of: the one of this checkout need not
        // be there.
        let named = env::var("MODEL_DIR").ok();
        let model = named
            .or_else(|| fs::exists(MODELS).is_ok_and(|found| found).then(|| MODELS.to_owned()));
        let wished = env::var("PORT").unwrap_or_else(|_| "0".to_owned());
        let variables = [
            ("DATA_DIR", self.folder().display().to_string()),
            ("TELEGRAM_API_URL", self.telegram.url()),
            // Empty is not set.
            ("MODEL_DIR", model.unwrap_or_default()),
            ("PORT", wished),
            ("REPLY_WINDOW_MS", "50".to_owned()),
            // More documents than a person uploads in five minutes.
            ("RATE_UPLOAD", "1000/1m".to_owned()),
            ("LOG_LEVEL", env::var("LOG_LEVEL").unwrap_or_else(|_| "warn".to_owned())),
        ];
        HashMap::from(variables.map(|(name, value)| (name.to_owned(), value)))
    }

    /// Uses the program at this address as an owner and as a customer. Unless it is to end after
    /// the script, the terminal is the customer afterwards, until Ctrl-C.
    ///
    /// # Errors
    ///
    /// Fails when the program does not do what it is asked.
    pub async fn play(&self, base: &str) -> anyhow::Result<Verdict> {
        let api = Api::new(base.to_owned());

        print::title();
        let owner = sign_in(&api).await;
        let assistant = set_up(&owner, &self.documents).await?;
        let customer = self.bot.person(7_000_001, "Maria", "en");
        let right = script(&owner, &customer, &self.questions).await?;
        let verdict = Verdict { right, asked: self.questions.len() };
        print::verdict(verdict);

        if !self.options.once {
            print::try_more(owner.base(), EMAIL, PASSWORD, &assistant);
            tokio::select! {
                () = talk(&owner, &customer) => {}
                _ = signal::ctrl_c() => {}
            }
        }
        Ok(verdict)
    }

    /// Where the program keeps its data.
    fn folder(&self) -> &Path {
        self.options.data.as_deref().unwrap_or_else(|| self.temporary.path())
    }
}

/// Creates the account, or signs in to the one of an earlier run on the same data.
async fn sign_in(api: &Api) -> Api {
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let known = api.post("/api/v1/auth/login", &body).await;
    if known.status.is_success() {
        return api.with_token(known.text("access_token"));
    }
    api.register(EMAIL, PASSWORD).await
}

/// An assistant that has read the documents and answers through the bot.
async fn set_up(owner: &Api, documents: &[sample::Document]) -> anyhow::Result<String> {
    let earlier = owner.get("/api/v1/bots").await.expect(200);
    if let Some(bot) = earlier.body["items"].as_array().and_then(|bots| bots.first()) {
        return Ok(bot["assistant_id"].as_str().unwrap_or_default().to_owned());
    }
    let settings = json!({"name": "Lanterna support", "language": "en"});
    let assistant = owner.assistant(&settings).await;
    let mut uploaded = Vec::new();
    for document in documents {
        let answer = owner.upload(&assistant, &document.name, document.bytes.clone()).await;
        anyhow::ensure!(answer.status == 202, "`{}`: {}", document.name, answer.body);
        uploaded.push((document, answer.text("id")));
    }
    for (document, id) in uploaded {
        let processed = owner.processed(&id, READY).await;
        anyhow::ensure!(processed["status"] == "ready", "`{}`: {processed}", document.name);
        print::document(&document.name, processed["passages"].as_i64().unwrap_or_default());
    }
    owner.bot(&assistant, BOT_TOKEN).await;
    Ok(assistant)
}

/// Asks every question and returns how many answers were right.
async fn script(
    owner: &Api,
    customer: &Chat,
    questions: &[sample::Question],
) -> anyhow::Result<usize> {
    let mut right = 0;
    for (question, number) in questions.iter().zip(1..) {
        if number > 1 {
            // Nobody reads faster, and Telegram takes one message a second for a chat.
            sleep(READING).await;
        }
        let answer = ask::ask(owner, customer, &question.text).await?;
        let good = question.is_answered_by(&answer);
        right += usize::from(good);
        print::exchange(number, &question.text, &answer, Some(good));
    }
    Ok(right)
}

/// The user at the terminal is the customer now.
async fn talk(owner: &Api, customer: &Chat) {
    if !std::io::stdin().is_terminal() {
        return std::future::pending().await;
    }
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut number = 1;
    while let Ok(Some(line)) = lines.next_line().await {
        if line.trim().is_empty() {
            continue;
        }
        match ask::ask(owner, customer, line.trim()).await {
            Ok(answer) => print::exchange(number, line.trim(), &answer, None),
            Err(error) => complain!("{error:#}"),
        }
        number += 1;
    }
    std::future::pending::<()>().await;
}
