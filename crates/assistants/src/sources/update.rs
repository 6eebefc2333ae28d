//! Changes of a source. They count from the next time it is fetched.

use chrono::TimeDelta;
use replyx_core::{
    act::SourceUpdated,
    actor::Caller,
    ids::SourceId,
    knowledge::{Source, SourceKind, SourceStatus},
    patch::Patch,
};
use replyx_storage::repeated;

use super::{SourceError, lock};
use crate::{Cx, Unacceptable};

/// What is to change of a source. What is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceChange {
    /// How many links away from the beginning; only for a site.
    pub depth: Option<i64>,
    /// How many pages at most; not for a page.
    pub max_pages: Option<i64>,
    /// How often it is fetched again, hours; without it never by itself.
    pub every_hours: Patch<i64>,
}

impl SourceChange {
    fn apply(self, source: &mut Source) -> Result<(), Unacceptable> {
        if let Some(depth) = self.depth {
            if source.kind != SourceKind::Site {
                return Err(Unacceptable::new("depth", "is only for a `site`"));
            }
            source.depth = depth;
        }
        if let Some(max_pages) = self.max_pages {
            if source.kind == SourceKind::Page {
                return Err(Unacceptable::new("max_pages", "is not for a `page`"));
            }
            source.max_pages = max_pages;
        }

        if self.every_hours.changes() {
            self.every_hours.apply(&mut source.every_hours);
            // One that waits or is being fetched is due again only after that.
            if matches!(source.status, SourceStatus::Ready | SourceStatus::Failed) {
                let since = source.fetched_at.unwrap_or(source.created_at);
                source.next_at = source.every_hours.map(|hours| since + TimeDelta::hours(hours));
            }
        }
        Ok(())
    }
}

/// Changes a source, unless `is_as_read` says that it is no longer what the caller has read.
///
/// # Errors
///
/// [`SourceError::Unacceptable`] for a depth of anything but a site, and for a number of pages of a
/// page.
pub async fn update(
    cx: Cx<'_>,
    caller: &Caller,
    id: SourceId,
    change: SourceChange,
    is_as_read: impl Fn(&Source) -> bool,
) -> Result<Source, SourceError> {
    repeated(|| async {
        let mut tx = cx.db.begin().await?;
        let mut source = lock(&mut tx, caller, id).await?;
        if !is_as_read(&source) {
            return Err(SourceError::Changed);
        }
        change.apply(&mut source)?;
        let now = cx.clock.now();
        source.updated_at = now;
        tx.workspace(caller.workspace_id).sources().save(&source).await?;

        let act = SourceUpdated {
            source: id,
            url: source.url.clone(),
            depth: source.depth,
            max_pages: source.max_pages,
            refresh_hours: source.every_hours,
        };
        tx.workspace(caller.workspace_id).record(act, &caller.actor(), now);
        tx.commit().await?;
        Ok(source)
    })
    .await
}
