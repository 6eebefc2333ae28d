//! What the benches of the whole program stand on.

use std::time::Duration;

use replyx_storage::testing::{self, TestDb};
use replyx_testkit::{
    api::Api,
    openai::{Answer, FakeOpenAi},
    program::{Launch, Program},
    telegram::{Bot, Enforcement, FakeTelegram, Limits},
};
use serde_json::json;

/// The token of a bot, by its number.
fn token(number: usize) -> String {
    format!("{}:benchmark-token-of-thirty-characters", 4242 + number)
}

#[allow(dead_code, reason = "not every bench looks at all of it")]
/// A program with everything it needs around it.
pub(crate) struct Stage {
    pub(crate) program: Program,
    /// Bots of one assistant.
    pub(crate) bots: Vec<Bot>,
    pub(crate) owner: Api,
    pub(crate) assistant: String,
    launch: Launch,
    _telegram: FakeTelegram,
    _model: FakeOpenAi,
    _folder: tempfile::TempDir,
}

impl Stage {
    #[allow(dead_code, reason = "not every bench has one bot")]
    /// Starts it all with one bot; `more` is set in the program's environment.
    pub(crate) async fn set(db: &TestDb, redis: Option<&str>, more: &[(&str, &str)]) -> Self {
        Self::set_with(1, db, redis, more).await
    }

    /// Starts it all with some bots; `more` is set in the program's environment.
    pub(crate) async fn set_with(
        bots: usize,
        db: &TestDb,
        redis: Option<&str>,
        more: &[(&str, &str)],
    ) -> Self {
        let limits = Limits::published(Enforcement::Off);
        let telegram = FakeTelegram::builder()
            .unchecked()
            .limits(limits)
            .history(4)
            .start()
            .await
            .expect("starts");
        let bots: Vec<Bot> = (0..bots)
            .map(|number| telegram.add_bot(&token(number), &format!("bench_{number}_bot")))
            .collect();
        let model = FakeOpenAi::builder().history(4).start().await.expect("starts");
        model.answer(|_| Answer::text("We are open from ten to six on weekdays."));
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut launch = Launch::serve(env!("CARGO_BIN_EXE_replyx"))
            .unlimited()
            .data(folder.path())
            .with("DATABASE_URL", &db.url)
            .with("TELEGRAM_API_URL", telegram.url())
            .with("OPENAI_API_KEY", "sk-test")
            .with("OPENAI_BASE_URL", model.base_url())
            .with("TELEGRAM_BOT_RATE", 1_000_000)
            .with("TELEGRAM_CHAT_RATE", 1_000_000)
            .with("REPLY_WINDOW_MS", 0)
            // A chat of a bench asks more in a second than a customer in a day.
            .with("CONTACT_ANSWERS_PER_DAY", 1_000_000)
            .with("LOG_LEVEL", "warn");
        if let Some(redis) = redis {
            launch = launch.with("REDIS_URL", redis);
        }
        for (name, value) in more {
            launch = launch.with(name, value);
        }
        let program = launch.start().await;
        let owner = Api::new(program.base()).register("bench@example.org", "green lantern 7").await;
        let assistant = owner.assistant(&json!({"name": "Bench"})).await;
        let text = "# Opening hours\n\nWe are open from ten to six on weekdays.\n";
        owner.knowledge(&assistant, "hours.md", text.as_bytes()).await;
        for number in 0..bots.len() {
            owner.bot(&assistant, &token(number)).await;
        }
        Self {
            program,
            bots,
            owner,
            assistant,
            launch,
            _telegram: telegram,
            _model: model,
            _folder: folder,
        }
    }

    #[allow(dead_code, reason = "not every bench needs an old installation")]
    /// The same, of an installation that has been in use for long: all that it has is copied into
    /// so many workspaces while the program is down.
    pub(crate) async fn aged(self, db: &TestDb, copies: usize) -> Self {
        let Self { program, launch, .. } = self;
        program.terminate().await;
        testing::age(&db.url, copies).await;
        let program = launch.start().await;
        Self { program, launch, ..self }
    }
}

/// What so large a share of the measurements stays below, milliseconds.
pub(crate) fn at(sorted: &[Duration], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let index = (last as f64 * share).round() as usize;
    sorted.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
}

/// Processor time that a program has taken so far, seconds.
#[allow(dead_code, reason = "not every bench looks at it")]
pub(crate) fn cpu(program: &Program) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", program.pid()));
    let stat = stat.expect("the program lives");
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    (ticks(11).unwrap_or_default() + ticks(12).unwrap_or_default()) / 100.0
}
