//! `OpenDocument` text.
//!
//! [`odt`] is the way in. The text is what a reader of the document sees: deletions, comments,
//! hidden sections and generated indexes are left out; notes come after the text. [`styles`] knows
//! what styles mean, [`inline`] what a paragraph says.

use replyx_core::knowledge::DocumentKind;

use super::{
    Extracted, Unreadable,
    grid::{Grid, Role, Span},
    package::Package,
    writer::Writer,
    xml::{Element, Tree},
};

mod inline;
mod list;
mod styles;

use inline::Inline;
use list::{Counting, Lists};
use styles::{Mark, OUTLINE};

pub(super) use inline::cell_text;
pub(super) use styles::Styles;

/// Most times a repeated cell is written.
const REPEATED: u64 = 64;

/// Reads a document.
///
/// # Errors
///
/// Returns [`Unreadable`] when it is no `OpenDocument` text, damaged, locked or too large.
pub(super) fn odt(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let mut package = Package::open(bytes)?;
    is_open(&mut package)?;
    let content = package.required("content.xml")?;
    let content = Tree::parse(&content)?;
    let common = package.text("styles.xml")?;
    let common = common.as_deref().map(Tree::parse).transpose()?;
    let body = content.root().path(&["body", "text"]).ok_or(Unreadable::Damaged)?;

    let mut styles = Styles::default();
    for tree in common.iter().chain([&content]) {
        styles.read(tree.root());
    }
    let mut writer = Writer::new(DocumentKind::Odt);
    if let Some(title) = meta_title(&mut package)? {
        writer.title(&title);
    }
    let mut reading = Reading { lists: Lists::default(), styles, notes: Vec::new(), writer };
    reading.blocks(body);
    reading.write_notes();
    reading.writer.finish()
}

/// An encrypted document says so in its manifest.
pub(super) fn is_open(package: &mut Package) -> Result<(), Unreadable> {
    let Some(source) = package.text("META-INF/manifest.xml")? else { return Ok(()) };
    let tree = Tree::parse(&source)?;
    match tree.root().descendants("encryption-data").next() {
        Some(_) => Err(Unreadable::Locked),
        None => Ok(()),
    }
}

/// The title in an `OpenDocument`'s properties.
pub(super) fn meta_title(package: &mut Package) -> Result<Option<String>, Unreadable> {
    let Some(source) = package.text("meta.xml")? else { return Ok(None) };
    // A document is none the worse for damaged properties.
    let Ok(tree) = Tree::parse(&source) else { return Ok(None) };
    let title = tree.root().path(&["meta", "title"]).map(|title| title.text().trim().to_owned());
    Ok(title.filter(|title| !title.is_empty()))
}

/// A document while its text is written down.
struct Reading<'t> {
    styles: Styles,
    lists: Lists,
    /// Notes in the order of their marks.
    notes: Vec<Element<'t>>,
    writer: Writer,
}

impl<'t> Reading<'t> {
    fn blocks(&mut self, parent: Element<'t>) {
        for block in parent.children() {
            self.block(block);
        }
    }

    fn block(&mut self, block: Element<'t>) {
        match block.name() {
            "h" => {
                let level = block.number("outline-level").unwrap_or(1).clamp(1, 9);
                let level = u8::try_from(level).unwrap_or(9);
                let number = self.outline_number(block, usize::from(level) - 1);
                self.paragraph(block, |writer, text| {
                    writer.heading(level, &format!("{number} {text}"));
                });
            }
            "p" if self.styles.is_title(block.attribute("style-name").as_deref()) => {
                self.paragraph(block, |writer, text| writer.heading(1, text));
            }
            "p" => self.paragraph(block, Writer::paragraph),
            "list" => self.list(block, None, 0),
            "table" => self.table(block),
            "section" if block.attribute("display").as_deref() == Some("none") => {}
            "tracked-changes" | "annotation" | "table-of-content" | "illustration-index"
            | "table-index" | "object-index" | "user-index" | "alphabetical-index"
            | "hidden-paragraph" => {}
            _ => self.blocks(block),
        }
    }

    /// The number that the document's outline gives a heading; mostly none.
    fn outline_number(&mut self, heading: Element, depth: usize) -> String {
        let counts = matches!(self.styles.mark(Some(OUTLINE), depth), Mark::Number(_));
        let listed = heading.attribute("is-list-header").as_deref() == Some("true");
        if !counts || listed {
            return String::new();
        }
        self.lists.restart_below(Some(OUTLINE), depth);
        self.lists.next(&self.styles, Some(OUTLINE), depth).unwrap_or_default()
    }

    fn paragraph(&mut self, paragraph: Element<'t>, write: impl FnOnce(&mut Writer, &str)) {
        let inline = Inline::read(paragraph, &self.styles, &mut self.notes);
        let text = inline.text.trim();
        if !text.is_empty() {
            write(&mut self.writer, text);
        }
        for boxed in inline.boxes {
            self.blocks(boxed);
        }
    }

    fn list(&mut self, list: Element<'t>, outer: Option<&str>, depth: usize) {
        let own = list.attribute("style-name");
        let style = own.as_deref().or(outer);
        let goes_on = list.attribute("continue-numbering").as_deref() == Some("true")
            || list.attribute("continue-list").is_some();
        let counting = if goes_on { Counting::On } else { Counting::Again };
        self.lists.begin(style, depth, counting);

        for item in list.children() {
            if let Some(number) = item.number("start-value") {
                self.lists.set(style, depth, number);
            }

            let mut marked = item.name() == "list-header";
            for block in item.children() {
                match block.name() {
                    "list" => self.list(block, style, depth + 1),
                    "p" if !marked => {
                        marked = true;
                        let named = block.attribute("style-name");
                        let style = style.or_else(|| self.styles.list_of(named.as_deref()));
                        let style = style.map(str::to_owned);
                        let number = self.lists.next(&self.styles, style.as_deref(), depth);
                        let mark = number.unwrap_or_else(|| "-".to_owned());
                        self.paragraph(block, |writer, text| writer.marked(depth, &mark, text));
                    }
                    "h" if !marked => {
                        marked = true;
                        let level = block.number("outline-level").unwrap_or(1).clamp(1, 9);
                        let level = u8::try_from(level).unwrap_or(9);
                        let number =
                            self.lists.next(&self.styles, style, depth).unwrap_or_default();
                        self.paragraph(block, |writer, text| {
                            writer.heading(level, &format!("{number} {text}"));
                        });
                    }
                    _ => self.block(block),
                }
            }
        }
    }

    /// Writes a table; one of a single column is a frame around its content.
    fn table(&mut self, table: Element<'t>) {
        let mut rows = Vec::new();
        table_rows(table, &mut rows);
        if rows.iter().all(|row| cells(*row).count() <= 1) {
            for cell in rows.iter().flat_map(|row| cells(*row)) {
                self.blocks(cell);
            }
            return;
        }

        let headers: Vec<Element> =
            table.children_named("table-header-rows").flat_map(Element::children).collect();
        let mut grid = Grid::default();
        for (place, row) in rows.into_iter().enumerate() {
            let role = if place < headers.len() { Role::Head } else { Role::Data };
            for cell in cells(row).filter(|cell| cell.name() == "table-cell") {
                let text = self.cell(cell);
                let times = cell.number("number-columns-repeated").unwrap_or(1).min(REPEATED);
                for _ in 0..times {
                    grid.cell(&text, span(cell), role);
                }
            }
            grid.end_row();
        }
        grid.write(&mut self.writer);
    }

    /// What a cell says; items of its lists keep their numbers.
    fn cell(&mut self, cell: Element<'t>) -> String {
        let mut texts = Vec::new();
        for block in cell.children() {
            if block.name() == "list" {
                self.cell_list(block, None, 0, &mut texts);
            } else {
                texts.push(cell_text(block, " ", &self.styles, &mut self.notes));
            }
        }
        texts.retain(|text| !text.trim().is_empty());
        texts.join(" ")
    }

    fn cell_list(
        &mut self,
        list: Element<'t>,
        outer: Option<&str>,
        depth: usize,
        texts: &mut Vec<String>,
    ) {
        let own = list.attribute("style-name");
        let style = own.as_deref().or(outer);
        let goes_on = list.attribute("continue-numbering").as_deref() == Some("true");
        let counting = if goes_on { Counting::On } else { Counting::Again };
        self.lists.begin(style, depth, counting);

        for item in list.children() {
            let mut number = self.lists.next(&self.styles, style, depth);
            for block in item.children() {
                if block.name() == "list" {
                    self.cell_list(block, style, depth + 1, texts);
                    continue;
                }
                let text = cell_text(block, " ", &self.styles, &mut self.notes);
                texts.push(match number.take() {
                    Some(number) => format!("{number} {text}"),
                    None => text,
                });
            }
        }
    }

    fn write_notes(&mut self) {
        // A note may have notes of its own.
        let mut index = 0;
        while let Some(note) = self.notes.get(index).copied() {
            index += 1;
            let Some(body) = note.child("note-body") else { continue };
            let text = cell_text(body, "\n", &self.styles, &mut self.notes);
            self.writer.paragraph(&format!("[{index}] {text}"));
        }
    }
}

/// How many columns and rows a cell covers.
pub(super) fn span(cell: Element) -> Span {
    let count = |name: &str| {
        let count = cell.number(name).unwrap_or(1).max(1);
        usize::try_from(count).unwrap_or(1)
    };
    Span { columns: count("number-columns-spanned"), rows: count("number-rows-spanned") }
}

/// The rows of a table, also those in groups and headers.
pub(super) fn table_rows<'t>(parent: Element<'t>, rows: &mut Vec<Element<'t>>) {
    for child in parent.children() {
        match child.name() {
            "table-row" => rows.push(child),
            "table-rows" | "table-header-rows" | "table-row-group" => table_rows(child, rows),
            _ => {}
        }
    }
}

/// The cells of a row, also covered ones.
pub(super) fn cells(row: Element<'_>) -> impl Iterator<Item = Element<'_>> {
    row.children().filter(|cell| matches!(cell.name(), "table-cell" | "covered-table-cell"))
}
