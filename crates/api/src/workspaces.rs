//! Tenants: who works in a workspace, who is invited, programs' keys, and the log of what was done.
//!
//! Nobody gives away more than they have, and nobody touches who stands above them. Whoever changes members, invites or
//! makes keys is looked up again in the transaction of the change (`standing`): what the extractors know may be a
//! moment old, and two who demote each other at once must not both succeed.

pub mod api_keys;
pub mod audit;
pub mod create;
pub mod invitations;
pub mod list;
pub mod members;
pub mod read;
mod standing;
pub mod update;

use chrono::{DateTime, Utc};
use replyx_core::{
    role::Role,
    workspace::{Membership, Workspace},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use crate::words::{RoleWord, ScopeWord};
use crate::{
    error::ApiError,
    tagged::{Edition, Tagged},
    users::WorkspaceView,
};

/// The most workspaces that one user may own.
const MOST_OWNED: usize = 20;
/// The most workspaces that one user may belong to.
const MOST_JOINED: usize = 100;

fn too_many(detail: &str) -> ApiError {
    ApiError::Conflict { code: "too_many_workspaces", detail: detail.to_owned() }
}

/// The edition of a workspace, as far as its members change it here.
fn edition(workspace: &Workspace) -> Edition {
    Edition::of(&workspace.name)
}

/// A workspace with its `ETag`.
fn tagged(workspace: Workspace) -> Tagged<WorkspaceView> {
    Tagged::new(edition(&workspace), workspace.into())
}

/// A workspace, as one of its members sees it among theirs.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembershipView {
    /// Identity of the workspace; goes into `X-Workspace`.
    id: Uuid,
    /// What its members call it.
    #[schema(example = "Green Lantern Shop")]
    name: String,
    /// Your role there.
    #[schema(value_type = RoleWord, example = "owner")]
    role: Role,
    /// May you not act there, because your membership or the whole workspace is suspended?
    #[schema(example = false)]
    suspended: bool,
    /// When the workspace was made.
    created_at: DateTime<Utc>,
}

impl From<Membership> for MembershipView {
    fn from(membership: Membership) -> Self {
        let Membership { workspace, role, suspended_at } = membership;
        Self {
            id: workspace.id.into_uuid(),
            name: workspace.name,
            role,
            suspended: suspended_at.is_some() || workspace.suspended_at.is_some(),
            created_at: workspace.created_at,
        }
    }
}
