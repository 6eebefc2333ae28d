//! Reads the log of each workspace once for all its streams.
//!
//! A reader follows the log as long as a stream of the workspace is open in this process, and hands
//! what is new to all of them as one [`Frame`], whose bytes they share. A stream reads the log
//! itself only while it catches up: at its beginning, and when it has missed frames.
//!
//! A frame says when it was read, so that a stream can send it only after its access was read
//! again, later: that many share a frame changes nothing in what each may see.
//!
//! What the bus tells and no log keeps (who types) is passed on beside the frames, to whoever
//! listens at that moment.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use axum::body::Bytes;
use replyx_core::{
    attention::Attention,
    event::Recorded,
    ids::{DialogId, WorkspaceId},
};
use replyx_engine::attention::LASTS;
use replyx_live::{Live, News, Signal, Subscription, Topic};
use replyx_storage::{Db, StorageError};
use serde::Serialize;
use tokio::{
    sync::broadcast,
    task::AbortHandle,
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::bounds::HEARTBEAT;

/// How many events share a frame.
pub(crate) const TOGETHER: u32 = 64;
/// How many frames a stream may be behind before it has to read the log itself.
const KEPT: usize = 16;

/// Some events of the log, one behind the other, as they are sent.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The number before the first event.
    pub(crate) after: i64,
    /// The number of the last event.
    pub(crate) last: i64,
    /// The events as server-sent events.
    pub(crate) bytes: Bytes,
    /// Whose each event is, and where it ends in `bytes`.
    pieces: Pieces,
    /// All of it was read before this instant.
    pub(crate) read: Instant,
}

impl Frame {
    /// Reads the log on from a number; `None`, when there is nothing more. The second value says
    /// whether there may be more behind it.
    pub(crate) async fn read(
        db: &Db,
        workspace: WorkspaceId,
        after: i64,
    ) -> Result<Option<(Self, bool)>, StorageError> {
        let mut tx = db.read().await?;
        let events = tx.workspace(workspace).events().after(after, TOGETHER).await?;
        let read = Instant::now();
        let Some(last) = events.last().map(|event| event.seq) else { return Ok(None) };
        let is_full = events.len() == TOGETHER as usize;
        let (bytes, pieces) = text(&events);
        Ok(Some((Self { after, last, bytes, pieces, read }, is_full)))
    }

    /// The frame with the events of one dialog alone; without bytes where it has none.
    pub(crate) fn of_dialog(self, dialog: DialogId) -> Self {
        let mut own = Vec::new();
        let mut start = 0;
        for (whose, end) in self.pieces.iter() {
            if *whose == Some(dialog) {
                own.extend_from_slice(&self.bytes[start..*end]);
            }
            start = *end;
        }
        Self { bytes: Bytes::from(own), pieces: Arc::default(), ..self }
    }
}

type Pieces = Arc<[(Option<DialogId>, usize)]>;

fn text(events: &[Recorded]) -> (Bytes, Pieces) {
    let mut text = String::new();
    let mut pieces = Vec::with_capacity(events.len());
    for event in events {
        let data = serde_json::to_string(event).unwrap_or_default();
        // JSON escapes line ends, so the data is one line.
        let _ = write!(text, "id: {}\nevent: {}\ndata: {data}\n\n", event.seq, event.event.name());
        pieces.push((event.event.subject().dialog_id, text.len()));
    }
    (Bytes::from(text), pieces.into())
}

/// What a reader tells its streams.
#[derive(Clone, Debug)]
enum Told {
    /// More of the log.
    Log(Frame),
    /// Something that is stored nowhere, as it is sent, and the dialog that it is about.
    Passing(DialogId, Bytes),
}

/// What streams are told of a member who looks at a dialog.
#[derive(Serialize)]
struct Passing {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    attention: Attention,
    lasts_s: u64,
}

/// What streams are told of the news, if it is stored nowhere.
fn passing(signal: &Signal) -> Option<(DialogId, Bytes)> {
    let Signal::Message(message) = signal else { return None };
    let Some(News::Attention { attention, .. }) = News::read(message) else { return None };

    let lasts_s = LASTS.as_secs();
    let dialog = attention.dialog_id;
    let data = serde_json::to_string(&Passing { kind: "dialog.attention", attention, lasts_s });
    let data = data.unwrap_or_default();
    Some((dialog, Bytes::from(format!("event: dialog.attention\ndata: {data}\n\n"))))
}

/// The readers of this process.
#[derive(Debug, Default)]
pub(crate) struct Hub(Mutex<HashMap<WorkspaceId, Weak<Reader>>>);

/// Follows the log of a workspace, until dropped.
#[derive(Debug)]
struct Reader {
    /// The task has the sender: when it ends, its streams hear so.
    frames: broadcast::WeakSender<Told>,
    task: AbortHandle,
}

/// A stream's share of a reader.
#[derive(Debug)]
pub(crate) struct Frames {
    receiver: broadcast::Receiver<Told>,
    /// The reader goes on while a stream has it.
    _reader: Arc<Reader>,
}

/// What comes of a reader.
#[derive(Debug)]
pub(crate) enum Next {
    /// More of the log.
    Frame(Frame),
    /// Something that is stored nowhere, as it is sent, and the dialog that it is about.
    Passing(DialogId, Bytes),
    /// Frames were missed.
    Missed,
    /// The reader has ended.
    Ended,
}

impl Frames {
    /// Waits for what comes next. May be cancelled without loss.
    pub(crate) async fn next(&mut self) -> Next {
        match self.receiver.recv().await {
            Ok(Told::Log(frame)) => Next::Frame(frame),
            Ok(Told::Passing(dialog, bytes)) => Next::Passing(dialog, bytes),
            Err(broadcast::error::RecvError::Lagged(_)) => Next::Missed,
            Err(broadcast::error::RecvError::Closed) => Next::Ended,
        }
    }
}

impl Hub {
    /// Joins the reader of a workspace, which begins with its first stream. What is committed after
    /// this call comes in frames, or is missed and said to be.
    pub(crate) async fn join(
        &self,
        db: &Db,
        live: &Live,
        workspace: WorkspaceId,
    ) -> Result<Frames, StorageError> {
        if let Some(frames) = self.find(workspace) {
            return Ok(frames);
        }

        // First listen, then look: what is committed in between is announced.
        let news = live.subscribe(&Topic::Log(workspace).to_string()).await;
        let mut tx = db.read().await?;
        let head = tx.workspace(workspace).events().head().await?;
        drop(tx);

        let mut readers = self.lock();
        // Another stream may have begun one in the meantime.
        if let Some(frames) = readers.get(&workspace).and_then(Frames::of) {
            return Ok(frames);
        }
        let (reader, receiver) = Reader::start(db.clone(), workspace, news, head);
        let reader = Arc::new(reader);
        readers.retain(|_, reader| reader.strong_count() > 0);
        match readers.entry(workspace) {
            Entry::Occupied(mut place) => drop(place.insert(Arc::downgrade(&reader))),
            Entry::Vacant(place) => drop(place.insert(Arc::downgrade(&reader))),
        }
        Ok(Frames { receiver, _reader: reader })
    }

    fn find(&self, workspace: WorkspaceId) -> Option<Frames> {
        self.lock().get(&workspace).and_then(Frames::of)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Weak<Reader>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Frames {
    /// A share of a reader that goes on.
    fn of(reader: &Weak<Reader>) -> Option<Self> {
        let reader = reader.upgrade()?;
        let receiver = reader.frames.upgrade()?.subscribe();
        Some(Self { receiver, _reader: reader })
    }
}

impl Reader {
    fn start(
        db: Db,
        workspace: WorkspaceId,
        news: Subscription,
        head: i64,
    ) -> (Self, broadcast::Receiver<Told>) {
        let (sender, receiver) = broadcast::channel(KEPT);
        let frames = sender.downgrade();
        let task = tokio::spawn(follow(db, workspace, news, head, sender)).abort_handle();
        (Self { frames, task }, receiver)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads the log on whenever there is news, and with every heartbeat, for what the bus has lost.
async fn follow(
    db: Db,
    workspace: WorkspaceId,
    mut news: Subscription,
    head: i64,
    frames: broadcast::Sender<Told>,
) {
    let mut last = head;
    let mut beat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);

    loop {
        match Frame::read(&db, workspace, last).await {
            Ok(Some((frame, is_full))) => {
                last = frame.last;
                // Nobody listens while the last stream closes.
                let _ = frames.send(Told::Log(frame));
                if is_full {
                    continue;
                }
            }
            Ok(None) => {}
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, workspace.id = %workspace, "could not read the event log");
            }
        }

        // What is stored nowhere tells nothing of the log.
        loop {
            let signal = tokio::select! {
                signal = news.next() => signal,
                _ = beat.tick() => break,
            };
            let Some((dialog, bytes)) = passing(&signal) else { break };
            let _ = frames.send(Told::Passing(dialog, bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use replyx_core::{clock::Clock, event::Event, message::Author};

    use super::*;

    fn frame(number: i64) -> Frame {
        let read = Instant::now();
        Frame {
            after: number - 1,
            last: number,
            bytes: Bytes::new(),
            pieces: Pieces::default(),
            read,
        }
    }

    #[tokio::test]
    async fn a_stream_is_told_that_it_missed_frames_and_that_its_reader_has_ended() {
        let (sender, receiver) = broadcast::channel(KEPT);
        let task = tokio::spawn(std::future::pending::<()>()).abort_handle();
        let reader = Arc::new(Reader { frames: sender.downgrade(), task });
        let weak = Arc::downgrade(&reader);
        let mut first = Frames { receiver, _reader: reader };
        let mut second = Frames::of(&weak).expect("it goes on");

        let most = i64::try_from(KEPT).unwrap();
        for number in 1..=most + 3 {
            sender.send(Told::Log(frame(number))).unwrap();
            let Next::Frame(frame) = second.next().await else { panic!("it reads all") };
            assert_eq!((frame.after, frame.last), (number - 1, number));
        }

        assert!(matches!(first.next().await, Next::Missed));
        for number in 4..=most + 3 {
            let Next::Frame(frame) = first.next().await else { panic!("the newest are kept") };
            assert_eq!(frame.last, number);
        }
        drop(sender);
        assert!(matches!(first.next().await, Next::Ended));
        assert!(Frames::of(&weak).is_none(), "nobody joins what has ended");
    }

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
        let (frame, _) = text(&[Recorded { seq: 7, at: clock.now(), event }]);
        let lines: Vec<&str> = std::str::from_utf8(&frame).unwrap().lines().collect();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert_eq!(lines[0], "id: 7");
        assert_eq!(lines[1], "event: message.stored");
        assert!(lines[2].starts_with("data: {\"id\":7,"));
        assert_eq!(lines[3], "");
    }

    #[test]
    fn a_frame_of_a_dialog_has_its_events_alone_and_goes_as_far() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let dialogs: [DialogId; 2] = [clock.id(), clock.id()];
        let recorded = |seq: i64, dialog: usize| Recorded {
            seq,
            at: clock.now(),
            event: Event::TurnStarted { dialog_id: dialogs[dialog], seq: 1, attempt: 1 },
        };
        let (bytes, pieces) = text(&[recorded(1, 0), recorded(2, 1), recorded(3, 0)]);
        let frame = Frame { after: 0, last: 3, bytes, pieces, read: Instant::now() };

        let first = frame.clone().of_dialog(dialogs[0]);
        let (expected, _) = text(&[recorded(1, 0), recorded(3, 0)]);
        assert_eq!((first.after, first.last, &first.bytes), (0, 3, &expected));
        let other = frame.of_dialog(clock.id());
        assert_eq!((other.last, other.bytes.len()), (3, 0));
    }
}
