//! What an uploaded file is, decided by its content.
//!
//! A file's name is its sender's claim: it only tells apart what looks alike, Markdown from plain
//! text and a table of commas from text with commas.

use std::path::Path;

use replyx_core::knowledge::DocumentKind;
use thiserror::Error;

use crate::{
    csv::sniff,
    encoding::{decode, utf16},
    json::is_json,
};

mod archive;
mod compound;
mod signature;

pub(crate) use compound::stream;

/// A format that we do not read; names what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this is {0}; {READ}")]
pub struct Unsupported(pub &'static str);

/// What we do read, in a sentence for owners.
const READ: &str = "text, Markdown, HTML, PDF, Word (.docx, .doc), Excel (.xlsx, .xls), PowerPoint (.pptx), OpenDocument (.odt, .ods), \
     EPUB, RTF, CSV, JSON and mail (.eml) files can be read";

/// How much of a file is looked at, bytes.
const HEAD: usize = 64 * 1024;
/// Control characters are at most one in this many bytes of a text.
const CONTROL_SHARE: usize = 50;
/// A larger file is taken for JSON by its beginning alone.
const LARGEST_JSON: usize = 4 * 1024 * 1024;

/// News of a site, as programs fetch them.
const FEED: Unsupported = Unsupported("a news feed (RSS or Atom): add the site itself as a source");

/// What a mark-up file begins with, in lower case; no format: not read.
const MARKUP: &[(&str, Result<DocumentKind, Unsupported>)] = &[
    ("<!doctype html", Ok(DocumentKind::Html)),
    ("<html", Ok(DocumentKind::Html)),
    ("<rss", Err(FEED)),
    ("<feed", Err(FEED)),
    ("<rdf:rdf", Err(FEED)),
    ("<head", Ok(DocumentKind::Html)),
    ("<body", Ok(DocumentKind::Html)),
    ("<title", Ok(DocumentKind::Html)),
    ("<meta", Ok(DocumentKind::Html)),
    ("<script", Ok(DocumentKind::Html)),
    ("<svg", Err(Unsupported("an SVG image"))),
    ("<?xml", Err(Unsupported("an XML file"))),
];

/// Header fields that begin mails.
const MAIL: &[&str] = &[
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "received",
    "return-path",
    "delivered-to",
    "reply-to",
    "content-type",
    "content-transfer-encoding",
    "dkim-signature",
    "x-mailer",
    "sender",
    "references",
    "in-reply-to",
    "arc-seal",
    "user-agent",
    "list-id",
];

/// The format of a file, or what it is instead. An empty file is text: reading it says that it is
/// empty.
///
/// # Errors
///
/// Returns [`Unsupported`] when the file is none of the formats we read.
pub fn detect(name: &str, bytes: &[u8]) -> Result<DocumentKind, Unsupported> {
    let head = &bytes[..bytes.len().min(HEAD)];
    if archive::is_archive(head) {
        return archive::detect(bytes);
    }
    if compound::is_compound(head) {
        return compound::detect(bytes);
    }
    if let Some(seen) = signature::find(head) {
        return Err(Unsupported(seen));
    }

    let begin = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    if begin.starts_with(b"%PDF-") {
        return Ok(DocumentKind::Pdf);
    }
    if begin.starts_with(b"{\\rtf") {
        return Ok(DocumentKind::Rtf);
    }
    if is_binary(head) {
        return Err(Unsupported("a binary file"));
    }

    let text = decode(head);
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    if let Some(markup) = markup(text) {
        return markup;
    }
    if is_mail(text) {
        return Ok(DocumentKind::Eml);
    }
    if is_json_file(text, bytes) {
        return Ok(DocumentKind::Json);
    }

    Ok(plain(name, text))
}

/// Markdown, a table or text: only the name knows what its author meant.
fn plain(name: &str, text: &str) -> DocumentKind {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    let extension = extension.unwrap_or_default().to_ascii_lowercase();
    let table = sniff(text).filter(|table| table.regular >= 90);
    match extension.as_str() {
        "md" | "markdown" | "mdown" | "mkd" => DocumentKind::Markdown,
        "csv" | "tsv" | "tab" if table.is_some() => DocumentKind::Csv,
        "txt" | "text" | "log" => DocumentKind::Text,
        _ if is_fragment(text) => DocumentKind::Html,
        // Without a name that says so, only what cannot be prose is a table.
        _ if table.is_some_and(|table| {
            table.rows >= 3
                && table.regular == 100
                && (table.columns >= 3 || matches!(table.delimiter, b'\t' | b';'))
        }) =>
        {
            DocumentKind::Csv
        }
        _ => DocumentKind::Text,
    }
}

/// A piece of a page: it begins with an element of its body, and closes some.
fn is_fragment(text: &str) -> bool {
    const TAGS: [&str; 17] = [
        "a", "article", "center", "div", "font", "h1", "h2", "h3", "header", "main", "nav", "ol",
        "p", "section", "span", "table", "ul",
    ];
    let Some(rest) = text.strip_prefix('<') else { return false };
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let name = rest[..end].to_ascii_lowercase();
    TAGS.contains(&name.as_str()) && rest[end..].contains('>') && rest[end..].contains("</")
}

fn markup(text: &str) -> Option<Result<DocumentKind, Unsupported>> {
    let mut begin = text;
    // Pages begin with comments and XML declarations too.
    for _ in 0..8 {
        let rest = if begin.starts_with("<!--") {
            begin.split_once("-->")
        } else if begin.starts_with("<?xml") {
            begin.split_once("?>")
        } else {
            None
        };
        match rest.map(|(_, rest)| rest.trim_start()) {
            Some(rest) if rest.starts_with('<') => begin = rest,
            _ => break,
        }
    }
    let start = |text: &str| {
        let lower: String = text.chars().take(16).collect::<String>().to_ascii_lowercase();
        MARKUP.iter().find(|(start, _)| lower.starts_with(start)).map(|(_, kind)| *kind)
    };
    start(begin).or_else(|| start(text))
}

/// Do header fields stand at the top, among them who wrote and one more that mails have?
fn is_mail(text: &str) -> bool {
    let mut known = 0;
    let mut sender = false;
    for (index, line) in text.lines().take(200).enumerate() {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) && index > 0 || index == 0 && line.starts_with("From ") {
            continue;
        }
        let Some((field, _)) = line.split_once(':') else { return false };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if field.is_empty() || !field.chars().all(is_name) {
            return false;
        }
        let field = field.to_ascii_lowercase();
        sender |= matches!(field.as_str(), "from" | "received" | "return-path" | "message-id");
        known += usize::from(MAIL.contains(&field.as_str()));
    }
    sender && known >= 3
}

fn is_json_file(head: &str, bytes: &[u8]) -> bool {
    if !head.starts_with(['{', '[']) {
        return false;
    }
    if bytes.len() <= HEAD {
        return is_json(head);
    }
    let next = head[1..].trim_start();
    let opens = next.starts_with(['"', '{', '[', '}', ']', '-', 't', 'f', 'n'])
        || next.starts_with(|c: char| c.is_ascii_digit());
    opens && (bytes.len() > LARGEST_JSON || is_json(&decode(bytes)))
}

fn is_binary(head: &[u8]) -> bool {
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") || utf16(head).is_some() {
        return false;
    }
    let control = head
        .iter()
        .filter(|byte| {
            byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B)
        })
        .count();
    control * CONTROL_SHARE > head.len()
}
