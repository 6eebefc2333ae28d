//! `GET /api/v1/operators/board`

use std::collections::HashMap;

use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use replyx_core::{ids::UserId, page::PageRequest, waiting::QueuePlace};
use replyx_engine::waiting;
use replyx_storage::inbox::COUNTED_MOST;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::OperatorView;
use crate::{
    caller::{Authorized, DialogsRead},
    error::{ApiResult, Problem},
    state::AppState,
};

/// At most so many dialogs of all operators together are shown.
const DIALOGS: i64 = 1_000;
/// At most so many operators are shown.
const OPERATORS: u32 = 200;

/// What happens among those who answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Board)]
pub struct Board {
    /// How many dialogs wait for a human; at most 10,000.
    #[schema(example = 3)]
    waiting: i64,
    /// Since when the first of them waits.
    oldest_waiting_since: Option<DateTime<Utc>>,
    /// How long somebody would wait who asked for a human now; `null` when it cannot be told.
    #[schema(example = 240)]
    expected_wait_s: Option<i64>,
    /// Those who may answer, by their ids; at most 200.
    operators: Vec<BoardOperator>,
}

/// Somebody who answers, and what they have.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoardOperator)]
pub struct BoardOperator {
    #[serde(flatten)]
    operator: OperatorView,
    /// Their dialogs, the one who has waited longest first; at most 1,000 of all operators.
    dialog_ids: Vec<Uuid>,
    /// How many replies they have written in the last hour.
    #[schema(example = 12)]
    sent_last_hour: i64,
}

/// Shows who waits, who is there, who has which dialogs and how much was answered in the last hour.
#[utoipa::path(
    get, path = "/operators/board", operation_id = "read_board", tag = "operators",
    responses(
        (status = 200, description = "the board", body = Board),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.operators.board", skip_all)]
pub async fn board(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
) -> ApiResult<Json<Board>> {
    let workspace = caller.workspace_id;
    let now = state.engine.clock.now();
    let mut tx = state.db().read().await?;
    let (waiting, oldest_waiting_since) =
        tx.workspace(workspace).waits().summary(COUNTED_MOST).await?;
    let pace = waiting::pace(&state.engine, &mut tx, workspace).await?;
    let expected = QueuePlace::of(waiting + 1, pace).expected;

    let page = PageRequest { after: None, limit: OPERATORS };
    let listed = tx.workspace(workspace).operators().list(page).await?.items;
    let held = tx.workspace(workspace).operators().all_held(DIALOGS).await?;
    let hour = now - TimeDelta::hours(1);
    let sent: HashMap<UserId, i64> =
        tx.workspace(workspace).operators().sent_since(hour).await?.into_iter().collect();
    let mut dialogs: HashMap<UserId, Vec<Uuid>> = HashMap::new();
    for (user, dialog) in held {
        dialogs.entry(user).or_default().push(dialog.into_uuid());
    }

    let operators = listed.into_iter().map(|listed| BoardOperator {
        dialog_ids: dialogs.remove(&listed.user_id).unwrap_or_default(),
        sent_last_hour: sent.get(&listed.user_id).copied().unwrap_or_default(),
        operator: OperatorView::of(listed, now),
    });
    Ok(Json(Board {
        waiting,
        oldest_waiting_since,
        expected_wait_s: expected.map(|expected| expected.num_seconds()),
        operators: operators.collect(),
    }))
}
