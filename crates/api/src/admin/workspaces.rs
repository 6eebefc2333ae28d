//! `/api/v1/admin/workspaces`: all workspaces.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_accounts::admin::workspaces::{self, RestrictedWorkspace};
use replyx_core::{
    ids::WorkspaceId,
    setting::{MODELS, is_model_name},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::search_text;
use crate::{
    caller::Admin,
    error::{ApiResult, Problem},
    input::{Body, Id, Params, Patch},
    page::{List, PageQuery},
    state::AppState,
    tagged::{Edition, IfMatch, Tagged},
};

/// A workspace, as an admin sees one.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminWorkspaceView {
    /// Identity.
    id: Uuid,
    /// Its display name.
    #[schema(example = "Green Lantern Shop")]
    name: String,
    /// When it was suspended.
    suspended_at: Option<DateTime<Utc>>,
    /// The only models its assistants may use, of those that the installation allows; `null`: all
    /// of them.
    #[schema(example = json!(["gpt-4o-mini", "extractive"]))]
    allowed_models: Option<Vec<String>>,
    /// When it was created.
    created_at: DateTime<Utc>,
}

/// The edition of a workspace, as far as admins change it here.
fn edition(allowed_models: Option<&[String]>) -> Edition {
    Edition::of(&allowed_models)
}

/// A workspace with its `ETag`.
fn tagged(found: RestrictedWorkspace) -> Tagged<AdminWorkspaceView> {
    Tagged::new(edition(found.allowed_models.as_deref()), found.into())
}

impl From<RestrictedWorkspace> for AdminWorkspaceView {
    fn from(found: RestrictedWorkspace) -> Self {
        let RestrictedWorkspace { workspace, allowed_models } = found;
        Self {
            allowed_models,
            id: workspace.id.into_uuid(),
            name: workspace.name,
            suspended_at: workspace.suspended_at,
            created_at: workspace.created_at,
        }
    }
}

/// Which workspaces.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only those whose name contains this, ignoring case.
    #[param(max_length = 100, example = "shop")]
    q: Option<String>,
    /// The maximum number of items: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Lists all workspaces, newest first.
#[utoipa::path(
    get, path = "/admin/workspaces", operation_id = "list_all_workspaces", tag = "admin",
    params(Query),
    responses((status = 200, description = "the workspaces", body = List<AdminWorkspaceView>))
)]
#[tracing::instrument(name = "api.admin.workspaces.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    admin: Admin,
    Params(query): Params<Query>,
) -> ApiResult<List<AdminWorkspaceView>> {
    let wanted = search_text(query.q.as_deref())?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request()?;
    let workspaces = workspaces::list(&state.accounts, &admin, wanted, page).await?;
    Ok(List::of(workspaces, AdminWorkspaceView::from))
}

/// Shows a workspace.
#[utoipa::path(
    get, path = "/admin/workspaces/{id}", operation_id = "read_any_workspace", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the workspace", body = AdminWorkspaceView),
        (status = 304, description = "not modified"),
    )
)]
#[tracing::instrument(name = "api.admin.workspaces.read", skip_all, fields(workspace.id = %id.0))]
pub async fn read(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<WorkspaceId>,
) -> ApiResult<Tagged<AdminWorkspaceView>> {
    Ok(tagged(workspaces::read(&state.accounts, &admin, id.0).await?))
}

/// The fields to change. Absent fields stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateAnyWorkspace)]
pub struct UpdateRequest {
    /// The only models its assistants may use, of those that the installation allows: 1 to 200
    /// names. `null`: all of those.
    #[serde(default)]
    #[garde(inner(custom(known_names)))]
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 200, example = json!(["gpt-4o-mini", "extractive"]))]
    allowed_models: Patch<Vec<String>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
#[expect(clippy::ptr_arg, reason = "the form that garde asks for")]
fn known_names(names: &Vec<String>, (): &()) -> garde::Result {
    if !(1..=MODELS).contains(&names.len()) {
        return Err(garde::Error::new(format!("must be 1 to {MODELS} names")));
    }
    if names.iter().all(|name| is_model_name(name)) {
        Ok(())
    } else {
        Err(garde::Error::new("each must be 1 to 100 visible ASCII characters without a comma"))
    }
}

/// Sets the models that the assistants of a workspace may use. It applies from the next answer on.
#[utoipa::path(
    patch, path = "/admin/workspaces/{id}", operation_id = "update_any_workspace", tag = "admin",
    params(("id" = uuid::Uuid, Path)), request_body = UpdateRequest,
    responses(
        (status = 200, description = "the workspace as it is now", body = AdminWorkspaceView),
        (status = 412, description = "it was changed in the meantime", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.workspaces.update", skip_all, fields(workspace.id = %id.0))]
pub async fn update(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<WorkspaceId>,
    expected: IfMatch,
    Body(request): Body<UpdateRequest>,
) -> ApiResult<Tagged<AdminWorkspaceView>> {
    let allowed = &request.allowed_models;
    let is_as_read = |found: Option<&[String]>| expected.check(&edition(found)).is_ok();
    let cx = &state.accounts;
    Ok(tagged(workspaces::restrict(cx, &admin, id.0, allowed, is_as_read).await?))
}

/// Suspends a workspace: its members and keys are locked out, and its assistants do not answer.
/// Customers' messages are stored and answered once the workspace is resumed; documents, sources
/// and evaluations wait until then.
#[utoipa::path(
    post, path = "/admin/workspaces/{id}/suspend", operation_id = "suspend_workspace", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "the workspace as it is now", body = AdminWorkspaceView))
)]
#[tracing::instrument(name = "api.admin.workspaces.suspend", skip_all, fields(workspace.id = %id.0))]
pub async fn suspend(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<WorkspaceId>,
) -> ApiResult<Json<AdminWorkspaceView>> {
    Ok(Json(workspaces::suspend(&state.accounts, &admin, id.0).await?.into()))
}

/// Resumes a suspended workspace. Messages older than a day are answered together with the
/// customer's next message.
#[utoipa::path(
    post, path = "/admin/workspaces/{id}/resume", operation_id = "resume_workspace", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "the workspace as it is now", body = AdminWorkspaceView))
)]
#[tracing::instrument(name = "api.admin.workspaces.resume", skip_all, fields(workspace.id = %id.0))]
pub async fn resume(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<WorkspaceId>,
) -> ApiResult<Json<AdminWorkspaceView>> {
    Ok(Json(workspaces::resume(&state.accounts, &admin, id.0).await?.into()))
}
