//! A person's workspaces: making one, listing and renaming them.

use replyx_core::{
    act,
    actor::{Account, Caller},
    change::Change,
    role::Role,
    workspace::{Membership, Workspace},
};

use crate::{Cx, Error, Result};

/// The most workspaces that one user may own.
const MOST_OWNED: usize = 20;
/// The most workspaces that one user may belong to.
pub(crate) const MOST_JOINED: usize = 100;

/// Lists the workspaces of a person, oldest membership first.
pub async fn list(cx: &Cx, account: &Account) -> Result<Vec<Membership>> {
    let mut tx = cx.db.read().await?;
    Ok(tx.system().users().memberships(account.user().id).await?)
}

/// Creates another workspace, owned by the person.
///
/// # Errors
///
/// [`Error::TooManyOwned`].
pub async fn create(cx: &Cx, account: &Account, name: &str) -> Result<Membership> {
    cx.write(|| async {
        let user = account.user().id;
        let now = cx.clock.now();
        let workspace = Workspace {
            id: cx.clock.id(),
            name: name.to_owned(),
            suspended_at: None,
            created_at: now,
        };
        let mut tx = cx.db.begin().await?;
        // Locked, so that two who make the twentieth at once see each other's.
        tx.system().users().lock(user).await?;
        let mine = tx.system().users().memberships(user).await?;
        let owned = mine.iter().filter(|membership| membership.role == Role::Owner).count();
        if owned >= MOST_OWNED || mine.len() >= MOST_JOINED {
            return Err(Error::TooManyOwned);
        }

        tx.system().workspaces().insert(&workspace).await?;
        tx.workspace(workspace.id).members().insert(user, Role::Owner, now).await?;
        let act = act::WorkspaceCreated { workspace: workspace.id, name: workspace.name.clone() };
        tx.apply(Change::act(workspace.id, &account.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(Membership { workspace, role: Role::Owner, suspended_at: None })
    })
    .await
}

/// Gives the workspace in which the caller acts another name, unless `is_as_read` says that it is
/// no longer what the caller has read; without a name it stays as it is.
///
/// # Errors
///
/// [`Error::Changed`].
pub async fn update(
    cx: &Cx,
    caller: &Caller,
    name: Option<&str>,
    is_as_read: impl Fn(&Workspace) -> bool,
) -> Result<Workspace> {
    cx.write(|| async {
        let id = caller.workspace_id;
        let mut tx = cx.db.begin().await?;
        let found = tx.system().workspaces().lock(id).await?;
        let mut workspace = found.ok_or(Error::NotFound("workspace"))?;
        if !is_as_read(&workspace) {
            return Err(Error::Changed);
        }
        let Some(name) = name.filter(|name| *name != workspace.name) else {
            return Ok(workspace);
        };

        tx.system().workspaces().rename(id, name).await?;
        name.clone_into(&mut workspace.name);
        let act = act::WorkspaceUpdated { workspace: id, name: workspace.name.clone() };
        tx.apply(Change::act(id, &caller.actor(), &act, cx.clock.now())).await?;
        tx.commit().await?;
        Ok(workspace)
    })
    .await
}
