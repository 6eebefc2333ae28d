//! What can go wrong with a database.

/// Another connection holds what is wanted.
const SQLITE_BUSY: u32 = 5;
/// Another statement of this process does.
const SQLITE_LOCKED: u32 = 6;

/// A database operation failed.
///
/// "Not found" is not here: look-ups return `Option`, because what a missing row means is the
/// caller's business.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A unique or foreign key, or a check, said no.
    #[error("constraint `{name}` was violated")]
    Constraint {
        /// The constraint, or on `SQLite` the columns it is about.
        name: String,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },

    /// A statement touched more or fewer rows than it was meant to: the row is not there, or is not
    /// the caller's.
    #[error("one row of `{table}` should have changed, {actual} did")]
    RowsAffected {
        /// The table.
        table: &'static str,
        /// How many rows changed.
        actual: u64,
    },

    /// A row holds a value that this version of the program cannot read.
    #[error("a row of `{table}` cannot be read")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The address of the database is not one we can use.
    #[error("`DATABASE_URL` must begin with `sqlite:` or `postgres:`")]
    Address,

    /// The folder of the database cannot be made.
    #[error("the folder `{folder}` cannot be created")]
    Folder {
        /// The folder.
        folder: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },

    /// The schema could not be brought up to date.
    #[error("the database schema could not be migrated")]
    Migrate(#[source] sqlx::migrate::MigrateError),

    /// The database belongs to another installation than the one this process began with.
    #[error("the database belongs to another installation")]
    Foreign,

    /// An earlier statement of the transaction failed: all of it is undone.
    #[error("an earlier statement of the transaction failed")]
    Undone,

    /// Tables could not be copied from one database to another.
    #[error("the tables cannot be copied: {0}")]
    Copy(String),

    /// The store of files failed.
    #[error("a file could not be stored or read")]
    Files(#[from] replyx_files::FilesError),

    /// The database or the way to it failed.
    #[error("the database failed")]
    Driver(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        let violated = error.as_database_error().and_then(|error| {
            let name = error.constraint().map_or_else(|| error.message().to_owned(), str::to_owned);
            (!matches!(error.kind(), ErrorKind::Other)).then_some(name)
        });
        match violated {
            Some(name) => Self::Constraint { name, source: error },
            None => Self::Driver(error),
        }
    }
}

impl StorageError {
    /// Did a unique key say no?
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Constraint { source, .. }
            if source.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation))
    }

    /// May the same transaction succeed when it is tried again? (A deadlock, a busy database or a
    /// lost connection.)
    pub fn is_transient(&self) -> bool {
        if self.is_undone() || self.is_locked() || self.is_timeout() {
            return true;
        }
        let error = match self {
            Self::Driver(error) => error,
            Self::Files(error) => return error.is_transient(),
            _ => return false,
        };
        match error {
            sqlx::Error::Io(_) => true,
            sqlx::Error::Database(error) => error
                .code()
                .is_some_and(|code| matches!(code.as_ref(), "53300" | "57P01" | "57P02" | "57P03")),
            _ => false,
        }
    }

    /// Did the database undo the transaction for the sake of another one, so that the whole may be
    /// done again at once? (A deadlock or a conflict.) Nothing of it has lasted, not even when its
    /// commit failed so.
    pub fn is_undone(&self) -> bool {
        let Self::Driver(sqlx::Error::Database(error)) = self else { return false };
        error.code().is_some_and(|code| matches!(code.as_ref(), "40001" | "40P01"))
    }

    /// Is an `SQLite` file locked by another program? It has been waited for already.
    fn is_locked(&self) -> bool {
        let Self::Driver(sqlx::Error::Database(error)) = self else { return false };
        // Codes of SQLite are shorter than others; the reason stands in the lower byte.
        let code = error.code().filter(|code| code.len() < 5).and_then(|code| code.parse().ok());
        code.is_some_and(|code: u32| matches!(code & 0xff, SQLITE_BUSY | SQLITE_LOCKED))
    }

    /// Is a table missing that the statement is about?
    pub fn is_missing_table(&self) -> bool {
        let Self::Driver(sqlx::Error::Database(error)) = self else { return false };
        error.code().is_some_and(|code| code == "42P01")
            || error.message().starts_with("no such table")
    }

    /// Was no connection free, or none to be had, in time?
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Driver(sqlx::Error::PoolTimedOut))
    }

    /// Checks that exactly one row changed.
    pub(crate) const fn expect_one_row(table: &'static str, actual: u64) -> Result<(), Self> {
        if actual == 1 { Ok(()) } else { Err(Self::RowsAffected { table, actual }) }
    }

    /// Checks that one row changed for each of `rows`.
    pub(crate) const fn expect_a_row_each<T>(
        table: &'static str,
        rows: &[T],
        actual: u64,
    ) -> Result<(), Self> {
        if actual == rows.len() as u64 { Ok(()) } else { Err(Self::RowsAffected { table, actual }) }
    }

    /// Wraps a value that cannot be read.
    pub(crate) fn corrupt<E>(table: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |error| Self::Corrupt { table, source: error.into() }
    }
}
