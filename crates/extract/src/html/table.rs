//! Rows and columns of a page's tables.

use std::collections::HashSet;

use ego_tree::{NodeId, iter::Edge};
use scraper::node::Element;

use super::{super::grid::Span, tree::Root};

/// A cell spans at most this many columns or rows.
const MAX_SPAN: usize = 1_000;

/// Tables that only place things on the page: they hold a table or a heading, or never two cells
/// side by side.
pub(super) fn layouts(root: Root<'_>) -> HashSet<NodeId> {
    struct Open {
        id: NodeId,
        layout: bool,
        cells: usize,
        widest: usize,
    }

    let mut found = HashSet::new();
    let mut open: Vec<Open> = Vec::new();
    for edge in root.traverse() {
        let (node, opens) = match edge {
            Edge::Open(node) => (node, true),
            Edge::Close(node) => (node, false),
        };

        let Some(element) = node.value().as_element() else { continue };
        match (element.name(), opens) {
            ("table", true) => {
                if let Some(outer) = open.last_mut() {
                    outer.layout = true;
                }
                let layout = matches!(element.attr("role"), Some("presentation" | "none"));
                open.push(Open { id: node.id(), layout, cells: 0, widest: 0 });
            }
            ("table", false) => {
                if let Some(table) = open.pop_if(|table| table.id == node.id())
                    && (table.layout || table.widest < 2)
                {
                    found.insert(table.id);
                }
            }
            ("tr", true) => {
                if let Some(table) = open.last_mut() {
                    table.cells = 0;
                }
            }
            ("td" | "th", true) => {
                if let Some(table) = open.last_mut() {
                    table.cells += 1;
                    table.widest = table.widest.max(table.cells);
                }
            }
            ("h1" | "h2" | "h3" | "h4", true) => {
                if let Some(table) = open.last_mut() {
                    table.layout = true;
                }
            }
            _ => {}
        }
    }

    found
}

/// How much a cell spans, as its attributes say.
pub(super) fn span(element: &Element) -> Span {
    let number = |name: &str| {
        let value = element.attr(name).and_then(|value| value.trim().parse().ok());
        value.unwrap_or(1).clamp(1, MAX_SPAN)
    };
    Span { columns: number("colspan"), rows: number("rowspan") }
}
