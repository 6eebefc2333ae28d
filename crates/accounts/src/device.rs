//! From where, and with what, somebody asks who is not known yet.

use replyx_core::{act::Actor, address::ClientAddress, user::User};

/// From where, and with what, somebody asks who is not signed in.
#[derive(Clone, Debug)]
pub struct Device {
    /// The client's address.
    pub address: ClientAddress,
    /// The client's words on itself, at most 200 characters.
    pub user_agent: String,
}

impl Device {
    /// The person, who has just proved who they are.
    pub(crate) fn of(&self, user: &User) -> Actor {
        Actor::user(user.id, &user.email, &self.address.to_string())
    }

    /// Somebody who has not proved to be whom they claim to be. The e-mail address is empty when
    /// there is no such account.
    pub(crate) fn claiming(&self, email: &str) -> Actor {
        Actor::nobody(email, &self.address.to_string())
    }
}
