//! Streams of server-sent events that live as long as the access that opened them.
//!
//! A handler asks its caller for a [`Guard`] (`Authorized::guard`), which takes a place among the
//! streams of the caller and of the workspace, and opens a [`Stream`] with it. A task feeds the
//! stream and closes it. Which rule holds inside:
//!
//! - [`Stream::send`] sends what was read from the database only after the access was read again,
//!   later: a message that was committed after a revocation finds the stream closed, in every
//!   process, whatever the bus has carried.
//! - [`Stream::ended`] returns as soon as this process hears that the access has changed and it
//!   gives no right to the stream any more. Where nobody tells, it looks every few seconds. A token
//!   or key that ends closes the stream too.
//! - A stream whose access has ended says `event: bye` and ends. What still waits for its reader is
//!   not sent.
//! - A reader that does not take a frame within [`PATIENCE`] is cut off.

mod guard;
mod seat;
pub(crate) mod ticket;

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::{FutureExt, stream};
use replyx_core::ids::WorkspaceId;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::access::Freshness;
pub(crate) use crate::bounds::HEARTBEAT;
pub(crate) use guard::{AGAIN, Guard};

/// How long a reader may take for a frame.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A sign of life.
const COMMENT: &str = ": heartbeat\n\n";
/// A sign of life, as a comment for those who read bytes and as an event without an id for those
/// who cannot.
const PING: &str = ": heartbeat\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n";
/// How long a browser waits before it comes back, milliseconds; with an event, because some clients
/// take a setting alone for one.
const HELLO: &str = "retry: 3000\nevent: ping\ndata: {\"type\":\"ping\"}\n\n";
/// The last words of a stream whose access has ended.
const BYE: &str = "event: bye\ndata: {\"type\":\"bye\",\"reason\":\"access_ended\"}\n\n";

/// An extension of an answer that does not end by itself, and whose connection ends with it.
#[derive(Clone, Copy, Debug)]
pub struct EndlessResponse;

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All has been said.
    Done,
    /// The reader has gone.
    Gone,
    /// The reader did not take what was sent.
    Slow,
    /// The access that opened it has ended.
    Over,
    /// The program stops.
    Stopping,
}

impl End {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Gone => "gone",
            Self::Slow => "slow",
            Self::Over => "access",
            Self::Stopping => "stopping",
        }
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It is on its way.
    Yes,
    /// It was not sent, because the database cannot say whether it may be.
    NotNow,
}

/// The writing end of a stream.
#[derive(Debug)]
pub(crate) struct Stream {
    frames: mpsc::Sender<Bytes>,
    guard: Guard,
    /// Cuts the reader off, also from what waits for it.
    cut: CancellationToken,
}

impl Stream {
    /// Begins a stream of which at most `ahead` frames wait for the reader, and the answer that
    /// carries it.
    pub(crate) fn open(guard: Guard, ahead: usize) -> (Self, Response) {
        let (frames, waiting) = mpsc::channel(ahead);
        let cut = CancellationToken::new();
        let response = answer(waiting, cut.clone());
        (Self { frames, guard, cut }, response)
    }

    /// Where frames go that hold nothing of the database, or are sent through [`Self::send`] at
    /// last.
    pub(crate) fn frames(&self) -> mpsc::Sender<Bytes> {
        self.frames.clone()
    }

    /// Says that the stream has begun.
    pub(crate) async fn greet(&mut self) -> Result<(), End> {
        self.push(Bytes::from_static(HELLO.as_bytes())).await
    }

    /// Says that the stream lives, and keeps its places.
    pub(crate) async fn beat(&mut self) -> Result<(), End> {
        self.guard.keep_seat().await;
        self.push(Bytes::from_static(PING.as_bytes())).await
    }

    /// Says that the stream lives, in a comment, where the reader has room for it; where there is
    /// none, there is news.
    pub(crate) async fn beat_if_idle(&mut self) {
        self.guard.keep_seat().await;
        let _ = self.frames.try_send(Bytes::from_static(COMMENT.as_bytes()));
    }

    /// Where the stream is read.
    pub(crate) const fn workspace(&self) -> WorkspaceId {
        self.guard.workspace()
    }

    /// Does the access hold still? Not, when the database cannot say so twice.
    pub(crate) async fn may_go_on(&mut self, since: Freshness) -> bool {
        if let Ok(holds) = self.guard.holds(since).await {
            return holds;
        }
        sleep(AGAIN).await;
        self.guard.holds(since).await.unwrap_or(false)
    }

    /// Sends what was read from the database, all of it before `read`, if the access holds still.
    /// Keeps the places of the stream.
    pub(crate) async fn send(&mut self, frame: Bytes, read: Instant) -> Result<Sent, End> {
        self.guard.keep_seat_if_due().await;
        match self.guard.holds(Freshness::Instant(read)).await {
            Ok(true) => self.hand_over(frame).await.map(|()| Sent::Yes),
            Ok(false) => Err(End::Over),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not read the access of a stream"
                );
                Ok(Sent::NotNow)
            }
        }
    }

    /// Sends what is of no consequence, if the reader has room for it.
    pub(crate) fn pass(&mut self, frame: Bytes) -> Result<(), End> {
        if self.guard.over().now_or_never().is_some() {
            return Err(End::Over);
        }
        let _ = self.frames.try_send(frame);
        Ok(())
    }

    /// Hands over a frame right after the access was read. Where the reader has room, nothing needs
    /// to be waited for.
    async fn hand_over(&mut self, frame: Bytes) -> Result<(), End> {
        match self.frames.try_send(frame) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(frame)) => self.push(frame).await,
            Err(TrySendError::Closed(_)) => Err(End::Gone),
        }
    }

    async fn push(&mut self, frame: Bytes) -> Result<(), End> {
        tokio::select! {
            biased;
            () = self.guard.over() => Err(End::Over),
            sent = timeout(PATIENCE, self.frames.send(frame)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(End::Gone),
                Err(_) => Err(End::Slow),
            },
        }
    }

    /// Waits until there is nobody to send to, or nothing more may be sent. May be cancelled
    /// without loss.
    pub(crate) async fn ended(&mut self) -> End {
        let stop = self.guard.stop().clone();
        tokio::select! {
            biased;
            () = self.guard.over() => End::Over,
            () = self.frames.closed() => End::Gone,
            () = stop.cancelled() => End::Stopping,
        }
    }

    /// Ends the stream and gives its places back.
    pub(crate) fn close(self, end: End) {
        metrics::counter!("streams_ended_total", "reason" => end.as_str()).increment(1);
        match end {
            End::Over => {
                self.cut.cancel();
                tracing::info!(workspace.id = %self.guard.workspace(), "stream closed: its access has ended");
            }
            End::Slow => {
                metrics::counter!("sse_slow_readers_total").increment(1);
                tracing::info!(workspace.id = %self.guard.workspace(), "stream closed: its reader is slow");
            }
            End::Done | End::Gone | End::Stopping => {}
        }
    }
}

/// The answer that carries a stream, made of frames of whole events.
fn answer(waiting: mpsc::Receiver<Bytes>, cut: CancellationToken) -> Response {
    let body = stream::unfold(Some((waiting, cut)), |open| async {
        let (mut waiting, cut) = open?;
        tokio::select! {
            biased;
            () = cut.cancelled() => Some((Ok::<_, Infallible>(Bytes::from_static(BYE.as_bytes())), None)),
            frame = waiting.recv() => frame.map(|frame| (Ok(frame), Some((waiting, cut)))),
        }
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // So that the end of the stream is the end of the connection, also for who has been cut
        // off.
        (header::CONNECTION, HeaderValue::from_static("close")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (Extension(EndlessResponse), headers, Body::from_stream(body)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn a_reader_that_is_cut_off_gets_nothing_of_what_waits_for_it_but_bye() {
        let (frames, waiting) = mpsc::channel(4);
        let cut = CancellationToken::new();
        let response = answer(waiting, cut.clone());
        frames.send(Bytes::from_static(b"data: a secret\n\n")).await.unwrap();
        cut.cancel();
        let body = to_bytes(response.into_body(), 1024).await.unwrap();
        assert_eq!(body, BYE.as_bytes());
    }

    #[tokio::test]
    async fn a_stream_that_is_done_delivers_what_waits() {
        let (frames, waiting) = mpsc::channel(4);
        let response = answer(waiting, CancellationToken::new());
        frames.send(Bytes::from_static(b"data: 1\n\n")).await.unwrap();
        drop(frames);
        let body = to_bytes(response.into_body(), 1024).await.unwrap();
        assert_eq!(body, &b"data: 1\n\n"[..]);
    }
}
