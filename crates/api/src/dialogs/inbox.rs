//! `GET /api/v1/dialogs/counts` and `PUT /api/v1/dialogs/{id}/read`

use axum::{Json, extract::State, http::StatusCode};
use chrono::{NaiveTime, Utc};
use garde::Validate;
use replyx_core::ids::DialogId;
use replyx_engine::reads;
use replyx_storage::inbox::Reader;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    caller::{Authorized, DialogsRead},
    error::{ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// How many dialogs each view of the inbox has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboxCounts)]
pub struct Counts {
    /// You have them, and want to see them now.
    #[schema(example = 2)]
    mine: i64,
    /// You have them, and do not want to see them until a time.
    #[schema(example = 1)]
    snoozed: i64,
    /// They wait for a human.
    #[schema(example = 1)]
    waiting: i64,
    /// The assistant answers.
    #[schema(example = 14)]
    ai: i64,
    /// They wait for a human, or have one who is not a member.
    #[schema(example = 1)]
    unassigned: i64,
    /// They were closed today (UTC).
    #[schema(example = 9)]
    closed_today: i64,
    /// You have them, and have not read the customer's last words.
    #[schema(example = 1)]
    unread: i64,
}

/// Counts the dialogs of each view of the inbox.
#[utoipa::path(
    get, path = "/dialogs/counts", operation_id = "count_dialogs", tag = "dialogs",
    responses(
        (status = 200, description = "the counts", body = Counts),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.counts", skip_all)]
pub async fn counts(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
) -> ApiResult<Json<Counts>> {
    let now = state.engine.clock.now();
    let today = now.date_naive().and_time(NaiveTime::MIN).and_local_timezone(Utc);
    let since = today.single().unwrap_or_default();
    let reader = Reader { member: caller.user_id(), now };
    let mut tx = state.db().read().await?;
    let counts = tx.workspace(caller.workspace_id).inbox().counts(reader, since).await?;
    Ok(Json(Counts {
        mine: counts.mine,
        snoozed: counts.snoozed,
        waiting: counts.waiting,
        ai: counts.ai,
        unassigned: counts.unassigned,
        closed_today: counts.closed,
        unread: counts.unread,
    }))
}

/// How far you have read.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReadMark)]
pub struct Request {
    /// The `seq` of the last message that you have read.
    #[garde(range(min = 0))]
    #[schema(minimum = 0, example = 4)]
    seq: i64,
}

/// Notes how far you have read a dialog. What was read stays read: a smaller `seq` changes nothing.
/// A program with an API key reads for nobody, and nothing is noted.
#[utoipa::path(
    put, path = "/dialogs/{id}/read", operation_id = "mark_dialog_read", tag = "dialogs",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 204, description = "noted"),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.mark_read", skip_all, fields(dialog.id = %id))]
pub async fn mark_read(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
    Id(id): Id<DialogId>,
    Body(request): Body<Request>,
) -> ApiResult<StatusCode> {
    reads::mark(&state.engine, &caller, id, request.seq).await?;
    Ok(StatusCode::NO_CONTENT)
}
