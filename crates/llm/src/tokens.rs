//! How many tokens a text is, counted with the models' own vocabularies.
//!
//! [`tokens`] measures whatever is cut to size by tokens: passages, the history of a dialog.
//! [`count_tokens`] counts as a given model does, where its provider reports no usage.
//!
//! A vocabulary is loaded by the first call that needs it, and stays: `o200k` takes half a second
//! of one core and 47 MiB, `cl100k` a fifth of a second and 24 MiB. After that about 8 MB of text
//! are counted per second.

use std::sync::LazyLock;

use tiktoken_rs::{
    CoreBPE, cl100k_base, o200k_base,
    tokenizer::{Tokenizer, get_tokenizer},
};

/// No run of characters without a space, and no run of spaces, is given to the tokenizer in a
/// longer piece than this. Its splitting into words backtracks over a run, which takes time and at
/// last gives up with a panic; no word of any language is this long, and a cut costs a token or
/// two.
const RUN: usize = 256;

/// The vocabulary of `gpt-4o`, `gpt-4.1`, the `o` series and `gpt-5`.
static O200K: LazyLock<CoreBPE> =
    LazyLock::new(|| o200k_base().expect("the embedded vocabulary is read by a test"));
/// The vocabulary of `gpt-4`, `gpt-3.5` and the embedding models.
static CL100K: LazyLock<CoreBPE> =
    LazyLock::new(|| cl100k_base().expect("the embedded vocabulary is read by a test"));

/// How many tokens a text is in the `o200k` vocabulary, the measure of everything we cut to size.
pub fn tokens(text: &str) -> usize {
    // Counting nothing must not load a vocabulary.
    if text.is_empty() { 0 } else { count(&O200K, text) }
}

/// How many tokens a text is for a model, by its own vocabulary: `o200k` or, for the older models
/// of `OpenAI`, `cl100k`. Models of other makers, whose vocabularies are not public or not here,
/// are measured with `o200k`, which is an approximation. The model may carry its provider's name in
/// front (`openai:gpt-4o`, `openai/gpt-4o`).
pub fn count_tokens(model: &str, text: &str) -> u64 {
    if text.is_empty() {
        return 0;
    }
    let after = |sign| model.split_once(sign).and_then(|(_, bare)| get_tokenizer(bare));
    let known = get_tokenizer(model).or_else(|| after(':')).or_else(|| after('/'));
    let vocabulary = match known {
        Some(Tokenizer::Cl100kBase) => &*CL100K,
        _ => &*O200K,
    };
    u64::try_from(count(vocabulary, text)).unwrap_or(u64::MAX)
}

/// More tokens than a text is by any usual vocabulary, counted in an instant: three ASCII letters
/// make at most two, whatever they spell, any other character of common scripts one, and those of
/// scripts that vocabularies know less of several.
pub(crate) fn most_tokens(text: &str) -> u64 {
    let thirds = text.chars().fold(0_u64, |sum, character| {
        sum + match character {
            'a'..='z' | 'A'..='Z' | ' ' => 2,
            '\0'..='\u{7ff}' => 3,
            '\u{800}'..='\u{ffff}' => 6,
            _ => 12,
        }
    });
    thirds.div_ceil(3)
}

fn count(vocabulary: &CoreBPE, text: &str) -> usize {
    pieces(text).map(|piece| vocabulary.count_ordinary(piece)).sum()
}

/// The text cut where a run of spaces or of anything else reaches [`RUN`] characters: ordinary text
/// is one piece.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(first_cut(rest).unwrap_or(rest.len()));
        rest = after;
        Some(piece)
    })
}

fn first_cut(text: &str) -> Option<usize> {
    let mut run = 0_usize;
    let mut spaces = false;
    for (at, character) in text.char_indices() {
        if run > 0 && character.is_whitespace() == spaces {
            if run == RUN {
                return Some(at);
            }
            run += 1;
        } else {
            (run, spaces) = (1, character.is_whitespace());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_above_what_a_text_is() {
        for text in [
            "How long does delivery take, and what does it cost? Free from 50 EUR on.",
            "Доставка стоит 300 ₽ и занимает от двух до пяти рабочих дней.",
            "配送には二日から五日かかります。",
            "0123456789 3.14159 {}[]()<>!@#$%^&*",
            "xqzjkvwpfb qqxzj zzkvqj",
            "🦀🏳️‍🌈👨‍👩‍👧‍👦",
        ] {
            for model in ["gpt-4o", "gpt-4"] {
                let counted = count_tokens(model, text);
                let most = most_tokens(text);
                assert!(counted <= most && most <= counted * 5, "{text}: {counted} {most}");
            }
        }
        assert_eq!(most_tokens(""), 0);
    }

    #[test]
    fn a_text_is_cut_only_where_a_run_is_too_long_and_nothing_is_lost() {
        for ordinary in ["", "a", "Доставка стоит 300 ₽.\n\n  Да.", &"word ".repeat(500)]
        {
            assert_eq!(pieces(ordinary).count(), usize::from(!ordinary.is_empty()));
        }
        for run in ["x".repeat(1_000), " ".repeat(1_000), "я".repeat(RUN + 1), "я \n".repeat(9)] {
            assert_eq!(pieces(&run).collect::<String>(), run);
            for piece in pieces(&run) {
                assert!(piece.chars().count() <= RUN);
            }
        }
        assert_eq!(pieces(&"x".repeat(RUN + 1)).count(), 2);
    }
}
