//! The `replyx` program: configuration, composition, roles, command line.

#![allow(
    unreachable_pub,
    reason = "a program has no outside: `pub` tells what a module offers to the others"
)]

use std::process::ExitCode;

mod app;
mod cli;
mod config;
mod demo;
mod fleet;
mod heart;
mod keys;
mod lifecycle;
mod privacy;
mod roles;
mod slot;
mod telemetry;
mod worker;

fn main() -> ExitCode {
    privacy::umask();
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("replyx: {error:#}");
            ExitCode::FAILURE
        }
    }
}
