//! An answer in Markdown as the parts of a reply.
//!
//! [`outbound`] is pure and takes anything. What Markdown can say and Telegram cannot is put in
//! other words: headings become bold lines, lists get bullets, tables become lines that fit on a
//! phone. The text of a part and the text of its markup are the same, so that either can stand for
//! the other.
//!
//! 1. `blocks` turns Markdown into one long text with styles.
//! 2. `split` finds where to cut that text.
//! 3. `rich` writes each piece as HTML. Since styles belong to ranges of the text, a cut can go
//!    through anything, and no tag is left open.

mod blocks;
mod rich;
mod syntax;
mod table;

use replyx_core::channel::OutboundText;

use super::{TEXT_LIMIT, split};
use rich::Rich;

/// The most parts that one answer becomes.
pub const MAX_PARTS: usize = 10;

/// The most bytes of Markdown that are read: no text that fits into [`MAX_PARTS`] needs as many.
const INPUT_LIMIT: usize = 256 << 10;

/// Builds the parts of a reply from Markdown. None if it shows nothing.
///
/// Each part has at most 4,096 UTF-16 units of text. What does not fit into [`MAX_PARTS`] is cut
/// off, and an ellipsis stands for it.
pub fn outbound(markdown: &str) -> Vec<OutboundText> {
    let kept = &markdown[..markdown.floor_char_boundary(INPUT_LIMIT)];
    let mut rich = blocks::read(kept);
    if split::is_blank(rich.text()) {
        // All of it was syntax: better the syntax than silence.
        rich = Rich::plain(kept);
    }
    if kept.len() < markdown.len() {
        rich.push("…", rich::Style::default());
    }
    parts(&rich, TEXT_LIMIT, MAX_PARTS)
}

fn parts(rich: &Rich, limit: usize, most: usize) -> Vec<OutboundText> {
    let mut parts = Vec::new();
    let mut start = 0;
    while parts.len() < most {
        start = rich.skip_space(start);
        let rest = &rich.text()[start..];
        if rest.is_empty() {
            break;
        }
        let last = parts.len() + 1 == most;
        let mut end = rich.window(start, limit);
        let cut_off = last && !rich.text()[end..].trim().is_empty();
        if cut_off {
            end = rich.window(start, limit - 1);
        }
        let end = start + split::before(rest, end - start);
        parts.extend(part(rich, start, end, if cut_off { "…" } else { "" }));
        start = end;
    }
    parts
}

fn part(rich: &Rich, start: usize, end: usize, ending: &str) -> Option<OutboundText> {
    let text = rich.text()[start..end].trim_end();
    if split::is_blank(text) {
        return None;
    }
    let range = start..start + text.len();
    let markup = rich.has_markup(&range).then(|| format!("{}{ending}", rich.html(&range)));
    Some(OutboundText { plain: format!("{text}{ending}"), markup, ..OutboundText::default() })
}

#[cfg(test)]
mod tests;
