//! `GET /api/v1/me/export`

use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
};
use chrono::{DateTime, Utc};
use replyx_accounts::export;
use replyx_core::{
    audit::{self, Entry},
    ids::WorkspaceId,
    role::Role,
    workspace::{ApiKey, Membership},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::SessionView;
use super::UserView;
use crate::{caller::Account, error::ApiResult, state::AppState};

/// All data stored about a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountExport)]
pub struct Response {
    /// When this was written.
    exported_at: DateTime<Utc>,
    /// The profile.
    user: UserView,
    /// Their sessions, newest first; at most 100.
    sessions: Vec<SessionView>,
    /// The workspaces they belong to, oldest membership first; at most 100.
    memberships: Vec<ExportedMembership>,
    /// The API keys they created there, without secrets.
    api_keys: Vec<ExportedKey>,
    /// Their audit entries, newest first: the newest 1,000 of the installation's log and of each
    /// workspace's, at most 5,000 in all.
    acts: Vec<ExportedAct>,
    /// Whether these are all their acts; otherwise the logs have more.
    acts_complete: bool,
}

/// A membership.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedMembership {
    /// The workspace.
    workspace_id: Uuid,
    /// Its display name.
    #[schema(example = "Green Lantern Shop")]
    workspace_name: String,
    /// The role there.
    #[schema(example = "owner")]
    role: Role,
    /// When they were suspended there.
    suspended_at: Option<DateTime<Utc>>,
}

impl From<Membership> for ExportedMembership {
    fn from(membership: Membership) -> Self {
        Self {
            workspace_id: membership.workspace.id.into_uuid(),
            workspace_name: membership.workspace.name,
            role: membership.role,
            suspended_at: membership.suspended_at,
        }
    }
}

/// An API key.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedKey {
    /// Identity.
    id: Uuid,
    /// The workspace.
    workspace_id: Uuid,
    /// Its name.
    #[schema(example = "Nightly upload")]
    name: String,
    /// When it expires, if it does.
    expires_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    last_used_at: Option<DateTime<Utc>>,
    /// When it was created.
    created_at: DateTime<Utc>,
}

impl From<ApiKey> for ExportedKey {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.into_uuid(),
            workspace_id: key.workspace_id.into_uuid(),
            name: key.name,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            created_at: key.created_at,
        }
    }
}

/// Something they did.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedAct {
    /// When it happened.
    at: DateTime<Utc>,
    /// The workspace whose log has it; `null`: the log of the installation.
    workspace_id: Option<Uuid>,
    /// What was done.
    #[schema(example = "session.opened")]
    action: String,
    /// On what kind of thing.
    #[schema(example = "user")]
    target: String,
    /// The id of the target.
    target_id: Option<String>,
    /// The client's address.
    #[schema(example = "192.0.2.7")]
    address: String,
    /// How it ended: `done` or `refused`.
    #[schema(example = "done")]
    outcome: audit::Outcome,
}

impl From<Entry> for ExportedAct {
    fn from(entry: Entry) -> Self {
        Self {
            at: entry.act.at,
            workspace_id: entry.workspace_id.map(WorkspaceId::into_uuid),
            action: entry.act.action,
            target: entry.act.target,
            target_id: entry.act.target_id,
            address: entry.act.address,
            outcome: entry.act.outcome,
        }
    }
}

/// An answer that a browser saves.
type File = ([(HeaderName, &'static str); 1], Json<Response>);

/// Exports your data as a file.
#[utoipa::path(
    get, path = "/me/export", operation_id = "export_me", tag = "users",
    responses((
        status = 200, description = "a JSON file", body = Response,
        headers(("content-disposition" = String, description = "`attachment`, with a file name")),
    ))
)]
#[tracing::instrument(name = "api.users.export", skip_all)]
pub async fn export(State(state): State<AppState>, account: Account) -> ApiResult<File> {
    let data = export::read(&state.accounts, &account).await?;
    let session = |found| SessionView::of(found, account.session);
    let body = Response {
        exported_at: state.clock().now(),
        user: account.user().clone().into(),
        sessions: data.sessions.into_iter().map(session).collect(),
        memberships: data.memberships.into_iter().map(Into::into).collect(),
        api_keys: data.api_keys.into_iter().map(Into::into).collect(),
        acts: data.acts.into_iter().map(Into::into).collect(),
        acts_complete: data.acts_complete,
    };
    let file = (header::CONTENT_DISPOSITION, "attachment; filename=\"replyx-account.json\"");
    Ok(([file], Json(body)))
}
