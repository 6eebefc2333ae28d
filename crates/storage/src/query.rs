//! The macros that send one SQL text to whichever database is open.
//!
//! Each expands its query twice, once per database, so arguments are plain values. What they bind
//! is cleaned on its way ([`crate::stored`]).

/// Runs the same query on whichever database is open.
///
/// After a failed statement `PostgreSQL` can only undo the transaction, and answers its `COMMIT`
/// with a silent rollback; `SQLite` would keep the rest. Here both refuse whatever comes after the
/// failure.
macro_rules! on_conn {
    ($tx:expr, |$conn:ident| $query:expr) => {{
        if $tx.failed {
            return Err($crate::StorageError::Undone);
        }
        $tx.count_statement();
        let result = match &mut $tx.conn {
            $crate::tx::Conn::Postgres(tx) => {
                let $conn = &mut **tx;
                $query.await
            }
            $crate::tx::Conn::Sqlite(tx) => {
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

/// Runs something on a `PostgreSQL` connection, with the same rule; on `SQLite`, gives what is
/// said.
macro_rules! on_postgres {
    ($tx:expr, $otherwise:expr, |$conn:ident| $query:expr) => {{
        if $tx.failed {
            return Err($crate::StorageError::Undone);
        }
        $tx.count_statement();
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
        let rows: Vec<$row> = on_conn!($tx, |conn| {
            sqlx::query_as($sql)$($(.bind($crate::stored::Stored::stored($arg)))*)?.fetch_all(conn)
        });
        rows
    }};
}

/// Fetches at most one row: `row!(tx, RowType, SQL; a, b)`.
macro_rules! row {
    ($tx:expr, $row:ty, $sql:expr $(; $($arg:expr),* $(,)?)?) => {{
        let row: Option<$row> = on_conn!($tx, |conn| {
            sqlx::query_as($sql)$($(.bind($crate::stored::Stored::stored($arg)))*)?.fetch_optional(conn)
        });
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
        on_conn!($tx, |conn| async {
            let done = sqlx::query($sql)$($(.bind($crate::stored::Stored::stored($arg)))*)?.execute(conn).await?;
            Ok::<u64, sqlx::Error>(done.rows_affected())
        })
    };
}
