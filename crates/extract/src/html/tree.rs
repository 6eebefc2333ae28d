//! The elements of a page.

use ego_tree::NodeRef;
use scraper::{Html, Node, node::Element};

/// An element with all that is in it.
pub(super) type Root<'p> = NodeRef<'p, Node>;

/// All elements of a page.
pub(super) fn elements(page: &Html) -> impl Iterator<Item = (Root<'_>, &Element)> {
    page.tree.root().descendants().filter_map(|node| Some((node, node.value().as_element()?)))
}
