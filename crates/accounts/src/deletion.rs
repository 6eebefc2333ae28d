//! Deleting accounts: a person asks for it and may change their mind for a time of grace; then the
//! account is permanently deleted, with the workspaces in which nobody else works. What they did
//! stays in the audit logs.

use chrono::{DateTime, Utc};
use replyx_billing::books;
use replyx_core::{
    actor::Account,
    ids::{UserId, WorkspaceId},
    mail::{Letter, Mail},
    page::PageRequest,
    role::Role,
    rules::workspace::{WorkspaceFate, spare_last_owner},
    setting,
    user::User,
    workspace::Workspace,
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
    let delete_at = user.deletion_at(end);
    let letter = Letter::DeletionScheduled { at: delete_at };
    let mail = Mail { to: user.email.clone(), language: user.language, letter };
    let tells = cx.may_tell(&mail).await;

    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        refuse_last_owner(&mut tx, user.id).await?;
        proof::still_signed_in(&mut tx, account, now).await?;
        let found = tx.system().users().find(user.id).await?;
        let user = found.ok_or(Error::Unauthenticated)?;
        tx.apply(user.schedule_deletion(delete_at, &account.actor(), now)).await?;
        if tells {
            cx.letters.queue(&mut tx, &mail).await?;
        }
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
        let user = found.ok_or(Error::Unauthenticated)?;

        let user = match user.restore(&account.actor(), now) {
            Some(change) => tx.apply(change).await?,
            None => user,
        };
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
        let two = PageRequest::new(Some(2), None);
        let members = tx.workspace(workspace).members().list(two).await?.items;
        spare_last_owner(user, &owners, &members)?;
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
    let mut workspaces: Vec<Workspace> =
        memberships.into_iter().map(|membership| membership.workspace).collect();
    // First the owners, workspace by workspace, then the user: the order in which everybody locks.
    workspaces.sort_unstable_by_key(|workspace| workspace.id);
    let mut fates = Vec::new();
    for workspace in workspaces {
        let fate = fate(&mut tx, workspace.id, id).await?;
        fates.push((workspace, fate));
    }
    let user = tx.system().users().lock(id).await?;
    let due = user.filter(|user| user.delete_at.is_some_and(|at| at <= now));
    let Some(user) = due else { return Ok(Step::Kept) };

    for (workspace, fate) in &fates {
        let ends = *fate == WorkspaceFate::Ends;
        if ends && tx.system().workspaces().empty(workspace.id).await? > 0 {
            // Nobody signs in to restore what has begun to go, and no customer is answered from it.
            tx.apply(user.wind_up(now)).await?;
            if let Some(workspace) = tx.system().workspaces().lock(workspace.id).await? {
                tx.apply(workspace.wind_up(now)).await?;
            }
            tx.commit().await?;
            return Ok(Step::Emptied);
        }
    }
    for (workspace, fate) in fates {
        match fate {
            WorkspaceFate::GoesOn => {}
            WorkspaceFate::Ends => {
                books::close(&mut tx, workspace.id, now).await?;
                drop(tx.apply(workspace.delete()).await?);
            }
            WorkspaceFate::PassesTo(heir) => drop(tx.apply(heir.inherit(now)).await?),
        }
    }
    tx.apply(user.delete(now)).await?;
    tx.commit().await?;
    Ok(Step::Deleted)
}

/// What becomes of a workspace when one of its members goes. Its owners stay as they are until the
/// transaction ends.
async fn fate(
    tx: &mut Tx,
    workspace: WorkspaceId,
    leaving: UserId,
) -> Result<WorkspaceFate, StorageError> {
    let owners = tx.workspace(workspace).members().lock_owners().await?;
    let page = PageRequest::new(Some(PageRequest::<UserId>::MAX), None);
    let members = tx.workspace(workspace).members().list(page).await?.items;
    Ok(WorkspaceFate::after(leaving, &owners, members))
}
