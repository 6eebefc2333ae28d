//! Whose data a transaction may touch: one workspace's, or (reviewed, greppable) everybody's.

use replyx_core::ids::WorkspaceId;

use crate::{
    Tx,
    api_keys::{ApiKeys, SystemApiKeys},
    assistants::{Assistants, SystemAssistants},
    attachments::Attachments,
    audit::{Audit, SystemAudit},
    bots::{Bots, SystemBots},
    bulk::{BulkItems, SystemBulkItems},
    canned_replies::CannedReplies,
    channels::{Channels, SystemChannels},
    contacts::{Contacts, SystemContacts},
    deliveries::{Deliveries, SystemDeliveries},
    dialog_terms::{DialogTerms, SystemDialogTerms},
    dialogs::{Dialogs, SystemDialogs},
    documents::{Documents, SystemDocuments},
    drafts::Drafts,
    evaluation::{QuestionSets, Runs},
    events::Events,
    files::{SystemFiles, WorkspaceFiles},
    idempotency::IdempotencyKeys,
    inbox::Inbox,
    inbox_views::InboxViews,
    jobs::{Jobs, SystemJobs},
    kept_answers::{KeptAnswers, SystemKeptAnswers},
    knowledge::Knowledge,
    ledger::{
        BalanceNotices, Credits, Holds, Ledger, Prices, SystemBalanceNotices, SystemHolds,
        SystemLedger, SystemTrials, Trials,
    },
    load::SystemLoad,
    member_mail::{MemberMail, SystemMemberMail},
    members::{Invitations, Members, SystemInvitations},
    messages::{Messages, SystemMessages},
    model_calls::{ModelCalls, SystemModelCalls},
    model_keys::ModelKeys,
    neighbours::{Neighbours, SystemNeighbours},
    operators::{Operators, SystemOperators},
    outbox::{Outbox, SystemOutbox},
    passages::Passages,
    pauses::Pauses,
    processes::Processes,
    registrations::{LoginAttempts, PasswordResets, Registrations},
    replacements::Replacements,
    second_factors::SecondFactors,
    sessions::Sessions,
    settings::StoredSettings,
    sizes::SystemSizes,
    slas::{Slas, SystemSlas},
    snoozes::{Snoozes, SystemSnoozes},
    sources::{Sources, SystemSources},
    tags::Tags,
    turns::{SystemTurns, Turns},
    upload_days::UploadDays,
    uploads::{SystemUploads, Uploads},
    users::Users,
    waits::{SystemWaits, Waits},
    workspaces::Workspaces,
};

/// A transaction narrowed to one workspace.
pub struct Scope<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

/// A transaction that reaches across workspaces.
pub struct System<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Tx {
    /// Narrows the transaction to one workspace.
    pub const fn workspace(&mut self, id: WorkspaceId) -> Scope<'_> {
        Scope::new(self, id)
    }

    /// Work across workspaces. Every use is reviewed.
    pub const fn system(&mut self) -> System<'_> {
        System::new(self)
    }
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
    /// What members are to be written about.
    member_mail: MemberMail,
    /// Programs' keys.
    api_keys: ApiKeys,
    /// The audit log.
    audit: Audit,
    /// The assistant that answers.
    assistants: Assistants,
    /// Files of messages.
    attachments: Attachments,
    /// What its owners have been told of its balance.
    balance_notices: BalanceNotices,
    /// Telegram bots.
    bots: Bots,
    /// What steps on many dialogs changed.
    bulk_items: BulkItems,
    /// Replies that operators keep ready.
    canned_replies: CannedReplies,
    /// Ways in which customers and assistants write to each other.
    channels: Channels,
    /// Customers.
    contacts: Contacts,
    /// Where its money came from.
    credits: Credits,
    /// Deliveries already taken.
    deliveries: Deliveries,
    /// The words that conversations are found by.
    dialog_terms: DialogTerms,
    /// Conversations.
    dialogs: Dialogs,
    /// Sources.
    documents: Documents,
    /// What members have begun to write.
    drafts: Drafts,
    /// The views that members have made of the inbox.
    inbox_views: InboxViews,
    /// The log.
    events: Events,
    /// What it keeps.
    files: WorkspaceFiles,
    /// Conversations, as operators see them in a list.
    inbox: Inbox,
    /// Money that is set aside.
    holds: Holds,
    /// The invitations.
    invitations: Invitations,
    /// Background work.
    jobs: Jobs,
    /// Answers that serve again.
    kept_answers: KeptAnswers,
    /// The knowledge of assistants.
    knowledge: Knowledge,
    /// What moved between accounts, and what there is.
    ledger: Ledger,
    /// The members.
    members: Members,
    /// Utterances.
    messages: Messages,
    /// Calls of models.
    model_calls: ModelCalls,
    /// Vectors in the database's own index.
    neighbours: Neighbours,
    /// Who answers customers.
    operators: Operators,
    /// Replies on their way.
    outbox: Outbox,
    /// Stretches of documents.
    passages: Passages,
    /// Assistants that answer nobody.
    pauses: Pauses,
    /// What assistants are measured by.
    question_sets: QuestionSets,
    /// New files of documents, which wait to be read.
    replacements: Replacements,
    /// How they did.
    runs: Runs,
    /// What was promised to customers.
    slas: Slas,
    /// Dialogs that are out of sight for a time.
    snoozes: Snoozes,
    /// Web pages kept up to date.
    sources: Sources,
    /// The words by which operators sort dialogs.
    tags: Tags,
    /// Its trial.
    trials: Trials,
    /// Work of answering.
    turns: Turns,
    /// What was uploaded today.
    upload_days: UploadDays,
    /// Who waits for a human, and for how long.
    waits: Waits,
    /// Files that wait to be sent.
    uploads: Uploads,
}

system_tables! {
    /// The mail to members of all workspaces, for who writes it by the clock.
    member_mail: SystemMemberMail,
    /// All programs' keys, for sign-in.
    api_keys: SystemApiKeys,
    /// All assistants, for the command line.
    assistants: SystemAssistants,
    /// The platform's audit log, and all others to be checked.
    audit: SystemAudit,
    /// What owners have been told of balances.
    balance_notices: SystemBalanceNotices,
    /// All bots, for the fleet and the webhooks.
    bots: SystemBots,
    /// What steps on many dialogs changed, for housekeeping.
    bulk_items: SystemBulkItems,
    /// All channels, for what is sent to many customers.
    channels: SystemChannels,
    /// All customers, for housekeeping and what is counted of many.
    contacts: SystemContacts,
    /// All deliveries already taken, for housekeeping.
    deliveries: SystemDeliveries,
    /// The words that conversations are found by, for the schedule.
    dialog_terms: SystemDialogTerms,
    /// All conversations, for what is said in many of them.
    dialogs: SystemDialogs,
    /// All documents, for housekeeping.
    documents: SystemDocuments,
    /// All files outside the database, for housekeeping.
    files: SystemFiles,
    /// All holds, for the reaper.
    holds: SystemHolds,
    /// Requests that may be repeated.
    idempotency: IdempotencyKeys,
    /// All invitations, for those who take one up.
    invitations: SystemInvitations,
    /// All background work, for the workers.
    jobs: SystemJobs,
    /// All answers that serve again, for housekeeping.
    kept_answers: SystemKeptAnswers,
    /// All ledgers, to be summed and proved.
    ledger: SystemLedger,
    /// How much work there is.
    load: SystemLoad,
    /// Failed attempts to sign in.
    login_attempts: LoginAttempts,
    /// All utterances, for what is told of many.
    messages: SystemMessages,
    /// All calls of models, for the limits of keys.
    model_calls: SystemModelCalls,
    /// Providers of models and the keys to them.
    model_keys: ModelKeys,
    /// All vectors in the database's own index, for housekeeping.
    neighbours: SystemNeighbours,
    /// All who answer customers, for what time makes necessary.
    operators: SystemOperators,
    /// All replies on their way, for delivery.
    outbox: SystemOutbox,
    /// Links that reset a password.
    password_resets: PasswordResets,
    /// What the platform charges.
    prices: Prices,
    /// The running processes.
    processes: Processes,
    /// Accounts to be.
    registrations: Registrations,
    /// Second factors.
    second_factors: SecondFactors,
    /// Sign-ins.
    sessions: Sessions,
    /// How large the database is and was.
    sizes: SystemSizes,
    /// What a platform admin has set.
    settings: StoredSettings,
    /// All that was promised to customers, for the schedule.
    slas: SystemSlas,
    /// All dialogs that are out of sight for a time, to bring them back.
    snoozes: SystemSnoozes,
    /// All sources, for the schedule.
    sources: SystemSources,
    /// All trials, for housekeeping.
    trials: SystemTrials,
    /// All work of answering, for the workers.
    turns: SystemTurns,
    /// All files that wait to be sent, for housekeeping.
    uploads: SystemUploads,
    /// People, who stand above workspaces.
    users: Users,
    /// All who waited for a human, for housekeeping.
    waits: SystemWaits,
    /// The tenants themselves.
    workspaces: Workspaces,
}
