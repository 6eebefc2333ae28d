//! Files become text.
//!
//! [`text`] and [`markdown`] are cheap and run where they are called. A PDF is a program in a foreign language, so
//! [`isolated`] hands it to a child process with limits on memory, time and output; [`child_main`] is what that
//! child runs. What goes wrong with a file is a sentence for its owner; only a child that could not be
//! started is our own trouble and worth another try.

use replyx_core::knowledge::DocumentKind;
use serde::{Deserialize, Serialize};
use thiserror::Error;

mod isolation;
mod layout;
mod pdf;
mod plain;

pub use isolation::{child_main, confine, isolated, isolated_within};
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
    /// Headings known from the look of the page; empty where `text` itself has to tell them.
    pub headings: Vec<Heading>,
    /// The format it was read from.
    pub kind: DocumentKind,
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
    /// Pages without text.
    #[error("the PDF has no text layer; it seems to be a scan")]
    NoTextLayer,
    /// Pages without anything.
    #[error("the PDF has no pages")]
    NoPages,
    /// Encrypted for readers.
    #[error("the PDF is protected by a password")]
    Locked,
    /// Not what its first bytes promise.
    #[error("the PDF is damaged and cannot be read")]
    Damaged,
    /// It needs more memory or time than a file may have.
    #[error("the file is too complex to be read")]
    TooComplex,
    /// Its text is longer than [`MAX_TEXT`].
    #[error("the file has too much text")]
    TooLong,
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
