//! The parsers of `replyx-extract` and `replyx-crawl` for the fuzzer.
//!
//! What a crawl reads of pages is private to its crate, so these sources are linked and not depended on.

#![allow(missing_docs, reason = "documented where they are from")]

pub mod crawl;

use replyx_core::knowledge::DocumentKind;
use replyx_extract::{Extracted, Unreadable};

/// Reads `bytes` and checks what every text promises.
///
/// # Panics
///
/// Panics when a promise is broken: that is what the fuzzer looks for.
pub fn read(kind: DocumentKind, bytes: &[u8]) {
    if let Ok(found) = replyx_extract::parse(kind, bytes) {
        check(kind, &found);
    }
}

fn check(kind: DocumentKind, found: &Extracted) {
    let text = &found.text;
    assert_eq!(found.kind, kind, "the kind is kept");
    assert!(text.len() <= replyx_extract::MAX_TEXT, "the text is bounded");
    assert!(text.contains(char::is_alphanumeric), "the text is one");
    assert!(
        !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'),
        "the text is clean"
    );
    let mut last = 0;
    for page in &found.pages {
        assert!(*page >= last && text.is_char_boundary(*page), "pages follow each other");
        last = *page;
    }
    let mut last = 0;
    for heading in &found.headings {
        let title = text.get(heading.start..heading.end).expect("a heading is in the text");
        assert!(heading.start >= last && !title.trim().is_empty(), "headings follow each other");
        assert!((1..=9).contains(&heading.level), "a heading has a level");
        last = heading.end;
    }
    if let Some(title) = &found.title {
        assert!(!title.is_empty() && !title.contains('\n'), "the title is one line");
    }
}

/// Imports pairs and checks them.
///
/// # Panics
///
/// Panics when half a pair comes through.
pub fn pairs(bytes: &[u8]) {
    match replyx_extract::pairs(bytes) {
        Ok(found) => {
            assert!(!found.is_empty(), "no pairs are an error");
            assert!(
                found.iter().all(|(question, answer)| !question.is_empty() && !answer.is_empty())
            );
        }
        Err(Unreadable::HalfPair { row }) => assert!(row > 0, "rows count from one"),
        Err(_) => {}
    }
}

/// Finds out what a file is, under names that matter, and reads it as that.
pub fn detect(bytes: &[u8]) {
    for name in ["file", "a.md", "a.csv", "a.txt"] {
        if let Ok(kind) = replyx_extract::detect(name, bytes)
            && kind != DocumentKind::Pdf
        {
            read(kind, bytes);
        }
    }
}
