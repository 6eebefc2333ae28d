//! Makes an account: with a workspace of its own, or for an invited person in the workspace that
//! invites them.

use chrono::{DateTime, Utc};
use replyx_billing::welcome;
use replyx_core::{
    change::{Change, New},
    ids::WorkspaceId,
    mail::{Letter, Mail},
    role::Role,
    rules::user::UserWithPassword,
    user::{Notifications, Registration, User},
    workspace::{Membership, Workspace},
};
use replyx_storage::Tx;

use crate::{Cx, Result};

/// An account with its workspace, not stored yet.
#[derive(Clone, Debug)]
pub(crate) struct NewAccount {
    pub(crate) user: User,
    pub(crate) workspace: Workspace,
    welcome: Welcome,
}

/// Whether a letter welcomes the owner of a new account.
#[derive(Clone, Copy, Debug)]
enum Welcome {
    Send,
    LeaveOut,
}

impl NewAccount {
    /// What will become of a registration.
    pub(crate) fn of(registration: &Registration, now: DateTime<Utc>) -> Self {
        let user = User {
            id: registration.user_id,
            email: registration.email.clone(),
            name: registration.name.clone(),
            language: registration.language,
            notifications: Notifications::default(),
            is_admin: false,
            second_factor: false,
            blocked_at: None,
            delete_at: None,
            created_at: now,
        };
        let workspace = Workspace {
            id: registration.workspace_id,
            name: called(&user),
            suspended_at: None,
            created_at: now,
        };
        Self { user, workspace, welcome: Welcome::Send }
    }

    /// The letter that welcomes its owner.
    fn letter(&self) -> Mail {
        let Self { user, .. } = self;
        let letter = Letter::Welcome { name: called(user) };
        Mail { to: user.email.clone(), language: user.language, letter }
    }

    /// Leaves the letter out if its mailbox has had too many: nobody has shown yet whose it is. To
    /// be asked before the transaction begins.
    pub(crate) async fn welcomed_within_limits(mut self, cx: &Cx) -> Self {
        if !cx.may_tell(&self.letter()).await {
            self.welcome = Welcome::LeaveOut;
        }
        self
    }

    /// Its own workspace, as its owner sees it.
    pub(crate) fn membership(&self) -> Membership {
        Membership { workspace: self.workspace.clone(), role: Role::Owner, suspended_at: None }
    }

    /// Where its first session acts.
    pub(crate) const fn place(&self) -> (WorkspaceId, Role) {
        (self.workspace.id, Role::Owner)
    }

    /// Stores it with its workspace, as [`Self::store_person`].
    pub(crate) async fn store(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        person: Change<New<UserWithPassword>>,
    ) -> Result<bool> {
        if !self.store_person(cx, tx, person).await? {
            return Ok(false);
        }
        tx.apply(self.workspace.clone().come_with(&self.user)).await?;
        let of = (self.workspace.id, self.user.email.as_str());
        welcome::welcome(tx, &cx.billing, &cx.tuning, of, &cx.clock).await?;
        Ok(true)
    }

    /// Stores the person, and welcomes them. What waited for the same address is forgotten. `false`
    /// when there is an account with this e-mail address; then the transaction is of no use any
    /// more.
    pub(crate) async fn store_person(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        person: Change<New<UserWithPassword>>,
    ) -> Result<bool> {
        match tx.apply(person).await {
            Ok(_) => {}
            Err(error) if error.is_duplicate() => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        tx.system().registrations().delete(&self.user.email).await?;
        if matches!(self.welcome, Welcome::Send) {
            cx.letters.queue(tx, &self.letter()).await?;
        }
        Ok(true)
    }
}

/// What a person is called: their name, or else their address.
fn called(user: &User) -> String {
    user.name.clone().unwrap_or_else(|| user.email.clone())
}
