//! Applying and taking back migrations.
//!
//! What has been applied stands in the same table, and in the same words, as the migrator of the
//! other driver writes it.

use std::{collections::HashMap, time::Instant};

use rusqlite::{Connection, TransactionBehavior};
use sqlx::migrate::{MigrateError, Migration, Migrator};

use super::{Sqlite, busy, error::told};

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS _sqlx_migrations (
        version BIGINT PRIMARY KEY,
        description TEXT NOT NULL,
        installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        success BOOLEAN NOT NULL,
        checksum BLOB NOT NULL,
        execution_time BIGINT NOT NULL
    )";

impl Sqlite {
    /// Applies the migrations that are missing.
    pub(crate) async fn migrate_up(&self, migrator: &Migrator) -> Result<(), MigrateError> {
        self.unchecked(|raw| up(raw, migrator)).await
    }

    /// Takes back the migrations above `target`, newest first.
    pub(crate) async fn migrate_down(
        &self,
        migrator: &Migrator,
        target: i64,
    ) -> Result<(), MigrateError> {
        self.unchecked(|raw| down(raw, migrator, target)).await
    }

    /// The numbers of the migrations that have been applied, oldest first.
    pub(crate) async fn applied_migrations(&self) -> Result<Vec<i64>, MigrateError> {
        let lease = self.writer().await?;
        let mut numbers: Vec<_> = applied(lease.raw())?.into_keys().collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Does `work` on a connection that does not check foreign keys, while nobody else writes: a
    /// table can be changed only by making it again, and others refer to it in the meantime.
    /// Afterwards looks whether all rows still refer to something.
    async fn unchecked(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<(), MigrateError>,
    ) -> Result<(), MigrateError> {
        let _writer = self.writer().await?;
        busy::long(|| {
            let mut raw = self.0.file.connect_raw().map_err(told)?;
            raw.execute_batch("PRAGMA foreign_keys = OFF").map_err(told)?;
            work(&mut raw)?;
            check(&raw)
        })
    }
}

/// Looks for a row that refers to one that is not there.
fn check(raw: &Connection) -> Result<(), MigrateError> {
    let broken = raw.query_row("PRAGMA foreign_key_check", [], |row| row.get::<_, String>(0));
    match broken {
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(()),
        Err(error) => Err(told(error).into()),
        Ok(table) => {
            let why = format!("rows of `{table}` refer to rows that are not there");
            Err(MigrateError::Source(why.into()))
        }
    }
}

/// The migrations that have been applied: their numbers, and the checksums of their texts.
fn applied(raw: &Connection) -> Result<HashMap<i64, Vec<u8>>, MigrateError> {
    raw.execute_batch(TABLE).map_err(told)?;
    let read = || {
        let mut statement =
            raw.prepare("SELECT version, checksum, success FROM _sqlx_migrations")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, bool>(2)?))
        })?;
        rows.collect::<Result<Vec<_>, _>>()
    };

    let mut applied = HashMap::new();
    for (number, checksum, is_whole) in read().map_err(told)? {
        if !is_whole {
            return Err(MigrateError::Dirty(number));
        }
        applied.insert(number, checksum);
    }
    Ok(applied)
}

/// [`applied`], of which the program knows every one.
fn known(raw: &Connection, migrator: &Migrator) -> Result<HashMap<i64, Vec<u8>>, MigrateError> {
    let applied = applied(raw)?;
    let unknown = applied.keys().filter(|number| migrator.iter().all(|m| m.version != **number));
    match unknown.min() {
        Some(number) => Err(MigrateError::VersionMissing(*number)),
        None => Ok(applied),
    }
}

fn up(raw: &mut Connection, migrator: &Migrator) -> Result<(), MigrateError> {
    let applied = known(raw, migrator)?;
    for migration in migrator.iter().filter(|m| !m.migration_type.is_down_migration()) {
        match applied.get(&migration.version) {
            None => apply(raw, migration)?,
            Some(checksum) if *checksum == *migration.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(migration.version)),
        }
    }
    Ok(())
}

fn down(raw: &mut Connection, migrator: &Migrator, target: i64) -> Result<(), MigrateError> {
    let applied = known(raw, migrator)?;
    let undone = migrator
        .iter()
        .rev()
        .filter(|m| m.migration_type.is_down_migration())
        .filter(|m| m.version > target && applied.contains_key(&m.version));
    for migration in undone {
        revert(raw, migration)?;
    }
    Ok(())
}

fn apply(raw: &mut Connection, migration: &Migration) -> Result<(), MigrateError> {
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM _sqlx_migrations WHERE version = ?1)";
    const NOTE: &str = "
        INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (?1, ?2, TRUE, ?3, ?4)";
    let number = migration.version;
    let failed = |error| MigrateError::ExecuteMigration(told(error), number);
    let began = Instant::now();
    let tx = raw.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;

    // Another process may have been faster.
    if tx.query_row(FIND, [number], |row| row.get(0)).map_err(failed)? {
        return Ok(());
    }

    tx.execute_batch(migration.sql.as_str()).map_err(failed)?;
    let time = i64::try_from(began.elapsed().as_nanos()).unwrap_or(i64::MAX);
    tx.execute(NOTE, (number, &*migration.description, &*migration.checksum, time))
        .map_err(failed)?;
    tx.commit().map_err(failed)
}

fn revert(raw: &mut Connection, migration: &Migration) -> Result<(), MigrateError> {
    let number = migration.version;
    let failed = |error| MigrateError::ExecuteMigration(told(error), number);
    let tx = raw.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    tx.execute_batch(migration.sql.as_str()).map_err(failed)?;
    tx.execute("DELETE FROM _sqlx_migrations WHERE version = ?1", [number]).map_err(failed)?;
    tx.commit().map_err(failed)
}
