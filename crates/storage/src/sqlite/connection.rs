//! One connection to the file: statements on it.

use std::{
    cell::Cell,
    collections::HashSet,
    time::{Duration, Instant},
};

use rusqlite::{CachedStatement, OpenFlags, config::DbConfig};

use super::{
    Access, File, LOCKED, busy,
    error::{is_busy, told},
    row::Row,
};
use crate::{rows::FromRow, values::ToValue};

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 256;

/// A statement that took this long is expected to take long the next time.
const LONG: Duration = Duration::from_millis(1);
/// How many such statements a connection remembers.
const REMEMBERED: usize = 1024;

/// How long the file of the log stays, in bytes, when the log starts again at its beginning.
const LOG_KEPT: u32 = 16 << 20;

/// How many rows of an index `PRAGMA optimize` looks at
/// (<https://www.sqlite.org/lang_analyze.html#approx>).
const ANALYZED: u32 = 400;

thread_local! {
    /// How many pages the log had after the last commit of this thread.
    static PAGES: Cell<u32> = const { Cell::new(0) };
}

/// How many pages the log had after the last commit of this thread; 0 when it has written nothing
/// since the last call.
pub(super) fn take_pages() -> u32 {
    PAGES.take()
}

/// What to do when another program holds the write lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BusyPolicy {
    /// Try again.
    Wait,
    Fail,
}

/// A connection to the file.
pub(crate) struct Connection {
    /// Large, and moved with each transaction.
    raw: Box<rusqlite::Connection>,
    /// Texts, by where they stand, that took long. One that is made up as it is needed may stand
    /// where another one did; then the guess is wrong and nothing else.
    long: HashSet<(usize, usize)>,
}

impl File {
    /// Opens a connection.
    pub(super) fn connect(&self, access: Access) -> Result<Connection, sqlx::Error> {
        let raw = self.connect_raw().map_err(told)?;
        // What a writer has to wait for is waited for without the thread (`Sqlite::begin`).
        let (more, wait) = match access {
            Access::Write => ("", Duration::ZERO),
            Access::Read => ("PRAGMA query_only = ON", LOCKED),
        };
        raw.execute_batch(more).map_err(told)?;
        raw.busy_timeout(wait).map_err(told)?;
        Ok(Connection { raw: Box::new(raw), long: HashSet::new() })
    }

    /// Opens a connection that waits for others as `SQLite` does, for work on threads of its own.
    pub(super) fn connect_raw(&self) -> Result<rusqlite::Connection, rusqlite::Error> {
        // No mutex: a connection is used by one task at a time.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let raw = rusqlite::Connection::open_with_flags(&self.path, flags)?;
        raw.busy_timeout(LOCKED)?;
        // Of `Sync::Full`, `durability` takes care.
        raw.execute_batch(&format!(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -8192;
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA journal_size_limit = {LOG_KEPT};
             PRAGMA analysis_limit = {ANALYZED};"
        ))?;
        raw.wal_hook(Some(|_, pages| {
            PAGES.set(pages.unsigned_abs());
            Ok(())
        }));
        raw.set_prepared_statement_cache_capacity(STATEMENTS);
        // Otherwise each value of a `LIMIT`, and each that a partial index may be about, has its
        // statement parsed and planned again.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(raw)
    }
}

impl Connection {
    /// All rows that a statement finds.
    pub(crate) fn rows<R: FromRow>(
        &mut self,
        sql: &str,
        values: &[&dyn ToValue],
    ) -> Result<Vec<R>, sqlx::Error> {
        self.timed(sql, |raw| {
            let mut statement = prepared(raw, sql, values)?;
            let mut found = statement.raw_query();
            let mut rows = Vec::new();
            while let Some(row) = found.next().map_err(told)? {
                rows.push(R::from_row(&Row::new(row))?);
            }
            Ok(rows)
        })
    }

    /// The first row that a statement finds.
    pub(crate) fn row<R: FromRow>(
        &mut self,
        sql: &str,
        values: &[&dyn ToValue],
    ) -> Result<Option<R>, sqlx::Error> {
        self.timed(sql, |raw| {
            let mut statement = prepared(raw, sql, values)?;
            let mut found = statement.raw_query();
            let row = found.next().map_err(told)?;
            row.map(|row| R::from_row(&Row::new(row))).transpose()
        })
    }

    /// Runs a statement to its end; returns how many rows it changed.
    pub(crate) fn run(&mut self, sql: &str, values: &[&dyn ToValue]) -> Result<u64, sqlx::Error> {
        self.timed(sql, |raw| {
            let mut statement = prepared(raw, sql, values)?;
            let changes = !statement.readonly();
            let mut found = statement.raw_query();
            while found.next().map_err(told)?.is_some() {}
            drop(found);
            // Of a statement that changes nothing, SQLite tells what the one before it changed.
            Ok(if changes { raw.changes() } else { 0 })
        })
    }

    /// Takes the write lock, or tells that another program has it; as an error when the caller does
    /// not want to wait any longer.
    pub(super) fn begin_immediate(&mut self, busy: BusyPolicy) -> Result<bool, sqlx::Error> {
        let begun = self.raw.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| {
            begin.raw_execute()?;
            Ok(())
        });
        match begun {
            Ok(()) => Ok(true),
            Err(error) if busy == BusyPolicy::Wait && is_busy(&error) => Ok(false),
            Err(error) => Err(told(error)),
        }
    }

    /// Undoes what a transaction left. Tells whether the connection can be used again.
    pub(super) fn clean(&self) -> bool {
        // SQLite undoes a transaction by itself when its disk is full or fails.
        if self.raw.is_autocommit() {
            return true;
        }
        let undone = self.raw.prepare_cached("ROLLBACK").and_then(|mut end| end.raw_execute());
        undone.is_ok() && self.raw.is_autocommit()
    }

    /// Copies the whole log into the file and empties it. Waits for those who read from it.
    ///
    /// Tells whether it could be emptied.
    pub(super) fn empty_log(&self, wait: Duration) -> Result<bool, rusqlite::Error> {
        self.raw.busy_timeout(wait)?;
        let is_busy =
            self.raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
        self.raw.busy_timeout(Duration::ZERO)?;
        Ok(!is_busy?)
    }

    /// Brings what `SQLite` knows of the sizes of tables up to date.
    pub(super) fn optimize(&self) -> Result<(), sqlx::Error> {
        // All tables that have changed enough, not only those that this connection has read
        // (<https://www.sqlite.org/pragma.html#pragma_optimize>).
        self.raw.execute_batch("PRAGMA optimize = 0x10002").map_err(told)
    }

    /// The driver's connection, for what is neither prepared nor timed.
    pub(super) fn raw(&self) -> &rusqlite::Connection {
        &self.raw
    }

    /// For tests: sets how many pages the file may have.
    #[cfg(feature = "testing")]
    pub(crate) fn set_max_pages(&self, pages: u32) -> Result<(), sqlx::Error> {
        self.raw.execute_batch(&format!("PRAGMA max_page_count = {pages}")).map_err(told)
    }

    /// Runs a statement, and remembers whether it took long.
    fn timed<T>(&mut self, sql: &str, work: impl FnOnce(&rusqlite::Connection) -> T) -> T {
        let text = (sql.as_ptr().addr(), sql.len());
        let began = Instant::now();
        if self.long.contains(&text) {
            let done = busy::long(|| work(&self.raw));
            if began.elapsed() < LONG {
                self.long.remove(&text);
            }
            return done;
        }

        let done = work(&self.raw);
        if began.elapsed() >= LONG {
            if self.long.len() >= REMEMBERED {
                self.long.clear();
            }
            self.long.insert(text);
        }
        done
    }
}

/// The statement, prepared and with its values bound.
fn prepared<'c>(
    raw: &'c rusqlite::Connection,
    sql: &str,
    values: &[&dyn ToValue],
) -> Result<CachedStatement<'c>, sqlx::Error> {
    let mut statement = raw.prepare_cached(sql).map_err(told)?;
    for position in 1..=statement.parameter_count() {
        // SQLite counts `$2` as a name, in the order of appearance.
        let number = statement
            .parameter_name(position)
            .and_then(|name| name.strip_prefix('$'))
            .and_then(|number| number.parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        let value = value.ok_or_else(|| {
            sqlx::Error::Protocol(format!("parameter {position} of a statement has no value"))
        })?;
        statement.raw_bind_parameter(position, value.to_value()).map_err(told)?;
    }
    Ok(statement)
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    fn connection(folder: &tempfile::TempDir) -> Connection {
        let file = File { path: folder.path().join("x.db") };
        file.connect(Access::Write).unwrap()
    }

    #[test]
    fn a_statement_is_planned_once_whatever_its_values() {
        const FIND: &str = "SELECT b FROM t WHERE a = $1 AND b = $2 ORDER BY a LIMIT $3";
        let folder = tempfile::tempdir().unwrap();
        let mut connection = connection(&folder);
        let begin = "
            CREATE TABLE t (a INTEGER, b TEXT) STRICT;
            CREATE INDEX waiting ON t (a) WHERE b = 'waiting';";
        connection.raw.execute_batch(begin).unwrap();
        for value in 0..9_i64 {
            connection.rows::<(String,)>(FIND, &[&value, &"waiting", &value]).unwrap();
        }
        let statement = connection.raw.prepare_cached(FIND).unwrap();
        assert_eq!(statement.get_status(StatementStatus::Run), 9);
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }

    #[test]
    fn a_statement_that_took_long_is_expected_to_take_long() {
        const SLOW: &str = "
            WITH RECURSIVE n(i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
            SELECT COUNT(*) FROM n";
        let folder = tempfile::tempdir().unwrap();
        let mut connection = connection(&folder);
        let mut count = |last: i64| {
            let found = connection.row::<(i64,)>(SLOW, &[&1_i64, &last]).unwrap();
            assert_eq!(found, Some((last,)));
            connection.long.contains(&(SLOW.as_ptr().addr(), SLOW.len()))
        };
        assert!(count(2_000_000));
        while count(1) {}
    }

    #[test]
    fn values_go_where_their_numbers_say() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = connection(&folder);
        let found = connection
            .row::<(String, i64, String, Option<i64>)>(
                "SELECT $3, $1, $3, $2",
                &[&7_i64, &None::<i64>, &"three"],
            )
            .unwrap();
        assert_eq!(found, Some(("three".to_owned(), 7, "three".to_owned(), None)));
        let missing = connection.run("SELECT $1, $2", &[&1_i64]).unwrap_err();
        assert!(missing.to_string().contains("parameter 2"), "{missing}");
    }

    #[test]
    fn what_a_statement_changed_is_counted_for_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = connection(&folder);
        connection.run("CREATE TABLE t (x INTEGER)", &[]).unwrap();
        assert_eq!(connection.run("INSERT INTO t VALUES (1), (2), (3)", &[]).unwrap(), 3);
        assert_eq!(connection.run("SELECT x FROM t", &[]).unwrap(), 0);
        assert_eq!(connection.run("DELETE FROM t WHERE x > 1 RETURNING x", &[]).unwrap(), 2);
    }

    #[test]
    fn a_connection_comes_back_without_a_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = connection(&folder);
        connection.run("CREATE TABLE t (x INTEGER)", &[]).unwrap();
        assert!(connection.begin_immediate(BusyPolicy::Fail).unwrap());
        connection.run("INSERT INTO t VALUES (1)", &[]).unwrap();
        assert!(connection.clean());
        assert_eq!(connection.row::<(i64,)>("SELECT COUNT(*) FROM t", &[]).unwrap(), Some((0,)));
        assert!(connection.clean());
    }
}
