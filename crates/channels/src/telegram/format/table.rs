//! Tables as lines: columns do not fit on a phone.

use super::rich::{Rich, Style};

/// A table, as it is read.
///
/// Two columns become `• left — right`. With more, each row becomes a few lines, `Header: value`,
/// the first one bold.
#[derive(Default)]
pub(super) struct Table {
    /// The first row is the header.
    rows: Vec<Vec<Cell>>,
}

#[derive(Default)]
struct Cell(Vec<(String, Style)>);

impl Table {
    pub(super) fn begin_row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub(super) fn begin_cell(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.push(Cell::default());
        }
    }

    /// Adds text to the last cell.
    pub(super) fn push(&mut self, text: &str, style: Style) {
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
            cell.0.push((text.replace('\n', " "), style));
        }
    }

    pub(super) fn write(self, out: &mut Rich, quote: bool) {
        let between = Style { quote, ..Style::default() };
        let mut rows = self.rows.iter();
        let Some(header) = rows.next() else { return };
        if header.len() > 2 {
            for (number, row) in rows.enumerate() {
                if number > 0 {
                    out.push("\n\n", between);
                }
                write_record(out, header, row, between);
            }
            if self.rows.len() > 1 {
                return;
            }
        }
        write_line(out, header, between, true);
        for row in &self.rows[1..] {
            out.push("\n• ", between);
            write_line(out, row, between, false);
        }
    }
}

/// The cells of a row in one line.
fn write_line(out: &mut Rich, row: &[Cell], between: Style, bold: bool) {
    let between = Style { bold, ..between };
    for (number, cell) in row.iter().filter(|cell| !cell.is_blank()).enumerate() {
        if number > 0 {
            out.push(" — ", between);
        }
        cell.write(out, bold);
    }
}

/// A row as a line for each of its cells.
fn write_record(out: &mut Rich, header: &[Cell], row: &[Cell], between: Style) {
    let cells = header.iter().zip(row).filter(|(_, cell)| !cell.is_blank());
    for (number, (name, cell)) in cells.enumerate() {
        let bold = number == 0;
        if !bold {
            out.push("\n", between);
        }
        if !name.is_blank() {
            name.write(out, bold);
            out.push(": ", Style { bold, ..between });
        }
        cell.write(out, bold);
    }
}

impl Cell {
    fn is_blank(&self) -> bool {
        self.0.iter().all(|(text, _)| text.trim().is_empty())
    }

    fn write(&self, out: &mut Rich, bold: bool) {
        for (text, style) in &self.0 {
            out.push(text, Style { bold: bold || style.bold, ..*style });
        }
    }
}
