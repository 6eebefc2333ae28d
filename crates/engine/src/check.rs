//! Step 6: is there an answer, and on what does it rest? What is not an answer becomes the text the
//! assistant's owner chose for the case.

use replyx_channels::telegram::format;
use replyx_core::{
    message::{AnswerMeta, Citation, Outcome},
    money::Money,
};
use replyx_knowledge::search::Hit;
use replyx_llm::{Completion, declines};

use crate::context::Context;

/// What will be said, and how it came about. `duration_ms` is filled in when it is settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// What will be said; Markdown.
    pub text: String,
    /// How it came about.
    pub meta: AnswerMeta,
}

/// Judges a model's answer.
pub fn answer(context: &Context, hits: &[Hit], completion: Completion) -> Reply {
    let text = printable(without_marks(&completion.text, hits.len()));
    let unknown = declines(&completion.text) || is_blank(&text);
    let cited = if unknown { Vec::new() } else { cited(hits, &completion.used_sources) };
    Reply {
        text: if unknown { context.assistant.unknown_text().to_owned() } else { text },
        meta: AnswerMeta {
            outcome: if unknown { Outcome::Unknown } else { Outcome::Answered },
            model: completion.model,
            prompt_tokens: completion.usage.prompt_tokens,
            completion_tokens: completion.usage.completion_tokens,
            cost: completion.cost,
            duration_ms: 0,
            first_token_ms: u64::try_from(completion.first_token.as_millis()).ok(),
            citations: cited,
        },
    }
}

/// A text that no model wrote.
pub fn fixed(context: &Context, text: String, outcome: Outcome) -> Reply {
    Reply {
        text,
        meta: AnswerMeta {
            outcome,
            model: context.model.clone(),
            prompt_tokens: 0,
            completion_tokens: 0,
            cost: Money::ZERO,
            duration_ms: 0,
            first_token_ms: None,
            citations: Vec::new(),
        },
    }
}

fn cited(hits: &[Hit], used: &[usize]) -> Vec<Citation> {
    used.iter()
        .filter_map(|index| hits.get(*index))
        .map(|hit| {
            let passage = &hit.passage;
            let title = if passage.headings.is_empty() {
                passage.title.clone()
            } else {
                format!("{} > {}", passage.title, passage.headings)
            };
            Citation {
                document_id: passage.document_id,
                passage_id: passage.id,
                title,
                page: passage.page,
                start: passage.start,
                end: passage.end,
            }
        })
        .collect()
}

/// The text without control characters: they say nothing, and not every database takes them.
fn printable(text: String) -> String {
    let kept = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
    if text.chars().all(kept) { text } else { text.chars().filter(|c| kept(*c)).collect() }
}

/// Would the customer see nothing?
fn is_blank(text: &str) -> bool {
    !text.chars().any(char::is_alphanumeric) && format::outbound(text).is_empty()
}

/// The answer without the marks (`[1]`) by which the model named its passages: they say nothing to the
/// customer. Only numbers of passages that were shown are taken for marks.
fn without_marks(text: &str, passages: usize) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, from) = rest.split_at(open);
        clean.push_str(before);
        if let Some(length) = mark_length(from, passages) {
            let kept = clean.trim_end_matches([' ', '\u{a0}']).len();
            clean.truncate(kept);
            rest = &from[length..];
        } else {
            clean.push('[');
            rest = &from[1..];
        }
    }
    clean.push_str(rest);
    clean
}

/// The length of a mark such as `[1]` or `[1, 3]` at the beginning of the text. A link (`[1](…)`) is none.
fn mark_length(text: &str, passages: usize) -> Option<usize> {
    let close = text.find(']')?;
    let numbers = &text[1..close];
    let all_known = numbers.split(',').all(|number| {
        number.trim().parse::<usize>().is_ok_and(|number| (1..=passages).contains(&number))
    });
    (all_known && !text[close + 1..].starts_with('(')).then_some(close + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_passages_are_taken_out_and_nothing_else() {
        for (text, clean) in [
            ("It takes 3 days [1]. Free over 50 [2, 3].", "It takes 3 days. Free over 50."),
            ("See [1](https://example.org) and [9].", "See [1](https://example.org) and [9]."),
            ("a [ b ] [x] [", "a [ b ] [x] ["),
            ("[1]", ""),
            ("Срок — 14 дней\u{a0}[2].", "Срок — 14 дней."),
        ] {
            assert_eq!(without_marks(text, 3), clean);
        }
    }
}
