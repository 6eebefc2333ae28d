//! Writes calls of models down: what [`replyx_llm::Book`] notes becomes rows of `model_calls`.
//!
//! Notes that wait at the same time share a transaction. The beginning of a call lasts before the
//! call is made; while the database is away no call is made, and no end of one is lost.

use std::{error::Error, time::Duration};

use replyx_core::{ids::ProcessId, retry::Backoff, retry::Retry};
use replyx_llm::Note;
use replyx_storage::{Db, StorageError};
use tokio::{
    sync::{mpsc::Receiver, oneshot},
    time::sleep,
};

/// How many notes share a transaction.
const TOGETHER: usize = 128;
/// When a transaction that failed is tried again.
const AGAIN: Backoff = Backoff {
    first: Duration::from_millis(50),
    ceiling: Duration::from_secs(2),
    attempts: u32::MAX,
};

/// Writes until nobody can note anything any more.
pub async fn write(db: Db, process: ProcessId, mut notes: Receiver<Note>) {
    let mut together = Vec::with_capacity(TOGETHER);
    while notes.recv_many(&mut together, TOGETHER).await > 0 {
        let mut failed = 0;
        while let Err(error) = attempt(&db, process, &mut together).await {
            failed += 1;
            tracing::warn!(
                error = &error as &dyn Error,
                calls = together.len(),
                "could not record model calls; retrying"
            );
            let [chance] = replyx_core::clock::Clock::bytes();
            if let Retry::After(wait) = AGAIN.after(failed, chance) {
                sleep(wait).await;
            }
        }
        for note in together.drain(..) {
            tell(note);
        }
    }
}

async fn attempt(db: &Db, process: ProcessId, notes: &mut Vec<Note>) -> Result<(), StorageError> {
    // Who no longer waits makes no call.
    notes.retain(|note| !matches!(note, Note::Begin { written, .. } if written.is_closed()));
    if notes.iter().all(|note| matches!(note, Note::Flush(_))) {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    for note in notes.iter() {
        match note {
            Note::Begin { workspace, call, .. } => {
                let calls = tx.workspace(*workspace).model_calls();
                calls.begin(std::slice::from_ref(call), process).await?;
            }
            Note::End { workspace, call } => {
                let calls = tx.workspace(*workspace).model_calls();
                calls.insert(std::slice::from_ref(call)).await?;
            }
            Note::Flush(_) => {}
        }
    }
    tx.commit().await.map(drop)
}

fn tell(note: Note) {
    let done: oneshot::Sender<()> = match note {
        Note::Begin { written, .. } => written,
        Note::Flush(done) => done,
        Note::End { .. } => return,
    };
    // Who has gone in the meantime has ended the call, too.
    let _ = done.send(());
}
