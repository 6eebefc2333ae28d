//! Changes of a source. They count from the next time it is fetched.

use replyx_core::{
    actor::Caller,
    ids::SourceId,
    knowledge::Source,
    rules::source::{SourceChange, SourceChangeRefused},
};
use replyx_storage::repeated;

use super::{SourceError, lock};
use crate::{Cx, Unacceptable};

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
        let source = lock(&mut tx, caller, id).await?;
        if !is_as_read(&source) {
            return Err(SourceError::Changed);
        }
        let change =
            source.update(change.clone(), &caller.actor(), cx.clock.now()).map_err(refused)?;
        let source = tx.apply(change).await?;
        tx.commit().await?;
        Ok(source)
    })
    .await
}

fn refused(why: SourceChangeRefused) -> Unacceptable {
    let field = match why {
        SourceChangeRefused::Depth => "depth",
        SourceChangeRefused::MaxPages => "max_pages",
    };
    Unacceptable::new(field, why.to_string())
}
