//! The words and rules of `ReplyX`: what a dialog, a message, a document or a bot is, and what may
//! happen to it. No I/O, no clock of its own, no chance of its own: time, ids and randomness come
//! in through [`clock::Clock`], so every rule here is a pure function that a test can pin down.
//!
//! Everything above this crate imports it; it imports no other crate of ours.

pub mod act;
pub mod actor;
pub mod address;
pub mod assistant;
pub mod attachment;
pub mod attention;
pub mod audit;
pub mod bot;
pub mod bulk;
pub mod canned;
pub mod change;
pub mod channel;
pub mod clock;
pub mod command;
pub mod dialog;
pub mod evaluation;
pub mod event;
pub mod file;
#[cfg(feature = "fixtures")]
pub mod fixtures;
pub mod hours;
pub mod ids;
pub mod job;
pub mod knowledge;
pub mod ledger;
pub mod mail;
pub mod message;
pub mod money;
pub mod name;
pub mod nearest;
pub mod page;
pub mod patch;
pub mod permission;
pub mod presence;
pub mod refusal;
pub mod retry;
pub mod role;
pub mod rules;
pub mod secret;
pub mod session;
pub mod setting;
pub mod shape;
pub mod sla;
pub mod snooze;
pub mod tag;
pub mod usage;
pub mod user;
pub mod waiting;
pub mod workspace;

mod words;

pub use words::UnknownWord;
