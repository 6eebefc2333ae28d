//! `GET /api/v1/admin/audit`

use axum::{Json, extract::State};
use replyx_storage::audit::AuditFilter;
use serde::Deserialize;
use serde_json::json;
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
    /// The log of this workspace; the platform's own unless given.
    workspace_id: Option<Uuid>,
    /// Only acts of this name, or of this kind: `user` finds `user.blocked`.
    #[param(example = "user.blocked")]
    action: Option<String>,
    /// Only acts of this account or key.
    actor_id: Option<Uuid>,
    /// At most this many items: 1 to 200, 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Shows the platform's audit log, or a workspace's, newest first.
#[utoipa::path(
    get, path = "/admin/audit", operation_id = "list_platform_audit", tag = "admin",
    security(("bearer" = ["admin"])), params(Query),
    responses((status = 200, description = "the entries", body = List<AuditEntryView>))
)]
#[tracing::instrument(name = "api.admin.audit", skip_all)]
pub async fn audit(
    state: State<AppState>,
    admin: Admin,
    query: Params<Query>,
) -> ApiResult<Json<List<AuditEntryView>>> {
    let (State(state), Params(query)) = (state, query);
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request()?;
    let filter = AuditFilter { action: query.action, actor_id: query.actor_id };
    let Some(workspace) = query.workspace_id else {
        let entries = state.db().read().await?.system().audit().list(&filter, page).await?;
        return Ok(Json(List::of(entries, AuditEntryView::from)));
    };
    // An admin who looks into a workspace leaves a trace.
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let entries = tx.workspace(workspace.into()).audit().list(&filter, page).await?;
    let act = admin.act(now, "audit.read", ("workspace", workspace), json!({}));
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok(Json(List::of(entries, AuditEntryView::from)))
}
