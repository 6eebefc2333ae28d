//! Bringing the schema up to date, and back.
//!
//! Migrations stand in `migrations/{sqlite,postgres}` under the same numbers and names; each has a down.
//! A new one is added to [`MIGRATIONS`].

use std::borrow::Cow;

use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use crate::{Db, StorageError, db::Pool};

struct Step {
    number: i64,
    name: &'static str,
    /// Up and down, for `SQLite`.
    sqlite: [&'static str; 2],
    /// Up and down, for `PostgreSQL`.
    postgres: [&'static str; 2],
}

macro_rules! steps {
    ($($number:literal $file:literal),+ $(,)?) => {
        &[$(Step {
            number: $number,
            name: $file,
            sqlite: [
                include_str!(concat!("../migrations/sqlite/", $file, ".up.sql")),
                include_str!(concat!("../migrations/sqlite/", $file, ".down.sql")),
            ],
            postgres: [
                include_str!(concat!("../migrations/postgres/", $file, ".up.sql")),
                include_str!(concat!("../migrations/postgres/", $file, ".down.sql")),
            ],
        }),+]
    };
}

const MIGRATIONS: &[Step] = steps![
    1 "0001_foundation",
    2 "0002_knowledge",
    3 "0003_conversation",
    4 "0004_accounts",
    5 "0005_right_answers",
];

/// A name for what all migrations make together: another text of any of them is another name.
#[cfg(feature = "testing")]
pub(crate) fn fingerprint() -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};

    let mut hasher = DefaultHasher::new();
    for step in MIGRATIONS {
        (step.number, step.sqlite, step.postgres).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// Whether a migration has been applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationState {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: &'static str,
    /// Has it been applied?
    pub applied: bool,
}

impl Db {
    /// Applies what has not been applied yet. Several processes may do so at once: one does, the others
    /// wait.
    ///
    /// # Errors
    ///
    /// Fails when a migration does, or when an applied one has been changed since.
    pub async fn migrate(&self) -> Result<(), StorageError> {
        match &self.pool {
            Pool::Postgres(pool) => self.migrator().run(pool).await,
            Pool::Sqlite { writer, .. } => self.migrator().run(writer).await,
        }
        .map_err(StorageError::Migrate)
    }

    /// Takes back the newest `count` applied migrations, with the data they hold.
    ///
    /// # Errors
    ///
    /// Fails when a down migration does.
    pub async fn migrate_down(&self, count: usize) -> Result<(), StorageError> {
        let applied: Vec<i64> = self
            .migrations()
            .await?
            .into_iter()
            .filter(|state| state.applied)
            .map(|state| state.number)
            .collect();
        let target = applied.len().checked_sub(count + 1).map_or(0, |at| applied[at]);
        match &self.pool {
            Pool::Postgres(pool) => self.migrator().undo(pool, target).await,
            Pool::Sqlite { writer, .. } => self.migrator().undo(writer, target).await,
        }
        .map_err(StorageError::Migrate)
    }

    /// Every migration this program knows, oldest first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn migrations(&self) -> Result<Vec<MigrationState>, StorageError> {
        let applied: Vec<i64> = match &self.pool {
            Pool::Postgres(pool) => applied(&mut *pool.acquire().await?).await,
            Pool::Sqlite { writer, .. } => applied(&mut *writer.acquire().await?).await,
        }
        .map_err(StorageError::Migrate)?;
        Ok(MIGRATIONS
            .iter()
            .map(|step| MigrationState {
                number: step.number,
                name: step.name,
                applied: applied.contains(&step.number),
            })
            .collect())
    }

    fn migrator(&self) -> Migrator {
        let kinds = [MigrationType::ReversibleUp, MigrationType::ReversibleDown];
        let texts = |step: &Step| if self.is_shared() { step.postgres } else { step.sqlite };
        let migrations = MIGRATIONS
            .iter()
            .flat_map(|step| {
                kinds.into_iter().zip(texts(step)).map(|(kind, sql)| {
                    let sql = AssertSqlSafe(sql).into_sql_str();
                    Migration::new(step.number, Cow::Borrowed(step.name), kind, sql, false)
                })
            })
            .collect();
        Migrator::with_migrations(migrations)
    }
}

async fn applied<C: Migrate>(conn: &mut C) -> Result<Vec<i64>, sqlx::migrate::MigrateError> {
    const TABLE: &str = "_sqlx_migrations";
    conn.ensure_migrations_table(TABLE).await?;
    let applied = conn.list_applied_migrations(TABLE).await?;
    Ok(applied.into_iter().map(|migration| migration.version).collect())
}
