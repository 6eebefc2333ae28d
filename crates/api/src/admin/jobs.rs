//! `/api/v1/admin/jobs`: all background jobs.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use replyx_accounts::admin::jobs;
use replyx_core::ids::{JobId, WorkspaceId};
use replyx_storage::jobs::{JobFilter, SeenJob};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::Admin,
    error::{ApiError, ApiResult, Problem},
    input::{Id, Params},
    page::{List, PageQuery},
    state::AppState,
};

/// The statuses of a job.
const STATUSES: [&str; 3] = ["queued", "running", "dead"];

/// A background job, without what it works on.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobView {
    /// Identity.
    id: Uuid,
    /// Whose it is; `null` if it is the installation's.
    workspace_id: Option<Uuid>,
    /// What work it is.
    #[schema(example = "index_document")]
    kind: String,
    /// Which workers run it.
    #[schema(example = "heavy")]
    lane: String,
    /// `queued`, `running`, or `dead`: given up.
    #[schema(example = "dead")]
    status: String,
    /// How often it was tried.
    #[schema(example = 8)]
    attempts: i64,
    /// When it is, or was, due.
    due_at: DateTime<Utc>,
    /// Why it failed last.
    #[schema(example = "the mail server does not answer")]
    error: Option<String>,
    /// When it was queued.
    created_at: DateTime<Utc>,
}

impl From<SeenJob> for JobView {
    fn from(job: SeenJob) -> Self {
        Self {
            id: job.id.into_uuid(),
            workspace_id: job.workspace.map(WorkspaceId::into_uuid),
            kind: job.kind,
            lane: job.lane,
            status: job.status,
            attempts: job.attempts,
            due_at: job.due_at,
            error: job.error,
            created_at: job.created_at,
        }
    }
}

/// Which jobs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only jobs of this status: `queued`, `running` or `dead`.
    #[param(example = "dead", pattern = "^(queued|running|dead)$")]
    status: Option<String>,
    /// Only jobs of this kind.
    #[param(max_length = 100, example = "send_mail")]
    kind: Option<String>,
    /// Only jobs of this workspace.
    workspace_id: Option<Uuid>,
    /// The maximum number of items: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Lists background jobs, newest first. Those that are done are deleted.
#[utoipa::path(
    get, path = "/admin/jobs", operation_id = "list_jobs", tag = "admin",
    params(Query),
    responses((status = 200, description = "the jobs", body = List<JobView>))
)]
#[tracing::instrument(name = "api.admin.jobs.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    admin: Admin,
    Params(query): Params<Query>,
) -> ApiResult<List<JobView>> {
    if query.status.as_deref().is_some_and(|status| !STATUSES.contains(&status)) {
        return Err(ApiError::Malformed("`status` is `queued`, `running` or `dead`".to_owned()));
    }
    if query.kind.as_deref().is_some_and(|kind| kind.chars().count() > 100) {
        return Err(ApiError::Malformed("`kind` has at most 100 characters".to_owned()));
    }
    let filter = JobFilter {
        status: query.status,
        kind: query.kind,
        workspace: query.workspace_id.map(Into::into),
    };
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request()?;
    let jobs = jobs::list(&state.accounts, &admin, &filter, page).await?;
    Ok(List::of(jobs, JobView::from))
}

/// Runs a job that waits or was given up at once, with all its attempts.
#[utoipa::path(
    post, path = "/admin/jobs/{id}/retry", operation_id = "retry_job", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the job", body = JobView),
        (status = 409, description = "`job_running`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.jobs.retry", skip_all, fields(job.id = %id.0))]
pub async fn retry(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<JobId>,
) -> ApiResult<Json<JobView>> {
    Ok(Json(jobs::retry(&state.accounts, &admin, id.0).await?.into()))
}

/// Cancels a job: a worker gives it up within seconds, and what waited for it fails, such as its
/// document. A job that was given up is forgotten.
#[utoipa::path(
    delete, path = "/admin/jobs/{id}", operation_id = "cancel_job", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "the job will not run"),
        (status = 409, description = "`job_running`, `job_scheduled`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.jobs.cancel", skip_all, fields(job.id = %id.0))]
pub async fn cancel(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<JobId>,
) -> ApiResult<StatusCode> {
    jobs::cancel(&state.accounts, &admin, id.0).await?;
    Ok(StatusCode::NO_CONTENT)
}
