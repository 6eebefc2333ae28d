//! Identities: one type per thing, so that a dialog's id cannot be passed for a bot's.
//!
//! All are `UUIDv7`: they sort by the time of their making. [`crate::clock::Clock::id`] makes them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What every id type can do, for code that is generic over them.
pub trait Id: Copy + From<Uuid> {
    /// The bare UUID, for a database driver.
    fn into_uuid(self) -> Uuid;
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The bare UUID, for a database driver.
            pub const fn into_uuid(self) -> Uuid { self.0 }
        }

        impl Id for $name {
            fn into_uuid(self) -> Uuid { self.0 }
        }

        impl $crate::shape::Shaped for $name {
            const SHAPE: $crate::shape::Shape = $crate::shape::Shape::Id;
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self { Self(id) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(&self.0, f) }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(&self.0, f) }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> { text.parse().map(Self) }
        }
    )+};
}

ids! {
    /// A set of questions that an assistant is measured by.
    QuestionSetId,
    /// A measurement of an assistant by a question set.
    RunId,
    /// Web pages that are kept up to date.
    SourceId,
    /// A key to a model provider.
    ModelKeyId,
    /// One call of a model.
    ModelCallId,
    /// A tenant.
    WorkspaceId,
    /// A person.
    UserId,
    /// A sign-in: all access and refresh tokens that follow from it.
    SessionId,
    /// A program's key to a workspace.
    ApiKeyId,
    /// An offer to become a member.
    InvitationId,
    /// The assistant that answers.
    AssistantId,
    /// A source that was uploaded.
    DocumentId,
    /// A stretch of a document's text.
    PassageId,
    /// A word by which operators sort dialogs.
    TagId,
    /// A reply that operators keep ready.
    CannedReplyId,
    /// A way in which customers and an assistant write to each other.
    ChannelId,
    /// A customer, as known in one channel.
    ContactId,
    /// The conversation of one contact with one assistant.
    DialogId,
    /// One step on many dialogs.
    BulkId,
    /// One utterance in a dialog.
    MessageId,
    /// A part of a reply on its way to the customer.
    OutboxId,
    /// A file that belongs to a message.
    AttachmentId,
    /// The bytes of a file outside the database.
    FileId,
    /// Money that was given to a workspace, and is spent until nothing of it is left.
    CreditId,
    /// Money that is set aside for work that is under way.
    HoldId,
    /// A piece of durable background work.
    JobId,
    /// A running process of the installation.
    ProcessId,
}
