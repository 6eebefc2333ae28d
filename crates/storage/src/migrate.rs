//! Bringing the schema up to date, and back.
//!
//! Migrations stand in `migrations/{sqlite,postgres}` under the same numbers and names; each has a
//! down. A new one is added to [`MIGRATIONS`].

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
    6 "0006_service_keys",
    7 "0007_bots_and_groups_move",
    8 "0008_money",
    9 "0009_fair_turns",
    10 "0010_installation",
    11 "0011_documents",
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

/// How the schema of the database stands to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// It is the program's.
    Current,
    /// So many migrations of the program are not applied.
    Behind(usize),
    /// So many applied migrations are not known to the program: a newer one has been here.
    Ahead(usize),
}

/// What taking back a migration deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The table.
    pub table: String,
    /// The column, when the rest of the table stays.
    pub column: Option<String>,
    /// How many rows it has, or how many of them have something in the column.
    pub rows: i64,
}

impl Db {
    /// Applies what has not been applied yet. Several processes may do so at once: one does, the
    /// others wait.
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

    /// What [`Self::migrate_down`] would delete.
    pub async fn losses(&self, count: usize) -> Result<Vec<Loss>, StorageError> {
        let applied: Vec<i64> = self
            .migrations()
            .await?
            .into_iter()
            .filter(|state| state.applied)
            .map(|state| state.number)
            .collect();
        let undone = &applied[applied.len().saturating_sub(count)..];
        let mut losses = Vec::new();
        for step in MIGRATIONS.iter().filter(|step| undone.contains(&step.number)) {
            // Both databases have the same tables and columns; PostgreSQL never copies a table to
            // change it.
            for (table, column) in made_by(step.postgres[0]) {
                if losses.iter().any(|loss: &Loss| loss.table == table && loss.column.is_none()) {
                    continue;
                }
                if let Some(rows) = self.rows(&table, column.as_deref()).await? {
                    losses.push(Loss { table, column, rows });
                }
            }
        }
        Ok(losses)
    }

    /// How many rows a table has, or how many of them have something in a column; nothing when
    /// there is none of that name any more.
    async fn rows(&self, table: &str, column: Option<&str>) -> Result<Option<i64>, StorageError> {
        let what = column.map_or_else(|| "*".to_owned(), |column| format!("\"{column}\""));
        let sql = AssertSqlSafe(format!("SELECT COUNT({what}) FROM \"{table}\"")).into_sql_str();
        let mut tx = self.read().await?;
        let counted = async { Ok(value!(tx, i64, sql.clone()).unwrap_or_default()) }.await;
        match counted {
            Ok(rows) => Ok(Some(rows)),
            Err(StorageError::Driver(sqlx::Error::Database(error))) => {
                let missing = error.code().is_some_and(|code| code == "42P01" || code == "42703")
                    || error.message().starts_with("no such");
                if missing { Ok(None) } else { Err(sqlx::Error::Database(error).into()) }
            }
            Err(error) => Err(error),
        }
    }

    /// How the schema stands to this program. Cheap: it reads one small table.
    pub async fn schema(&self) -> Result<Schema, StorageError> {
        const SQL: &str = "SELECT version FROM _sqlx_migrations WHERE success";
        let mut tx = self.read().await?;
        let read = async { Ok(rows!(tx, (i64,), SQL)) }.await;
        let applied: Vec<i64> = match read {
            Ok(rows) => rows.into_iter().map(|(version,)| version).collect(),
            Err(error @ StorageError::Driver(_)) if error.is_missing_table() => Vec::new(),
            Err(error) => return Err(error),
        };
        let known = |number: &&i64| MIGRATIONS.iter().any(|step| step.number == **number);
        let missing = MIGRATIONS.iter().filter(|step| !applied.contains(&step.number)).count();
        Ok(match (missing, applied.iter().filter(|number| !known(number)).count()) {
            (0, 0) => Schema::Current,
            (0, more) => Schema::Ahead(more),
            (missing, _) => Schema::Behind(missing),
        })
    }

    /// Every migration this program knows, oldest first.
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

/// The tables and the columns of other tables that a migration makes, in its order.
fn made_by(up: &str) -> Vec<(String, Option<String>)> {
    let statements = up.split(';').map(|statement| {
        let code = statement.lines().filter(|line| !line.trim_start().starts_with("--"));
        code.flat_map(str::split_whitespace).collect::<Vec<_>>()
    });
    let name = |word: &str| word.trim_matches(|c| c == '"' || c == '(').to_owned();
    let mut made = Vec::new();
    for words in statements {
        match words.as_slice() {
            ["CREATE", "TABLE", table, ..] => made.push((name(table), None)),
            ["ALTER", "TABLE", table, changes @ ..] => {
                let added = changes.windows(3).filter(|words| words[..2] == ["ADD", "COLUMN"]);
                made.extend(added.map(|words| (name(table), Some(name(words[2])))));
            }
            _ => {}
        }
    }
    made
}

async fn applied<C: Migrate>(conn: &mut C) -> Result<Vec<i64>, sqlx::migrate::MigrateError> {
    const TABLE: &str = "_sqlx_migrations";
    conn.ensure_migrations_table(TABLE).await?;
    let applied = conn.list_applied_migrations(TABLE).await?;
    Ok(applied.into_iter().map(|migration| migration.version).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_migration_makes_is_read_from_its_text() {
        let up = "CREATE TABLE a (x INT);\n-- A comment.\nALTER TABLE b ADD COLUMN c INT, ADD COLUMN \"d\" INT;
                  CREATE INDEX i ON a (x); ALTER TABLE b DROP COLUMN e;";
        let made: Vec<_> = made_by(up);
        let made: Vec<_> =
            made.iter().map(|(table, column)| (table.as_str(), column.as_deref())).collect();
        assert_eq!(made, [("a", None), ("b", Some("c")), ("b", Some("d"))]);
    }
}
