//! How much a workspace fetches in a day (UTC). It is counted as it comes, whatever becomes of it:
//! a site that sends much and leads nowhere is fetched no longer than any other.

use replyx_crawl::Meter;
use replyx_storage::StorageError;

use super::{FetchContext, FetchSource};

/// Bytes in a mebibyte.
const MIB: i64 = 1024 * 1024;

/// Counts what was read since the last time; `false`: the workspace may fetch no more today.
pub(super) async fn has_room(
    tools: FetchContext<'_>,
    job: FetchSource,
    read: &Meter,
) -> Result<bool, StorageError> {
    let today = tools.clock.now().date_naive();
    let bytes = i64::try_from(read.take()).unwrap_or(i64::MAX);
    let fetched = if bytes == 0 {
        let mut tx = tools.db.read().await?;
        tx.workspace(job.workspace_id).upload_days().fetched(today).await?
    } else {
        let mut tx = tools.db.begin().await?;
        let fetched =
            tx.workspace(job.workspace_id).upload_days().add_fetched(today, bytes).await?;
        tx.commit().await?;
        fetched
    };
    Ok(fetched < tools.bytes_per_day)
}

/// What the owner of a source reads.
pub(super) fn is_full(tools: FetchContext<'_>) -> String {
    let mib = tools.bytes_per_day / MIB;
    format!(
        "`crawl_mb_per_day`: this workspace may fetch {mib} MiB a day; fetch the source again tomorrow"
    )
}
