//! Webhooks of other services.

pub mod telegram;
