//! Rows and columns of a page's tables.

use std::collections::HashSet;

use ego_tree::{NodeId, iter::Edge};

use super::{super::writer::Writer, scope::Root};

/// A cell spans at most this many columns or rows.
const MAX_SPAN: usize = 50;
/// A row has at most this many cells.
const MAX_COLUMNS: usize = 500;

/// Tables that only place things on the page: they hold a table or a heading, or never two cells
/// side by side.
pub(super) fn layouts(root: Root<'_>) -> HashSet<NodeId> {
    struct Open {
        id: NodeId,
        layout: bool,
        cells: usize,
        widest: usize,
    }

    let mut found = HashSet::new();
    let mut open: Vec<Open> = Vec::new();
    for edge in root.traverse() {
        let (node, opens) = match edge {
            Edge::Open(node) => (node, true),
            Edge::Close(node) => (node, false),
        };

        let Some(element) = node.value().as_element() else { continue };
        match (element.name(), opens) {
            ("table", true) => {
                if let Some(outer) = open.last_mut() {
                    outer.layout = true;
                }
                let layout = matches!(element.attr("role"), Some("presentation" | "none"));
                open.push(Open { id: node.id(), layout, cells: 0, widest: 0 });
            }
            ("table", false) => {
                if let Some(table) = open.pop_if(|table| table.id == node.id())
                    && (table.layout || table.widest < 2)
                {
                    found.insert(table.id);
                }
            }
            ("tr", true) => {
                if let Some(table) = open.last_mut() {
                    table.cells = 0;
                }
            }
            ("td" | "th", true) => {
                if let Some(table) = open.last_mut() {
                    table.cells += 1;
                    table.widest = table.widest.max(table.cells);
                }
            }
            ("h1" | "h2" | "h3" | "h4", true) => {
                if let Some(table) = open.last_mut() {
                    table.layout = true;
                }
            }
            _ => {}
        }
    }

    found
}

/// A table while it is read.
#[derive(Default)]
pub(super) struct Table {
    row: Vec<String>,
    /// For each column, how many rows below are taken by a cell above.
    taken: Vec<usize>,
    span: (usize, usize),
}

impl Table {
    /// Begins a cell that spans so many columns and rows.
    pub(super) fn begin_cell(&mut self, columns: Option<&str>, rows: Option<&str>) {
        let span = |value: Option<&str>| {
            value.and_then(|value| value.trim().parse().ok()).unwrap_or(1).clamp(1, MAX_SPAN)
        };
        self.span = (span(columns), span(rows));
    }

    /// Ends the cell.
    pub(super) fn end_cell(&mut self, text: String) {
        self.skip_taken();
        let (columns, rows) = self.span;
        let mut text = Some(text);
        for _ in 0..columns {
            if self.row.len() >= MAX_COLUMNS {
                return;
            }
            let column = self.row.len();
            if self.taken.len() <= column {
                self.taken.resize(column + 1, 0);
            }
            // The row itself is counted and uncounted at its end.
            self.taken[column] = rows;
            self.row.push(text.take().unwrap_or_default());
        }
    }

    /// Ends the row.
    pub(super) fn end_row(&mut self, writer: &mut Writer) {
        for left in &mut self.taken {
            *left = left.saturating_sub(1);
        }
        writer.row(&std::mem::take(&mut self.row));
    }

    /// Is there a row that has not ended?
    pub(super) fn has_row(&self) -> bool {
        !self.row.is_empty()
    }

    fn skip_taken(&mut self) {
        while self.taken.get(self.row.len()).is_some_and(|left| *left > 0) {
            self.row.push(String::new());
        }
    }
}
