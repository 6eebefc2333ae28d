//! All data stored about a person.

use replyx_core::{
    actor::Account,
    audit::Entry,
    ids::{UserId, WorkspaceId},
    page::PageRequest,
    session::Session,
    workspace::{ApiKey, Membership},
};
use replyx_storage::{StorageError, Tx, audit::AuditFilter};

use crate::{Cx, Result};

/// How many acts of each log are told at most.
const ACTS: usize = 1_000;
/// How many acts are told in all.
const ALL_ACTS: usize = 5_000;

/// All that is stored of a person beside their profile.
#[derive(Debug)]
pub struct AccountData {
    /// Their sessions, newest first; at most 100.
    pub sessions: Vec<Session>,
    /// The workspaces they belong to, oldest membership first.
    pub memberships: Vec<Membership>,
    /// The API keys they made there.
    pub api_keys: Vec<ApiKey>,
    /// What they did, newest first.
    pub acts: Vec<Entry>,
    /// Are these all their acts?
    pub acts_complete: bool,
}

/// Reads all that is stored of a person.
pub async fn read(cx: &Cx, account: &Account) -> Result<AccountData> {
    let user = account.user().id;
    let mut tx = cx.db.read().await?;
    let sessions = tx.system().sessions().list(user, cx.clock.now()).await?;
    let memberships = tx.system().users().memberships(user).await?;

    let mut acts = Acts::default();
    acts.read(&mut tx, None, user).await?;
    let mut api_keys = Vec::new();
    for membership in &memberships {
        let workspace = membership.workspace.id;
        let page = PageRequest::new(Some(PageRequest::<()>::MAX), None);
        let keys = tx.workspace(workspace).api_keys().list(page).await?.items;
        api_keys.extend(keys.into_iter().filter(|key| key.created_by == user));
        acts.read(&mut tx, Some(workspace), user).await?;
    }

    acts.found.sort_by_key(|entry| std::cmp::Reverse(entry.act.at));
    let acts_complete = !acts.more;
    Ok(AccountData { sessions, memberships, api_keys, acts: acts.found, acts_complete })
}

/// What somebody did, as far as it has been read.
#[derive(Debug, Default)]
struct Acts {
    found: Vec<Entry>,
    more: bool,
}

impl Acts {
    /// Reads one log.
    async fn read(
        &mut self,
        tx: &mut Tx,
        workspace: Option<WorkspaceId>,
        user: UserId,
    ) -> Result<(), StorageError> {
        let filter = AuditFilter { actor_id: Some(user.into_uuid()), ..AuditFilter::default() };
        let mut read = 0;
        let mut after = None;
        while read < ACTS && self.found.len() < ALL_ACTS {
            let page = PageRequest::new(Some(PageRequest::<()>::MAX), after);
            let page = match workspace {
                Some(workspace) => tx.workspace(workspace).audit().list(&filter, page).await?,
                None => tx.system().audit().list(&filter, page).await?,
            };
            read += page.items.len();
            self.found.extend(page.items);
            let Some(next) = page.next else { return Ok(()) };
            after = Some(next);
        }
        self.more = true;
        Ok(())
    }
}
