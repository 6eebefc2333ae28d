//! What a paragraph says.

use std::{collections::HashMap, fmt::Write};

use super::{
    super::{
        package::{Relations, link},
        xml::Element,
    },
    alternative,
};

/// Runs, links and fields as text.
#[derive(Default)]
pub(super) struct Inline<'t> {
    pub(super) text: String,
    /// The content of text boxes anchored here.
    pub(super) boxes: Vec<Element<'t>>,
    fields: Vec<Field>,
}

/// A field between its beginning and its end.
#[derive(Default)]
struct Field {
    instruction: String,
    /// Where its result begins in the text.
    result: Option<usize>,
}

/// Notes in the order of their marks.
#[derive(Default)]
pub(super) struct Notes {
    /// Whether it is an endnote, and its id.
    numbers: HashMap<(bool, String), u64>,
}

impl Notes {
    /// The number a note's mark got.
    pub(super) fn number(&self, ends: bool, id: &str) -> Option<u64> {
        self.numbers.get(&(ends, id.to_owned())).copied()
    }

    fn mark(&mut self, ends: bool, id: &str) -> u64 {
        let next = self.numbers.len() as u64 + 1;
        *self.numbers.entry((ends, id.to_owned())).or_insert(next)
    }
}

impl<'t> Inline<'t> {
    /// Reads a paragraph.
    pub(super) fn read(paragraph: Element<'t>, relations: &Relations, notes: &mut Notes) -> Self {
        let mut inline = Self::default();
        inline.walk(paragraph, relations, notes);
        inline
    }

    fn walk(&mut self, parent: Element<'t>, relations: &Relations, notes: &mut Notes) {
        for element in parent.children() {
            match element.name() {
                "t" => self.text.push_str(&element.text()),
                "tab" => self.text.push('\t'),
                "br" | "cr" => self.text.push('\n'),
                "noBreakHyphen" => self.text.push('-'),
                "fldChar" => self.field(element),
                "instrText" => {
                    if let Some(field) = self.fields.last_mut() {
                        field.instruction.push_str(&element.text());
                    }
                }
                "footnoteReference" | "endnoteReference" => self.note(element, notes),
                "r" if hidden(element) => {}
                "hyperlink" => {
                    let from = self.text.len();
                    self.walk(element, relations, notes);
                    let address = element.prefixed("id");
                    if let Some(address) = address.and_then(|id| relations.address(&id)) {
                        link(&mut self.text, from, address);
                    }
                }
                "fldSimple" => {
                    let from = self.text.len();
                    self.walk(element, relations, notes);
                    let instruction = element.attribute("instr").unwrap_or_default();
                    if let Some(address) = hyperlink(&instruction) {
                        link(&mut self.text, from, address);
                    }
                }
                "drawing" | "pict" | "object" => {
                    self.boxes.extend(element.outermost("txbxContent"));
                }
                "AlternateContent" => {
                    if let Some(chosen) = alternative(element) {
                        self.walk(chosen, relations, notes);
                    }
                }
                "del" | "moveFrom" | "delText" | "delInstrText" | "rt" | "pPr" | "rPr"
                | "sdtPr" => {}
                _ => self.walk(element, relations, notes),
            }
        }
    }

    fn field(&mut self, mark: Element) {
        match mark.attribute("fldCharType").as_deref() {
            Some("begin") => self.fields.push(Field::default()),
            Some("separate") => {
                let at = self.text.len();
                if let Some(field) = self.fields.last_mut() {
                    field.result = Some(at);
                }
            }
            Some("end") => {
                let Some(Field { instruction, result: Some(from) }) = self.fields.pop() else {
                    return;
                };
                if let Some(address) = hyperlink(&instruction) {
                    link(&mut self.text, from, address);
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, reference: Element, notes: &mut Notes) {
        let ends = reference.name() == "endnoteReference";
        if let Some(id) = reference.attribute("id") {
            let number = notes.mark(ends, &id);
            let _ = write!(self.text, "[{number}]");
        }
    }
}

/// Is a run hidden from readers?
fn hidden(run: Element) -> bool {
    run.path(&["rPr", "vanish"]).is_some_and(|vanish| is_on(vanish))
}

/// Does a switch say yes? Without a value it does.
pub(super) fn is_on(switch: Element) -> bool {
    !matches!(switch.attribute("val").as_deref(), Some("0" | "false" | "off"))
}

/// The address in a field's instruction, when it is a link to the outside.
fn hyperlink(instruction: &str) -> Option<&str> {
    let rest = instruction.trim().strip_prefix("HYPERLINK")?;
    rest.split('"').nth(1).filter(|_| !rest.trim_start().starts_with("\\l"))
}

/// All text of a block for a place with room for one line, such as a table's cell.
pub(super) fn flat<'t>(
    parent: Element<'t>,
    read: &mut impl FnMut(Element<'t>) -> String,
) -> String {
    let mut texts: Vec<String> = Vec::new();
    for element in parent.children() {
        let text = match element.name() {
            "p" => read(element),
            "del" | "moveFrom" | "tcPr" | "trPr" | "tblPr" | "tblGrid" | "sdtPr" => continue,
            _ => flat(element, read),
        };
        if !text.trim().is_empty() {
            texts.push(text.trim().to_owned());
        }
    }
    texts.join(" ")
}
