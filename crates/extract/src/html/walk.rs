//! A page's tree becomes blocks. The walk goes along the tree's edges and does not recurse, so
//! depth costs nothing.

use std::collections::HashSet;

use ego_tree::{NodeId, iter::Edge};
use scraper::{Node, node::Element};
use url::Url;

use super::{
    super::{
        grid::{Grid, Role},
        script,
        writer::{Writer, one_line},
    },
    scope::Scope,
    sign,
    table::{layouts, span},
    tree::Root,
};

/// Longest address that is written behind a link's text, bytes.
const LONGEST_ADDRESS: usize = 300;
/// A picture is described by at least so many words; one or two are a name.
const FEWEST_WORDS: usize = 3;

/// Writes what is in `root`.
pub(super) fn walk(root: Root<'_>, base: Option<&Url>, scope: &Scope, writer: &mut Writer) {
    let mut walk = Walk {
        writer,
        base,
        layouts: layouts(root),
        text: String::new(),
        lists: Vec::new(),
        item: None,
        heading: None,
        heads_panel: false,
        level: 0,
        pre: 0,
        tables: Vec::new(),
        in_cell: false,
        heads: 0,
        links: Vec::new(),
        term: String::new(),
    };

    let mut skipped = None;
    for edge in root.traverse() {
        if walk.writer.is_full() {
            return;
        }
        match edge {
            Edge::Open(node) if skipped.is_none() => match node.value() {
                Node::Text(text) => walk.text(text),
                Node::Element(element) if node != root && walk.replace(node, element) => {
                    skipped = Some(node.id());
                }
                Node::Element(element) if node != root && scope.skips(node, element) => {
                    skipped = Some(node.id());
                }
                Node::Element(element) => walk.open(node.id(), element),
                _ => {}
            },
            Edge::Close(node) if skipped == Some(node.id()) => skipped = None,
            Edge::Close(node) if skipped.is_none() => {
                if let Some(element) = node.value().as_element() {
                    walk.close(node.id(), element);
                }
            }
            _ => {}
        }
    }

    walk.flush();
    walk.writer.end_table();
}

/// A list and the number of its next item.
struct List {
    next: Option<u64>,
}

struct Walk<'w, 'p> {
    writer: &'w mut Writer,
    base: Option<&'w Url>,
    layouts: HashSet<NodeId>,
    /// The block that is being read.
    text: String,
    lists: Vec<List>,
    /// The item that the block begins: its depth and number.
    item: Option<(usize, Option<u64>)>,
    heading: Option<u8>,
    /// Is the heading a button that opens what is below?
    heads_panel: bool,
    /// The level of the last heading.
    level: u8,
    /// How many `<pre>` are open.
    pre: usize,
    tables: Vec<Grid>,
    in_cell: bool,
    /// How many `<thead>` are open.
    heads: usize,
    /// Where the open links begin in `text`, and where they lead.
    links: Vec<(usize, &'p str)>,
    /// What the next definition defines.
    term: String,
}

impl<'p> Walk<'_, 'p> {
    fn text(&mut self, text: &str) {
        if self.pre > 0 {
            self.text.push_str(text);
        } else {
            self.text.extend(text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }));
        }
    }

    fn open(&mut self, id: NodeId, element: &'p Element) {
        match element.name() {
            "br" => self.text.push(if self.in_cell || self.heading.is_some() { ' ' } else { '\n' }),
            "a" => self.links.push((self.text.len(), element.attr("href").unwrap_or_default())),
            "img" => self.picture(element.attr("alt").unwrap_or_default()),
            "sup" => self.text.push(script::RAISED),
            "sub" => self.text.push(script::LOWERED),
            "span" | "b" | "i" | "em" | "strong" => {}
            "table" if self.layouts.contains(&id) => self.flush(),
            "table" => {
                self.flush();
                self.writer.end_table();
                self.tables.push(Grid::default());
            }
            "thead" => self.heads += 1,
            "td" | "th" if !self.tables.is_empty() => {
                self.text.clear();
                self.in_cell = true;
            }
            name if self.in_cell => self.soft_break(name),
            name => self.open_block(name, element),
        }
    }

    fn open_block(&mut self, name: &str, element: &Element) {
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.flush();
                self.heading = Some(name.as_bytes()[1] - b'0');
            }
            "summary" => {
                self.flush();
                self.heading = Some((self.level + 1).min(6));
            }
            "button" if self.heading.is_none() && self.item.is_none() => {
                self.flush();
                self.heads_panel = true;
                self.heading = Some((self.level + 1).min(6));
            }
            "ul" | "ol" | "select" => {
                self.flush();
                let start =
                    || element.attr("start").and_then(|start| start.parse().ok()).unwrap_or(1);
                self.lists.push(List { next: (name == "ol").then(start) });
            }
            "dl" => self.end_term(),
            "li" | "option" => {
                self.flush();
                let depth = self.lists.len().saturating_sub(1);

                let number = self.lists.last_mut().and_then(|list| {
                    let own = element.attr("value").and_then(|value| value.parse().ok());
                    let number = list.next.map(|next| own.unwrap_or(next));
                    list.next = number.map(|number| number.saturating_add(1));
                    number
                });

                self.item = Some((depth, number));
            }
            "pre" => {
                self.flush();
                self.pre += 1;
            }
            "dd" => {
                self.flush();
                self.item = Some((self.lists.len(), None));
                if !self.term.is_empty() {
                    self.text = std::mem::take(&mut self.term);
                    self.text.push_str(": ");
                }
            }
            "p" | "div" if self.item.is_some() || self.heading.is_some() => self.text.push(' '),
            name if is_block(name) => self.flush(),
            _ => {}
        }
    }

    fn close(&mut self, id: NodeId, element: &Element) {
        match element.name() {
            "a" => self.end_link(),
            "table" if self.layouts.contains(&id) => self.flush(),
            "table" => {
                if let Some(mut table) = self.tables.pop() {
                    if table.has_row() {
                        table.end_row();
                    }
                    table.write(self.writer);
                    self.text.clear();
                }
            }
            "td" | "th" if !self.tables.is_empty() => {
                self.in_cell = false;
                let text = one_line(&std::mem::take(&mut self.text));
                self.links.clear();
                let is_head = element.name() == "th" || self.heads > 0;
                let role = if is_head { Role::Head } else { Role::Data };
                if let Some(table) = self.tables.last_mut() {
                    table.cell(&text, span(element), role);
                }
            }
            "tr" => {
                if let Some(table) = self.tables.last_mut() {
                    table.end_row();
                }
            }
            "thead" => self.heads = self.heads.saturating_sub(1),
            "sup" | "sub" => self.text.push(script::END),
            name if self.in_cell => self.soft_break(name),
            name => self.close_block(name),
        }
    }

    fn close_block(&mut self, name: &str) {
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "summary" => {
                self.flush();
                self.heading = None;
            }
            "button" if std::mem::take(&mut self.heads_panel) => {
                self.flush();
                self.heading = None;
            }
            "ul" | "ol" | "select" => {
                self.flush();
                self.lists.pop();
            }
            "li" | "dd" | "option" => {
                self.flush();
                self.item = None;
            }
            "pre" => {
                self.flush();
                self.pre = self.pre.saturating_sub(1);
            }
            "dl" => self.end_term(),
            "dt" => {
                let term = one_line(&std::mem::take(&mut self.text));
                if !self.term.is_empty() {
                    self.term.push_str(" / ");
                }
                self.term.push_str(&term);
            }
            "p" | "div" if self.item.is_some() || self.heading.is_some() => self.text.push(' '),
            name if is_block(name) => self.flush(),
            _ => {}
        }
    }

    /// Writes what an element shows without words, if it does; its content is left out then.
    fn replace(&mut self, node: Root<'_>, element: &Element) -> bool {
        if let Some(address) = element.attr("data-cfemail").and_then(sign::address) {
            self.text.push_str(&address);
            return true;
        }
        if element.name() == "svg" && !self.in_cell {
            return false;
        }
        let Some(shown) = sign::shown(node, element, self.in_cell) else { return false };
        if self.in_cell {
            self.text.push(' ');
            self.text.push_str(&one_line(&shown));
        } else {
            self.picture(&shown);
        }
        true
    }

    /// Inside a cell blocks do not break the row.
    fn soft_break(&mut self, name: &str) {
        if is_block(name) || matches!(name, "li" | "dt" | "dd") {
            self.text.push(' ');
        }
    }

    /// Writes the block that was read so far.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        for link in &mut self.links {
            link.0 = 0;
        }
        if self.pre > 0 {
            self.writer.lines(&text);
        } else if text.chars().all(char::is_whitespace) {
            // Keeps an item whose text comes later.
        } else if let Some(level) = self.heading {
            self.level = level;
            self.writer.heading(level, text.trim_end().trim_end_matches(['¶', '#']));
        } else if let Some((depth, number)) = self.item.take() {
            self.writer.item(depth, number, &text);
        } else {
            self.writer.paragraph(&text);
        }
    }

    /// Terms that nothing defines are items of their own.
    fn end_term(&mut self) {
        self.flush();
        let term = std::mem::take(&mut self.term);
        self.writer.item(self.lists.len(), None, &term);
    }

    fn picture(&mut self, description: &str) {
        let says = self.in_cell && !self.text.contains(char::is_alphanumeric)
            || description.split_whitespace().count() >= FEWEST_WORDS;
        if self.heading.is_none() && says {
            self.text.push(' ');
            self.text.push_str(&one_line(description));
            self.text.push(' ');
        }
    }

    /// Writes where a link leads, unless its text says so.
    fn end_link(&mut self) {
        let Some((start, to)) = self.links.pop() else { return };
        let Some(text) = self.text.get(start..).map(one_line) else { return };
        if to.starts_with('#') && is_mark(&text) {
            self.text.truncate(start);
            return;
        }
        if self.heading.is_some() || self.pre > 0 || !text.contains(char::is_alphanumeric) {
            return;
        }
        if let Some(address) = self.address(to).filter(|address| !says(&text, address)) {
            self.text.truncate(self.text.trim_end().len());
            self.text.push_str(" (");
            self.text.push_str(&address);
            self.text.push(')');
        }
    }

    /// Where a link leads, if that is of use outside the page.
    fn address(&self, to: &str) -> Option<String> {
        let to = to.trim();
        if to.contains("/cdn-cgi/l/email-protection") {
            return sign::protected(to).and_then(sign::address);
        }
        if to.is_empty() || to.starts_with('#') || to.len() > LONGEST_ADDRESS {
            return None;
        }
        let url = match (Url::parse(to), self.base) {
            (Ok(url), _) => url,
            (Err(_), Some(base)) => base.join(to).ok()?,
            (Err(_), None) => return None,
        };
        match url.scheme() {
            // An absolute address stays as it was written.
            "http" | "https" => Some(if to.contains("://") { to.to_owned() } else { url.into() }),
            "mailto" | "tel" => {
                let address = to.split_once(':')?.1;
                Some(address.split('?').next().unwrap_or(address).to_owned())
            }
            _ => None,
        }
    }
}

/// Is it the number of a note, or an arrow back to it?
fn is_mark(text: &str) -> bool {
    text.chars().count() <= 5 && !text.contains(char::is_alphabetic)
}

/// Does a link's text tell its address already?
fn says(text: &str, address: &str) -> bool {
    let bare = |address: &str| -> String {
        let address = address.trim_start_matches("https://").trim_start_matches("http://");
        let address = address.trim_start_matches("www.").trim_end_matches('/').to_lowercase();
        address.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '\u{A0}')).collect()
    };
    bare(text).contains(&bare(address))
}

fn is_block(name: &str) -> bool {
    const BLOCKS: [&str; 29] = [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "form",
        "header",
        "hgroup",
        "hr",
        "html",
        "legend",
        "main",
        "p",
        "section",
        "tbody",
        "thead",
        "tfoot",
        "tr",
        "td",
    ];

    BLOCKS.contains(&name)
}
