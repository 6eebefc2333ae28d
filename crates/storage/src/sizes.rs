//! How large the database is: what it says of itself, and the `database_sizes` table, which keeps
//! the last measurement of each day.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, types::Json};

use crate::{StorageError, Tx, cells::quoted, tx::Conn};

/// Growth is that of at most so many days.
const GROWTH: TimeDelta = TimeDelta::days(30);

/// One table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSize {
    /// Its name.
    pub name: String,
    /// Its rows: counted on `SQLite`, estimated on `PostgreSQL`.
    pub rows: i64,
    /// Its bytes on the disk with its indexes; `SQLite` does not say it cheaply.
    pub bytes: Option<i64>,
}

/// A measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSize {
    /// When.
    pub measured_at: DateTime<Utc>,
    /// All bytes on the disk.
    pub bytes: i64,
    /// The tables, in the order of their names.
    pub tables: Vec<TableSize>,
}

/// How large the database is and was.
pub struct SystemSizes<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemSizes<'_> {
    /// Asks the database. `SQLite` counts the rows of each table.
    pub async fn measure(self, now: DateTime<Utc>) -> Result<DatabaseSize, StorageError> {
        const BYTES: [&str; 2] = [
            "SELECT pg_database_size(current_database())",
            "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        ];
        const TABLES: &str = "
            SELECT s.relname::TEXT, GREATEST(s.n_live_tup, c.reltuples::BIGINT, 0),
                   pg_total_relation_size(s.relid)
              FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
             WHERE s.schemaname = current_schema() AND s.relname <> '_sqlx_migrations'
             ORDER BY s.relname";
        const NAMES: &str = "
            SELECT name FROM sqlite_master
             WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'passages_fts%'
               AND name <> '_sqlx_migrations'
             ORDER BY name";

        let sql = self.tx.sql(BYTES[0], BYTES[1]);
        let bytes = value!(self.tx, i64, sql).unwrap_or_default();
        if matches!(self.tx.conn, Conn::Postgres(_)) {
            let tables = rows!(self.tx, (String, i64, i64), TABLES);
            let tables = tables.into_iter().map(|(name, rows, bytes)| TableSize {
                name,
                rows,
                bytes: Some(bytes),
            });
            return Ok(DatabaseSize { measured_at: now, bytes, tables: tables.collect() });
        }

        let mut tables = Vec::new();
        for (name,) in rows!(self.tx, (String,), NAMES) {
            let sql = format!("SELECT COUNT(*) FROM {}", quoted(&name));
            let rows = value!(self.tx, i64, AssertSqlSafe(sql)).unwrap_or_default();
            tables.push(TableSize { name, rows, bytes: None });
        }
        Ok(DatabaseSize { measured_at: now, bytes, tables })
    }

    /// Keeps a measurement as that of its day.
    pub async fn keep(self, size: &DatabaseSize) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO database_sizes (day, measured_at, bytes, tables) VALUES ($1, $2, $3, $4)
            ON CONFLICT (day) DO UPDATE
               SET measured_at = excluded.measured_at, bytes = excluded.bytes, tables = excluded.tables";
        let day = size.measured_at.date_naive().to_string();
        run!(self.tx, SQL; day, size.measured_at, size.bytes, Json(&size.tables));
        Ok(())
    }

    /// The newest measurement that was kept.
    pub async fn newest(self) -> Result<Option<DatabaseSize>, StorageError> {
        const SQL: &str = "
            SELECT measured_at, bytes, tables FROM database_sizes ORDER BY day DESC LIMIT 1";
        let found = row!(self.tx, (DateTime<Utc>, i64, Json<Vec<TableSize>>), SQL);
        Ok(found.map(|(measured_at, bytes, Json(tables))| DatabaseSize {
            measured_at,
            bytes,
            tables,
        }))
    }

    /// By how many bytes a day it has grown to this size, over at most 30 days; `None` until there
    /// is a measurement that is a day older.
    pub async fn growth(self, size: &DatabaseSize) -> Result<Option<i64>, StorageError> {
        const SQL: &str = "
            SELECT measured_at, bytes FROM database_sizes WHERE day >= $1 ORDER BY day LIMIT 1";
        let since = (size.measured_at - GROWTH).date_naive().to_string();
        let oldest = row!(self.tx, (DateTime<Utc>, i64), SQL; since);
        Ok(oldest.and_then(|(measured_at, bytes)| {
            let passed = size.measured_at - measured_at;
            let hours = passed.num_hours();
            (hours >= 24).then(|| (size.bytes - bytes) * 24 / hours)
        }))
    }

    /// Forgets the days before this one.
    pub async fn forget(self, before: NaiveDate) -> Result<u64, StorageError> {
        Ok(run!(self.tx, "DELETE FROM database_sizes WHERE day < $1"; before.to_string()))
    }
}
