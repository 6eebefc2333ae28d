//! Deleting accounts: a person asks for it and may change their mind for a time of grace; then the
//! account is permanently deleted, with the workspaces in which nobody else works. What they did
//! stays in the audit logs.

use chrono::{DateTime, Utc};
use replyx_core::{
    act::{self, Actor},
    actor::Account,
    change::Change,
    ids::{UserId, WorkspaceId},
    mail::{Letter, Mail},
    page::PageRequest,
    role::Role,
    setting,
    user::User,
    workspace::Member,
};
use replyx_storage::{Db, StorageError, Tx, retried};

use crate::{Cx, Error, Result, proof};

/// How many accounts are deleted in one sweep.
const AT_ONCE: u32 = 100;

/// Schedules the deletion of an account: the person is signed out everywhere at once. Returns when
/// it will be deleted, unless they sign in and restore it before.
///
/// # Errors
///
/// [`Error::WrongPassword`], [`Error::ProofRequired`], [`Error::WrongProof`],
/// [`Error::OwnerOfOthers`].
pub async fn schedule(
    cx: &Cx,
    account: &Account,
    password: String,
    code: Option<&str>,
) -> Result<DateTime<Utc>> {
    proof::by_password(cx, account, password).await?;
    proof::by_code(cx, account, code).await?;
    let user = account.user();
    let end = cx.clock.now() + cx.tuning.days(setting::DELETION_GRACE_DAYS);
    // To ask again does not put it off.
    let delete_at = user.delete_at.map_or(end, |earlier| earlier.min(end));
    let letter = Letter::DeletionScheduled { at: delete_at };
    let mail = Mail { to: user.email.clone(), language: user.language, letter };
    let tells = cx.may_tell(&mail).await;

    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        refuse_last_owner(&mut tx, user.id).await?;
        proof::still_signed_in(&mut tx, account, now).await?;
        tx.system().users().set_delete_at(user.id, Some(delete_at)).await?;
        tx.system().sessions().revoke_all(user.id, None, now).await?;
        if tells {
            cx.letters.queue(&mut tx, &mail).await?;
        }
        let act = act::AccountDeletionScheduled { user: user.id, delete_at };
        tx.apply(Change::platform_act(&account.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await?;
    Ok(delete_at)
}

/// Cancels the deletion of an account, in the time of grace. Without one to cancel it changes
/// nothing.
pub async fn restore(cx: &Cx, account: &Account) -> Result<User> {
    cx.write(|| async {
        let id = account.user().id;
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        proof::still_signed_in(&mut tx, account, now).await?;
        let found = tx.system().users().find(id).await?;
        let mut user = found.ok_or(Error::Unauthenticated)?;
        if user.delete_at.take().is_some() {
            tx.system().users().set_delete_at(id, None).await?;
            let act = act::AccountRestored { user: id };
            tx.apply(Change::platform_act(&account.actor(), &act, now)).await?;
        }
        tx.commit().await?;
        Ok(user)
    })
    .await
}

/// Locks the owners of the workspaces that a user owns, and refuses when one of these has other
/// members and no other owner: somebody must stay who can run it.
///
/// # Errors
///
/// [`Error::OwnerOfOthers`].
pub(crate) async fn refuse_last_owner(tx: &mut Tx, user: UserId) -> Result<()> {
    let memberships = tx.system().users().memberships(user).await?;
    let owned = memberships.iter().filter(|membership| membership.role == Role::Owner);
    let mut owned: Vec<WorkspaceId> = owned.map(|membership| membership.workspace.id).collect();
    // In one order for all, so that two owners of the same workspaces do not wait for each other
    // forever.
    owned.sort_unstable();
    for workspace in owned {
        let owners = tx.workspace(workspace).members().lock_owners().await?;
        if owners.iter().any(|owner| *owner != user) {
            continue;
        }
        let two = PageRequest::new(Some(2), None);
        let members = tx.workspace(workspace).members().list(two).await?;
        if members.items.iter().any(|member| member.user_id != user) {
            return Err(Error::OwnerOfOthers);
        }
    }
    Ok(())
}

/// Deletes the accounts that are due, each in a transaction of its own; how many. One that fails
/// does not keep the others.
pub async fn purge(db: &Db, now: DateTime<Utc>) -> Result<usize, StorageError> {
    let mut deleted = 0;
    let due = db.read().await?.system().users().due_for_deletion(now, AT_ONCE).await?;
    for user in due {
        match delete_in_steps(db, user, now).await {
            Ok(true) => {
                deleted += 1;
                tracing::info!(user.id = %user, "account deleted");
            }
            Ok(false) => {}
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, user.id = %user, "could not delete an account");
            }
        }
    }
    Ok(deleted)
}

/// Deletes an account, after its workspaces have been emptied step by step, so that others can
/// write in between; `false` when it is not to be deleted any more.
async fn delete_in_steps(db: &Db, id: UserId, now: DateTime<Utc>) -> Result<bool, StorageError> {
    loop {
        match retried(|| step(db, id, now)).await? {
            Step::Emptied => {}
            Step::Deleted => return Ok(true),
            Step::Kept => return Ok(false),
        }
    }
}

/// What a step of a deletion has done.
enum Step {
    /// Something of a workspace that ends was deleted, and there may be more.
    Emptied,
    /// The account was deleted with all it had.
    Deleted,
    /// The account is not to be deleted any more.
    Kept,
}

/// Deletes something of the workspaces that end with an account, or the account when nothing large
/// is left of them.
async fn step(db: &Db, id: UserId, now: DateTime<Utc>) -> Result<Step, StorageError> {
    let mut tx = db.begin().await?;
    let memberships = tx.system().users().memberships(id).await?;
    let mut workspaces: Vec<WorkspaceId> =
        memberships.into_iter().map(|membership| membership.workspace.id).collect();
    // First the owners, workspace by workspace, then the user: the order in which everybody locks.
    workspaces.sort_unstable();
    let mut fates = Vec::new();
    for workspace in workspaces {
        fates.push((workspace, fate(&mut tx, workspace, id).await?));
    }
    let user = tx.system().users().lock(id).await?;
    if user.and_then(|user| user.delete_at).is_none_or(|at| now < at) {
        return Ok(Step::Kept);
    }

    for (workspace, fate) in &fates {
        if matches!(fate, Fate::Ends) && tx.system().workspaces().empty(*workspace).await? > 0 {
            // Nobody signs in to restore what has begun to go, and no customer is answered from it.
            tx.system().users().set_blocked(id, Some(now)).await?;
            tx.system().workspaces().set_suspended(*workspace, Some(now)).await?;
            tx.commit().await?;
            return Ok(Step::Emptied);
        }
    }
    for (workspace, fate) in fates {
        match fate {
            Fate::GoesOn => {}
            Fate::Ends => tx.system().workspaces().delete(workspace).await?,
            Fate::PassesTo(heir) => pass_on(&mut tx, workspace, heir, now).await?,
        }
    }
    tx.system().users().delete(id).await?;
    tx.apply(Change::platform_act(&Actor::system(), &act::AccountDeleted { user: id }, now))
        .await?;
    tx.commit().await?;
    Ok(Step::Deleted)
}

/// What becomes of a workspace when one of its members goes.
enum Fate {
    GoesOn,
    Ends,
    /// Somebody joined after its last owner had asked to be deleted; one of those who stay must own
    /// it.
    PassesTo(UserId),
}

async fn fate(tx: &mut Tx, workspace: WorkspaceId, leaving: UserId) -> Result<Fate, StorageError> {
    let owners = tx.workspace(workspace).members().lock_owners().await?;
    if owners.iter().any(|owner| *owner != leaving) {
        return Ok(Fate::GoesOn);
    }
    let page = PageRequest::new(Some(PageRequest::<UserId>::MAX), None);
    let members = tx.workspace(workspace).members().list(page).await?.items;
    let leaves_as_owner =
        members.iter().any(|member| member.user_id == leaving && member.role == Role::Owner);
    let staying = members.into_iter().filter(|member| member.user_id != leaving);
    // Active members come before suspended ones, then the higher role, then the longer membership.
    let rank = |member: &Member| {
        (member.suspended_at.is_none(), member.role, std::cmp::Reverse(member.created_at))
    };
    let Some(heir) = staying.max_by_key(rank) else { return Ok(Fate::Ends) };
    Ok(if leaves_as_owner { Fate::PassesTo(heir.user_id) } else { Fate::GoesOn })
}

async fn pass_on(
    tx: &mut Tx,
    workspace: WorkspaceId,
    heir: UserId,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    tx.workspace(workspace).members().set_role(heir, Role::Owner).await?;
    tx.workspace(workspace).members().set_suspended(heir, None).await?;
    let act = act::MemberPromoted { member: heir, role: Role::Owner };
    tx.apply(Change::act(workspace, &Actor::system(), &act, now)).await?;
    Ok(())
}
