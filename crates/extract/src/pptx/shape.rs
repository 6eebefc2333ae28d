//! Shapes of a slide and the paragraphs in them.

use super::super::{
    docx::alternative,
    package::{Relations, link},
    xml::Element,
};

/// Levels a paragraph may have.
pub(super) const LEVELS: usize = 9;

/// What a shape is to a reader.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Title,
    /// The place for the slide's points.
    Body,
    /// Text anywhere else.
    Text,
    Table,
    /// A pointer to a diagram's data.
    Diagram,
}

/// The shapes of a slide in their order, groups taken apart.
pub(super) struct Shapes<'t>(Vec<(Kind, Element<'t>)>);

impl<'t> Shapes<'t> {
    /// Reads a tree of shapes.
    pub(super) fn read(tree: Element<'t>) -> Self {
        let mut shapes = Self(Vec::new());
        shapes.walk(tree);
        shapes
    }

    /// Those of one kind.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = Element<'t>> {
        self.0.iter().filter(move |(it, _)| *it == kind).map(|(_, shape)| *shape)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = (Kind, Element<'t>)> {
        self.0.iter().copied()
    }

    fn walk(&mut self, tree: Element<'t>) {
        for shape in tree.children() {
            match shape.name() {
                "sp" => self.0.extend(kind(shape).map(|kind| (kind, shape))),
                "grpSp" => self.walk(shape),
                "AlternateContent" => {
                    if let Some(chosen) = alternative(shape) {
                        self.walk(chosen);
                    }
                }
                "graphicFrame" => {
                    self.0.extend(shape.outermost("tbl").map(|table| (Kind::Table, table)));
                    self.0.extend(shape.outermost("relIds").map(|it| (Kind::Diagram, it)));
                }
                _ => {}
            }
        }
    }
}

/// Nothing for the furniture of a slide: dates, footers, numbers.
fn kind(shape: Element) -> Option<Kind> {
    let holder = shape.path(&["nvSpPr", "nvPr"]).and_then(|it| it.child("ph"));
    let Some(holder) = holder else { return Some(Kind::Text) };
    match holder.attribute("type").as_deref() {
        Some("title" | "ctrTitle") => Some(Kind::Title),
        Some("dt" | "ftr" | "hdr" | "sldNum" | "sldImg") => None,
        None | Some("body" | "obj") => Some(Kind::Body),
        Some(_) => Some(Kind::Text),
    }
}

/// A paragraph with words in it.
pub(super) struct Paragraph {
    pub(super) text: String,
    /// From 0, less than [`LEVELS`].
    pub(super) depth: usize,
    pub(super) mark: Mark,
}

/// What stands before a paragraph.
pub(super) enum Mark {
    Bullet,
    /// A number, and the one its list begins with.
    Number(u64),
    Nothing,
    /// What the slide's template says.
    Inherited,
}

/// The paragraphs of a shape or a cell.
pub(super) fn paragraphs(shape: Element, relations: &Relations) -> Vec<Paragraph> {
    let paragraphs = shape.descendants("p").map(|paragraph| {
        let properties = paragraph.child("pPr");
        let level = properties.and_then(|it| it.number("lvl")).unwrap_or(0);
        let depth = usize::try_from(level).unwrap_or(LEVELS).min(LEVELS - 1);
        let text = text(paragraph, relations).trim().to_owned();
        Paragraph { text, depth, mark: properties.map_or(Mark::Inherited, mark) }
    });
    paragraphs.filter(|paragraph| !paragraph.text.is_empty()).collect()
}

fn mark(properties: Element) -> Mark {
    for child in properties.children() {
        match child.name() {
            "buNone" => return Mark::Nothing,
            "buChar" | "buBlip" => return Mark::Bullet,
            "buAutoNum" => return Mark::Number(child.number("startAt").unwrap_or(1)),
            _ => {}
        }
    }
    Mark::Inherited
}

fn text(paragraph: Element, relations: &Relations) -> String {
    let mut text = String::new();
    for run in paragraph.children() {
        let from = text.len();
        match run.name() {
            "br" => text.push('\n'),
            "r" | "fld" => {
                if let Some(said) = run.child("t") {
                    text.push_str(&said.text());
                }
                let pointer = run.path(&["rPr", "hlinkClick"]).and_then(|it| it.prefixed("id"));
                if let Some(address) = pointer.and_then(|id| relations.address(&id)) {
                    link(&mut text, from, address);
                }
            }
            _ => {}
        }
    }
    text
}
