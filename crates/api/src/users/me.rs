//! `GET /api/v1/me`
//!
//! Consoles ask it all the time, so it is made of what is known of the caller already: no database is read.

use axum::Json;
use replyx_core::{permission::Permission, role::Role};
use serde::Serialize;
use utoipa::ToSchema;

use super::{UserView, WorkspaceView};
use crate::{
    caller::Account,
    words::{PermissionWord, RoleWord},
};

/// Who the caller is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
pub struct Response {
    /// The person.
    user: UserView,
    /// Where they act: the workspace that `X-Workspace` or the token names, or their first one. `null` when they are a
    /// member of none, or not of that one.
    workspace: Option<WorkspaceView>,
    /// Their role there.
    #[schema(value_type = Option<RoleWord>, example = "owner")]
    role: Option<&'static str>,
    /// What they may do there; nothing while they or the workspace are suspended.
    #[schema(value_type = Vec<PermissionWord>, example = json!(["assistants:read", "dialogs:read"]))]
    permissions: Vec<&'static str>,
}

/// Tells who you are, where you act, and what you may do there.
#[utoipa::path(
    get, path = "/me", operation_id = "read_me", tag = "users", security(("bearer" = [])),
    responses((status = 200, description = "who you are", body = Response))
)]
#[tracing::instrument(name = "api.users.me", skip_all)]
pub async fn me(account: Account) -> Json<Response> {
    let user = account.user().clone().into();
    let Some(place) = &account.access.place else {
        return Json(Response { user, workspace: None, role: None, permissions: Vec::new() });
    };
    let suspended = place.suspended || place.workspace.suspended_at.is_some();
    let permissions = if suspended {
        Vec::new()
    } else {
        place.permissions.iter().map(Permission::as_str).collect()
    };
    Json(Response {
        user,
        workspace: Some(place.workspace.clone().into()),
        role: place.role.map(Role::as_str),
        permissions,
    })
}
