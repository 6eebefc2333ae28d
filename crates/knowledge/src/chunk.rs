//! A text becomes passages: stretches that say one thing, are short enough to quote and long enough
//! to understand.
//!
//! [`chunk`] first finds the blocks (headings, paragraphs, list items, tables, code), cuts those
//! that are too long at sentences, lines or words, and then packs neighbours together as long as
//! they stand under the same heading. A passage is always `text[start..end]`: nothing is rewritten,
//! and nothing is lost between passages but blanks. A passage may begin with the last sentences of
//! the one before it under the same heading, so that what they say together is found together.
//!
//! Where a passage ends hangs on what stands there and not only on how much stood before: after a
//! change, passages far from it come out as they were.

use std::ops::Range;

use replyx_core::knowledge::DocumentKind;
use replyx_extract::Extracted;

mod blocks;
mod pack;
mod plain;
mod sentences;
mod units;

use blocks::{Block, Kind};
use pack::{Pack, join_short_tail};

/// How a text is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunking {
    /// Passages are packed up to this length, tokens.
    pub tokens: usize,
    /// A passage begins with at most so much of the one before it, tokens.
    pub overlap: usize,
}

impl Default for Chunking {
    /// 300 tokens, about a third of a page, of which 40 are repeated.
    fn default() -> Self {
        Self { tokens: 300, overlap: 40 }
    }
}

impl Chunking {
    /// No passage is longer than this, tokens.
    pub const fn longest(self) -> usize {
        self.tokens * 3 / 2
    }

    /// What is put together is no longer than this, tokens. Lengths are added up, and the whole may
    /// be a little longer than the sum of its parts.
    const fn packed(self) -> usize {
        self.tokens * 4 / 3
    }

    /// A shorter passage is joined with its neighbour under the same heading, tokens.
    pub const fn shortest(self) -> usize {
        self.tokens / 5
    }

    /// From this length on a passage may end where the text itself suggests it, tokens.
    const fn ample(self) -> usize {
        self.tokens * 2 / 3
    }
}

/// Titles in [`Chunk::headings`] are cut to this length, characters.
const LONGEST_TITLE: usize = 120;

/// A table's header in [`Chunk::headings`] is cut to this length, characters.
const LONGEST_HEADER: usize = 400;

/// A passage-to-be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its text: `text[start..end]` of the document, without blanks around it.
    pub text: String,
    /// The headings above it, outermost first, joined by ` > `; after them the header row of a
    /// table whose first rows are in an earlier chunk.
    pub headings: String,
    /// Where it begins in the document's text, bytes.
    pub start: usize,
    /// Where it ends in the document's text, bytes, exclusive.
    pub end: usize,
    /// The page it begins on, from 1, where the format has pages.
    pub page: Option<usize>,
}

/// Cuts a text into passages.
pub fn chunk(document: &Extracted, chunking: &Chunking) -> Vec<Chunk> {
    let chunking = Chunking { tokens: chunking.tokens.max(8), ..*chunking };
    let mut packer =
        Packer { document, chunking, path: Vec::new(), section: Vec::new(), chunks: Vec::new() };
    for block in blocks_of(document) {
        packer.add(block);
    }
    packer.flush();
    packer.chunks
}

/// The blocks of a text in order, without overlap; together they hold everything but blanks.
fn blocks_of(document: &Extracted) -> Vec<Block> {
    match document.kind {
        DocumentKind::Markdown => blocks::markdown(&document.text),
        _ => plain::blocks(document),
    }
}

/// A stretch that is packed whole.
#[derive(Clone, Debug)]
struct Unit {
    range: Range<usize>,
    /// How long it is, tokens.
    length: usize,
    heading: bool,
    /// Made of sentences.
    prose: bool,
    /// The header row of the table it is part of.
    header: Option<Range<usize>>,
}

struct Packer<'d> {
    document: &'d Extracted,
    chunking: Chunking,
    /// The headings in force: level and title.
    path: Vec<(u8, String)>,
    /// What stands under them so far.
    section: Vec<Unit>,
    chunks: Vec<Chunk>,
}

impl Packer<'_> {
    fn add(&mut self, block: Block) {
        if let Kind::Heading { level, title } = &block.kind {
            // Headings that follow each other open one section.
            if self.section.last().is_some_and(|unit| !unit.heading) {
                self.flush();
            }
            self.path.retain(|(above, _)| above < level);
            self.path.push((*level, title.chars().take(LONGEST_TITLE).collect()));
        }
        self.section.extend(units::of(&self.document.text, block, self.chunking));
    }

    /// Packs what stands under the headings in force.
    fn flush(&mut self) {
        let text = self.document.text.as_str();
        let mut packed: Vec<Pack> = Vec::new();
        for unit in std::mem::take(&mut self.section) {
            match packed.last_mut() {
                Some(pack) if pack.takes(text, &unit, self.chunking) => pack.take(text, unit),
                _ => packed.push(Pack::of(unit)),
            }
        }
        join_short_tail(text, &mut packed, self.chunking);
        let starts = pack::begin_earlier(text, &packed, self.chunking);
        for (pack, start) in packed.into_iter().zip(starts) {
            let chunk = self.seal(pack, start);
            self.chunks.push(chunk);
        }
    }

    fn seal(&self, pack: Pack, start: usize) -> Chunk {
        let end = pack.range.end;
        let mut headings: Vec<String> = self.path.iter().map(|(_, title)| title.clone()).collect();
        if let Some(header) = pack.header.filter(|header| header.end <= start) {
            headings.push(columns_of(&self.document.text[header]));
        }
        let pages = &self.document.pages;
        let page = pages.partition_point(|at| *at <= start);
        Chunk {
            text: self.document.text[start..end].to_owned(),
            headings: headings.join(" > "),
            start,
            end,
            page: (!pages.is_empty()).then_some(page.max(1)),
        }
    }
}

/// The names of a table's columns as a heading: `Model | Price`. An empty one keeps its place, for
/// a reader of the rows below; a name too many is left out as a whole.
fn columns_of(row: &str) -> String {
    let row = row.trim();
    let bare = row.strip_prefix('|').unwrap_or(row);
    let bare = bare.strip_suffix('|').unwrap_or(bare);

    let mut columns = String::new();
    for (place, cell) in bare.split(['|', '\t']).enumerate() {
        let cell = cell.trim().replace(" > ", " ");
        if columns.chars().count() + cell.chars().count() > LONGEST_HEADER {
            break;
        }
        if place > 0 {
            columns.push_str(" | ");
        }
        columns.push_str(&cell);
    }
    columns
}
