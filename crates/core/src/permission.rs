//! What may be done in a workspace, named once.
//!
//! A [`Permission`] is what an operation asks for; a role grants all permissions up to its own rank
//! ([`Permission::least_role`]), an API key those among its scopes. Nothing else decides who may do
//! what.

use crate::{role::Role, words::words};

words! {
    /// What an operation asks for. The word is also the scope of an API key.
    Permission {
        /// See the workspace.
        WorkspaceRead = "workspace:read",
        /// Rename the workspace.
        WorkspaceWrite = "workspace:write",
        /// See who works here, and who is invited.
        MembersRead = "members:read",
        /// Invite, change, suspend and remove members.
        MembersWrite = "members:write",
        /// Make and unmake owners.
        OwnersWrite = "owners:write",
        /// See, make and revoke API keys.
        KeysWrite = "keys:write",
        /// Read the audit log.
        AuditRead = "audit:read",
        /// See assistants, search in what they know.
        AssistantsRead = "assistants:read",
        /// Make, change and delete assistants.
        AssistantsWrite = "assistants:write",
        /// See documents and their text.
        DocumentsRead = "documents:read",
        /// Upload, reindex and delete documents.
        DocumentsWrite = "documents:write",
        /// See bots.
        BotsRead = "bots:read",
        /// Register, change, start, stop and delete bots.
        BotsWrite = "bots:write",
        /// Read conversations with customers.
        DialogsRead = "dialogs:read",
        /// Answer customers.
        DialogsWrite = "dialogs:write",
        /// Follow what happens, as it happens.
        EventsRead = "events:read",
        /// Post what customers say in a channel of one's own.
        MessagesWrite = "messages:write",
        /// See the balance, what moved, and prices.
        BillingRead = "billing:read",
    }
}

impl Permission {
    /// The lowest role that has it.
    pub const fn least_role(self) -> Role {
        match self {
            Self::WorkspaceRead
            | Self::MembersRead
            | Self::AssistantsRead
            | Self::DocumentsRead
            | Self::BotsRead
            | Self::DialogsRead
            | Self::EventsRead => Role::Viewer,
            Self::DialogsWrite | Self::MessagesWrite => Role::Operator,
            Self::WorkspaceWrite
            | Self::MembersWrite
            | Self::KeysWrite
            | Self::AuditRead
            | Self::AssistantsWrite
            | Self::DocumentsWrite
            | Self::BotsWrite
            | Self::BillingRead => Role::Admin,
            Self::OwnersWrite => Role::Owner,
        }
    }

    /// What it allows, in a few words.
    pub const fn description(self) -> &'static str {
        match self {
            Self::WorkspaceRead => "see the workspace",
            Self::WorkspaceWrite => "rename the workspace",
            Self::MembersRead => "see members and invitations",
            Self::MembersWrite => "invite, change, suspend and remove members",
            Self::OwnersWrite => "appoint and remove owners",
            Self::KeysWrite => "see, create and revoke API keys",
            Self::AuditRead => "read the audit log",
            Self::AssistantsRead => "see assistants, search their knowledge",
            Self::AssistantsWrite => "create, change and delete assistants",
            Self::DocumentsRead => "see documents and their text",
            Self::DocumentsWrite => "upload, reindex and delete documents",
            Self::BotsRead => "see bots and other channels",
            Self::BotsWrite => "register, change, start, stop and delete bots and other channels",
            Self::DialogsRead => "read conversations with customers",
            Self::DialogsWrite => "answer customers",
            Self::EventsRead => "stream events",
            Self::MessagesWrite => "post messages from the users of your program",
            Self::BillingRead => "see the balance, its entries and the prices",
        }
    }

    /// Whether only a person may do it, never a program with a key: a person decides who works
    /// here, or makes further keys, could outlive the removal of the key's maker.
    pub const fn needs_person(self) -> bool {
        matches!(self, Self::MembersWrite | Self::OwnersWrite | Self::KeysWrite)
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    /// What a role grants.
    pub fn of_role(role: Role) -> Self {
        Permission::ALL.iter().copied().filter(|what| role >= what.least_role()).collect()
    }

    /// What an API key may be given at most.
    pub fn of_keys() -> Self {
        Permission::ALL.iter().copied().filter(|what| !what.needs_person()).collect()
    }

    /// Those that are in both sets.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Is it among them?
    pub const fn allow(self, what: Permission) -> bool {
        self.0 & what.bit() != 0
    }

    /// Are all of `others` among them?
    pub const fn cover(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Each of them, in the order of their definition.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |what| self.allow(*what))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |set, what| set | what.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_all_that_a_lower_one_may_and_more() {
        let ranks = [Role::Viewer, Role::Operator, Role::Admin, Role::Owner];
        for pair in ranks.windows(2) {
            let lower = Permissions::of_role(pair[0]);
            let higher = Permissions::of_role(pair[1]);
            assert!(higher.cover(lower) && higher != lower, "{pair:?}");
        }
        assert!(Permission::ALL.iter().all(|what| Permissions::of_role(Role::Owner).allow(*what)));
    }

    #[test]
    fn no_key_decides_who_works_here_or_makes_keys() {
        let keys = Permissions::of_keys();
        let people_only: Vec<&str> = Permission::ALL
            .iter()
            .filter(|what| !keys.allow(**what))
            .map(|what| what.as_str())
            .collect();
        assert_eq!(people_only, ["members:write", "owners:write", "keys:write"]);
        let both = keys.and(Permissions::of_role(Role::Viewer));
        assert_eq!(both, Permissions::of_role(Role::Viewer));
    }

    #[test]
    fn a_viewer_changes_nothing() {
        let viewer = Permissions::of_role(Role::Viewer);
        assert!(viewer.iter().all(|what| what.as_str().ends_with(":read")));
        assert!(!viewer.allow(Permission::AuditRead));
    }
}
