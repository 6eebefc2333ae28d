//! What is copied of a table: its rows, in a form that both databases share. [`crate::copy`] is the
//! way in.

use std::collections::{BTreeMap, BTreeSet};

use crate::StorageError;

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A number, or 0 and 1 for no and yes.
    Integer(i64),
    /// A number that is not whole.
    Real(f64),
    /// A text, JSON, a time (RFC 3339) or a day.
    Text(String),
    /// Bytes, or an id of 16 bytes.
    Blob(Vec<u8>),
}

/// A table and its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The names of its columns, in the order of the alphabet.
    pub columns: Vec<String>,
}

/// Tables that tell of a moment and not of the installation.
const PASSING: [&str; 3] = ["processes", "database_sizes", "_sqlx_migrations"];

/// What is derived from tables begins so: the full-text index of `SQLite`, and the vectors that
/// pgvector searches.
const DERIVED: [&str; 3] = ["passages_fts", "neighbour", "sqlite_"];

/// Is the table copied?
pub(crate) fn is_copied(table: &str) -> bool {
    !PASSING.contains(&table) && !DERIVED.iter().any(|start| table.starts_with(start))
}

/// A name in a statement.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(crate) fn list(columns: &[String]) -> String {
    columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

/// Tables so that each comes after those that its rows refer to.
pub(crate) fn in_order(
    columns: BTreeMap<String, BTreeSet<String>>,
    references: &[(String, String)],
) -> Result<Vec<Table>, StorageError> {
    let mut left = columns;
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let waits = |table: &str| {
            references
                .iter()
                .any(|(from, to)| from == table && to != table && left.contains_key(to))
        };
        let ready: Vec<String> = left.keys().filter(|table| !waits(table)).cloned().collect();
        if ready.is_empty() {
            let tables: Vec<_> = left.into_keys().collect();
            return Err(StorageError::Copy(format!("{} refer to each other", tables.join(", "))));
        }
        for name in ready {
            let columns = left.remove(&name).unwrap_or_default().into_iter().collect();
            ordered.push(Table { name, columns });
        }
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(names: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
        names.iter().map(|name| ((*name).to_owned(), BTreeSet::new())).collect()
    }

    fn references(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
    }

    #[test]
    fn a_table_comes_after_those_it_refers_to_and_a_circle_is_an_error() {
        let found = in_order(
            tables(&["a", "b", "c", "d"]),
            &references(&[("a", "c"), ("c", "d"), ("d", "d"), ("b", "elsewhere")]),
        );
        let names: Vec<_> = found.unwrap().into_iter().map(|table| table.name).collect();
        assert_eq!(names, ["b", "d", "c", "a"]);

        let circle = in_order(tables(&["a", "b"]), &references(&[("a", "b"), ("b", "a")]));
        assert!(circle.unwrap_err().to_string().contains("a, b refer to each other"));
    }
}
