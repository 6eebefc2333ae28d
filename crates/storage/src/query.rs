//! The macros that send one SQL text to whichever database is open.
//!
//! Each expands its query twice, once per database, so arguments are plain values. What they bind
//! is cleaned on its way ([`crate::stored`]), and what they find is read in one way
//! ([`crate::rows`]). `PostgreSQL` is waited for; `SQLite` is called ([`crate::sqlite`]).

use uuid::Uuid;

/// Sends a statement to whichever database is open.
///
/// After a failed statement `PostgreSQL` can only undo the transaction, and answers its `COMMIT`
/// with a silent rollback; `SQLite` would keep the rest. Here both refuse whatever comes after the
/// failure.
macro_rules! send {
    ($tx:expr, $sql:expr, [$($arg:expr),*],
     |$query:ident, $on:ident| $postgres:expr,
     |$connection:ident, $text:ident, $values:ident| $sqlite:expr) => {{
        if $tx.failed {
            return Err($crate::StorageError::Undone);
        }
        let sql = sqlx::SqlSafeStr::into_sql_str($sql);
        $tx.note_statement(sql.as_str());
        let sent = match &mut $tx.conn {
            $crate::tx::Conn::Postgres(tx) => {
                let $query = sqlx::query(sql)$(.bind($crate::stored::Stored::stored($arg)))*;
                let $on = &mut **tx;
                $postgres
            }
            $crate::tx::Conn::Sqlite(tx) => {
                // A task that sends many statements lets others run in between.
                tokio::task::consume_budget().await;
                let $text = sql.as_str();
                let $connection = tx.connection();
                let $values: &[&dyn $crate::values::ToValue] =
                    &[$(&$crate::stored::Stored::stored($arg)),*];
                $sqlite
            }
        };
        match sent {
            Ok(done) => done,
            Err(error) => return Err($tx.fail(error)),
        }
    }};
}

/// Runs something on a `PostgreSQL` connection, with the same rule; on `SQLite`, gives what is
/// said.
macro_rules! on_postgres {
    ($tx:expr, $otherwise:expr, |$conn:ident| $query:expr) => {{
        if $tx.failed {
            return Err($crate::StorageError::Undone);
        }
        $tx.note_statement("");
        let result = match &mut $tx.conn {
            $crate::tx::Conn::Sqlite(_) => return Ok($otherwise),
            $crate::tx::Conn::Postgres(tx) => {
                let $conn = &mut **tx;
                $query.await
            }
        };
        match result {
            Ok(done) => done,
            Err(error) => return Err($tx.fail(error)),
        }
    }};
}

/// Fetches all rows: `rows!(tx, RowType, SQL; a, b)`.
macro_rules! rows {
    ($tx:expr, $row:ty, $sql:expr $(; $($arg:expr),* $(,)?)?) => {{
        let rows: Vec<$row> = send!($tx, $sql, [$($($arg),*)?],
            |query, on| query.fetch_all(on).await.and_then(|rows| {
                rows.iter().map($crate::rows::FromRow::from_row).collect()
            }),
            |connection, text, values| connection.rows(text, values));
        rows
    }};
}

/// Fetches at most one row: `row!(tx, RowType, SQL; a, b)`.
macro_rules! row {
    ($tx:expr, $row:ty, $sql:expr $(; $($arg:expr),* $(,)?)?) => {{
        let row: Option<$row> = send!($tx, $sql, [$($($arg),*)?],
            |query, on| query.fetch_optional(on).await.and_then(|row| {
                row.as_ref().map($crate::rows::FromRow::from_row).transpose()
            }),
            |connection, text, values| connection.row(text, values));
        row
    }};
}

/// Fetches at most one value: `value!(tx, Type, SQL; a, b)`.
macro_rules! value {
    ($tx:expr, $type:ty, $sql:expr $(; $($arg:expr),* $(,)?)?) => {{
        let row: Option<($type,)> = row!($tx, ($type,), $sql $(; $($arg),*)?);
        row.map(|(value,)| value)
    }};
}

/// Runs a statement and returns how many rows it changed: `run!(tx, SQL; a, b)`.
macro_rules! run {
    ($tx:expr, $sql:expr $(; $($arg:expr),* $(,)?)?) => {
        send!($tx, $sql, [$($($arg),*)?],
            |query, on| query.execute(on).await.map(|done| done.rows_affected()),
            |connection, text, values| connection.run(text, values))
    };
}

/// Ids as one argument.
pub(crate) fn listed(ids: impl Iterator<Item = Uuid>) -> String {
    let ids: Vec<String> = ids.map(|id| id.simple().to_string()).collect();
    ids.join(",")
}

/// The pattern of texts that contain this one, to be used with `ESCAPE '\'`.
pub(crate) fn containing(text: &str) -> String {
    let literal = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{literal}%")
}
