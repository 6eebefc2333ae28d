//! Acts on a workspace, its members, invitations and API keys.

use chrono::{DateTime, Utc};

use super::acts;
use crate::{
    ids::{ApiKeyId, InvitationId, UserId, WorkspaceId},
    permission::Permission,
    role::Role,
};

acts! {
    WorkspaceLog, table WORKSPACE;

    /// A workspace was created by somebody who has an account.
    WorkspaceCreated = "workspace.created" on workspace: WorkspaceId { name: String }

    /// A workspace was renamed.
    WorkspaceUpdated = "workspace.updated" on workspace: WorkspaceId { name: String }

    /// Somebody accepted an invitation.
    MemberJoined = "member.joined" on member: UserId {
        email: String,
        role: Role,
        invited_by: UserId,
    }

    /// A member was given another role.
    MemberRoleChanged = "member.role_changed" on member: UserId {
        email: String,
        from: Role,
        to: Role,
    }

    /// A member inherited the workspace of an owner whose account was deleted.
    MemberPromoted = "member.role_changed" on member: UserId { role: Role }

    /// A member may not act until they are resumed.
    MemberSuspended = "member.suspended" on member: UserId { email: String }

    /// A suspended member may act again.
    MemberResumed = "member.resumed" on member: UserId { email: String }

    /// A member left.
    MemberLeft = "member.left" on member: UserId { email: String, role: Role }

    /// A member was removed by another.
    MemberRemoved = "member.removed" on member: UserId { email: String, role: Role }

    /// Somebody was invited.
    InvitationCreated = "invitation.created" on invitation: InvitationId {
        email: String,
        role: Role,
    }

    /// An invitation was revoked.
    InvitationDeleted = "invitation.deleted" on invitation: InvitationId {}

    /// An API key was created.
    ApiKeyCreated = "api_key.created" on api_key: ApiKeyId {
        name: String,
        scopes: Vec<Permission>,
        service: bool,
        expires_at: Option<DateTime<Utc>>,
    }

    /// An API key was renamed.
    ApiKeyUpdated = "api_key.updated" on api_key: ApiKeyId { name: String }

    /// An API key was revoked.
    ApiKeyDeleted = "api_key.deleted" on api_key: ApiKeyId { name: String, service: bool }
}
