//! The macros that send one statement for many rows.
//!
//! The text is written once, about a table `given` that holds the rows ([`given!`]). `PostgreSQL`
//! gets a list for each column and does all rows with one statement. `SQLite`, for which a
//! statement is a call, does one row at a time.

/// A statement about the rows that are given with it, for each database:
/// `given!(["id" "uuid", 2 "text" "text"] "UPDATE ... FROM given ...")`. The columns have the names
/// and types that stand in the brackets, from the second on with their numbers.
///
/// On `PostgreSQL` all rows are done at once: a statement must not depend on what it does with
/// another row. An `INSERT ... SELECT ... ON CONFLICT` needs a `WHERE`, or `SQLite` reads the `ON`
/// as that of a join.
macro_rules! given {
    ([$first:literal $type:literal $(, $number:literal $name:literal $types:literal)* $(,)?] $sql:expr) => {
        [
            concat!(
                "WITH given (", $first $(, ", ", $name)*, ") AS (SELECT * FROM unnest($1::", $type, "[]"
                $(, ", $", $number, "::", $types, "[]")*, ")) ",
                $sql
            ),
            concat!(
                "WITH given (", $first $(, ", ", $name)*, ") AS (VALUES ($1" $(, ", $", $number)*, ")) ",
                $sql
            ),
        ]
    };
}

/// Sends a statement of [`given!`] to `PostgreSQL`, with the same rule as [`send!`]; it is not sent
/// to `SQLite`.
macro_rules! send_given {
    ($tx:expr, $sql:expr, $rows:expr, |$row:ident| [$($arg:expr),+],
     |$query:ident, $on:ident| $send:expr) => {{
        if $tx.failed {
            return Err($crate::StorageError::Undone);
        }
        $tx.note_statement($sql);
        let sent = match &mut $tx.conn {
            $crate::tx::Conn::Postgres(tx) => {
                let $query = sqlx::query($sql)$(.bind(
                    $rows
                        .iter()
                        .map(|$row| {
                            // What is the same for all rows names none.
                            let _ = $row;
                            $crate::stored::Stored::stored($arg)
                        })
                        .collect::<Vec<_>>(),
                ))+;
                let $on = &mut **tx;
                $send
            }
            $crate::tx::Conn::Sqlite(_) => Ok(Default::default()),
        };
        match sent {
            Ok(done) => done,
            Err(error) => return Err($tx.fail(error)),
        }
    }};
}

/// Runs a statement of [`given!`] for rows and returns how many it changed:
/// `run_each!(tx, SQL, rows; |row| row.a, row.b)`. Without rows nothing is sent.
macro_rules! run_each {
    ($tx:expr, $sql:expr, $rows:expr; |$row:ident| $($arg:expr),+ $(,)?) => {{
        let [postgres, sqlite]: [&'static str; 2] = $sql;
        let rows = $rows;
        let mut changed: u64 = 0;
        if rows.is_empty() {
        } else if $tx.is_on_postgres() {
            changed = send_given!($tx, postgres, rows, |$row| [$($arg),+],
                |query, on| query.execute(on).await.map(|done| done.rows_affected()));
        } else {
            for $row in rows.iter() {
                changed += run!($tx, sqlite; $($arg),+);
            }
        }
        changed
    }};
}

/// Fetches the rows that a statement of [`given!`] finds or returns for rows:
/// `rows_each!(tx, RowType, SQL, rows; |row| row.a, row.b)`. Without rows nothing is sent.
macro_rules! rows_each {
    ($tx:expr, $type:ty, $sql:expr, $rows:expr; |$row:ident| $($arg:expr),+ $(,)?) => {{
        let [postgres, sqlite]: [&'static str; 2] = $sql;
        let rows = $rows;
        let mut found: Vec<$type> = Vec::new();
        if rows.is_empty() {
        } else if $tx.is_on_postgres() {
            found = send_given!($tx, postgres, rows, |$row| [$($arg),+],
                |query, on| query.fetch_all(on).await.and_then(|rows| {
                    rows.iter().map($crate::rows::FromRow::from_row).collect()
                }));
        } else {
            for $row in rows.iter() {
                found.extend(rows!($tx, $type, sqlite; $($arg),+));
            }
        }
        found
    }};
}
