//! `/api/v1/admin/users`: all users.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use replyx_accounts::admin::users;
use replyx_core::{assistant::Language, ids::UserId, user::User};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::search_text;
use crate::{
    caller::Admin,
    error::{ApiResult, Problem},
    input::{Id, Params},
    page::{List, PageQuery},
    state::AppState,
};

/// A user, as an admin sees one.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminUserView {
    /// Identity.
    id: Uuid,
    /// The e-mail address.
    #[schema(example = "owner@example.org")]
    email: String,
    /// Their name.
    #[schema(example = "Anna")]
    name: Option<String>,
    /// The language of their mail.
    #[schema(example = "en")]
    language: Language,
    /// Whether they are a platform admin.
    is_admin: bool,
    /// Whether a second factor is required to sign in.
    second_factor: bool,
    /// When they were blocked.
    blocked_at: Option<DateTime<Utc>>,
    /// When the account will be deleted.
    delete_at: Option<DateTime<Utc>>,
    /// When the account was created.
    created_at: DateTime<Utc>,
}

impl From<User> for AdminUserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.into_uuid(),
            email: user.email,
            name: user.name,
            language: user.language,
            is_admin: user.is_admin,
            second_factor: user.second_factor,
            blocked_at: user.blocked_at,
            delete_at: user.delete_at,
            created_at: user.created_at,
        }
    }
}

/// Which users.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only users whose e-mail address or name contains this, ignoring case.
    #[param(max_length = 100, example = "anna")]
    q: Option<String>,
    /// The maximum number of items: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Lists all users, newest first.
#[utoipa::path(
    get, path = "/admin/users", operation_id = "list_users", tag = "admin",
    params(Query),
    responses((status = 200, description = "the users", body = List<AdminUserView>))
)]
#[tracing::instrument(name = "api.admin.users.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    admin: Admin,
    Params(query): Params<Query>,
) -> ApiResult<List<AdminUserView>> {
    let wanted = search_text(query.q.as_deref())?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request()?;
    let users = users::list(&state.accounts, &admin, wanted, page).await?;
    Ok(List::of(users, AdminUserView::from))
}

/// Shows a user.
#[utoipa::path(
    get, path = "/admin/users/{id}", operation_id = "read_user", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "the user", body = AdminUserView))
)]
#[tracing::instrument(name = "api.admin.users.read", skip_all, fields(user.id = %id.0))]
pub async fn read(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<UserId>,
) -> ApiResult<Json<AdminUserView>> {
    Ok(Json(users::read(&state.accounts, &admin, id.0).await?.into()))
}

/// Blocks a user: all their sessions end immediately, and they cannot sign in.
#[utoipa::path(
    post, path = "/admin/users/{id}/block", operation_id = "block_user", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the user", body = AdminUserView),
        (status = 409, description = "`yourself`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.users.block", skip_all, fields(user.id = %id.0))]
pub async fn block(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<UserId>,
) -> ApiResult<Json<AdminUserView>> {
    Ok(Json(users::block(&state.accounts, &admin, id.0).await?.into()))
}

/// Unblocks a user, who can then sign in again.
#[utoipa::path(
    post, path = "/admin/users/{id}/unblock", operation_id = "unblock_user", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the user", body = AdminUserView),
    )
)]
#[tracing::instrument(name = "api.admin.users.unblock", skip_all, fields(user.id = %id.0))]
pub async fn unblock(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<UserId>,
) -> ApiResult<Json<AdminUserView>> {
    Ok(Json(users::unblock(&state.accounts, &admin, id.0).await?.into()))
}

/// Deletes a user without a grace period: they are signed out immediately, and their data is
/// deleted within minutes.
#[utoipa::path(
    delete, path = "/admin/users/{id}", operation_id = "delete_user", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 202, description = "the user is signed out and will be deleted"),
        (status = 409, description = "`yourself`, `last_owner`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.users.delete", skip_all, fields(user.id = %id.0))]
pub async fn delete(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<UserId>,
) -> ApiResult<StatusCode> {
    users::delete(&state.accounts, &admin, id.0).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Removes a user's second factor and ends their sessions.
#[utoipa::path(
    delete, path = "/admin/users/{id}/second-factor", operation_id = "reset_second_factor",
    tag = "admin", params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "the second factor is removed"))
)]
#[tracing::instrument(name = "api.admin.users.second_factor", skip_all, fields(user.id = %id.0))]
pub async fn reset_second_factor(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<UserId>,
) -> ApiResult<StatusCode> {
    users::reset_second_factor(&state.accounts, &admin, id.0).await?;
    Ok(StatusCode::NO_CONTENT)
}
