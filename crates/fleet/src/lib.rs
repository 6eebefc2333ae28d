//! The bots of the installation: which run here, and how what customers write to them arrives.
//!
//! [`Fleet`] makes the bots that run match the bots that should. Telegram delivers in two ways, and
//! both end in [`receive`]: it posts updates to the address of [`hooks`], or a poller asks for
//! them. What an update means is read in one place, and stored by `replyx_engine::intake`.

mod failure;
mod fleet;
pub mod hooks;
mod poller;
pub mod receive;

pub use fleet::Fleet;
