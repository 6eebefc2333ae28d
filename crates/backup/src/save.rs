//! Writing a backup.

use std::path::Path;

use chrono::{DateTime, Utc};
use replyx_files::FilesError;
use replyx_storage::{
    Db,
    copy::{Cell, NamedFile, Snapshot, Table},
};

use crate::{BackupError, Header, PAUSED, Seal, Sum, cells, format::Writer, summary::Summary};

/// Rows are written in parts of about this size, bytes.
const PART: usize = 256 * 1024;

/// What a backup says of itself, and who can read it.
#[derive(Clone)]
pub struct Making {
    /// The version of this program.
    pub program: String,
    /// The ids of the master secrets.
    pub keys: Vec<String>,
    /// Whether it is encrypted.
    pub seal: Seal,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// What the backup says of itself.
    pub header: Header,
    /// How many rows it has.
    pub rows: u64,
    /// The files from the store of files.
    pub files: Sum,
    /// How large it is on the disk, bytes.
    pub size: u64,
}

/// Writes a backup of everything that is in the database and its store of files at one moment. The
/// program may run, and is not kept waiting.
///
/// `progress` hears of each table with its rows, and of the files.
///
/// # Errors
///
/// [`BackupError::Exists`] when there is something under the name. What was written until a failure
/// is deleted.
pub async fn save(
    db: &Db,
    path: &Path,
    making: Making,
    now: DateTime<Utc>,
    mut progress: impl FnMut(&str, &Sum),
) -> Result<Saved, BackupError> {
    let failed = |source| BackupError::Io { path: path.to_owned(), source };
    if path.try_exists().map_err(failed)? {
        return Err(BackupError::Exists(path.to_owned()));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let unfinished =
        tempfile::Builder::new().prefix(".backup").tempfile_in(folder).map_err(failed)?;

    let mut snapshot = db.snapshot().await?;
    let header = Header {
        program: making.program,
        made_at: now,
        database: db.backend().to_owned(),
        migrations: snapshot.migrations().await?,
        // What is not sealed needs no key.
        keys: if db.holds_sealed().await? { making.keys } else { Vec::new() },
    };
    let file = unfinished.reopen().map_err(failed)?;
    let mut writer = Writer::begin(path, file, &making.seal, &header)?;

    let mut summary = Summary::default();
    for table in snapshot.tables().await? {
        writer.table(&table)?;
        let sum = rows(&mut snapshot, &table, |part| writer.rows(part)).await?;
        progress(&table.name, &sum);
        summary.tables.insert(table.name, sum);
    }
    let files = snapshot.files().await?;
    drop(snapshot);
    for file in files {
        let Some(bytes) = read(db, &file).await? else { continue };
        summary.files.add(&[file.key.file.into_uuid().as_bytes(), bytes.as_slice()].concat());
        writer.file(file.key, &bytes)?;
    }
    progress("files", &summary.files);

    let size = writer.end(&summary)?;
    unfinished.persist_noclobber(path).map_err(|error| failed(error.error))?;
    let rows = summary.tables.values().map(|sum| sum.count).sum();
    Ok(Saved { header, rows, files: summary.files, size })
}

/// Hands the rows of a table on, in parts; returns what they add up to.
pub(crate) async fn rows(
    snapshot: &mut Snapshot,
    table: &Table,
    mut write: impl FnMut(&[u8]) -> Result<(), BackupError>,
) -> Result<Sum, BackupError> {
    let mut sum = Sum::default();
    let mut part = Vec::with_capacity(PART);
    let mut row = Vec::new();
    snapshot
        .rows(table, |values| {
            if is_pause(table, values) {
                return Ok(());
            }
            row.clear();
            cells::write(values, &mut row);
            sum.add(&row);

            part.extend_from_slice(&row);
            if part.len() >= PART {
                write(&part)?;
                part.clear();
            }
            Ok::<_, BackupError>(())
        })
        .await?;
    if !part.is_empty() {
        write(&part)?;
    }
    Ok(sum)
}

/// That a home is paused is no part of what it holds.
fn is_pause(table: &Table, values: &[Cell]) -> bool {
    table.name == "settings" && values.contains(&Cell::Text(PAUSED.to_owned()))
}

/// The bytes of a file; `None` when it was deleted since, with the rows that named it.
async fn read(db: &Db, file: &NamedFile) -> Result<Option<Vec<u8>>, BackupError> {
    let missing = match db.files().read(file.key, &file.content_hash, file.size).await {
        Ok(bytes) => return Ok(Some(bytes)),
        Err(missing @ FilesError::Missing) => missing,
        Err(error) => return Err(error.into()),
    };
    let named = db.snapshot().await?.files().await?;
    if named.iter().any(|still| still.key == file.key) {
        let name = format!("{}/{}", file.key.workspace, file.key.file);
        return Err(BackupError::MissingFile(name));
    }
    drop(missing);
    Ok(None)
}
