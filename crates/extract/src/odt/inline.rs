//! What a paragraph says.

use std::fmt::Write;

use super::{
    super::{
        package::link,
        script::{lowered, raised},
        xml::{Content, Element},
    },
    styles::{Script, Styles},
};

/// Most blanks one element may stand for.
const BLANKS: u64 = 64;

/// Spans, links and marks as text.
#[derive(Default)]
pub(super) struct Inline<'t> {
    pub(super) text: String,
    /// The content of text boxes anchored here.
    pub(super) boxes: Vec<Element<'t>>,
}

impl<'t> Inline<'t> {
    /// Reads a paragraph; its notes are added to the document's.
    pub(super) fn read(
        paragraph: Element<'t>,
        styles: &Styles,
        notes: &mut Vec<Element<'t>>,
    ) -> Self {
        let mut inline = Self::default();
        if !styles.strikes(paragraph.attribute("style-name").as_deref()) {
            inline.walk(paragraph, styles, notes);
        }
        inline
    }

    fn walk(&mut self, parent: Element<'t>, styles: &Styles, notes: &mut Vec<Element<'t>>) {
        for content in parent.content() {
            match content {
                Content::Text(text) => self.collapse(text),
                Content::Element(element) => self.element(element, styles, notes),
            }
        }
    }

    fn element(&mut self, element: Element<'t>, styles: &Styles, notes: &mut Vec<Element<'t>>) {
        match element.name() {
            "span" => self.span(element, styles, notes),
            "s" => {
                let count = element.number("c").unwrap_or(1).min(BLANKS);
                self.text.extend((0..count).map(|_| ' '));
            }
            "tab" => self.text.push('\t'),
            "line-break" => self.text.push('\n'),
            "a" => {
                let from = self.text.len();
                self.walk(element, styles, notes);
                if let Some(address) = element.attribute("href") {
                    link(&mut self.text, from, &address);
                }
            }
            "note" => {
                notes.push(element);
                let _ = write!(self.text, "[{}]", notes.len());
            }
            "frame" => self.boxes.extend(element.outermost("text-box")),
            "custom-shape" | "rect" | "ellipse" => self.boxes.push(element),
            "annotation" | "annotation-end" | "hidden-text" | "ruby-text" | "tracked-changes" => {}
            _ => self.walk(element, styles, notes),
        }
    }

    fn span(&mut self, span: Element<'t>, styles: &Styles, notes: &mut Vec<Element<'t>>) {
        let style = span.attribute("style-name");
        if styles.is_struck(style.as_deref()) {
            return;
        }
        let from = self.text.len();
        self.walk(span, styles, notes);
        if let Some(script) = styles.script(style.as_deref()) {
            let inner = self.text.split_off(from);
            self.text.push_str(&match script {
                Script::Raised => raised(&inner),
                Script::Lowered => lowered(&inner),
            });
        }
    }

    /// Blanks and line ends in the file are one blank in the text.
    fn collapse(&mut self, text: &str) {
        for char in text.chars() {
            if !char.is_ascii_whitespace() {
                self.text.push(char);
            } else if !self.text.ends_with([' ', '\n', '\t']) {
                self.text.push(' ');
            }
        }
    }
}

/// The paragraphs of a cell or a note as one text; those of tables and boxes inside it as well.
pub(in super::super) fn cell_text<'t>(
    cell: Element<'t>,
    between: &str,
    styles: &Styles,
    notes: &mut Vec<Element<'t>>,
) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut waiting: Vec<Element<'t>> = vec![cell];
    while let Some(element) = waiting.pop() {
        if !matches!(element.name(), "p" | "h") {
            let inner: Vec<Element> =
                element.children().filter(|it| it.name() != "annotation").collect();
            waiting.extend(inner.into_iter().rev());
            continue;
        }
        let inline = Inline::read(element, styles, notes);
        if !inline.text.trim().is_empty() {
            texts.push(inline.text.trim().to_owned());
        }
        waiting.extend(inline.boxes.into_iter().rev());
    }
    texts.join(between)
}
