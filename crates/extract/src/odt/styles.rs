//! What the names of styles mean.

use std::collections::HashMap;

use super::super::{numeral::Numeral, xml::Element};

/// Longest chain of styles based on one another.
const CHAIN: usize = 32;

/// What stands before and behind a number is no longer than this, characters.
const LONGEST_AFFIX: usize = 32;

/// What stands before an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Mark {
    #[default]
    Bullet,
    Number(Level),
}

/// How a level counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) numeral: Numeral,
    /// The number its list begins with.
    pub(super) start: u64,
    pub(super) prefix: String,
    pub(super) suffix: String,
    /// How many levels, its own counted, are shown: `2.3.` shows two.
    pub(super) shown: usize,
}

/// How a text stands on its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    Raised,
    Lowered,
}

/// The styles of a document.
#[derive(Default)]
pub(in super::super) struct Styles {
    paragraphs: HashMap<String, Paragraph>,
    texts: HashMap<String, Look>,
    cells: HashMap<String, Look>,
    /// Marks of list styles by name and depth from 0.
    marks: HashMap<(String, u64), Mark>,
}

/// How a style's text looks.
#[derive(Clone, Default)]
struct Look {
    parent: Option<String>,
    struck: Option<bool>,
    script: Option<Script>,
}

/// The list style that headings are numbered by.
pub(super) const OUTLINE: &str = "\u{0}outline";

#[derive(Default)]
struct Paragraph {
    parent: Option<String>,
    list: Option<String>,
    struck: Option<bool>,
}

impl Styles {
    /// Adds the styles of a file; a later file's count.
    pub(in super::super) fn read(&mut self, root: Element) {
        let groups =
            root.children().filter(|it| matches!(it.name(), "styles" | "automatic-styles"));
        for style in groups.flat_map(Element::children) {
            if style.name() == "outline-style" {
                self.read_list(OUTLINE, style);
            }
            let Some(name) = style.attribute("name") else { continue };
            let owned = |name: &str| style.attribute(name).map(std::borrow::Cow::into_owned);
            match style.name() {
                "style" if style.attribute("family").as_deref() == Some("paragraph") => {
                    let parent = owned("parent-style-name");
                    let list = owned("list-style-name");
                    let struck = look(style).struck;
                    self.paragraphs.insert(name.into_owned(), Paragraph { parent, list, struck });
                }
                "style" if style.attribute("family").as_deref() == Some("text") => {
                    let look = Look { parent: owned("parent-style-name"), ..look(style) };
                    self.texts.insert(name.into_owned(), look);
                }
                "style" if style.attribute("family").as_deref() == Some("table-cell") => {
                    let look = Look { parent: owned("parent-style-name"), ..look(style) };
                    self.cells.insert(name.into_owned(), look);
                }
                "list-style" => self.read_list(&name, style),
                _ => {}
            }
        }
    }

    fn read_list(&mut self, name: &str, style: Element) {
        for level in style.children() {
            let Some(depth) = level.number("level").and_then(|it| it.checked_sub(1)) else {
                continue;
            };
            let numbered = level.attribute("num-format").is_some_and(|it| !it.is_empty());
            let mark = match level.name() {
                "list-level-style-number" | "outline-level-style" if numbered => {
                    Mark::Number(counting(level, depth))
                }
                _ => Mark::Bullet,
            };
            self.marks.insert((name.to_owned(), depth), mark);
        }
    }

    /// Is a paragraph of that style the document's title?
    pub(super) fn is_title(&self, name: Option<&str>) -> bool {
        name == Some("Title") || self.chain(name).any(|(name, _)| name == "Title")
    }

    /// The list a paragraph of that style belongs to.
    pub(super) fn list_of(&self, name: Option<&str>) -> Option<&str> {
        self.chain(name).find_map(|(_, style)| style.list.as_deref())
    }

    /// What stands before an item of a list style.
    pub(super) fn mark(&self, list: Option<&str>, depth: usize) -> Mark {
        let key = list.map(|list| (list.to_owned(), depth as u64));
        key.and_then(|key| self.marks.get(&key)).cloned().unwrap_or_default()
    }

    /// Is the text of a span struck through?
    pub(super) fn is_struck(&self, span: Option<&str>) -> bool {
        self.looks(span).find_map(|look| look.struck).unwrap_or(false)
    }

    /// Is the text of a workbook's cell struck through?
    pub(in super::super) fn is_cell_struck(&self, cell: Option<&str>) -> bool {
        let first = cell.and_then(|name| self.cells.get(name));
        let mut chain =
            std::iter::successors(first, |look| self.cells.get(look.parent.as_deref()?))
                .take(CHAIN);
        chain.find_map(|look| look.struck).unwrap_or(false)
    }

    /// Is all of a paragraph struck through?
    pub(super) fn strikes(&self, paragraph: Option<&str>) -> bool {
        self.chain(paragraph).find_map(|(_, style)| style.struck).unwrap_or(false)
    }

    /// Is the text of a span raised or lowered?
    pub(super) fn script(&self, span: Option<&str>) -> Option<Script> {
        self.looks(span).find_map(|look| look.script)
    }

    fn looks(&self, name: Option<&str>) -> impl Iterator<Item = &Look> {
        let first = name.and_then(|name| self.texts.get(name));
        std::iter::successors(first, |look| self.texts.get(look.parent.as_deref()?)).take(CHAIN)
    }

    fn chain(&self, name: Option<&str>) -> impl Iterator<Item = (&str, &Paragraph)> {
        let find = |name: &str| self.paragraphs.get_key_value(name).map(|(k, v)| (k.as_str(), v));
        let first = name.and_then(find);
        std::iter::successors(first, move |(_, style)| find(style.parent.as_deref()?)).take(CHAIN)
    }
}

fn counting(level: Element, depth: u64) -> Level {
    let affix = |name: &str| {
        level.attribute(name).unwrap_or_default().chars().take(LONGEST_AFFIX).collect()
    };
    let shown = level.number("display-levels").unwrap_or(1).clamp(1, depth.saturating_add(1));
    Level {
        numeral: Numeral::of_example(&level.attribute("num-format").unwrap_or_default()),
        start: level.number("start-value").unwrap_or(1),
        prefix: affix("num-prefix"),
        suffix: affix("num-suffix"),
        shown: usize::try_from(shown).unwrap_or(1),
    }
}

/// How the text of a style looks.
fn look(style: Element) -> Look {
    let Some(text) = style.child("text-properties") else { return Look::default() };
    let line = text.attribute("text-line-through-style");
    let line = line.or_else(|| text.attribute("text-line-through-type"));
    let position = text.attribute("text-position").unwrap_or_default();
    let first = position.split_whitespace().next().unwrap_or_default();
    let script = match first {
        "super" => Some(Script::Raised),
        "sub" => Some(Script::Lowered),
        share => match share.trim_end_matches('%').parse::<f64>() {
            Ok(share) if share > 0.0 => Some(Script::Raised),
            Ok(share) if share < 0.0 => Some(Script::Lowered),
            _ => None,
        },
    };
    Look { parent: None, struck: line.map(|line| line != "none"), script }
}
