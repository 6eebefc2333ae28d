//! The text layer of a PDF. Runs in a child process only: see [`super::isolated`].

use pdf_oxide::{PdfDocument, object::Object};
use replyx_core::knowledge::{DocumentKind, DocumentWarning, WarningCode, enumerated};

use super::{
    Extracted, MAX_TEXT, Unreadable,
    encoding::decode,
    is_readable,
    layout::{self, Span},
    plain::clean,
    thin,
    writer::one_line,
};

mod form;

/// Pages beyond this are a hostile page tree, not a document that a business wrote.
const MAX_PAGES: usize = 5_000;

/// A picture of so many dots may be a page, and a smaller one is a logo: a sheet of A4 has half a
/// million at 72 per inch.
const SCAN: u64 = 300_000;

/// Reads all pages.
///
/// The library's own plain text runs headings, table rows and paragraphs together, and its column
/// order tears justified paragraphs apart, so only its spans are taken and [`layout`] makes lines
/// of them.
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
    let mut broken = Vec::new();
    let mut pages = Vec::with_capacity(count);
    for page in 0..count {
        let spans = document.extract_spans(page).unwrap_or_else(|_| {
            broken.push(page + 1);
            Vec::new()
        });
        let spans: Vec<Span> = spans.into_iter().map(Span::from).collect();
        size += spans.iter().map(|span| span.text.len()).sum::<usize>();
        if size > MAX_TEXT {
            return Err(Unreadable::TooLong);
        }
        pages.push(spans);
    }

    let said: Vec<usize> = pages.iter().map(|spans| said(spans)).collect();
    // A number in the corner of a picture is no text.
    let is_scan = |at: usize, letters: usize| {
        letters == 0 || thin::is_thin(letters) && has_picture(&document, at)
    };
    let scans = thin::numbers(&said, is_scan);
    let (text, pages, headings) = layout::write(pages);
    match is_readable(&text) {
        Err(Unreadable::Empty) if broken.len() == count => return Err(Unreadable::Damaged),
        Err(Unreadable::Empty | Unreadable::NoText) => {
            return Err(Unreadable::NoTextLayer { pages: count });
        }
        Ok(()) if scans.len() == count => return Err(Unreadable::NoTextLayer { pages: count }),
        Err(other) => return Err(other),
        Ok(()) => {}
    }

    let title = title(&document);
    let warnings = warnings(&document, &said, &scans, &broken);
    Ok(Extracted { text, pages, headings, kind: DocumentKind::Pdf, title, warnings })
}

/// Letters and digits of a page, its running lines included.
fn said(spans: &[Span]) -> usize {
    let letters = spans.iter().flat_map(|span| span.text.chars());
    letters.filter(|c| c.is_alphanumeric()).count()
}

/// Does a page show a picture that may be the page itself?
fn has_picture(document: &PdfDocument, page: usize) -> bool {
    let is_large = |width: u32, height: u32| u64::from(width) * u64::from(height) >= SCAN;
    let found = document.page_image_handles(page);
    found.is_ok_and(|found| found.iter().any(|picture| is_large(picture.width, picture.height)))
}

/// What the owner should know: pages without text, thin and damaged ones, and values in a form.
fn warnings(
    document: &PdfDocument,
    said: &[usize],
    scans: &[usize],
    broken: &[usize],
) -> Vec<DocumentWarning> {
    let silent: Vec<usize> = scans.iter().copied().filter(|page| !broken.contains(page)).collect();
    let thin = thin::numbers(said, |at, letters| {
        thin::is_thin(letters) && letters > 0 && !scans.contains(&(at + 1))
    });
    let mut warnings = thin::warnings("page", &silent, &thin);
    if !broken.is_empty() {
        let detail = format!("damaged and left out: page {}", enumerated(broken));
        warnings.push(DocumentWarning::pages(WarningCode::DamagedPages, broken, detail));
    }

    let filled = form::filled(document);
    if filled > 0 {
        let values = if filled == 1 { "value" } else { "values" };
        let detail = format!(
            "{filled} {values} filled into form fields are not read: print the form to a new PDF to keep them"
        );
        warnings.push(DocumentWarning::count(WarningCode::FormValuesSkipped, filled, detail));
    }

    warnings
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
