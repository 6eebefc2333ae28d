//! Programs' keys to a workspace. A key is shown once, when it is made; it is stored as a hash.
//!
//! A key belongs to the workspace: it goes on when who made it leaves.

pub mod create;
pub mod delete;
pub mod list;
pub mod read;
pub mod update;

use chrono::{DateTime, Utc};
use replyx_core::{permission::Permission, workspace::ApiKey};
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
    /// What it may do.
    #[schema(value_type = Vec<ScopeWord>, example = json!(["documents:read", "documents:write"]))]
    scopes: Vec<Permission>,
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
            scopes: key.scopes.iter().collect(),
            created_by: key.created_by.into_uuid(),
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            created_at: key.created_at,
        }
    }
}
