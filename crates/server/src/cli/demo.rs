//! `replyx demo`: the whole program beside what the demo simulates.

use std::process::ExitCode;

use anyhow::Context;
use replyx_demo::{Demo, Options};

use crate::{config::Config, lifecycle, roles::Roles, telemetry};

/// Runs the program, lets the demo use it, and fails unless every answer was right.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let demo = Demo::prepare(options).await?;
    let config = Config::read(None, demo.variables())?;
    telemetry::logs(&config)?;

    let running = lifecycle::start(&config, Roles::of(&[])).await?;
    let address = running.address.context("the demo serves HTTP")?;
    let verdict = demo.play(&format!("http://{address}")).await?;

    running.stop().await;
    Ok(if verdict.all_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
