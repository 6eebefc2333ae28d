//! The text of a document becomes what is stored of its passages.

use std::{fmt::Write, path::Path};

use replyx_core::knowledge::DocumentWarning;
use replyx_extract::{Extracted, Unreadable};
use replyx_text::terms;
use sha2::{Digest, Sha256};

use super::{IndexError, MAX_PASSAGES, count};
use crate::{
    chunk::{Chunk, Chunking, chunk},
    language,
};

/// The rules by which texts are cut and stemmed: raised whenever they change, so that documents
/// indexed by earlier ones are indexed again.
pub const INDEX_VERSION: i64 = CUTTING + 100 * terms::VERSION;
/// The version of the rules by which texts are cut.
const CUTTING: i64 = 2;

/// What is stored of a document that could be read.
pub(super) struct CutDocument {
    pub(super) text: String,
    pub(super) title: Option<String>,
    pub(super) language: String,
    pub(super) passages: Vec<Piece>,
    pub(super) warnings: Vec<DocumentWarning>,
}

impl CutDocument {
    /// How many stems the passages have.
    pub(super) fn stems(&self) -> i64 {
        self.passages.iter().map(|piece| piece.length).sum()
    }
}

/// A passage-to-be.
pub(super) struct Piece {
    pub(super) headings: String,
    pub(super) text: String,
    pub(super) hash: String,
    pub(super) terms: String,
    pub(super) length: i64,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) page: Option<i64>,
}

/// Cuts a text into passages, on a thread where a long text holds nobody up.
pub(super) async fn cut(
    found: Extracted,
    name: String,
) -> Result<Result<CutDocument, String>, IndexError> {
    let work = move || {
        let chunks = chunk(&found, &Chunking::default());
        if chunks.len() > MAX_PASSAGES {
            return Err(Unreadable::TooLong.to_string());
        }
        let language = language::detect(&found.text);
        let title = title_terms(&name, language);
        let passages = chunks.into_iter().map(|chunk| piece(chunk, &title, language)).collect();
        Ok(CutDocument {
            text: found.text,
            title: found.title,
            language: language.to_owned(),
            passages,
            warnings: found.warnings,
        })
    };
    tokio::task::spawn_blocking(work).await.map_err(IndexError::Cut)
}

/// The stems of a document's name, without its extension.
fn title_terms(name: &str, language: &str) -> String {
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or(name);
    terms::index_terms(stem, language)
}

/// A passage is found by its words, by the headings above it, and by its document's name.
fn piece(chunk: Chunk, title: &str, language: &str) -> Piece {
    let headings = terms::index_terms(&chunk.headings, language);
    let text = terms::index_terms(&chunk.text, language);
    let parts = [title, &headings, &text];
    let terms = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    Piece {
        hash: hash(&chunk.headings, &chunk.text),
        length: count(terms.split(' ').count()),
        terms,
        headings: chunk.headings,
        text: chunk.text,
        start: count(chunk.start),
        end: count(chunk.end),
        page: chunk.page.map(count),
    }
}

/// What is embedded of a passage: the headings above it say what it is about.
pub(super) fn embedded_text(headings: &str, text: &str) -> String {
    if headings.is_empty() { text.to_owned() } else { format!("{headings}\n{text}") }
}

fn hash(headings: &str, text: &str) -> String {
    let digest = Sha256::digest(embedded_text(headings, text));
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
