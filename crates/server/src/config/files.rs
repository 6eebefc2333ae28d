//! Where large files are kept: `FILES_URL`, or what suits the database.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use replyx_core::clock::Clock;
use replyx_files::{Files, S3Address};
use secrecy::ExposeSecret;
use url::Url;

use super::{Config, sqlite_file};

/// Where large files are kept.
enum Place {
    Database,
    Folder(PathBuf),
    S3(Box<S3Address>),
}

impl Config {
    /// The store of files. Needs the rustls crypto provider.
    pub fn files(&self, clock: Clock) -> anyhow::Result<Files> {
        let folder = self.data_dir().join("files");
        let files = match self.files_place()? {
            Place::Database => Files::in_database(),
            Place::Folder(folder) => Files::in_folder(folder),
            Place::S3(address) => Files::in_s3(*address, clock)?,
        };
        Ok(files.after(&folder))
    }

    /// Refuses an address that leads nowhere. It holds a secret, so it is not shown.
    pub(super) fn check_files(&self) -> anyhow::Result<()> {
        self.files_place().map(drop)
    }

    fn files_place(&self) -> anyhow::Result<Place> {
        let Some(given) = self.secrets.get("files_url") else {
            // Processes on several machines share a database and no folder.
            let is_alone = sqlite_file(&self.database_url()).is_some();
            let folder = self.data_dir().join("files");
            return Ok(if is_alone { Place::Folder(folder) } else { Place::Database });
        };

        let given = given.expose_secret();
        if given == "database" {
            return Ok(Place::Database);
        }
        if given.starts_with("file:") {
            return folder(given).context("FILES_URL is no folder");
        }
        match S3Address::parse(given) {
            Ok(address) => Ok(Place::S3(Box::new(address))),
            Err(why) => bail!("FILES_URL cannot be used: {why}"),
        }
    }
}

fn folder(given: &str) -> anyhow::Result<Place> {
    let path = Url::parse(given)?.to_file_path();
    let path = path.ok().filter(|path| path.parent().is_some_and(Path::has_root));
    let path = path.context("it must be `file:///` and the path of a folder")?;
    Ok(Place::Folder(path))
}
