//! What an uploaded file is, decided by its content.
//!
//! A file's name is its sender's claim: it only tells Markdown from plain text, which look alike.

use std::path::Path;

use replyx_core::knowledge::DocumentKind;
use thiserror::Error;

/// A format that we do not read; names what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this is {0}; text, Markdown and PDF files can be read")]
pub struct Unsupported(pub &'static str);

/// How much of a file is looked at, bytes.
const HEAD: usize = 64 * 1024;

/// Control characters are at most one in this many bytes of a text.
const CONTROL_SHARE: usize = 50;

/// Formats with a signature of their own: offset, bytes, name.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (0, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old Microsoft Office document"),
    (0, b"\x89PNG\r\n\x1A\n", "a PNG image"),
    (0, b"\xFF\xD8\xFF", "a JPEG image"),
    (0, b"GIF87a", "a GIF image"),
    (0, b"GIF89a", "a GIF image"),
    (8, b"WEBP", "a WebP image"),
    (8, b"WAVE", "a sound recording"),
    (0, b"II*\0", "a TIFF image"),
    (0, b"MM\0*", "a TIFF image"),
    (0, b"\0\0\x01\0", "an icon"),
    (4, b"ftyp", "a video or a photo"),
    (0, b"\x1A\x45\xDF\xA3", "a video"),
    (0, b"ID3", "a sound recording"),
    (0, b"OggS", "a sound recording"),
    (0, b"fLaC", "a sound recording"),
    (0, b"\x1F\x8B", "a gzip archive"),
    (0, b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (0, b"Rar!\x1A\x07", "a RAR archive"),
    (0, b"\xFD7zXZ\0", "an xz archive"),
    (0, b"\x28\xB5\x2F\xFD", "a Zstandard archive"),
    (0, b"\x7FELF", "a program"),
    (0, b"SQLite format 3\0", "a database"),
    (0, b"{\\rtf", "an RTF document"),
    (0, b"%!PS", "a PostScript document"),
];

/// What a mark-up file begins with, in lower case.
const MARKUP: &[(&[u8], &str)] = &[
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<head", "an HTML page"),
    (b"<body", "an HTML page"),
    (b"<script", "an HTML page"),
    (b"<svg", "an SVG image"),
    (b"<?xml", "an XML file"),
];

/// The format of a file, or what it is instead. An empty file is text: reading it says that it is empty.
///
/// # Errors
///
/// Returns [`Unsupported`] when the file is none of the formats we read.
pub fn detect(name: &str, bytes: &[u8]) -> Result<DocumentKind, Unsupported> {
    let head = &bytes[..bytes.len().min(HEAD)];
    if let Some(seen) = signature(head) {
        return Err(Unsupported(seen));
    }
    let begin = skip_blank(head);
    if begin.starts_with(b"%PDF-") {
        return Ok(DocumentKind::Pdf);
    }
    let lower = begin[..begin.len().min(32)].to_ascii_lowercase();
    if let Some((_, seen)) = MARKUP.iter().find(|(start, _)| lower.starts_with(start)) {
        return Err(Unsupported(seen));
    }
    if is_binary(head) {
        return Err(Unsupported("a binary file"));
    }
    Ok(if is_markdown(name) { DocumentKind::Markdown } else { DocumentKind::Text })
}

fn signature(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Some(archive(head));
    }
    SIGNATURES
        .iter()
        .find(|(offset, magic, _)| head.get(*offset..).is_some_and(|rest| rest.starts_with(magic)))
        .map(|(_, _, seen)| *seen)
}

/// Office documents and books are ZIP archives whose entries' names give them away.
fn archive(head: &[u8]) -> &'static str {
    let has = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
    if has(b"word/") {
        "a Word document"
    } else if has(b"xl/") {
        "an Excel workbook"
    } else if has(b"ppt/") {
        "a PowerPoint presentation"
    } else if has(b"application/vnd.oasis.opendocument") {
        "an OpenDocument file"
    } else if has(b"application/epub+zip") {
        "an EPUB book"
    } else {
        "a ZIP archive"
    }
}

fn skip_blank(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start()
}

fn is_binary(head: &[u8]) -> bool {
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
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

fn is_markdown(name: &str) -> bool {
    Path::new(name).extension().and_then(|extension| extension.to_str()).is_some_and(|extension| {
        ["md", "markdown", "mdown", "mkd"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_decides_and_the_name_only_tells_markdown() {
        assert_eq!(detect("a.png", b"%PDF-1.7\n"), Ok(DocumentKind::Pdf));
        assert_eq!(detect("a.pdf", b"# Delivery"), Ok(DocumentKind::Text));
        assert_eq!(detect("a.MD", b"# Delivery"), Ok(DocumentKind::Markdown));
        assert_eq!(detect("readme", "Ёлка".as_bytes()), Ok(DocumentKind::Text));
        assert_eq!(detect("a.txt", b"\xFF\xFEA\0B\0"), Ok(DocumentKind::Text));
        assert_eq!(detect("a.txt", b"\xC4\xEE\xF1\xF2\xE0\xE2\xEA\xE0"), Ok(DocumentKind::Text));
        assert_eq!(detect("a.txt", b"about %PDF- files"), Ok(DocumentKind::Text));
        assert_eq!(detect("a.md", b"<p align=\"center\">logo</p>"), Ok(DocumentKind::Markdown));
    }

    #[test]
    fn an_empty_file_is_for_reading_to_refuse() {
        assert_eq!(detect("a.pdf", b""), Ok(DocumentKind::Text));
        assert_eq!(detect("a.md", b""), Ok(DocumentKind::Markdown));
    }

    #[test]
    fn other_formats_are_named() {
        let docx = b"PK\x03\x04\x14\0\0\0\x08\0....................word/document.xml";
        let noise: Vec<u8> = (0..=255).cycle().take(5_000).collect();
        let seen: Vec<&str> = [
            ("a.txt", docx.as_slice()),
            ("a.md", b"PK\x03\x04rest"),
            ("a.pdf", b"\x89PNG\r\n\x1A\n...."),
            ("a.txt", b"\n <!DOCTYPE HTML><p>x"),
            ("a.svg", b"<svg onload=alert(1)>"),
            ("a.txt", &noise),
        ]
        .into_iter()
        .map(|(name, bytes)| detect(name, bytes).unwrap_err().0)
        .collect();
        assert_eq!(
            seen,
            [
                "a Word document",
                "a ZIP archive",
                "a PNG image",
                "an HTML page",
                "an SVG image",
                "a binary file"
            ]
        );
    }
}
