//! How large the database is, and how long there will be room for it.

use replyx_storage::{Db, PoolSize};
use tokio::time::timeout;

use super::{Finding, PATIENCE};
use crate::{
    cli::db::amount,
    config::{Config, sqlite_file},
    space,
};

/// With less than so many days of room one should know.
const SOON: i64 = 30;
/// With less than so many something must be done.
const AT_ONCE: i64 = 7;

/// The last measurement. A database that does not answer has a line of its own.
pub(super) async fn look(config: &Config) -> Option<Finding> {
    const ABOUT: &str = "database size";
    let url = config.database_url();
    let file = sqlite_file(&url);
    if file.as_ref().is_some_and(|file| !file.exists()) {
        return None;
    }
    let last = async {
        let db = Db::open(&url, PoolSize { max: 1 }).await?;
        let mut tx = db.read().await?;
        let size = tx.system().sizes().newest().await?;
        let growth = match &size {
            Some(size) => tx.system().sizes().growth(size).await?,
            None => None,
        };
        drop(tx);
        db.close().await;
        Ok::<_, replyx_storage::StorageError>(size.map(|size| (size.bytes, growth)))
    };

    let Some((bytes, growth)) = timeout(PATIENCE, last).await.ok()?.ok()? else {
        return Some(Finding::note(
            ABOUT,
            "not measured yet: a running program does it every hour",
        ));
    };
    // The disk of a server is not seen from here.
    let free = file.and_then(|_| space::of(config.data_dir())()).map(|space| space.free);
    Some(judged(bytes, growth, free))
}

fn judged(bytes: i64, growth: Option<i64>, free: Option<u64>) -> Finding {
    const ABOUT: &str = "database size";
    let Some(growth) = growth else { return Finding::ok(ABOUT, amount(bytes)) };
    let text = format!("{}, grows by {} a day", amount(bytes), amount(growth));
    let free = free.map(|free| i64::try_from(free).unwrap_or(i64::MAX));
    let days = free.filter(|_| growth > 0).map(|free| free / growth);

    match days {
        Some(days) if days < AT_ONCE => {
            Finding::fault(ABOUT, format!("{text}: the disk is full in {days} days; make room"))
        }
        Some(days) if days < SOON => {
            Finding::note(ABOUT, format!("{text}: the disk is full in {days} days"))
        }
        _ => Finding::ok(ABOUT, text),
    }
}

#[cfg(test)]
mod tests {
    use super::judged;
    use crate::cli::doctor::Verdict;

    #[test]
    fn a_disk_that_will_soon_be_full_is_told_before_it_is() {
        const MIB: i64 = 1 << 20;
        for (growth, free, verdict) in [
            (None, Some(0), Verdict::Ok),
            (Some(MIB), None, Verdict::Ok),
            (Some(-MIB), Some(0), Verdict::Ok),
            (Some(MIB), Some(30 << 20), Verdict::Ok),
            (Some(MIB), Some(29 << 20), Verdict::Note),
            (Some(MIB), Some(6 << 20), Verdict::Fault),
        ] {
            let found = judged(MIB, growth, free);
            assert_eq!(found.verdict, verdict, "{growth:?} {free:?}: {}", found.text);
        }
    }
}
