//! Tenants: who works in a workspace, who is invited, programs' keys, and the log of what was done.
//! The rules are in `replyx_accounts`.

pub mod api_keys;
pub mod audit;
pub mod invitations;
pub mod members;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_accounts::workspaces;
use replyx_core::{
    role::Role,
    workspace::{Membership, Workspace},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use crate::words::ScopeWord;
use crate::{
    caller::{Account, Authorized, WorkspaceRead, WorkspaceWrite},
    error::{ApiResult, Problem},
    input::{Body, plain_name},
    location::Location,
    page::List,
    state::AppState,
    tagged::{Edition, IfMatch, Tagged},
    users::WorkspaceView,
};

/// The edition of a workspace, as far as its members change it here.
fn edition(workspace: &Workspace) -> Edition {
    Edition::of(&workspace.name)
}

/// A workspace with its `ETag`.
fn tagged(workspace: Workspace) -> Tagged<WorkspaceView> {
    Tagged::new(edition(&workspace), workspace.into())
}

/// A workspace, as listed for one of its members.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembershipView {
    /// The id of the workspace, for `X-Workspace`.
    id: Uuid,
    /// Its display name.
    #[schema(example = "Green Lantern Shop")]
    name: String,
    /// Your role there.
    #[schema(example = "owner")]
    role: Role,
    /// Whether you cannot act there, because your membership or the workspace is suspended.
    #[schema(example = false)]
    suspended: bool,
    /// When the workspace was created.
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

/// A new workspace.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateWorkspace)]
pub struct CreateRequest {
    /// Its display name.
    #[garde(length(chars, min = 1, max = 100), custom(plain_name))]
    #[schema(example = "Green Lantern Shop", min_length = 1, max_length = 100)]
    name: String,
}

/// Creates another workspace, with you as its owner. Your current workspace does not change: send
/// the new one in `X-Workspace` to act there.
#[utoipa::path(
    post, path = "/workspaces", operation_id = "create_workspace", tag = "workspaces",
    request_body = CreateRequest,
    responses(
        (status = 201, description = "the workspace", body = MembershipView),
        (status = 409, description = "`too_many_workspaces`: you own 20, or belong to 100", body = Problem),
    )
)]
#[tracing::instrument(name = "api.workspaces.create", skip_all)]
pub async fn create(
    State(state): State<AppState>,
    account: Account,
    Body(request): Body<CreateRequest>,
) -> ApiResult<(StatusCode, Location, Json<MembershipView>)> {
    let membership = workspaces::create(&state.accounts, &account, &request.name).await?;
    // Which one, says `X-Workspace`.
    let location = Location("/api/v1/workspace".to_owned());
    Ok((StatusCode::CREATED, location, Json(membership.into())))
}

/// Lists your workspaces, oldest membership first: at most 100, on one page.
#[utoipa::path(
    get, path = "/workspaces", operation_id = "list_workspaces", tag = "workspaces",
    responses((status = 200, description = "your workspaces", body = List<MembershipView>))
)]
#[tracing::instrument(name = "api.workspaces.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    account: Account,
) -> ApiResult<List<MembershipView>> {
    let found = workspaces::list(&state.accounts, &account).await?;
    let items = found.into_iter().map(MembershipView::from).collect();
    Ok(List { items, next_cursor: None })
}

/// Shows the workspace you act in.
#[utoipa::path(
    get, path = "/workspace", operation_id = "read_workspace", tag = "workspaces",
    responses(
        (status = 200, description = "the workspace", body = WorkspaceView),
        (status = 304, description = "not modified"),
    )
)]
#[tracing::instrument(name = "api.workspaces.read", skip_all)]
pub async fn read(caller: Authorized<WorkspaceRead>) -> Tagged<WorkspaceView> {
    tagged(caller.place().workspace.clone())
}

/// The fields to change. Absent fields stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateWorkspace)]
pub struct UpdateRequest {
    /// Its display name.
    #[garde(length(chars, min = 1, max = 100), inner(custom(plain_name)))]
    #[schema(example = "Green Lantern Shop", min_length = 1, max_length = 100)]
    name: Option<String>,
}

/// Changes the workspace you act in.
#[utoipa::path(
    patch, path = "/workspace", operation_id = "update_workspace", tag = "workspaces",
    request_body = UpdateRequest,
    responses(
        (status = 200, description = "the workspace as it is now", body = WorkspaceView),
        (status = 412, description = "it was changed in the meantime", body = Problem),
    )
)]
#[tracing::instrument(name = "api.workspaces.update", skip_all)]
pub async fn update(
    State(state): State<AppState>,
    caller: Authorized<WorkspaceWrite>,
    expected: IfMatch,
    Body(request): Body<UpdateRequest>,
) -> ApiResult<Tagged<WorkspaceView>> {
    let name = request.name.as_deref();
    let is_as_read = |found: &Workspace| expected.check(&edition(found)).is_ok();
    let workspace = workspaces::update(&state.accounts, &caller, name, is_as_read).await?;
    Ok(tagged(workspace))
}
