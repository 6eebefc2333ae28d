//! The one shape that the text of every format has.
//!
//! A reader calls [`Writer`] block by block, top to bottom. Blocks are divided by a blank line,
//! rows of a table and items of a list by a line's end; what shows nothing is left out. Past
//! [`MAX_TEXT`] nothing is written any more and [`Writer::finish`] says so, so a reader need not
//! count.
//!
//! A table is kept until it ends, because only then is it known whether its first row names the
//! columns. If it does, a line `--- | ---` follows it, as in Markdown: code that quotes a row later
//! can say what each value is.

use replyx_core::knowledge::{DocumentKind, DocumentWarning};

use super::{
    Extracted, Heading, MAX_TEXT, Unreadable, columns::names_columns, is_readable, plain::clean,
    script::settle,
};

/// Items nested deeper are written as if they were this deep.
const DEEPEST_ITEM: usize = 8;
/// More pages than this come from no document that people wrote.
const MAX_PAGES: usize = 20_000;

/// What the last block was: a run of rows or items is not torn by blank lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Block,
    Item,
    Row,
}

/// The table that is being read.
#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    /// How long its cells are together, bytes.
    length: usize,
    /// How many rows name the columns, where the reader knows.
    headers: Option<usize>,
}

/// Writes the text of a document.
pub(super) struct Writer {
    kind: DocumentKind,
    text: String,
    pages: Vec<usize>,
    headings: Vec<Heading>,
    title: Option<String>,
    warnings: Vec<DocumentWarning>,
    last: Last,
    table: Table,
    /// Pages that have begun and hold nothing yet.
    waiting: usize,
    full: bool,
}

impl Writer {
    /// An empty text of this format.
    pub(super) fn new(kind: DocumentKind) -> Self {
        Self {
            kind,
            text: String::new(),
            pages: Vec::new(),
            headings: Vec::new(),
            title: None,
            warnings: Vec::new(),
            last: Last::Block,
            table: Table::default(),
            waiting: 0,
            full: false,
        }
    }

    /// Is the text as long as it may be? What is written then is lost, and the document refused.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Has nothing been written yet?
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.table.rows.is_empty()
    }

    /// The document's own title; the first one counts.
    pub(super) fn title(&mut self, title: &str) {
        let title = one_line(title);
        if self.title.is_none() && !title.is_empty() {
            self.title = Some(title);
        }
    }

    /// Says something that the owner should know.
    pub(super) fn warn(&mut self, warning: DocumentWarning) {
        self.warnings.push(warning);
    }

    /// Begins a page.
    pub(super) fn page(&mut self) {
        self.end_table();
        self.waiting += 1;
        self.full |= self.pages.len() + self.waiting > MAX_PAGES;
    }

    /// A heading, `level` from 1.
    pub(super) fn heading(&mut self, level: u8, text: &str) {
        let text = one_line(&settle(text));
        if let Some(start) = self.write(Last::Block, &text) {
            self.headings.push(Heading { start, end: self.text.len(), level: level.clamp(1, 9) });
        }
    }

    /// A paragraph. Its line breaks stay, other runs of blanks become one.
    pub(super) fn paragraph(&mut self, text: &str) {
        let text = clean(&settle(text));
        let lines: Vec<String> =
            text.lines().map(one_line).filter(|line| !line.is_empty()).collect();
        self.write(Last::Block, &lines.join("\n"));
    }

    /// Lines whose blanks matter, such as code.
    pub(super) fn lines(&mut self, text: &str) {
        let text = clean(&settle(text));
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        self.write(Last::Block, lines.join("\n").trim_matches('\n'));
    }

    /// An item of a list, `depth` from 0; without a number it gets a dash.
    pub(super) fn item(&mut self, depth: usize, number: Option<u64>, text: &str) {
        match number {
            Some(number) => self.marked(depth, &format!("{number}."), text),
            None => self.marked(depth, "-", text),
        }
    }

    /// An item behind the mark that its program shows: `2.3.`, `(a)`, `§ 4`.
    pub(super) fn marked(&mut self, depth: usize, mark: &str, text: &str) {
        let text = one_line(&settle(text));
        if text.is_empty() {
            return;
        }
        let indent = "  ".repeat(depth.min(DEEPEST_ITEM));
        let mark = one_line(mark);
        let gap = if mark.is_empty() { "" } else { " " };
        self.write(Last::Item, &format!("{indent}{mark}{gap}{text}"));
    }

    /// Says how many rows of the next table name its columns; without it the first row is looked
    /// at.
    pub(super) fn header_rows(&mut self, count: usize) {
        self.end_table();
        self.table.headers = Some(count);
    }

    /// A row of a table. A row without text is left out.
    pub(super) fn row(&mut self, cells: &[String]) {
        let mut cells: Vec<String> =
            cells.iter().map(|cell| one_line(&settle(cell).replace('|', "/"))).collect();
        let width = cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
        if width == 0 || self.full {
            return;
        }

        // A bar at least says that it is a row.
        cells.truncate(width.max(2));
        self.table.length += cells.iter().map(|cell| cell.len() + 3).sum::<usize>();
        self.full |= self.text.len() + self.table.length > MAX_TEXT;
        self.table.rows.push(cells);
    }

    /// Ends a table: a row after it begins another one.
    pub(super) fn end_table(&mut self) {
        let Table { mut rows, headers, .. } = std::mem::take(&mut self.table);
        let headers = match headers {
            Some(count) if count < rows.len() => count,
            Some(_) => 0,
            None => usize::from(names_columns(&rows)),
        };

        if headers > 0 {
            let header = joined(rows.drain(..headers));
            self.write(Last::Row, &line(&header));
            self.write(Last::Row, &vec!["---"; header.len()].join(" | "));
        }

        for row in rows {
            self.write(Last::Row, &line(&row));
        }

        self.last = Last::Block;
    }

    /// The whole text.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable`] when nothing readable was written, or too much.
    pub(super) fn finish(mut self) -> Result<Extracted, Unreadable> {
        self.end_table();
        if self.full {
            return Err(Unreadable::TooLong);
        }
        self.pages.extend(std::iter::repeat_n(self.text.len(), self.waiting));
        is_readable(&self.text)?;
        Ok(Extracted {
            text: self.text,
            pages: self.pages,
            headings: self.headings,
            kind: self.kind,
            title: self.title,
            warnings: self.warnings,
        })
    }

    /// Writes a block and returns where it begins, if it was written.
    fn write(&mut self, what: Last, block: &str) -> Option<usize> {
        if block.is_empty() || self.full {
            return None;
        }
        if !self.table.rows.is_empty() {
            self.end_table();
        }
        let separator = match () {
            () if self.text.is_empty() => "",
            () if what == self.last && what != Last::Block => "\n",
            () => "\n\n",
        };
        if self.text.len() + separator.len() + block.len() > MAX_TEXT {
            self.full = true;
            return None;
        }
        self.text.push_str(separator);
        let start = self.text.len();
        self.pages.extend(std::iter::repeat_n(start, std::mem::take(&mut self.waiting)));
        self.text.push_str(block);
        self.last = what;
        Some(start)
    }
}

/// Rows that name the columns together, as one: `Winter` above `3 nights` is `Winter 3 nights`.
fn joined(rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let mut header: Vec<String> = Vec::new();
    for row in rows {
        header.resize(header.len().max(row.len()), String::new());
        for (name, cell) in header.iter_mut().zip(row) {
            if name.is_empty() {
                *name = cell;
            } else if !cell.is_empty() && *name != cell {
                name.push(' ');
                name.push_str(&cell);
            }
        }
    }
    header
}

/// A row as a line. One that begins with an empty cell begins with a bar, as in Markdown.
fn line(cells: &[String]) -> String {
    let line = cells.join(" | ");
    let line = line.trim_end();
    if line.starts_with(' ') { format!("|{line}") } else { line.to_owned() }
}

/// A clean text on one line, runs of blanks as one.
pub(super) fn one_line(text: &str) -> String {
    let clean = clean(text);
    let mut line = String::with_capacity(clean.len());
    for word in clean.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_rows_and_items_have_one_shape() {
        let mut writer = Writer::new(DocumentKind::Html);
        writer.title(" Prices\n2026 ");
        writer.title("Another");
        writer.page();
        writer.heading(1, "Our \n prices");
        writer.paragraph("Two  lines\n\n of\u{AD} text");
        writer.item(0, None, "first");
        writer.item(1, Some(2), "second\nline");
        writer.row(&["Zone".to_owned(), "a|b".to_owned(), String::new()]);
        writer.row(&[String::new(), " ".to_owned()]);
        writer.row(&["City\n1".to_owned(), String::new(), String::new()]);
        writer.row(&[String::new(), "5".to_owned()]);
        writer.end_table();
        writer.row(&["Other".to_owned()]);
        writer.page();
        writer.page();
        writer.lines("  if x\n\n    y  \n");
        let found = writer.finish().unwrap();

        assert_eq!(
            found.text,
            "Our prices\n\nTwo lines\nof text\n\n- first\n  2. second line\n\nZone | a/b\n--- | ---\nCity 1 |\n| | 5\n\nOther\n\n  if x\n\n    y"
        );
        let last = found.text.find("  if x").unwrap();
        assert_eq!(found.pages, [0, last, last]);
        assert_eq!(found.headings, [Heading { start: 0, end: 10, level: 1 }]);
        assert_eq!(found.title.as_deref(), Some("Prices 2026"));
    }

    #[test]
    fn a_header_is_told_or_seen_and_its_rows_are_joined() {
        let table = |headers: Option<usize>, rows: &[&[&str]]| {
            let mut writer = Writer::new(DocumentKind::Html);
            if let Some(headers) = headers {
                writer.header_rows(headers);
            }
            for row in rows {
                writer.row(&row.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
            }
            writer.finish().unwrap().text
        };

        let seasons: &[&[&str]] = &[
            &["Room", "Winter", "Winter"],
            &["Room", "1 night", "3 nights"],
            &["Alder", "63", "171"],
        ];
        assert_eq!(
            table(Some(2), seasons),
            "Room | Winter 1 night | Winter 3 nights\n--- | --- | ---\nAlder | 63 | 171"
        );
        assert_eq!(table(None, &[&["Alder", "63"], &["Lake", "71"]]), "Alder | 63\nLake | 71");
        assert_eq!(table(Some(0), &[&["a", "b"], &["c", "d"]]), "a | b\nc | d");
        assert_eq!(table(Some(5), &[&["a", "b"], &["c", "d"]]), "a | b\nc | d");
    }

    #[test]
    fn a_text_past_the_bound_is_refused() {
        let mut writer = Writer::new(DocumentKind::Html);
        let block = "x".repeat(1 << 20);
        for _ in 0..40 {
            writer.paragraph(&block);
        }
        assert!(writer.is_full());
        assert_eq!(writer.finish(), Err(Unreadable::TooLong));
    }
}
