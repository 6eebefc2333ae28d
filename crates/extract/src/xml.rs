//! XML without its traps: a flat tree over the text it was read from.
//!
//! [`Tree::parse`] is the way in. A document type with declarations is refused, so no entity but
//! the five standard ones and numbers exists; depth and the number of nodes are bounded. Names are
//! local names: the prefixes of office formats are the writer's choice, and their local names do
//! not collide where we look.

use std::borrow::Cow;

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesRef, Event, attributes::Attributes},
};

use super::Unreadable;

/// Deepest nesting of elements.
const DEPTH: usize = 256;
/// Most elements and texts.
const NODES: usize = 4_000_000;

/// A document.
pub(super) struct Tree<'a> {
    /// In the order of the document; the first is the root element.
    nodes: Vec<Node<'a>>,
}

struct Node<'a> {
    /// Where its content ends in `nodes`, exclusive.
    end: u32,
    what: What<'a>,
}

enum What<'a> {
    Element { name: &'a str, attributes: &'a str },
    Text(Cow<'a, str>),
}

/// An element of a tree.
#[derive(Clone, Copy)]
pub(super) struct Element<'t> {
    tree: &'t Tree<'t>,
    at: usize,
}

/// What stands in an element.
pub(super) enum Content<'t> {
    Element(Element<'t>),
    Text(&'t str),
}

impl<'a> Tree<'a> {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable::Damaged`] when it is not well-formed, [`Unreadable::TooComplex`] when
    /// it declares entities, is too deep or has too many elements.
    pub(super) fn parse(source: &'a str) -> Result<Self, Unreadable> {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let mut reader = Reader::from_str(source);
        reader.config_mut().check_end_names = true;
        let mut growing = Growing::default();
        loop {
            let from = position(&reader);
            let event = reader.read_event().map_err(|_| Unreadable::Damaged)?;
            match event {
                Event::Start(_) => growing.open(tag(source, from, position(&reader)))?,
                Event::Empty(_) => {
                    growing.open(tag(source, from, position(&reader)))?;
                    growing.close()?;
                }
                Event::End(_) => growing.close()?,
                Event::Text(text) => growing.text(text.xml10_content())?,
                Event::CData(data) => growing.text(data.into_inner())?,
                Event::GeneralRef(entity) => growing.text(Cow::Owned(referred(&entity)?))?,
                Event::DocType(declared) if declared.contains('[') => {
                    return Err(Unreadable::TooComplex);
                }
                Event::Eof => break,
                Event::DocType(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }

        growing.finish()
    }

    /// The outermost element.
    pub(super) fn root(&self) -> Element<'_> {
        Element { tree: self, at: 0 }
    }
}

/// A tree while it is read.
#[derive(Default)]
struct Growing<'a> {
    nodes: Vec<Node<'a>>,
    /// The elements around the place we are at.
    open: Vec<usize>,
}

impl<'a> Growing<'a> {
    fn open(&mut self, tag: &'a str) -> Result<(), Unreadable> {
        if self.open.len() >= DEPTH {
            return Err(Unreadable::TooComplex);
        }
        if self.open.is_empty() && !self.nodes.is_empty() {
            return Err(Unreadable::Damaged);
        }
        let name_ends = tag.find(|c: char| c.is_ascii_whitespace()).unwrap_or(tag.len());
        let (name, attributes) = tag.split_at(name_ends);
        self.open.push(self.nodes.len());
        self.push(What::Element { name: local(name), attributes })
    }

    fn close(&mut self) -> Result<(), Unreadable> {
        let at = self.open.pop().ok_or(Unreadable::Damaged)?;
        self.nodes[at].end = count(self.nodes.len());
        Ok(())
    }

    fn text(&mut self, text: Cow<'a, str>) -> Result<(), Unreadable> {
        // Blanks around the root element are no part of it.
        if self.open.is_empty() || text.is_empty() { Ok(()) } else { self.push(What::Text(text)) }
    }

    fn push(&mut self, what: What<'a>) -> Result<(), Unreadable> {
        if self.nodes.len() >= NODES {
            return Err(Unreadable::TooComplex);
        }
        let end = count(self.nodes.len() + 1);
        self.nodes.push(Node { end, what });
        Ok(())
    }

    fn finish(self) -> Result<Tree<'a>, Unreadable> {
        if self.nodes.is_empty() || !self.open.is_empty() {
            return Err(Unreadable::Damaged);
        }
        Ok(Tree { nodes: self.nodes })
    }
}

fn count(nodes: usize) -> u32 {
    u32::try_from(nodes).expect("`NODES` is smaller")
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).expect("a place in a slice")
}

/// A tag's inside: the name and its attributes.
fn tag(source: &str, from: usize, to: usize) -> &str {
    let tag = source.get(from..to).unwrap_or_default();
    let tag = tag.strip_prefix('<').unwrap_or(tag);
    let tag = tag.strip_suffix('>').unwrap_or(tag);
    tag.strip_suffix('/').unwrap_or(tag)
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// What `&...;` stands for.
fn referred(entity: &BytesRef) -> Result<String, Unreadable> {
    if let Some(char) = entity.resolve_char_ref().map_err(|_| Unreadable::Damaged)? {
        return Ok(char.into());
    }
    resolve_predefined_entity(entity).map(str::to_owned).ok_or(Unreadable::Damaged)
}

impl<'t> Element<'t> {
    /// Its name without a prefix.
    pub(super) fn name(self) -> &'t str {
        match &self.tree.nodes[self.at].what {
            What::Element { name, .. } => name,
            What::Text(_) => "",
        }
    }

    /// The value of the first attribute of that local name.
    pub(super) fn attribute(self, name: &str) -> Option<Cow<'t, str>> {
        self.find_attribute(|key| local(key) == name)
    }

    /// As [`Element::attribute`], but only one with a prefix: `r:id` beside `id`.
    pub(super) fn prefixed(self, name: &str) -> Option<Cow<'t, str>> {
        self.find_attribute(|key| key.contains(':') && local(key) == name)
    }

    /// An attribute that holds a number.
    pub(super) fn number(self, name: &str) -> Option<u64> {
        self.attribute(name)?.trim().parse().ok()
    }

    fn find_attribute(self, wanted: impl Fn(&str) -> bool) -> Option<Cow<'t, str>> {
        let What::Element { attributes, .. } = &self.tree.nodes[self.at].what else { return None };
        let mut attributes = Attributes::new(attributes, 0);
        attributes.with_checks(false);
        let found = attributes.flatten().find(|attribute| wanted(attribute.key.into_inner()))?;
        found.normalized_value(XmlVersion::Implicit1_0).ok()
    }

    /// The elements and texts right inside it.
    pub(super) fn content(self) -> impl Iterator<Item = Content<'t>> {
        let tree = self.tree;
        let end = tree.nodes[self.at].end as usize;
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            let node = tree.nodes.get(at).filter(|_| at < end)?;
            let here = std::mem::replace(&mut at, node.end as usize);
            Some(match &node.what {
                What::Element { .. } => Content::Element(Element { tree, at: here }),
                What::Text(text) => Content::Text(text),
            })
        })
    }

    /// The elements right inside it.
    pub(super) fn children(self) -> impl Iterator<Item = Element<'t>> {
        self.content().filter_map(|content| match content {
            Content::Element(element) => Some(element),
            Content::Text(_) => None,
        })
    }

    /// The elements of one name right inside it.
    pub(super) fn children_named(self, name: &'static str) -> impl Iterator<Item = Element<'t>> {
        self.children().filter(move |child| child.name() == name)
    }

    /// The first element of that name right inside it.
    pub(super) fn child(self, name: &'static str) -> Option<Element<'t>> {
        self.children().find(|child| child.name() == name)
    }

    /// The element at the end of a path of names.
    pub(super) fn path(self, names: &[&'static str]) -> Option<Element<'t>> {
        names.iter().try_fold(self, |element, name| element.child(name))
    }

    /// All elements of that name inside it, at any depth, in the document's order.
    pub(super) fn descendants(self, name: &'static str) -> impl Iterator<Item = Element<'t>> {
        let tree = self.tree;
        let end = tree.nodes[self.at].end as usize;
        (self.at + 1..end).map(move |at| Element { tree, at }).filter(move |it| it.name() == name)
    }

    /// As [`Element::descendants`], without those inside another of the same name.
    pub(super) fn outermost(self, name: &'static str) -> impl Iterator<Item = Element<'t>> {
        let mut after = 0;
        self.descendants(name).filter(move |found| {
            let outer = found.at >= after;
            if outer {
                after = found.tree.nodes[found.at].end as usize;
            }
            outer
        })
    }

    /// All text inside it, at any depth.
    pub(super) fn text(self) -> String {
        let end = self.tree.nodes[self.at].end as usize;
        let texts = self.tree.nodes[self.at..end].iter().map(|node| match &node.what {
            What::Text(text) => text.as_ref(),
            What::Element { .. } => "",
        });
        texts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_texts_and_attributes_are_found_by_local_names() {
        let source =
            "<?xml version='1.0'?><w:a x='1 &amp; 2'>T&#1046;&lt;<b r:id='9' id='8'/>\r\nend</w:a>";
        let tree = Tree::parse(source).unwrap();
        let root = tree.root();
        assert_eq!((root.name(), root.attribute("x").as_deref()), ("a", Some("1 & 2")));
        assert_eq!(root.text(), "TЖ<\nend");
        assert_eq!(root.child("b").unwrap().prefixed("id").as_deref(), Some("9"));
    }

    #[test]
    fn declarations_depth_and_loose_ends_are_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
        assert_eq!(Tree::parse(bomb).err(), Some(Unreadable::TooComplex));
        assert!(Tree::parse("<!DOCTYPE a PUBLIC 'b' 'c'><a/>").is_ok());
        let deep = "<a>".repeat(DEPTH + 1);
        assert_eq!(Tree::parse(&deep).err(), Some(Unreadable::TooComplex));
        for bad in ["", "words", "<a>", "<a></b>", "<a/><b/>", "<a>&b;</a>", "</a>"] {
            assert_eq!(Tree::parse(bad).err(), Some(Unreadable::Damaged), "{bad}");
        }
    }
}
