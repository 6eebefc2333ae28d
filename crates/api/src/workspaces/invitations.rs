//! Offers to become a member, sent by mail.
//!
//! The link holds a token that is stored as a hash and used up once. Who invited answers for the offer until it is taken
//! up: it is void while they are no longer a member who may invite into that role, are suspended or blocked, or are about
//! to leave the installation.

pub mod accept;
pub mod create;
pub mod delete;
pub mod list;

use chrono::{DateTime, Utc};
use replyx_core::{permission::Permission, role::Role, workspace::Invitation};
use replyx_storage::Tx;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{RoleWord, standing};
use crate::error::{ApiError, ApiResult};

/// An invitation, as members see one. Its link is known to whom it was mailed alone.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationView {
    /// Identity.
    id: Uuid,
    /// Whom.
    #[schema(example = "operator@example.org")]
    email: String,
    /// The role they will have.
    #[schema(value_type = RoleWord, example = "operator")]
    role: Role,
    /// Who invited them.
    invited_by: Uuid,
    /// When the offer ends.
    expires_at: DateTime<Utc>,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.into_uuid(),
            email: invitation.email,
            role: invitation.role,
            invited_by: invitation.invited_by.into_uuid(),
            expires_at: invitation.expires_at,
            created_at: invitation.created_at,
        }
    }
}

/// Does the offer still stand?
///
/// # Errors
///
/// 403 when its workspace is suspended, 409 `invitation_void` when who made it could not make it today.
pub(crate) async fn stands(tx: &mut Tx, invitation: &Invitation) -> ApiResult<()> {
    let id = invitation.workspace_id;
    let workspace = tx.system().workspaces().find(id).await?;
    let workspace = workspace.ok_or(ApiError::NotFound("workspace"))?;
    if workspace.suspended_at.is_some() {
        let detail = "this workspace is suspended";
        return Err(ApiError::Refused { code: "workspace_suspended", detail });
    }
    let inviter = standing::active(tx, id, invitation.invited_by).await?;
    let able = inviter.is_some_and(|inviter| {
        inviter.role >= Permission::MembersWrite.least_role() && inviter.role >= invitation.role
    });
    let person = tx.system().users().find(invitation.invited_by).await?;
    let stays = person.is_some_and(|person| person.delete_at.is_none());
    if able && stays {
        return Ok(());
    }
    let detail = "who invited you may no longer do so; ask for another invitation".to_owned();
    Err(ApiError::Conflict { code: "invitation_void", detail })
}
