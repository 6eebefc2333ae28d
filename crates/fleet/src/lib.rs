//! The channels of the installation: which of them an assistant has, which bots run here, and how
//! what customers write arrives.
//!
//! # Use cases
//!
//! [`bots`] and [`channels`] are what owners do with channels; [`posts`] is what a program of
//! theirs does. Each function is given [`Cx`], what it works with, and a
//! [`Caller`](replyx_core::actor::Caller), who must have been authenticated and must have the
//! permission. It checks the rules, opens its transaction, records events and the audit entry, and
//! commits. No transaction is open while Telegram is asked.
//!
//! # Receiving
//!
//! [`Fleet`] makes the bots that run match the bots that should. Telegram delivers in two ways, and
//! both end in [`receive`]: it posts updates to the address of [`hooks`], or a poller asks for
//! them. What an update means is read in one place, and stored by `replyx_engine::intake`.

pub mod bots;
pub mod channels;
mod commands;
mod failure;
mod fleet;
pub mod hooks;
mod poller;
pub mod posts;
pub mod receive;

use replyx_accounts as accounts;
use replyx_engine::Engine;

pub use bots::Webhooks;
pub use fleet::Fleet;

/// What use cases work with.
#[derive(Clone, Copy, Debug)]
pub struct Cx<'a> {
    /// Durable state, time, and the ways to customers.
    pub engine: &'a Engine,
    /// Letters to the owners of workspaces.
    pub accounts: &'a accounts::Cx,
    /// Whether Telegram has an address of this installation to call.
    pub webhooks: Webhooks,
}
