//! What a kind of event is called and carries, and what an event is about.

use crate::{
    ids::{DialogId, MessageId},
    shape::Field,
};

/// A kind of event, as its description in the `OpenAPI` document and in `docs/api.md` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventKind {
    /// Its stable name, as streams and webhooks show it.
    pub name: &'static str,
    /// The name of its type.
    pub type_name: &'static str,
    /// What happened, in a sentence.
    pub doc: &'static str,
    /// What it carries, besides its number, its time, its version and its name.
    pub fields: &'static [Field],
}

/// What an event is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The dialog it happened in.
    pub dialog_id: Option<DialogId>,
    /// The message it names.
    pub message_id: Option<MessageId>,
}
