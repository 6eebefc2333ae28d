//! Web pages: what a page is about, without what surrounds it on every page of its site.
//!
//! [`html`] reads a page of its own; [`write`] feeds one that is part of something else (a chapter,
//! a mail) into a writer. [`scope`] decides which part of a page counts, [`walk`] writes it block
//! by block, [`table`] makes rows.

use replyx_core::knowledge::DocumentKind;
use scraper::Html;
use url::Url;

use super::{
    Extracted, Unreadable,
    encoding::decode_markup,
    writer::{Writer, one_line},
};

mod scope;
mod table;
mod walk;

/// Tags of one page; pages that people made have some thousands.
const MAX_TAGS: usize = 1_000_000;
/// Elements inside one another.
const MAX_DEPTH: usize = 2_000;
/// Fewer letters and digits are a page that a program fills in later, or an error page.
const FEWEST_LETTERS: usize = 10;

/// Reads a page.
pub(super) fn html(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let page = decode_markup(bytes);
    check(&page)?;
    let mut writer = Writer::new(DocumentKind::Html);
    write_tree(&page, None, &mut writer);
    let found = writer.finish().map_err(|why| match why {
        Unreadable::Empty => Unreadable::NoText,
        why => why,
    })?;
    let letters = found.text.chars().filter(|c| c.is_alphanumeric()).take(FEWEST_LETTERS).count();
    if letters < FEWEST_LETTERS { Err(Unreadable::NoText) } else { Ok(found) }
}

/// Writes the blocks of a page. Links without a scheme are resolved against `base` or the page's
/// own `<base>`; a page that is too complex is left out.
pub(super) fn write(html: &str, base: Option<&Url>, writer: &mut Writer) {
    if check(html).is_ok() {
        write_tree(html, base, writer);
    }
}

fn write_tree(html: &str, base: Option<&Url>, writer: &mut Writer) {
    let page = Html::parse_document(html);
    if let Some(title) = scope::title(&page) {
        writer.title(&one_line(&title));
    }
    let base = scope::base(&page, base);
    for whole_forms in [false, true] {
        let roots = scope::roots(&page, whole_forms);
        let before = writer.is_empty();
        for root in roots {
            walk::walk(root, base.as_ref(), whole_forms, writer);
        }
        // Some pages are one big form.
        if !(before && writer.is_empty()) {
            break;
        }
    }
}

/// Refuses what would cost the parser more than any honest page does: it looks through all open
/// elements for each tag.
fn check(html: &str) -> Result<(), Unreadable> {
    let mut tags = 0_usize;
    let mut depth = 0_usize;
    for (at, _) in html.match_indices('<') {
        tags += 1;
        let rest = &html.as_bytes()[at + 1..];
        let (closes, name) = match rest.strip_prefix(b"/") {
            Some(name) => (true, name),
            None => (false, rest),
        };
        if !is_nesting(name) {
            continue;
        }
        depth = if closes { depth.saturating_sub(1) } else { depth + 1 };
        if depth > MAX_DEPTH {
            return Err(Unreadable::TooComplex);
        }
    }
    if tags > MAX_TAGS { Err(Unreadable::TooComplex) } else { Ok(()) }
}

/// Does the tag open an element that stays open until it is closed? `<p>`, `<li>` and the like end
/// by themselves, and `<a name=x>` is often left open.
fn is_nesting(name: &[u8]) -> bool {
    const VOID: [&str; 24] = [
        "a", "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link",
        "meta", "option", "p", "param", "source", "tbody", "td", "th", "tr", "track", "wbr",
    ];
    let end = name.iter().take(12).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    name.first().is_some_and(u8::is_ascii_alphabetic)
        && !VOID.iter().any(|void| name[..end].eq_ignore_ascii_case(void.as_bytes()))
}
