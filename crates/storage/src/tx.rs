//! One transaction: what may be reached in it, what it records, and what a commit sets in motion.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use replyx_core::{
    audit::{Act, Entry},
    event::Event,
    ids::WorkspaceId,
};
use sqlx::Postgres;
use uuid::Uuid;

#[cfg(feature = "testing")]
use crate::statements::Statements;
use crate::{StorageError, refusals::Refusals, sqlite::Transaction};

pub(crate) enum Conn {
    Postgres(sqlx::Transaction<'static, Postgres>),
    Sqlite(Transaction),
}

/// Hears of every commit: the live bus and the sleeping workers hang here.
pub trait Listener: Send + Sync {
    /// A transaction was committed. Must return at once.
    fn committed(&self, what: &Committed);
}

/// What a committed transaction left to be done by others.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "one for each kind of worker that may sleep")]
pub struct Committed {
    /// The workspaces whose logs grew, each with the number of its newest event.
    pub events: Vec<(WorkspaceId, i64)>,
    /// A turn was queued, or is free again.
    pub turns: bool,
    /// When the turns are due that were queued, if that is known of all of them.
    pub turns_due: Vec<DateTime<Utc>>,
    /// A reply was queued.
    pub outbox: bool,
    /// A job was queued.
    pub jobs: bool,
    /// A bot was registered, changed or deleted.
    pub bots: bool,
    /// A setting was changed.
    pub settings: bool,
    /// Whose access has changed: ids of sessions, users, keys and workspaces.
    pub access: Vec<Uuid>,
    /// What was entered into audit logs.
    pub audit: Vec<Entry>,
}

/// What a transaction writes at its commit.
#[derive(Default)]
pub(crate) struct Pending {
    /// The events of each workspace's log.
    pub(crate) events: BTreeMap<WorkspaceId, Vec<(DateTime<Utc>, Event)>>,
    /// What is entered into audit logs (`None`: the platform's).
    pub(crate) acts: Vec<(Option<WorkspaceId>, Act)>,
}

impl Committed {
    /// A turn will be due then, unless it was left alone.
    pub(crate) fn turn(&mut self, due: Option<DateTime<Utc>>) {
        let is_known = !self.turns || !self.turns_due.is_empty();
        self.turns |= due.is_some();
        if is_known {
            self.turns_due.extend(due);
        }
    }

    /// Turns are free again, and may be due at any time.
    pub(crate) fn any_turns(&mut self) {
        self.turns = true;
        self.turns_due.clear();
    }
}

/// An open transaction. Dropping it undoes it.
pub struct Tx {
    pub(crate) conn: Conn,
    pub(crate) done: Committed,
    /// A statement failed: nothing of this transaction may last.
    pub(crate) failed: bool,
    /// What it has sent, for tests.
    #[cfg(feature = "testing")]
    statements: Statements,
    pending: Pending,
    listener: Option<Arc<dyn Listener>>,
    refusals: Refusals,
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("done", &self.done).finish_non_exhaustive()
    }
}

impl Tx {
    pub(crate) fn new(conn: Conn, listener: Option<Arc<dyn Listener>>, refusals: Refusals) -> Self {
        Self {
            conn,
            done: Committed::default(),
            failed: false,
            #[cfg(feature = "testing")]
            statements: Statements::default(),
            pending: Pending::default(),
            listener,
            refusals,
        }
    }

    /// A statement is about to be sent.
    #[cfg_attr(
        not(feature = "testing"),
        expect(unused_variables, clippy::unused_self, reason = "only tests look")
    )]
    pub(crate) fn note_statement(&mut self, sql: &str) {
        #[cfg(feature = "testing")]
        self.statements.note(sql);
    }

    /// The same transaction, whose statements are noted among those of its database.
    #[cfg(feature = "testing")]
    pub(crate) fn noted_by(self, statements: &Statements) -> Self {
        Self { statements: statements.again(), ..self }
    }

    /// How many statements this transaction has sent.
    #[cfg(feature = "testing")]
    pub const fn statements(&self) -> usize {
        self.statements.count()
    }

    /// A statement failed: the transaction is not to last, and health may have to know why.
    pub(crate) fn fail(&mut self, error: sqlx::Error) -> StorageError {
        self.failed = true;
        let error = StorageError::from(error);
        self.refusals.note(&error);
        error
    }

    /// Is this a transaction of `PostgreSQL`?
    pub(crate) const fn is_on_postgres(&self) -> bool {
        matches!(self.conn, Conn::Postgres(_))
    }

    /// Chooses the text of a statement that the two databases cannot share.
    pub(crate) const fn sql(&self, postgres: &'static str, sqlite: &'static str) -> &'static str {
        match self.conn {
            Conn::Postgres(_) => postgres,
            Conn::Sqlite(_) => sqlite,
        }
    }

    /// Keeps events for the workspace's log until the transaction commits.
    ///
    /// Numbers are given at the very end, because the workspace's counter is locked from then on:
    /// the log is in the order of commits, without gaps, and other transactions wait as briefly as
    /// can be.
    pub(crate) fn record(&mut self, workspace: WorkspaceId, events: Vec<(DateTime<Utc>, Event)>) {
        if !events.is_empty() {
            self.pending.events.entry(workspace).or_default().extend(events);
        }
    }

    /// Enters an act into a log (`None`: the platform's) when the transaction commits.
    ///
    /// Like the numbers of events, those of entries are given at the very end, because the head of
    /// the log is locked from then on.
    pub(crate) fn enter(&mut self, log: Option<WorkspaceId>, act: Act) {
        self.pending.acts.push((log, act));
    }

    /// What waits to be written at the commit.
    pub(crate) fn take_pending(&mut self) -> Pending {
        std::mem::take(&mut self.pending)
    }

    /// Makes the transaction last, and tells the listener.
    pub(crate) async fn end(self) -> Result<Committed, StorageError> {
        let committed = match self.conn {
            Conn::Postgres(tx) => tx.commit().await,
            Conn::Sqlite(tx) => tx.commit().await,
        };
        if let Err(error) = committed.map_err(StorageError::from) {
            self.refusals.note(&error);
            return Err(error);
        }

        if let Some(listener) = &self.listener {
            listener.committed(&self.done);
        }
        Ok(self.done)
    }
}
