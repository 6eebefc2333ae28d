//! `PUT /api/v1/operators/me/presence` and `POST /api/v1/operators/me/end-shift`

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_core::{
    channel::ChannelKind,
    presence::{Capacity, Presence, PresenceState},
};
use replyx_engine::presence;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    caller::{Authorized, DialogsWrite},
    error::{ApiResult, Problem},
    input::Body,
    state::AppState,
};

/// Whether you are there.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetPresence)]
pub struct Request {
    /// `online` (you are given dialogs), `away` (you keep yours) or `offline`.
    #[garde(skip)]
    #[schema(example = "online")]
    state: PresenceState,
    /// How many dialogs of each kind of channel you are given at once, 0 to 100. What is left out
    /// stays as it is.
    #[garde(custom(within_bounds))]
    #[serde(default)]
    #[schema(example = json!({"api": 3}))]
    capacity: BTreeMap<ChannelKind, i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn within_bounds(capacity: &BTreeMap<ChannelKind, i64>, (): &()) -> garde::Result {
    if capacity.values().all(|number| (0..=Capacity::MOST).contains(number)) {
        return Ok(());
    }
    Err(garde::Error::new("each number must be 0 to 100"))
}

/// What you said last.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MyPresence)]
pub struct Response {
    #[schema(example = "online")]
    state: PresenceState,
    /// How many dialogs of each kind of channel you are given at once.
    #[schema(example = json!({"api": 3}))]
    capacity: BTreeMap<ChannelKind, i64>,
    /// Since when the state holds.
    since: DateTime<Utc>,
    /// Until when it holds, unless you say it again.
    expires_at: DateTime<Utc>,
}

impl From<Presence> for Response {
    fn from(presence: Presence) -> Self {
        Self {
            state: presence.state,
            capacity: presence.capacity.all(),
            since: presence.since,
            expires_at: presence.seen_at + Presence::LEASE,
        }
    }
}

/// Says whether you are there. It holds for 90 seconds: say it again every 30. Whoever is online
/// and has room is given the dialogs that wait, oldest first, if the assistant's owner wants that
/// (`handoff.assignment`).
#[utoipa::path(
    put, path = "/operators/me/presence", operation_id = "set_presence", tag = "operators",
    request_body = Request,
    responses(
        (status = 200, description = "what holds now", body = Response),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this, or you use a key: `session_required`", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.operators.set_presence", skip_all)]
pub async fn set(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Body(request): Body<Request>,
) -> ApiResult<Json<Response>> {
    let said = presence::say(&state.engine, &caller, request.state, request.capacity).await?;
    Ok(Json(said.into()))
}

/// What the end of a shift did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EndedShift)]
pub struct EndedShift {
    /// How many dialogs went back to those that wait for a human.
    #[schema(example = 2)]
    returned: usize,
}

/// Ends your shift: you are offline, and all dialogs that you have go back to those that wait for a
/// human. The customers keep their places.
#[utoipa::path(
    post, path = "/operators/me/end-shift", operation_id = "end_shift", tag = "operators",
    responses(
        (status = 200, description = "what it did", body = EndedShift),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this, or you use a key: `session_required`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.operators.end_shift", skip_all)]
pub async fn end_shift(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
) -> ApiResult<Json<EndedShift>> {
    let returned = presence::end_shift(&state.engine, &caller).await?;
    Ok(Json(EndedShift { returned }))
}
