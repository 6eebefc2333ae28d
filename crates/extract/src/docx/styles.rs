//! Which paragraphs are headings, items or lines of a table of contents.

use std::{borrow::Cow, collections::HashMap};

use super::{
    super::{
        Unreadable,
        xml::{Element, Tree},
    },
    is_on,
};

/// Longest chain of styles based on one another.
const CHAIN: usize = 32;
/// What programs and people call the styles of headings, in lower case, before the number.
const HEADINGS: [&str; 11] = [
    "heading",
    "заголовок",
    "überschrift",
    "titre",
    "título",
    "titolo",
    "nagłówek",
    "rubrik",
    "kop",
    "nadpis",
    "overskrift",
];

/// What a paragraph is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A heading of a level from 1.
    Heading(u8),
    /// A line of a table of contents.
    Contents,
    /// Anything else; an item has its list and depth.
    Text(Option<(String, usize)>),
}

/// The paragraph styles of a document.
#[derive(Default)]
pub(super) struct Styles {
    by_id: HashMap<String, Style>,
    default: Option<String>,
}

#[derive(Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<u64>,
    list: Option<String>,
    depth: Option<u64>,
    /// Is its text struck through, where it says so?
    struck: Option<bool>,
    /// Is its text raised or lowered?
    script: Option<String>,
}

impl Styles {
    /// Reads `styles.xml`.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable`] when it is not well-formed.
    pub(super) fn read(source: Option<&str>) -> Result<Self, Unreadable> {
        let mut styles = Self::default();
        let Some(source) = source else { return Ok(styles) };
        for style in Tree::parse(source)?.root().children_named("style") {
            let Some(id) = style.attribute("styleId").map(Cow::into_owned) else { continue };
            let value = |names: &[&'static str]| style.path(names)?.attribute("val");
            let number = |names: &[&'static str]| style.path(names)?.number("val");
            if style.attribute("default").is_some()
                && style.attribute("type").as_deref() == Some("paragraph")
            {
                styles.default = Some(id.clone());
            }
            let read = Style {
                name: value(&["name"]).unwrap_or_default().to_lowercase(),
                based_on: value(&["basedOn"]).map(Cow::into_owned),
                outline: number(&["pPr", "outlineLvl"]),
                list: value(&["pPr", "numPr", "numId"]).map(Cow::into_owned),
                depth: number(&["pPr", "numPr", "ilvl"]),
                struck: style.child("rPr").and_then(struck),
                script: value(&["rPr", "vertAlign"]).map(Cow::into_owned),
            };
            styles.by_id.insert(id, read);
        }
        Ok(styles)
    }

    /// What a paragraph with these properties is.
    pub(super) fn role(&self, properties: Option<Element>) -> Role {
        let value = |names: &[&'static str]| properties?.path(names)?.attribute("val");
        let own = value(&["pStyle"]);
        let chain = self.chain(own.as_deref().or(self.default.as_deref()));
        if chain.iter().any(|style| is_contents(&style.name)) {
            return Role::Contents;
        }
        let outline = properties.and_then(|it| it.child("outlineLvl")?.number("val"));
        let outline = outline.or_else(|| chain.iter().find_map(|style| style.outline));
        // Some name a style of their own a heading and set no level, so names count as well.
        let level = match outline {
            Some(level) => (level < 9).then_some(level + 1),
            None => chain.iter().find_map(|style| named_level(&style.name)),
        };
        if let Some(level) = level {
            return Role::Heading(u8::try_from(level).unwrap_or(9));
        }
        Role::Text(self.list(properties))
    }

    /// The list that a paragraph belongs to, and how deep it stands in it; headings have numbers,
    /// too.
    pub(super) fn list(&self, properties: Option<Element>) -> Option<(String, usize)> {
        let value = |names: &[&'static str]| properties?.path(names)?.attribute("val");
        let own = value(&["pStyle"]);
        let chain = self.chain(own.as_deref().or(self.default.as_deref()));
        let list = value(&["numPr", "numId"]).map(Cow::into_owned);
        let list = list.or_else(|| chain.iter().find_map(|style| style.list.clone()));
        let depth = value(&["numPr", "ilvl"]).and_then(|depth| depth.trim().parse().ok());
        let depth = depth.or_else(|| chain.iter().find_map(|style| style.depth)).unwrap_or(0);
        let depth = usize::try_from(depth.min(8)).unwrap_or(8);
        list.filter(|id| id != "0").map(|id| (id, depth))
    }

    /// Is a run struck through, by itself or by its style?
    pub(super) fn is_struck(&self, run: Element) -> bool {
        let Some(properties) = run.child("rPr") else { return false };
        struck(properties).unwrap_or_else(|| {
            let style = properties.child("rStyle").and_then(|style| style.attribute("val"));
            self.chain(style.as_deref()).iter().find_map(|style| style.struck).unwrap_or(false)
        })
    }

    /// Is all of a paragraph struck through by its style?
    pub(super) fn strikes(&self, paragraph: Element) -> bool {
        let style = paragraph.path(&["pPr", "pStyle"]).and_then(|style| style.attribute("val"));
        self.chain(style.as_deref()).iter().find_map(|style| style.struck).unwrap_or(false)
    }

    /// Is a run raised (`superscript`) or lowered (`subscript`)?
    pub(super) fn script(&self, run: Element) -> Option<String> {
        let properties = run.child("rPr")?;
        let own = properties.child("vertAlign").and_then(|align| align.attribute("val"));
        own.map(Cow::into_owned).or_else(|| {
            let style = properties.child("rStyle").and_then(|style| style.attribute("val"));
            self.chain(style.as_deref()).iter().find_map(|style| style.script.clone())
        })
    }

    /// A style and those it is based on.
    fn chain(&self, id: Option<&str>) -> Vec<&Style> {
        let first = id.and_then(|id| self.by_id.get(id));
        let next = |style: &&Style| self.by_id.get(style.based_on.as_ref()?);
        std::iter::successors(first, next).take(CHAIN).collect()
    }
}

/// What the properties of a run say of a line through it.
fn struck(properties: Element) -> Option<bool> {
    let lines = ["strike", "dstrike"].map(|name| properties.child(name).map(is_on));
    if lines.iter().all(Option::is_none) { None } else { Some(lines.contains(&Some(true))) }
}

fn named_level(name: &str) -> Option<u64> {
    if name == "title" || name == "название" {
        return Some(1);
    }
    let rest = HEADINGS.iter().find_map(|heading| name.strip_prefix(heading))?;
    rest.trim().parse().ok().filter(|level| (1..=9).contains(level))
}

fn is_contents(name: &str) -> bool {
    ["toc ", "contents "].iter().any(|prefix| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest == "heading" || rest.parse::<u8>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_known_by_level_by_name_and_by_what_they_are_based_on() {
        let styles = "<styles>
            <style styleId='1' type='paragraph'><name val='heading 2'/></style>
            <style styleId='2'><name val='Ours'/><basedOn val='1'/></style>
            <style styleId='3'><name val='Заголовок 3'/></style>
            <style styleId='4'><name val='x'/><pPr><outlineLvl val='0'/></pPr></style>
            <style styleId='5'><name val='heading 1'/><pPr><outlineLvl val='9'/></pPr></style>
            <style styleId='6'><name val='TOC 1'/></style>
            <style styleId='7'><name val='a'/><basedOn val='8'/></style>
            <style styleId='8'><name val='b'/><basedOn val='7'/></style></styles>";
        let styles = Styles::read(Some(styles)).unwrap();
        let role = |id: &str| {
            let source = format!("<pPr><pStyle val='{id}'/></pPr>");
            styles.role(Some(Tree::parse(&source).unwrap().root()))
        };
        assert_eq!(role("1"), Role::Heading(2));
        assert_eq!(role("2"), Role::Heading(2));
        assert_eq!(role("3"), Role::Heading(3));
        assert_eq!(role("4"), Role::Heading(1));
        assert_eq!(role("5"), Role::Text(None));
        assert_eq!(role("6"), Role::Contents);
        assert_eq!(role("7"), Role::Text(None));
    }
}
