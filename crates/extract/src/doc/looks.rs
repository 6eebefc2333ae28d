//! What is said of paragraphs and characters: pages of properties (MS-DOC 2.9.33, 2.9.175) and the
//! changes in them.

use super::{
    bytes::{half, part, word},
    file::File,
};

/// Numbers of structures in the head.
const CHARACTERS: usize = 12;
const PARAGRAPHS: usize = 13;
/// A page of properties, bytes.
const PAGE: usize = 512;

/// What holds for a paragraph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Paragraph {
    pub(super) style: u16,
    pub(super) in_table: bool,
    /// Does it end a row?
    pub(super) ends_row: bool,
    /// Tables inside one another.
    pub(super) depth: u32,
    pub(super) list: Option<u16>,
    pub(super) level: Option<u8>,
    pub(super) outline: Option<u8>,
    /// Of the cells of a row, by place: does it go on with the one above, or with the one before?
    pub(super) cells: Vec<Merge>,
    pub(super) is_header: bool,
}

/// How a cell is merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Merge {
    pub(super) below: bool,
    pub(super) beside: bool,
}

/// What holds for characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Character {
    /// Struck out, hidden or deleted.
    pub(super) is_left_out: bool,
    /// 1 raised, 2 lowered.
    pub(super) script: u8,
}

/// Stretches of the stream and what is said of them, in order.
#[derive(Default)]
pub(super) struct Looks {
    paragraphs: Vec<(usize, usize, Vec<u8>)>,
    characters: Vec<(usize, usize, Character)>,
}

impl Looks {
    /// Reads the pages of a file; a page that lies elsewhere says nothing.
    pub(super) fn read(file: &File) -> Self {
        let mut paragraphs = Vec::new();
        for page in pages(file, PARAGRAPHS) {
            for (from, to, properties) in of_paragraphs(page) {
                paragraphs.push((from, to, properties.to_vec()));
            }
        }
        let mut characters = Vec::new();
        for page in pages(file, CHARACTERS) {
            for (from, to, properties) in of_characters(page) {
                characters.push((from, to, character(properties)));
            }
        }
        paragraphs.sort_by_key(|(from, ..)| *from);
        characters.sort_by_key(|(from, ..)| *from);
        Self { paragraphs, characters }
    }

    /// What holds for the paragraph that ends at a place of the stream.
    pub(super) fn paragraph(&self, at: usize) -> Paragraph {
        let place = self.paragraphs.partition_point(|(from, ..)| *from <= at);
        let found = place.checked_sub(1).and_then(|place| self.paragraphs.get(place));
        let Some((_, _, properties)) = found.filter(|(_, to, _)| at < *to) else {
            return Paragraph::default();
        };
        let mut paragraph =
            Paragraph { style: half(properties, 0).unwrap_or(0), ..Paragraph::default() };
        apply(properties.get(2..).unwrap_or_default(), &mut paragraph);
        paragraph
    }

    /// What holds for the character at a place of the stream.
    pub(super) fn character(&self, at: usize) -> Character {
        let place = self.characters.partition_point(|(from, ..)| *from <= at);
        let found = place.checked_sub(1).and_then(|place| self.characters.get(place));
        found.filter(|(_, to, _)| at < *to).map(|(_, _, it)| *it).unwrap_or_default()
    }
}

/// The pages that a structure lists.
fn pages(file: &File, number: usize) -> impl Iterator<Item = &[u8]> {
    let list = file.structure(number);
    let count = list.len().saturating_sub(4) / 8;
    (0..count).filter_map(move |page| {
        let number = usize::try_from(word(list, (count + 1) * 4 + page * 4)? & 0x3F_FFFF).ok()?;
        part(&file.main, number.checked_mul(PAGE)?, PAGE)
    })
}

fn of_paragraphs(page: &[u8]) -> impl Iterator<Item = (usize, usize, &[u8])> {
    let count = usize::from(page[PAGE - 1]);
    (0..count).filter_map(move |run| {
        let (from, to) = ends(page, run)?;
        let at = usize::from(*page.get((count + 1) * 4 + run * 13)?) * 2;
        if at == 0 {
            return Some((from, to, &[][..]));
        }
        let (start, length) = match usize::from(*page.get(at)?) {
            0 => (at + 2, usize::from(*page.get(at + 1)?) * 2),
            size => (at + 1, size * 2 - 1),
        };
        Some((from, to, part(page, start, length)?))
    })
}

fn of_characters(page: &[u8]) -> impl Iterator<Item = (usize, usize, &[u8])> {
    let count = usize::from(page[PAGE - 1]);
    (0..count).filter_map(move |run| {
        let (from, to) = ends(page, run)?;
        let at = usize::from(*page.get((count + 1) * 4 + run)?) * 2;
        let properties = match at {
            0 => &[][..],
            at => part(page, at + 1, usize::from(*page.get(at)?))?,
        };
        Some((from, to, properties))
    })
}

fn ends(page: &[u8], run: usize) -> Option<(usize, usize)> {
    let at = |place: usize| usize::try_from(word(page, place * 4)?).ok();
    Some((at(run)?, at(run + 1)?))
}

/// The changes in a list of them: what is changed, and its operand.
pub(super) fn changes(list: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    const TABLE: u16 = 0xD608;
    const TABS: u16 = 0xC615;
    let mut rest = list;
    std::iter::from_fn(move || {
        let code = half(rest, 0)?;
        let (skip, length) = match code >> 13 {
            0 | 1 => (2, 1),
            2 | 4 | 5 => (2, 2),
            3 => (2, 4),
            7 => (2, 3),
            _ if code == TABLE => (4, usize::from(half(rest, 2)?).checked_sub(1)?),
            _ if code == TABS && rest.get(2) == Some(&255) => {
                let removed = usize::from(*rest.get(3)?) * 4;
                let added = usize::from(*rest.get(4 + removed)?) * 3;
                (3, 2 + removed + added)
            }
            _ => (3, usize::from(*rest.get(2)?)),
        };
        let operand = part(rest, skip, length)?;
        rest = &rest[skip + length..];
        Some((code, operand))
    })
}

/// Applies changes to what holds for a paragraph.
pub(super) fn apply(list: &[u8], paragraph: &mut Paragraph) {
    for (code, operand) in changes(list) {
        let first = operand.first().copied().unwrap_or(0);
        match code {
            0x2416 => paragraph.in_table = first != 0,
            0x2417 => paragraph.ends_row = first != 0,
            0x244C => paragraph.ends_row |= first != 0,
            0x6649 => paragraph.depth = word(operand, 0).unwrap_or(0).min(100),
            0x460B => paragraph.list = half(operand, 0),
            0x260A => paragraph.level = Some(first),
            0x2640 => paragraph.outline = Some(first),
            0x3404 => paragraph.is_header = first != 0,
            0xD608 => paragraph.cells = cells(operand),
            _ => {}
        }
    }
}

/// How the cells of a row are merged.
fn cells(row: &[u8]) -> Vec<Merge> {
    let count = usize::from(row.first().copied().unwrap_or(0));
    let cell = |at: usize| {
        let flags = half(row, 1 + (count + 1) * 2 + at * 20).unwrap_or(0);
        let beside = flags & 0x0002 != 0 && flags & 0x0001 == 0;
        Merge { below: flags & 0x0020 != 0 && flags & 0x0040 == 0, beside }
    };
    (0..count).map(cell).collect()
}

fn character(list: &[u8]) -> Character {
    let mut character = Character::default();
    for (code, operand) in changes(list) {
        let first = operand.first().copied().unwrap_or(0);
        match code {
            // Struck out, struck out twice, hidden, deleted.
            0x0837 | 0x2A53 | 0x083C | 0x0800 => character.is_left_out |= first != 0,
            0x2A48 => character.script = first,
            _ => {}
        }
    }
    character
}
