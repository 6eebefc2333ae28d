//! Deletes accounts whose time of grace is over, with the workspaces in which nobody else works. What they did stays
//! in the audit logs.

use std::error::Error;

use chrono::{DateTime, Utc};
use replyx_core::{
    audit::{Act, ActorKind, Outcome},
    ids::{UserId, WorkspaceId},
    page::PageRequest,
    role::Role,
    workspace::Member,
};
use replyx_engine::Engine;
use replyx_storage::{StorageError, Tx, retried};
use serde_json::{Value, json};

/// How many accounts are deleted in one sweep.
const AT_ONCE: u32 = 100;

/// Deletes those that are due, each in a transaction of its own. One that fails does not keep the others.
pub(super) async fn purge(engine: &Engine) -> Result<(), StorageError> {
    let now = engine.clock.now();
    let due = engine.db.read().await?.system().users().due_for_deletion(now, AT_ONCE).await?;
    for user in due {
        match retried(|| delete(engine, user, now)).await {
            Ok(true) => tracing::info!(user.id = %user, "account deleted"),
            Ok(false) => {}
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::warn!(error, user.id = %user, "an account could not be deleted");
            }
        }
    }
    Ok(())
}

/// Deletes an account; `false` when it is not to be deleted any more.
async fn delete(engine: &Engine, id: UserId, now: DateTime<Utc>) -> Result<bool, StorageError> {
    let mut tx = engine.db.begin().await?;
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
        return Ok(false);
    }
    for (workspace, fate) in fates {
        match fate {
            Fate::GoesOn => {}
            Fate::Ends => tx.system().workspaces().delete(workspace).await?,
            Fate::PassesTo(heir) => pass_on(&mut tx, workspace, heir, now).await?,
        }
    }
    tx.system().users().delete(id).await?;
    let act = act(now, "account.deleted", ("user", id), json!({}));
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(true)
}

/// What becomes of a workspace when one of its members goes.
enum Fate {
    GoesOn,
    Ends,
    /// Somebody joined after its last owner had asked to be deleted; one of those who stay must own it.
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
    // Who may act before who may not, then by rank, then who has been there longest.
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
    let details = json!({"role": Role::Owner.as_str()});
    let act = act(now, "member.role_changed", ("member", heir), details);
    tx.workspace(workspace).audit().append(&act).await
}

/// Something that nobody did but the time.
fn act(now: DateTime<Utc>, action: &str, target: (&str, UserId), details: Value) -> Act {
    Act {
        at: now,
        actor: ActorKind::System,
        actor_id: None,
        actor_name: String::new(),
        action: action.to_owned(),
        target: target.0.to_owned(),
        target_id: Some(target.1.to_string()),
        address: String::new(),
        outcome: Outcome::Done,
        details,
    }
}
