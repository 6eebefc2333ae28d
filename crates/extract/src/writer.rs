//! The one shape that the text of every format has.
//!
//! A reader calls [`Writer`] block by block, top to bottom. Blocks are divided by a blank line,
//! rows of a table and items of a list by a line's end; what shows nothing is left out. Past
//! [`MAX_TEXT`] nothing is written any more and [`Writer::finish`] says so, so a reader need not
//! count.

use replyx_core::knowledge::{DocumentKind, DocumentWarning};

use super::{Extracted, Heading, MAX_TEXT, Unreadable, is_readable, plain::clean};

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

/// Writes the text of a document.
pub(super) struct Writer {
    kind: DocumentKind,
    text: String,
    pages: Vec<usize>,
    headings: Vec<Heading>,
    title: Option<String>,
    warnings: Vec<DocumentWarning>,
    last: Last,
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
        self.text.is_empty()
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
        self.last = Last::Block;
        self.waiting += 1;
        self.full |= self.pages.len() + self.waiting > MAX_PAGES;
    }

    /// A heading, `level` from 1.
    pub(super) fn heading(&mut self, level: u8, text: &str) {
        let text = one_line(text);
        if let Some(start) = self.write(Last::Block, &text) {
            self.headings.push(Heading { start, end: self.text.len(), level: level.clamp(1, 9) });
        }
    }

    /// A paragraph. Its line breaks stay, other runs of blanks become one.
    pub(super) fn paragraph(&mut self, text: &str) {
        let text = clean(text);
        let lines: Vec<String> =
            text.lines().map(one_line).filter(|line| !line.is_empty()).collect();
        self.write(Last::Block, &lines.join("\n"));
    }

    /// Lines whose blanks matter, such as code.
    pub(super) fn lines(&mut self, text: &str) {
        let text = clean(text);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        self.write(Last::Block, lines.join("\n").trim_matches('\n'));
    }

    /// An item of a list, `depth` from 0; without a number it gets a dash.
    pub(super) fn item(&mut self, depth: usize, number: Option<u64>, text: &str) {
        let text = one_line(text);
        if text.is_empty() {
            return;
        }
        let indent = "  ".repeat(depth.min(DEEPEST_ITEM));
        let item = match number {
            Some(number) => format!("{indent}{number}. {text}"),
            None => format!("{indent}- {text}"),
        };
        self.write(Last::Item, &item);
    }

    /// A row of a table; the first one of a table names its columns. A row without text is left
    /// out.
    pub(super) fn row(&mut self, cells: &[String]) {
        let mut cells: Vec<String> =
            cells.iter().map(|cell| one_line(&cell.replace('|', "/"))).collect();
        let width = cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
        if width == 0 {
            return;
        }
        // A bar at least says that it is a row.
        cells.truncate(width.max(2));
        self.write(Last::Row, cells.join(" | ").trim());
    }

    /// Ends a table: a row after it begins another one.
    pub(super) fn end_table(&mut self) {
        self.last = Last::Block;
    }

    /// The whole text.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable`] when nothing readable was written, or too much.
    pub(super) fn finish(mut self) -> Result<Extracted, Unreadable> {
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
        writer.end_table();
        writer.row(&["Other".to_owned()]);
        writer.page();
        writer.page();
        writer.lines("  if x\n\n    y  \n");
        let found = writer.finish().unwrap();

        assert_eq!(
            found.text,
            "Our prices\n\nTwo lines\nof text\n\n- first\n  2. second line\n\nZone | a/b\nCity 1 |\n\nOther\n\n  if x\n\n    y"
        );
        let last = found.text.find("  if x").unwrap();
        assert_eq!(found.pages, [0, last, last]);
        assert_eq!(found.headings, [Heading { start: 0, end: 10, level: 1 }]);
        assert_eq!(found.title.as_deref(), Some("Prices 2026"));
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
