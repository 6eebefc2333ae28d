//! Proving a backup by restoring it.

use std::path::Path;

use chrono::{DateTime, Utc};
use replyx_files::{Files, FilesError};
use replyx_storage::{Db, PoolSize};

use crate::{
    BackupError, Opener, Sum,
    format::{Part, Reader},
    restore::{Restored, restore},
    save::rows,
    summary::Summary,
};

/// Restores a backup into a temporary home beside it, and compares every row and every file. No key
/// but that of an encrypted backup is needed, and no connection is opened.
///
/// # Errors
///
/// [`BackupError::Differs`] and whatever [`restore`] refuses.
pub async fn verify(
    path: &Path,
    opener: &Opener,
    now: DateTime<Utc>,
    progress: impl FnMut(&str, &Sum),
) -> Result<Restored, BackupError> {
    let failed = |source| BackupError::Io { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let home = tempfile::Builder::new()
        .prefix(".verify")
        .tempdir_in(folder.unwrap_or(Path::new(".")))
        .map_err(failed)?;
    let url = format!("sqlite:{}", home.path().join("verify.db").display());
    let files = Files::in_folder(home.path().join("files"));
    let db = Db::open(&url, PoolSize { max: 2 }).await?.with_files(files);

    let (_, header) = Reader::open(path, opener)?;
    let restored = restore(&db, path, opener, &header.keys, now, progress).await;
    let compared = match &restored {
        // Tables of an earlier version are other ones by now: that they could be loaded and
        // migrated is what can be said of them.
        Ok(_) if is_older(&db, &header.migrations).await? => Ok(()),
        Ok(_) => compare(&db, path, opener).await,
        Err(_) => Ok(()),
    };
    db.close().await;
    compared.and(restored)
}

async fn is_older(db: &Db, migrations: &[i64]) -> Result<bool, BackupError> {
    Ok(db.migrations().await?.iter().any(|step| !migrations.contains(&step.number)))
}

/// Compares the home with the summary of the backup.
async fn compare(db: &Db, path: &Path, opener: &Opener) -> Result<(), BackupError> {
    let mut found = Summary::default();
    let mut snapshot = db.snapshot().await?;
    for table in snapshot.tables().await? {
        let sum = rows(&mut snapshot, &table, |_| Ok(())).await?;
        found.tables.insert(table.name, sum);
    }
    for file in snapshot.files().await? {
        let bytes = match db.files().read(file.key, &file.content_hash, file.size).await {
            // It was deleted while the backup was made; the summary does not count it.
            Err(FilesError::Missing) => continue,
            read => read?,
        };
        found.files.add(&[file.key.file.into_uuid().as_bytes(), bytes.as_slice()].concat());
    }

    let (mut reader, _) = Reader::open(path, opener)?;
    let written = loop {
        if let Part::Summary(written) = reader.next()? {
            break written;
        }
    };
    match written.difference(&found) {
        Some(difference) => Err(BackupError::Differs(difference)),
        None => Ok(()),
    }
}
