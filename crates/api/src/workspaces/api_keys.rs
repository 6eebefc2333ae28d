//! Programs' keys to a workspace. A key is shown once, when it is made; it is stored as a hash.
//!
//! A key is its maker's: it may do what is among its scopes and what its maker may do now, and it is dead while its maker
//! may do nothing here. An owner may make a service key, which belongs to the workspace and goes on when they leave. No
//! key does what needs a person ([`Permission::needs_person`]).

pub mod create;
pub mod delete;
pub mod list;
pub mod read;
pub mod update;

use chrono::{DateTime, Utc};
use replyx_core::{
    permission::{Permission, Permissions},
    workspace::{ApiKey, KeyOwner},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ScopeWord;

/// A key, as people see one: without the key itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyView {
    /// Identity.
    id: Uuid,
    /// What its makers call it.
    #[schema(example = "Nightly upload")]
    name: String,
    /// The beginning of the key, by which people tell keys apart.
    #[schema(example = "rx_live_1f0b")]
    prefix: String,
    /// What it may do: those of these that its maker may do now. A service key may do all of them.
    #[schema(value_type = Vec<ScopeWord>, example = json!(["documents:read", "documents:write"]))]
    scopes: Vec<Permission>,
    /// Whether it belongs to the workspace and keeps working when its maker leaves.
    #[schema(example = false)]
    service: bool,
    /// Who made it.
    created_by: Uuid,
    /// When it ends, if it does.
    expires_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    last_used_at: Option<DateTime<Utc>>,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.into_uuid(),
            name: key.name,
            prefix: key.prefix,
            // Older keys may have been given more, which no longer counts.
            scopes: key.scopes.and(Permissions::of_keys()).iter().collect(),
            service: key.owner == KeyOwner::Workspace,
            created_by: key.created_by.into_uuid(),
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            created_at: key.created_at,
        }
    }
}
