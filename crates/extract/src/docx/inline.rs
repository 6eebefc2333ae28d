//! What a paragraph says.

use std::{collections::HashMap, fmt::Write};

use super::{
    super::{
        package::{Relations, link},
        script::{lowered, raised},
        xml::Element,
    },
    alternative, is_on,
    styles::Styles,
};

/// Runs, links and fields as text.
#[derive(Default)]
pub(super) struct Inline<'t> {
    pub(super) text: String,
    /// The content of text boxes anchored here.
    pub(super) boxes: Vec<Element<'t>>,
    /// Does it show the number of the page or of pages?
    pub(super) counts_pages: bool,
    fields: Vec<Field>,
}

/// What the reading of a paragraph takes from its document.
#[derive(Clone, Copy)]
pub(super) struct Context<'d> {
    pub(super) relations: &'d Relations,
    pub(super) styles: &'d Styles,
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
    numbers: HashMap<(NoteKind, String), u64>,
}

/// Where a note stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum NoteKind {
    Footnote,
    Endnote,
}

impl Notes {
    /// The number a note's mark got.
    pub(super) fn number(&self, kind: NoteKind, id: &str) -> Option<u64> {
        self.numbers.get(&(kind, id.to_owned())).copied()
    }

    fn mark(&mut self, kind: NoteKind, id: &str) -> u64 {
        let next = self.numbers.len() as u64 + 1;
        *self.numbers.entry((kind, id.to_owned())).or_insert(next)
    }
}

impl<'t> Inline<'t> {
    /// Reads a paragraph.
    pub(super) fn read(paragraph: Element<'t>, context: Context<'_>, notes: &mut Notes) -> Self {
        let mut inline = Self::default();
        if !context.styles.strikes(paragraph) {
            inline.walk(paragraph, context, notes);
        }
        inline
    }

    fn walk(&mut self, parent: Element<'t>, context: Context<'_>, notes: &mut Notes) {
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
                "r" if hidden(element) || context.styles.is_struck(element) => {}
                "r" => match context.styles.script(element).as_deref() {
                    Some("superscript") => self.wrapped(element, context, notes, raised),
                    Some("subscript") => self.wrapped(element, context, notes, lowered),
                    _ => self.walk(element, context, notes),
                },
                "sym" => self.text.push_str(symbol(element)),
                "f" | "sSup" | "sSub" | "rad" => self.formula(element, context, notes),
                "hyperlink" => {
                    let from = self.text.len();
                    self.walk(element, context, notes);
                    let address = element.prefixed("id");
                    if let Some(address) = address.and_then(|id| context.relations.address(&id)) {
                        link(&mut self.text, from, address);
                    }
                }
                "fldSimple" => {
                    let from = self.text.len();
                    self.walk(element, context, notes);
                    let instruction = element.attribute("instr").unwrap_or_default();
                    if self.is_page_number(&instruction) {
                        self.text.truncate(from);
                    }
                    if let Some(address) = hyperlink(&instruction) {
                        link(&mut self.text, from, address);
                    }
                }
                "drawing" | "pict" | "object" => {
                    self.boxes.extend(element.outermost("txbxContent"));
                }
                "AlternateContent" => {
                    if let Some(chosen) = alternative(element) {
                        self.walk(chosen, context, notes);
                    }
                }
                "del" | "moveFrom" | "delText" | "delInstrText" | "rt" | "pPr" | "rPr"
                | "sdtPr" => {}
                _ => self.walk(element, context, notes),
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
                if self.is_page_number(&instruction) {
                    self.text.truncate(from);
                }
                if let Some(address) = hyperlink(&instruction) {
                    link(&mut self.text, from, address);
                }
            }
            _ => {}
        }
    }

    /// Does a field count pages? The number is one of the paper, not of the text.
    fn is_page_number(&mut self, instruction: &str) -> bool {
        let name = instruction.split_whitespace().next().unwrap_or_default();
        let counts = matches!(name, "PAGE" | "NUMPAGES" | "SECTIONPAGES");
        self.counts_pages |= counts;
        counts
    }

    /// Reads a run that is raised or lowered.
    fn wrapped(
        &mut self,
        run: Element<'t>,
        context: Context<'_>,
        notes: &mut Notes,
        wrap: fn(&str) -> String,
    ) {
        let from = self.text.len();
        self.walk(run, context, notes);
        let inner = self.text.split_off(from);
        self.text.push_str(&wrap(&inner));
    }

    /// Reads a part of a formula: a fraction, a power, an index, a root.
    fn formula(&mut self, formula: Element<'t>, context: Context<'_>, notes: &mut Notes) {
        let mut part = |name: &'static str| {
            let from = self.text.len();
            if let Some(part) = formula.child(name) {
                self.walk(part, context, notes);
            }
            self.text.split_off(from).trim().to_owned()
        };
        let said = match formula.name() {
            "f" => {
                let over = part("num");
                let under = part("den");
                let gap = if self.text.ends_with(|c: char| c.is_ascii_digit()) { " " } else { "" };
                format!("{gap}{}/{}", grouped(&over), grouped(&under))
            }
            "sSup" => {
                let base = part("e");
                format!("{base}^{}", grouped(&part("sup")))
            }
            "sSub" => {
                let base = part("e");
                format!("{base}{}", lowered(&part("sub")))
            }
            _ => {
                let degree = part("deg");
                let radical =
                    if degree.is_empty() { "√".to_owned() } else { format!("{degree}√") };
                format!("{radical}{}", grouped(&part("e")))
            }
        };
        self.text.push_str(&said);
    }

    fn note(&mut self, reference: Element, notes: &mut Notes) {
        let is_endnote = reference.name() == "endnoteReference";
        let kind = if is_endnote { NoteKind::Endnote } else { NoteKind::Footnote };
        if let Some(id) = reference.attribute("id") {
            let number = notes.mark(kind, &id);
            let _ = write!(self.text, "[{number}]");
        }
    }
}

/// A part of a formula that is more than one number or name stands in brackets.
fn grouped(part: &str) -> String {
    let single = part.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | ','));
    if single || part.is_empty() { part.to_owned() } else { format!("({part})") }
}

/// What a character of a font of signs shows.
fn symbol(element: Element) -> &'static str {
    let font = element.attribute("font").unwrap_or_default().to_lowercase();
    let code = element.attribute("char").unwrap_or_default();
    let code = u32::from_str_radix(&code, 16).unwrap_or(0) & 0xFF;
    if !font.contains("wingdings") {
        return "";
    }
    match (font.contains('2'), code) {
        (false, 0xFC) | (true, 0x50) => "✓",
        (false, 0xFB) | (true, 0x4F) => "✗",
        (false, 0xFE) | (true, 0x52) => "☑",
        (false, 0xFD) | (true, 0x51 | 0x53) => "☒",
        (false, 0xA8 | 0x6F) | (true, 0xA3) => "☐",
        (false, 0xE0 | 0xE8) => "→",
        _ => "",
    }
}

/// Is a run hidden from readers?
fn hidden(run: Element) -> bool {
    run.path(&["rPr", "vanish"]).is_some_and(is_on)
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
