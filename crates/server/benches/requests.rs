//! `make bench`: requests per second of the real program: `GET /health`, authenticated
//! `GET /api/v1/me`, sign-ins.
//!
//! The program runs as a child process. Requests are written as fixed bytes to connections that
//! stay open, and answers are read up to their announced length: what is measured is the program,
//! not a client library. The two share the same cores all the same, so the machine's share of the
//! client is printed too.

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
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const WARM_UP: Duration = Duration::from_secs(1);
const MEASURE: Duration = Duration::from_secs(5);
const PASSWORD: &str = "green lantern 7";

#[tokio::main]
async fn main() {
    // `cargo test --benches` asks for a list of tests: there are none here.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    println!(
        "| home | request | connections | per second | p50 ms | p99 ms | max ms | program's cores |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
    let redis = std::env::var("REPLYX_TEST_REDIS").expect("run through `make bench`");
    home(&testing::sqlite().await, None).await;
    home(&testing::postgres().await, Some(&redis)).await;
}

async fn home(db: &TestDb, redis: Option<&str>) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut launch = Launch::serve(env!("CARGO_BIN_EXE_replyx"))
        .unlimited()
        .data(folder.path())
        .with("DATABASE_URL", &db.url)
        .with("LOG_LEVEL", "warn");
    if let Some(redis) = redis {
        launch = launch.with("REDIS_URL", redis).with("REDIS_PREFIX", "bench");
    }
    let program = launch.start().await;
    let owner = Api::new(program.base()).register("bench@example.org", PASSWORD).await;
    let token = owner.token().expect("it signed in").to_owned();
    let name = db.db.backend();
    let get = |path: &str, more: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{more}\r\n").into_bytes()
    };
    let bearer = format!("authorization: Bearer {token}\r\n");
    for connections in [1, 16, 64] {
        let health = vec![get("/health", ""); connections];
        measure(&program, name, "GET /health", &health).await;
        let me = vec![get("/api/v1/me", &bearer); connections];
        measure(&program, name, "GET /api/v1/me", &me).await;
    }
    // An account each: an account is not signed in to by many at once.
    let mut logins = Vec::new();
    for number in 0..4 {
        let email = format!("bench{number}@example.org");
        let _ = Api::new(program.base()).register(&email, PASSWORD).await;
        let body = format!(r#"{{"email":"{email}","password":"{PASSWORD}"}}"#);
        let head =
            "POST /api/v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
        let length = body.len();
        logins.push(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes());
    }
    for connections in [1, 4] {
        measure(&program, name, "POST /api/v1/auth/login", &logins[..connections]).await;
    }
    program.terminate().await;
}

/// Each connection sends its request again and again.
async fn measure(program: &Program, home: &str, what: &str, requests: &[Vec<u8>]) {
    let address = program.base().trim_start_matches("http://").to_owned();
    let begun = Instant::now();
    let used = cpu_seconds(program);
    let asking: Vec<_> = requests
        .iter()
        .map(|request| tokio::spawn(ask(address.clone(), request.clone(), begun)))
        .collect();
    let mut latencies = Vec::new();
    for task in asking {
        latencies.extend(task.await.expect("asking does not panic").expect("the program answers"));
    }
    let cores = (cpu_seconds(program) - used) / begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    println!(
        "| {home} | {what} | {} | {:.0} | {:.2} | {:.2} | {:.1} | {cores:.2} |",
        requests.len(),
        latencies.len() as f64 / MEASURE.as_secs_f64(),
        at(&latencies, 0.50),
        at(&latencies, 0.99),
        at(&latencies, 1.0),
    );
}

async fn ask(address: String, request: Vec<u8>, begun: Instant) -> io::Result<Vec<Duration>> {
    let mut connection = TcpStream::connect(address).await?;
    connection.set_nodelay(true)?;
    let mut latencies = Vec::new();
    let mut buffer = Vec::with_capacity(8192);
    while begun.elapsed() < WARM_UP + MEASURE {
        let asked = Instant::now();
        connection.write_all(&request).await?;
        answer(&mut connection, &mut buffer).await?;
        if (WARM_UP..WARM_UP + MEASURE).contains(&begun.elapsed()) {
            latencies.push(asked.elapsed());
        }
    }
    Ok(latencies)
}

/// Reads one answer, which must be a 200 of announced length.
async fn answer(connection: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    let mut whole = None;
    while whole.is_none_or(|whole| buffer.len() < whole) {
        if connection.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if whole.is_none()
            && let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&buffer[..end]);
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            let length = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, length)| length.parse::<usize>().ok());
            whole = Some(end + 4 + length.unwrap_or_default());
        }
    }
    Ok(())
}

/// Processor time the program has used so far.
fn cpu_seconds(program: &Program) -> f64 {
    /// Ticks per second of `/proc/PID/stat`, on every Linux there is.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", program.pid())).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    // utime and stime are the 14th and 15th fields; two are cut off.
    let ticks = [11, 12].map(|at| fields.get(at).and_then(|field| field.parse::<f64>().ok()));
    ticks.into_iter().flatten().sum::<f64>() / TICKS
}

fn at(sorted: &[Duration], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let index = (last as f64 * share).round() as usize;
    sorted.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
}
