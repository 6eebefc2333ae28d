//! A person's workspaces: making one, listing and renaming them.

use replyx_billing::welcome;
use replyx_core::{
    actor::{Account, Caller},
    change::New,
    role::Role,
    rules::workspace::OwnedWorkspace,
    workspace::{Membership, Workspace},
};

use crate::{Cx, Error, Result};

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
        let user = account.user();
        let workspace = Workspace {
            id: cx.clock.id(),
            name: name.to_owned(),
            suspended_at: None,
            created_at: cx.clock.now(),
        };
        let mut tx = cx.db.begin().await?;
        // Locked, so that two who make the twentieth at once see each other's.
        tx.system().users().lock(user.id).await?;
        let mine = tx.system().users().memberships(user.id).await?;

        let change = workspace.create(user, &mine, &account.actor())?;
        let New(OwnedWorkspace { workspace, .. }) = tx.apply(change).await?;
        let of = (workspace.id, user.email.as_str());
        welcome::welcome(&mut tx, &cx.billing, &cx.tuning, of, &cx.clock).await?;
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
        let workspace = found.ok_or(Error::NotFound("workspace"))?;
        if !is_as_read(&workspace) {
            return Err(Error::Changed);
        }
        let Some(name) = name.filter(|name| *name != workspace.name) else {
            return Ok(workspace);
        };

        let change = workspace.rename(name.to_owned(), &caller.actor(), cx.clock.now());
        let workspace = tx.apply(change).await?;
        tx.commit().await?;
        Ok(workspace)
    })
    .await
}
