//! What the shared state promises, on both of its homes, and what it does when Redis fails.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bus;
mod gates;
mod homes;
mod leases;
mod limits;
mod metrics;
mod outage;
mod server;
