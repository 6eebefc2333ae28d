//! All workspaces of the installation.

use std::collections::HashMap;

use replyx_core::{
    actor::Admin,
    ids::WorkspaceId,
    page::{Page, PageRequest},
    patch::Patch,
    rules::workspace::ResumedWorkspace,
    workspace::Workspace,
};
use replyx_storage::{StorageError, Tx};

use crate::{Cx, Error, Result};

/// What has waited for longer when a workspace is resumed is answered only when the customer writes
/// again, hours.
const ANSWERED: i64 = 24;

/// A workspace, and which models its assistants may use.
#[derive(Debug)]
pub struct RestrictedWorkspace {
    /// The workspace.
    pub workspace: Workspace,
    /// The only models, of those that the installation allows; `None`: all of those.
    pub allowed_models: Option<Vec<String>>,
}

/// Lists all workspaces, newest first; only those whose name contains `wanted`.
pub async fn list(
    cx: &Cx,
    _admin: &Admin,
    wanted: Option<&str>,
    page: PageRequest<WorkspaceId>,
) -> Result<Page<RestrictedWorkspace, WorkspaceId>> {
    let mut tx = cx.db.read().await?;
    let Page { items, next } = tx.system().workspaces().list(wanted, page).await?;
    let ids: Vec<WorkspaceId> = items.iter().map(|workspace| workspace.id).collect();
    let restricted = tx.system().workspaces().restricted(&ids).await?;

    let mut restricted: HashMap<WorkspaceId, Vec<String>> = restricted.into_iter().collect();
    let items = items.into_iter().map(|workspace| {
        let allowed_models = restricted.remove(&workspace.id);
        RestrictedWorkspace { workspace, allowed_models }
    });
    Ok(Page { items: items.collect(), next })
}

/// Finds a workspace.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn read(cx: &Cx, _admin: &Admin, id: WorkspaceId) -> Result<RestrictedWorkspace> {
    let mut tx = cx.db.read().await?;
    let workspace = find(&mut tx, id).await?;
    let allowed_models = allowed_models(&mut tx, id).await?;
    Ok(RestrictedWorkspace { workspace, allowed_models })
}

/// Suspends a workspace: nobody acts in it, and its assistants do not answer.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn suspend(cx: &Cx, admin: &Admin, id: WorkspaceId) -> Result<RestrictedWorkspace> {
    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        let workspace = lock(&mut tx, id).await?;
        let workspace = tx.apply(workspace.suspend(&admin.actor(), cx.clock.now())).await?;
        with_models(tx, workspace).await
    })
    .await
}

/// Resumes a suspended workspace. Messages older than a day are answered together with the
/// customer's next message.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn resume(cx: &Cx, admin: &Admin, id: WorkspaceId) -> Result<RestrictedWorkspace> {
    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let workspace = lock(&mut tx, id).await?;
        let change = workspace.resume(&admin.actor(), now);
        let ResumedWorkspace(workspace) = tx.apply(change).await?;
        let since = now - chrono::Duration::hours(ANSWERED);
        tx.workspace(id).turns().forget_waiting(since).await?;
        with_models(tx, workspace).await
    })
    .await
}

/// Says which models the assistants of a workspace may use; to clear it allows all that the
/// installation allows. Nothing is changed when `is_as_read` says that what is allowed now is no
/// longer what the admin has read.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Changed`].
pub async fn restrict(
    cx: &Cx,
    admin: &Admin,
    id: WorkspaceId,
    allowed: &Patch<Vec<String>>,
    is_as_read: impl Fn(Option<&[String]>) -> bool,
) -> Result<RestrictedWorkspace> {
    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        let workspace = lock(&mut tx, id).await?;
        if !is_as_read(allowed_models(&mut tx, id).await?.as_deref()) {
            return Err(Error::Changed);
        }

        if allowed.changes() {
            let names = match allowed {
                Patch::Set(names) => Some(names.clone()),
                Patch::Keep | Patch::Clear => None,
            };
            let change = workspace.restrict(names, &admin.actor(), cx.clock.now());
            tx.apply(change).await?;
        }
        with_models(tx, workspace).await
    })
    .await
}

async fn allowed_models(tx: &mut Tx, id: WorkspaceId) -> Result<Option<Vec<String>>, StorageError> {
    let policy = tx.system().workspaces().model_policy(id).await?;
    Ok(policy.unwrap_or_default().allowed)
}

async fn find(tx: &mut Tx, id: WorkspaceId) -> Result<Workspace> {
    tx.system().workspaces().find(id).await?.ok_or(Error::NotFound("workspace"))
}

async fn lock(tx: &mut Tx, id: WorkspaceId) -> Result<Workspace> {
    tx.system().workspaces().lock(id).await?.ok_or(Error::NotFound("workspace"))
}

/// Commits, and says what holds now.
async fn with_models(mut tx: Tx, workspace: Workspace) -> Result<RestrictedWorkspace> {
    let allowed_models = allowed_models(&mut tx, workspace.id).await?;
    tx.commit().await?;
    Ok(RestrictedWorkspace { workspace, allowed_models })
}
