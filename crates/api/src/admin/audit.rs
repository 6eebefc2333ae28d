//! `GET /api/v1/admin/audit`

use axum::extract::State;
use replyx_accounts::audit;
use replyx_storage::audit::AuditFilter;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    caller::Admin,
    error::ApiResult,
    input::Params,
    page::{List, PageQuery},
    state::AppState,
    workspaces::audit::AuditEntryView,
};

/// Which entries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only the log of this workspace; by default the platform's log.
    workspace_id: Option<Uuid>,
    /// Only acts of this name, or of this kind: `user` finds `user.blocked`.
    #[param(example = "user.blocked")]
    action: Option<String>,
    /// Only acts of this account or key.
    actor_id: Option<Uuid>,
    /// The maximum number of items: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Shows the platform's audit log, or a workspace's, newest first.
#[utoipa::path(
    get, path = "/admin/audit", operation_id = "list_platform_audit", tag = "admin",
    params(Query),
    responses((status = 200, description = "the entries", body = List<AuditEntryView>))
)]
#[tracing::instrument(name = "api.admin.audit", skip_all)]
pub async fn audit(
    State(state): State<AppState>,
    admin: Admin,
    Params(query): Params<Query>,
) -> ApiResult<List<AuditEntryView>> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request()?;
    let filter = AuditFilter { action: query.action, actor_id: query.actor_id };
    let entries = match query.workspace_id {
        None => audit::of_platform(&state.accounts, &admin, &filter, page).await?,
        Some(workspace) => {
            let workspace = workspace.into();
            audit::of_any_workspace(&state.accounts, &admin, workspace, &filter, page).await?
        }
    };
    Ok(List::of(entries, AuditEntryView::from))
}
