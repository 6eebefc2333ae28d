//! What the names of styles mean.

use std::collections::HashMap;

use super::super::xml::Element;

/// Longest chain of styles based on one another.
const CHAIN: usize = 32;

/// What stands before an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mark {
    #[default]
    Bullet,
    /// A number, and the one its list begins with.
    Number(u64),
}

/// The styles of a document.
#[derive(Default)]
pub(super) struct Styles {
    paragraphs: HashMap<String, Paragraph>,
    /// Marks of list styles by name and depth from 0.
    marks: HashMap<(String, u64), Mark>,
}

#[derive(Default)]
struct Paragraph {
    parent: Option<String>,
    list: Option<String>,
}

impl Styles {
    /// Adds the styles of a file; a later file's count.
    pub(super) fn read(&mut self, root: Element) {
        let groups =
            root.children().filter(|it| matches!(it.name(), "styles" | "automatic-styles"));
        for style in groups.flat_map(Element::children) {
            let Some(name) = style.attribute("name") else { continue };
            let owned = |name: &str| style.attribute(name).map(std::borrow::Cow::into_owned);
            match style.name() {
                "style" if style.attribute("family").as_deref() == Some("paragraph") => {
                    let parent = owned("parent-style-name");
                    let list = owned("list-style-name");
                    self.paragraphs.insert(name.into_owned(), Paragraph { parent, list });
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
                "list-level-style-number" if numbered => {
                    Mark::Number(level.number("start-value").unwrap_or(1))
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
        key.and_then(|key| self.marks.get(&key)).copied().unwrap_or_default()
    }

    fn chain(&self, name: Option<&str>) -> impl Iterator<Item = (&str, &Paragraph)> {
        let find = |name: &str| self.paragraphs.get_key_value(name).map(|(k, v)| (k.as_str(), v));
        let first = name.and_then(find);
        std::iter::successors(first, move |(_, style)| find(style.parent.as_deref()?)).take(CHAIN)
    }
}
