//! Headings, paragraphs, items and tables of a text without mark-up.
//!
//! A wrong heading would mislabel a whole section, so a line must look like one from all sides:
//! short, alone, without an end of sentence, with text below it.

use std::ops::Range;

use replyx_core::knowledge::DocumentKind;

use super::blocks::{Block, Blocks, Kind, one_line};
use replyx_extract::Extracted;

/// A heading is at most this long, characters.
const LONGEST: usize = 80;
/// Text is at least this long, or ends like a sentence, characters.
const SHORTEST_TEXT: usize = 40;

pub(super) fn blocks(document: &Extracted) -> Vec<Block> {
    let text = document.text.as_str();
    let lines = lines(text);
    let mut blocks = Blocks { text, done: 0, found: Vec::new() };
    let mut known = document.headings.iter().peekable();
    let mut at = 0;
    while at < lines.len() {
        let line = &lines[at];
        if line.is_blank() {
            blocks.rest_until(line.range.start);
            at += 1;
        } else if let Some(heading) = known.next_if(|known| known.start < line.range.end) {
            let range = heading.start..heading.end.max(line.range.end);
            let title = one_line(text.get(range.clone()).unwrap_or_default());
            blocks.add(range, Kind::Heading { level: heading.level, title });
            at += 1;
        } else if let Some((level, count)) =
            heading(&lines, at).filter(|_| document.kind == DocumentKind::Text)
        {
            let range = line.range.start..lines[at + count - 1].range.end;
            let title = one_line(line.text.trim_start_matches('#'));
            blocks.add(range, Kind::Heading { level, title });
            at += count;
        } else if let Some(rows) = table(&lines, at) {
            blocks.add(line.range.start..lines[at + rows - 1].range.end, Kind::Table);
            at += rows;
        } else {
            if is_item(line.text) {
                blocks.rest_until(line.range.start);
            }
            at += 1;
        }
    }

    blocks.rest_until(text.len());
    blocks.found
}

struct Line<'t> {
    range: Range<usize>,
    /// Without blanks around it.
    text: &'t str,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.text.is_empty()
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut at = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let start = at;
            at += line.len();
            Line { range: start..at, text: line.trim() }
        })
        .collect()
}

/// Is the line a heading? Its level and how many lines it takes.
fn heading(lines: &[Line<'_>], at: usize) -> Option<(u8, usize)> {
    let line = &lines[at];
    let marks = line.text.bytes().take_while(|byte| *byte == b'#').count();
    if (1..=6).contains(&marks) && line.text[marks..].starts_with(' ') {
        return Some((u8::try_from(marks).unwrap_or(6), 1));
    }
    let alone = at == 0 || lines[at - 1].is_blank();
    if !alone || !looks_like_title(line.text) {
        return None;
    }
    let below = lines.get(at + 1)?;
    if let Some(level) = underline(below.text) {
        return Some((level, 2));
    }
    let number = number(line.text);
    let shouted = !line.text.contains(char::is_lowercase);
    let question = line.text.ends_with('?');
    if !(below.is_blank() || number.is_some() || shouted || question) {
        return None;
    }
    let next = lines[at + 1..].iter().find(|line| !line.is_blank())?;
    if number.is_some() && number == self::number(next.text) {
        // The first item of a numbered list.
        return None;
    }
    let followed = next.text.chars().count() >= SHORTEST_TEXT
        || number.is_some() && self::number(next.text).is_some()
        || next.text.ends_with(['.', '!', '…', ':', ';'])
        || is_item(next.text)
        || is_row(next.text);
    let level = number.unwrap_or(if shouted { 1 } else { 2 });
    followed.then_some((level, 1))
}

fn looks_like_title(text: &str) -> bool {
    text.chars().count() <= LONGEST
        && text.starts_with(|c: char| c.is_uppercase() || c.is_numeric())
        && text.contains(char::is_alphabetic)
        && !text.ends_with(['.', ',', ';', ':', '!', '…'])
        && !is_row(text)
}

fn underline(text: &str) -> Option<u8> {
    let made_of = |mark: u8| text.len() >= 3 && text.bytes().all(|byte| byte == mark);
    if made_of(b'=') {
        Some(1)
    } else if made_of(b'-') {
        Some(2)
    } else {
        None
    }
}

/// How deep a numbered title is: `2` and `2.` are 1, `2.1` is 2.
fn number(text: &str) -> Option<u8> {
    let (number, title) = text.split_once(' ')?;
    let number = number.strip_suffix(['.', ')']).unwrap_or(number);
    let parts: Vec<&str> = number.split('.').collect();
    let numbered = parts.iter().all(|part| {
        (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    });
    (numbered && title.trim_start().starts_with(char::is_uppercase))
        .then(|| u8::try_from(parts.len()).unwrap_or(6).min(6))
}

fn is_item(text: &str) -> bool {
    let Some((mark, _)) = text.split_once(char::is_whitespace) else { return false };
    let number = mark.strip_suffix([')', '.']).unwrap_or_default();
    replyx_text::clauses::mark(text).is_some()
        || matches!(
            mark,
            "-" | "–" | "—" | "*" | "+" | "•" | "◦" | "▪" | "‣" | "·" | "●" | "○" | "■"
        )
        || (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_row(text: &str) -> bool {
    text.contains(" | ") || text.contains('\t') || text.ends_with(" |")
}

/// How many lines from here are rows of a table, if at least two.
fn table(lines: &[Line<'_>], at: usize) -> Option<usize> {
    let rows = lines[at..].iter().take_while(|line| is_row(line.text)).count();
    (rows >= 2).then_some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(text: &str) -> Vec<(u8, String)> {
        let document = Extracted {
            text: text.to_owned(),
            pages: Vec::new(),
            headings: Vec::new(),
            kind: DocumentKind::Text,
            title: None,
            warnings: Vec::new(),
        };
        blocks(&document)
            .into_iter()
            .filter_map(|block| match block.kind {
                Kind::Heading { level, title } => Some((level, title)),
                _ => None,
            })
            .collect()
    }

    fn named(levels: &[(u8, &str)]) -> Vec<(u8, String)> {
        levels.iter().map(|(level, title)| (*level, (*title).to_owned())).collect()
    }

    #[test]
    fn lines_that_stand_alone_above_text_are_headings() {
        let text = "NORTHWIND LAMPS\nEverything about our lamps in one place.\n\n1. Delivery\nWe deliver on the next day.\n\n\
                    1.1 Pick-up points\n\nThere are forty-two of them.\n\nКак вернуть товар?\nПозвоните нам.\n\n\
                    Prices\n------\nLow.\n";
        assert_eq!(
            titles(text),
            named(&[
                (1, "NORTHWIND LAMPS"),
                (1, "1. Delivery"),
                (2, "1.1 Pick-up points"),
                (2, "Как вернуть товар?"),
                (2, "Prices"),
            ])
        );
    }

    #[test]
    fn lists_names_and_last_lines_are_not_headings() {
        assert_eq!(titles("1. Open the box\n2. Take the lamp\n3. Enjoy\n"), []);
        assert_eq!(titles("Anna\n\nPeter\n\nMaria\n"), []);
        assert_eq!(titles("Some text that ends here.\n\nYours, the team\n"), []);
        assert_eq!(titles("Доставка стоит 290 рублей, это недорого для\nнашего города.\n"), []);
    }

    #[test]
    fn rows_are_a_table_and_items_are_apart() {
        let document = Extracted {
            text: "Zones:\na\t1\nb\t2\n- one\n- two\n  more\n".to_owned(),
            pages: Vec::new(),
            headings: Vec::new(),
            kind: DocumentKind::Text,
            title: None,
            warnings: Vec::new(),
        };
        let found: Vec<(&str, bool)> = blocks(&document)
            .into_iter()
            .map(|block| (&document.text[block.range], block.kind == Kind::Table))
            .collect();
        assert_eq!(
            found,
            [("Zones:", false), ("a\t1\nb\t2", true), ("- one", false), ("- two\n  more", false)]
        );
    }
}
