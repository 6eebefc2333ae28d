//! Who works in a workspace.

use replyx_core::{
    actor::Caller,
    ids::UserId,
    page::{Page, PageRequest},
    permission::Permission,
    workspace::Member,
};

pub use replyx_core::rules::member::MemberUpdate;

use crate::{Cx, Error, Result, standing};

/// Lists the members of the workspace.
pub async fn list(
    cx: &Cx,
    caller: &Caller,
    page: PageRequest<UserId>,
) -> Result<Page<Member, UserId>> {
    let mut tx = cx.db.read().await?;
    Ok(tx.workspace(caller.workspace_id).members().list(page).await?)
}

/// Changes a member's role, or suspends or reactivates them.
///
/// Members with a higher role cannot be changed, and nobody can assign a role above their own.
///
/// # Errors
///
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::LastOwner`].
pub async fn update(cx: &Cx, caller: &Caller, id: UserId, change: MemberUpdate) -> Result<Member> {
    cx.write(|| update_once(cx, caller, id, change)).await
}

async fn update_once(cx: &Cx, caller: &Caller, id: UserId, change: MemberUpdate) -> Result<Member> {
    let workspace = caller.workspace_id;
    let now = cx.clock.now();
    let mut tx = cx.db.begin().await?;
    // Locked first: of two who change owners at once, the second sees what the first did.
    let owners = tx.workspace(workspace).members().lock_owners().await?;
    let standing = standing::of(&mut tx, caller, Permission::MembersWrite).await?;
    let found = tx.workspace(workspace).members().find(id).await?;
    let member = found.ok_or(Error::NotFound("member"))?;

    let change = member.update(change, &standing, &owners, &caller.actor(), now)?;
    let member = tx.apply(change).await?;
    tx.commit().await?;
    Ok(member)
}

/// Removes a member; with their own id, the caller leaves.
///
/// To leave is everybody's right, but the last owner's; to remove others takes
/// [`Permission::MembersWrite`], and nobody removes who stands above them.
///
/// # Errors
///
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::LastOwner`].
pub async fn remove(cx: &Cx, caller: &Caller, id: UserId) -> Result<()> {
    let leaves = caller.user_id() == Some(id);
    if !leaves && !caller.place().permissions.allow(Permission::MembersWrite) {
        return Err(Error::Forbidden);
    }

    cx.write(|| async {
        let workspace = caller.workspace_id;
        let mut tx = cx.db.begin().await?;
        // Locked first: of two owners who leave at once, the second sees that the first has.
        let owners = tx.workspace(workspace).members().lock_owners().await?;
        let found = tx.workspace(workspace).members().find(id).await?;
        let member = found.ok_or(Error::NotFound("member"))?;

        let by = caller.actor();
        let now = cx.clock.now();
        let change = if leaves {
            member.leave(&owners, &by, now)?
        } else {
            let standing = standing::of(&mut tx, caller, Permission::MembersWrite).await?;
            member.remove(&standing, &owners, &by, now)?
        };
        tx.apply(change).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
