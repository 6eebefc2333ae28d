//! What the model says.

use std::time::Duration;

use super::Request;

/// Tokens that a completion has cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the messages.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
}

/// A completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub(super) text: String,
    pub(super) finish_reason: &'static str,
    pub(super) usage: Option<Usage>,
    pub(super) pause: Duration,
    pub(super) piece: usize,
}

impl Answer {
    /// An answer that is streamed word by word, without pauses.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            finish_reason: "stop",
            usage: None,
            pause: Duration::ZERO,
            piece: 0,
        }
    }

    /// The first passage that the messages carry, with a `[1]` behind it as prompts ask for, or
    /// else the question again.
    pub fn from_passages(request: &Request) -> Self {
        match request.first_passage() {
            Some(passage) => Self::text(format!("{passage} [1]")),
            None => Self::text(format!("You said: {}", request.question())),
        }
    }

    /// Why the model stopped, other than `stop`: `length`, `content_filter`.
    #[must_use]
    pub fn finished_by(mut self, reason: &'static str) -> Self {
        self.finish_reason = reason;
        self
    }

    /// What it cost; estimated as a quarter of the characters by default.
    #[must_use]
    pub fn costing(mut self, prompt_tokens: u64, completion_tokens: u64) -> Self {
        self.usage = Some(Usage { prompt_tokens, completion_tokens });
        self
    }

    /// Waits this long before each piece of the stream.
    #[must_use]
    pub fn paced(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Streams in pieces of so many characters instead of words.
    #[must_use]
    pub fn in_pieces_of(mut self, characters: usize) -> Self {
        self.piece = characters;
        self
    }

    /// The pieces that the text is streamed in. Together they are the text.
    pub(super) fn pieces(&self) -> Vec<String> {
        if self.piece > 0 {
            let characters: Vec<char> = self.text.chars().collect();
            return characters.chunks(self.piece).map(|piece| piece.iter().collect()).collect();
        }
        self.text.split_inclusive(' ').map(str::to_owned).collect()
    }

    pub(super) fn usage(&self, request: &Request) -> Usage {
        let tokens = |text: &str| text.chars().count().div_ceil(4) as u64;
        self.usage.unwrap_or_else(|| Usage {
            prompt_tokens: request.messages.iter().map(|message| tokens(&message.content)).sum(),
            completion_tokens: tokens(&self.text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_the_text() {
        for text in ["", "one", "Мы открыты  с девяти.\nДо шести", " a "] {
            assert_eq!(Answer::text(text).pieces().concat(), text);
            assert_eq!(Answer::text(text).in_pieces_of(3).pieces().concat(), text);
        }
    }
}
