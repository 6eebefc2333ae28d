//! What happens to API keys.
//!
//! A key is its maker's: it may do what is among its scopes and what its maker may do now. An owner
//! may make a service key, which belongs to the workspace. No key does what needs a person
//! ([`Permission::needs_person`]).

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::member::Standing;
use crate::{
    act::{Actor, ApiKeyCreated, ApiKeyDeleted, ApiKeyUpdated},
    change::{Change, Deleted, New},
    permission::Permission,
    role::Role,
    workspace::{ApiKey, KeyOwner},
};

#[cfg(test)]
mod tests;

/// An API key with what is stored of its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashedKey {
    /// The key.
    pub key: ApiKey,
    /// The hash of its secret.
    pub hash: String,
}

/// An API key cannot be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyRefused {
    /// It would have expired.
    #[error("the key would have expired")]
    Expired,
    /// One of its scopes needs a person.
    #[error("`{}` needs a person: no key may have it", .0.as_str())]
    NeedsPerson(Permission),
    /// It would do more than its maker may do, or belong to the workspace without an owner's
    /// choice.
    #[error("the key is above the standing of its maker")]
    AboveStanding,
    /// The workspace has as many keys as a workspace may.
    #[error("the workspace has too many keys")]
    TooMany,
}

impl ApiKey {
    /// The most keys of one workspace.
    pub const MOST: usize = 100;

    /// Adds the key to a workspace that has `others` keys already.
    ///
    /// # Errors
    ///
    /// [`KeyRefused`].
    pub fn create(
        self,
        hash: String,
        standing: &Standing,
        others: usize,
        by: &Actor,
    ) -> Result<Change<New<HashedKey>>, KeyRefused> {
        let at = self.created_at;
        if self.expires_at.is_some_and(|end| end <= at) {
            return Err(KeyRefused::Expired);
        }
        // No key decides who works here, or makes further keys.
        if let Some(scope) = self.scopes.iter().find(|scope| scope.needs_person()) {
            return Err(KeyRefused::NeedsPerson(scope));
        }
        let may_own = self.owner == KeyOwner::Maker || standing.ceiling >= Role::Owner;
        if !standing.permissions.cover(self.scopes) || !may_own {
            return Err(KeyRefused::AboveStanding);
        }
        if others >= Self::MOST {
            return Err(KeyRefused::TooMany);
        }

        let act = ApiKeyCreated {
            api_key: self.id,
            name: self.name.clone(),
            scopes: self.scopes.iter().collect(),
            service: self.is_service(),
            expires_at: self.expires_at,
        };
        let workspace = self.workspace_id;
        let new = New(HashedKey { key: self, hash });
        Ok(Change::of(workspace, new).done_by(by, &act, at))
    }

    /// Gives it another name.
    pub fn rename(mut self, name: String, by: &Actor, now: DateTime<Utc>) -> Change<Self> {
        self.name = name;
        let act = ApiKeyUpdated { api_key: self.id, name: self.name.clone() };
        Change::of(self.workspace_id, self).done_by(by, &act, now)
    }

    /// Revokes it.
    pub fn delete(self, by: &Actor, now: DateTime<Utc>) -> Change<Deleted<Self>> {
        let service = self.is_service();
        let act = ApiKeyDeleted { api_key: self.id, name: self.name.clone(), service };
        Change::of(self.workspace_id, Deleted(self)).done_by(by, &act, now)
    }

    fn is_service(&self) -> bool {
        self.owner == KeyOwner::Workspace
    }
}
