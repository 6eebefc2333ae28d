//! `make bench`: what a text takes with each kernel that this processor can run.
//!
//! Times are those of the processor, not of the clock: other work on the machine does not lengthen
//! them but for what it takes of the caches.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use replyx_e5::{E5, FILE, Kernel, Role};

const QUESTIONS: usize = 192;
const PASSAGES: usize = 24;
/// Questions that are embedded together.
const TOGETHER: usize = 16;

/// Processor time of this process, milliseconds.
fn cpu_ms() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: f64 = stat.split_whitespace().next().context("no time")?.parse()?;
    Ok(nanoseconds / 1e6)
}

fn resident_mb() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).context("no RssAnon")?;
    let kib: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kib / 1024.0)
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn each(model: &E5, role: Role, texts: &[String], together: usize) -> Result<f64> {
    model.embed(role, &texts[..1])?;
    let begun = cpu_ms()?;
    for texts in texts.chunks(together) {
        model.embed(role, texts)?;
    }
    Ok((cpu_ms()? - begun) / texts.len() as f64)
}

fn main() -> Result<()> {
    // `cargo test --benches` asks for a list of tests: there are none here.
    if std::env::args().any(|argument| argument == "--list") {
        return Ok(());
    }

    let folder = std::env::var("MODEL_DIR").unwrap_or_else(|_| "data/models".into());
    let path = PathBuf::from(folder).join(FILE);
    let questions: Vec<String> = (0..QUESTIONS)
        .map(|number| format!("How much does delivery to Helsinki cost for order {number}?"))
        .collect();
    // About 300 pieces.
    let passage =
        "You may return an item within thirty days of delivery if it was not used. ".repeat(19);
    let passages: Vec<String> = (0..PASSAGES).map(|number| format!("{number} {passage}")).collect();

    println!(
        "kernel        question ms  of {TOGETHER} together ms  passage ms  passages/s and core  own MB"
    );
    for kernel in Kernel::all() {
        let model = E5::load_for(&path, kernel)?;
        let alone = each(&model, Role::Question, &questions, 1)?;
        let together = each(&model, Role::Question, &questions, TOGETHER)?;
        let passage = each(&model, Role::Passage, &passages, 1)?;
        println!(
            "{:<13} {alone:>11.2} {together:>17.2} {passage:>12.1} {:>20.1} {:>7.0}",
            kernel.name(),
            1000.0 / passage,
            resident_mb()?
        );
    }
    println!("goal                 5.00                                            12.0");

    Ok(())
}
