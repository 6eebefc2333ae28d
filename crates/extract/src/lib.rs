//! Files become text.
//!
//! Every file is a program in a foreign language, so [`isolated`] hands it to a child process with
//! limits on memory, time and output, which [`confine`]s itself: it can open no file and no socket,
//! and start no program. [`child_main`] is what that child runs, and [`parse`] is what it runs on
//! the bytes. What goes wrong with a file is a sentence for its owner; only a child that could not
//! be started is our own trouble and worth another try.
//!
//! All formats but Markdown become plain text of one shape: blocks divided by a blank line, tables
//! as rows of `cell | cell` with a line `--- | ---` below the names of columns, items as `- text`
//! or behind the number that their program shows, and the headings' places beside it. `writer`
//! alone makes that shape, `grid` repeats what merged cells say.

use replyx_core::knowledge::{DocumentKind, DocumentWarning};
use serde::{Deserialize, Serialize};
use thiserror::Error;

mod answer;
mod columns;
mod confinement;
mod csv;
mod detect;
mod doc;
mod docx;
mod eml;
mod encoding;
mod epub;
mod grid;
mod header;
mod html;
mod isolation;
mod json;
mod layout;
mod numbering;
mod numeral;
mod odt;
mod package;
mod pdf;
mod plain;
mod pptx;
mod rtf;
mod script;
mod thin;
mod writer;
mod xlsx;
mod xml;

pub use self::csv::pairs;
pub use confinement::{Confinement, Extent, Missing, Part, confine, hide};
pub use detect::{Unsupported, detect};
pub use encoding::decode_markup;
pub use isolation::{
    Task, UnknownTask, child_main, child_task, confinement, isolated, isolated_pairs,
    isolated_within, probe_main, task,
};
pub use plain::{markdown, text};

/// No text is longer than this, bytes.
pub const MAX_TEXT: usize = 20 * 1024 * 1024;

/// The text of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// All of its text: lines end with `\n`, no control characters but `\n` and tab.
    pub text: String,
    /// Where each page begins in `text`, bytes; empty where the format has no pages.
    pub pages: Vec<usize>,
    /// Headings known from the mark-up or the look of the page, in order; empty where `text` itself
    /// has to tell them.
    pub headings: Vec<Heading>,
    /// The format it was read from.
    pub kind: DocumentKind,
    /// The document's own title, on one line, where it has one.
    pub title: Option<String>,
    /// Warnings for the owner of a document that could be read.
    #[serde(default)]
    pub warnings: Vec<DocumentWarning>,
}

/// A heading and its place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// Where it begins, bytes.
    pub start: usize,
    /// Where it ends, bytes, exclusive.
    pub end: usize,
    /// How deep it is, from 1.
    pub level: u8,
}

/// A file cannot be read. The text is for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreadable {
    /// No bytes, or nothing but blanks.
    #[error("the file is empty")]
    Empty,
    /// Not a letter and not a digit in it.
    #[error("the file has no readable text")]
    NoText,
    /// A web page without text of its own.
    #[error(
        "the page has no readable text: what a script puts there in the browser is not in the file; save the page from \
         the browser and upload it"
    )]
    EmptyPage,
    /// Pages without text.
    #[error("the PDF has no text layer{}; it seems to be a scan", of_pages(*pages))]
    NoTextLayer {
        /// How many pages there are.
        pages: usize,
    },
    /// Slides without text.
    #[error(
        "the presentation has no text{}: its slides seem to be pictures; write the text out, or save it as a PDF and \
         let its text be recognized (OCR)", of_slides(*slides)
    )]
    OnlySlidesOfPictures {
        /// How many slides there are.
        slides: usize,
    },
    /// A document without text that has pictures.
    #[error(
        "the file has no text, only pictures; write the text out, or let it be recognized (OCR)"
    )]
    OnlyPictures,
    /// Pages without anything.
    #[error("the PDF has no pages")]
    NoPages,
    /// Encrypted for readers.
    #[error("the file is protected by a password")]
    Locked,
    /// Not what its first bytes promise.
    #[error("the file is damaged and cannot be read")]
    Damaged,
    /// It needs more memory or time than a file may have.
    #[error("the file is too complex to be read")]
    TooComplex,
    /// Its text is longer than [`MAX_TEXT`].
    #[error("the file has too much text")]
    TooLong,
    /// A table of questions and answers without such columns.
    #[error(
        "the table needs a column of questions and a column of answers, named `question` and `answer`"
    )]
    NoPairs,
    /// A question without an answer, or an answer without a question.
    #[error("row {row} of the table has a question or an answer, but not both")]
    HalfPair {
        /// The row, counted from 1 with the header as the first.
        row: usize,
    },
}

/// Which pages, unless there is one.
fn of_pages(pages: usize) -> String {
    if pages > 1 { format!(" on any of its pages 1 to {pages}") } else { String::new() }
}

fn of_slides(slides: usize) -> String {
    if slides > 1 { format!(" on any of its slides 1 to {slides}") } else { String::new() }
}

/// Why there is no text.
#[derive(Debug, Error)]
pub enum ExtractError {
    /// The file's fault; trying again cannot help.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The child process could not be run.
    #[error("the extracting program could not be run")]
    Program(#[source] std::io::Error),
}

/// Reads a file of a known format, here and without limits on time: [`isolated`] is the way to read
/// a stranger's.
///
/// # Errors
///
/// Returns [`Unreadable`] when there is no text in it, too much, or the format is broken.
pub fn parse(kind: DocumentKind, bytes: &[u8]) -> Result<Extracted, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::Empty);
    }

    let read = match kind {
        DocumentKind::Text => text(bytes),
        DocumentKind::Markdown => markdown(bytes),
        DocumentKind::Html => html::html(bytes),
        DocumentKind::Pdf => pdf::read(bytes.to_vec()),
        DocumentKind::Docx => docx::docx(bytes),
        DocumentKind::Xlsx => xlsx::xlsx(bytes),
        DocumentKind::Csv => csv::csv(bytes),
        DocumentKind::Pptx => pptx::pptx(bytes),
        DocumentKind::Json => json::json(bytes),
        DocumentKind::Rtf => rtf::rtf(bytes),
        DocumentKind::Odt => odt::odt(bytes),
        DocumentKind::Epub => epub::epub(bytes),
        DocumentKind::Eml => eml::eml(bytes),
        DocumentKind::Answer => answer::answer(bytes),
    };

    match read {
        Err(Unreadable::Empty | Unreadable::NoText) if package::has_pictures(bytes) => {
            Err(Unreadable::OnlyPictures)
        }
        other => other,
    }
}

fn is_readable(text: &str) -> Result<(), Unreadable> {
    if text.trim().is_empty() {
        Err(Unreadable::Empty)
    } else if !text.contains(char::is_alphanumeric) {
        Err(Unreadable::NoText)
    } else if text.len() > MAX_TEXT {
        Err(Unreadable::TooLong)
    } else {
        Ok(())
    }
}
