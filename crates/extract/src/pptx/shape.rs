//! Shapes of a slide and the paragraphs in them.

use super::super::{
    docx::alternative,
    package::{Relations, link},
    script::{lowered, raised},
    xml::Element,
};

/// Shapes whose tops are nearer than this stand side by side, English metric units: a third of an
/// inch.
const ONE_LINE: i64 = 300_000;

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
    /// A pointer to a chart.
    Chart,
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

    /// Puts the shapes in the order in which people read them: from top to bottom, side by side
    /// from left to right. The file has them in the order in which they were drawn. Shapes that
    /// take their place from a template stay before the others.
    fn in_reading_order(found: Vec<(Kind, Element<'t>, Element<'t>)>) -> Vec<(Kind, Element<'t>)> {
        let mut placed: Vec<_> =
            found.into_iter().map(|(kind, shape, frame)| (place(frame), kind, shape)).collect();
        placed.sort_by_key(|(place, _, _)| place.map(|(x, y)| (y, x)));

        // Lines of shapes that stand side by side.
        let mut lines: Vec<(i64, Vec<_>)> = Vec::new();
        let mut ordered = Vec::new();
        for (place, kind, shape) in placed {
            match (place, lines.last_mut()) {
                (None, _) => ordered.push((kind, shape)),
                (Some((x, y)), Some((top, line))) if y - *top < ONE_LINE => {
                    line.push((x, kind, shape));
                }
                (Some((x, y)), _) => lines.push((y, vec![(x, kind, shape)])),
            }
        }
        for (_, mut line) in lines {
            line.sort_by_key(|(x, _, _)| *x);
            ordered.extend(line.into_iter().map(|(_, kind, shape)| (kind, shape)));
        }
        ordered
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
        let mut found = Vec::new();
        gather(tree, None, &mut found);
        self.0 = Self::in_reading_order(found);
    }
}

/// The shapes of a tree with what gives them their place: a group gives it to what is in it.
fn gather<'t>(
    tree: Element<'t>,
    group: Option<Element<'t>>,
    found: &mut Vec<(Kind, Element<'t>, Element<'t>)>,
) {
    for shape in tree.children() {
        let frame = group.unwrap_or(shape);
        match shape.name() {
            "sp" => found.extend(kind(shape).map(|kind| (kind, shape, frame))),
            "grpSp" => gather(shape, Some(frame), found),
            "AlternateContent" => {
                if let Some(chosen) = alternative(shape) {
                    gather(chosen, group, found);
                }
            }
            "graphicFrame" => {
                let kinds =
                    [("tbl", Kind::Table), ("relIds", Kind::Diagram), ("chart", Kind::Chart)];
                for (name, kind) in kinds {
                    found.extend(shape.outermost(name).map(|it| (kind, it, frame)));
                }
            }
            _ => {}
        }
    }
}

/// How far a shape is from the left and the top, where it says so itself.
fn place(shape: Element) -> Option<(i64, i64)> {
    let properties = ["spPr", "grpSpPr"].iter().find_map(|name| shape.child(name)?.child("xfrm"));
    let offset = properties.or_else(|| shape.child("xfrm"))?.child("off")?;
    let number = |name: &str| offset.attribute(name)?.trim().parse::<i64>().ok();
    let bound = |number: i64| number.clamp(-1_000_000_000, 1_000_000_000);
    Some((bound(number("x")?), bound(number("y")?)))
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
                let look = |name: &str| run.child("rPr").and_then(|it| it.attribute(name));
                if look("strike").is_some_and(|strike| strike != "noStrike") {
                    continue;
                }
                if let Some(said) = run.child("t") {
                    let baseline = look("baseline").unwrap_or_default();
                    let baseline: f64 = baseline.trim_end_matches('%').parse().unwrap_or(0.0);
                    let said = said.text();
                    text.push_str(&match baseline {
                        raise if raise > 0.0 => raised(&said),
                        lower if lower < 0.0 => lowered(&said),
                        _ => said,
                    });
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
