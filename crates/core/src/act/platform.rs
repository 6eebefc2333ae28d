//! Acts of platform admins.

use chrono::{DateTime, Utc};

use super::acts;
use crate::{
    ids::{JobId, ModelKeyId, UserId, WorkspaceId},
    ledger::CreditSource,
    money::Money,
};

acts! {
    PlatformLog, table PLATFORM;

    /// A platform admin was created on the command line.
    AdminCreated = "admin.created" on user: UserId {}

    /// A user became a platform admin, or is none any more.
    AdminRoleChanged = "admin.role_changed" on user: UserId { is_admin: bool }

    /// A user was blocked.
    UserBlocked = "user.blocked" on user: UserId { email: String }

    /// A user was unblocked.
    UserUnblocked = "user.unblocked" on user: UserId { email: String }

    /// A user is permanently deleted, without a grace period.
    UserDeleted = "user.deleted" on user: UserId { email: String }

    /// The second factor of a user who had lost it was removed.
    SecondFactorReset = "second_factor.reset" on user: UserId { email: String }

    /// A workspace was suspended.
    WorkspaceSuspended = "workspace.suspended" on workspace: WorkspaceId { name: String }

    /// A suspended workspace was resumed.
    WorkspaceResumed = "workspace.resumed" on workspace: WorkspaceId { name: String }

    /// The models that a workspace may use were changed.
    AllowedModelsChanged = "workspace.updated" on workspace: WorkspaceId {
        name: String,
        allowed_models: Option<Vec<String>>,
    }

    /// A key to a model provider was added.
    ModelKeyCreated = "model_key.created" on model_key: ModelKeyId {
        provider: String,
        name: String,
        hint: String,
    }

    /// A key to a model provider was changed.
    ModelKeyUpdated = "model_key.updated" on model_key: ModelKeyId {
        name: String,
        hint: String,
        enabled: bool,
        new_secret: bool,
    }

    /// A key to a model provider was deleted.
    ModelKeyDeleted = "model_key.deleted" on model_key: ModelKeyId {
        provider: String,
        name: String,
        hint: String,
    }

    /// A model provider was added or changed.
    ModelProviderSet = "model_provider.set" on model_provider: String {
        protocol: String,
        base_url: String,
        dropped_keys: u64,
    }

    /// A model provider was deleted.
    ModelProviderDeleted = "model_provider.deleted" on model_provider: String {}

    /// A setting was changed.
    SettingChanged = "setting.changed" on setting: String { value: String }

    /// A setting was reset to its default.
    SettingReset = "setting.reset" on setting: String {}

    /// Money was added to a balance.
    BalanceCredited = "balance.credited" on workspace: WorkspaceId {
        amount: Money,
        source: CreditSource,
        source_id: String,
        reason: String,
    }

    /// Money was paid out from a balance.
    BalanceRefunded = "balance.refunded" on workspace: WorkspaceId {
        amount: Money,
        reason: String,
    }

    /// A balance was corrected.
    BalanceCorrected = "balance.corrected" on workspace: WorkspaceId {
        amount: Money,
        reason: String,
    }

    /// Prices were set.
    PricesSet = "prices.set" on prices: String { in_force_from: DateTime<Utc> }

    /// The rate of the dollar was set.
    DollarRateSet = "dollar_rate.set" on dollar_rate: String {
        rate: Money,
        in_force_from: DateTime<Utc>,
    }

    /// A job was made to run at once.
    JobRetried = "job.retried" on job: JobId { kind: String }

    /// A job was canceled.
    JobCanceled = "job.canceled" on job: JobId { kind: String }

    /// A platform admin read the audit log of a workspace.
    AuditRead = "audit.read" on workspace: WorkspaceId {}
}
