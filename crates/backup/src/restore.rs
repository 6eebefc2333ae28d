//! Loading a backup into an empty home.

use std::path::Path;

use chrono::{DateTime, Utc};
use replyx_files::Key;
use replyx_storage::{
    Db, StorageError,
    copy::{Loading, Table},
};

use crate::{
    BackupError, Header, Opener, PAUSED, Sum, cells,
    format::{Part, Reader},
    summary::Summary,
};

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the backup says of itself.
    pub header: Header,
    /// How many rows there are.
    pub rows: u64,
    /// The files, whether they are now in the store or in the database.
    pub files: Sum,
}

/// Loads a backup into an empty database and its store of files, and pauses the home.
///
/// `keys` are the ids of the master secrets of this home. Nobody else may work on the database in
/// the meantime.
///
/// # Errors
///
/// Nothing of a backup lasts that is cut or damaged, needs another key, or is refused because the
/// database has rows.
pub async fn restore(
    db: &Db,
    path: &Path,
    opener: &Opener,
    keys: &[String],
    now: DateTime<Utc>,
    progress: impl FnMut(&str, &Sum),
) -> Result<Restored, BackupError> {
    let (mut reader, header) = Reader::open(path, opener)?;
    if let Some(needed) = header.keys.first().filter(|needed| !keys.contains(needed)) {
        let found = keys.first().cloned().unwrap_or_default();
        return Err(BackupError::Key { needed: needed.clone(), found });
    }
    prepare(db, &header).await?;

    let mut kept = Vec::new();
    let loaded = load(db, &mut reader, &mut kept, now, progress).await;
    if loaded.is_err() {
        // Nothing names them. What cannot be deleted is an orphan, which the sweep finds.
        for key in kept {
            drop(db.files().delete(key).await);
        }
    }
    let summary = loaded?;

    // Tables of an earlier version become those of this one.
    db.migrate().await?;
    let rows = summary.tables.values().map(|sum| sum.count).sum();
    Ok(Restored { header, rows, files: summary.files })
}

/// Brings an empty database to the migrations of the backup.
async fn prepare(db: &Db, header: &Header) -> Result<(), BackupError> {
    let known = db.migrations().await?;
    let unknown =
        header.migrations.iter().find(|number| known.iter().all(|step| step.number != **number));
    if let Some(migration) = unknown {
        let program = header.program.clone();
        return Err(BackupError::Newer { program, migration: *migration });
    }
    if !db.is_unused().await? {
        return Err(BackupError::Used);
    }

    let has = |number: i64| header.migrations.contains(&number);
    if known.iter().any(|step| step.applied && !has(step.number)) {
        // There are no rows that this could delete.
        db.migrate_down(known.len()).await?;
    }
    Ok(db.migrate_to(&header.migrations).await?)
}

/// Loads everything in one transaction; `kept` are the files that were written to the store.
async fn load(
    db: &Db,
    reader: &mut Reader,
    kept: &mut Vec<Key>,
    now: DateTime<Utc>,
    mut progress: impl FnMut(&str, &Sum),
) -> Result<Summary, BackupError> {
    let mut loading = db.load().await?;
    let mut summary = Summary::default();
    let mut current: Option<Table> = None;
    let written = loop {
        match reader.next()? {
            Part::Table(table) => {
                told(current.as_ref(), &summary, &mut progress);
                summary.tables.entry(table.name.clone()).or_default();
                current = Some(table);
            }
            Part::Rows(bytes) => {
                let table = current.as_ref().ok_or_else(|| reader.damaged())?;
                let sum = summary.tables.entry(table.name.clone()).or_default();
                rows(&mut loading, table, &bytes, sum).await?.ok_or_else(|| reader.damaged())?;
            }
            Part::File(key, bytes) => {
                told(current.take().as_ref(), &summary, &mut progress);
                summary.files.add(&[key.file.into_uuid().as_bytes(), bytes.as_slice()].concat());
                keep(db, &mut loading, kept, key, bytes).await?;
            }
            Part::Summary(written) => break written,
        }
    };
    told(current.as_ref(), &summary, &mut progress);
    progress("files", &summary.files);

    if let Some(difference) = written.difference(&summary) {
        return Err(BackupError::Damaged(difference));
    }
    loading.set(PAUSED, "true", now).await?;
    loading.commit().await?;
    Ok(summary)
}

/// Tells of a table that is complete.
fn told(table: Option<&Table>, summary: &Summary, progress: &mut impl FnMut(&str, &Sum)) {
    if let Some(table) = table {
        progress(&table.name, &summary.tables[&table.name]);
    }
}

/// Writes the rows of a part; `None`: they cannot be read.
async fn rows(
    loading: &mut Loading,
    table: &Table,
    mut bytes: &[u8],
    sum: &mut Sum,
) -> Result<Option<()>, StorageError> {
    let mut rows = Vec::new();
    while !bytes.is_empty() {
        let before = bytes;
        let Some(row) = cells::read(&mut bytes, table.columns.len()) else { return Ok(None) };
        sum.add(&before[..before.len() - bytes.len()]);
        rows.push(row);
    }
    loading.insert(table, &rows).await?;
    Ok(Some(()))
}

/// Keeps a file where this home keeps files of its size.
async fn keep(
    db: &Db,
    loading: &mut Loading,
    kept: &mut Vec<Key>,
    key: Key,
    bytes: Vec<u8>,
) -> Result<(), BackupError> {
    if db.files().is_outside() {
        kept.push(key);
        Ok(db.files().put(key, bytes).await?)
    } else {
        Ok(loading.inline(key, &bytes).await?)
    }
}
