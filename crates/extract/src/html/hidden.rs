//! What a page hides: for good, or until a reader clicks.

use std::collections::HashSet;

use scraper::{Html, node::Element};

use super::tree::{Root, elements};

/// Words in the names of things that open and close.
const OPENING: [&str; 17] = [
    "accordion",
    "accordeon",
    "collaps",
    "tab-pane",
    "tabpane",
    "tabpanel",
    "tab-content",
    "faq",
    "answer",
    "toggle",
    "spoiler",
    "expand",
    "read-more",
    "readmore",
    "more-text",
    "show-more",
    "disclosure",
];
/// Attributes that name what a control opens.
const CONTROLS: [&str; 5] = [
    "aria-controls",
    "data-target",
    "data-bs-target",
    "data-toggle-target",
    "data-collapse-toggle",
];
/// How far up a name counts.
const LEVELS: usize = 3;
/// Words in the names of banners that ask for consent to cookies.
const BANNERS: [&str; 19] = [
    "cybotcookiebot",
    "onetrust",
    "cookieconsent",
    "cookie-consent",
    "cookie_consent",
    "cookie-banner",
    "cookie_banner",
    "cookiebanner",
    "cookie-notice",
    "cookie-law",
    "cookie-popup",
    "cky-consent",
    "didomi",
    "usercentrics",
    "qc-cmp2",
    "iubenda-cs",
    "cmplz-cookiebanner",
    "borlabs-cookie",
    "gdpr-banner",
];
/// Style sheets longer than this are not looked through, bytes.
const LONGEST_STYLES: usize = 1 << 20;

/// What a page says of the things that it hides.
#[derive(Default)]
pub(super) struct Hidden {
    /// The ids of what controls open.
    opened: HashSet<String>,
    /// Classes that strike text through.
    struck: HashSet<String>,
}

impl Hidden {
    /// Looks through a page.
    pub(super) fn of(page: &Html) -> Self {
        let mut hidden = Self::default();
        for (node, element) in elements(page) {
            for name in CONTROLS {
                let ids = element.attr(name).into_iter().flat_map(str::split_whitespace);
                hidden.opened.extend(ids.map(|id| id.trim_start_matches('#').to_owned()));
            }
            let is_control = element.attr("data-toggle").is_some()
                || element.attr("data-bs-toggle").is_some()
                || element.attr("role") == Some("tab");
            if let Some(id) = element.attr("href").filter(|_| is_control) {
                hidden.opened.extend(id.strip_prefix('#').map(str::to_owned));
            }
            if element.name() == "style" {
                for child in node.children() {
                    if let Some(text) = child.value().as_text() {
                        hidden.read_styles(text);
                    }
                }
            }
        }
        hidden
    }

    /// The classes whose text is struck through: `.old { text-decoration: line-through }`.
    fn read_styles(&mut self, styles: &str) {
        if styles.len() > LONGEST_STYLES {
            return;
        }
        for rule in styles.split('}') {
            let Some((selectors, body)) = rule.rsplit_once('{') else { continue };
            if !is_struck(body) {
                continue;
            }
            for selector in selectors.split(',') {
                let name = selector.trim().rsplit(['.', ' ', '>']).next().unwrap_or_default();
                if selector.trim().ends_with(&format!(".{name}")) && !name.is_empty() {
                    self.struck.insert(name.to_owned());
                }
            }
        }
    }

    /// Is the text of an element struck through?
    pub(super) fn strikes(&self, element: &Element) -> bool {
        matches!(element.name(), "del" | "s" | "strike")
            || element.attr("style").is_some_and(is_struck)
            || element.classes().any(|class| self.struck.contains(class))
    }

    /// Is it out of sight, and does nothing on the page bring it to light? What a click shows is
    /// content: the answers of a list of questions, the other tabs.
    pub(super) fn hides(&self, node: Root<'_>, element: &Element) -> bool {
        let hidden = element.attr("hidden");
        let out_of_sight = hidden.is_some()
            || element.attr("aria-hidden") == Some("true")
            || element.attr("style").is_some_and(is_invisible);
        if !out_of_sight || hidden.is_some_and(|value| value.eq_ignore_ascii_case("until-found")) {
            return false;
        }
        let opens = element.attr("role") == Some("tabpanel")
            || element.id().is_some_and(|id| self.opened.contains(id))
            || is_panel(node, element);
        !opens
    }
}

/// Does it look like a panel of an accordion or a tab, by its name or the names around it?
fn is_panel(node: Root<'_>, element: &Element) -> bool {
    let can_hold = matches!(
        element.name(),
        "div" | "section" | "article" | "p" | "ul" | "ol" | "dl" | "dd" | "li" | "span" | "tr"
    );
    if !can_hold || is_only_decoration(element) {
        return false;
    }
    let around = node.ancestors().filter_map(|node| node.value().as_element());
    std::iter::once(element).chain(around.take(LEVELS - 1)).any(|element| {
        names(element)
            .any(|name| name == "more" || OPENING.iter().any(|opening| name.contains(opening)))
    })
}

/// Icons are hidden from readers of the screen alone.
fn is_only_decoration(element: &Element) -> bool {
    element.name() == "span"
        && element.attr("aria-hidden").is_some()
        && element.attr("style").is_none()
}

/// The id and the classes of an element, in lower case.
fn names(element: &Element) -> impl Iterator<Item = String> {
    element.id().into_iter().chain(element.classes()).map(str::to_lowercase)
}

/// Is it a banner that asks for consent to cookies?
pub(super) fn is_consent(element: &Element) -> bool {
    names(element).any(|name| BANNERS.iter().any(|banner| name.contains(banner)))
}

/// Does the button head what it opens and closes, as in a list of questions?
pub(super) fn heads_panel(element: &Element) -> bool {
    let opens = element.attr("aria-expanded").is_some()
        || element.attr("aria-controls").is_some()
        || element.attr("data-bs-toggle").is_some_and(|it| it == "collapse")
        || element.attr("data-toggle").is_some_and(|it| it == "collapse");
    element.attr("role") != Some("tab")
        && (opens || names(element).any(|name| OPENING.iter().any(|word| name.contains(word))))
}

fn plain(style: &str) -> String {
    style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase()
}

fn is_invisible(style: &str) -> bool {
    let style = plain(style);
    style.contains("display:none") || style.contains("visibility:hidden")
}

fn is_struck(style: &str) -> bool {
    let style = plain(style);
    style.contains("text-decoration") && style.contains("line-through")
}
