//! `make bench`: updates answered end to end, start-up time and resident memory of the real
//! program.
//!
//! The program runs as a child process, as it would in production; the fake Bot API and the fake
//! model run in this process and take their share of the same cores. Each parallel chat asks, waits
//! for the answer, and asks again: the same question, which searches by words, or one that nobody
//! has asked before, for which the offline model makes a vector. The reply window and Telegram's
//! limits are off: they are waits by design, not work. The aged installation is one whose first
//! answers were copied into further workspaces until 200,000 parts of replies were sent.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]

use std::time::{Duration, Instant};

use replyx_storage::{
    Sync,
    testing::{self, TestDb},
};
use replyx_testkit::{api::Api, program::Launch, telegram::Chat};
use tokio::time::{sleep, sleep_until};

#[path = "stage/stage.rs"]
mod stage;

use stage::{Stage, at, cpu};

const WARM_UP: Duration = Duration::from_secs(2);
const MEASURE: Duration = Duration::from_secs(6);
const PATIENCE: Duration = Duration::from_secs(30);
const STARTS: usize = 20;

/// What is measured.
#[derive(Clone, Copy)]
struct Row {
    questions: Questions,
    bots: usize,
    chats: usize,
    age: Age,
    /// Answers a second that are to be reached, on SQLite and on PostgreSQL.
    goals: [&'static str; 2],
}

const fn row(questions: Questions, bots: usize, chats: usize, goals: [&'static str; 2]) -> Row {
    Row { questions, bots, chats, age: Age::New, goals }
}

impl Row {
    /// What is waited for does not depend on what is asked, nor of how many bots.
    fn is_measured_on(&self, home: Home<'_>) -> bool {
        !matches!(home, Home::Alone(Sync::Normal))
            || self.bots == 1 && self.age == Age::New && matches!(self.questions, Questions::Same)
    }
}

/// How long the installation has been in use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    New,
    /// This many parts of replies were sent.
    Sent(usize),
}

impl Age {
    const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Sent(_) => "aged",
        }
    }
}

const AGED: Row = Row {
    questions: Questions::Same,
    bots: 1,
    chats: 64,
    age: Age::Sent(200_000),
    goals: ["1200", "600"],
};

const ROWS: [Row; 7] = [
    AGED,
    row(Questions::Same, 1, 1, ["p50 3 ms", ""]),
    row(Questions::Same, 1, 16, ["", ""]),
    row(Questions::Same, 1, 64, ["1200", "600"]),
    row(Questions::Same, 64, 64, ["1000", "600"]),
    row(Questions::Distinct, 1, 64, ["300", "300"]),
    row(Questions::Distinct, 64, 64, ["300", "300"]),
];

/// What customers ask.
#[derive(Clone, Copy)]
enum Questions {
    /// The same question for ever, found by words.
    Same,
    /// Each question once, found by words and meaning.
    Distinct,
}

impl Questions {
    const fn name(self) -> &'static str {
        match self {
            Self::Same => "the same, by words",
            Self::Distinct => "distinct, offline model",
        }
    }

    /// The question that a chat asks, by the numbers of both.
    fn make(self, chat: usize, count: usize) -> String {
        match self {
            Self::Same => "When are you open?".to_owned(),
            Self::Distinct => match count % 4 {
                0 => format!("When are you open in week {count} for group {chat}?"),
                1 => format!(
                    "My order {chat}-{count} is late, until when can I call you on weekdays?"
                ),
                2 => format!("Сможете принять меня в будний день, номер {chat}/{count}?"),
                _ => format!("Can I come by at {count} past ten with {chat} friends?"),
            },
        }
    }
}

#[tokio::main]
async fn main() {
    // `cargo test --benches` asks for a list of tests: there are none here.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    println!(
        "| database | questions | installation | bots | parallel chats | answered / s | goal | p50 ms \
         | p99 ms | max ms | processor ms each | resident MB |"
    );
    println!("|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let redis = std::env::var("REPLYX_TEST_REDIS").expect("run through `make bench`");
    let wanted = Wanted::from_arguments();
    for row in ROWS {
        for home in [Home::Alone(Sync::Full), Home::Alone(Sync::Normal)] {
            if row.is_measured_on(home) && wanted.has(home, &row) {
                answers(&testing::sqlite().await, home, row, row.goals[0]).await;
            }
        }
    }
    for row in ROWS {
        let home = Home::Cluster(&redis);
        if wanted.has(home, &row) {
            answers(&testing::postgres().await, home, row, row.goals[1]).await;
        }
    }
    if wanted.has_all() {
        start_up().await;
    }
}

/// Which rows are measured: those whose first columns hold every argument, `"sqlite, full"` or
/// `"64 chats"`.
struct Wanted(Vec<String>);

impl Wanted {
    fn from_arguments() -> Self {
        // `cargo bench` adds options of its own.
        Self(std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect())
    }

    fn has(&self, home: Home<'_>, row: &Row) -> bool {
        let columns = format!(
            "{}, {}, {}, {} bots, {} chats",
            home.name(),
            row.questions.name(),
            row.age.name(),
            row.bots,
            row.chats
        );
        self.0.iter().all(|word| columns.contains(word.as_str()))
    }

    const fn has_all(&self) -> bool {
        self.0.is_empty()
    }
}

/// What the program stands on.
#[derive(Clone, Copy)]
enum Home<'a> {
    /// `SQLite`.
    Alone(Sync),
    /// `PostgreSQL` and this Redis.
    Cluster(&'a str),
}

impl<'a> Home<'a> {
    const fn name(self) -> &'static str {
        match self {
            Self::Alone(Sync::Full) => "sqlite, full",
            Self::Alone(Sync::Normal) => "sqlite, normal",
            Self::Cluster(_) => "postgres",
        }
    }

    const fn redis(self) -> Option<&'a str> {
        match self {
            Self::Alone(_) => None,
            Self::Cluster(redis) => Some(redis),
        }
    }

    /// `DATABASE_SYNC`, which means nothing to `PostgreSQL`.
    const fn sync(self) -> &'static str {
        match self {
            Self::Alone(Sync::Normal) => "normal",
            Self::Alone(Sync::Full) | Self::Cluster(_) => "full",
        }
    }
}

async fn answers(db: &TestDb, home: Home<'_>, row: Row, goal: &str) {
    let model = std::env::var("MODEL_DIR").expect("run through `make bench`");
    let embedding = match row.questions {
        Questions::Same => ("EMBEDDING_MODEL", "none"),
        Questions::Distinct => ("MODEL_DIR", model.as_str()),
    };
    let more = [embedding, ("DATABASE_SYNC", home.sync())];
    let mut stage = Stage::set_with(row.bots, db, home.redis(), &more).await;
    if let Age::Sent(parts) = row.age {
        let (answered, _) = ask_all(&stage, &row).await;
        stage = stage.aged(db, parts / answered.len().max(1)).await;
    }

    let (latencies, used) = ask_all(&stage, &row).await;
    println!(
        "| {} | {} | {} | {} | {} | {:.0} | {goal} | {:.1} | {:.1} | {:.1} | {:.2} | {:.0} |",
        home.name(),
        row.questions.name(),
        row.age.name(),
        row.bots,
        row.chats,
        latencies.len() as f64 / MEASURE.as_secs_f64(),
        at(&latencies, 0.50),
        at(&latencies, 0.99),
        at(&latencies, 1.0),
        used * 1000.0 / latencies.len().max(1) as f64,
        stage.program.resident_kb() as f64 / 1024.0
    );
    stage.program.terminate().await;
}

/// Lets all chats ask until the time is up: the latencies of what was answered within the measured
/// time, sorted, and the processor time of the program, seconds.
async fn ask_all(stage: &Stage, row: &Row) -> (Vec<Duration>, f64) {
    let begun = Instant::now();
    let asking: Vec<_> = (0..row.chats)
        .map(|number| {
            let bot = &stage.bots[number % stage.bots.len()];
            let customer = i64::try_from(1000 + number).expect("a small number");
            tokio::spawn(ask(bot.customer(customer), number, row.questions, begun))
        })
        .collect();
    sleep_until((begun + WARM_UP).into()).await;
    let used = cpu(&stage.program);
    sleep_until((begun + WARM_UP + MEASURE).into()).await;
    let used = cpu(&stage.program) - used;

    let mut latencies = Vec::new();
    for task in asking {
        match task.await.expect("asking does not panic") {
            Some(measured) => latencies.extend(measured),
            None => panic!("a customer was left without an answer:\n{}", stage.program.log()),
        }
    }
    latencies.sort_unstable();
    (latencies, used)
}

/// Asks until the time is up; the latencies of what was answered within the measured time. `None`:
/// a question was left without an answer.
async fn ask(
    chat: Chat,
    number: usize,
    questions: Questions,
    begun: Instant,
) -> Option<Vec<Duration>> {
    let mut latencies = Vec::new();
    let mut count = 0;
    while begun.elapsed() < WARM_UP + MEASURE {
        let question = questions.make(number, count);
        count += 1;
        let asked = Instant::now();
        chat.ask(&question, PATIENCE).await?;
        let answered = begun.elapsed();
        if (WARM_UP..WARM_UP + MEASURE).contains(&answered) {
            latencies.push(asked.elapsed());
        }
    }
    Some(latencies)
}

/// From starting the process to its first 200 of `/health`, on a database that exists; and idle
/// memory.
async fn start_up() {
    let db = testing::sqlite().await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let launch = Launch::serve(env!("CARGO_BIN_EXE_replyx"))
        .unlimited()
        .data(folder.path())
        .with("DATABASE_URL", &db.url)
        .with("LOG_LEVEL", "warn");
    let mut times = Vec::new();
    let mut resident = 0;
    for _ in 0..STARTS {
        let begun = Instant::now();
        let program = launch.start().await;
        let health = Api::new(program.base()).get("/health").await;
        assert_eq!(health.status.as_u16(), 200);
        times.push(begun.elapsed());
        sleep(Duration::from_millis(300)).await;
        resident = program.resident_kb();
        program.terminate().await;
    }
    times.sort_unstable();
    println!("\nstart to /health 200 on an existing SQLite database, {STARTS} starts:");
    println!("p50 {:.0} ms, max {:.0} ms", at(&times, 0.5), at(&times, 1.0));
    println!("resident when idle: {:.1} MB", resident as f64 / 1024.0);
}
