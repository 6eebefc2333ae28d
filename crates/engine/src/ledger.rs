//! Writes calls of models down: what [`replyx_llm::Book`] notes becomes rows of `model_calls`.
//!
//! Notes that wait at the same time share a transaction. The beginning of a call lasts before the
//! call is made; while the database is away no call is made, and no end of one is lost.

use replyx_core::ids::ProcessId;
use replyx_llm::Note;
use replyx_storage::{Db, StorageError, until_stored};
use tokio::sync::{mpsc::Receiver, oneshot};

/// How many notes share a transaction.
const TOGETHER: usize = 128;

/// Writes until nobody can note anything any more.
pub async fn write(db: Db, process: ProcessId, mut notes: Receiver<Note>) {
    let mut together = Vec::with_capacity(TOGETHER);
    while notes.recv_many(&mut together, TOGETHER).await > 0 {
        until_stored("record model calls", || attempt(&db, process, &together)).await;
        for note in together.drain(..) {
            tell(note);
        }
    }
}

async fn attempt(db: &Db, process: ProcessId, notes: &[Note]) -> Result<(), StorageError> {
    let says_nothing = |note: &Note| match note {
        // Who no longer waits makes no call.
        Note::Begin { written, .. } => written.is_closed(),
        Note::End { .. } => false,
        Note::Flush(_) => true,
    };
    if notes.iter().all(says_nothing) {
        return Ok(());
    }

    let mut begun = Vec::new();
    let mut ended = Vec::new();
    for note in notes {
        match note {
            Note::Begin { written, .. } if written.is_closed() => {}
            Note::Begin { workspace, call, .. } => begun.push((*workspace, call)),
            Note::End { workspace, call } => ended.push((*workspace, call)),
            Note::Flush(_) => {}
        }
    }

    let mut tx = db.begin().await?;
    tx.system().model_calls().begin_each(&begun, process).await?;
    tx.system().model_calls().insert_each(&ended).await?;
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
