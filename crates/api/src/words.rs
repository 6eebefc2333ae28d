//! The closed sets of words of the product, as schemas of the `OpenAPI` document.
//!
//! `core` knows nothing of schemas: a field that holds such a word names the type of its schema with
//! `#[schema(value_type = ...)]`.

use std::borrow::Cow;

use replyx_core::{
    assistant, audit, bot, channel, dialog, evaluation, knowledge, message, permission, role, usage,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

macro_rules! schemas {
    ($($type:ident = $name:literal, $words:ty, $description:literal $(, example $example:literal)?;)+) => {$(
        #[doc = concat!("The schema `", $name, "`: ", $description)]
        #[derive(Clone, Copy, Debug)]
        pub enum $type {}

        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let words = <$words>::ALL.iter().map(|word| word.as_str());
                let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
                schema$(.examples([$example]))?.description(Some($description)).into()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                $name.into()
            }
        }
    )+};
}

schemas! {
    RoleWord = "Role", role::Role, "A role in a workspace.", example "operator";
    PermissionWord = "Permission", permission::Permission, "What a member may do.";
    LanguageWord = "Language", assistant::Language, "A language of fixed texts and mail.";
    UnverifiedWord = "Unverified", assistant::Unverified, "What happens to an answer whose facts are not in its sources.";
    CheckOutcomeWord = "CheckOutcome", message::CheckOutcome, "What became of the check of an answer's facts.";
    SourceKindWord = "SourceKind", knowledge::SourceKind, "How a source finds its pages.";
    SourceStatusWord = "SourceStatus", knowledge::SourceStatus, "How far the fetching of a source is.";
    RunStatusWord = "RunStatus", evaluation::RunStatus, "How far a measurement is.";
    PurposeWord = "Purpose", usage::Purpose, "What a model was asked for.";
    BotModeWord = "BotMode", bot::BotMode, "How updates reach us.";
    BotStatusWord = "BotStatus", channel::ChannelStatus, "Whether a bot runs.";
    DocumentStatusWord = "DocumentStatus", knowledge::DocumentStatus, "How far the reading of a document is.";
    WarningCodeWord = "WarningCode", knowledge::WarningCode, "What an owner should know of a document.";
    DocumentKindWord = "DocumentKind", knowledge::DocumentKind, "What kind of file it is.";
    ControlWord = "Control", dialog::Control, "Who may speak to the customer.";
    ChatKindWord = "ChatKind", channel::ChatKind, "What kind of chat it is.";
    AuthorWord = "Author", message::Author, "Who said it.";
    MessageKindWord = "MessageKind", message::MessageKind, "What kind of message it is.";
    DeliveryWord = "Delivery", message::Delivery, "How far the delivery is.";
    AnswerOutcomeWord = "AnswerOutcome", message::Outcome, "How the answer came about.";
    ActorKindWord = "ActorKind", audit::ActorKind, "What kind of actor it was.";
    ActOutcomeWord = "ActOutcome", audit::Outcome, "Whether it was done.";
}

/// The schema `Scope`: what an API key may do, which is what needs no person.
#[derive(Clone, Copy, Debug)]
pub enum ScopeWord {}

impl PartialSchema for ScopeWord {
    fn schema() -> RefOr<Schema> {
        let words = permission::Permissions::of_keys().iter().map(permission::Permission::as_str);
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
        schema.description(Some("What an API key may do.")).into()
    }
}

impl ToSchema for ScopeWord {
    fn name() -> Cow<'static, str> {
        "Scope".into()
    }
}
