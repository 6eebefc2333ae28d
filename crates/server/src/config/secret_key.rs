//! The master secret of a development installation: made once, kept in the data folder.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use secrecy::SecretString;

/// Reads the kept secret, or makes it. The file is readable by its owner alone.
///
/// It is there as a whole or not at all, also when the machine stops in the middle: written under
/// another name, made sure of, and only then given its own.
pub(super) fn kept_in(folder: &Path) -> anyhow::Result<SecretString> {
    let path = path(folder);
    fs::create_dir_all(folder)
        .with_context(|| format!("the folder `{}` cannot be made", folder.display()))?;
    if let Some(kept) = read(&path)? {
        return Ok(kept);
    }
    let secret = replyx_core::clock::random_hex::<32>();
    let cannot = || format!("`{}` cannot be made", path.display());
    let mut file =
        tempfile::Builder::new().prefix(".secret.key").tempfile_in(folder).with_context(cannot)?;
    file.write_all(secret.as_bytes()).with_context(cannot)?;
    file.as_file().sync_all().with_context(cannot)?;
    match file.persist_noclobber(&path) {
        Ok(_) => {
            File::open(folder).and_then(|folder| folder.sync_all()).with_context(cannot)?;
            Ok(SecretString::from(secret))
        }
        // Another process was quicker: its secret counts.
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            read(&path)?.with_context(cannot)
        }
        Err(error) => Err(error.error).with_context(cannot),
    }
}

/// The file of the secret, if it is there and empty.
pub(super) fn empty_in(folder: &Path) -> Option<PathBuf> {
    let path = path(folder);
    let kept = fs::read_to_string(&path).ok()?;
    kept.trim().is_empty().then_some(path)
}

fn path(folder: &Path) -> PathBuf {
    folder.join("secret.key")
}

fn read(path: &Path) -> anyhow::Result<Option<SecretString>> {
    let kept = match fs::read_to_string(path) {
        Ok(kept) => kept.trim().to_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("`{}` cannot be read", path.display()));
        }
    };
    if kept.is_empty() {
        bail!(
            "`{}` is empty: `replyx serve` makes a new one, if nothing was sealed with what stood in it",
            path.display()
        );
    }
    Ok(Some(SecretString::from(kept)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    /// What happened to the files of a folder while `work` was done, in order: the name of each
    /// file, and what.
    #[cfg(target_os = "linux")]
    fn witnessed(
        folder: &Path,
        work: impl FnOnce(),
    ) -> Vec<(String, rustix::fs::inotify::ReadFlags)> {
        use std::mem::MaybeUninit;

        use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};

        let witness = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        add_watch(&witness, folder, WatchFlags::ALL_EVENTS).unwrap();
        work();

        let mut buffer = [MaybeUninit::uninit(); 16_384];
        let mut reader = Reader::new(witness, &mut buffer);
        let mut seen = Vec::new();
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(|name| name.to_string_lossy().into_owned());
            seen.push((name.unwrap_or_default(), event.events()));
        }
        seen
    }

    /// At any time, even if the machine stops: under its own name the file is whole from the
    /// first moment.
    #[cfg(target_os = "linux")]
    #[test]
    fn it_is_never_written_to_under_its_own_name() {
        use rustix::fs::inotify::ReadFlags;

        let folder = tempfile::tempdir().unwrap();
        let seen = witnessed(folder.path(), || drop(kept_in(folder.path()).unwrap()));

        let written = |(_, what): &&(String, ReadFlags)| what.contains(ReadFlags::MODIFY);
        let written: Vec<&str> =
            seen.iter().filter(written).map(|(name, _)| name.as_str()).collect();
        assert!(!written.is_empty(), "the witness saw nothing: {seen:?}");
        assert!(written.iter().all(|name| *name != "secret.key"), "{seen:?}");
        let arrived = seen.iter().any(|(name, what)| {
            name == "secret.key" && what.intersects(ReadFlags::MOVED_TO | ReadFlags::CREATE)
        });
        assert!(arrived, "{seen:?}");
        let kept = fs::read_to_string(folder.path().join("secret.key")).unwrap();
        assert_eq!(kept.len(), 64);
    }

    #[test]
    fn it_is_made_once_and_shown_to_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let first = kept_in(folder.path()).unwrap();
        let second = kept_in(folder.path()).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(first.expose_secret().len(), 64);
        let mode = fs::metadata(folder.path().join("secret.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "nothing is left of the making");
    }

    #[test]
    fn processes_that_start_together_have_one() {
        let folder = tempfile::tempdir().unwrap();
        let make = || kept_in(folder.path()).unwrap().expose_secret().to_owned();
        let secrets: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(secrets.iter().all(|secret| *secret == secrets[0]), "{secrets:?}");
    }

    #[test]
    fn an_empty_one_is_told_and_not_used() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(empty_in(folder.path()), None);
        fs::write(folder.path().join("secret.key"), "\n").unwrap();
        assert_eq!(empty_in(folder.path()), Some(folder.path().join("secret.key")));
        let refused = kept_in(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("is empty"), "{refused}");
    }
}
