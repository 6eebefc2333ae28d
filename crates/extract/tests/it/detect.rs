//! What a file is, whatever it is called.

use std::path::PathBuf;

use replyx_core::knowledge::DocumentKind::{
    self, Csv, Docx, Eml, Epub, Html, Json, Markdown, Odt, Pdf, Pptx, Rtf, Text, Xlsx,
};
use replyx_extract::detect;

fn file(name: &str) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/files", name].iter().collect();
    std::fs::read(path).unwrap()
}

#[test]
fn real_files_are_known_by_their_content_alone() {
    let files: &[(&str, DocumentKind)] = &[
        ("office/pandoc.en.docx", Docx),
        ("office/libreoffice.en.docx", Docx),
        ("office/libreoffice.book.xlsx", Xlsx),
        ("office/libreoffice.book.ods", Xlsx),
        ("office/price.ru.xls", Xlsx),
        ("office/pandoc.en.pptx", Pptx),
        ("office/libreoffice.en.pptx", Pptx),
        ("office/libreoffice.ru.odt", Odt),
        ("office/pandoc.ru.odt", Odt),
        ("office/pandoc.ru.epub", Epub),
        ("pdf/chromium.ru.pdf", Pdf),
        ("text/libreoffice.en.rtf", Rtf),
        ("text/pandoc.en.rtf", Rtf),
        ("text/pandoc.en.html", Html),
        ("text/libreoffice.ru.html", Html),
        ("text/page.ru.html", Html),
        ("text/mail.both.eml", Eml),
        ("text/mail.koi8-r.eml", Eml),
        ("text/prices.json", Json),
        ("text/libreoffice.book.csv", Csv),
    ];
    for (name, kind) in files {
        let bytes = file(name);
        for claim in ["file", "a.exe", "a.pdf", "a.docx"] {
            assert_eq!(detect(claim, &bytes), Ok(*kind), "{name} as {claim}");
        }
    }
}

/// A real document whose list of entries is said to be this long.
fn crowded(entries: u16) -> Vec<u8> {
    let mut bytes = file("office/pandoc.en.docx");
    let end = bytes.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap();
    for at in [8, 10] {
        bytes[end + at..end + at + 2].copy_from_slice(&entries.to_le_bytes());
    }
    bytes
}

/// The record of the larger form, before the end of a real document.
fn crowded_zip64(entries: u64) -> Vec<u8> {
    let mut bytes = file("office/pandoc.en.docx");
    let end = bytes.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap();
    let mut record = b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0".to_vec();
    record.extend([0; 8]);
    for number in [entries, entries, 1, u64::from(u32::MAX)] {
        record.extend(number.to_le_bytes());
    }
    bytes.splice(end..end, record);
    bytes
}

#[test]
fn an_archive_with_too_long_a_list_is_refused_before_the_list_is_read() {
    for bytes in [crowded(10_001), crowded(u16::MAX), crowded_zip64(10_001), crowded_zip64(1 << 40)]
    {
        let refused = detect("a.docx", &bytes).unwrap_err().to_string();
        assert!(refused.contains("more than 10,000 entries"), "{refused}");
    }
    // With room after its end, as readers of archives allow.
    let trailing = [crowded(10_001), vec![0; 200_000]].concat();
    assert!(detect("a.docx", &trailing).unwrap_err().to_string().contains("10,000"));
    assert_eq!(
        detect("a.docx", &crowded(10_000)),
        Ok(Docx),
        "damaged, and said so when it is read"
    );
}

#[test]
fn the_name_only_tells_apart_what_looks_alike() {
    let prices = b"item, price\nlamp, 19.90\nbulb, 2.50\n";
    assert_eq!(detect("a.csv", prices), Ok(Csv));
    assert_eq!(detect("a.txt", prices), Ok(Text));
    assert_eq!(detect("a", prices), Ok(Text));
    assert_eq!(detect("a.csv", b"just some words"), Ok(Text));
    assert_eq!(detect("a", b"a;b\n1;2\n3;4\n"), Ok(Csv));
    assert_eq!(detect("a.png", b"%PDF-1.7\n"), Ok(Pdf));
    assert_eq!(detect("a.pdf", b"# Delivery"), Ok(Text));
    assert_eq!(detect("a.MD", b"# Delivery"), Ok(Markdown));
    assert_eq!(detect("readme", "Ёлка".as_bytes()), Ok(Text));
    assert_eq!(detect("a.txt", b"\xFF\xFEA\0B\0"), Ok(Text));
    assert_eq!(detect("a.txt", b"A\0B\0 \0C\0D\0"), Ok(Text));
    assert_eq!(detect("a.txt", b"\xC4\xEE\xF1\xF2\xE0\xE2\xEA\xE0"), Ok(Text));
    assert_eq!(detect("a.txt", b"about %PDF- files"), Ok(Text));
    assert_eq!(detect("a.md", b"<p align=\"center\">logo</p>"), Ok(Markdown));
    assert_eq!(detect("a.txt", b"[1] See the notes"), Ok(Text));
    assert_eq!(detect("a.txt", b"{curly} words"), Ok(Text));
    assert_eq!(detect("a", b"{\"a\": 1}\n{\"a\": 2}\n"), Ok(Json));
    assert_eq!(detect("a.txt", b"From: me\nthis is no mail: it is prose"), Ok(Text));
    assert_eq!(detect("a.txt", b"Name: Lamp\nPrice: 5\nDate: now\n"), Ok(Text));
    assert_eq!(detect("a", b"<?xml version='1.0'?><!-- x --><!DOCTYPE html><p>x"), Ok(Html));
    assert_eq!(detect("a", b"<div class=x><h1>Prices</h1></div>"), Ok(Html));
    assert_eq!(detect("a", b"<p> is how a paragraph begins"), Ok(Text));
    assert_eq!(detect("a", b"<maria@shop.example> wrote </>"), Ok(Text));
    for empty in ["a.pdf", "a.csv", "a.html"] {
        assert_eq!(detect(empty, b""), Ok(Text));
    }
    assert_eq!(detect("a.md", b""), Ok(Markdown));
}

/// A JSON file may be longer than what is looked at first, and a prose file may begin like one.
#[test]
fn long_data_is_told_from_long_prose() {
    let data = format!("[{}1]", "{\"question\": \"когда\", \"price\": 1.50},\n".repeat(5_000));
    assert_eq!(detect("a", data.as_bytes()), Ok(Json));
    let prose = format!("[\"Quoted\"] {}", "words and words\n".repeat(10_000));
    assert_eq!(detect("a", prose.as_bytes()), Ok(Text));
}

#[test]
fn other_formats_are_named_and_those_we_read_listed() {
    let old = |stream: &str| -> Vec<u8> {
        let name: Vec<u8> = stream.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(), vec![0; 600], name].concat()
    };
    let noise: Vec<u8> = (0..=255).cycle().take(5_000).collect();
    let seen: Vec<&str> = [
        b"PK\x03\x04rest".as_slice(),
        b"\x89PNG\r\n\x1A\n....",
        b"<svg onload=alert(1)>",
        b"<?xml version=\"1.0\"?><note/>",
        b"<?xml version=\"1.0\"?><feed/>",
        b"<rss version=\"2.0\"><channel/></rss>",
        &noise,
    ]
    .into_iter()
    .map(|bytes| detect("a.txt", bytes).unwrap_err().0)
    .collect();
    assert_eq!(
        seen,
        [
            "a ZIP archive",
            "a PNG image",
            "an SVG image",
            "an XML file",
            "a news feed (RSS or Atom): add the site itself as a source",
            "a news feed (RSS or Atom): add the site itself as a source",
            "a binary file"
        ]
    );
    assert_eq!(detect("a.txt", &old("Workbook")), Ok(Xlsx));
    assert_eq!(detect("a.txt", &old("WordDocument")), Ok(Docx));
    for (stream, words) in [
        ("PowerPoint Document", "File > Save As > PowerPoint Presentation (*.pptx)"),
        ("__properties_version1.0", "File > Save As > Text Only (*.txt)"),
        ("EncryptedPackage", "File > Info > Protect Document > Encrypt with Password"),
    ] {
        let sentence = detect("a.txt", &old(stream)).unwrap_err().to_string();
        assert!(sentence.contains(words), "{sentence}");
    }
    let sentence = detect("a", b"PK\x03\x04rest").unwrap_err().to_string();
    for format in
        ["Word", "Excel", "PowerPoint", "HTML", "PDF", "EPUB", "RTF", "CSV", "JSON", ".eml", ".odt"]
    {
        assert!(sentence.contains(format), "{sentence}");
    }
}
