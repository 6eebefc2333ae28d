//! What a member may do in a workspace.

use crate::words::words;

words! {
    /// A user's role in one workspace.
    Role {
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
    /// May this role change assistants, documents and bots?
    pub const fn may_manage(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }
}
