//! `make bench`: updates answered end to end, start-up time and resident memory of the real
//! program.
//!
//! The program runs as a child process, as it would in production; the fake Bot API and the fake
//! model run in this process and take their share of the same cores. Each parallel chat asks, waits
//! for the answer, and asks again. The reply window and Telegram's limits are off: they are waits
//! by design, not work.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]

use std::time::{Duration, Instant};

use replyx_storage::testing::{self, TestDb};
use replyx_testkit::{api::Api, program::Launch, telegram::Chat};
use tokio::time::sleep;

#[path = "stage/stage.rs"]
mod stage;

use stage::{Stage, at};

const WARM_UP: Duration = Duration::from_secs(2);
const MEASURE: Duration = Duration::from_secs(8);
const PATIENCE: Duration = Duration::from_secs(30);
const STARTS: usize = 20;

#[tokio::main]
async fn main() {
    // `cargo test --benches` asks for a list of tests: there are none here.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    println!(
        "| database | parallel chats | answered / s | p50 ms | p99 ms | max ms | resident MB |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for parallel in [1, 16, 64] {
        answers(&testing::sqlite().await, None, parallel).await;
    }
    let redis = std::env::var("REPLYX_TEST_REDIS").expect("run through `make bench`");
    for parallel in [1, 16, 64] {
        answers(&testing::postgres().await, Some(&redis), parallel).await;
    }
    start_up().await;
}

async fn answers(db: &TestDb, redis: Option<&str>, parallel: i64) {
    let stage = Stage::set(db, redis, &[]).await;
    let begun = Instant::now();
    let asking: Vec<_> = (0..parallel)
        .map(|number| tokio::spawn(ask(stage.bot.customer(1000 + number), begun)))
        .collect();
    let mut latencies = Vec::new();
    for task in asking {
        match task.await.expect("asking does not panic") {
            Some(measured) => latencies.extend(measured),
            None => panic!("a customer was left without an answer:\n{}", stage.program.log()),
        }
    }
    latencies.sort_unstable();
    let per_second = latencies.len() as f64 / MEASURE.as_secs_f64();
    println!(
        "| {} | {parallel} | {per_second:.0} | {:.1} | {:.1} | {:.1} | {:.0} |",
        db.db.backend(),
        at(&latencies, 0.50),
        at(&latencies, 0.99),
        at(&latencies, 1.0),
        stage.program.resident_kb() as f64 / 1024.0
    );
    stage.program.terminate().await;
}

/// Asks until the time is up; the latencies of what was answered within the measured time. `None`:
/// a question was left without an answer.
async fn ask(chat: Chat, begun: Instant) -> Option<Vec<Duration>> {
    let mut latencies = Vec::new();
    while begun.elapsed() < WARM_UP + MEASURE {
        let asked = Instant::now();
        chat.ask("When are you open?", PATIENCE).await?;
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
