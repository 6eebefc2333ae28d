//! `GET /api/v1/operators/queue`

use axum::extract::State;
use chrono::{DateTime, Utc};
use replyx_core::{
    dialog::HandoffReason,
    page::Page,
    waiting::{Pace, QueuePlace},
};
use replyx_engine::waiting;
use replyx_storage::waits::Waiter;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Authorized, DialogsRead},
    error::{ApiResult, Problem},
    input::Params,
    page::{List, PageQuery, QueueCursor},
    state::AppState,
};

/// A dialog that waits for a human.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueuedDialog)]
pub struct Item {
    dialog_id: Uuid,
    /// From 1: nobody has waited longer.
    #[schema(example = 2)]
    position: i64,
    /// When a human was first asked for; asking again does not change it.
    waiting_since: DateTime<Utc>,
    /// How long it takes until an operator answers, measured over the last four hours; `null` while
    /// fewer than three customers were answered in them.
    #[schema(example = 360)]
    expected_wait_s: Option<i64>,
    /// Why a human was asked for.
    #[schema(example = "asked")]
    reason: Option<HandoffReason>,
}

impl Item {
    fn of(waiter: &Waiter, position: i64, pace: Option<Pace>) -> Self {
        let place = QueuePlace::of(position, pace);
        Self {
            dialog_id: waiter.dialog_id.into_uuid(),
            position,
            waiting_since: waiter.since,
            expected_wait_s: place.expected.map(|expected| expected.num_seconds()),
            reason: waiter.reason,
        }
    }
}

/// Lists the dialogs that wait for a human, in the order of the first request.
#[utoipa::path(
    get, path = "/operators/queue", operation_id = "list_queue", tag = "operators",
    params(PageQuery),
    responses(
        (status = 200, description = "a page of the queue", body = List<Item>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.operators.queue", skip_all)]
pub async fn queue(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<Item>> {
    let page = query.request::<QueueCursor>()?;
    let workspace = caller.workspace_id;
    let mut tx = state.db().read().await?;
    let after = page.after.map(|QueueCursor { since, dialog }| (since, dialog));
    let found = tx.workspace(workspace).waits().list(after, i64::from(page.limit) + 1).await?;

    // Those before the page may have left in the meantime: its first one is counted again.
    let mut position = match found.first() {
        Some(first) => tx.workspace(workspace).waits().before(first.since, first.dialog_id).await?,
        None => 0,
    };
    let pace = waiting::pace(&state.engine, &mut tx, workspace).await?;
    let cursor = |waiter: &Waiter| QueueCursor { since: waiter.since, dialog: waiter.dialog_id };
    let found = Page::of(found, page.limit, cursor);
    Ok(List::of(found, |waiter| {
        position += 1;
        Item::of(&waiter, position, pace)
    }))
}
