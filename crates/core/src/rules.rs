//! What may happen to the objects of the product, and what the logs say of it.
//!
//! Each module adds methods to types of its neighbors: `dialog.take_over(by, now)`,
//! `member.leave(owners, by, now)`. A method checks its rule and returns a
//! [`Change`](crate::change::Change), or a typed error that says why it refuses. They stand here
//! and not beside their types because events and acts are made of these types.

pub mod assistant;
pub mod attachment;
mod canned;
pub mod channel;
pub mod dialog;
pub mod document;
pub mod invitation;
pub mod key;
pub mod member;
pub mod message;
mod presence;
pub mod run;
pub mod second_factor;
pub mod session;
pub mod sla;
pub mod snooze;
pub mod source;
mod tag;
pub mod user;
pub mod workspace;
