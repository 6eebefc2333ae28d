//! Web pages: what a page is about, without what surrounds it on every page of its site.
//!
//! [`html`] reads a page of its own; [`write`] feeds one that is part of something else (a chapter,
//! a mail) into a writer. [`scope`] decides which part of a page counts, [`hidden`] what of it is
//! hidden for good, [`walk`] writes it block by block, [`sign`] reads what is shown without words.

use replyx_core::knowledge::DocumentKind;
use scraper::Html;
use url::Url;

use super::{
    Extracted, Unreadable,
    encoding::decode_markup,
    writer::{Writer, one_line},
};

mod hidden;
mod scope;
mod sign;
mod table;
mod tree;
mod walk;

use scope::{Forms, Scope};

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
        Unreadable::Empty | Unreadable::NoText => Unreadable::EmptyPage,
        why => why,
    })?;
    let letters = found.text.chars().filter(|c| c.is_alphanumeric()).take(FEWEST_LETTERS).count();
    if letters < FEWEST_LETTERS { Err(Unreadable::EmptyPage) } else { Ok(found) }
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
    for forms in [Forms::Skipped, Forms::Read] {
        let scope = Scope::of(&page, forms);
        let before = writer.is_empty();
        for root in scope.roots(&page) {
            walk::walk(root, base.as_ref(), &scope, writer);
        }
        // Some pages are one big form.
        if !(before && writer.is_empty()) {
            break;
        }
    }
}

/// The text of a value that may be a piece of a page, as shops export them: tags go, entities
/// become characters, and each block stands apart. A value without tags stays what it is.
pub(super) fn value(text: &str) -> Option<String> {
    if !has_markup(text) || check(text).is_err() {
        return None;
    }
    let mut writer = Writer::new(DocumentKind::Html);
    write_tree(text, None, &mut writer);
    let Ok(found) = writer.finish() else { return Some(String::new()) };
    let lines = found.text.lines().map(str::trim);
    let lines = lines.filter(|line| line.contains(char::is_alphanumeric));
    Some(lines.map(|line| line.strip_prefix("- ").unwrap_or(line)).collect::<Vec<_>>().join("; "))
}

/// A tag in a value ends within so many bytes.
const LONGEST_TAG: usize = 2_000;

/// Are there tags or entities of a page in the text? `a < b` has none.
fn has_markup(text: &str) -> bool {
    const TAGS: [&str; 24] = [
        "p", "br", "b", "i", "ul", "ol", "li", "div", "span", "strong", "em", "a", "h1", "h2",
        "h3", "h4", "table", "tr", "td", "img", "u", "s", "del", "font",
    ];
    let tag = |rest: &str| {
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let end = rest.bytes().take(8).take_while(u8::is_ascii_alphanumeric).count();
        let near = &rest[end..rest.floor_char_boundary(end + LONGEST_TAG)];
        end < 8 && TAGS.contains(&rest[..end].to_ascii_lowercase().as_str()) && near.contains('>')
    };
    let entity = |rest: &str| {
        rest.split_once(';').is_some_and(|(name, _)| {
            let number = name.strip_prefix('#').unwrap_or_default();
            matches!(
                name,
                "nbsp"
                    | "amp"
                    | "lt"
                    | "gt"
                    | "quot"
                    | "ndash"
                    | "mdash"
                    | "laquo"
                    | "raquo"
                    | "deg"
                    | "euro"
                    | "hellip"
                    | "bull"
                    | "times"
            ) || !number.is_empty()
                && number.len() < 7
                && number.chars().all(|c| c.is_ascii_hexdigit() || c == 'x')
        })
    };
    text.match_indices('<').any(|(at, _)| tag(&text[at + 1..]))
        || text.match_indices('&').any(|(at, _)| {
            let rest = &text[at + 1..];
            entity(&rest[..rest.floor_char_boundary(12)])
        })
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
