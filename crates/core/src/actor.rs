//! Who asks for something: what a use case is handed, whether the request came over HTTP, from the
//! command line or from a test.
//!
//! The type says what was checked before: a [`Caller`] may act in a workspace, an [`Account`] is a
//! person who is signed in, an [`Admin`] is a platform admin.

use std::sync::Arc;

use crate::{
    act::Actor,
    address::ClientAddress,
    dialog::Operator,
    ids::{SessionId, UserId, WorkspaceId},
    session::{Access, Principal, WorkspaceAccess},
    user::User,
};

/// A member or an API key that acts in a workspace.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The workspace they act in.
    pub workspace_id: WorkspaceId,
    /// Who they are and what they may do.
    pub access: Arc<Access>,
    /// The client's address.
    pub address: ClientAddress,
}

impl Caller {
    /// The workspace, and what they may do there.
    ///
    /// # Panics
    ///
    /// Never: a caller has a place.
    pub fn place(&self) -> &WorkspaceAccess {
        self.access.place.as_ref().expect("a caller is made of an access with a place")
    }

    /// The person, unless it is a key.
    pub fn user_id(&self) -> Option<UserId> {
        match &self.access.principal {
            Principal::User { user, .. } => Some(user.id),
            Principal::Key { .. } => None,
        }
    }

    /// What people call them: the user's address, or the key's name.
    pub fn name(&self) -> String {
        match &self.access.principal {
            Principal::User { user, .. } => user.email.clone(),
            Principal::Key { name, .. } => name.clone(),
        }
    }

    /// The person or program, as colleagues see them in a dialog.
    pub fn operator(&self) -> Operator {
        let name = match &self.access.principal {
            Principal::User { user, .. } => user.name.clone().unwrap_or_else(|| user.email.clone()),
            Principal::Key { name, .. } => name.clone(),
        };
        Operator { user_id: self.user_id(), name }
    }

    /// Who acts, as the audit log names them.
    pub fn actor(&self) -> Actor {
        self.access.principal.actor(&self.address.to_string())
    }
}

/// A person who is signed in.
#[derive(Clone, Debug)]
pub struct Account {
    /// Their session.
    pub session: SessionId,
    /// Who they are and what they may do.
    pub access: Arc<Access>,
    /// The client's address.
    pub address: ClientAddress,
}

impl Account {
    /// The person.
    ///
    /// # Panics
    ///
    /// Never: an account is a person's.
    pub fn user(&self) -> &User {
        let Principal::User { user, .. } = &self.access.principal else {
            unreachable!("an account is made of an access of a person")
        };
        user
    }

    /// Who acts, as the audit log names them.
    pub fn actor(&self) -> Actor {
        self.access.principal.actor(&self.address.to_string())
    }
}

/// A platform admin.
#[derive(Clone, Debug)]
pub enum Admin {
    /// A person who is signed in.
    Account(Account),
    /// The user of the command line on the server.
    CommandLine,
}

impl Admin {
    /// The person, if it is known who it is.
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::Account(account) => Some(account.user().id),
            Self::CommandLine => None,
        }
    }

    /// Who acts, as the audit log names them.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Account(account) => {
                let user = account.user();
                Actor::admin(user.id, &user.email, &account.address.to_string())
            }
            Self::CommandLine => Actor::command_line(),
        }
    }
}
