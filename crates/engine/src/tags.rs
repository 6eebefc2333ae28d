//! Tags: operators create, rename and delete them. [`crate::update`] gives them to dialogs.

use replyx_core::{actor::Caller, change::New, ids::TagId, tag::Tag};
use replyx_storage::{StorageError, Tx, repeated};
use thiserror::Error;

use crate::Engine;

/// A tag could not be changed.
#[derive(Debug, Error)]
pub enum TagError {
    /// There is no such tag in the caller's workspace.
    #[error("no such tag")]
    Missing,
    /// It is no longer what the caller has read.
    #[error("the tag has been changed since it was read")]
    Changed,
    /// Another tag has this name.
    #[error("another tag is called `{0}`")]
    Exists(String),
    /// The workspace has as many as it may have.
    #[error("a workspace has at most {most} tags", most = Tag::MOST)]
    TooMany,
    /// The database failed.
    #[error("the tag could not be changed")]
    Storage(#[from] StorageError),
}

/// Creates a tag.
///
/// # Errors
///
/// [`TagError::Exists`] and [`TagError::TooMany`].
pub async fn create(engine: &Engine, caller: &Caller, name: &str) -> Result<Tag, TagError> {
    let created = repeated(|| async {
        let workspace = caller.workspace_id;
        let now = engine.clock.now();
        let mut tx = engine.db.begin().await?;
        if tx.workspace(workspace).tags().count().await? >= Tag::MOST {
            return Err(TagError::TooMany);
        }

        let tag = Tag {
            id: engine.clock.id(),
            workspace_id: workspace,
            name: name.to_owned(),
            created_at: now,
            updated_at: now,
        };
        let New(tag) = tx.apply(tag.create(&caller.actor())).await?;
        tx.commit().await?;
        Ok(tag)
    });
    created.await.map_err(|error| taken(error, name))
}

/// Renames a tag, unless `is_as_read` says that it is no longer what the caller has read.
///
/// # Errors
///
/// [`TagError::Exists`] and [`TagError::Changed`].
pub async fn rename(
    engine: &Engine,
    caller: &Caller,
    id: TagId,
    name: &str,
    is_as_read: impl Fn(&Tag) -> bool,
) -> Result<Tag, TagError> {
    let renamed = repeated(|| async {
        let mut tx = engine.db.begin().await?;
        let tag = lock(&mut tx, caller, id).await?;
        if !is_as_read(&tag) {
            return Err(TagError::Changed);
        }

        let change = tag.rename(name.to_owned(), &caller.actor(), engine.clock.now());
        let tag = tx.apply(change).await?;
        tx.commit().await?;
        Ok(tag)
    });
    renamed.await.map_err(|error| taken(error, name))
}

/// Deletes a tag, from its dialogs as well.
///
/// # Errors
///
/// [`TagError::Missing`]
pub async fn delete(engine: &Engine, caller: &Caller, id: TagId) -> Result<(), TagError> {
    repeated(|| async {
        let mut tx = engine.db.begin().await?;
        let tag = lock(&mut tx, caller, id).await?;
        tx.apply(tag.delete(&caller.actor(), engine.clock.now())).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

async fn lock(tx: &mut Tx, caller: &Caller, id: TagId) -> Result<Tag, TagError> {
    let found = tx.workspace(caller.workspace_id).tags().lock(id).await?;
    found.ok_or(TagError::Missing)
}

fn taken(error: TagError, name: &str) -> TagError {
    match error {
        TagError::Storage(error) if error.is_duplicate() => TagError::Exists(name.to_owned()),
        error => error,
    }
}
