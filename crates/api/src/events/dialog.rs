//! `GET /api/v1/dialogs/{id}/events`: what `GET events` tells of one dialog.
//!
//! The stream shares the reader of the workspace and the numbers of its log with `GET events`, and
//! has its bounds.

use axum::{extract::State, http::HeaderMap, response::Response};
use replyx_core::ids::DialogId;

use super::{
    AHEAD, StreamedEvent,
    feed::{Begin, Feed},
    last_event_id,
};
use crate::{
    caller::DialogsRead,
    error::{ApiError, ApiResult, Problem},
    input::Id,
    state::AppState,
    streams::{Stream, ticket::AuthorizedByTicket},
};

/// Streams the events of a dialog as server-sent events.
///
/// As `GET events`, with the same numbers, for one dialog alone: `Last-Event-ID`, `ping`, `reset`,
/// `dialog.attention` and `bye` are the same, and so are tickets and the bounds of streams.
#[utoipa::path(
    get, path = "/dialogs/{id}/events", operation_id = "stream_dialog_events", tag = "events",
    params(
        ("id" = Uuid, Path),
        ("Last-Event-ID" = Option<i64>, Header, minimum = 0, description = "the number of the last event seen"),
        ("ticket" = Option<String>, Query, description = "a ticket, instead of a token or a key"),
    ),
    responses(
        (status = 200, description = "a stream that does not end", content_type = "text/event-stream",
            body = StreamedEvent),
        (status = 400, description = "`Last-Event-ID` is not a number", body = Problem),
        (status = 401, description = "no valid token, or a ticket that has ended or was used", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
        (status = 429, description = "`too_many_streams`: close one first", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.events", skip_all, fields(dialog.id = %id))]
pub async fn stream_dialog_events(
    State(state): State<AppState>,
    AuthorizedByTicket(caller): AuthorizedByTicket<DialogsRead>,
    Id(id): Id<DialogId>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let workspace = caller.workspace_id;
    let last = last_event_id(&headers)?;
    let mut tx = state.db().read().await?;
    let found = tx.workspace(workspace).dialogs().find(id).await?;
    drop(tx);
    found.ok_or(ApiError::NotFound("dialog"))?;

    let guard = caller.guard(&state).await?;
    // First join, then look: what is committed in between comes in frames.
    let frames = state.hub.join(state.db(), &state.engine.live, workspace).await?;
    let begin = Begin::find(&state, workspace, last).await?;

    let (stream, response) = Stream::open(guard, AHEAD);
    let feed = Feed::new(state, workspace, stream, begin).of_dialog(id);
    tokio::spawn(feed.run(frames));
    Ok(response)
}
