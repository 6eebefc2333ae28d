//! What a text consists of, top to bottom.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A part of a text, without blanks around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `level` from 1; `title` without marks.
    Heading { level: u8, title: String },
    /// Sentences: a paragraph, a list's item.
    Prose,
    /// Lines that belong together: code.
    Lines,
    /// Rows, the first of which names the columns.
    Table,
}

/// The part of `range` between its first and its last character that is no blank, if it has any.
pub(super) fn trim(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = text.get(range.clone())?;
    let begin = range.start + (part.len() - part.trim_start().len());
    let end = begin + part.trim().len();
    (begin < end).then_some(begin..end)
}

/// Blanks become single spaces.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The blocks of a text in Markdown.
pub(super) fn markdown(text: &str) -> Vec<Block> {
    let mut blocks = Blocks { text, done: 0, found: Vec::new() };
    let mut depth = 0_usize;
    // A heading that is open, and its title so far.
    let mut title: Option<String> = None;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(tag) => {
                let kind = match (&tag, depth) {
                    (Tag::Heading { .. }, 0) => {
                        title = Some(String::new());
                        None
                    }
                    (Tag::Paragraph | Tag::BlockQuote(_) | Tag::HtmlBlock, 0) | (Tag::Item, 1) => {
                        Some(Kind::Prose)
                    }
                    (Tag::CodeBlock(_), 0) => Some(Kind::Lines),
                    (Tag::Table(_), 0) => Some(Kind::Table),
                    _ => None,
                };
                if let Some(kind) = kind {
                    blocks.add(range, kind);
                }
                depth += 1;
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                if let (TagEnd::Heading(level), Some(title)) = (tag, title.take_if(|_| depth == 0))
                {
                    blocks.add(
                        range,
                        Kind::Heading { level: depth_of(level), title: one_line(&title) },
                    );
                }
            }
            Event::Text(part) | Event::Code(part) => {
                if let Some(title) = &mut title {
                    title.push_str(&part);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(title) = &mut title {
                    title.push(' ');
                }
            }
            _ => {}
        }
    }
    blocks.rest_until(text.len());
    blocks.found
}

const fn depth_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// Blocks in the making: what no block claims (rules, link definitions) becomes prose.
pub(super) struct Blocks<'t> {
    pub(super) text: &'t str,
    pub(super) done: usize,
    pub(super) found: Vec<Block>,
}

impl Blocks<'_> {
    pub(super) fn add(&mut self, range: Range<usize>, kind: Kind) {
        let start = range.start.max(self.done);
        if start >= range.end {
            return;
        }
        self.rest_until(start);
        if let Some(range) = trim(self.text, start..range.end) {
            self.found.push(Block { range, kind });
        }
        self.done = range.end;
    }

    pub(super) fn rest_until(&mut self, at: usize) {
        if let Some(range) = trim(self.text, self.done..at) {
            self.found.push(Block { range, kind: Kind::Prose });
        }
        self.done = self.done.max(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_seen_as_it_is_meant() {
        let text = "---\n# Delivery `now`\n\nText *one*\nmore.\n\nReturns\n=======\n- a\n- b\n  - c\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```\n# no heading\n```\n[link]: http://x.y\n";
        let found: Vec<(&str, Kind)> =
            markdown(text).into_iter().map(|block| (&text[block.range], block.kind)).collect();
        let heading = |title: &str| Kind::Heading { level: 1, title: title.to_owned() };
        assert_eq!(
            found,
            [
                ("---", Kind::Prose),
                ("# Delivery `now`", heading("Delivery now")),
                ("Text *one*\nmore.", Kind::Prose),
                ("Returns\n=======", heading("Returns")),
                ("- a", Kind::Prose),
                ("- b\n  - c", Kind::Prose),
                ("| x | y |\n|---|---|\n| 1 | 2 |", Kind::Table),
                ("```\n# no heading\n```", Kind::Lines),
                ("[link]: http://x.y", Kind::Prose),
            ]
        );
    }
}
