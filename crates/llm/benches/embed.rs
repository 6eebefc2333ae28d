//! `make bench`: how fast the offline embedding model is, and what it takes.

use std::{fs, path::PathBuf, time::Instant};

use anyhow::{Context, Result};
use replyx_llm::{Caller, Embeddings, EmbeddingsConfig, OFFLINE};

const QUESTIONS: u32 = 200;
const PASSAGES: u32 = 30;

fn resident_mb() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kib / 1024.0)
}

/// Processor time of this process, seconds.
fn cpu() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> =
        stat.rsplit(')').next().context("no fields")?.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / 100.0)
}

fn percentile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    // `cargo test --benches` asks for a list of tests: there are none here.
    if std::env::args().any(|argument| argument == "--list") {
        return Ok(());
    }
    let model_dir =
        PathBuf::from(std::env::var("MODEL_DIR").unwrap_or_else(|_| "data/models".into()));
    let embeddings =
        Embeddings::new(EmbeddingsConfig { model_dir, ..EmbeddingsConfig::default() })?;
    let before = resident_mb()?;
    let begun = Instant::now();
    embeddings.query(Caller::default(), OFFLINE, "warm up").await?;
    println!("load and first question  {:.2} s", begun.elapsed().as_secs_f64());
    println!("resident memory          {before:.0} MB -> {:.0} MB", resident_mb()?);

    let mut times = Vec::new();
    let used = cpu()?;
    for number in 0..QUESTIONS {
        let question = format!("How much does delivery to Helsinki cost for order {number}?");
        let begun = Instant::now();
        embeddings.query(Caller::default(), OFFLINE, &question).await?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let per_question = (cpu()? - used) * 1000.0 / f64::from(QUESTIONS);
    let p50 = percentile(&mut times, 50);
    let p95 = percentile(&mut times, 95);
    println!(
        "a question               p50 {p50:.1} ms, p95 {p95:.1} ms, {per_question:.1} ms of processor"
    );

    // About 300 tokens.
    let passage =
        "You may return an item within thirty days of delivery if it was not used. ".repeat(19);
    let begun = Instant::now();
    let used = cpu()?;
    for number in 0..PASSAGES {
        embeddings.passages(Caller::default(), OFFLINE, &[format!("{number} {passage}")]).await?;
    }
    let wall = begun.elapsed().as_secs_f64();
    let processor = cpu()? - used;
    println!(
        "passages of ~300 tokens  {:.1} /s, {:.2} s of processor each: {:.1} /s and core",
        f64::from(PASSAGES) / wall,
        processor / f64::from(PASSAGES),
        f64::from(PASSAGES) / processor
    );
    println!("resident memory          {:.0} MB", resident_mb()?);
    Ok(())
}
