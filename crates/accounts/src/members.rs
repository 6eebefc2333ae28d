//! Who works in a workspace.

use replyx_core::{
    act,
    actor::Caller,
    change::Change,
    ids::UserId,
    page::{Page, PageRequest},
    permission::Permission,
    role::Role,
    workspace::Member,
};

use crate::{Cx, Error, Result, standing};

/// What is to change about a member; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemberUpdate {
    /// Their role.
    pub role: Option<Role>,
    /// Whether they may not act here from now on.
    pub suspended: Option<bool>,
}

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
    let mut member = found.ok_or(Error::NotFound("member"))?;
    standing.reaches(member.role)?;
    let role = change.role.unwrap_or(member.role);
    standing.reaches(role)?;
    let suspended = change.suspended.unwrap_or(member.suspended_at.is_some());
    if role != Role::Owner || suspended {
        spare(&owners, &member)?;
    }

    let actor = caller.actor();
    if role != member.role {
        tx.workspace(workspace).members().set_role(id, role).await?;
        let email = member.email.clone();
        let act = act::MemberRoleChanged { member: id, email, from: member.role, to: role };
        tx.apply(Change::act(workspace, &actor, &act, now)).await?;
        member.role = role;
    }
    if suspended != member.suspended_at.is_some() {
        member.suspended_at = suspended.then_some(now);
        tx.workspace(workspace).members().set_suspended(id, member.suspended_at).await?;
        let email = member.email.clone();
        if suspended {
            let act = act::MemberSuspended { member: id, email };
            tx.apply(Change::act(workspace, &actor, &act, now)).await?;
        } else {
            let act = act::MemberResumed { member: id, email };
            tx.apply(Change::act(workspace, &actor, &act, now)).await?;
        }
    }
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
        if !leaves {
            let standing = standing::of(&mut tx, caller, Permission::MembersWrite).await?;
            standing.reaches(member.role)?;
        }
        spare(&owners, &member)?;

        if !tx.workspace(workspace).members().remove(id).await? {
            return Err(Error::NotFound("member"));
        }
        let now = cx.clock.now();
        let actor = caller.actor();
        let Member { email, role, .. } = member;
        if leaves {
            let act = act::MemberLeft { member: id, email, role };
            tx.apply(Change::act(workspace, &actor, &act, now)).await?;
        } else {
            let act = act::MemberRemoved { member: id, email, role };
            tx.apply(Change::act(workspace, &actor, &act, now)).await?;
        }
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Refuses to let the last owner go. `owners` are those who can act and will stay, locked; who goes
/// may be none of them.
fn spare(owners: &[UserId], going: &Member) -> Result<()> {
    let is_last = owners.iter().all(|owner| *owner == going.user_id);
    if going.role == Role::Owner && is_last { Err(Error::LastOwner) } else { Ok(()) }
}
