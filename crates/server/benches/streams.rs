//! `make bench`: many streams of one workspace, and how soon an event is with all of them.
//!
//! The program runs as a child process; this process holds the other ends of the connections and
//! takes its share of the same cores. Streams are opened with API keys, as many as a workspace may
//! have, so that a key opens some hundred of them.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]

use std::{
    io,
    time::{Duration, Instant},
};

use replyx_storage::testing::{self, TestDb};
use replyx_testkit::{
    api::Api,
    program::{Launch, Program},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::{sleep, timeout},
};

#[path = "stage/stage.rs"]
#[allow(dead_code, unused_imports, reason = "only a part of it is needed here")]
mod stage;

use stage::{at, cpu};

const STREAMS: usize = 10_000;
const KEYS: usize = 90;
const ROUNDS: u32 = 8;
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::main]
async fn main() {
    // `cargo test --benches` asks for a list of tests: there are none here.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    raise_open_files();
    println!(
        "| database | streams | kB each | last served ms, median | worst | processor µs per stream and event |"
    );
    println!("|---|---:|---:|---:|---:|---:|");
    let redis = std::env::var("REPLYX_TEST_REDIS").expect("run through `make bench`");
    streams(&testing::sqlite().await, None).await;
    streams(&testing::postgres().await, Some(&redis)).await;
    println!("| goal | 10000 | 15 | 300 | | |");
}

/// Ten thousand connections are as many open files.
fn raise_open_files() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised)
        .expect("the soft limit may be raised to the hard one");
}

async fn streams(db: &TestDb, redis: Option<&str>) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut launch = Launch::serve(env!("CARGO_BIN_EXE_replyx"))
        .unlimited()
        .data(folder.path())
        .with("DATABASE_URL", &db.url)
        .with("STREAMS_PER_USER", 10_000)
        .with("STREAMS_PER_WORKSPACE", 100_000)
        .with("LOG_LEVEL", "warn");
    if let Some(redis) = redis {
        launch = launch.with("REDIS_URL", redis).with("REDIS_PREFIX", "bench");
    }
    let program = launch.start().await;
    let owner = Api::new(program.base()).register("bench@example.org", "green lantern 7").await;
    let assistant = owner.assistant(&json!({"name": "Bench"})).await;
    let mut keys = Vec::new();
    for number in 0..KEYS {
        let request = json!({"name": format!("Key {number}"), "scopes": ["events:read"]});
        keys.push(owner.post("/api/v1/api-keys", &request).await.expect(201).text("key"));
    }

    let before = program.resident_kb();
    let (served, mut arrivals) = mpsc::unbounded_channel();
    for number in 0..STREAMS {
        let stream = open(&program, &keys[number % KEYS]).await.expect("a stream can be opened");
        tokio::spawn(read(stream, served.clone()));
    }
    sleep(Duration::from_secs(1)).await;
    let each = (program.resident_kb() - before) as f64 / STREAMS as f64;

    let mut last = Vec::new();
    let used = cpu(&program);
    for round in 0..ROUNDS {
        let begun = Instant::now();
        let request = json!({"note": format!("Round {round}")});
        owner.post(&format!("/api/v1/assistants/{assistant}/publish"), &request).await.expect(201);
        let all = async {
            for _ in 0..STREAMS {
                let _: Option<()> = arrivals.recv().await;
            }
        };
        timeout(PATIENCE, all).await.expect("every stream gets the event");
        last.push(begun.elapsed());
    }
    let used = (cpu(&program) - used) / f64::from(ROUNDS) / STREAMS as f64;
    last.sort_unstable();
    println!(
        "| {} | {STREAMS} | {each:.1} | {:.0} | {:.0} | {:.0} |",
        db.db.backend(),
        at(&last, 0.5),
        at(&last, 1.0),
        used * 1e6,
    );
    program.kill().await;
}

/// Opens a stream and waits until it has begun.
async fn open(program: &Program, key: &str) -> io::Result<TcpStream> {
    let address = program.base().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;

    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while !String::from_utf8_lossy(&seen).contains("event: ping") {
        let count = stream.read(&mut buffer).await?;
        seen.extend_from_slice(&buffer[..count]);
        if count == 0 || !seen.starts_with(b"HTTP/1.1 200") {
            return Err(io::Error::other(String::from_utf8_lossy(&seen).into_owned()));
        }
    }
    Ok(stream)
}

/// Tells of each event that arrives.
async fn read(mut stream: TcpStream, served: mpsc::UnboundedSender<()>) {
    let mut buffer = [0; 2048];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let is_event = buffer[..count].windows(18).any(|part| part == b"assistant.publishe");
        if is_event && served.send(()).is_err() {
            return;
        }
    }
}
