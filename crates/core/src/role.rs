//! A member's standing in a workspace.

use crate::words::words;

words! {
    /// A user's role in one workspace. What a role may do is said by [`crate::permission`].
    Role, example "operator" {
        /// May do everything, pays, cannot be the last to leave.
        Owner = "owner",
        /// May change assistants, documents, bots and members.
        Admin = "admin",
        /// May answer customers.
        Operator = "operator",
        /// May look.
        Viewer = "viewer",
    }
}

impl Role {
    const fn rank(self) -> u8 {
        match self {
            Self::Owner => 3,
            Self::Admin => 2,
            Self::Operator => 1,
            Self::Viewer => 0,
        }
    }
}

/// By rank: an owner is greater than an admin.
impl Ord for Role {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Role {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
