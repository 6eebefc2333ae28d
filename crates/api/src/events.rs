//! `GET /api/v1/events`: the workspace's log as a stream of server-sent events.
//!
//! The log in the database is the only source: a stream reads on from the last number it has sent, and the
//! live bus merely says when to look. So a stream that reconnects with `Last-Event-ID`, to any process,
//! misses nothing and sees nothing twice.
//!
//! A reader that does not take what is sent is cut off: at most [`AHEAD`] frames wait for it, and none
//! longer than [`PATIENCE`].

use std::{convert::Infallible, fmt::Write, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::stream;
use replyx_core::{event::Recorded, ids::WorkspaceId};
use replyx_engine::bell::log_topic;
use replyx_live::Subscription;
use replyx_storage::StorageError;
use serde::Serialize;
use tokio::{sync::mpsc, time::timeout};
use utoipa::ToSchema;

use crate::{
    caller::{EventsRead, May},
    error::{ApiError, ApiResult, Problem},
    state::AppState,
};

/// How many frames may wait for a reader; a frame holds up to [`TOGETHER`] events.
pub const AHEAD: usize = 4;
/// How many events share a frame.
pub const TOGETHER: u32 = 64;
/// How long a reader may take for a frame.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How often an idle stream says that it lives, and looks at the log even if nobody called.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One event of the stream: its fields, as server-sent events name them.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamedEvent {
    /// Its number; goes into `Last-Event-ID`.
    #[schema(example = "42")]
    id: String,
    /// Its type.
    #[schema(example = "document.status")]
    event: String,
    /// The event, as JSON in one line.
    #[schema(
        example = r#"{"id":42,"at":"2026-03-14T09:26:53.589793Z","type":"document.status","status":"ready"}"#
    )]
    data: String,
}

/// Streams the workspace's log as server-sent events.
///
/// `id:` is the event's number, `event:` its type, `data:` the event as JSON. Begins with what comes after
/// `Last-Event-ID`, or with what happens from now on.
#[utoipa::path(
    get, path = "/events", operation_id = "stream_events", tag = "events",
    security(("bearer" = ["events:read"])),
    params(("Last-Event-ID" = Option<i64>, Header, minimum = 0, description = "the number of the last event seen")),
    responses(
        (status = 200, description = "a stream that does not end", content_type = "text/event-stream",
            body = StreamedEvent),
        (status = 400, description = "`Last-Event-ID` is not a number", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.events.stream", skip_all)]
pub async fn stream_events(
    state: State<AppState>,
    caller: May<EventsRead>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let State(state) = state;
    let workspace = caller.workspace_id;
    let last = last_event_id(&headers)?;
    // First listen, then look: what is committed in between is announced.
    let news = state.engine.live.subscribe(&log_topic(workspace)).await;
    let head = state.db().read().await?.workspace(workspace).events().head().await?;
    let from = last.map_or(head, |last| last.min(head));

    let (frames, waiting) = mpsc::channel(AHEAD);
    tokio::spawn(Feed { state, workspace, last: from, frames }.run(news));
    Ok(streamed(waiting))
}

/// A stream of server-sent events, made of frames of whole events.
pub(crate) fn streamed(waiting: mpsc::Receiver<Bytes>) -> Response {
    let body = Body::from_stream(stream::unfold(waiting, |mut waiting| async {
        waiting.recv().await.map(|frame| (Ok::<_, Infallible>(frame), waiting))
    }));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // So that the end of the stream is the end of the connection, also for who has been cut off.
        (header::CONNECTION, HeaderValue::from_static("close")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}

fn last_event_id(headers: &HeaderMap) -> ApiResult<Option<i64>> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok());
    let number = number.filter(|number| *number >= 0);
    number
        .map(Some)
        .ok_or_else(|| ApiError::Malformed("`Last-Event-ID` is not a number".to_owned()))
}

/// Feeds one stream.
struct Feed {
    state: AppState,
    workspace: WorkspaceId,
    last: i64,
    frames: mpsc::Sender<Bytes>,
}

/// Why a stream ends.
enum End {
    /// The reader has gone.
    Gone,
    /// The reader did not take what was sent.
    Slow,
}

impl Feed {
    async fn run(mut self, mut news: Subscription) {
        let open = metrics::gauge!("sse_connections");
        open.increment(1.0);
        let stop = self.state.stop.clone();
        let mut end = self.send(Bytes::from_static(b"retry: 3000\n\n")).await;
        while end.is_ok() {
            end = self.catch_up().await;
            if end.is_err() {
                break;
            }
            tokio::select! {
                _ = news.next() => {}
                () = tokio::time::sleep(HEARTBEAT) => {
                    end = self.send(Bytes::from_static(b": heartbeat\n\n")).await;
                }
                () = self.frames.closed() => end = Err(End::Gone),
                () = stop.cancelled() => end = Err(End::Gone),
            }
        }
        if matches!(end, Err(End::Slow)) {
            metrics::counter!("sse_slow_readers_total").increment(1);
            tracing::info!(workspace.id = %self.workspace, "a slow reader was cut off");
        }
        open.decrement(1.0);
    }

    /// Sends whatever the log holds beyond the last number sent.
    async fn catch_up(&mut self) -> Result<(), End> {
        loop {
            let events = match self.read().await {
                Ok(events) => events,
                Err(error) => {
                    // The stream stays; the log is looked at again with the next heartbeat or news.
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "log could not be read"
                    );
                    return Ok(());
                }
            };
            let Some(last) = events.last().map(|event| event.seq) else { return Ok(()) };
            let full = events.len() == TOGETHER as usize;
            self.send(frame(&events)).await?;
            self.last = last;
            if !full {
                return Ok(());
            }
        }
    }

    async fn read(&self) -> Result<Vec<Recorded>, StorageError> {
        let mut tx = self.state.db().read().await?;
        tx.workspace(self.workspace).events().after(self.last, TOGETHER).await
    }

    async fn send(&self, frame: Bytes) -> Result<(), End> {
        match timeout(PATIENCE, self.frames.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Slow),
        }
    }
}

fn frame(events: &[Recorded]) -> Bytes {
    let mut text = String::new();
    for event in events {
        let data = serde_json::to_string(event).unwrap_or_default();
        // JSON escapes line ends, so the data is one line.
        let _ = write!(text, "id: {}\nevent: {}\ndata: {data}\n\n", event.seq, event.event.name());
    }
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use replyx_core::{clock::Clock, event::Event, message::Author};

    use super::*;

    #[test]
    fn an_event_is_one_frame_whatever_its_text() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let event = Event::MessageStored {
            dialog_id: clock.id(),
            message_id: clock.id(),
            seq: 1,
            author: Author::Customer,
            text: "line one\n\nid: 99\ndata: forged\r\n".to_owned(),
        };
        let frame = frame(&[Recorded { seq: 7, at: clock.now(), event }]);
        let lines: Vec<&str> = std::str::from_utf8(&frame).unwrap().lines().collect();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert_eq!(lines[0], "id: 7");
        assert_eq!(lines[1], "event: message.stored");
        assert!(lines[2].starts_with("data: {\"id\":7,"));
        assert_eq!(lines[3], "");
    }

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
