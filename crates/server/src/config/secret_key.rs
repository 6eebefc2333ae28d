//! The master secret of a development installation: made once, kept in the data folder.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context;
use secrecy::SecretString;

/// Reads the kept secret, or makes it. The file is readable by its owner alone.
pub(super) fn kept_in(folder: &Path) -> anyhow::Result<SecretString> {
    let path = folder.join("secret.key");
    fs::create_dir_all(folder)
        .with_context(|| format!("the folder `{}` cannot be made", folder.display()))?;
    let fresh = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    match fresh {
        Ok(mut file) => {
            let secret = replyx_core::clock::random_hex::<32>();
            file.write_all(secret.as_bytes())?;
            file.sync_all()?;
            Ok(SecretString::from(secret))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let secret = fs::read_to_string(&path)
                .with_context(|| format!("`{}` cannot be read", path.display()))?;
            Ok(SecretString::from(secret.trim().to_owned()))
        }
        Err(error) => Err(error).with_context(|| format!("`{}` cannot be made", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn it_is_made_once_and_shown_to_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let first = kept_in(folder.path()).unwrap();
        let second = kept_in(folder.path()).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(first.expose_secret().len(), 64);
        let mode = fs::metadata(folder.path().join("secret.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
