//! Does the store of files take and give?

use replyx_core::clock::Clock;
use replyx_files::Key;
use tokio::time::timeout;

use super::{Finding, PATIENCE};
use crate::config::{Config, sqlite_file};

pub(super) async fn look(config: &Config) -> Finding {
    const ABOUT: &str = "large files";

    let clock = Clock::system();
    let files = match config.files(clock.clone()) {
        Ok(files) => files,
        Err(error) => return Finding::fault(ABOUT, format!("{error:#}")),
    };
    let place = files.description();
    // The folder beside a database that is not there yet is made with it.
    if sqlite_file(&config.database_url()).is_some_and(|file| !file.exists()) {
        return Finding::note(ABOUT, format!("will be kept {place}"));
    }

    let probe = Key { workspace: clock.id(), file: clock.id() };
    match timeout(PATIENCE, files.check(probe)).await {
        Ok(Ok(())) => Finding::ok(ABOUT, format!("are kept {place}")),
        Ok(Err(error)) => {
            let why = anyhow::Error::from(error);
            Finding::fault(ABOUT, format!("{place}: {why:#}: check FILES_URL and the store"))
        }
        Err(_) => {
            Finding::fault(ABOUT, format!("{place}: no answer: check FILES_URL and the store"))
        }
    }
}
