//! Microsoft Word from 97 to 2003.
//!
//! [`doc`] is the way in. The text is stored in pieces ([`file`]), what is said of it in pages of
//! properties ([`looks`]), the numbers of clauses in lists and styles ([`lists`]). It is written as
//! a reader sees it, as [`super::docx`] does: hidden and struck-out text is left out, notes, boxes,
//! headers and footers come after the text. Whatever lies about its place or its length is passed
//! over.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use replyx_core::knowledge::DocumentKind;

use super::{
    Extracted, Unreadable,
    grid::{Grid, Role, Span},
    numbering::{Mark, Numbering},
    package::link,
    script::{lowered, raised},
    writer::{Writer, one_line},
};

mod bytes;
mod file;
mod lists;
mod looks;

use file::{File, Unit};
use lists::Styles;
use looks::{Looks, Merge, Paragraph};

/// Stories by their place in the file.
const FOOTNOTES: usize = 1;
const HEADERS: usize = 2;
const ENDNOTES: usize = 5;
const BOXES: usize = 6;
/// Structures that say where the marks of notes stand.
const MARKS: [usize; 2] = [2, 46];
/// Fields inside one another.
const DEEPEST_FIELD: usize = 32;
/// A row has at most so many cells.
const MAX_CELLS: usize = 500;
/// What stands beside the number of a page says nothing, letters.
const FEWEST_LETTERS: usize = 12;

/// Reads a document.
///
/// # Errors
///
/// Returns [`Unreadable`] when it is no document of Word, damaged, locked or too large.
pub(super) fn doc(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let file = File::open(bytes)?;
    let mut reading = Reading {
        looks: Looks::read(&file),
        styles: Styles::read(&file),
        numbering: lists::read(&file),
        notes: marks(&file),
        writer: Writer::new(DocumentKind::Docx),
        grid: Grid::default(),
        row: Vec::new(),
        cell: Vec::new(),
    };

    let story = |number: usize| {
        let first: usize = file.lengths[..number].iter().sum();
        (first, file.units(first, first.saturating_add(file.lengths[number])))
    };
    let (_, body) = story(0);
    reading.blocks(0, &body);
    for number in [FOOTNOTES, ENDNOTES] {
        let (first, units) = story(number);
        reading.notes_of(first, &units);
    }
    let (first, boxes) = story(BOXES);
    reading.blocks(first, &boxes);
    let (first, margins) = story(HEADERS);
    reading.margins(first, &margins);
    reading.writer.finish()
}

/// The numbers of notes, by the places of their marks in the text.
fn marks(file: &File) -> HashMap<usize, usize> {
    let mut places: Vec<usize> = Vec::new();
    for structure in MARKS {
        let list = file.structure(structure);
        // Places, one more than there are notes, and two bytes for each note.
        let count = list.len().saturating_sub(4) / 6;
        places.extend((0..count).filter_map(|mark| bytes::long(list, mark * 4)));
    }
    places.sort_unstable();
    places.into_iter().zip(1..).collect()
}

/// A document while its text is written down.
struct Reading {
    looks: Looks,
    styles: Styles,
    numbering: Numbering,
    notes: HashMap<usize, usize>,
    writer: Writer,
    grid: Grid,
    row: Vec<String>,
    /// The paragraphs of the cell so far.
    cell: Vec<String>,
}

/// What a paragraph says.
#[derive(Default)]
struct ParagraphText {
    text: String,
    counts_pages: bool,
}

impl Reading {
    /// Writes the paragraphs and tables of a story that begins at a place of the text.
    fn blocks(&mut self, first: usize, units: &[Unit]) {
        for (place, units, end) in paragraphs(first, units) {
            let look = self.looks.paragraph(end.at);
            let said = self.said(place, units);
            let is_cell = end.unit == 7;
            if look.in_table || is_cell || look.depth > 0 {
                self.in_table(&look, &said.text, is_cell);
            } else {
                self.end_table();
                self.paragraph(&look, said.text.trim());
            }
        }
        self.end_table();
    }

    fn paragraph(&mut self, look: &Paragraph, text: &str) {
        if text.is_empty() {
            return;
        }
        let list = self.styles.list(look);
        let mark = list.map(|(list, level)| (level, self.numbering.next(&list.to_string(), level)));
        match (self.styles.level(look), mark) {
            (Some(level), Some((_, Mark::Number(number)))) => {
                self.writer.heading(level, &format!("{number} {text}"));
            }
            (Some(level), _) => self.writer.heading(level, text),
            (None, Some((depth, Mark::Number(number)))) => self.writer.marked(depth, &number, text),
            (None, Some((depth, Mark::Bullet))) => self.writer.item(depth, None, text),
            (None, Some((_, Mark::Nothing)) | None) => self.writer.paragraph(text),
        }
    }

    /// Takes a paragraph of a cell, the end of a cell, or the end of a row.
    fn in_table(&mut self, look: &Paragraph, text: &str, is_cell: bool) {
        if look.ends_row && look.depth <= 1 {
            self.end_row(&look.cells, look.is_header);
            return;
        }
        let text = one_line(text);
        if !text.is_empty() {
            let mark = self
                .styles
                .list(look)
                .map(|(list, level)| self.numbering.next(&list.to_string(), level));
            self.cell.push(match mark {
                Some(Mark::Number(number)) => format!("{number} {text}"),
                _ => text,
            });
        }
        // Cells of a table inside a cell are part of that one.
        if is_cell && look.depth <= 1 && self.row.len() < MAX_CELLS {
            self.row.push(std::mem::take(&mut self.cell).join(" "));
        }
    }

    fn end_row(&mut self, merges: &[Merge], is_header: bool) {
        let cells = std::mem::take(&mut self.row);
        self.cell.clear();
        let role = if is_header { Role::Head } else { Role::Data };
        let merge = |at: usize| merges.get(at).copied().unwrap_or_default();
        for (at, cell) in cells.iter().enumerate().filter(|(at, _)| *at == 0 || !merge(*at).beside)
        {
            let beside = (at + 1..cells.len()).take_while(|at| merge(*at).beside).count();
            let span = Span { columns: beside + 1, rows: 1 };
            if merge(at).below {
                self.grid.below(span);
            } else {
                self.grid.cell(cell, span, role);
            }
        }
        self.grid.end_row();
    }

    fn end_table(&mut self) {
        if !self.row.is_empty() {
            self.end_row(&[], false);
        }
        for text in std::mem::take(&mut self.cell) {
            self.writer.paragraph(&text);
        }
        std::mem::take(&mut self.grid).write(&mut self.writer);
    }

    /// Writes the notes of a story; each begins with its mark.
    fn notes_of(&mut self, first: usize, units: &[Unit]) {
        let numbers: HashSet<usize> = self.notes.values().copied().collect();
        let mut number = 0;
        for (place, units, _) in paragraphs(first, units) {
            let text = self.said(place, units).text;
            let is_new = units.iter().any(|unit| unit.unit == 2);
            number += usize::from(is_new);
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            if is_new && numbers.contains(&number) {
                self.writer.paragraph(&format!("[{number}] {text}"));
            } else {
                self.writer.paragraph(text);
            }
        }
    }

    /// Writes headers and footers, each text once.
    fn margins(&mut self, first: usize, units: &[Unit]) {
        let mut told = HashSet::new();
        for (place, units, _) in paragraphs(first, units) {
            let said = self.said(place, units);
            let letters = said.text.chars().filter(|c| c.is_alphabetic()).count();
            let only_counts = said.counts_pages && letters < FEWEST_LETTERS;
            let text = said.text.trim();
            if !only_counts && text.contains(char::is_alphanumeric) && told.insert(text.to_owned())
            {
                self.writer.paragraph(text);
            }
        }
    }

    /// The text of a paragraph: fields show their results, marks of notes their numbers.
    fn said(&self, first: usize, units: &[Unit]) -> ParagraphText {
        let mut said = ParagraphText::default();
        let mut fields: Vec<Field> = Vec::new();
        let mut wide: Vec<u16> = Vec::new();
        let mut look = looks::Character::default();
        for (place, unit) in (first..).zip(units) {
            let now = self.looks.character(unit.at);
            let is_mark = unit.unit < 0x20;
            if is_mark || now != look {
                flush(&mut wide, look, &mut said.text);
                look = now;
            }
            match unit.unit {
                0x13 if fields.len() < DEEPEST_FIELD => fields.push(Field::at(said.text.len())),
                0x14 => {
                    if let Some(field) = fields.last_mut() {
                        field.instruction = said.text.split_off(field.begin.min(said.text.len()));
                        field.has_result = true;
                    }
                }
                0x15 => close(fields.pop(), &mut said),
                _ if now.is_left_out => {}
                0x02 => {
                    if let Some(number) = self.notes.get(&place) {
                        let _ = write!(said.text, "[{number}]");
                    }
                }
                0x09 => said.text.push('\t'),
                0x0B | 0x0E => said.text.push('\n'),
                0x1E => said.text.push('-'),
                unit if !is_mark => wide.push(unit),
                _ => {}
            }
        }
        flush(&mut wide, look, &mut said.text);
        said
    }
}

/// A field between its beginning and its end.
#[derive(Default)]
struct Field {
    /// Where it begins in the text, and its result once its instruction is taken out.
    begin: usize,
    instruction: String,
    has_result: bool,
}

impl Field {
    fn at(begin: usize) -> Self {
        Self { begin, ..Self::default() }
    }
}

/// Ends a field: a link says where it leads, the number of a page is none of the text.
fn close(field: Option<Field>, said: &mut ParagraphText) {
    let Some(field) = field else { return };
    let begin = field.begin.min(said.text.len());
    if !field.has_result {
        said.text.truncate(begin);
        return;
    }
    let mut words = field.instruction.split_whitespace();
    match words.next() {
        Some("HYPERLINK") => {
            let address = field.instruction.split('"').nth(1).or_else(|| words.next());
            if let Some(address) = address.filter(|_| !field.instruction.contains("\\l ")) {
                link(&mut said.text, begin, address);
            }
        }
        Some("PAGE" | "NUMPAGES" | "SECTIONPAGES") => {
            said.text.truncate(begin);
            said.counts_pages = true;
        }
        _ => {}
    }
}

/// Writes characters of one look.
fn flush(units: &mut Vec<u16>, look: looks::Character, text: &mut String) {
    if units.is_empty() {
        return;
    }
    let units = std::mem::take(units);
    // Fonts of signs live in the private area.
    let said: String = char::decode_utf16(units)
        .flatten()
        .filter(|c| !matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{AD}'))
        .collect();
    match look.script {
        1 => text.push_str(&raised(&said)),
        2 => text.push_str(&lowered(&said)),
        _ => text.push_str(&said),
    }
}

/// The paragraphs of a story: where each begins in the text, its characters, and what ends it.
fn paragraphs(first: usize, units: &[Unit]) -> impl Iterator<Item = (usize, &[Unit], Unit)> {
    const ENDS: [u16; 3] = [0x07, 0x0C, 0x0D];
    let mut at = 0;
    units.split_inclusive(|unit| ENDS.contains(&unit.unit)).filter_map(move |all| {
        let place = first + at;
        at += all.len();
        let end = *all.last()?;
        let units = if ENDS.contains(&end.unit) { &all[..all.len() - 1] } else { all };
        Some((place, units, end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<Unit> {
        text.encode_utf16().zip(0..).map(|(unit, at)| Unit { unit, at }).collect()
    }

    fn said(text: &str) -> ParagraphText {
        let reading = Reading {
            looks: Looks::default(),
            styles: Styles::default(),
            numbering: Numbering::default(),
            notes: HashMap::from([(1, 1)]),
            writer: Writer::new(DocumentKind::Docx),
            grid: Grid::default(),
            row: Vec::new(),
            cell: Vec::new(),
        };
        reading.said(0, &units(text))
    }

    #[test]
    fn fields_show_their_results_and_links_their_addresses() {
        let link = "See \u{13} HYPERLINK \"https://a.example/b\" \u{14}the site\u{15}.";
        assert_eq!(said(link).text, "See the site (https://a.example/b).");
        let page = said("Page \u{13} PAGE \u{14}3\u{15}\u{1E}end");
        assert_eq!(page.text, "Page -end");
        assert!(page.counts_pages);
        assert_eq!(said("a\u{2}b").text, "a[1]b");
        assert_eq!(said("\u{14}\u{15}x\u{13}\u{13}").text, "x");
        let nested = "\u{13} IF \u{13} PAGE \u{14}1\u{15} \u{14}yes\u{15}";
        assert_eq!(said(nested).text, "yes");
    }

    #[test]
    fn paragraphs_end_where_the_format_says() {
        let all = units("a\rb\u{7}c");
        let found: Vec<(usize, usize, u16)> =
            paragraphs(10, &all).map(|(at, units, end)| (at, units.len(), end.unit)).collect();
        assert_eq!(found, [(10, 1, 13), (12, 1, 7), (14, 1, u16::from(b'c'))]);
    }
}
