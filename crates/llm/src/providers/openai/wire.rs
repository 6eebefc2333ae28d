//! The protocol: the request's body, and the events of the answer.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use eventsource_stream::{Event, EventStream, EventStreamError, Eventsource};
use futures::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use reqwest::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::timeout;

use super::detail::Words;
use crate::{
    chat::{ChatMessage, ChatRequest, Delta, Usage},
    error::{ModelError, ProviderDetail},
};

/// Usage comes after the last word. It is not worth failing for, nor waiting for longer than this.
const USAGE_WAIT: Duration = Duration::from_secs(2);
/// An event of one token takes 150 to 400 bytes of JSON around a few bytes of text; a stream that is
/// larger than this many times the longest answer is not one.
const OVERHEAD: usize = 256;

/// The body of a request.
pub(super) fn body(request: &ChatRequest) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        messages: &'a [ChatMessage],
        temperature: f64,
        max_tokens: u32,
        stream: bool,
        stream_options: StreamOptions,
    }
    #[derive(Serialize)]
    struct StreamOptions {
        include_usage: bool,
    }
    let body = Body {
        model: &request.model,
        messages: &request.messages,
        temperature: request.temperature,
        max_tokens: request.max_tokens,
        stream: true,
        stream_options: StreamOptions { include_usage: true },
    };
    serde_json::to_vec(&body).expect("a body of strings and numbers has no key that is not text")
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<TokenCounts>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    delta: Option<ChunkDelta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct ChunkDelta {
    content: Option<String>,
}

#[derive(Deserialize)]
struct TokenCounts {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

type Transport = BoxStream<'static, Result<Bytes, ModelError>>;

/// The events of an answer.
pub(super) struct Events {
    stream: EventStream<Transport>,
    words: Words,
    ready: VecDeque<Delta>,
    finished: bool,
    done: bool,
}

impl Events {
    pub(super) fn of(response: Response, answer_bytes: usize, words: Words) -> Self {
        let bytes = bounded(response.bytes_stream(), answer_bytes).boxed();
        Self {
            stream: bytes.eventsource(),
            words,
            ready: VecDeque::new(),
            finished: false,
            done: false,
        }
    }

    /// The answer in pieces, up to its end.
    pub(super) fn deltas(self) -> impl Stream<Item = Result<Delta, ModelError>> + Send {
        stream::try_unfold(self, async |mut events| {
            Ok(events.next().await?.map(|delta| (delta, events)))
        })
    }

    async fn next(&mut self) -> Result<Option<Delta>, ModelError> {
        loop {
            if let Some(delta) = self.ready.pop_front() {
                return Ok(Some(delta));
            }
            if self.done {
                return Ok(None);
            }
            match self.event().await {
                // The answer is whole: whatever happens to the rest of the stream cannot harm it.
                Some(Err(_)) | None if self.finished => self.done = true,
                None => return Err(ModelError::Broken(None)),
                Some(event) => self.take(&event?)?,
            }
        }
    }

    async fn event(&mut self) -> Option<Result<Event, ModelError>> {
        let event = if self.finished {
            timeout(USAGE_WAIT, self.stream.next()).await.ok()?
        } else {
            self.stream.next().await
        };
        event.map(|event| event.map_err(from_events))
    }

    fn take(&mut self, event: &Event) -> Result<(), ModelError> {
        let data = event.data.trim();
        if data == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        if data.is_empty() {
            return Ok(());
        }
        let chunk: Chunk = match serde_json::from_str(data) {
            Ok(chunk) => chunk,
            Err(_) if self.finished => return Ok(()),
            // The cause would quote the data.
            Err(_) => return Err(ModelError::Malformed(None)),
        };
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(ModelError::Failed(ProviderDetail(self.words.clean_json(&error))));
        }
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            let text = choice.delta.and_then(|delta| delta.content).unwrap_or_default();
            if !text.is_empty() {
                self.ready.push_back(Delta::Text(text));
            }
            self.finished |= choice.finish_reason.is_some();
        }
        if let Some(TokenCounts { prompt_tokens, completion_tokens }) = chunk.usage {
            let usage = Usage { prompt_tokens, completion_tokens, estimated: false };
            self.ready.push_back(Delta::Usage(usage));
        }
        Ok(())
    }
}

/// Ends a stream that is larger than any answer can be: the event reader would collect an endless line.
fn bounded(
    bytes: impl Stream<Item = reqwest::Result<Bytes>> + Send,
    answer_bytes: usize,
) -> impl Stream<Item = Result<Bytes, ModelError>> + Send {
    let mut left = answer_bytes.saturating_mul(OVERHEAD).max(1 << 20);
    bytes.map(move |bytes| {
        let bytes = bytes.map_err(|error| ModelError::Broken(Some(error.without_url().into())))?;
        left = left.checked_sub(bytes.len()).ok_or(ModelError::TooLong { limit: answer_bytes })?;
        Ok(bytes)
    })
}

fn from_events(error: EventStreamError<ModelError>) -> ModelError {
    match error {
        EventStreamError::Transport(error) => error,
        EventStreamError::Utf8(error) => ModelError::Malformed(Some(error.utf8_error().into())),
        // The parser's error quotes the stream.
        EventStreamError::Parser(_) => ModelError::Malformed(None),
    }
}
