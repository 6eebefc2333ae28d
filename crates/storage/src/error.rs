//! What can go wrong with a database.

/// A database operation failed.
///
/// "Not found" is not here: look-ups return `Option`, because what a missing row means is the caller's
/// business.
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

    /// A statement touched more or fewer rows than it was meant to: the row is not there, or is not the
    /// caller's.
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
    #[error("the folder `{folder}` cannot be made")]
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

    /// An earlier statement of the transaction failed: all of it is undone.
    #[error("an earlier statement of the transaction failed")]
    Undone,

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

    /// May the same transaction succeed when it is tried again? (A deadlock or a lost connection.)
    pub fn is_transient(&self) -> bool {
        let Self::Driver(error) = self else { return false };
        match error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
            sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                matches!(
                    code.as_ref(),
                    "40001" | "40P01" | "53300" | "57P01" | "57P02" | "57P03" | "5" | "517"
                )
            }),
            _ => false,
        }
    }

    /// Was no connection free, or none to be had, in time?
    pub(crate) const fn is_timeout(&self) -> bool {
        matches!(self, Self::Driver(sqlx::Error::PoolTimedOut))
    }

    /// Checks that exactly one row changed.
    pub(crate) const fn expect_one_row(table: &'static str, actual: u64) -> Result<(), Self> {
        if actual == 1 { Ok(()) } else { Err(Self::RowsAffected { table, actual }) }
    }

    /// Wraps a value that cannot be read.
    pub(crate) fn corrupt<E>(table: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |error| Self::Corrupt { table, source: error.into() }
    }
}
