//! Plain text and Markdown, which stay what they are.

use replyx_core::knowledge::DocumentKind;

use super::{Extracted, MAX_TEXT, Unreadable, encoding::decode, is_readable};

/// Reads plain text: UTF-8, UTF-16, or a legacy encoding recognised by its letters.
///
/// # Errors
///
/// Returns [`Unreadable`] when there is no text in it or too much.
pub fn text(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    read(bytes, DocumentKind::Text)
}

/// Reads Markdown, which stays Markdown but for what its readers do not see: comments, front matter
/// and struck-out words. Encodings as for [`text`].
///
/// # Errors
///
/// Returns [`Unreadable`] when there is no text in it or too much.
pub fn markdown(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let mut found = read(bytes, DocumentKind::Markdown)?;
    let (front, body) = front_matter(&found.text);
    found.title = front.and_then(|front| {
        let title = front.lines().find_map(|line| line.strip_prefix("title:"))?;
        let title = title.trim().trim_matches(['"', '\'']).trim();
        (!title.is_empty()).then(|| title.to_owned())
    });
    found.text = seen(body);
    is_readable(&found.text)?;
    Ok(found)
}

/// What a file tells programs at its top, between lines of `---` or `+++`, and the rest.
fn front_matter(text: &str) -> (Option<&str>, &str) {
    let fence = ["---\n", "+++\n"].into_iter().find(|fence| text.starts_with(fence));
    let Some(fence) = fence else { return (None, text) };
    let inside = &text[fence.len()..];
    let Some(end) =
        inside.split_inclusive('\n').position(|line| line.trim_end() == fence.trim_end())
    else {
        return (None, text);
    };
    let length: usize = inside.split_inclusive('\n').take(end).map(str::len).sum();
    let front = &inside[..length];
    let is_data = |line: &str| {
        let line = line.trim_end();
        line.is_empty()
            || line.starts_with([' ', '\t', '#', '-', ']', '}'])
            || line.split_once([':', '=']).is_some_and(|(key, _)| {
                key.trim()
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"'))
            })
    };
    // A rule with text below it is no front matter.
    if front.trim().is_empty() || !front.lines().all(is_data) {
        return (None, text);
    }
    let rest = inside[length..].split_once('\n').map_or("", |(_, rest)| rest);
    (Some(front), rest)
}

/// The text without comments and struck-out words; code stays what it is.
fn seen(text: &str) -> String {
    let mut seen = String::with_capacity(text.len());
    let mut fence: Option<&str> = None;
    let mut at = 0;
    let mut line_end = 0;
    let mut has_ends = true;
    while at < text.len() {
        if at >= line_end {
            line_end = text[at..].find('\n').map_or(text.len(), |length| at + length + 1);
        }
        let line = &text[at..line_end];
        let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (None, Some(_)) => fence = mark,
            (Some(open), Some(mark)) if open == mark => fence = None,
            _ => {}
        }
        if fence.is_some() || mark.is_some() {
            seen.push_str(line);
            at = line_end;
            continue;
        }

        let begin = comment_in(line).filter(|_| has_ends).map(|begin| at + begin);
        let end = begin.and_then(|begin| Some(begin + text[begin..].find("-->")? + 3));
        // What no end was found for has none further on either.
        has_ends &= begin.is_none() || end.is_some();
        if let (Some(begin), Some(end)) = (begin, end) {
            seen.push_str(&without_struck(&text[at..begin]));
            at = end;
        } else {
            seen.push_str(&without_struck(line));
            at = line_end;
        }
    }
    seen
}

/// Where a comment begins in a line, outside of code.
fn comment_in(line: &str) -> Option<usize> {
    let mut ticks = 0_usize;
    let mut done = 0;
    line.match_indices("<!--").map(|(at, _)| at).find(|at| {
        ticks += line[done..*at].matches('`').count();
        done = *at;
        ticks.is_multiple_of(2)
    })
}

/// A line without what stands between `~~` and `~~`.
fn without_struck(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    let mut ticks = 0_usize;
    while let Some(begin) = rest.find("~~") {
        let inside = &rest[begin + 2..];
        ticks += rest[..begin].matches('`').count();
        kept.push_str(&rest[..begin]);
        let opens = ticks.is_multiple_of(2) && !inside.starts_with(['~', ' ']);
        let end = if opens { inside.find("~~") } else { None };
        if opens && end.is_none() {
            kept.push_str(&rest[begin..]);
            return kept;
        }
        let Some(end) = end else {
            kept.push_str("~~");
            rest = inside;
            continue;
        };
        ticks += inside[..end].matches('`').count();
        rest = &inside[end + 2..];
        if kept.ends_with(' ') {
            rest = rest.strip_prefix(' ').unwrap_or(rest);
        }
    }
    kept.push_str(rest);
    kept
}

fn read(bytes: &[u8], kind: DocumentKind) -> Result<Extracted, Unreadable> {
    if bytes.len() > MAX_TEXT {
        return Err(Unreadable::TooLong);
    }
    let text = clean(&decode(bytes));
    is_readable(&text)?;
    Ok(Extracted {
        text,
        pages: Vec::new(),
        headings: Vec::new(),
        kind,
        title: None,
        warnings: Vec::new(),
    })
}

/// Line ends become `\n`; characters that show nothing and would tear words apart go.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                clean.push('\n');
            }
            '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => clean.push('\n'),
            '\n' | '\t' => clean.push(c),
            '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}' => {}
            c if c.is_control() => {}
            c => clean.push(c),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "Доставка по городу стоит 290 рублей. Ёлки не возвращаем.";

    #[test]
    fn a_file_cut_in_the_middle_of_a_character_stays_utf_8() {
        let bytes = &SHOP.as_bytes()[..SHOP.len() - 2];
        assert!(text(bytes).unwrap().text.starts_with("Доставка по городу"));
    }

    #[test]
    fn invisible_characters_go_and_lines_end_alike() {
        let bytes = "a\0b\r\nc\rd\u{c}e\u{1b}[0m co\u{ad}operate\u{feff}\t!".as_bytes();
        assert_eq!(text(bytes).unwrap().text, "ab\nc\nd\ne[0m cooperate\t!");
    }

    #[test]
    fn what_readers_of_markdown_do_not_see_is_left_out() {
        let text = "---\ntitle: 'Studio prices'\ntags:\n  - a\n---\n\n# Prices\n\n<!-- margin: 62 percent\n\nsecret -->\nA print \
                    costs ~~14~~ 11 euros <!-- x -->now.\n\n```\n<!-- code --> ~~a~~\n```\n`<!-- a -->` `~~b~~` ~5 ~~ 6 <!-- open";
        let found = markdown(text.as_bytes()).unwrap();
        assert_eq!(found.title.as_deref(), Some("Studio prices"));
        assert_eq!(
            found.text,
            "\n# Prices\n\n\nA print costs 11 euros now.\n\n```\n<!-- code --> ~~a~~\n```\n`<!-- a -->` `~~b~~` ~5 ~~ 6 <!-- open"
        );
        let rule = "---\nWe open at nine. See: below\n---\nText";
        assert_eq!(markdown(rule.as_bytes()).unwrap().text, rule);
        assert_eq!(markdown(b"<!-- a -->"), Err(Unreadable::Empty));
    }

    /// Each would take hours, were a line or the rest of the text looked through for each sign.
    #[test]
    fn hostile_markdown_costs_no_more_than_its_length() {
        for piece in ["<!--\n", "<!-- ", "`<!--` ", "<!---->x", "~~a~~ ", "~~ ", "`~~` ", "~~`"] {
            let text = format!("a {}", piece.repeat(500_000));
            assert!(markdown(text.as_bytes()).is_ok(), "{piece}");
        }
    }

    #[test]
    fn nothing_to_read_is_said_so() {
        assert_eq!(text(b""), Err(Unreadable::Empty));
        assert_eq!(text(b" \r\n\t\0"), Err(Unreadable::Empty));
        assert_eq!(markdown(b"---\n***\n"), Err(Unreadable::NoText));
    }
}
