//! Does the first row of a table name its columns?

use replyx_core::knowledge::{DocumentWarning, WarningCode};

use super::{columns::is_number, writer::Writer};

/// Looks at the rows of a table, one after the other.
#[derive(Default)]
pub(super) struct Header {
    first: Vec<String>,
    rows: usize,
    /// Columns whose first cell is a number, and how many of the rows below have one there, too.
    numbers: Vec<(usize, usize)>,
}

impl Header {
    /// Takes the next row; one without text is none.
    pub(super) fn row(&mut self, cells: &[String]) {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return;
        }
        self.rows += 1;
        if self.rows == 1 {
            self.first = cells.to_vec();
            let numbers = cells.iter().enumerate().filter(|(_, cell)| is_number(cell));
            self.numbers = numbers.map(|(column, _)| (column, 0)).collect();
            return;
        }
        for (column, count) in &mut self.numbers {
            *count += usize::from(cells.get(*column).is_some_and(|cell| is_number(cell)));
        }
    }

    /// Tells the owner where rows stand below no header: a column that holds numbers begins with
    /// one.
    pub(super) fn warn(self, sheet: Option<&str>, writer: &mut Writer) {
        let below = self.rows.saturating_sub(1);
        let is_data = self.first.len() > 1
            && below >= 2
            && self.numbers.iter().any(|(_, count)| count * 2 > below);
        if !is_data {
            return;
        }
        let place = sheet.map(|name| format!(" of the sheet `{name}`")).unwrap_or_default();
        let detail = format!(
            "the first row{place} holds values and no names of columns: add a row that names them, so that answers know \
             what a value is"
        );
        let mut warning = DocumentWarning::count(WarningCode::RowsWithoutHeader, self.rows, detail);
        warning.names = sheet.map(str::to_owned).into_iter().collect();
        writer.warn(warning);
    }
}

#[cfg(test)]
mod tests {
    use replyx_core::knowledge::DocumentKind;

    use super::*;

    fn warned(rows: &[&[&str]]) -> Vec<WarningCode> {
        let mut writer = Writer::new(DocumentKind::Csv);
        let mut header = Header::default();
        for row in rows {
            let cells: Vec<String> = row.iter().map(|cell| (*cell).to_owned()).collect();
            header.row(&cells);
            writer.row(&cells);
        }
        header.warn(None, &mut writer);
        let found = writer.finish().unwrap();
        found.warnings.into_iter().map(|warning| warning.code).collect()
    }

    #[test]
    fn a_table_that_begins_with_values_is_told() {
        let values: &[&[&str]] = &[&["lamp", "19.90"], &["bulb", "2.50"], &["cord", "1 990 ₽"]];
        assert_eq!(warned(values), [WarningCode::RowsWithoutHeader]);
        assert_eq!(warned(&[&["item", "price"], values[0], values[1]]), []);
        assert_eq!(
            warned(&[&["item", "2025", "2026"], &["lamp", "1", "2"], &["bulb", "3", "4"]]),
            []
        );
        assert_eq!(warned(&[&["question", "answer"], &["Open?", "Yes"], &["Cards?", "All"]]), []);
        assert_eq!(warned(&values[..2]), [], "too little to know");
    }
}
