//! Glyphs on a page become lines in reading order; lines become headings, paragraphs and table
//! rows.
//!
//! A PDF knows where letters stand and how big they are, nothing more. [`read`] and [`write`] are
//! the ways in. Geometry comes in this order:
//!
//! 1. [`words`]: glyphs become words, in each direction of writing; what is struck through goes.
//! 2. [`grid`] and [`cells`]: lines that cross are tables, and words belong to their cells.
//! 3. [`columns`]: columns of running text ([`prose`]) are read one after the other.
//! 4. [`lines`] and [`table`]: the other words become lines, and lines whose cells stand below each
//!    other become rows.
//!
//! [`flow`] is about text alone.

mod bidi;
mod cells;
mod columns;
mod flow;
mod grid;
mod lines;
mod prose;
mod table;
mod words;

use super::Heading;

/// Letters that are drawn together, in points from the page's lower left corner.
#[derive(Clone, Debug)]
pub(super) struct Glyph {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) size: f32,
    pub(super) bold: bool,
    /// How the writing is turned, in degrees against the clock. Places are along the writing.
    pub(super) turn: i16,
    pub(super) text: String,
}

/// Where a line runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Across,
    Down,
}

/// A straight line on the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    direction: Direction,
    /// Its height on the page, or its distance from the left edge.
    at: f32,
    from: f32,
    to: f32,
}

impl Rule {
    /// A line, unless a number of it is none.
    pub(super) fn new(direction: Direction, at: f32, from: f32, to: f32) -> Option<Self> {
        let is_real = [at, from, to].iter().all(|n| n.is_finite());
        is_real.then(|| Self { direction, at, from: from.min(to), to: from.max(to) })
    }
}

/// What a page shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    pub(super) glyphs: Vec<Glyph>,
    pub(super) rules: Vec<Rule>,
}

/// A word, or a part of one.
#[derive(Clone, Debug)]
struct Span {
    x: f32,
    y: f32,
    width: f32,
    size: f32,
    bold: bool,
    text: String,
    /// Does the file have a blank in front of it?
    spaced: bool,
}

impl Span {
    fn right(&self) -> f32 {
        self.x + self.width
    }
}

/// A line of a page.
#[derive(Clone, Debug)]
pub(super) struct Line {
    y: f32,
    size: f32,
    bold: bool,
    /// Stretches with wide gaps between them, left to right; never empty.
    cells: Vec<Cell>,
    /// Is it a row of a table?
    row: bool,
}

#[derive(Clone, Debug)]
struct Cell {
    left: f32,
    right: f32,
    text: String,
    /// Gaps inside it that are wider than between words.
    breaks: Vec<Break>,
}

/// A gap inside a cell.
#[derive(Clone, Copy, Debug)]
struct Break {
    /// Where the text behind it begins in the cell's text.
    at: usize,
    left: f32,
    right: f32,
}

impl Line {
    fn left(&self) -> f32 {
        self.cells.first().map_or(0.0, |cell| cell.left)
    }

    fn right(&self) -> f32 {
        self.cells.last().map_or(0.0, |cell| cell.right)
    }

    /// What is written of it. Empty cells at the end of a row are left out, but a bar at least says
    /// that it is a row.
    fn text(&self) -> String {
        let cells: Vec<&str> = self.cells.iter().map(|cell| cell.text.trim()).collect();
        if !self.row {
            return cells.join(" ");
        }
        let free: Vec<String> = cells.iter().map(|cell| cell.replace('|', "/")).collect();
        let mut cells: Vec<&str> = free.iter().map(|cell| cell.trim()).collect();
        let width = cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
        cells.truncate(width.max(2));
        let line = cells.join(" | ");
        let line = line.trim_end();
        if line.starts_with(' ') { format!("|{line}") } else { line.to_owned() }
    }

    /// The line, if it were none of a table.
    fn as_text(&self) -> Self {
        Self { row: false, ..self.clone() }
    }
}

/// The lines of a page in reading order. What is written in another direction than most of the page
/// comes last.
pub(super) fn read(sheet: Sheet) -> Vec<Line> {
    words::by_direction(sheet)
        .into_iter()
        .flat_map(|(spans, rules)| {
            let (tables, spans) = cells::take(spans, &grid::grids(&rules));
            columns::read(spans, tables, &rules)
        })
        .collect()
}

/// The text of all pages, where each page begins in it, and its headings.
pub(super) fn write(mut pages: Vec<Vec<Line>>) -> (String, Vec<usize>, Vec<Heading>) {
    flow::drop_running_lines(&mut pages);
    flow::write(&pages)
}
