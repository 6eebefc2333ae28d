//! Reading the audit logs.

use replyx_core::{
    act,
    actor::{Admin, Caller},
    audit::Entry,
    change::Change,
    ids::WorkspaceId,
    page::{Page, PageRequest},
};
use replyx_storage::audit::AuditFilter;

use crate::{Cx, Result};

/// Lists what was done in the workspace, newest first.
pub async fn of_workspace(
    cx: &Cx,
    caller: &Caller,
    filter: &AuditFilter,
    page: PageRequest<i64>,
) -> Result<Page<Entry, i64>> {
    let mut tx = cx.db.read().await?;
    Ok(tx.workspace(caller.workspace_id).audit().list(filter, page).await?)
}

/// Lists what was done in the installation, newest first.
pub async fn of_platform(
    cx: &Cx,
    _admin: &Admin,
    filter: &AuditFilter,
    page: PageRequest<i64>,
) -> Result<Page<Entry, i64>> {
    let mut tx = cx.db.read().await?;
    Ok(tx.system().audit().list(filter, page).await?)
}

/// Lists what was done in a workspace of anybody. An admin who looks into a workspace leaves a
/// trace.
pub async fn of_any_workspace(
    cx: &Cx,
    admin: &Admin,
    workspace: WorkspaceId,
    filter: &AuditFilter,
    page: PageRequest<i64>,
) -> Result<Page<Entry, i64>> {
    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        let entries = tx.workspace(workspace).audit().list(filter, page).await?;
        let act = act::AuditRead { workspace };
        tx.apply(Change::platform_act(&admin.actor(), &act, cx.clock.now())).await?;
        tx.commit().await?;
        Ok(entries)
    })
    .await
}
