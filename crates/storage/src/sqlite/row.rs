//! One row that a statement has found.

use std::cell::Cell;

use sqlx::Error;

use super::error::told;
use crate::{
    rows::{Column, Columns},
    values::FromValue,
};

/// The row that a statement stands on.
pub(super) struct Row<'r, 's> {
    row: &'r rusqlite::Row<'s>,
    /// Where the next column is looked for first: columns are mostly read in their order.
    next: Cell<usize>,
}

impl<'r, 's> Row<'r, 's> {
    pub(super) const fn new(row: &'r rusqlite::Row<'s>) -> Self {
        Self { row, next: Cell::new(0) }
    }

    fn position(&self, name: &str) -> Option<usize> {
        let statement = self.row.as_ref();
        let count = statement.column_count();
        let first = self.next.get();
        let found = (first..count)
            .chain(0..first.min(count))
            .find(|position| statement.column_name(*position).is_ok_and(|column| column == name))?;
        self.next.set(found + 1);
        Some(found)
    }

    fn value<T: FromValue>(&self, position: usize) -> Result<T, Error> {
        let value = self.row.get_ref(position).map_err(told)?;
        T::from_value(value)
            .map_err(|source| Error::ColumnDecode { index: position.to_string(), source })
    }
}

impl Columns for Row<'_, '_> {
    fn get<T: Column>(&self, name: &'static str) -> Result<T, Error> {
        let position = self.position(name).ok_or_else(|| Error::ColumnNotFound(name.to_owned()))?;
        self.value(position)
    }

    fn at<T: Column>(&self, position: usize) -> Result<T, Error> {
        self.value(position)
    }
}
