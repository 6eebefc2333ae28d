//! Files in a folder of this machine, or of one that several machines mount.
//!
//! A file is written under another name, synced, and renamed, so that a name stands for all of its
//! bytes. What a process that was killed left behind under the other name is an orphan.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use tokio::task::spawn_blocking;

use crate::{FilesError, Key};

/// So many files are listed at once.
const PAGE: usize = 1_000;
/// The end of the name of a file that is being written.
const PART: &str = ".part";

#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) async fn put(&self, key: Key, bytes: Vec<u8>) -> Result<(), FilesError> {
        let home = self.home(key);
        aside(move || write(&home, key, &bytes)).await
    }

    /// Reads no more than a byte beyond `size`.
    pub(crate) async fn read(&self, key: Key, size: u64) -> Result<Option<Vec<u8>>, FilesError> {
        let path = self.home(key).join(key.file.to_string());
        aside(move || {
            let Some(file) = found(File::open(path))? else { return Ok(None) };
            let mut bytes = Vec::new();
            file.take(size.saturating_add(1)).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        })
        .await
    }

    pub(crate) async fn delete(&self, key: Key) -> Result<(), FilesError> {
        let home = self.home(key);
        aside(move || {
            found(fs::remove_file(home.join(key.file.to_string())))?;
            found(fs::remove_file(part(&home, key)))?;
            // The last one leaves an empty folder behind; others may be writing into it.
            let _ = fs::remove_dir(home);
            Ok(())
        })
        .await
    }

    pub(crate) async fn list(&self, after: Option<Key>) -> Result<Vec<Key>, FilesError> {
        let folder = self.0.clone();
        aside(move || list(&folder, after)).await
    }

    fn home(&self, key: Key) -> PathBuf {
        self.0.join(key.workspace.to_string())
    }
}

fn part(home: &Path, key: Key) -> PathBuf {
    home.join(format!("{}{PART}", key.file))
}

fn write(home: &Path, key: Key, bytes: &[u8]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(home)?;
    let part = part(home, key);
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&part, home.join(key.file.to_string()))?;

    // The names have to last as well: that of the file, and that of a new folder.
    File::open(home)?.sync_all()?;
    home.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn list(folder: &Path, after: Option<Key>) -> io::Result<Vec<Key>> {
    let mut keys = Vec::new();
    for workspace in names(folder)? {
        if after.is_some_and(|after| workspace < after.workspace.to_string()) {
            continue;
        }
        let files = names(&folder.join(&workspace))?;
        let files = files.iter().map(|name| name.strip_suffix(PART).unwrap_or(name));
        let mut own: Vec<Key> = files
            .filter_map(|file| Key::parse(&format!("{workspace}/{file}")))
            .filter(|key| Some(*key) > after)
            .collect();
        own.sort_unstable();
        own.dedup();
        keys.append(&mut own);
        if keys.len() >= PAGE {
            keys.truncate(PAGE);
            break;
        }
    }
    Ok(keys)
}

/// The names in a folder, in order. A folder that is not there is empty, and so is a file.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => None,
        entries => found(entries)?,
    };
    let mut names = Vec::new();
    for entry in entries.into_iter().flatten() {
        names.extend(entry?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

fn found<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, FilesError> {
    let done = spawn_blocking(work).await.map_err(io::Error::other).flatten();
    done.map_err(FilesError::Folder)
}
