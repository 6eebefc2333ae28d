//! What in Markdown is meant as it is written, and what is not.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};

const LONGEST_ADDRESS: usize = 2048;
const LONGEST_LANGUAGE: usize = 32;

/// The marker of a style, where it is not meant as one: `10*20*30` is a size, `5~7 or 10~14` are
/// ranges.
pub(super) fn literal<'m>(
    markdown: &'m str,
    event: &Event<'_>,
    range: Range<usize>,
) -> Option<&'m str> {
    let length = match event {
        Event::Start(Tag::Emphasis | Tag::Strikethrough)
        | Event::End(TagEnd::Emphasis | TagEnd::Strikethrough) => 1,
        Event::Start(Tag::Strong) | Event::End(TagEnd::Strong) => 2,
        _ => return None,
    };

    let start = range.start;
    let end = range.end;
    let inner = markdown.get(start + length..end.checked_sub(length)?)?;
    let marker = markdown.get(start..start + length)?;
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let before = digit(markdown[..start].chars().next_back());
    let after = digit(markdown[end..].chars().next());
    let between_digits =
        (before && digit(inner.chars().next())) || (after && digit(inner.chars().next_back()));
    let meant = match marker {
        "~" => inner.starts_with('~'),
        _ => !between_digits,
    };

    (!meant).then_some(marker)
}

/// The language of a block of code, if it can be one.
pub(super) fn language(kind: &CodeBlockKind<'_>) -> String {
    let CodeBlockKind::Fenced(info) = kind else { return String::new() };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+-#.".contains(c);
    let word = info.split([' ', ',', '{', '\t']).next().unwrap_or_default();
    if word.len() <= LONGEST_LANGUAGE && word.chars().all(allowed) {
        word.to_owned()
    } else {
        String::new()
    }
}

pub(super) fn can_be_linked(address: &str) -> bool {
    let scheme = address.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    address.len() <= LONGEST_ADDRESS
        && !address.contains(char::is_control)
        && matches!(scheme.as_deref(), Some("http" | "https" | "tg" | "mailto"))
}
