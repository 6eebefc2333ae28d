//! What the machine has to do with it: whose files they are, and what time it is.

use chrono::TimeDelta;
use replyx_storage::{Db, PoolSize};
use tokio::time::timeout;

use super::{Finding, PATIENCE};
use crate::{config::Config, heart, privacy};

/// Whether other users of the machine can read what is stored.
pub(super) fn files(config: &Config) -> Option<Finding> {
    const ABOUT: &str = "files";
    if !config.data_dir().exists() {
        return None;
    }
    let open = privacy::open_to_others(config);
    let Some(first) = open.first() else {
        return Some(Finding::ok(ABOUT, "can be read by the user of the program alone"));
    };
    let text = format!(
        "other users of this machine can read {} of them, such as `{}`: the next start of `replyx serve` closes them, or \
         `chmod -R go= DATA_DIR`",
        open.len(),
        first.path.display()
    );
    Some(Finding::note(ABOUT, text))
}

/// Whether this machine and the database have the same time. `SQLite` has no clock of its own.
pub(super) async fn clock(config: &Config) -> Option<Finding> {
    const ABOUT: &str = "clock";
    let url = config.database_url();
    if !url.starts_with("postgres") {
        return None;
    }
    let look = async {
        let db = Db::open(&url, PoolSize { max: 1 }).await?;
        let ahead = heart::ahead(&mut db.read().await?, &heart::machine_clock()).await;
        db.close().await;
        ahead
    };
    // A database that does not answer has a line of its own.
    let ahead = timeout(PATIENCE, look).await.ok()?.ok()??;
    let text = describe(ahead);
    Some(if ahead.abs() > heart::WRONG {
        Finding::fault(ABOUT, format!("{text}: set the machines' clocks by NTP"))
    } else {
        Finding::ok(ABOUT, text)
    })
}

fn describe(ahead: TimeDelta) -> String {
    let seconds = ahead.abs().as_seconds_f64();
    let side = if ahead < TimeDelta::zero() { "behind" } else { "ahead of" };
    format!("this machine is {seconds:.1} s {side} the database")
}
