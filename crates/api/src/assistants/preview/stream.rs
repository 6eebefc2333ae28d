//! A preview as a stream of server-sent events. It ends with its reader, and with the access that
//! opened it: then the model is asked no further.

use std::{error::Error, fmt::Write, mem};

use axum::{body::Bytes, response::Response};
use replyx_core::ids::AssistantId;
use replyx_engine::{
    preview::{self, PreviewRequest},
    turn::{Answered, Step},
};
use serde::Serialize;
use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{Instant, interval_at, timeout},
};
use tracing::Instrument;

use super::view::{PreviewView, PromptView, prompt};
use crate::{
    access::Freshness,
    assistants::search::HitView,
    state::AppState,
    streams::{End, Guard, HEARTBEAT, PATIENCE, Stream},
};

/// How many frames may wait for a reader.
const AHEAD: usize = 64;

/// Begins to answer, and streams what happens.
pub(super) fn begin(
    state: AppState,
    guard: Guard,
    id: AssistantId,
    request: PreviewRequest,
) -> Response {
    let (mut stream, response) = Stream::open(guard, AHEAD);
    let work = async move {
        let mut story =
            Story { frames: stream.frames(), unsent: String::new(), prompt: Vec::new() };
        let end = match follow(&state, &mut stream, id, request, &mut story).await {
            Ok(come) => tell_end(&mut stream, story, come).await,
            Err(end) => end,
        };
        stream.close(end);
    };
    tokio::spawn(work.in_current_span());
    response
}

/// How a story ends that is told to its end.
enum Come {
    /// With an answer, or without one.
    Answer(Result<Option<Box<Answered>>, replyx_billing::Error>),
    /// The program ends before it.
    Stopping,
}

/// Answers to the end, or until nobody listens or may listen.
async fn follow(
    state: &AppState,
    stream: &mut Stream,
    id: AssistantId,
    request: PreviewRequest,
    story: &mut Story,
) -> Result<Come, End> {
    let workspace = stream.workspace();
    let mut beat = interval_at(Instant::now(), HEARTBEAT);
    let mut show = |step: Step<'_>| story.tell(&step);
    let answer = preview::run(&state.engine, workspace, id, request, &mut show);
    tokio::pin!(answer);
    loop {
        tokio::select! {
            biased;
            end = stream.ended() => match end {
                End::Stopping => return Ok(Come::Stopping),
                end => return Err(end),
            },
            end = &mut answer => return Ok(Come::Answer(end.map(|end| end.map(Box::new)))),
            _ = beat.tick() => stream.beat_if_idle().await,
        }
    }
}

/// Tells the end, if the reader may hear it still.
async fn tell_end(stream: &mut Stream, story: Story, come: Come) -> End {
    if !stream.may_go_on(Freshness::Instant(Instant::now())).await {
        return End::Over;
    }
    let told = tokio::select! {
        biased;
        end = stream.ended(), if !matches!(come, Come::Stopping) => return end,
        told = timeout(PATIENCE, story.end(come)) => told,
    };
    if told.is_ok() { End::Done } else { End::Slow }
}

/// What the reader is told.
struct Story {
    frames: mpsc::Sender<Bytes>,
    /// What the reader has left no room for. Bounded by what one answer is made of.
    unsent: String,
    prompt: Vec<PromptView>,
}

impl Story {
    fn tell(&mut self, step: &Step<'_>) {
        match step {
            Step::Retrieved { searched, found } => {
                let hits: Vec<HitView> = found.hits.iter().cloned().map(HitView::from).collect();
                let data =
                    json!({"searched": searched, "hits": hits, "embedding_model": found.vectors});
                self.push("retrieved", &data);
            }
            Step::Prompt(_) => {
                self.prompt = prompt(step).unwrap_or_default();
                let data = json!({"messages": self.prompt});
                self.push("prompt", &data);
            }
            Step::Text(text) => self.push("delta", &json!({"text": text})),
            Step::Restarted => self.push("restarted", &json!({})),
            Step::Checked(outcome, objections) => {
                let objections: Vec<String> = objections.iter().map(ToString::to_string).collect();
                self.push("check", &json!({"outcome": outcome.as_str(), "objections": objections}));
            }
        }
    }

    fn push(&mut self, event: &str, data: &impl Serialize) {
        let data = serde_json::to_string(data).unwrap_or_default();
        // JSON escapes line ends, so the data is one line.
        let _ = write!(self.unsent, "event: {event}\ndata: {data}\n\n");
        if let Ok(place) = self.frames.try_reserve() {
            place.send(Bytes::from(mem::take(&mut self.unsent)));
        }
    }

    async fn end(mut self, come: Come) {
        match come {
            Come::Answer(Ok(Some(answered))) if answered.turned_away => {
                self.push("failed", &json!({"code": "busy"}));
            }
            Come::Answer(Ok(Some(answered))) => {
                let view = PreviewView::of(*answered, mem::take(&mut self.prompt));
                self.push("done", &view);
            }
            Come::Answer(Ok(None)) => self.push("failed", &json!({"code": "not_found"})),
            Come::Stopping => self.push("failed", &json!({"code": "stopping"})),
            Come::Answer(Err(replyx_billing::Error::Insufficient(missing))) => {
                let data = json!({
                    "code": "insufficient_funds",
                    "available": missing.available.to_string(),
                    "needed": missing.needed.to_string(),
                });
                self.push("failed", &data);
            }
            Come::Answer(Err(replyx_billing::Error::NoPrice(_))) => {
                self.push("failed", &json!({"code": "no_price"}));
            }
            Come::Answer(Err(error)) => {
                tracing::error!(error = &error as &dyn Error, "preview failed");
                self.push("failed", &json!({"code": "internal"}));
            }
        }
        if !self.unsent.is_empty() {
            let _ = self.frames.send(Bytes::from(self.unsent)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_reader_gets_everything_in_order_and_in_fewer_frames() {
        let (frames, mut waiting) = mpsc::channel(2);
        let mut story = Story { frames, unsent: String::new(), prompt: Vec::new() };
        for number in 0..50 {
            story.tell(&Step::Text(&format!("{number}\n\nevent: forged ")));
        }
        let reader = tokio::spawn(async move {
            let mut text = String::new();
            let mut frames = 0;
            while let Some(frame) = waiting.recv().await {
                text += std::str::from_utf8(&frame).unwrap();
                frames += 1;
            }
            (text, frames)
        });
        story.end(Come::Answer(Ok(None))).await;
        let (text, frames) = reader.await.unwrap();
        assert_eq!(frames, 3);
        let events: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
        assert_eq!(events.len(), 51, "{text}");
        assert!(events[..50].iter().all(|event| *event == "delta"));
        assert_eq!(events[50], "failed");
        assert!(text.find("\"0\\n").unwrap() < text.find("\"49\\n").unwrap());
    }
}
