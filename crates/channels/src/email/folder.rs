//! Mail into a folder, for an installation without a mail server.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use replyx_core::ids::JobId;

use super::EmailError;

/// Writes a message down as `ID.eml`, readable by its owner alone. The file appears whole or not at
/// all.
pub(super) async fn put(folder: PathBuf, id: JobId, message: Vec<u8>) -> Result<(), EmailError> {
    tokio::task::spawn_blocking(move || write(&folder, id, &message))
        .await
        .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
        .map_err(EmailError::Folder)
}

fn write(folder: &Path, id: JobId, message: &[u8]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let unfinished = folder.join(format!(".{id}.tmp"));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(message)?;
    file.sync_all()?;
    fs::rename(&unfinished, folder.join(format!("{id}.eml")))
}
