//! Reading rows of both databases in one way.
//!
//! A row is a tuple, read by position, or a struct with `#[derive(FromRow)]`, read by the names of
//! its columns. What a column may be read as is a [`Column`]: a type that both drivers know.

use sqlx::{Decode, Error, Postgres, Row as _, Type, postgres::PgRow};

use crate::values::FromValue;

/// A type that a column of either database can be read as.
pub(crate) trait Column: Type<Postgres> + for<'r> Decode<'r, Postgres> + FromValue {}

impl<T> Column for T where T: Type<Postgres> + for<'r> Decode<'r, Postgres> + FromValue {}

/// The columns of one row.
pub(crate) trait Columns {
    /// Reads the column of this name.
    ///
    /// # Errors
    ///
    /// [`Error::ColumnNotFound`] when the query has no such column, [`Error::ColumnDecode`] when it
    /// holds something else.
    fn get<T: Column>(&self, name: &'static str) -> Result<T, Error>;

    /// Reads the column at this position, counted from 0.
    fn at<T: Column>(&self, position: usize) -> Result<T, Error>;

    /// Reads the column of this name, or takes the default when the query has no such column.
    fn get_or_default<T: Column + Default>(&self, name: &'static str) -> Result<T, Error> {
        match self.get(name) {
            Err(Error::ColumnNotFound(_)) => Ok(T::default()),
            read => read,
        }
    }
}

impl Columns for PgRow {
    fn get<T: Column>(&self, name: &'static str) -> Result<T, Error> {
        self.try_get(name)
    }

    fn at<T: Column>(&self, position: usize) -> Result<T, Error> {
        self.try_get(position)
    }
}

/// What can be read from a row of either database.
pub(crate) trait FromRow: Sized {
    /// Reads it.
    fn from_row(row: &impl Columns) -> Result<Self, Error>;
}

macro_rules! tuples {
    ($(($($type:ident $position:tt),+)),+ $(,)?) => {
        $(impl<$($type: Column),+> FromRow for ($($type,)+) {
            fn from_row(row: &impl Columns) -> Result<Self, Error> {
                Ok(($(row.at::<$type>($position)?,)+))
            }
        })+
    };
}

tuples!(
    (A 0),
    (A 0, B 1),
    (A 0, B 1, C 2),
    (A 0, B 1, C 2, D 3),
    (A 0, B 1, C 2, D 3, E 4),
    (A 0, B 1, C 2, D 3, E 4, F 5),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15),
);
