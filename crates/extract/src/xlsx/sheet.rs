//! The cells of one sheet.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{
    Unreadable,
    grid::{Grid, Role, Span},
    header::Header,
    writer::Writer,
};

/// Most cells with something in them in one workbook.
const CELLS: usize = 200_000;
/// Most cells, blank ones between others counted, in one sheet.
const AREA: usize = 2_000_000;

/// Most merged cells that reach one row.
const OPEN_AREAS: usize = 2_000;

/// How many cells a workbook may still have.
pub(super) struct Allowance(usize);

impl Default for Allowance {
    fn default() -> Self {
        Self(CELLS)
    }
}

/// A stretch of cells, by row and column, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) from: (u32, u32),
    pub(super) to: (u32, u32),
}

impl Area {
    fn has(&self, (row, column): (u32, u32)) -> bool {
        (self.from.0..=self.to.0).contains(&row) && (self.from.1..=self.to.1).contains(&column)
    }
}

/// Cells by row and column.
#[derive(Default)]
pub(super) struct Sheet {
    rows: BTreeMap<u32, BTreeMap<u32, String>>,
    hidden_rows: BTreeSet<u32>,
    hidden_columns: Vec<(u32, u32)>,
    /// Merged cells, by the row they begin in.
    merged: BTreeMap<u32, Vec<Area>>,
}

impl Sheet {
    /// Leaves a row out.
    pub(super) fn hide_row(&mut self, row: u32) {
        self.hidden_rows.insert(row);
    }

    /// Leaves columns out, from the first to the last.
    pub(super) fn hide_columns(&mut self, first: u32, last: u32) {
        self.hidden_columns.push((first, last));
    }

    /// Notes that cells are merged; the first one speaks for all.
    pub(super) fn merge(&mut self, area: Area) {
        self.merged.entry(area.from.0).or_default().push(area);
    }

    /// Changes what a cell says, if there is such a cell.
    pub(super) fn change(&mut self, (row, column): (u32, u32), change: impl FnOnce(&mut String)) {
        if let Some(text) = self.rows.get_mut(&row).and_then(|row| row.get_mut(&column)) {
            change(text);
        }
    }

    /// Sets a cell; an empty text is no cell.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable::TooLong`] when the workbook has too many.
    pub(super) fn set(
        &mut self,
        (row, column): (u32, u32),
        text: &str,
        allowance: &mut Allowance,
    ) -> Result<(), Unreadable> {
        if text.trim().is_empty() {
            return Ok(());
        }
        allowance.0 = allowance.0.checked_sub(1).ok_or(Unreadable::TooLong)?;
        self.rows.entry(row).or_default().insert(column, text.trim().to_owned());
        Ok(())
    }

    /// Writes the sheet as a page: lone cells at the top are its titles, the rest is one table.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable::TooComplex`] when few cells are scattered over a vast area.
    pub(super) fn write(mut self, name: &str, writer: &mut Writer) -> Result<(), Unreadable> {
        let is_hidden = |column: u32| {
            self.hidden_columns.iter().any(|(first, last)| (*first..=*last).contains(&column))
        };
        self.rows.retain(|row, _| !self.hidden_rows.contains(row));
        let columns: BTreeSet<u32> =
            self.rows.values().flat_map(|row| row.keys()).copied().collect();
        let columns: Vec<u32> = columns.into_iter().filter(|column| !is_hidden(*column)).collect();
        if columns.is_empty() {
            return Ok(());
        }

        writer.page();
        writer.heading(1, name);
        if columns.len().saturating_mul(self.rows.len()) > AREA {
            return Err(Unreadable::TooComplex);
        }

        let numbers: Vec<u32> = self.rows.keys().copied().collect();
        let mut grid = Grid::default();
        let mut header = Header::default();
        // Merged cells that reach the row that is written.
        let mut open: Vec<Area> = Vec::new();
        let mut began = self.merged.into_iter().peekable();
        for (row, mut cells) in self.rows {
            while let Some((_, areas)) = began.next_if(|(from, _)| *from <= row) {
                open.extend(areas);
            }
            open.retain(|area| area.to.0 >= row);
            if open.len() > OPEN_AREAS {
                return Err(Unreadable::TooComplex);
            }

            let mut said = Vec::with_capacity(columns.len());
            for column in &columns {
                let text = cells.remove(column).unwrap_or_default();
                let area = open.iter().find(|area| area.has((row, *column)));
                let span = match area {
                    None => Span::default(),
                    Some(area) if area.from == (row, *column) => spanned(*area, &numbers, &columns),
                    Some(_) => continue,
                };
                grid.cell(&text, span, Role::Data);
                said.push(text);
            }
            grid.end_row();
            if said.iter().filter(|text| !text.is_empty()).count() > 1 {
                header.row(&said);
            }
        }

        grid.write(writer);
        header.warn(Some(name), writer);

        Ok(())
    }
}

/// How many of the rows and columns that are written an area covers.
fn spanned(area: Area, rows: &[u32], columns: &[u32]) -> Span {
    let among = |all: &[u32], from: u32, to: u32| {
        all.partition_point(|it| *it <= to) - all.partition_point(|it| *it < from)
    };
    Span {
        columns: among(columns, area.from.1, area.to.1).max(1),
        rows: among(rows, area.from.0, area.to.0).max(1),
    }
}
