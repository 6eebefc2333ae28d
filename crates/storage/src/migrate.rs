//! Bringing the schema up to date, and back.
//!
//! Migrations stand in `migrations/{sqlite,postgres}` under the same numbers and names; each has a
//! down. A new one is added to [`MIGRATIONS`].

use std::borrow::Cow;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use crate::{Db, StorageError, db::Pool};

struct MigrationTexts {
    number: i64,
    name: &'static str,
    /// Up and down, for `SQLite`.
    sqlite: [&'static str; 2],
    /// Up and down, for `PostgreSQL`.
    postgres: [&'static str; 2],
}

macro_rules! steps {
    ($($number:literal $file:literal),+ $(,)?) => {
        &[$(MigrationTexts {
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

const MIGRATIONS: &[MigrationTexts] = steps![
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
    12 "0012_channels",
    13 "0013_subjects_of_events",
    14 "0014_hook_paths_name_their_bot",
    15 "0015_scheduled_jobs",
    16 "0016_dialogs_by_contact",
    18 "0018_fetched_bytes",
    21 "0021_documents_in_steps",
    22 "0022_suspended_workspaces",
    23 "0023_acts",
    24 "0024_vectors_of_runs",
    26 "0026_files",
    27 "0027_control",
    28 "0028_operators_write",
    29 "0029_inbox",
    30 "0030_attachments",
    31 "0031_waits",
    32 "0032_operators",
    33 "0033_uploads",
    34 "0034_late_answers",
    35 "0035_tags",
    37 "0037_ledger",
    40 "0040_passages_in_steps",
    41 "0041_business_hours",
    42 "0042_kept_answers",
    43 "0043_unsure",
    44 "0044_pauses",
    45 "0045_sla",
    46 "0046_inbox_tools",
    47 "0047_bulk_and_views",
    48 "0048_dialog_terms",
    50 "0050_source_tags",
    51 "0051_wait_notices",
    52 "0052_trials",
    53 "0053_balance_notices",
    54 "0054_member_mail",
    55 "0055_quoted",
    56 "0056_edits",
    57 "0057_commands",
    59 "0059_database_sizes",
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
    /// Which rows, as SQL; empty for all of them.
    pub condition: String,
    /// How many rows go, or how many of them have something in the column.
    pub rows: i64,
}

impl Loss {
    fn is_whole_table(&self) -> bool {
        self.column.is_none() && self.condition.is_empty()
    }
}

impl Db {
    /// Applies the missing migrations. Several processes may do so at once: one does, the
    /// others wait.
    ///
    /// # Errors
    ///
    /// Fails when a migration does, or when an applied one has been changed since.
    pub async fn migrate(&self) -> Result<(), StorageError> {
        let migrator = self.migrator();
        let done = match &self.pool {
            Pool::Postgres(pool) => migrator.run(pool).await,
            Pool::Sqlite(sqlite) => sqlite.migrate_up(&migrator).await,
        };
        done.map_err(StorageError::Migrate)
    }

    /// Applies these migrations and no others, to a database without any.
    ///
    /// # Errors
    ///
    /// Fails when a migration does, or when the program knows none of that number.
    pub async fn migrate_to(&self, numbers: &[i64]) -> Result<(), StorageError> {
        let unknown =
            numbers.iter().find(|number| MIGRATIONS.iter().all(|step| step.number != **number));
        if let Some(number) = unknown {
            return Err(StorageError::Migrate(MigrateError::VersionMissing(*number)));
        }

        let migrator = self.migrator_of(|number| numbers.contains(&number));
        let done = match &self.pool {
            Pool::Postgres(pool) => migrator.run(pool).await,
            Pool::Sqlite(sqlite) => sqlite.migrate_up(&migrator).await,
        };
        done.map_err(StorageError::Migrate)
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
        let migrator = self.migrator();
        let done = match &self.pool {
            Pool::Postgres(pool) => migrator.undo(pool, target).await,
            Pool::Sqlite(sqlite) => sqlite.migrate_down(&migrator, target).await,
        };
        done.map_err(StorageError::Migrate)
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
            for made in lost_with(step.postgres[0]) {
                let Lost { table, column, condition } = &made;
                if losses.iter().any(|loss: &Loss| loss.table == *table && loss.is_whole_table()) {
                    continue;
                }
                let rows = self.rows(table, column.as_deref(), condition).await?;
                if let Some(rows) = rows {
                    let Lost { table, column, condition } = made;
                    losses.push(Loss { table, column, condition, rows });
                }
            }
        }
        Ok(losses)
    }

    /// How many rows a table has, or how many of them have something in a column; nothing when
    /// there is none of that name any more.
    async fn rows(
        &self,
        table: &str,
        column: Option<&str>,
        condition: &str,
    ) -> Result<Option<i64>, StorageError> {
        let what = column.map_or_else(|| "*".to_owned(), |column| format!("\"{column}\""));
        let sql = format!("SELECT COUNT({what}) FROM \"{table}\" {condition}");
        let sql = AssertSqlSafe(sql).into_sql_str();
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
            Pool::Sqlite(sqlite) => sqlite.applied_migrations().await,
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
        self.migrator_of(|_| true)
    }

    fn migrator_of(&self, is_wanted: impl Fn(i64) -> bool) -> Migrator {
        let kinds = [MigrationType::ReversibleUp, MigrationType::ReversibleDown];
        let texts =
            |step: &MigrationTexts| if self.is_shared() { step.postgres } else { step.sqlite };
        let migrations = MIGRATIONS
            .iter()
            .filter(|step| is_wanted(step.number))
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

/// What goes when a migration is taken back.
#[derive(Debug, PartialEq, Eq)]
struct Lost {
    table: String,
    /// The column, when the rest of the table stays.
    column: Option<String>,
    /// Which rows go, as SQL, when not all do.
    condition: String,
}

/// How a migration that moves what was there says which rows its way back loses, rather than all of
/// the tables that it makes. The columns that it adds are lost in any case.
const LOST: &str = "-- Lost on the way back: ";

/// What goes when a migration is taken back: the tables that it makes, unless it says itself which
/// rows, and the columns that it adds to other tables, in its order.
fn lost_with(up: &str) -> Vec<Lost> {
    let said = up.lines().filter_map(|line| line.strip_prefix(LOST)).map(|what| {
        let (table, condition) = what.split_once(' ').unwrap_or((what, ""));
        Lost { table: table.to_owned(), column: None, condition: condition.to_owned() }
    });
    let mut made: Vec<_> = said.collect();
    let moves_rows = !made.is_empty();

    let statements = up.split(';').map(|statement| {
        let code = statement.lines().filter(|line| !line.trim_start().starts_with("--"));
        code.flat_map(str::split_whitespace).collect::<Vec<_>>()
    });
    let lost = |table: &str, column: Option<&str>| {
        let name = |word: &str| word.trim_matches(|c| c == '"' || c == '(').to_owned();
        Lost { table: name(table), column: column.map(name), condition: String::new() }
    };
    for words in statements {
        match words.as_slice() {
            ["CREATE", "TABLE", ..] if moves_rows => {}
            ["CREATE", "TABLE", table, ..] => made.push(lost(table, None)),
            ["ALTER", "TABLE", table, changes @ ..] => {
                let added = changes.windows(3).filter(|words| words[..2] == ["ADD", "COLUMN"]);
                made.extend(added.map(|words| lost(table, Some(words[2]))));
            }
            _ => {}
        }
    }
    made
}

async fn applied<C: Migrate>(conn: &mut C) -> Result<Vec<i64>, MigrateError> {
    const TABLE: &str = "_sqlx_migrations";
    conn.ensure_migrations_table(TABLE).await?;
    let applied = conn.list_applied_migrations(TABLE).await?;
    Ok(applied.into_iter().map(|migration| migration.version).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(up: &str) -> Vec<(String, Option<String>, String)> {
        lost_with(up).into_iter().map(|lost| (lost.table, lost.column, lost.condition)).collect()
    }

    #[test]
    fn what_a_migration_makes_is_read_from_its_text() {
        let up = "CREATE TABLE a (x INT);\n-- A comment.\nALTER TABLE b ADD COLUMN c INT, ADD COLUMN \"d\" INT;
                  CREATE INDEX i ON a (x); ALTER TABLE b DROP COLUMN e;";
        let made = |table: &str, column: Option<&str>| {
            (table.to_owned(), column.map(str::to_owned), String::new())
        };
        assert_eq!(lost(up), [made("a", None), made("b", Some("c")), made("b", Some("d"))]);
    }

    #[test]
    fn a_migration_that_moves_rows_says_which_its_way_back_loses_and_loses_its_columns() {
        let up = "-- Lost on the way back: b WHERE kind <> 'x'\nCREATE TABLE a (x INT);
                  ALTER TABLE c ADD COLUMN d INT;";
        let rows = ("b".to_owned(), None, "WHERE kind <> 'x'".to_owned());
        let column = ("c".to_owned(), Some("d".to_owned()), String::new());
        assert_eq!(lost(up), [rows, column]);
    }
}
