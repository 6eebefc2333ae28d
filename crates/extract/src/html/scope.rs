//! Which part of a page counts.

use ego_tree::{NodeRef, iter::Edge};
use scraper::{Html, Node, node::Element};
use url::Url;

/// Where walks begin.
pub(super) type Root<'p> = NodeRef<'p, Node>;

/// Elements that hold no text for readers.
const SILENT: [&str; 26] = [
    "head", "script", "style", "noscript", "template", "svg", "iframe", "object", "embed",
    "canvas", "video", "audio", "map", "button", "select", "textarea", "input", "datalist",
    "progress", "meter", "del", "s", "strike", "frameset", "noframes", "rp",
];
/// What surrounds the content of every page.
const FRAME: [&str; 4] = ["nav", "footer", "aside", "menu"];
const FRAME_ROLES: [&str; 7] =
    ["navigation", "banner", "contentinfo", "search", "complementary", "menu", "dialog"];

/// An article is the page's content when it holds this share of its text, per cent.
const ARTICLE_SHARE: usize = 40;
/// A `<main>` is trusted when it holds this share of the page's text, per cent.
const MAIN_SHARE: usize = 10;

/// What the page calls itself.
pub(super) fn title(page: &Html) -> Option<String> {
    let node = elements(page).find(|(_, element)| element.name() == "title")?.0;
    Some(node.children().filter_map(|child| Some(&*child.value().as_text()?.text)).collect())
}

/// What the page's links are relative to.
pub(super) fn base(page: &Html, outer: Option<&Url>) -> Option<Url> {
    let own = elements(page)
        .find(|(_, element)| element.name() == "base" && element.attr("href").is_some())
        .and_then(|(_, element)| element.attr("href"));
    match (own, outer) {
        (Some(own), Some(outer)) => outer.join(own).ok(),
        (Some(own), None) => Url::parse(own).ok(),
        (None, outer) => outer.cloned(),
    }
}

/// The elements that hold the page's content.
pub(super) fn roots(page: &Html, whole_forms: bool) -> Vec<Root<'_>> {
    let body = elements(page).find(|(_, element)| element.name() == "body").map(|(node, _)| node);
    let body = body.unwrap_or_else(|| page.tree.root());
    let all = letters(body, whole_forms);
    let mains =
        topmost(body, |element| element.name() == "main" || element.attr("role") == Some("main"));
    let articles = topmost(body, |element| element.name() == "article");
    let holds = |node: &Root<'_>, share: usize| {
        let letters = letters(*node, whole_forms);
        letters > 0 && letters * 100 >= all * share
    };
    if let Some(main) = mains.into_iter().find(|main| holds(main, MAIN_SHARE)) {
        return vec![main];
    }
    if let [article] = articles.as_slice()
        && holds(article, ARTICLE_SHARE)
    {
        return vec![*article];
    }
    vec![body]
}

/// Is the element left out, with all that is in it?
pub(super) fn is_skipped(node: Root<'_>, element: &Element, whole_forms: bool) -> bool {
    let name = element.name();
    if SILENT.contains(&name) || FRAME.contains(&name) || name == "form" && !whole_forms {
        return true;
    }
    // A page's header names the site; an article's, or one with the page's main heading, names the
    // content.
    if name == "header" && in_body_alone(node) && !has_main_heading(node) {
        return true;
    }
    let hidden = element.attr("hidden").is_some()
        || element.attr("aria-hidden") == Some("true")
        || element.attr("style").is_some_and(is_invisible)
        || name == "img" && element.attr("alt").is_none();
    hidden || element.attr("role").is_some_and(|role| FRAME_ROLES.contains(&role))
}

fn is_invisible(style: &str) -> bool {
    let style: String =
        style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    style.contains("display:none") || style.contains("visibility:hidden")
}

fn in_body_alone(node: Root<'_>) -> bool {
    let inside = |node: Root<'_>| {
        node.value()
            .as_element()
            .is_some_and(|element| ["main", "article", "section"].contains(&element.name()))
    };
    !node.ancestors().any(inside)
}

fn has_main_heading(node: Root<'_>) -> bool {
    let named = |name: &str| {
        node.descendants()
            .filter_map(|node| node.value().as_element())
            .any(|element| element.name() == name)
    };
    named("h1") && !named("nav")
}

fn elements(page: &Html) -> impl Iterator<Item = (Root<'_>, &Element)> {
    page.tree.root().descendants().filter_map(|node| Some((node, node.value().as_element()?)))
}

/// The elements of a kind that are not inside another one of it, nor inside what is left out.
fn topmost(body: Root<'_>, is: impl Fn(&Element) -> bool) -> Vec<Root<'_>> {
    let mut found: Vec<Root<'_>> = Vec::new();
    let mut inside = None;
    for edge in body.traverse() {
        match edge {
            Edge::Open(node) if inside.is_none() => {
                let Some(element) = node.value().as_element() else { continue };
                if is(element) {
                    found.push(node);
                    inside = Some(node.id());
                } else if node != body && is_skipped(node, element, true) {
                    inside = Some(node.id());
                }
            }
            Edge::Close(node) if inside == Some(node.id()) => inside = None,
            _ => {}
        }
    }
    found
}

/// How many letters and digits a walk would write.
fn letters(root: Root<'_>, whole_forms: bool) -> usize {
    let mut count = 0;
    let mut skipped = None;
    for edge in root.traverse() {
        match edge {
            Edge::Open(node) if skipped.is_none() => match node.value() {
                Node::Text(text) => count += text.chars().filter(|c| c.is_alphanumeric()).count(),
                Node::Element(element)
                    if node != root && is_skipped(node, element, whole_forms) =>
                {
                    skipped = Some(node.id());
                }
                _ => {}
            },
            Edge::Close(node) if skipped == Some(node.id()) => skipped = None,
            _ => {}
        }
    }
    count
}
