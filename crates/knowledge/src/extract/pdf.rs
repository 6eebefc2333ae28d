//! The text layer of a PDF. Runs in a child process only: see [`super::isolated`].

use pdf_oxide::{PdfDocument, object::Object};
use replyx_core::knowledge::DocumentKind;

use super::{
    Extracted, MAX_TEXT, Unreadable,
    encoding::decode,
    is_readable,
    layout::{self, Span},
    plain::clean,
    writer::one_line,
};

/// Pages beyond this are a hostile page tree, not a document that a business wrote.
const MAX_PAGES: usize = 5_000;

/// Reads all pages.
///
/// The library's own plain text runs headings, table rows and paragraphs together, and its column order
/// tears justified paragraphs apart, so only its spans are taken and [`layout`] makes lines of them.
pub(super) fn read(bytes: Vec<u8>) -> Result<Extracted, Unreadable> {
    let document = PdfDocument::from_bytes(bytes).map_err(|_| Unreadable::Damaged)?;
    // Many PDFs are encrypted with an empty password: anyone may read those.
    if document.is_encrypted() && !document.authenticate(b"").unwrap_or(false) {
        return Err(Unreadable::Locked);
    }
    let count = document.page_count().map_err(|_| Unreadable::Damaged)?;
    if count == 0 {
        return Err(Unreadable::NoPages);
    }
    if count > MAX_PAGES {
        return Err(Unreadable::TooLong);
    }
    let mut size = 0;
    let mut broken = 0;
    let mut pages = Vec::with_capacity(count);
    for page in 0..count {
        let spans = document.extract_spans(page).unwrap_or_else(|_| {
            broken += 1;
            Vec::new()
        });
        let spans: Vec<Span> = spans.into_iter().map(Span::from).collect();
        size += spans.iter().map(|span| span.text.len()).sum::<usize>();
        if size > MAX_TEXT {
            return Err(Unreadable::TooLong);
        }
        pages.push(spans);
    }
    let (text, pages, headings) = layout::write(pages);
    let title = title(&document);
    match is_readable(&text) {
        Ok(()) => Ok(Extracted { text, pages, headings, kind: DocumentKind::Pdf, title }),
        Err(Unreadable::Empty) if broken == count => Err(Unreadable::Damaged),
        Err(Unreadable::Empty | Unreadable::NoText) => Err(Unreadable::NoTextLayer),
        Err(other) => Err(other),
    }
}

/// The title that its author gave it. Programs fill in the file's name where there is none.
fn title(document: &PdfDocument) -> Option<String> {
    let info = match document.trailer().as_dict()?.get("Info")? {
        Object::Reference(at) => document.load_object(*at).ok()?,
        direct => direct.clone(),
    };
    let title = match info.as_dict()?.get("Title")? {
        Object::Reference(at) => document.load_object(*at).ok()?,
        direct => direct.clone(),
    };
    let Object::String(bytes) = title else { return None };
    let title = one_line(&decode(&bytes));
    let title = title.strip_prefix("Microsoft Word - ").unwrap_or(&title);
    let is_file = title.rsplit_once('.').is_some_and(|(_, extension)| {
        (2..=4).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let is_made_up = is_file
        || title.contains("://")
        || ["about:blank", "untitled"].contains(&title.to_lowercase().as_str());
    (!is_made_up && title.contains(char::is_alphabetic)).then(|| title.to_owned())
}

impl From<pdf_oxide::layout::TextSpan> for Span {
    fn from(span: pdf_oxide::layout::TextSpan) -> Self {
        Self {
            x: span.bbox.x,
            y: span.bbox.y,
            width: span.bbox.width,
            size: span.font_size.clamp(1.0, 1_000.0),
            bold: span.font_weight.is_bold(),
            // A hyphenated line end must survive until lines are joined.
            // Bullets of symbol fonts have places of their own.
            text: clean(
                &span
                    .text
                    .replace('\u{AD}', "\u{2010}")
                    .replace(['\u{F0A7}', '\u{F0B7}', '\u{F0D8}', '\u{F076}'], "•"),
            ),
        }
    }
}
