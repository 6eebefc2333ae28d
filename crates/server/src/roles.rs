//! What a process does: any of three roles, any number of processes of each.

use clap::ValueEnum;

pub mod http;

/// A part of the program that can run by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// The API, webhooks and event streams.
    Http,
    /// Turns, delivery and background jobs.
    Worker,
    /// The bots: polling and webhooks.
    Bots,
}

/// The roles of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Serves HTTP.
    pub http: bool,
    /// Works.
    pub worker: bool,
    /// Runs bots.
    pub bots: bool,
}

impl Roles {
    /// The roles named; all when none is.
    pub fn of(named: &[Role]) -> Self {
        let has = |role| named.is_empty() || named.contains(&role);
        Self { http: has(Role::Http), worker: has(Role::Worker), bots: has(Role::Bots) }
    }

    /// A name for this set of roles, fit for a file.
    pub fn name(self) -> String {
        let all = [(self.http, "http"), (self.worker, "worker"), (self.bots, "bots")];
        let mine: Vec<&str> = all.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect();
        mine.join("-")
    }
}
