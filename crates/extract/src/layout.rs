//! Words on a page become lines in reading order; lines become headings, paragraphs and table rows.
//!
//! A PDF knows where letters stand and how big they are, nothing more. [`write`] is the way in;
//! [`lines`] is about geometry, [`flow`] about text.

mod flow;
mod lines;

use super::Heading;

/// Letters that stand together, in points from the page's lower left corner.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) text: String,
}

/// A line of a page.
#[derive(Clone, Debug)]
struct Line {
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

    fn text(&self) -> String {
        let cells: Vec<&str> = self.cells.iter().map(|cell| cell.text.as_str()).collect();
        cells.join(if self.row { " | " } else { " " })
    }
}

/// The text of all pages, where each page begins in it, and its headings.
pub(super) fn write(pages: Vec<Vec<Span>>) -> (String, Vec<usize>, Vec<Heading>) {
    let mut pages: Vec<Vec<Line>> = pages.into_iter().map(lines::read).collect();
    flow::drop_running_lines(&mut pages);
    flow::write(&pages)
}
