//! What people do with their assistants: the use cases behind the API, the command line and tests.
//!
//! A use case is a function such as [`assistants::publish`]. It is given [`Cx`], what it works
//! with, and a [`Caller`], who must have been authenticated and must
//! have the permission. It checks the rules, opens its transaction, records events and the audit
//! entry, and commits.
//!
//! # What holds
//!
//! - Another workspace's object is [`Missing`].
//! - A transaction that the database rolls back in favor of another one is repeated
//!   ([`repeated`](replyx_storage::repeated)). What must not happen twice stands before it.
//! - No transaction is open while a file is examined or a name is looked up.
//! - Errors say what is wrong in words for the caller. What a client is told beyond that (a status,
//!   a code) is decided by `api`.

pub use replyx_core::refusal::{Missing, Unacceptable};
use replyx_core::{actor::Caller, clock::Clock, ids::AssistantId};
use replyx_llm::Models;
use replyx_storage::{Db, StorageError, Tx, tuning::Tuning};

pub mod answers;
pub mod assistants;
pub mod documents;
pub mod evaluation;
pub mod permitted;
pub mod sources;
pub mod templates;

/// What use cases work with.
#[derive(Clone, Copy, Debug)]
pub struct Cx<'a> {
    /// Durable state.
    pub db: &'a Db,
    /// Time and ids.
    pub clock: &'a Clock,
    /// The models of the installation.
    pub models: &'a Models,
    /// Settings that admins change.
    pub tuning: &'a Tuning,
}

/// Refuses what is to be added to an assistant that is not there, and keeps others from deleting it
/// until the transaction ends.
async fn lock_assistant<E>(tx: &mut Tx, caller: &Caller, id: AssistantId) -> Result<(), E>
where
    E: From<StorageError> + From<Missing>,
{
    let found = tx.workspace(caller.workspace_id).assistants().lock(id).await?;
    found.map(drop).ok_or_else(|| Missing("assistant").into())
}
