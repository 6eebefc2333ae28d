//! `GET /api/v1/audit`

use axum::extract::State;
use chrono::{DateTime, Utc};
use replyx_accounts::audit::of_workspace;
use replyx_core::audit::{self, ActorKind, Entry};
use replyx_storage::audit::AuditFilter;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{AuditRead, Authorized},
    error::ApiResult,
    input::Params,
    page::{List, PageQuery},
    state::AppState,
};

/// Something that was done, or refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntryView {
    /// Its number in the log, from 1 without gaps.
    #[schema(example = 1)]
    seq: i64,
    /// When it happened.
    at: DateTime<Utc>,
    /// The actor: `user`, `api_key`, `admin` (of the platform), `system`, or `nobody` if unknown.
    #[schema(example = "user")]
    actor: ActorKind,
    /// Their account or key.
    actor_id: Option<Uuid>,
    /// Their e-mail address, or the name of the key.
    #[schema(example = "owner@example.org")]
    actor_name: String,
    /// What was done.
    #[schema(example = "member.role_changed")]
    action: String,
    /// On what kind of thing.
    #[schema(example = "member")]
    target: String,
    /// The id of the target.
    target_id: Option<String>,
    /// The client's address.
    #[schema(example = "192.0.2.7")]
    address: String,
    /// How it ended: `done` or `refused`.
    #[schema(example = "done")]
    outcome: audit::Outcome,
    /// More details.
    #[schema(value_type = Object)]
    details: Value,
    /// SHA-256 over this entry and the hash of the one before it, lower-case hexadecimal.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    hash: String,
}

impl From<Entry> for AuditEntryView {
    fn from(entry: Entry) -> Self {
        let Entry { seq, act, hash, .. } = entry;
        Self {
            seq,
            at: act.at,
            actor: act.actor,
            actor_id: act.actor_id,
            actor_name: act.actor_name,
            action: act.action,
            target: act.target,
            target_id: act.target_id,
            address: act.address,
            outcome: act.outcome,
            details: act.details,
            hash,
        }
    }
}

/// Which entries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only acts of this name, or of this kind: `member` finds `member.removed`.
    #[param(example = "member.removed")]
    action: Option<String>,
    /// Only acts of this account or key.
    actor_id: Option<Uuid>,
    /// The maximum number of items: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Shows the audit log of the workspace, newest first. Entries cannot be changed or removed.
#[utoipa::path(
    get, path = "/audit", operation_id = "list_audit", tag = "workspaces",
    params(Query),
    responses((status = 200, description = "the entries", body = List<AuditEntryView>))
)]
#[tracing::instrument(name = "api.workspaces.audit", skip_all)]
pub async fn audit(
    State(state): State<AppState>,
    caller: Authorized<AuditRead>,
    Params(query): Params<Query>,
) -> ApiResult<List<AuditEntryView>> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request()?;
    let filter = AuditFilter { action: query.action, actor_id: query.actor_id };
    let entries = of_workspace(&state.accounts, &caller, &filter, page).await?;
    Ok(List::of(entries, AuditEntryView::from))
}
