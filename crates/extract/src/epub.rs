//! Books.
//!
//! [`epub`] is the way in: the chapters in reading order, each read as the web page it is. The
//! book's own table of contents is left out; chapters under digital locks make the book
//! [`Unreadable::Locked`].

use std::collections::{HashMap, HashSet};

use replyx_core::knowledge::DocumentKind;

use super::{
    Extracted, Unreadable, html,
    package::{Package, resolve},
    writer::Writer,
    xml::{Element, Tree},
};

/// Reads a book.
///
/// # Errors
///
/// Returns [`Unreadable`] when it is no book, damaged, locked or too large.
pub(super) fn epub(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let mut package = Package::open(bytes)?;
    let container = package.required("META-INF/container.xml")?;
    let container = Tree::parse(&container)?;
    let opf = container.root().descendants("rootfile").find_map(|it| it.attribute("full-path"));
    let opf = resolve("", &opf.ok_or(Unreadable::Damaged)?);
    let locked = locked(&mut package)?;
    let source = package.required(&opf)?;
    let tree = Tree::parse(&source)?;

    let mut writer = Writer::new(DocumentKind::Epub);
    let title = tree.root().path(&["metadata", "title"]).map(|it| it.text().trim().to_owned());
    if let Some(title) = title.filter(|title| !title.is_empty()) {
        writer.title(&title);
    }
    for chapter in chapters(tree.root(), &opf) {
        if locked.contains(&chapter.to_lowercase()) {
            return Err(Unreadable::Locked);
        }
        if let Some(page) = package.text(&chapter)? {
            html::write(&page, None, &mut writer);
        }
    }
    writer.finish()
}

/// The names of the chapters in reading order.
fn chapters(root: Element, opf: &str) -> Vec<String> {
    let folder = opf.rsplit_once('/').map_or("", |(folder, _)| folder);
    let items = root.child("manifest").into_iter().flat_map(|it| it.children_named("item"));
    let pages: HashMap<String, String> = items
        .filter(|item| {
            let kind = item.attribute("media-type").unwrap_or_default();
            let role = item.attribute("properties").unwrap_or_default();
            kind.contains("html") && !role.split_whitespace().any(|it| it == "nav")
        })
        .filter_map(|item| {
            let address = unescaped(&item.attribute("href")?);
            Some((item.attribute("id")?.into_owned(), resolve(folder, &address)))
        })
        .collect();
    let spine = root.child("spine").into_iter().flat_map(|it| it.children_named("itemref"));
    let mut seen = HashSet::new();
    spine
        .filter_map(|chapter| pages.get(chapter.attribute("idref")?.as_ref()).cloned())
        .filter(|chapter| seen.insert(chapter.clone()))
        .collect()
}

/// What is encrypted, in lower case; fonts often are, and do not matter.
fn locked(package: &mut Package) -> Result<HashSet<String>, Unreadable> {
    let Some(source) = package.text("META-INF/encryption.xml")? else { return Ok(HashSet::new()) };
    let tree = Tree::parse(&source)?;
    let names = tree.root().descendants("CipherReference").filter_map(|it| it.attribute("URI"));
    Ok(names.map(|name| resolve("", &unescaped(&name)).to_lowercase()).collect())
}

/// A reference without its percent signs and without a place in the page.
fn unescaped(reference: &str) -> String {
    let reference = reference.split('#').next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(reference.len());
    let mut rest = reference.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_in_names_are_undone() {
        assert_eq!(unescaped("a%20b%D0%96.xhtml#top"), "a bЖ.xhtml");
        assert_eq!(unescaped("100%.html"), "100%.html");
    }
}
