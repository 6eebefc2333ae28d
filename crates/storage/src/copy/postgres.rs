//! Copies on `PostgreSQL`.
//!
//! Rows are read as the types of `SQLite`, and written with `COPY`, whose text every type reads.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write,
};

use chrono::{DateTime, SecondsFormat};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};

use crate::{
    StorageError,
    cells::{Cell, Table, in_order, is_copied, list, quoted},
};

/// How a column is read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Real,
    Text,
    Bytes,
    Id,
    Flag,
    Time,
    Day,
}

impl Kind {
    fn of(type_name: &str) -> Option<Self> {
        Some(match type_name {
            "smallint" | "integer" | "bigint" => Self::Integer,
            "real" | "double precision" => Self::Real,
            "text" | "character varying" | "json" | "jsonb" => Self::Text,
            "bytea" => Self::Bytes,
            "uuid" => Self::Id,
            "boolean" => Self::Flag,
            "timestamp with time zone" => Self::Time,
            "date" => Self::Day,
            _ => return None,
        })
    }

    /// A column as a type that is read as a cell.
    fn expression(self, column: &str) -> String {
        let column = quoted(column);
        match self {
            Self::Integer => format!("{column}::bigint"),
            Self::Real => format!("{column}::double precision"),
            Self::Text => format!("{column}::text"),
            Self::Bytes => column,
            Self::Id => format!("uuid_send({column})"),
            Self::Flag => format!("{column}::int::bigint"),
            // Exact: since version 14 this is no floating-point number.
            Self::Time => format!("(extract(epoch FROM {column}) * 1000000)::bigint"),
            Self::Day => format!("to_char({column}, 'YYYY-MM-DD')"),
        }
    }

    fn read(self, row: &PgRow, at: usize) -> Result<Cell, StorageError> {
        Ok(match self {
            Self::Integer | Self::Flag => {
                row.try_get::<Option<i64>, _>(at)?.map_or(Cell::Null, Cell::Integer)
            }
            Self::Real => row.try_get::<Option<f64>, _>(at)?.map_or(Cell::Null, Cell::Real),
            Self::Text | Self::Day => {
                row.try_get::<Option<String>, _>(at)?.map_or(Cell::Null, Cell::Text)
            }
            Self::Bytes | Self::Id => {
                row.try_get::<Option<Vec<u8>>, _>(at)?.map_or(Cell::Null, Cell::Blob)
            }
            Self::Time => match row.try_get::<Option<i64>, _>(at)? {
                None => Cell::Null,
                Some(micros) => {
                    let time = DateTime::from_timestamp_micros(micros).ok_or_else(|| {
                        StorageError::Copy(format!("{micros} microseconds are no time"))
                    })?;
                    Cell::Text(time.to_rfc3339_opts(SecondsFormat::AutoSi, false))
                }
            },
        })
    }

    /// Appends a value in the text form of `COPY`. `None`: the column cannot hold it.
    fn write(self, cell: &Cell, text: &mut String) -> Option<()> {
        let written = match (self, cell) {
            (_, Cell::Null) => write!(text, "\\N"),
            (Self::Integer | Self::Real, Cell::Integer(number)) => write!(text, "{number}"),
            (Self::Flag, Cell::Integer(flag @ (0 | 1))) => {
                write!(text, "{}", if *flag == 1 { 't' } else { 'f' })
            }
            (Self::Real, Cell::Real(number)) => write!(text, "{number:?}"),
            (Self::Text | Self::Time | Self::Day, Cell::Text(words)) => {
                escape(words, text);
                Ok(())
            }
            (Self::Bytes, Cell::Blob(bytes)) => {
                text.push_str("\\\\x");
                hex(bytes, text);
                Ok(())
            }
            (Self::Id, Cell::Blob(bytes)) if bytes.len() == 16 => {
                hex(bytes, text);
                Ok(())
            }
            _ => return None,
        };
        written.ok()
    }
}

fn escape(words: &str, text: &mut String) {
    for letter in words.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            letter => text.push(letter),
        }
    }
}

fn hex(bytes: &[u8], text: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// What is known of the tables that rows are loaded into.
pub(super) struct Kinds {
    columns: HashMap<(String, String), Kind>,
    /// Tables whose triggers are off until the end.
    silenced: Vec<String>,
}

/// The columns that hold values of their own, by table and name.
async fn columns(
    conn: &mut PgConnection,
) -> Result<BTreeMap<(String, String), Kind>, StorageError> {
    const SQL: &str = "
        SELECT c.table_name::text, c.column_name::text, c.data_type::text
          FROM information_schema.columns c
          JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE c.table_schema = current_schema() AND c.is_generated = 'NEVER'
           AND t.table_type = 'BASE TABLE'";
    let found: Vec<(String, String, String)> = sqlx::query_as(SQL).fetch_all(conn).await?;
    let copied = found.into_iter().filter(|(table, ..)| is_copied(table));
    copied
        .map(|(table, column, type_name)| match Kind::of(&type_name) {
            Some(kind) => Ok(((table, column), kind)),
            None => {
                Err(StorageError::Copy(format!("`{table}.{column}` is of the type `{type_name}`")))
            }
        })
        .collect()
}

/// The tables in their order.
pub(super) async fn tables(conn: &mut PgConnection) -> Result<Vec<Table>, StorageError> {
    const REFERENCES: &str = "
        SELECT f.relname::text, t.relname::text
          FROM pg_constraint c
          JOIN pg_class f ON f.oid = c.conrelid
          JOIN pg_class t ON t.oid = c.confrelid
         WHERE c.contype = 'f' AND f.relnamespace = current_schema()::regnamespace";
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    for (table, column) in columns(conn).await?.into_keys() {
        found.entry(table).or_default().insert(column);
    }
    let references: Vec<(String, String)> = sqlx::query_as(REFERENCES).fetch_all(conn).await?;
    in_order(found, &references)
}

/// Every row of a table.
pub(super) async fn rows<E: From<StorageError>>(
    conn: &mut PgConnection,
    table: &Table,
    mut each: impl FnMut(&[Cell]) -> Result<(), E>,
) -> Result<(), E> {
    let known = columns(conn).await?;
    let kinds = kinds_of(&table.columns, |column| {
        known.get(&(table.name.clone(), column.to_owned())).copied()
    });
    let kinds = kinds.map_err(|column| missing(table, column))?;
    let shown: Vec<_> =
        kinds.iter().zip(&table.columns).map(|(kind, name)| kind.expression(name)).collect();
    let sql = format!("SELECT {} FROM {}", shown.join(", "), quoted(&table.name));

    let mut found = sqlx::query(AssertSqlSafe(sql)).fetch(conn);
    let mut cells = Vec::with_capacity(kinds.len());
    while let Some(row) = found.try_next().await.map_err(StorageError::from)? {
        cells.clear();
        for (at, kind) in kinds.iter().enumerate() {
            cells.push(kind.read(&row, at)?);
        }
        each(&cells)?;
    }
    Ok(())
}

fn kinds_of(columns: &[String], of: impl Fn(&str) -> Option<Kind>) -> Result<Vec<Kind>, &String> {
    columns.iter().map(|column| of(column).ok_or(column)).collect()
}

fn missing(table: &Table, column: &str) -> StorageError {
    StorageError::Copy(format!("there is no column `{}.{column}`", table.name))
}

/// Switches triggers off, until [`finish`].
pub(super) async fn begin(conn: &mut PgConnection) -> Result<Kinds, StorageError> {
    const TRIGGERS: &str = "
        SELECT DISTINCT c.relname::text
          FROM pg_trigger t
          JOIN pg_class c ON c.oid = t.tgrelid
         WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace";
    let columns = columns(conn).await?.into_iter().collect();
    let silenced: Vec<String> = sqlx::query_scalar(TRIGGERS).fetch_all(&mut *conn).await?;
    for table in &silenced {
        alter(conn, table, "DISABLE TRIGGER USER").await?;
    }
    Ok(Kinds { columns, silenced })
}

async fn alter(conn: &mut PgConnection, table: &str, how: &str) -> Result<(), StorageError> {
    let sql = format!("ALTER TABLE {} {how}", quoted(table));
    sqlx::query(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

/// Writes rows into a table.
pub(super) async fn insert(
    conn: &mut PgConnection,
    kinds: &Kinds,
    table: &Table,
    rows: &[Vec<Cell>],
) -> Result<(), StorageError> {
    let of = |column: &str| kinds.columns.get(&(table.name.clone(), column.to_owned())).copied();
    let kinds = kinds_of(&table.columns, of).map_err(|column| missing(table, column))?;

    let mut text = String::new();
    for row in rows {
        for (at, (kind, cell)) in kinds.iter().zip(row).enumerate() {
            if at > 0 {
                text.push('\t');
            }
            kind.write(cell, &mut text).ok_or_else(|| {
                let column = &table.columns[at];
                StorageError::Copy(format!("`{}.{column}` cannot hold a value", table.name))
            })?;
        }
        text.push('\n');
    }

    let sql = format!("COPY {} ({}) FROM STDIN", quoted(&table.name), list(&table.columns));
    let mut copy = conn.copy_in_raw(&sql).await?;
    copy.send(text.into_bytes()).await?;
    copy.finish().await?;
    Ok(())
}

/// Lets numbers that the database gives out go on behind those of the rows, and switches triggers
/// on again.
pub(super) async fn finish(conn: &mut PgConnection, kinds: &Kinds) -> Result<(), StorageError> {
    const NUMBERED: &str = "
        SELECT table_name::text, column_name::text FROM information_schema.columns
         WHERE table_schema = current_schema() AND is_identity = 'YES'";
    let numbered: Vec<(String, String)> = sqlx::query_as(NUMBERED).fetch_all(&mut *conn).await?;
    for (table, column) in numbered.into_iter().filter(|(table, _)| is_copied(table)) {
        let sql = format!(
            "SELECT setval(pg_get_serial_sequence($1, $2), GREATEST(MAX({}), 1), MAX({}) IS NOT NULL) FROM {}",
            quoted(&column),
            quoted(&column),
            quoted(&table)
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(quoted(&table))
            .bind(&column)
            .execute(&mut *conn)
            .await?;
    }
    for table in &kinds.silenced {
        alter(conn, table, "ENABLE TRIGGER USER").await?;
    }
    Ok(())
}
