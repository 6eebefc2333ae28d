//! Tables with cells that cover several columns and rows.
//!
//! A reader puts cells in, row by row; [`Grid::write`] repeats what a merged cell says in every
//! place that it covers, so that each row says all of it, and joins the rows that name the columns.

use super::writer::Writer;

/// A row has at most so many cells.
const MAX_COLUMNS: usize = 500;
/// A cell spans at most so many rows.
const MAX_ROWS: usize = 5_000;
/// A header of more rows than this is none.
const MAX_HEADERS: usize = 3;
/// What is longer than this is said once, bytes.
const LONGEST_REPEATED: usize = 200;
/// So much of a table may be repeated, bytes.
const MOST_REPEATED: usize = 1 << 20;

/// How many columns and rows a cell covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Default for Span {
    fn default() -> Self {
        Self { columns: 1, rows: 1 }
    }
}

/// Whether a cell is said to name a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Head,
    Data,
}

/// A table while it is read.
#[derive(Default)]
pub(super) struct Grid {
    rows: Vec<Row>,
    open: Row,
    /// For each column, how many rows below are covered by a cell above, and what it says.
    above: Vec<(usize, String)>,
    repeated: usize,
}

#[derive(Default)]
struct Row {
    cells: Vec<String>,
    /// Do all cells with something in them name a column?
    heads: bool,
    /// Which places belong to a cell that covers several columns.
    grouped: Vec<bool>,
    /// How many cells were put in.
    put: usize,
    /// How many of them, and of those above that cover some of its places, say something.
    filled: usize,
}

impl Grid {
    /// Puts the next cell into the row.
    pub(super) fn cell(&mut self, text: &str, span: Span, role: Role) {
        self.cover();
        let rows = span.rows.clamp(1, MAX_ROWS);
        let columns = span.columns.clamp(1, MAX_COLUMNS);
        self.open.heads = (self.open.put == 0 || self.open.heads)
            && (role == Role::Head || text.trim().is_empty());
        self.open.put += 1;
        self.open.filled += usize::from(!text.trim().is_empty());
        let is_group = columns > 1 && !text.trim().is_empty();

        for column in 0..columns {
            let place = self.open.cells.len();
            if place >= MAX_COLUMNS {
                return;
            }
            let said = if column == 0 { text.to_owned() } else { self.again(text) };
            if self.above.len() <= place {
                self.above.resize(place + 1, (0, String::new()));
            }
            // The row itself is counted and uncounted at its end.
            self.above[place] = (rows, if rows > 1 { said.clone() } else { String::new() });
            self.open.cells.push(said);
            self.open.grouped.push(is_group);
        }
    }

    /// Puts a cell into the row that goes on with what the one above it says.
    pub(super) fn below(&mut self, span: Span) {
        self.cover();
        let place = self.open.cells.len();
        let above = self.rows.last().and_then(|row| row.cells.get(place)).cloned();
        let said = self.again(&above.unwrap_or_default());
        let role =
            if self.rows.last().is_some_and(|row| row.heads) { Role::Head } else { Role::Data };
        self.cell(&said, span, role);
    }

    /// Ends the row.
    pub(super) fn end_row(&mut self) {
        self.cover();
        for (left, _) in &mut self.above {
            *left = left.saturating_sub(1);
        }
        let mut row = std::mem::take(&mut self.open);
        if row.filled == 1 {
            // A title above the rows below, over several columns: said once.
            let first = row.cells.iter().position(|cell| !cell.is_empty()).unwrap_or(0);
            row.cells.iter_mut().skip(first + 1).for_each(String::clear);
            row.grouped.fill(false);
        }
        self.rows.push(row);
    }

    /// Is there a row that has not ended?
    pub(super) fn has_row(&self) -> bool {
        self.open.put > 0
    }

    /// Writes the table; titles above the first row of several cells become paragraphs.
    pub(super) fn write(self, writer: &mut Writer) {
        let is_title = |row: &&Row| row.cells.iter().filter(|cell| !cell.is_empty()).count() <= 1;
        let wide = self.rows.iter().any(|row| !is_title(&row));
        let columns = self.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        let titles = self.rows.iter().take_while(is_title).count();
        let titles = if wide || columns > 1 { titles } else { 0 };
        let (titles, rows) = self.rows.split_at(titles);
        for title in titles {
            writer.paragraph(&title.cells.concat());
        }

        match headers(rows) {
            Some(count) => writer.header_rows(count),
            None => writer.end_table(),
        }
        for row in rows {
            writer.row(&row.cells);
        }
        writer.end_table();
    }

    /// Says again what cells above say of the places that come next.
    fn cover(&mut self) {
        loop {
            let place = self.open.cells.len();
            let Some((_, said)) = self.above.get(place).filter(|(left, _)| *left > 0) else {
                return;
            };
            let said = said.clone();
            let said = self.again(&said);
            let new = self.open.cells.last().is_none_or(|before| *before != said);
            self.open.filled += usize::from(new && !said.is_empty());
            self.open.cells.push(said);
            self.open.grouped.push(false);
        }
    }

    /// The same once more, while there is room.
    fn again(&mut self, text: &str) -> String {
        self.repeated += text.len();
        if text.len() > LONGEST_REPEATED || self.repeated > MOST_REPEATED {
            return String::new();
        }
        text.to_owned()
    }
}

/// How many rows name the columns, where cells or their spans tell.
fn headers(rows: &[Row]) -> Option<usize> {
    let marked = rows.iter().take_while(|row| row.put > 0 && row.heads).count();
    if (1..=MAX_HEADERS).contains(&marked) && marked < rows.len() {
        return Some(marked);
    }
    let [first, second, _, ..] = rows else { return None };
    let is_group = |row: &Row| row.grouped.contains(&true);
    let names = |row: &Row| {
        let is_name = |cell: &String| {
            !cell.contains(|c: char| c.is_ascii_digit()) || cell.contains(char::is_alphabetic)
        };
        row.cells.iter().all(is_name)
    };
    // Beside the groups, the second row says nothing new.
    let places = first.cells.iter().zip(&first.grouped).zip(&second.cells);
    let goes_on = places
        .into_iter()
        .all(|((above, grouped), below)| *grouped || below.is_empty() || above == below);
    let joins = is_group(first) && !is_group(second) && goes_on && names(first) && names(second);
    joins.then_some(2)
}

#[cfg(test)]
mod tests {
    use replyx_core::knowledge::DocumentKind;

    use super::*;

    fn written(rows: &[&[(&str, usize, usize)]], role: Role) -> String {
        let mut grid = Grid::default();
        for row in rows {
            for (text, columns, rows) in *row {
                grid.cell(text, Span { columns: *columns, rows: *rows }, role);
            }
            grid.end_row();
        }
        let mut writer = Writer::new(DocumentKind::Html);
        grid.write(&mut writer);
        writer.finish().unwrap().text
    }

    #[test]
    fn what_a_merged_cell_says_is_said_in_every_row_and_column() {
        assert_eq!(
            written(
                &[
                    &[("City", 1, 1), ("Weight", 1, 1), ("Price", 1, 1)],
                    &[("Astana", 1, 2), ("up to 2 kg", 1, 1), ("1150", 1, 1)],
                    &[("2 to 5 kg", 1, 1), ("1750", 1, 1)],
                    &[("closed", 3, 1)],
                    &[("Almaty", 1, 1), ("by agreement", 2, 1)],
                ],
                Role::Data
            ),
            "City | Weight | Price\n--- | --- | ---\nAstana | up to 2 kg | 1150\nAstana | 2 to 5 kg | 1750\n\
             closed |\nAlmaty | by agreement | by agreement"
        );
    }

    #[test]
    fn two_rows_of_a_header_are_joined_and_a_title_stands_above() {
        assert_eq!(
            written(
                &[
                    &[("Prices of 2026", 3, 1)],
                    &[("Room", 1, 2), ("High season", 2, 1)],
                    &[("1 person", 1, 1), ("2 persons", 1, 1)],
                    &[("Lake", 1, 1), ("112", 1, 1), ("139", 1, 1)],
                ],
                Role::Data
            ),
            "Prices of 2026\n\nRoom | High season 1 person | High season 2 persons\n--- | --- | ---\nLake | 112 | 139"
        );
    }

    #[test]
    fn spans_are_bounded() {
        let text = "x".repeat(150);
        let cell = (text.as_str(), 1_000_000, 1_000_000);
        let rows: Vec<&[(&str, usize, usize)]> = vec![std::slice::from_ref(&cell); 300];
        assert!(written(&rows, Role::Data).len() < 3 << 20);
    }
}
