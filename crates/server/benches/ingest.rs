//! `make bench`: how fast documents become searchable, what that takes, and what customers notice
//! of it.
//!
//! The documents are Markdown of five sections with some 200 words each, uploaded by eight
//! connections to the real program; each is read in a child process of its own, cut, indexed and,
//! where the offline model is, embedded.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]

use std::{
    env,
    fmt::Write,
    fs,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use replyx_storage::testing::{self, TestDb};
use replyx_testkit::{api::Api, telegram::Chat};
use tokio::time::sleep;

#[path = "stage/stage.rs"]
mod stage;

use stage::{Stage, at};

const CONNECTIONS: usize = 8;
/// Nothing else slows these.
const DOCUMENTS: usize = 1_000;
/// The offline model takes a quarter of a second for each passage.
const EMBEDDED: usize = 20;
/// So many are uploaded at once while customers ask.
const AT_ONCE: usize = 100;
const CHATS: i64 = 4;
const MEASURE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_mins(20);

#[tokio::main]
async fn main() {
    // `cargo test --benches` asks for a list of tests: there are none here.
    if env::args().any(|argument| argument == "--list") {
        return;
    }
    let redis = env::var("REPLYX_TEST_REDIS").expect("run through `make bench`");
    let model = env::var("MODEL_DIR").unwrap_or_default();
    assert!(fs::exists(&model).is_ok_and(|there| there), "the offline model is in `MODEL_DIR`");
    println!(
        "| database | vectors | documents | documents / s | passages / s | program MB | with children MB |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|");
    for embedded in [false, true] {
        ingestion(&testing::sqlite().await, None, embedded.then_some(model.as_str())).await;
        let postgres = testing::postgres().await;
        ingestion(&postgres, Some(&redis), embedded.then_some(model.as_str())).await;
    }
    println!("\n| database | documents at once | answers / s | p50 ms | p99 ms | max ms |");
    println!("|---|---:|---:|---:|---:|---:|");
    beside(&testing::sqlite().await, None, &model).await;
    beside(&testing::postgres().await, Some(&redis), &model).await;
}

async fn ingestion(db: &TestDb, redis: Option<&str>, model: Option<&str>) {
    let variables: &[(&str, &str)] = match model {
        Some(folder) => &[("MODEL_DIR", folder)],
        None => &[("EMBEDDING_MODEL", "none")],
    };
    let stage = Stage::set(db, redis, variables).await;
    let count = if model.is_some() { EMBEDDED } else { DOCUMENTS };
    let memory = Memory::watch(stage.program.pid());
    let begun = Instant::now();
    let documents = upload(&stage, count).await;
    let passages = processed(&stage.owner, &documents).await;
    let took = begun.elapsed().as_secs_f64();
    let (program, family) = memory.peak().await;
    println!(
        "| {} | {} | {count} | {:.1} | {:.1} | {program:.0} | {family:.0} |",
        db.db.backend(),
        if model.is_some() { "offline model" } else { "none" },
        count as f64 / took,
        passages as f64 / took,
    );
    stage.program.terminate().await;
}

/// Answers while nothing else happens, and while documents are read.
async fn beside(db: &TestDb, redis: Option<&str>, model: &str) {
    let stage = Stage::set(db, redis, &[("MODEL_DIR", model)]).await;
    // The first question loads the model.
    stage.bots[0].customer(1).ask("When are you open?", PATIENCE).await.expect("an answer");
    for count in [0, AT_ONCE] {
        let documents = upload(&stage, count).await;
        let begun = Instant::now();
        let chats = (0..CHATS).map(|number| ask(stage.bots[0].customer(1_000 + number), begun));
        let answered = futures(chats).await;
        let mut latencies: Vec<Duration> = answered.into_iter().flatten().collect();
        latencies.sort_unstable();
        if let Some(last) = documents.last() {
            let path = format!("/api/v1/documents/{last}");
            let status = stage.owner.get(&path).await.expect(200).text("status");
            assert_ne!(status, "ready", "the documents kept the program busy to the end");
        }
        println!(
            "| {} | {count} | {:.0} | {:.1} | {:.1} | {:.1} |",
            db.db.backend(),
            latencies.len() as f64 / MEASURE.as_secs_f64(),
            at(&latencies, 0.50),
            at(&latencies, 0.99),
            at(&latencies, 1.0),
        );
    }
    stage.program.terminate().await;
}

async fn ask(chat: Chat, begun: Instant) -> Vec<Duration> {
    let mut latencies = Vec::new();
    while begun.elapsed() < MEASURE {
        let asked = Instant::now();
        chat.ask("When are you open?", PATIENCE).await.expect("an answer");
        latencies.push(asked.elapsed());
    }
    latencies
}

async fn futures<T: Send + 'static>(
    all: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = all.map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.expect("it does not panic"));
    }
    done
}

/// The ids, in the order of the numbers.
async fn upload(stage: &Stage, count: usize) -> Vec<String> {
    let connections = (0..CONNECTIONS).map(|connection| {
        let api = stage.owner.clone();
        let assistant = stage.assistant.clone();
        async move {
            let mut ids = Vec::new();
            for number in (connection..count).step_by(CONNECTIONS) {
                let name = format!("{number}.md");
                let bytes = text(number).into_bytes();
                let answer = api.upload(&assistant, &name, bytes).await.expect(202);
                ids.push((number, answer.text("id")));
            }
            ids
        }
    });
    let mut ids: Vec<(usize, String)> = futures(connections).await.into_iter().flatten().collect();
    ids.sort_unstable();
    ids.into_iter().map(|(_, id)| id).collect()
}

/// Waits for all; how many passages they have.
async fn processed(api: &Api, documents: &[String]) -> i64 {
    let mut passages = 0;
    for id in documents {
        let document = api.processed(id, PATIENCE).await;
        assert_eq!(document["status"], "ready", "{document}");
        passages += document["passages"].as_i64().unwrap_or_default();
    }
    passages
}

fn text(number: usize) -> String {
    const SENTENCES: [&str; 6] = [
        "An order of more than {} euros is delivered free of charge to every address in the country.",
        "Whoever returns an article within {} days gets the whole price back by the way it was paid.",
        "The warranty of article {} covers faults of material and manufacture, and not wear by use.",
        "Our shop in street {} is open from ten to six on weekdays and until two on Saturdays.",
        "For a group of {} persons a table should be reserved three days before the visit.",
        "The battery of model {} lasts a week and is charged within two hours at any socket.",
    ];
    let mut text = format!("# Handbook {number}\n");
    for section in 0..5 {
        write!(text, "\n## Part {section} of {number}\n\n").expect("a string takes it");
        for line in 0..13 {
            let sentence = SENTENCES[(number + section + line) % SENTENCES.len()];
            let value = (number * 5 + section) * 13 + line;
            text += &sentence.replace("{}", &value.to_string());
            text.push(' ');
        }
    }
    text
}

/// The most memory that a program takes, alone and with its children.
struct Memory {
    over: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<(u64, u64)>,
}

impl Memory {
    fn watch(pid: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let task = tokio::spawn(async move {
            let mut alone = 0;
            let mut family = 0;
            while !ended.load(Ordering::Relaxed) {
                let own = resident_kb(pid).unwrap_or_default();
                let children: u64 = children(pid).into_iter().filter_map(resident_kb).sum();
                alone = alone.max(own);
                family = family.max(own + children);
                sleep(Duration::from_millis(20)).await;
            }
            (alone, family)
        });
        Self { over, task }
    }

    /// MB.
    async fn peak(self) -> (f64, f64) {
        self.over.store(true, Ordering::Relaxed);
        let (alone, family) = self.task.await.expect("it does not panic");
        (alone as f64 / 1024.0, family as f64 / 1024.0)
    }
}

/// Each thread has children of its own.
fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().flat_map(str::parse).collect::<Vec<_>>())
        .collect()
}

fn resident_kb(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
