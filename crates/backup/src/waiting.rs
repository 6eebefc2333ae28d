//! What a restored home will do first, when it is resumed.

use replyx_storage::{Db, copy::Cell};

use crate::BackupError;

/// How much is waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Parts of replies that are not sent yet, or may not have arrived.
    pub replies: u64,
    /// Dialogs that wait for an answer.
    pub turns: u64,
    /// Jobs, without those that run by the clock.
    pub jobs: u64,
}

impl Waiting {
    /// Counts what is waiting.
    pub async fn of(db: &Db) -> Result<Self, BackupError> {
        const UNSENT: [&str; 3] = ["queued", "sending", "uncertain"];

        let mut waiting = Self::default();
        let mut snapshot = db.snapshot().await?;
        for table in snapshot.tables().await? {
            let place = |name: &str| table.columns.iter().position(|column| column == name);
            let word = |row: &[Cell], name: &str| match place(name).and_then(|at| row.get(at)) {
                Some(Cell::Text(word)) => word.clone(),
                _ => String::new(),
            };

            let count = match table.name.as_str() {
                "outbox" => &mut waiting.replies,
                "turns" => &mut waiting.turns,
                "jobs" => &mut waiting.jobs,
                _ => continue,
            };

            snapshot
                .rows(&table, |row| {
                    let is_waiting = match table.name.as_str() {
                        "outbox" => UNSENT.contains(&word(row, "status").as_str()),
                        "jobs" => word(row, "lane") != "scheduled" && word(row, "status") != "dead",
                        _ => true,
                    };
                    *count += u64::from(is_waiting);
                    Ok::<_, BackupError>(())
                })
                .await?;
        }
        Ok(waiting)
    }
}
