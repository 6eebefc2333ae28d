//! `/api/v1/me`: the caller.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_accounts::{
    deletion,
    profile::{self, NotificationChange, ProfileUpdate},
};
use replyx_core::{assistant::Language, permission::Permission, role::Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{UserView, WorkspaceView};
use crate::{
    caller::Account,
    cookies::SetCookies,
    error::{ApiResult, Problem},
    input::{Body, Patch, plain_name},
    state::AppState,
};

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
pub struct Response {
    /// The person.
    user: UserView,
    /// Where they act: the workspace that `X-Workspace` or the token names, or their first one.
    /// `null` when they are a member of none, or not of that one.
    workspace: Option<WorkspaceView>,
    /// Their role there.
    #[schema(example = "owner")]
    role: Option<Role>,
    /// Their permissions there; none while they or the workspace are suspended.
    #[schema(example = json!(["assistants:read", "dialogs:read"]))]
    permissions: Vec<Permission>,
}

/// Shows your user, the current workspace and your permissions there.
#[utoipa::path(
    get, path = "/me", operation_id = "read_me", tag = "users",
    responses((status = 200, description = "your user, workspace and permissions", body = Response))
)]
#[tracing::instrument(name = "api.users.me", skip_all)]
pub async fn me(account: Account) -> Json<Response> {
    // Consoles ask it all the time, so it is made of what is known of the caller already.
    let user = account.user().clone().into();
    let Some(place) = &account.access.place else {
        return Json(Response { user, workspace: None, role: None, permissions: Vec::new() });
    };
    let suspended = place.suspended || place.workspace.suspended_at.is_some();
    let permissions = if suspended { Vec::new() } else { place.permissions.iter().collect() };
    Json(Response {
        user,
        workspace: Some(place.workspace.clone().into()),
        role: place.role,
        permissions,
    })
}

/// The fields to change. Absent fields stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateMe)]
pub struct UpdateRequest {
    /// Your name; `null` removes it.
    #[serde(default)]
    #[garde(inner(length(chars, min = 1, max = 100), custom(plain_name)))]
    #[schema(value_type = Option<String>, example = "Ada", min_length = 1, max_length = 100)]
    name: Patch<String>,
    /// The language of your mail: `en` or `ru`.
    #[garde(skip)]
    #[schema(example = "en")]
    language: Option<Language>,
    /// What of the inboxes you are written mail about. Absent kinds stay as they are.
    #[serde(default)]
    #[garde(skip)]
    notifications: NotificationsRequest,
}

/// The kinds of mail to switch on or off.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateNotifications)]
pub struct NotificationsRequest {
    /// A customer waits for a human.
    #[schema(example = false)]
    request: Option<bool>,
    /// A promised reply was not given in time.
    #[schema(example = true)]
    sla: Option<bool>,
    /// A colleague mentions you in a note.
    #[schema(example = true)]
    mention: Option<bool>,
}

impl From<NotificationsRequest> for NotificationChange {
    fn from(NotificationsRequest { request, sla, mention }: NotificationsRequest) -> Self {
        Self { request, sla, mention }
    }
}

/// Updates your profile.
#[utoipa::path(
    patch, path = "/me", operation_id = "update_me", tag = "users",
    request_body = UpdateRequest,
    responses((status = 200, description = "your account", body = UserView))
)]
#[tracing::instrument(name = "api.users.update", skip_all)]
pub async fn update(
    State(state): State<AppState>,
    account: Account,
    Body(request): Body<UpdateRequest>,
) -> ApiResult<Json<UserView>> {
    let UpdateRequest { name, language, notifications } = request;
    let change = ProfileUpdate { name, language, notifications: notifications.into() };
    Ok(Json(profile::update(&state.accounts, &account, &change).await?.into()))
}

/// Proof of identity.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeleteMe)]
pub struct DeleteRequest {
    /// The password.
    #[garde(length(chars, max = 128))]
    #[schema(example = "green lantern 7", max_length = 128)]
    password: String,
    /// A code of the second factor, or a recovery code; only for accounts that have one.
    #[garde(length(chars, max = 40))]
    #[schema(example = "123456", max_length = 40)]
    code: Option<String>,
}

/// The scheduled deletion.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduledDeletion)]
pub struct DeleteResponse {
    /// When the account will be deleted, unless its owner signs in and restores it before.
    delete_at: DateTime<Utc>,
}

/// Deletes your account: all your sessions end immediately, and after a grace period the account is
/// permanently deleted, together with the workspaces that have no other members.
///
/// Until then you can sign in and restore it.
#[utoipa::path(
    delete, path = "/me", operation_id = "delete_me", tag = "users",
    request_body = DeleteRequest,
    responses(
        (status = 202, description = "you are signed out, and the account will be deleted", body = DeleteResponse),
        (status = 403, description = "`wrong_password`; `totp_required`, `wrong_totp`", body = Problem),
        (status = 409, description = "`last_owner`: a workspace with other members would be left without an owner",
            body = Problem),
    )
)]
#[tracing::instrument(name = "api.users.delete", skip_all)]
pub async fn delete(
    State(state): State<AppState>,
    account: Account,
    Body(request): Body<DeleteRequest>,
) -> ApiResult<(StatusCode, SetCookies, Json<DeleteResponse>)> {
    let DeleteRequest { password, code } = request;
    let code = code.as_deref();
    let delete_at = deletion::schedule(&state.accounts, &account, password, code).await?;
    Ok((StatusCode::ACCEPTED, SetCookies::cleared(), Json(DeleteResponse { delete_at })))
}

/// Restores your account during the grace period. If no deletion is pending, nothing changes.
#[utoipa::path(
    post, path = "/me/restore", operation_id = "restore_me", tag = "users",
    responses((status = 200, description = "your account, which will not be deleted", body = UserView))
)]
#[tracing::instrument(name = "api.users.restore", skip_all)]
pub async fn restore(State(state): State<AppState>, account: Account) -> ApiResult<Json<UserView>> {
    Ok(Json(deletion::restore(&state.accounts, &account).await?.into()))
}
