//! Durable state: `SQLite` by default, `PostgreSQL` in a cluster; one behaviour.
//!
//! # How a caller reaches the data
//!
//! 1. [`Db::begin`] opens a transaction that may write, [`Db::read`] one that only reads.
//! 2. [`Tx::workspace`] narrows it to one workspace. A workspace's tables can be reached in no
//!    other way, so a caller cannot forget whose data it asks for. Work across workspaces (claiming
//!    turns, sign-in) goes through [`Tx::system`], which is easy to find and review.
//! 3. [`Tx::apply`] writes what a rule of the domain changed, with its events and acts.
//! 4. [`Tx::commit`] makes it last, numbers the events of the transaction and tells the
//!    [`Listener`] what there is to do. Dropping the transaction undoes it.
//!
//! # How a query is written
//!
//! Once, in SQL that both databases understand: `$1` placeholders, `RETURNING`, `ON CONFLICT`, no
//! `now()`. The `rows!`, `row!` and `run!` macros send it to whichever database is open. What
//! cannot be shared (locking, full text) is chosen by `Tx::sql`. What is done for many rows at once
//! is written about a table `given` and sent with `rows_each!` and `run_each!`: a list for
//! `PostgreSQL`, row by row for `SQLite`. Work that many tasks do at the same time shares
//! transactions ([`mod@unit`]).
//!
//! # How rows are locked
//!
//! `SQLite` has one writer, so this is about `PostgreSQL`. Who locks rows of several tables locks
//! them in this order, and several rows of one table by their ids; otherwise two transactions may
//! wait for each other, and one of them fails:
//!
//! - a workspace whose objects of a kind are counted, the assistant that gets one more;
//! - a source, its documents, the assistants that know them ([`knowledge::Knowledge::lock`] locks
//!   all of these that a transaction will need, before it changes the first);
//! - a bot, its parts in the outbox (by chat and position), their messages;
//! - a bot whose polling goes on, a contact, its dialog, the turn, the operator who is given the
//!   dialog;
//! - the balances of workspaces, by their ids;
//! - at the commit the heads of audit logs (workspaces' by their ids, then the platform's), and
//!   last the counters of events.
//!
//! `lock` means `FOR NO KEY UPDATE`: lockers exclude each other, and a transaction that stores a
//! row that refers to the locked one does not wait. `FOR UPDATE` would stop them, and not only
//! those who insert: `PostgreSQL` checks a foreign key again when a transaction updates a row that
//! it has updated before. Only a user and their sessions are locked that hard, so that nothing is
//! stored for them while they are deleted.
//!
//! Where the database ends a transaction all the same (a deadlock, a conflict that cannot be put in
//! order), it undoes all of it, and the whole is done again: [`retried`] for background work
//! ([`until_stored`] where it must not be lost while the database is away), [`repeated`] for the
//! transaction of a use case.

#[macro_use]
mod query;
#[macro_use]
mod sets;
#[macro_use]
pub mod fair;
#[macro_use]
pub mod sweep;

pub mod api_keys;
mod apply;
pub mod assistants;
pub mod attachments;
pub mod audit;
pub mod bots;
pub mod bulk;
pub mod canned_replies;
mod cells;
pub mod channels;
mod commit;
pub mod contacts;
pub mod copy;
mod db;
pub mod deliveries;
pub mod dialog_terms;
pub mod dialogs;
pub mod documents;
pub mod drafts;
mod error;
pub mod evaluation;
pub mod events;
pub mod files;
pub mod idempotency;
pub mod inbox;
pub mod inbox_views;
pub mod indexed;
mod installation;
pub mod jobs;
pub mod kept_answers;
pub mod knowledge;
pub mod ledger;
pub mod load;
pub mod member_mail;
pub mod members;
pub mod messages;
mod migrate;
pub mod model_calls;
pub mod model_keys;
pub mod neighbours;
pub mod operators;
pub mod outbox;
pub mod passages;
pub mod pauses;
mod postgres;
pub mod processes;
mod refusals;
pub mod registrations;
pub mod replacements;
mod retry;
mod rows;
mod schema_hold;
mod scope;
mod sealed;
pub mod second_factors;
pub mod sessions;
pub mod settings;
mod sharing;
pub mod sizes;
pub mod slas;
pub mod snoozes;
pub mod sources;
mod sqlite;
#[cfg(feature = "testing")]
mod statements;
mod stored;
#[cfg(feature = "testing")]
pub use replyx_testkit_macros::on_every_db;
pub mod tags;
#[cfg(feature = "testing")]
pub mod testing;
mod texts;
pub mod tuning;
pub mod turns;
mod tx;
pub mod unit;
pub mod upload_days;
pub mod uploads;
pub mod users;
mod utterances;
mod values;
pub mod waits;
pub mod workspaces;

pub use apply::{ManyStates, Pen, State};
pub use db::{Db, PoolSize};
pub use error::StorageError;
pub use migrate::{Loss, MigrationState, Schema};
pub use refusals::Refusal;
pub(crate) use replyx_storage_macros::FromRow;
pub use retry::{repeated, retried, until_stored};
pub use schema_hold::{Holding, SchemaHold};
pub use scope::{Scope, System};
pub use sqlite::Sync;
pub use tx::{Committed, Listener, Tx};
