//! Feeds one stream from the log.

use std::convert::Infallible;

use axum::body::Bytes;
use replyx_core::ids::{DialogId, WorkspaceId};
use replyx_storage::StorageError;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::REPLAYED;
use crate::{
    hub::{Frame, Frames, Next},
    state::AppState,
    streams::{AGAIN, End, HEARTBEAT, Sent, Stream},
};

/// Where a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// After this number.
    After(i64),
    /// After this number, the newest; what came before cannot be told.
    Reset(i64),
}

impl Begin {
    /// Where a stream begins whose reader has seen everything up to `last`.
    pub(super) async fn find(
        state: &AppState,
        workspace: WorkspaceId,
        last: Option<i64>,
    ) -> Result<Self, StorageError> {
        let mut tx = state.db().read().await?;
        let head = tx.workspace(workspace).events().head().await?;
        let Some(last) = last else { return Ok(Self::After(head)) };
        let first = tx.workspace(workspace).events().first().await?;
        Ok(Self::of(last, first, head))
    }

    /// `first` is the oldest number that is kept.
    fn of(last: i64, first: Option<i64>, head: i64) -> Self {
        let oldest = first.unwrap_or(head + 1);
        let is_told = last <= head && last >= oldest - 1 && head - last <= REPLAYED;
        if is_told { Self::After(last) } else { Self::Reset(head) }
    }
}

/// Feeds one stream.
pub(super) struct Feed {
    state: AppState,
    workspace: WorkspaceId,
    /// Only the events of this dialog; those of the whole workspace when absent.
    dialog: Option<DialogId>,
    stream: Stream,
    begin: Begin,
    /// The number of the last event that was sent.
    last: i64,
    /// Whether there may be events that were not sent.
    is_behind: bool,
}

impl Feed {
    pub(super) const fn new(
        state: AppState,
        workspace: WorkspaceId,
        stream: Stream,
        begin: Begin,
    ) -> Self {
        let (Begin::After(last) | Begin::Reset(last)) = begin;
        Self { state, workspace, dialog: None, stream, begin, last, is_behind: true }
    }

    /// Narrowed to the events of one dialog.
    pub(super) fn of_dialog(mut self, dialog: DialogId) -> Self {
        self.dialog = Some(dialog);
        self
    }

    /// Feeds it to its end.
    pub(super) async fn run(mut self, mut frames: Frames) {
        let Err(end) = self.follow(&mut frames).await;
        self.stream.close(end);
    }

    async fn follow(&mut self, frames: &mut Frames) -> Result<Infallible, End> {
        self.stream.greet().await?;
        if let Begin::Reset(head) = self.begin {
            self.tell_reset(head).await?;
        }
        self.catch_up().await?;

        let mut beat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                next = frames.next() => match next {
                    Next::Frame(frame) => self.pass_on(frame).await?,
                    Next::Passing(dialog, bytes) => {
                        if self.dialog.is_none_or(|own| own == dialog) {
                            self.stream.pass(bytes)?;
                        }
                    }
                    Next::Missed => self.catch_up().await?,
                    Next::Ended => return Err(End::Stopping),
                },
                _ = beat.tick() => {
                    self.stream.beat().await?;
                    if self.is_behind {
                        self.catch_up().await?;
                    }
                }
                end = self.stream.ended() => return Err(end),
            }
        }
    }

    /// Tells the reader that it has missed something. Nothing may be sent before that.
    async fn tell_reset(&mut self, head: i64) -> Result<(), End> {
        while self.stream.send(reset(head), Instant::now()).await? == Sent::NotNow {
            tokio::select! {
                end = self.stream.ended() => return Err(end),
                () = sleep(AGAIN) => {}
            }
        }
        Ok(())
    }

    /// Sends a frame that follows what was sent; otherwise what the log holds.
    async fn pass_on(&mut self, frame: Frame) -> Result<(), End> {
        if frame.last <= self.last {
            return Ok(());
        }
        if frame.after != self.last {
            return self.catch_up().await;
        }
        self.send(frame).await.map(drop)
    }

    /// Sends whatever the log holds beyond the last number sent. What cannot be read now is looked
    /// for again with the next heartbeat or frame.
    async fn catch_up(&mut self) -> Result<(), End> {
        self.is_behind = true;
        loop {
            // In memory of its own, which a stream that has caught up does without.
            let reading = Box::pin(Frame::read(self.state.db(), self.workspace, self.last));
            let (frame, is_full) = match reading.await {
                Ok(Some(read)) => read,
                Ok(None) => break,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "could not read the event log");
                    return Ok(());
                }
            };
            if self.send(frame).await? == Sent::NotNow {
                return Ok(());
            }
            if !is_full {
                break;
            }
        }
        self.is_behind = false;
        Ok(())
    }

    /// Sends what is the stream's of a frame, if the access holds still.
    async fn send(&mut self, frame: Frame) -> Result<Sent, End> {
        let frame = match self.dialog {
            Some(dialog) => frame.of_dialog(dialog),
            None => frame,
        };
        if frame.bytes.is_empty() {
            self.last = frame.last;
            return Ok(Sent::Yes);
        }
        let sent = self.stream.send(frame.bytes, frame.read).await?;
        match sent {
            Sent::Yes => self.last = frame.last,
            Sent::NotNow => self.is_behind = true,
        }
        Ok(sent)
    }
}

fn reset(head: i64) -> Bytes {
    Bytes::from(format!("id: {head}\nevent: reset\ndata: {{\"id\":{head},\"type\":\"reset\"}}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_begins_anew_where_it_could_not_tell_everything() {
        let of = |last, first, head| match Begin::of(last, first, head) {
            Begin::After(number) => (number, "after"),
            Begin::Reset(number) => (number, "reset"),
        };
        assert_eq!(of(0, None, 0), (0, "after"));
        assert_eq!(of(1, None, 0), (0, "reset"), "beyond an empty log");
        assert_eq!(of(7, Some(1), 7), (7, "after"));
        assert_eq!(of(8, Some(1), 7), (7, "reset"), "beyond the log");
        assert_eq!(of(0, Some(1), 10_000), (0, "after"));
        assert_eq!(of(0, Some(1), 10_001), (10_001, "reset"), "too far behind");
        assert_eq!(of(4, Some(5), 9), (4, "after"));
        assert_eq!(of(3, Some(5), 9), (9, "reset"), "number 4 is not kept");
        assert_eq!(of(9, None, 9), (9, "after"));
        assert_eq!(of(8, None, 9), (9, "reset"), "nothing is kept");
        assert_eq!(of(i64::MAX, Some(1), 7), (7, "reset"));
    }
}
