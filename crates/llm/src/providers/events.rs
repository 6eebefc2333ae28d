//! An answer, from the events of its stream.
//!
//! A stream ends well only when the protocol says that the answer is complete; once it has, nothing
//! that follows can spoil the answer.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use futures::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use super::{
    detail::Words,
    sse::{NotUtf8, Reader},
};
use crate::{chat::Delta, error::ModelError};

/// Usage comes after the last word. It is not worth failing for, nor waiting for longer than this.
const USAGE_WAIT: Duration = Duration::from_secs(2);
/// An event of one token takes 150 to 400 bytes of JSON around a few bytes of text; a stream that
/// is larger than this many times the longest answer is not one.
const OVERHEAD: usize = 256;

/// How far an answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// More is to come.
    Answering,
    /// The answer is whole; its usage may still come.
    Answered,
    /// Nothing of use can come any more.
    Done,
}

/// The reading of one protocol's events.
pub(super) trait Protocol: Send + 'static {
    /// Takes one event apart. Words are for cleaning what the provider says about an error.
    ///
    /// # Errors
    ///
    /// [`ModelError::Malformed`] when it is not an event of the protocol, and whatever failure the
    /// event tells of.
    fn take(
        &mut self,
        data: &str,
        words: &Words,
        deltas: &mut VecDeque<Delta>,
    ) -> Result<Stage, ModelError>;

    /// Takes an answer apart that came in one piece, as JSON, although a stream was asked for.
    ///
    /// # Errors
    ///
    /// As for [`Self::take`].
    fn take_whole(
        &mut self,
        body: &Value,
        words: &Words,
        deltas: &mut VecDeque<Delta>,
    ) -> Result<(), ModelError>;
}

/// The answer of a server that does not stream.
pub(super) async fn whole(
    response: Response,
    answer_bytes: usize,
    words: &Words,
    mut protocol: impl Protocol,
) -> Result<VecDeque<Delta>, ModelError> {
    let mut bytes = Vec::new();
    let mut pieces = bounded(response.bytes_stream(), answer_bytes).boxed();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece?);
    }
    // The error would quote what it cannot read.
    let body: Value = serde_json::from_slice(&bytes).map_err(|_| ModelError::Malformed(None))?;
    let mut deltas = VecDeque::new();
    protocol.take_whole(&body, words, &mut deltas)?;
    Ok(deltas)
}

/// The answer in pieces, up to its end.
pub(super) fn deltas(
    response: Response,
    answer_bytes: usize,
    words: Words,
    protocol: impl Protocol,
) -> impl Stream<Item = Result<Delta, ModelError>> + Send {
    let bytes = bounded(response.bytes_stream(), answer_bytes).boxed();
    read(bytes, words, protocol)
}

fn read(
    bytes: BoxStream<'static, Result<Bytes, ModelError>>,
    words: Words,
    protocol: impl Protocol,
) -> impl Stream<Item = Result<Delta, ModelError>> + Send {
    let events = Events {
        bytes,
        reader: Reader::default(),
        words,
        protocol,
        waiting: VecDeque::new(),
        ready: VecDeque::new(),
        stage: Stage::Answering,
    };
    stream::try_unfold(events, async |mut events| {
        Ok(events.next().await?.map(|delta| (delta, events)))
    })
}

struct Events<P> {
    bytes: BoxStream<'static, Result<Bytes, ModelError>>,
    reader: Reader,
    words: Words,
    protocol: P,
    waiting: VecDeque<String>,
    ready: VecDeque<Delta>,
    stage: Stage,
}

impl<P: Protocol> Events<P> {
    async fn next(&mut self) -> Result<Option<Delta>, ModelError> {
        loop {
            if let Some(delta) = self.ready.pop_front() {
                return Ok(Some(delta));
            }
            if self.stage == Stage::Done {
                return Ok(None);
            }
            match self.event().await {
                // The answer is whole: whatever happens to the rest of the stream cannot harm it.
                Err(_) | Ok(None) if self.stage == Stage::Answered => self.stage = Stage::Done,
                Ok(None) => return Err(ModelError::Broken(None)),
                event => {
                    if let Some(data) = event? {
                        self.take(data.trim())?;
                    }
                }
            }
        }
    }

    async fn event(&mut self) -> Result<Option<String>, ModelError> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(Some(event));
            }
            let bytes = if self.stage == Stage::Answered {
                timeout(USAGE_WAIT, self.bytes.next()).await.unwrap_or_default()
            } else {
                self.bytes.next().await
            };
            // A line that is not text is quoted by no cause.
            let malformed = |_: NotUtf8| ModelError::Malformed(None);
            match bytes {
                Some(bytes) => self.waiting.extend(self.reader.push(&bytes?).map_err(malformed)?),
                None => return self.reader.end().map_err(malformed),
            }
        }
    }

    fn take(&mut self, data: &str) -> Result<(), ModelError> {
        if data.is_empty() {
            return Ok(());
        }
        match self.protocol.take(data, &self.words, &mut self.ready) {
            Ok(stage) => self.stage = stage,
            Err(_) if self.stage == Stage::Answered => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Ends a stream that is larger than any answer can be: the event reader would collect an endless
/// line.
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

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;
    use crate::{
        chat::{Finish, Usage},
        providers::{anthropic, openai},
    };

    const COMPLETIONS: &str = ": hi\r\n\r\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"Да 😀\"}}]}\r\n\r\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"!\"},\"finish_reason\":\"stop\"}]}\n\n\
        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]";
    const RESPONSES: &str = "event: a\n\
        data: {\"type\":\"response.output_text.delta\",\"delta\":\"Да 😀\"}\n\n\
        data: {\"type\":\"response.output_text.delta\",\ndata: \"delta\":\"!\"}\r\n\r\n\
        data: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}}\n\n";
    const MESSAGES: &str = "event: message_start\n\
        data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1,\"cache_read_input_tokens\":2}}}\n\n\
        data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"Да 😀\"}}\r\n\r\n\
        data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"!\"}}\n\n\
        data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n\
        data: {\"type\":\"message_stop\"}\n\n";

    fn deltas_of(stream: &'static str, cut: usize, protocol: impl Protocol) -> Vec<Delta> {
        let (first, second) = stream.as_bytes().split_at(cut);
        let bytes = stream::iter([first, second].map(|bytes| Ok(Bytes::from_static(bytes))));
        let deltas = read(bytes.boxed(), Words::of(&[], ""), protocol).try_collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(deltas).unwrap()
    }

    #[test]
    fn a_stream_cut_at_any_byte_gives_the_same_deltas() {
        let usage = Usage { prompt_tokens: 3, completion_tokens: 2, estimated: false };
        let expected = [
            Delta::Text("Да 😀".to_owned()),
            Delta::Text("!".to_owned()),
            Delta::Finish(Finish::Stop),
            Delta::Usage(usage),
        ];
        for cut in 0..=COMPLETIONS.len() {
            let protocol = openai::completions::Completions::default();
            assert_eq!(deltas_of(COMPLETIONS, cut, protocol), expected, "{cut}");
        }
        for cut in 0..=RESPONSES.len() {
            let protocol = openai::responses::Responses::default();
            assert_eq!(deltas_of(RESPONSES, cut, protocol), expected, "{cut}");
        }
        for cut in 0..=MESSAGES.len() {
            let protocol = anthropic::messages::Messages::default();
            assert_eq!(deltas_of(MESSAGES, cut, protocol), expected, "{cut}");
        }
    }
}
