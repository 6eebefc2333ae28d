//! The `replyx` program: configuration, composition, roles, command line.

#![allow(
    unreachable_pub,
    reason = "a program has no outside: `pub` tells what a module offers to the others"
)]
#![warn(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "`out` prints: a pipe may have no reader"
)]

use std::process::ExitCode;

mod app;
mod banner;
mod cli;
mod config;
mod confinement;
mod files;
mod heart;
mod keys;
mod lifecycle;
mod privacy;
mod roles;
mod slot;
mod space;
mod telemetry;

fn main() -> ExitCode {
    privacy::umask();
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            replyx_terminal::complain!("replyx: {error:#}");
            ExitCode::FAILURE
        }
    }
}
