//! Files of this program are for its user alone: they hold customers' messages, uploads and
//! password hashes.

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{fs::Mode, process};

use crate::config::{Config, sqlite_file};

/// What others may do with a file.
const OTHERS: u32 = 0o077;
/// So many files are looked at, at most.
const MOST: usize = 100_000;

/// From now on new files and folders are made for their owner alone. Child processes inherit it.
pub fn umask() {
    process::umask(Mode::RWXG | Mode::RWXO);
}

/// A file or folder that others than its owner may read or change.
#[derive(Debug)]
pub struct Open {
    /// Where it is.
    pub path: PathBuf,
    mode: u32,
    /// Whether it is ours to close.
    ours: bool,
}

/// What others may read: in the data folder, and the files of the `SQLite` database wherever it is.
pub fn open_to_others(config: &Config) -> Vec<Open> {
    // Where these are links, what they lead to is meant.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut paths = vec![real(config.data_dir())];
    if let Some(database) = sqlite_file(&config.database_url()) {
        let database = real(&database);
        for end in ["", "-wal", "-shm"] {
            let mut name = database.clone().into_os_string();
            name.push(end);
            paths.push(name.into());
        }
    }
    let user = process::geteuid().as_raw();
    let mut found: Vec<Open> = Vec::new();
    let mut seen = HashSet::new();
    while let Some(path) = paths.pop() {
        // Not followed: what a link leads to may be somebody else's.
        let Ok(about) = fs::symlink_metadata(&path) else { continue };
        let is_new = seen.len() < MOST && seen.insert(path.clone());
        if about.file_type().is_symlink() || !is_new {
            continue;
        }
        if about.is_dir() {
            let within = fs::read_dir(&path).into_iter().flatten().flatten();
            paths.extend(within.map(|entry| entry.path()));
        }
        if about.mode() & OTHERS != 0 {
            found.push(Open { path, mode: about.mode(), ours: about.uid() == user });
        }
    }
    found
}

/// Closes to others what an earlier version, or another umask, left open. What cannot be closed is
/// told.
pub fn repair(config: &Config) {
    let mut closed = 0;
    let mut left = 0;
    for Open { path, mode, ours } in open_to_others(config) {
        let private = fs::Permissions::from_mode(mode & 0o7777 & !OTHERS);
        if ours && fs::set_permissions(&path, private).is_ok() {
            closed += 1;
        } else {
            left += 1;
        }
    }
    let folder = config.data_dir().display();
    if closed > 0 {
        tracing::info!(files = closed, %folder, "removed other users' access to files of the program");
    }
    if left > 0 {
        tracing::warn!(files = left, %folder, "other users can read files that belong to another user");
    }
}

/// Is it the folder, or a file in it?
pub fn is_within(folder: &Path, path: &Path) -> bool {
    match (folder.canonicalize(), path.canonicalize()) {
        (Ok(folder), Ok(path)) => path.starts_with(folder),
        _ => path.starts_with(folder),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, os::unix::fs::symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_was_left_open_is_closed_and_what_a_link_leads_to_is_left() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let outside = home.path().join("outside");
        fs::create_dir_all(data.join("logs")).unwrap();
        for (path, mode) in [
            (data.join("replyx.db"), 0o644),
            (data.join("logs/audit.log"), 0o664),
            (data.join("tool"), 0o755),
            (outside.clone(), 0o644),
        ] {
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(data.join("logs"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
        symlink(&outside, data.join("link")).unwrap();
        let known_as = home.path().join("known-as");
        symlink(&data, &known_as).unwrap();
        let variables = HashMap::from([("DATA_DIR".to_owned(), known_as.display().to_string())]);
        let config = Config::read(None, variables).unwrap();

        assert_eq!(open_to_others(&config).len(), 5);
        repair(&config);

        assert_eq!(open_to_others(&config).len(), 0);
        assert_eq!([mode(&data), mode(&data.join("logs"))], [0o700, 0o700]);
        assert_eq!(mode(&data.join("replyx.db")), 0o600);
        assert_eq!(mode(&data.join("logs/audit.log")), 0o600);
        assert_eq!(mode(&data.join("tool")), 0o700, "it can still be run");
        assert_eq!(mode(&outside), 0o644);
    }
}
