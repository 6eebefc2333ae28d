//! `GET /api/v1/events`: the workspace's log as a stream of server-sent events.
//!
//! The log in the database is the only source, and the live bus merely says when to look. It is
//! read once for all streams of a workspace (`hub`); a stream sends what follows the last number it
//! has sent, and reads the log itself where it has missed something. So a stream that reconnects
//! with `Last-Event-ID`, to any process, misses nothing and sees nothing twice. Where that cannot
//! be promised, the stream begins with `event: reset`.
//!
//! Who may read on, and how long a slow reader is waited for, is `crate::streams`' matter.

pub mod dialog;
mod feed;
pub(crate) mod schema;
pub mod ticket;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    caller::EventsRead,
    error::{ApiError, ApiResult, Problem},
    state::AppState,
    streams::{Stream, ticket::AuthorizedByTicket},
};
use feed::{Begin, Feed};
use schema::EventText;

/// How many frames may wait for a reader.
pub const AHEAD: usize = 4;
/// How many events a stream replays at most: a reader that is further behind starts over.
pub const REPLAYED: i64 = 10_000;

/// One event of the stream: its fields, as server-sent events name them.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamedEvent {
    /// Its number; send it as `Last-Event-ID`. `ping` and `bye` have none.
    #[schema(example = "1")]
    id: String,
    /// Its type, as in `data`.
    #[schema(example = "dialog.opened")]
    event: String,
    /// The event, as JSON in one line.
    #[schema(value_type = EventText)]
    data: String,
}

/// Streams the workspace's events as server-sent events.
///
/// `id:` is the event's number, `event:` its type, `data:` the event as JSON. The stream starts
/// after `Last-Event-ID`, or with new events.
///
/// There are also: `ping`, without an id, at the start and every 15 seconds; `reset`, when the
/// events after `Last-Event-ID` cannot be replayed (the number is beyond the log, older than what
/// is kept, or more than 10,000 events behind): reload everything, the stream continues from the
/// number in its id; `dialog.attention`, without an id, when a member looks at a dialog or types in
/// it (`POST dialogs/{id}/typing`); `bye`, before the stream ends because the access that opened it
/// has ended.
///
/// A client that cannot set headers, such as a browser's `EventSource`, uses a ticket from
/// `POST events/ticket`.
#[utoipa::path(
    get, path = "/events", operation_id = "stream_events", tag = "events",
    params(
        ("Last-Event-ID" = Option<i64>, Header, minimum = 0, description = "the number of the last event seen"),
        ("ticket" = Option<String>, Query, description = "a ticket, instead of a token or a key"),
    ),
    responses(
        (status = 200, description = "a stream that does not end", content_type = "text/event-stream",
            body = StreamedEvent),
        (status = 400, description = "`Last-Event-ID` is not a number", body = Problem),
        (status = 401, description = "no valid token, or a ticket that has ended or was used", body = Problem),
        (status = 429, description = "`too_many_streams`: close one first", body = Problem),
    )
)]
#[tracing::instrument(name = "api.events.stream", skip_all)]
pub async fn stream_events(
    State(state): State<AppState>,
    AuthorizedByTicket(caller): AuthorizedByTicket<EventsRead>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let workspace = caller.workspace_id;
    let last = last_event_id(&headers)?;
    let guard = caller.guard(&state).await?;
    // First join, then look: what is committed in between comes in frames.
    let frames = state.hub.join(state.db(), &state.engine.live, workspace).await?;
    let begin = Begin::find(&state, workspace, last).await?;

    let (stream, response) = Stream::open(guard, AHEAD);
    tokio::spawn(Feed::new(state, workspace, stream, begin).run(frames));
    Ok(response)
}

fn last_event_id(headers: &HeaderMap) -> ApiResult<Option<i64>> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok());
    let number = number.filter(|number| *number >= 0);
    number
        .map(Some)
        .ok_or_else(|| ApiError::Malformed("`Last-Event-ID` is not a number".to_owned()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_number_is_a_last_event_id() {
        let given = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("last-event-id", HeaderValue::from_static(value));
            last_event_id(&headers)
        };
        assert_eq!(last_event_id(&HeaderMap::new()).unwrap(), None);
        assert_eq!(given("12").unwrap(), Some(12));
        for bad in ["", "-1", "x", "99999999999999999999"] {
            assert!(given(bad).is_err(), "{bad}");
        }
    }
}
