//! Makes an account with a workspace of its own.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::WorkspaceId,
    mail::{Letter, Mail},
    role::Role,
    user::{Registration, User},
    workspace::Workspace,
};
use replyx_storage::Tx;

use crate::{error::ApiResult, post, state::AppState};

/// An account with its workspace, not stored yet.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) user: User,
    pub(super) workspace: Workspace,
}

impl Account {
    /// What will become of a registration.
    pub(super) fn of(registration: &Registration, now: DateTime<Utc>) -> Self {
        let user = User {
            id: registration.user_id,
            email: registration.email.clone(),
            name: registration.name.clone(),
            language: registration.language,
            is_admin: false,
            second_factor: false,
            blocked_at: None,
            delete_at: None,
            created_at: now,
        };
        let name = called(&user);
        let id = registration.workspace_id;
        Self { user, workspace: Workspace { id, name, suspended_at: None, created_at: now } }
    }

    /// Where its first session acts.
    pub(super) const fn place(&self) -> (WorkspaceId, Role) {
        (self.workspace.id, Role::Owner)
    }

    /// Stores it, and welcomes its owner. What waited for the same address is forgotten. `false` when there is an
    /// account with this e-mail address; then the transaction is of no use any more.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub(super) async fn store(
        &self,
        state: &AppState,
        tx: &mut Tx,
        password_hash: &str,
    ) -> ApiResult<bool> {
        let Self { user, workspace } = self;
        match tx.system().users().insert(user, password_hash).await {
            Ok(()) => {}
            Err(error) if error.is_duplicate() => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        tx.system().workspaces().insert(workspace).await?;
        let members = tx.workspace(workspace.id).members();
        members.insert(user.id, Role::Owner, user.created_at).await?;
        tx.system().registrations().delete(&user.email).await?;
        let letter = Letter::Welcome { name: called(user) };
        let mail = Mail { to: user.email.clone(), language: user.language, letter };
        post::queue(state, tx, &mail).await?;
        Ok(true)
    }
}

/// What a person is called: their name, or else their address.
fn called(user: &User) -> String {
    user.name.clone().unwrap_or_else(|| user.email.clone())
}
