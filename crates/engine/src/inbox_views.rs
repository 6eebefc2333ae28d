//! The views that a member has made of the inbox. Nobody else sees them.

use replyx_core::actor::Caller;
use replyx_storage::{StorageError, inbox_views::StoredViews, repeated};
use thiserror::Error;

use crate::Engine;

/// Views were not stored.
#[derive(Debug, Error)]
pub enum ViewsError {
    /// A program with a key has no views.
    #[error("only a member who is signed in has views")]
    NoPerson,
    /// They are no longer what the caller has read.
    #[error("the views have been changed since they were read")]
    Changed,
    /// The database failed.
    #[error("the views could not be stored")]
    Storage(#[from] StorageError),
}

/// The caller's views, as the API wrote them. A program with a key has none.
pub async fn find(engine: &Engine, caller: &Caller) -> Result<Option<String>, StorageError> {
    let Some(member) = caller.user_id() else { return Ok(None) };
    let mut tx = engine.db.read().await?;
    let found = tx.workspace(caller.workspace_id).inbox_views().find(member).await?;
    Ok(found.map(|stored| stored.views))
}

/// Stores the caller's views in place of those before, unless `is_as_read` says that they are no
/// longer what the caller has read.
///
/// # Errors
///
/// [`ViewsError::NoPerson`] for a program with a key, and [`ViewsError::Changed`].
pub async fn put(
    engine: &Engine,
    caller: &Caller,
    views: String,
    is_as_read: impl Fn(Option<&str>) -> bool,
) -> Result<(), ViewsError> {
    let member = caller.user_id().ok_or(ViewsError::NoPerson)?;
    let views = StoredViews { views, updated_at: engine.clock.now() };
    repeated(|| async {
        let workspace = caller.workspace_id;
        let mut tx = engine.db.begin().await?;
        let stored = tx.workspace(workspace).inbox_views().lock(member).await?;
        if !is_as_read(stored.as_ref().map(|stored| stored.views.as_str())) {
            return Err(ViewsError::Changed);
        }

        tx.workspace(workspace).inbox_views().put(member, &views).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
