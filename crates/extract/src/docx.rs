//! Microsoft Word since 2007.
//!
//! [`docx`] is the way in. The text is what a reader of the document sees when all changes are
//! accepted: deletions, hidden text, headers, footers, comments and tables of contents are left
//! out; notes come after the text. [`styles`] knows which paragraphs are headings, [`numbering`]
//! which are items, [`inline`] what a paragraph says.

use super::{
    Extracted, Unreadable,
    package::{Package, Relations},
    writer::Writer,
    xml::{Element, Tree},
};
use replyx_core::knowledge::DocumentKind;

mod inline;
mod numbering;
mod styles;
mod table;

use inline::{Inline, Notes};
use numbering::{Mark, Numbering};
use styles::{Role, Styles};

/// Reads a document.
///
/// # Errors
///
/// Returns [`Unreadable`] when it is no Word document, damaged, locked or too large.
pub(super) fn docx(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let mut package = Package::open(bytes)?;
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
    for (index, text) in [footnotes, endnotes].into_iter().enumerate() {
        let Some(text) = text else { continue };
        reading.relations = &note_relations[index];
        notes.extend(reading.notes(&Tree::parse(&text)?, index == 1));
    }
    notes.sort();
    for (number, text) in notes {
        reading.writer.paragraph(&format!("[{number}] {text}"));
    }
    reading.writer.finish()
}

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
        let inline = Inline::read(paragraph, self.relations, &mut self.notes);
        let text = inline.text.trim();
        match role {
            // A paragraph with nothing but a picture takes no number either.
            _ if text.is_empty() => {}
            Role::Heading(level) => self.writer.heading(level, text),
            Role::Contents | Role::Text(None) => self.writer.paragraph(text),
            Role::Text(Some((list, depth))) => match self.numbering.next(&list, depth) {
                Mark::Number(number) => self.writer.item(depth, Some(number), text),
                Mark::Bullet => self.writer.item(depth, None, text),
                Mark::Nothing => self.writer.paragraph(text),
            },
        }
        for boxed in inline.boxes {
            self.blocks(boxed);
        }
    }

    /// The notes the text refers to, by their numbers; the others are not shown to a reader.
    fn notes(&mut self, tree: &Tree, ends: bool) -> Vec<(u64, String)> {
        let mut notes = Vec::new();
        for note in tree.root().children() {
            let id = note.attribute("id").unwrap_or_default();
            let Some(number) = self.notes.number(ends, &id) else { continue };
            let texts: Vec<String> = note
                .descendants("p")
                .map(|p| Inline::read(p, self.relations, &mut self.notes).text.trim().to_owned())
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
