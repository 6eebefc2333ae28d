//! Copies on `SQLite`.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::{Value, ValueRef};
use uuid::Uuid;

use super::{Connection, Lease, Sqlite, busy, error::told};
use crate::{
    StorageError,
    cells::{Cell, Table, in_order, is_copied, list, quoted},
};

/// The tables in their order.
pub(crate) fn tables(connection: &Connection) -> Result<Vec<Table>, StorageError> {
    const COLUMNS: &str = "
        SELECT s.name, c.name FROM sqlite_schema s, pragma_table_info(s.name) c
         WHERE s.type = 'table'";
    const REFERENCES: &str = "
        SELECT s.name, f.\"table\" FROM sqlite_schema s, pragma_foreign_key_list(s.name) f
         WHERE s.type = 'table'";
    let raw = connection.raw();
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    let columns = pairs(raw, COLUMNS).map_err(told)?;
    for (table, column) in columns.into_iter().filter(|(table, _)| is_copied(table)) {
        found.entry(table).or_default().insert(column);
    }
    in_order(found, &pairs(raw, REFERENCES).map_err(told)?)
}

fn pairs(raw: &rusqlite::Connection, sql: &str) -> Result<Vec<(String, String)>, rusqlite::Error> {
    let mut statement = raw.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Every row of a table.
pub(crate) fn rows<E: From<StorageError>>(
    connection: &Connection,
    table: &Table,
    mut each: impl FnMut(&[Cell]) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |error| E::from(StorageError::from(told(error)));
    let sql = format!("SELECT {} FROM {}", list(&table.columns), quoted(&table.name));
    busy::long(|| {
        let mut statement = connection.raw().prepare(&sql).map_err(failed)?;
        let mut found = statement.raw_query();
        let mut cells = Vec::with_capacity(table.columns.len());
        while let Some(row) = found.next().map_err(failed)? {
            cells.clear();
            for at in 0..table.columns.len() {
                cells.push(cell(row.get_ref(at).map_err(failed)?, table)?);
            }
            each(&cells)?;
        }
        Ok(())
    })
}

fn cell(value: ValueRef<'_>, table: &Table) -> Result<Cell, StorageError> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(bytes) => {
            let text = std::str::from_utf8(bytes);
            let text = text.map_err(|_| {
                StorageError::Copy(format!("a text of `{}` is not UTF-8", table.name))
            })?;
            Cell::Text(text.to_owned())
        }
        ValueRef::Blob(bytes) => Cell::Blob(bytes.to_owned()),
    })
}

/// Rows on their way into an empty file.
pub(crate) struct Loading {
    /// Not one of the pool: foreign keys are checked at the end, whatever the order of the rows.
    raw: rusqlite::Connection,
    /// What makes each trigger that was dropped.
    triggers: Vec<String>,
    /// Nobody else writes in the meantime.
    _writer: Lease,
}

impl Sqlite {
    /// Begins to load rows.
    pub(crate) async fn load(&self) -> Result<Loading, StorageError> {
        let writer = self.writer().await?;
        let raw = self.0.file.connect_raw().map_err(told)?;
        let triggers = busy::long(|| silence(&raw)).map_err(told)?;
        Ok(Loading { raw, triggers, _writer: writer })
    }
}

/// Begins the transaction without triggers and checks; returns what makes the triggers.
fn silence(raw: &rusqlite::Connection) -> Result<Vec<String>, rusqlite::Error> {
    raw.execute_batch("PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE")?;
    let triggers = pairs(raw, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")?;
    for (name, _) in &triggers {
        raw.execute_batch(&format!("DROP TRIGGER {}", quoted(name)))?;
    }
    Ok(triggers.into_iter().map(|(_, sql)| sql).collect())
}

impl Loading {
    /// Writes rows into a table.
    pub(crate) fn insert(&self, table: &Table, rows: &[Vec<Cell>]) -> Result<(), StorageError> {
        let places: Vec<_> = (1..=table.columns.len()).map(|at| format!("?{at}")).collect();
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({})",
            quoted(&table.name),
            list(&table.columns),
            places.join(", ")
        );
        let insert = || {
            let mut statement = self.raw.prepare_cached(&sql)?;
            for row in rows {
                statement.execute(rusqlite::params_from_iter(row.iter().map(value)))?;
            }
            Ok(())
        };
        Ok(busy::long(insert).map_err(told)?)
    }

    /// Runs a statement on the bytes and the ids of a file.
    pub(crate) fn update(
        &self,
        sql: &str,
        bytes: &[u8],
        ids: [Uuid; 2],
    ) -> Result<(), StorageError> {
        let [workspace, file] = ids;
        let ids = (bytes, workspace.as_bytes().as_slice(), file.as_bytes().as_slice());
        busy::long(|| self.raw.execute(sql, ids)).map_err(told)?;
        Ok(())
    }

    /// Makes the triggers and the full-text index again, and makes it last.
    pub(crate) fn commit(self) -> Result<(), StorageError> {
        const REBUILD: &str = "INSERT INTO passages_fts (passages_fts) VALUES ('rebuild')";
        busy::long(|| {
            self.raw.execute_batch(REBUILD).map_err(told)?;
            for trigger in &self.triggers {
                self.raw.execute_batch(trigger).map_err(told)?;
            }
            let broken = self.raw.prepare("PRAGMA foreign_key_check").and_then(|mut check| {
                let tables = check.query_map([], |row| row.get::<_, String>(0))?;
                tables.collect::<Result<Vec<_>, _>>()
            });
            if let Some(table) = broken.map_err(told)?.first() {
                let fault = format!("rows of `{table}` refer to rows that are not there");
                return Err(StorageError::Copy(fault));
            }

            self.raw.execute_batch("COMMIT").map_err(told)?;
            // What is in the file itself needs no log to survive a loss of power.
            self.raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(told)?;
            Ok(())
        })
    }
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => Value::Integer(*number),
        Cell::Real(number) => Value::Real(*number),
        Cell::Text(text) => Value::Text(text.clone()),
        Cell::Blob(bytes) => Value::Blob(bytes.clone()),
    }
}
