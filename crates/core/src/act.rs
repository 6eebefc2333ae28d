//! What people and programs do that the audit log keeps: a type per act, with its details.
//!
//! The name of an act, the kind of thing it is done on and the keys of its details are written in
//! one place, the `acts!` tables of the modules below, and are stored as they stand there: entries
//! are hashed and never change. [`Actor`] says who acts, and is made once per request. Storage
//! takes the two together and writes the entry, so nobody composes an
//! [`audit::Act`] by hand.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    audit::{self, ActorKind, Outcome},
    ids::{ApiKeyId, UserId},
};

mod account;
mod assistant;
mod bot;
mod dialog;
mod inbox;
mod knowledge;
mod platform;
mod workspace;

#[cfg(test)]
mod tests;

pub use account::*;
pub use assistant::*;
pub use bot::*;
pub use dialog::*;
pub use inbox::*;
pub use knowledge::*;
pub use platform::*;
pub use workspace::*;

/// Who acts, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    kind: ActorKind,
    id: Option<Uuid>,
    name: String,
    address: String,
}

impl Actor {
    /// A person who is signed in, or has just proved who they are.
    pub fn user(id: UserId, email: &str, address: &str) -> Self {
        Self::new(ActorKind::User, Some(id.into_uuid()), email, address)
    }

    /// A program with a key.
    pub fn api_key(id: ApiKeyId, name: &str, address: &str) -> Self {
        Self::new(ActorKind::ApiKey, Some(id.into_uuid()), name, address)
    }

    /// A platform admin.
    pub fn admin(id: UserId, email: &str, address: &str) -> Self {
        Self::new(ActorKind::Admin, Some(id.into_uuid()), email, address)
    }

    /// The user of the command line, who has access to the database anyway.
    pub fn command_line() -> Self {
        Self::new(ActorKind::Admin, None, "command line", "")
    }

    /// The kind of actor.
    pub const fn kind(&self) -> ActorKind {
        self.kind
    }

    /// Their account or key.
    pub const fn id(&self) -> Option<Uuid> {
        self.id
    }

    /// Somebody who has not proved who they are. The name is the one they claim, or empty.
    pub fn nobody(name: &str, address: &str) -> Self {
        Self::new(ActorKind::Nobody, None, name, address)
    }

    /// The program itself.
    pub fn system() -> Self {
        Self::new(ActorKind::System, None, "", "")
    }

    fn new(kind: ActorKind, id: Option<Uuid>, name: &str, address: &str) -> Self {
        Self { kind, id, name: name.to_owned(), address: address.to_owned() }
    }

    /// What people call them: the user's e-mail address, or the key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The act as it is stored.
    pub fn did<A: Act>(&self, act: &A, at: DateTime<Utc>) -> audit::Act {
        audit::Act {
            at,
            actor: self.kind,
            actor_id: self.id,
            actor_name: self.name.clone(),
            action: A::ACTION.to_owned(),
            target: A::TARGET.to_owned(),
            target_id: act.target_id(),
            address: self.address.clone(),
            outcome: act.outcome(),
            details: act.details(),
        }
    }
}

/// An act that the audit log keeps.
pub trait Act {
    /// Whose log keeps it: [`WorkspaceLog`] or [`PlatformLog`].
    type Log;
    /// Its stable name: `member.removed`.
    const ACTION: &'static str;
    /// The kind of thing it is done on.
    const TARGET: &'static str;

    /// Which thing it is done on, unless that is not known.
    fn target_id(&self) -> Option<String>;

    /// How it ended.
    fn outcome(&self) -> Outcome {
        Outcome::Done
    }

    /// What else matters: a small object, never a secret or a customer's words.
    fn details(&self) -> Value;
}

/// An act with which no object of `core` changes: somebody was refused, used a code up or looked at
/// something, or what it is done on belongs to another crate. Every other act is made by the rule
/// that changes its object.
#[diagnostic::on_unimplemented(
    message = "the act `{Self}` is made by the rule that changes its object",
    note = "if no object of `core` changes with it, it is a line of `standalone!` in `core/src/act.rs`"
)]
pub trait Standalone: Act {}

macro_rules! standalone {
    ($($act:ident),+ $(,)?) => { $(impl Standalone for $act {})+ };
}

standalone! {
    AnswersImported,
    AuditRead,
    BalanceCorrected,
    BalanceCredited,
    BalanceRefunded,
    DollarRateSet,
    JobCanceled,
    JobRetried,
    ModelKeyCreated,
    ModelKeyDeleted,
    ModelKeyUpdated,
    ModelProviderDeleted,
    ModelProviderSet,
    PricesSet,
    ProofRefused,
    RecoveryCodeUsed,
    SessionRefused,
    SessionReuseDetected,
    SettingChanged,
    SettingReset,
}

/// The audit log of a workspace.
#[derive(Clone, Copy, Debug)]
pub enum WorkspaceLog {}

/// The audit log of the installation and its accounts.
#[derive(Clone, Copy, Debug)]
pub enum PlatformLog {}

/// A field as JSON.
fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("ids, words, numbers, times and texts are JSON")
}

/// A target's id as it is stored.
fn target(id: &impl serde::Serialize) -> Option<String> {
    match json(id) {
        Value::String(id) => Some(id),
        _ => None,
    }
}

/// Makes a type of each act: `Name = "stored.name" on target_kind: IdType { details }`. `: refused`
/// after the stored name says that the act did not succeed.
macro_rules! acts {
    (
        $log:ident, table $table:ident;
        $(
            $(#[$meta:meta])*
            $act:ident = $action:literal $(: $refused:ident)? on $target:ident: $id:ty
            { $($field:ident: $type:ty),* $(,)? }
        )+
    ) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, PartialEq)]
            #[allow(missing_docs, reason = "fields are called as the target and the keys of the details")]
            pub struct $act {
                pub $target: $id,
                $(pub $field: $type,)*
            }

            impl super::Act for $act {
                type Log = super::$log;
                const ACTION: &'static str = $action;
                const TARGET: &'static str = stringify!($target);

                fn target_id(&self) -> Option<String> {
                    super::target(&self.$target)
                }

                $(acts!(@ $refused);)?

                fn details(&self) -> serde_json::Value {
                    #[allow(unused_mut, reason = "some acts have no details")]
                    let mut details = serde_json::Map::new();
                    $(details.insert(stringify!($field).to_owned(), super::json(&self.$field));)*
                    details.into()
                }
            }
        )+

        /// The types of this table, each with the name it is stored under.
        #[cfg(test)]
        pub(super) const $table: &[(&str, &str)] = &[$((stringify!($act), $action)),+];
    };
    (@ refused) => {
        fn outcome(&self) -> crate::audit::Outcome {
            crate::audit::Outcome::Refused
        }
    };
}

use acts;
