//! What the outside world calls.

pub mod telegram;
