//! Office documents and books are ZIP archives; the entries' names and the declared type give them
//! away.

use std::io::{Cursor, Read};

use replyx_core::knowledge::DocumentKind;
use zip::ZipArchive;

use super::Unsupported;

/// Longest `mimetype` entry that is looked at, bytes.
const LONGEST_TYPE: u64 = 128;

/// Most entries an archive may list. The list is read in the server's own memory.
const ENTRIES: u64 = 10_000;

/// Does a record at the end of an archive promise more entries than are read?
///
/// Such records are looked for everywhere, as the reader of archives does. A record counts only if
/// it stands for a whole archive (APPNOTE 4.3.14 and 4.3.16), so that bytes which happen to look
/// like its signature mean nothing.
fn is_crowded(bytes: &[u8]) -> bool {
    let short = bytes.windows(12).filter(|window| window.starts_with(b"PK\x05\x06"));
    let long = bytes.windows(40).filter(|window| window.starts_with(b"PK\x06\x06"));

    let mut counts = short
        .filter(|end| end[4..8] == [0; 4] && end[8..10] == end[10..12])
        .map(|end| u64::from(end[10]) | u64::from(end[11]) << 8)
        .chain(
            long.filter(|end| end[16..24] == [0; 8] && end[24..32] == end[32..40])
                .map(|end| (32..40).rev().fold(0, |count, at| count << 8 | u64::from(end[at]))),
        );
    counts.any(|count| count > ENTRIES)
}

/// Is it a ZIP archive?
pub(super) fn is_archive(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// What the archive holds. The list of entries at its end counts, not bytes that happen to be
/// inside.
pub(super) fn detect(bytes: &[u8]) -> Result<DocumentKind, Unsupported> {
    if is_crowded(bytes) {
        return Err(Unsupported("a ZIP archive of more than 10,000 entries"));
    }
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return damaged(bytes) };
    if let Some(kind) = declared(&mut archive) {
        return kind;
    }
    if archive.index_for_name("[Content_Types].xml").is_none() {
        return Err(Unsupported("a ZIP archive"));
    }
    let has = |folder: &str| {
        archive.file_names().any(|name| name.is_ok_and(|name| name.starts_with(folder)))
    };
    if has("word/") {
        Ok(DocumentKind::Docx)
    } else if has("xl/") {
        workbook(&archive)
    } else if has("ppt/") {
        Ok(DocumentKind::Pptx)
    } else {
        Err(Unsupported("a ZIP archive"))
    }
}

/// Excel has a binary form with the same folders.
fn workbook(archive: &ZipArchive<Cursor<&[u8]>>) -> Result<DocumentKind, Unsupported> {
    if archive.index_for_name("xl/workbook.bin").is_some() {
        return Err(Unsupported("a binary Excel workbook (.xlsb): save it as .xlsx"));
    }
    Ok(DocumentKind::Xlsx)
}

/// What the entry `mimetype` of `OpenDocument` files and books says.
fn declared(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Option<Result<DocumentKind, Unsupported>> {
    let mut kind = String::new();
    let entry = archive.by_name("mimetype").ok()?;
    entry.take(LONGEST_TYPE).read_to_string(&mut kind).ok()?;
    let kind = kind.trim();
    let document = kind.strip_prefix("application/vnd.oasis.opendocument.");
    Some(match document {
        Some("text" | "text-template" | "text-master") => Ok(DocumentKind::Odt),
        Some("spreadsheet" | "spreadsheet-template") => Ok(DocumentKind::Xlsx),
        Some("presentation") => {
            Err(Unsupported("an OpenDocument presentation (.odp): save it as .pptx"))
        }
        Some(_) => Err(Unsupported("an OpenDocument drawing")),
        None if kind == "application/epub+zip" => Ok(DocumentKind::Epub),
        None => return None,
    })
}

/// An archive that cannot be opened: its first entry tells what it was meant to be, and reading it
/// what is wrong.
fn damaged(bytes: &[u8]) -> Result<DocumentKind, Unsupported> {
    let head = &bytes[..bytes.len().min(64 * 1024)];
    let has = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
    if has(b"word/") {
        Ok(DocumentKind::Docx)
    } else if has(b"xl/") {
        Ok(DocumentKind::Xlsx)
    } else if has(b"ppt/") {
        Ok(DocumentKind::Pptx)
    } else if has(b"mimetypeapplication/vnd.oasis.opendocument.text") {
        Ok(DocumentKind::Odt)
    } else if has(b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet") {
        Ok(DocumentKind::Xlsx)
    } else if has(b"mimetypeapplication/epub+zip") {
        Ok(DocumentKind::Epub)
    } else {
        Err(Unsupported("a ZIP archive"))
    }
}
