//! Microsoft Word since 2007.
//!
//! [`docx`] is the way in. The text is what a reader of the document sees when all changes are
//! accepted: deletions, hidden and struck-out text, comments and tables of contents are left out;
//! notes come after the text, then headers and footers, which often hold the only phone number,
//! once and without the numbers of pages. [`styles`] knows which paragraphs are headings,
//! [`super::numbering`] what stands before items, [`inline`] what a paragraph says.

use std::collections::HashSet;

use replyx_core::knowledge::DocumentKind;

use super::{
    Extracted, Unreadable, doc,
    numbering::{Mark, Numbering},
    package::{Package, Relations, is_compound},
    writer::Writer,
    xml::{Element, Tree},
};

mod inline;
mod styles;
mod table;

use inline::{Context, Inline, NoteKind, Notes};
use styles::{Role, Styles};

/// Reads a document.
///
/// # Errors
///
/// Returns [`Unreadable`] when it is no Word document, damaged, locked or too large.
pub(super) fn docx(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let mut package = match Package::open(bytes) {
        // A compound file that is not an encrypted document is one of the time before.
        Err(Unreadable::Damaged) if is_compound(bytes) => return doc::doc(bytes),
        other => other?,
    };
    let root = Relations::of(&mut package, "")?;
    let main = root.part("officeDocument").unwrap_or("word/document.xml").to_owned();
    let relations = Relations::of(&mut package, &main)?;
    let mut part = |kind: &str| match relations.part(kind) {
        Some(name) => package.text(name),
        None => Ok(None),
    };
    let styles = part("styles")?;
    let numbering = part("numbering")?;
    let footnotes = part("footnotes")?;
    let endnotes = part("endnotes")?;
    let mut note_relations = Vec::new();
    for kind in ["footnotes", "endnotes"] {
        note_relations.push(match relations.part(kind) {
            Some(name) => Relations::of(&mut package, name)?,
            None => Relations::default(),
        });
    }
    let source = package.required(&main)?;
    let tree = Tree::parse(&source)?;
    if tree.root().name() != "document" {
        return Err(Unreadable::Damaged);
    }
    let body = tree.root().child("body").ok_or(Unreadable::Damaged)?;

    let mut margins = Vec::new();
    for name in ["header", "footer"].iter().flat_map(|kind| relations.parts(kind)).take(MAX_MARGINS)
    {
        let Some(source) = package.text(name)? else { continue };
        margins.push((source, Relations::of(&mut package, name)?));
    }

    let mut reading = Reading {
        styles: Styles::read(styles.as_deref())?,
        numbering: Numbering::read(numbering.as_deref())?,
        relations: &relations,
        notes: Notes::default(),
        writer: Writer::new(DocumentKind::Docx),
    };
    if let Some(title) = core_title(&mut package, &root)? {
        reading.writer.title(&title);
    }
    reading.blocks(body);
    let mut notes = Vec::new();
    let kinds = [(NoteKind::Footnote, footnotes), (NoteKind::Endnote, endnotes)];
    for (index, (kind, text)) in kinds.into_iter().enumerate() {
        let Some(text) = text else { continue };
        reading.relations = &note_relations[index];
        notes.extend(reading.notes(&Tree::parse(&text)?, kind));
    }
    notes.sort();
    for (number, text) in notes {
        reading.writer.paragraph(&format!("[{number}] {text}"));
    }

    let mut told = HashSet::new();
    for (source, own) in &margins {
        reading.relations = own;
        reading.margin(&Tree::parse(source)?, &mut told);
    }
    reading.writer.finish()
}

/// Most headers and footers that are read: each section may have three of each.
const MAX_MARGINS: usize = 60;
/// What stands beside the number of a page says nothing, letters.
const FEWEST_LETTERS: usize = 12;

/// The title in an Open XML document's properties.
pub(super) fn core_title(
    package: &mut Package,
    root: &Relations,
) -> Result<Option<String>, Unreadable> {
    let name = root.part("core-properties").unwrap_or("docProps/core.xml");
    let Some(source) = package.text(name)? else { return Ok(None) };
    // A document is none the worse for damaged properties.
    let Ok(tree) = Tree::parse(&source) else { return Ok(None) };
    let title = tree.root().child("title").map(|title| title.text().trim().to_owned());
    Ok(title.filter(|title| !title.is_empty()))
}

/// Does a switch say yes? Without a value it does.
fn is_on(switch: Element) -> bool {
    !matches!(switch.attribute("val").as_deref(), Some("0" | "false" | "off"))
}

/// Of a choice between forms of the same content, the one to read.
pub(super) fn alternative(element: Element) -> Option<Element> {
    let filled = |branch: &Element| branch.descendants("t").next().is_some();
    let choice = element.children_named("Choice").find(filled);
    choice.or_else(|| element.child("Fallback"))
}

/// A document while its text is written down.
struct Reading<'a> {
    styles: Styles,
    numbering: Numbering,
    relations: &'a Relations,
    notes: Notes,
    writer: Writer,
}

impl Reading<'_> {
    /// Writes the paragraphs and tables in an element.
    fn blocks(&mut self, parent: Element) {
        for block in parent.children() {
            match block.name() {
                "p" => self.paragraph(block),
                "tbl" => self.table(block),
                "del" | "moveFrom" | "sectPr" | "sdtPr" | "customXmlPr" => {}
                "sdt" if is_contents(block) => {}
                "AlternateContent" => {
                    if let Some(chosen) = alternative(block) {
                        self.blocks(chosen);
                    }
                }
                _ => self.blocks(block),
            }
        }
    }

    fn paragraph(&mut self, paragraph: Element) {
        let properties = paragraph.child("pPr");
        let role = self.styles.role(properties);
        if matches!(role, Role::Contents) {
            return;
        }
        let inline = self.inline(paragraph);
        let text = inline.text.trim();
        match role {
            // A paragraph with nothing but a picture takes no number either.
            _ if text.is_empty() => {}
            Role::Heading(level) => match self.number(paragraph, text) {
                Some(number) => self.writer.heading(level, &format!("{number} {text}")),
                None => self.writer.heading(level, text),
            },
            Role::Contents | Role::Text(None) => self.writer.paragraph(text),
            Role::Text(Some((list, depth))) => match self.numbering.next(&list, depth) {
                Mark::Number(number) => self.writer.marked(depth, &number, text),
                Mark::Bullet => self.writer.item(depth, None, text),
                Mark::Nothing => self.writer.paragraph(text),
            },
        }
        for boxed in inline.boxes {
            self.blocks(boxed);
        }
    }

    /// What a paragraph says.
    fn inline<'t>(&mut self, paragraph: Element<'t>) -> Inline<'t> {
        let context = Context { relations: self.relations, styles: &self.styles };
        Inline::read(paragraph, context, &mut self.notes)
    }

    /// The number before a heading or a paragraph of a cell, if it says anything.
    fn number(&mut self, paragraph: Element, text: &str) -> Option<String> {
        let list = self.styles.list(paragraph.child("pPr")).filter(|_| !text.trim().is_empty());
        let (list, depth) = list?;
        match self.numbering.next(&list, depth) {
            Mark::Number(number) => Some(number),
            Mark::Bullet | Mark::Nothing => None,
        }
    }

    /// Writes a header or a footer, unless another one has told the same.
    fn margin(&mut self, tree: &Tree, told: &mut HashSet<String>) {
        for paragraph in tree.root().outermost("p") {
            let inline = self.inline(paragraph);
            let letters = inline.text.chars().filter(|c| c.is_alphabetic()).count();
            let only_counts = inline.counts_pages && letters < FEWEST_LETTERS;
            let text = inline.text.trim();
            if !only_counts && text.contains(char::is_alphanumeric) && told.insert(text.to_owned())
            {
                self.writer.paragraph(text);
            }
        }
    }

    /// The notes the text refers to, by their numbers; the others are not shown to a reader.
    fn notes(&mut self, tree: &Tree, kind: NoteKind) -> Vec<(u64, String)> {
        let mut notes = Vec::new();
        for note in tree.root().children() {
            let id = note.attribute("id").unwrap_or_default();
            let Some(number) = self.notes.number(kind, &id) else { continue };
            let texts: Vec<String> = note
                .descendants("p")
                .map(|p| self.inline(p).text.trim().to_owned())
                .filter(|text| !text.is_empty())
                .collect();
            notes.push((number, texts.join("\n")));
        }
        notes
    }
}

/// Is a control the document's table of contents?
fn is_contents(control: Element) -> bool {
    let gallery = control.path(&["sdtPr", "docPartObj", "docPartGallery"]);
    gallery.and_then(|it| it.attribute("val")).as_deref() == Some("Table of Contents")
}
