//! What an API key may do, as a schema of the `OpenAPI` document. All other words are those of
//! `core`, which bring their schemas.

use std::borrow::Cow;

use replyx_core::permission::{Permission, Permissions};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

/// The schema `Scope`: the permissions that need no person.
#[derive(Clone, Copy, Debug)]
pub enum ScopeWord {}

impl PartialSchema for ScopeWord {
    fn schema() -> RefOr<Schema> {
        let words = Permissions::of_keys().iter().map(Permission::as_str);
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
        schema.description(Some("What an API key may do.")).into()
    }
}

impl ToSchema for ScopeWord {
    fn name() -> Cow<'static, str> {
        "Scope".into()
    }
}
