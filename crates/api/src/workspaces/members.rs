//! Who works in a workspace.

pub mod delete;
pub mod list;
pub mod update;

use chrono::{DateTime, Utc};
use replyx_core::{ids::UserId, role::Role, workspace::Member};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::RoleWord;
use crate::error::{ApiError, ApiResult};

/// A member, as the others see one.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberView {
    /// Their account; the id in the paths of members.
    user_id: Uuid,
    /// Their e-mail address.
    #[schema(example = "owner@example.org")]
    email: String,
    /// What they are called.
    #[schema(example = "Ada")]
    name: Option<String>,
    /// Their role here.
    #[schema(value_type = RoleWord, example = "owner")]
    role: Role,
    /// May they not act here?
    #[schema(example = false)]
    suspended: bool,
    /// Since when they are a member.
    created_at: DateTime<Utc>,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            user_id: member.user_id.into_uuid(),
            email: member.email,
            name: member.name,
            role: member.role,
            suspended: member.suspended_at.is_some(),
            created_at: member.created_at,
        }
    }
}

/// Refuses to let the last owner go. `owners` are those who can act and will stay, locked; who goes may be none of them.
fn spare(owners: &[UserId], going: &Member) -> ApiResult<()> {
    let is_last = owners.iter().all(|owner| *owner == going.user_id);
    if going.role == Role::Owner && is_last {
        let detail = "a workspace has at least one owner; make somebody else one first".to_owned();
        return Err(ApiError::Conflict { code: "last_owner", detail });
    }
    Ok(())
}
