//! Calls are written down before they are made, and again when they have ended.
//!
//! [`Book::begin`] hands a call to the writer, waits until it lasts, and gives an [`Entry`].
//! However the call ends (an answer, an error, a caller that no longer waits) the entry tells its
//! end: what is paid for is in the ledger because it was asked for, and not because somebody
//! remembered to note it. A process that dies leaves the beginning.

use std::time::Duration;

use replyx_core::{
    clock::Clock,
    ids::WorkspaceId,
    money::Money,
    usage::{CANCELLED, ModelCall, PENDING},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    chat::{Caller, Spent, Usage},
    error::ModelError,
};

/// How many notes wait for the writer.
const WAITING: usize = 4_096;
/// How long a call waits until its beginning lasts. Without it no money is spent. A long write of
/// `SQLite` or a failover of `PostgreSQL` takes less: the customer gets an answer and not the
/// fallback text.
const PATIENCE: Duration = Duration::from_secs(20);

/// Something to be written down.
#[derive(Debug)]
pub enum Note {
    /// A call is about to be made. It is made once `written` is told.
    Begin {
        /// For whom.
        workspace: WorkspaceId,
        /// The call, with what it may cost.
        call: ModelCall,
        /// Tells that it lasts.
        written: oneshot::Sender<()>,
    },
    /// A call has ended.
    End {
        /// For whom.
        workspace: WorkspaceId,
        /// The call, with what it cost.
        call: ModelCall,
    },
    /// Tells when everything before it has been written.
    Flush(oneshot::Sender<()>),
}

/// The way to the writer of calls.
#[derive(Clone, Debug)]
pub struct Book {
    notes: mpsc::Sender<Note>,
    clock: Clock,
}

impl Book {
    /// A book, and the notes that go into it.
    pub fn open(clock: Clock) -> (Self, mpsc::Receiver<Note>) {
        let (notes, written) = mpsc::channel(WAITING);
        (Self { notes, clock }, written)
    }

    /// Waits until what was noted before has been written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.notes.send(Note::Flush(done)).await.is_ok() {
            let _ = written.await;
        }
    }

    async fn begin(&self, caller: Caller, expected: &Spent) -> Result<(), ModelError> {
        let Some(workspace) = caller.workspace else { return Ok(()) };
        let call =
            ModelCall { outcome: PENDING.to_owned(), ..expected.call(caller, self.clock.now()) };
        let noted = async {
            let (written, lasts) = oneshot::channel();
            self.notes.send(Note::Begin { workspace, call, written }).await.ok()?;
            lasts.await.ok()
        };
        timeout(PATIENCE, noted).await.ok().flatten().ok_or(ModelError::Unrecorded)
    }

    fn end(&self, caller: Caller, spent: &Spent) {
        let Some(workspace) = caller.workspace else { return };
        let note = Note::End { workspace, call: spent.call(caller, self.clock.now()) };
        let Err(mpsc::error::TrySendError::Full(note)) = self.notes.try_send(note) else { return };
        // The database is behind. What ends here may be a destructor, which cannot wait.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let notes = self.notes.clone();
            runtime.spawn(async move { notes.send(note).await });
        }
    }
}

/// A call that is under way. Dropped, it is written down as one that nobody waited for.
#[derive(Debug)]
pub(crate) struct Entry {
    book: Option<Book>,
    caller: Caller,
    expected: Option<Spent>,
}

impl Entry {
    /// Writes down that a call is about to be made, with what it may cost; without a book nothing
    /// is written.
    pub(crate) async fn begin(
        book: Option<&Book>,
        caller: Caller,
        expected: Spent,
    ) -> Result<Self, ModelError> {
        // A caller that leaves while this is written has the entry ended all the same: nothing was
        // spent.
        let nothing = Spent { usage: Usage::default(), cost: Money::ZERO, ..expected.clone() };
        let mut entry = Self { book: book.cloned(), caller, expected: Some(nothing.clone()) };
        if let Some(book) = book
            && let Err(error) = book.begin(caller, &expected).await
        {
            entry.end(&Spent { outcome: error.reason(), ..nothing });
            return Err(error);
        }
        entry.expected = Some(expected);
        Ok(entry)
    }

    /// Writes down how the call ended.
    pub(crate) fn end(mut self, spent: &Spent) {
        self.expected = None;
        if let Some(book) = &self.book {
            book.end(self.caller, spent);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let (Some(book), Some(expected)) = (&self.book, self.expected.take()) {
            book.end(self.caller, &Spent { outcome: CANCELLED, ..expected });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was expected of a call, and how it is written down when its caller leaves.
    fn expected() -> Spent {
        Spent {
            id: Clock::system().id(),
            provider: "openai".to_owned(),
            model: "gpt-4o-mini".to_owned(),
            key: None,
            usage: Usage { prompt_tokens: 100, completion_tokens: 10, estimated: true },
            cost: Money::from_micros(21),
            priced: true,
            outcome: PENDING,
            first_token: None,
            duration: Duration::ZERO,
        }
    }

    fn caller() -> Caller {
        Caller { workspace: Some(Clock::system().id()), ..Caller::default() }
    }

    #[tokio::test]
    async fn a_call_costs_nothing_until_its_beginning_has_been_written() {
        let (book, mut notes) = Book::open(Clock::system());
        let begun = Entry::begin(Some(&book), caller(), expected());
        assert!(timeout(Duration::from_millis(10), begun).await.is_err());
        assert!(matches!(notes.recv().await, Some(Note::Begin { .. })));
        let Some(Note::End { call, .. }) = notes.recv().await else { panic!("no end") };
        assert_eq!((call.cost, call.outcome.as_str()), (Money::ZERO, CANCELLED));
    }

    #[tokio::test]
    async fn a_call_that_is_left_costs_what_was_expected() {
        let (book, mut notes) = Book::open(Clock::system());
        let writing = async {
            let Some(Note::Begin { written, .. }) = notes.recv().await else { panic!("no call") };
            written.send(()).unwrap();
        };
        let (entry, ()) = tokio::join!(Entry::begin(Some(&book), caller(), expected()), writing);
        drop(entry.unwrap());
        let Some(Note::End { call, .. }) = notes.recv().await else { panic!("no end") };
        assert_eq!((call.cost, call.outcome.as_str()), (Money::from_micros(21), CANCELLED));
    }
}
