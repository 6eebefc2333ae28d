//! Deleting what is old, a batch at a time: no sweep holds a table, or the writer of `SQLite`, for
//! long.

/// [`BATCH`] as the literal that the statements are made of.
macro_rules! batch_size {
    () => {
        5000
    };
}

/// How many rows a `forget` deletes at most; fewer mean that no more are left.
pub const BATCH: u64 = batch_size!();

/// Deletes a batch of the rows for which a condition holds, for each database:
/// `batch!("deliveries", "received_at < $1")`.
macro_rules! batch {
    ($table:literal, $condition:literal) => {
        [
            concat!(
                "DELETE FROM ",
                $table,
                " WHERE ctid = ANY (ARRAY(SELECT ctid FROM ",
                $table,
                " WHERE ",
                $condition,
                " LIMIT ",
                batch_size!(),
                // Asked again: a row that was renewed while this waited for it is kept.
                ")) AND (",
                $condition,
                ")"
            ),
            concat!(
                "DELETE FROM ",
                $table,
                " WHERE rowid IN (SELECT rowid FROM ",
                $table,
                " WHERE ",
                $condition,
                " LIMIT ",
                batch_size!(),
                ")"
            ),
        ]
    };
}

/// Runs a [`batch!`] and returns how many rows it deleted: `delete_batch!(tx, SQL; before)`.
macro_rules! delete_batch {
    ($tx:expr, $sql:expr; $before:expr) => {{
        let sql = $tx.sql($sql[0], $sql[1]);
        run!($tx, sql; $before)
    }};
}
