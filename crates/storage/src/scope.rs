//! Whose data a transaction may touch: one workspace's, or (reviewed, greppable) everybody's.

use replyx_core::ids::WorkspaceId;

use crate::{
    Tx,
    assistants::Assistants,
    bots::{Bots, SystemBots},
    contacts::Contacts,
    dialogs::Dialogs,
    documents::Documents,
    events::Events,
    jobs::{Jobs, SystemJobs},
    messages::Messages,
    outbox::{Outbox, SystemOutbox},
    passages::Passages,
    processes::Processes,
    turns::{SystemTurns, Turns},
    updates::{SystemUpdates, Updates},
    users::Users,
    workspaces::{Members, Workspaces},
};

/// A transaction narrowed to one workspace.
pub struct Scope<'t> {
    tx: &'t mut Tx,
    workspace: WorkspaceId,
}

/// A transaction that reaches across workspaces.
pub struct System<'t> {
    tx: &'t mut Tx,
}

macro_rules! tables {
    ($($(#[$meta:meta])* $name:ident: $table:ident),+ $(,)?) => {
        impl<'t> Scope<'t> {
            pub(crate) const fn new(tx: &'t mut Tx, workspace: WorkspaceId) -> Self {
                Self { tx, workspace }
            }

            $($(#[$meta])* pub const fn $name(self) -> $table<'t> {
                $table { tx: self.tx, workspace: self.workspace }
            })+
        }
    };
}

macro_rules! system_tables {
    ($($(#[$meta:meta])* $name:ident: $table:ident),+ $(,)?) => {
        impl<'t> System<'t> {
            pub(crate) const fn new(tx: &'t mut Tx) -> Self {
                Self { tx }
            }

            $($(#[$meta])* pub const fn $name(self) -> $table<'t> { $table { tx: self.tx } })+
        }
    };
}

tables! {
    /// Who answers.
    assistants: Assistants,
    /// Ways into Telegram.
    bots: Bots,
    /// Customers.
    contacts: Contacts,
    /// Conversations.
    dialogs: Dialogs,
    /// Sources.
    documents: Documents,
    /// The log.
    events: Events,
    /// Background work.
    jobs: Jobs,
    /// Who works here.
    members: Members,
    /// Utterances.
    messages: Messages,
    /// Replies on their way.
    outbox: Outbox,
    /// Stretches of documents.
    passages: Passages,
    /// Work of answering.
    turns: Turns,
    /// Deliveries already taken.
    updates: Updates,
}

system_tables! {
    /// All bots, for the fleet and the webhooks.
    bots: SystemBots,
    /// All background work, for the workers.
    jobs: SystemJobs,
    /// All replies on their way, for delivery.
    outbox: SystemOutbox,
    /// The running processes.
    processes: Processes,
    /// All work of answering, for the workers.
    turns: SystemTurns,
    /// All deliveries already taken, for housekeeping.
    updates: SystemUpdates,
    /// People, who stand above workspaces.
    users: Users,
    /// The tenants themselves.
    workspaces: Workspaces,
}
