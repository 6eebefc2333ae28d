//! What the rules make of messages, as tables and measured on sets.

mod measured;
mod tables;
