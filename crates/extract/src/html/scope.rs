//! Which part of a page counts.

use ego_tree::iter::Edge;
use scraper::{Html, Node, node::Element};
use url::Url;

use super::{
    hidden::{Hidden, heads_panel, is_consent},
    tree::{Root, elements},
};

/// Elements that hold no text for readers.
const SILENT: [&str; 21] = [
    "head", "script", "style", "noscript", "template", "svg", "iframe", "object", "embed",
    "canvas", "video", "audio", "map", "textarea", "input", "datalist", "progress", "meter",
    "frameset", "noframes", "rp",
];
/// What surrounds the content of every page.
const FRAME: [&str; 3] = ["nav", "footer", "menu"];
const FRAME_ROLES: [&str; 7] =
    ["navigation", "banner", "contentinfo", "search", "complementary", "menu", "dialog"];

/// Words in the names of notes that stand beside a text and belong to it.
const NOTES: [&str; 11] = [
    "admonition",
    "note",
    "warning",
    "tip",
    "callout",
    "caution",
    "danger",
    "info",
    "important",
    "alert",
    "hint",
];
/// A list of so many options or fewer may be what a shop offers.
const MOST_OPTIONS: usize = 40;
/// Words in the names of forms that offer something.
const OFFERING: [&str; 6] = ["cart", "product", "buy", "order", "shop", "variation"];

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

/// Whether what stands in forms counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forms {
    Skipped,
    Read,
}

/// Which part of a page counts.
pub(super) struct Scope {
    forms: Forms,
    hidden: Hidden,
}

impl Scope {
    /// Looks through a page.
    pub(super) fn of(page: &Html, forms: Forms) -> Self {
        Self { forms, hidden: Hidden::of(page) }
    }

    /// The elements that hold the page's content.
    pub(super) fn roots<'p>(&self, page: &'p Html) -> Vec<Root<'p>> {
        let body = elements(page).find(|(_, element)| element.name() == "body");
        let body = body.map_or_else(|| page.tree.root(), |(node, _)| node);
        let all = self.letters(body);
        let is_main =
            |element: &Element| element.name() == "main" || element.attr("role") == Some("main");
        let mains = self.topmost(body, is_main);
        let articles = self.topmost(body, |element| element.name() == "article");
        let holds = |node: &Root<'_>, share: usize| {
            let letters = self.letters(*node);
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
    pub(super) fn skips(&self, node: Root<'_>, element: &Element) -> bool {
        let name = element.name();
        if SILENT.contains(&name) || FRAME.contains(&name) || is_consent(element) {
            return true;
        }
        let is_apart = match name {
            "form" => self.forms == Forms::Skipped && !holds_offer(node),
            "select" => !is_offer(node),
            "button" => !heads_panel(element) && !in_heading(node),
            "aside" => !is_note(node, element),
            // A page's header names the site; an article's, or one with the page's main heading,
            // names the content.
            "header" => in_body_alone(node) && !has_main_heading(node),
            "img" => element.attr("alt").is_none(),
            // Wikipedia's list of other languages, and its like.
            "a" => element.attr("hreflang").is_some() && element.attr("lang").is_some(),
            _ => false,
        };
        is_apart
            || self.hidden.strikes(element)
            || self.hidden.hides(node, element)
            || element
                .attr("role")
                .is_some_and(|role| FRAME_ROLES.contains(&role) && name != "aside")
    }

    /// The elements of a kind that are not inside another one of it, nor inside what is left out.
    fn topmost<'p>(&self, body: Root<'p>, is: impl Fn(&Element) -> bool) -> Vec<Root<'p>> {
        let mut found: Vec<Root<'p>> = Vec::new();
        let mut inside = None;
        for edge in body.traverse() {
            match edge {
                Edge::Open(node) if inside.is_none() => {
                    let Some(element) = node.value().as_element() else { continue };
                    if is(element) {
                        found.push(node);
                        inside = Some(node.id());
                    } else if node != body && element.name() != "form" && self.skips(node, element)
                    {
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
    fn letters(&self, root: Root<'_>) -> usize {
        let mut count = 0;
        let mut skipped = None;
        for edge in root.traverse() {
            match edge {
                Edge::Open(node) if skipped.is_none() => match node.value() {
                    Node::Text(text) => {
                        count += text.chars().filter(|c| c.is_alphanumeric()).count();
                    }
                    Node::Element(element) if node != root && self.skips(node, element) => {
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
}

/// Does the element stand in a heading?
fn in_heading(node: Root<'_>) -> bool {
    node.ancestors().filter_map(|node| node.value().as_element()).any(|element| {
        matches!(element.name(), "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "summary" | "dt")
    })
}

/// Is it a note to the text, and not what stands beside every page of the site?
fn is_note(node: Root<'_>, element: &Element) -> bool {
    let named = element.classes().any(|class| {
        let class = class.to_lowercase();
        NOTES.iter().any(|note| class.split(['-', '_']).any(|part| part == *note))
    });
    let inside = || {
        let within = |node: Root<'_>| {
            node.value().as_element().is_some_and(|it| matches!(it.name(), "main" | "article"))
        };
        node.ancestors().any(within)
    };
    let leads_away = || {
        node.descendants()
            .filter_map(|node| node.value().as_element())
            .any(|element| matches!(element.name(), "a" | "nav" | "form" | "iframe"))
    };
    named || element.attr("role") == Some("note") || inside() && !leads_away()
}

/// Does a form hold a list of what a shop offers?
fn holds_offer(form: Root<'_>) -> bool {
    form.descendants()
        .filter(|node| node.value().as_element().is_some_and(|it| it.name() == "select"))
        .any(is_offer)
}

/// Does a list tell what a shop offers: sizes with prices, or the choices of a form that sells? The
/// countries of an address and the years of a birth say nothing.
fn is_offer(select: Root<'_>) -> bool {
    let options: Vec<String> = select
        .descendants()
        .filter(|node| node.value().as_element().is_some_and(|it| it.name() == "option"))
        .map(|option| {
            option.descendants().filter_map(|node| Some(&*node.value().as_text()?.text)).collect()
        })
        .take(MOST_OPTIONS + 1)
        .collect();
    if options.is_empty() || options.len() > MOST_OPTIONS {
        return false;
    }

    let tells = |text: &&String| {
        text.contains(|c: char| c.is_ascii_digit()) && text.contains(char::is_alphabetic)
    };
    let sells = || {
        let mut around = select.ancestors().filter_map(|node| node.value().as_element());
        let form = around.find(|element| element.name() == "form");
        form.is_some_and(|form| {
            let names = [form.attr("class"), form.attr("id"), form.attr("action")];
            let names = names.into_iter().flatten().collect::<Vec<_>>().join(" ").to_lowercase();
            OFFERING.iter().any(|word| names.contains(word))
        })
    };
    let worded = options.iter().any(|text| text.contains(char::is_alphabetic));
    options.iter().filter(tells).count() * 2 > options.len() || worded && sells()
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
