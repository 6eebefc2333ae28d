//! The conversation, in process: real databases, a fake Telegram and a fake model over HTTP.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod given;

mod acts;
mod acts_by_meaning;
mod announce;
mod assignment;
mod bell;
mod busy;
mod checked;
mod claims;
mod control;
mod control_property;
mod delivery;
mod delivery_faults;
mod desk;
mod dialog_terms;
mod edits;
mod gather;
mod injection;
mod intake;
mod kept;
mod late;
mod limit;
mod member_mail;
mod outage;
mod payment;
mod plans;
mod preview;
mod prompt;
mod property;
mod settle;
mod sla;
mod statements;
mod turn;
mod typing;
mod unsure;
mod versions;
mod waiting;
