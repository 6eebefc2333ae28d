//! A text becomes passages: stretches that say one thing, are short enough to quote and long enough to
//! understand.
//!
//! [`chunk`] first finds the blocks (headings, paragraphs, list items, tables, code), cuts those that are
//! too long at sentences, lines or words, and then packs neighbours together as long as they stand under
//! the same heading. A passage is always `text[start..end]`: nothing is rewritten, nothing is lost between
//! passages but blanks, and passages stand in the order of the text without overlap.

use std::ops::Range;

use crate::extract::Extracted;

mod blocks;
mod plain;
mod sentences;
mod units;

use blocks::{Block, Kind};

/// Passages are packed up to this length, characters: a few sentences, about a fifth of a page.
pub const TARGET: usize = 900;
/// No passage is longer than this, characters.
pub const MAX: usize = 1400;
/// A shorter passage is joined with its neighbour under the same heading, characters.
pub const MIN: usize = 200;
/// Titles in [`Chunk::headings`] are cut to this length, characters.
const LONGEST_TITLE: usize = 120;

/// A passage-to-be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its text: `text[start..end]` of the document, without blanks around it.
    pub text: String,
    /// The headings above it, outermost first, joined by ` > `; after them the header row of a table whose
    /// first rows are in an earlier chunk.
    pub headings: String,
    /// Where it begins in the document's text, bytes.
    pub start: usize,
    /// Where it ends in the document's text, bytes, exclusive.
    pub end: usize,
    /// The page it begins on, from 1, where the format has pages.
    pub page: Option<usize>,
}

/// Cuts a text into passages.
pub fn chunk(document: &Extracted) -> Vec<Chunk> {
    let mut packer = Packer { document, path: Vec::new(), section: Vec::new(), chunks: Vec::new() };
    for block in blocks::find(document) {
        packer.add(block);
    }
    packer.flush();
    packer.chunks
}

/// A stretch that is packed whole.
#[derive(Clone, Debug)]
struct Unit {
    range: Range<usize>,
    heading: bool,
    /// The header row of the table it is part of.
    header: Option<Range<usize>>,
}

struct Packer<'d> {
    document: &'d Extracted,
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
        self.section.extend(units::of(&self.document.text, block));
    }

    /// Packs what stands under the headings in force.
    fn flush(&mut self) {
        let text = self.document.text.as_str();
        let mut packed: Vec<Pack> = Vec::new();
        for unit in self.section.drain(..) {
            match packed.last_mut() {
                Some(pack) if pack.takes(text, &unit) => pack.take(text, unit),
                _ => packed.push(Pack::of(text, unit)),
            }
        }
        join_short_tail(text, &mut packed);
        for pack in packed {
            let chunk = self.seal(pack);
            self.chunks.push(chunk);
        }
    }

    fn seal(&self, pack: Pack) -> Chunk {
        let Range { start, end } = pack.range;
        let mut headings: Vec<String> = self.path.iter().map(|(_, title)| title.clone()).collect();
        if let Some(header) = pack.header.filter(|header| header.end <= start) {
            headings.push(words_of(&self.document.text[header]));
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

/// The cells of a table row as words.
fn words_of(row: &str) -> String {
    let cells = row.split(['|', '\t']).map(str::trim).filter(|cell| !cell.is_empty());
    cells.collect::<Vec<_>>().join(", ").chars().take(LONGEST_TITLE).collect()
}

/// A passage in the making.
struct Pack {
    range: Range<usize>,
    /// Characters in `range`.
    length: usize,
    headings_only: bool,
    header: Option<Range<usize>>,
}

impl Pack {
    fn of(text: &str, unit: Unit) -> Self {
        let length = text[unit.range.clone()].chars().count();
        Self { range: unit.range, length, headings_only: unit.heading, header: unit.header }
    }

    fn length_with(&self, text: &str, end: usize) -> usize {
        self.length + text[self.range.end..end].chars().count()
    }

    fn takes(&self, text: &str, unit: &Unit) -> bool {
        let together = self.length_with(text, unit.range.end);
        let bound = if self.headings_only || self.length < MIN { MAX } else { TARGET };
        together <= bound
    }

    fn take(&mut self, text: &str, unit: Unit) {
        self.length = self.length_with(text, unit.range.end);
        self.range.end = unit.range.end;
        self.headings_only &= unit.heading;
        self.header = self.header.take().or(unit.header);
    }
}

fn join_short_tail(text: &str, packed: &mut Vec<Pack>) {
    if let [.., before, last] = packed.as_mut_slice()
        && last.length < MIN
        && before.length_with(text, last.range.end) <= MAX
    {
        before.length = before.length_with(text, last.range.end);
        before.range.end = last.range.end;
        packed.pop();
    }
}
