//! The cells of one sheet.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Unreadable, header::Header, writer::Writer};

/// Most cells with something in them in one workbook.
const CELLS: usize = 200_000;
/// Most cells, blank ones between others counted, in one sheet.
const AREA: usize = 2_000_000;

/// How many cells a workbook may still have.
pub(super) struct Allowance(usize);

impl Default for Allowance {
    fn default() -> Self {
        Self(CELLS)
    }
}

/// Cells by row and column.
#[derive(Default)]
pub(super) struct Sheet {
    rows: BTreeMap<u32, BTreeMap<u32, String>>,
}

impl Sheet {
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
    pub(super) fn write(self, name: &str, writer: &mut Writer) -> Result<(), Unreadable> {
        if self.rows.is_empty() {
            return Ok(());
        }

        writer.page();
        writer.heading(1, name);
        let columns: BTreeSet<u32> =
            self.rows.values().flat_map(|row| row.keys()).copied().collect();
        if columns.len().saturating_mul(self.rows.len()) > AREA {
            return Err(Unreadable::TooComplex);
        }

        let mut above = columns.len() > 1;
        let mut header = Header::default();
        for row in self.rows.into_values() {
            above = above && row.len() == 1;

            if above {
                for title in row.values() {
                    writer.paragraph(title);
                }
                continue;
            }

            let mut row = row;
            let cells: Vec<String> =
                columns.iter().map(|column| row.remove(column).unwrap_or_default()).collect();
            header.row(&cells);
            writer.row(&cells);
        }

        writer.end_table();
        header.warn(Some(name), writer);

        Ok(())
    }
}
