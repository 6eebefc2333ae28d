//! Acts on accounts: registration, sign-in, passwords, the second factor and deletion.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Act, PlatformLog, acts, json, target};
use crate::{
    audit::Outcome,
    ids::{SessionId, UserId},
};

/// Somebody registered with an e-mail address that is not confirmed yet.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountRequested {
    /// The account, or the one that has the address already.
    pub user: UserId,
    /// Does the address belong to an account already? Then nothing comes of it.
    pub taken: bool,
}

impl Act for AccountRequested {
    type Log = PlatformLog;
    const ACTION: &'static str = "account.registered";
    const TARGET: &'static str = "user";

    fn target_id(&self) -> Option<String> {
        target(&self.user)
    }

    fn outcome(&self) -> Outcome {
        if self.taken { Outcome::Refused } else { Outcome::Done }
    }

    fn details(&self) -> Value {
        serde_json::json!({"confirmed": false})
    }
}

/// An account was created at once, without a confirmation.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountRegistered {
    /// The account.
    pub user: UserId,
    /// Did an invitation lead to it?
    pub invited: bool,
}

impl Act for AccountRegistered {
    type Log = PlatformLog;
    const ACTION: &'static str = "account.registered";
    const TARGET: &'static str = "user";

    fn target_id(&self) -> Option<String> {
        target(&self.user)
    }

    fn details(&self) -> Value {
        serde_json::json!({"confirmed": true, "invited": json(&self.invited)})
    }
}

acts! {
    PlatformLog, table ACCOUNT;

    /// The e-mail address of a registration was confirmed, and the account created.
    AccountConfirmed = "account.confirmed" on user: UserId {}

    /// A person changed their name or language.
    AccountUpdated = "account.updated" on user: UserId {}

    /// A person asked for their account to be deleted.
    AccountDeletionScheduled = "account.deletion_scheduled" on user: UserId {
        delete_at: DateTime<Utc>,
    }

    /// A person canceled the deletion of their account.
    AccountRestored = "account.restored" on user: UserId {}

    /// An account was permanently deleted.
    AccountDeleted = "account.deleted" on user: UserId {}

    /// A person signed in.
    SessionOpened = "session.opened" on user: UserId { session: SessionId }

    /// A sign-in was refused.
    SessionRefused = "session.refused": refused on user: Option<UserId> { reason: &'static str }

    /// A person signed out.
    SessionClosed = "session.closed" on session: SessionId {}

    /// A person signed one of their devices out.
    SessionRevoked = "session.revoked" on session: SessionId {}

    /// A person signed all other devices out.
    OtherSessionsRevoked = "session.others_revoked" on user: UserId { sessions: u64 }

    /// A refresh token was used a second time: its session was revoked.
    SessionReuseDetected = "session.reuse_detected": refused on user: Option<UserId> {
        session: SessionId,
    }

    /// A person changed their password.
    PasswordChanged = "password.changed" on user: UserId {}

    /// A password was replaced with the link that was mailed.
    PasswordReset = "password.reset" on user: UserId {}

    /// Somebody asked for a link to replace a password.
    PasswordResetRequested = "password.reset_asked" on user: UserId {}

    /// A password was set on the command line.
    PasswordSet = "password.set" on user: UserId {}

    /// Somebody who is signed in did not prove who they are.
    ProofRefused = "proof.refused": refused on user: UserId { reason: String }

    /// A person turned their second factor on.
    SecondFactorEnabled = "second_factor.enabled" on user: UserId {}

    /// A person turned their second factor off.
    SecondFactorRemoved = "second_factor.removed" on user: UserId {}

    /// A person replaced their recovery codes.
    RecoveryCodesReplaced = "second_factor.recovery_codes_replaced" on user: UserId {}

    /// A recovery code was used.
    RecoveryCodeUsed = "second_factor.recovery_code_used" on user: UserId { left: i64 }
}
