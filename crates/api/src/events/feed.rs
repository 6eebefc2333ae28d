//! Feeds one stream from the log.

use std::{convert::Infallible, fmt::Write};

use axum::body::Bytes;
use replyx_core::{event::Recorded, ids::WorkspaceId};
use replyx_live::Subscription;
use replyx_storage::StorageError;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::{REPLAYED, TOGETHER};
use crate::{
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
    stream: Stream,
    begin: Begin,
    last: i64,
}

impl Feed {
    pub(super) const fn new(
        state: AppState,
        workspace: WorkspaceId,
        stream: Stream,
        begin: Begin,
    ) -> Self {
        let (Begin::After(last) | Begin::Reset(last)) = begin;
        Self { state, workspace, stream, begin, last }
    }

    /// Feeds it to its end.
    pub(super) async fn run(mut self, mut news: Subscription) {
        let Err(end) = self.follow(&mut news).await;
        self.stream.close(end);
    }

    async fn follow(&mut self, news: &mut Subscription) -> Result<Infallible, End> {
        self.stream.greet().await?;
        if let Begin::Reset(head) = self.begin {
            self.tell_reset(head).await?;
        }

        let mut beat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.catch_up().await?;
            tokio::select! {
                _ = news.next() => {}
                _ = beat.tick() => self.stream.beat().await?,
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

    /// Sends whatever the log holds beyond the last number sent. What cannot be read now is looked
    /// for again with the next heartbeat or news.
    async fn catch_up(&mut self) -> Result<(), End> {
        loop {
            let events = match self.read().await {
                Ok(events) => events,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "could not read the event log");
                    return Ok(());
                }
            };
            let read = Instant::now();
            let Some(last) = events.last().map(|event| event.seq) else { return Ok(()) };
            let full = events.len() == TOGETHER as usize;
            if self.stream.send(frame(&events), read).await? == Sent::NotNow {
                return Ok(());
            }
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
}

fn reset(head: i64) -> Bytes {
    Bytes::from(format!("id: {head}\nevent: reset\ndata: {{\"id\":{head},\"type\":\"reset\"}}\n\n"))
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
            text: Some("line one\n\nid: 99\ndata: forged\r\n".to_owned()),
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
