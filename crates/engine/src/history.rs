//! How much of what was said before is shown to a model. Pure.
//!
//! Whole messages, the newest that fit; nothing older than one that did not, because a conversation
//! with holes misleads. What falls out of sight is summed up: [`crate::summary`].

use replyx_llm::tokens;

use crate::context::EarlierMessage;

/// What a message takes beside its words, tokens.
const FRAME: usize = 4;

/// Splits what was said into what is out of sight and what is shown: at most `most` messages of
/// together at most `budget` tokens.
pub fn split(
    said: &[EarlierMessage],
    most: usize,
    budget: usize,
) -> (&[EarlierMessage], &[EarlierMessage]) {
    let mut room = budget;
    let shown = said.iter().rev().take(most).take_while(|said| {
        let size = size(&said.text, room);
        let fits = size <= room;
        room = room.saturating_sub(size);
        fits
    });
    let shown = shown.count();
    said.split_at(said.len() - shown)
}

/// How many tokens a text takes, or any number above `room` when it takes more than that. A text is
/// not longer in tokens than in bytes, so most are never counted.
pub(crate) fn size(text: &str, room: usize) -> usize {
    if text.len() / 16 > room { usize::MAX } else { tokens(text) + FRAME }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(texts: &[&str]) -> Vec<EarlierMessage> {
        let numbered = texts.iter().zip(1..);
        numbered
            .map(|(text, seq)| EarlierMessage { seq, ours: seq % 2 == 0, text: (*text).to_owned() })
            .collect()
    }

    #[test]
    fn the_newest_that_fit_are_shown_and_nothing_beyond_a_hole() {
        let long = "many words ".repeat(300);
        let all = said(&["old", "short", &long, "new", "newest"]);
        let (out, shown) = split(&all, 10, 100);
        assert_eq!((out.len(), shown.len()), (3, 2));
        let (out, shown) = split(&all, 1, 100_000);
        assert_eq!((out.len(), shown.len()), (4, 1));
        assert_eq!(split(&all, 10, 100_000).0, []);
        assert_eq!(split(&all, 10, 0).1, []);
        assert_eq!(split(&[], 10, 100).1, []);
    }
}
