//! Office formats: files of other programs, and files nobody's program would write.

use std::{
    fmt::Write as _,
    io::{Cursor, Read, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use replyx_core::knowledge::DocumentKind::{self, Docx, Epub, Odt, Pptx, Xlsx};
use replyx_extract::{
    Extracted,
    Unreadable::{self, Damaged, Locked, TooComplex, TooLong},
    parse,
};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// A refusal that takes longer is a way to keep us busy.
const QUICK: Duration = Duration::from_secs(10);

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/files/office", name].iter().collect()
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).expect("the tests' files are there")
}

fn kind(name: &str) -> DocumentKind {
    match name.rsplit('.').next().unwrap() {
        "docx" => Docx,
        "pptx" => Pptx,
        "odt" => Odt,
        "epub" => Epub,
        _ => Xlsx,
    }
}

/// Everything that was read, for comparison as a whole.
fn told(found: &Extracted) -> String {
    let mut told = format!("title: {}\n", found.title.as_deref().unwrap_or("-"));
    for heading in &found.headings {
        let text = &found.text[heading.start..heading.end];
        writeln!(told, "heading {}: {text}", heading.level).unwrap();
    }
    for page in &found.pages {
        let line = found.text[*page..].lines().next().unwrap_or_default();
        writeln!(told, "page: {line}").unwrap();
    }
    told + "---\n" + &found.text + "\n"
}

fn reads_as(expected: &str, names: &[&str]) {
    let expected = String::from_utf8(file(&format!("expected/{expected}.txt"))).unwrap();
    for name in names {
        let found = parse(kind(name), &file(name)).unwrap();
        assert_eq!(told(&found), expected, "{name}");
        assert_eq!(found.kind, kind(name));
    }
}

/// An archive of these entries.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A file with some entries changed.
fn changed(name: &str, change: impl Fn(&str, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut from = ZipArchive::new(Cursor::new(file(name))).unwrap();
    let entries: Vec<(String, Vec<u8>)> = (0..from.len())
        .map(|index| {
            let mut entry = from.by_index(index).unwrap();
            let name = entry.name().unwrap().into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let content = change(&name, content);
            (name, content)
        })
        .collect();
    archive(&entries.iter().map(|(name, it)| (name.as_str(), it.as_slice())).collect::<Vec<_>>())
}

fn word(document: &str) -> Vec<u8> {
    archive(&[("word/document.xml", document.as_bytes())])
}

fn paragraphs(inner: &str) -> String {
    format!("<w:document xmlns:w='w' xmlns:r='r'><w:body>{inner}</w:body></w:document>")
}

#[track_caller]
fn refused(kind: DocumentKind, bytes: &[u8], why: Unreadable) {
    let start = Instant::now();
    assert_eq!(parse(kind, bytes).err(), Some(why));
    assert!(start.elapsed() < QUICK, "a refusal took {:?}", start.elapsed());
}

#[test]
fn a_handbook_reads_the_same_from_every_program_and_format() {
    for language in ["en", "ru"] {
        let names: Vec<String> = ["pandoc", "libreoffice"]
            .iter()
            .flat_map(|by| ["docx", "odt"].map(|format| format!("{by}.{language}.{format}")))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        reads_as(&format!("handbook.{language}"), &names);
    }
}

#[test]
fn slides_are_pages_with_titles_points_tables_and_notes() {
    reads_as("slides", &["pandoc.slides.pptx", "libreoffice.slides.pptx"]);
    reads_as("handbook.en.pptx", &["pandoc.en.pptx", "libreoffice.en.pptx"]);
    reads_as("handbook.ru.pptx", &["pandoc.ru.pptx", "libreoffice.ru.pptx"]);
}

#[test]
fn a_hidden_slide_is_left_out() {
    let hidden = changed("pandoc.slides.pptx", |name, content| {
        let content = String::from_utf8_lossy(&content).into_owned();
        match name {
            "ppt/slides/slide2.xml" => content.replacen("<p:sld ", "<p:sld show=\"0\" ", 1).into(),
            _ => content.into(),
        }
    });
    let text = parse(Pptx, &hidden).unwrap().text;
    assert!(!text.contains("Two kinds of people") && text.contains("Chat | 2"), "{text}");
}

#[test]
fn long_tables_and_merged_cells_keep_every_row() {
    reads_as("table", &["libreoffice.table.docx", "libreoffice.table.odt"]);
}

#[test]
fn changes_comments_boxes_and_notes_are_read_as_a_reader_sees_them() {
    reads_as("details", &["libreoffice.details.docx", "libreoffice.details.odt"]);
}

#[test]
fn workbooks_show_dates_per_cents_and_results_but_no_hidden_sheet() {
    reads_as("book", &["libreoffice.book.xlsx", "libreoffice.book.ods"]);
}

#[test]
fn books_are_read_chapter_by_chapter() {
    reads_as("book.en", &["pandoc.en.epub"]);
    reads_as("book.ru", &["pandoc.ru.epub"]);
}

#[test]
fn a_password_is_told_apart_from_damage() {
    for name in ["locked.docx", "locked.xlsx", "locked.odt"] {
        refused(kind(name), &file(name), Locked);
    }
    // Flags of the entry's two headers say that it is encrypted.
    let mut bytes = word(&paragraphs("<w:p><w:r><w:t>secret</w:t></w:r></w:p>"));
    bytes[6] |= 1;
    let central = bytes.windows(4).position(|it| it == b"PK\x01\x02").unwrap();
    bytes[central + 8] |= 1;
    refused(Docx, &bytes, Locked);
    let rights = "<encryption xmlns='e'><EncryptedData><CipherData><CipherReference URI='EPUB/text/ch001.xhtml'/>
        </CipherData></EncryptedData></encryption>";
    let mut from = ZipArchive::new(Cursor::new(file("pandoc.en.epub"))).unwrap();
    let mut entries = vec![("META-INF/encryption.xml".to_owned(), rights.as_bytes().to_vec())];
    for index in 0..from.len() {
        let mut entry = from.by_index(index).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        entries.push((entry.name().unwrap().into_owned(), content));
    }
    let entries: Vec<(&str, &[u8])> =
        entries.iter().map(|(name, it)| (name.as_str(), it.as_slice())).collect();
    refused(Epub, &archive(&entries), Locked);
    assert_eq!(Locked.to_string(), "the file is protected by a password");
}

#[test]
fn a_bomb_is_refused_whatever_its_headers_say() {
    let zeros = vec![b' '; 8 * 1024 * 1024];
    refused(Docx, &archive(&[("word/document.xml", &zeros)]), TooComplex);
    refused(Xlsx, &archive(&[("xl/media/image1.png", &zeros)]), TooComplex);
    let mut bytes = archive(&[("content.xml", &zeros)]);
    let central = bytes.windows(4).position(|it| it == b"PK\x01\x02").unwrap();
    for at in [22, central + 24] {
        bytes[at..at + 4].copy_from_slice(&10_u32.to_le_bytes());
    }
    let why = parse(Odt, &bytes).err();
    assert!(matches!(why, Some(TooComplex | Damaged)), "{why:?}");
}

#[test]
fn archives_in_archives_are_not_opened() {
    let bomb = archive(&[("zeros", &vec![0; 4 * 1024 * 1024])]);
    let document = paragraphs("<w:p><w:r><w:t>All is well</w:t></w:r></w:p>");
    let entries: [(&str, &[u8]); 2] =
        [("word/document.xml", document.as_bytes()), ("word/embeddings/inner.zip", &bomb)];
    assert_eq!(parse(Docx, &archive(&entries)).unwrap().text, "All is well");
    refused(Docx, &archive(&[("word/document.xml", &bomb)]), Damaged);
    refused(Docx, &archive(&[("inner.docx", &file("pandoc.en.docx"))]), Damaged);
}

#[test]
fn too_many_entries_are_refused() {
    let names: Vec<String> = (0..10_001).map(|index| format!("e{index}")).collect();
    let entries: Vec<(&str, &[u8])> =
        names.iter().map(|it| (it.as_str(), b"".as_slice())).collect();
    let bytes = archive(&entries);
    for kind in [Docx, Pptx, Odt, Epub, Xlsx] {
        refused(kind, &bytes, TooComplex);
    }
}

#[test]
fn entities_and_deep_nesting_are_refused() {
    let mut laughs = "<!DOCTYPE d [<!ENTITY l0 'ha'>".to_owned();
    for level in 1..20 {
        let last = format!("&l{};", level - 1);
        write!(laughs, "<!ENTITY l{level} '{}'>", last.repeat(10)).unwrap();
    }
    let laughs = format!("<?xml version='1.0'?>{laughs}]><d>&l19;</d>");
    let outside = "<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><d>&x;</d>";
    let deep = paragraphs(&"<w:p>".repeat(100_000));
    for source in [laughs.as_str(), outside, &deep] {
        refused(Docx, &word(source), TooComplex);
        let source = source.as_bytes();
        refused(Odt, &archive(&[("content.xml", source)]), TooComplex);
        refused(Xlsx, &archive(&[("content.xml", source)]), TooComplex);
        refused(Pptx, &archive(&[("ppt/presentation.xml", source)]), TooComplex);
        refused(Epub, &archive(&[("META-INF/container.xml", source)]), TooComplex);
    }
    refused(Docx, &word(&paragraphs("<w:p><w:r><w:t>&unknown;</w:t></w:r></w:p>")), Damaged);
}

#[test]
fn a_torn_archive_is_damaged_wherever_it_is_torn() {
    for name in ["pandoc.en.docx", "libreoffice.book.xlsx", "pandoc.ru.epub", "pandoc.en.pptx"] {
        let bytes = file(name);
        for end in (1..bytes.len()).step_by(bytes.len() / 40) {
            refused(kind(name), &bytes[..end], Damaged);
        }
    }
}

#[test]
fn a_format_under_another_ones_name_is_damaged() {
    let files = [
        "pandoc.en.docx",
        "pandoc.en.pptx",
        "pandoc.en.odt",
        "pandoc.en.epub",
        "libreoffice.book.xlsx",
    ];
    for name in files {
        for wrong in [Docx, Pptx, Odt, Epub, Xlsx] {
            if wrong != kind(name) {
                refused(wrong, &file(name), Damaged);
            }
        }
    }
}

#[test]
fn names_never_lead_out_of_the_archive() {
    let relations = |target: &str, mode: &str| {
        format!(
            "<Relationships><Relationship Id='rId1' Type='x/officeDocument' Target='{target}' {mode}/></Relationships>"
        )
    };
    let up = relations("../../../../../../etc/passwd", "");
    refused(Docx, &archive(&[("_rels/.rels", up.as_bytes())]), Damaged);
    let out = relations("file:///etc/passwd", "TargetMode='External'");
    refused(Docx, &archive(&[("_rels/.rels", out.as_bytes())]), Damaged);
    let entries: [(&str, &[u8]); 2] =
        [("_rels/.rels", up.as_bytes()), ("../../etc/passwd", b"<w:document/>")];
    refused(Docx, &archive(&entries), Damaged);
    let container = "<container><rootfile full-path='../../../etc/passwd'/></container>";
    refused(Epub, &archive(&[("META-INF/container.xml", container.as_bytes())]), Damaged);
}

#[test]
fn a_vast_sheet_is_refused_without_being_built() {
    let book = |rows: &str| {
        let source = format!(
            "<d><body><spreadsheet><table name='t'>{rows}</table></spreadsheet></body></d>"
        );
        archive(&[("content.xml", source.as_bytes())])
    };
    let full = "<table-row number-rows-repeated='1048576'><table-cell number-columns-repeated='16384'><p>x</p></table-cell></table-row>";
    refused(Xlsx, &book(full), TooLong);
    let mut scattered = String::new();
    for column in 0..3_000 {
        write!(scattered, "<table-row><table-cell number-columns-repeated='{column}'/><table-cell><p>x</p></table-cell></table-row>").unwrap();
    }
    refused(Xlsx, &book(&scattered), TooComplex);
    let far = "<table-row number-rows-repeated='4294967295'/><table-row><table-cell number-columns-repeated='4294967295'/><table-cell><p>far</p></table-cell></table-row>";
    assert_eq!(parse(Xlsx, &book(far)).unwrap().text, "t\n\nfar");
}

#[test]
fn the_cells_of_an_excel_sheet_may_lie_anywhere() {
    let sheet = |cells: &str| {
        changed("libreoffice.book.xlsx", |name, content| {
            match name {
            "xl/worksheets/sheet1.xml" => format!(
                "<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><dimension ref='A1:XFD1048576'/><sheetData>{cells}</sheetData></worksheet>"
            )
            .into_bytes(),
            _ => content,
        }
        })
    };
    let corner = "<row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='XFD1048576'><v>2.5</v></c></row>";
    assert!(parse(Xlsx, &sheet(corner)).unwrap().text.starts_with("Prices\n\n1\n\n2.5"));
    let missing = "<row r='1'><c r='A1' t='s'><v>4000000</v></c></row>";
    let found = parse(Xlsx, &sheet(missing));
    assert!(found.is_err() || found.unwrap().text.contains("Тверь"));
    let mut many = String::new();
    for row in 1..=20_001 {
        write!(many, "<row r='{row}'>{}</row>", "<c><v>7</v></c>".repeat(10)).unwrap();
    }
    refused(Xlsx, &sheet(&many), TooLong);
}

#[test]
fn a_count_of_strings_that_cannot_be_is_not_believed() {
    for count in ["999999999999", "1e3", "18446744073709551616"] {
        let bytes = changed("libreoffice.book.xlsx", |name, content| match name {
            "xl/sharedStrings.xml" => String::from_utf8(content)
                .unwrap()
                .replacen("uniqueCount=\"", &format!("uniqueCount = '{count}' x=\""), 1)
                .into_bytes(),
            _ => content,
        });
        let text = parse(Xlsx, &bytes).unwrap().text;
        assert!(text.contains("Тверь"), "{count}: {text}");
    }
}

#[test]
fn fields_controls_and_nested_tables_of_a_document_are_read() {
    let run = |text: &str| format!("<w:r><w:t>{text}</w:t></w:r>");
    let field = format!(
        "<w:p><w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText> HYPERLINK \"https://a.example/b\" </w:instrText></w:r>
        <w:r><w:fldChar w:fldCharType='separate'/></w:r>{}<w:r><w:fldChar w:fldCharType='end'/></w:r>{}</w:p>",
        run("here"),
        run(" and there")
    );
    let hidden = "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>seen</w:t></w:r></w:p>";
    let control = format!(
        "<w:sdt><w:sdtPr/><w:sdtContent><w:p>{}</w:p></w:sdtContent></w:sdt>",
        run("Field")
    );
    let inner = format!(
        "<w:tbl><w:tr><w:tc><w:p>{}</w:p></w:tc><w:tc><w:p>{}</w:p></w:tc></w:tr></w:tbl>",
        run("c"),
        run("d")
    );
    let table = format!(
        "<w:tbl><w:tr><w:tc><w:p>{}</w:p></w:tc><w:tc>{inner}<w:p/></w:tc></w:tr>
        <w:tr><w:trPr><w:del/></w:trPr><w:tc><w:p>{}</w:p></w:tc><w:tc/></w:tr></w:tbl>",
        run("a"),
        run("gone")
    );
    let frame = format!(
        "<w:tbl><w:tr><w:tc><w:p><w:pPr><w:outlineLvl w:val='1'/></w:pPr>{}</w:p></w:tc></w:tr></w:tbl>",
        run("Framed")
    );
    let text = |name: &str| format!("<mc:{name}><w:p>{}</w:p></mc:{name}>", run(name));
    let choice = format!(
        "<mc:AlternateContent>{}{}</mc:AlternateContent>",
        text("Choice"),
        text("Fallback")
    );
    let source = paragraphs(&[field, hidden.into(), control, table, frame, choice].concat());
    let found = parse(Docx, &word(&source)).unwrap();
    assert_eq!(
        found.text,
        "here (https://a.example/b) and there\n\nseen\n\nField\n\na | c d\n\nFramed\n\nChoice"
    );
    assert_eq!(found.headings.iter().map(|it| it.level).collect::<Vec<_>>(), [2]);
}

/// Merged cells, repeated cells and styles that are based on one another, as nobody writes them.
#[test]
fn merged_cells_and_styles_in_a_circle_are_bounded() {
    let book = |rows: &str| {
        let source = format!(
            "<d><body><spreadsheet><table name='t'>{rows}</table></spreadsheet></body></d>"
        );
        archive(&[("content.xml", source.as_bytes())])
    };
    let wide = "<table-row><table-cell number-columns-spanned='4294967295' number-rows-spanned='4294967295'><p>all</p></table-cell></table-row>";
    let start = Instant::now();
    let text = parse(Xlsx, &book(&wide.repeat(2_000))).unwrap().text;
    assert!(text.matches("all").count() >= 2_000, "{}", text.len());
    assert!(start.elapsed() < QUICK);

    let document = |styles: &str, body: &str| {
        let source = format!(
            "<d><automatic-styles>{styles}</automatic-styles><body><text>{body}</text></body></d>"
        );
        archive(&[("content.xml", source.as_bytes())])
    };
    let circle = "<style family='text' name='a' parent-style-name='b'/><style family='text' name='b' parent-style-name='a'/>
        <style family='paragraph' name='a' parent-style-name='b'/><style family='paragraph' name='b' parent-style-name='a'/>";
    let found =
        parse(Odt, &document(circle, "<p style-name='a'>seen <span style-name='a'>too</span></p>"));
    assert_eq!(found.unwrap().text, "seen too");

    let cell = "<table-cell number-columns-spanned='9999999' number-rows-spanned='9999999'><p>long text of a cell</p></table-cell>";
    let row = format!("<table-row>{cell}{cell}</table-row>");
    let table = format!("<table>{}</table>", row.repeat(3_000));
    let start = Instant::now();
    let text = parse(Odt, &document("", &table)).unwrap().text;
    assert!(text.len() < 8 << 20, "{}", text.len());
    assert!(start.elapsed() < QUICK);

    let cell = "<w:tc><w:tcPr><w:gridSpan w:val='4294967295'/><w:vMerge/></w:tcPr><w:p><w:r><w:t>x</w:t></w:r></w:p></w:tc>";
    let row = format!("<w:tr>{}</w:tr>", cell.repeat(20));
    let table = paragraphs(&format!(
        "<w:tbl>{}</w:tbl><w:p><w:r><w:t>end</w:t></w:r></w:p>",
        row.repeat(2_000)
    ));
    assert_eq!(parse(Docx, &word(&table)).unwrap().text, "end");
}

/// A document of Word 97 that lies about its places and lengths, byte by byte.
#[test]
fn an_old_document_that_lies_ends() {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "tests/files/people/owner_contract_ru.doc"].iter().collect();
    let whole = std::fs::read(path).unwrap();
    let text = parse(Docx, &whole).unwrap().text;
    assert!(text.contains("Договор поставки"), "{text}");

    let start = Instant::now();
    for at in (0..whole.len()).step_by(23) {
        for flip in [0x5A, 0xFF, 0x80] {
            let mut bent = whole.clone();
            bent[at] ^= flip;
            let _ = parse(Docx, &bent);
        }
        let _ = parse(Docx, &whole[..at]);
    }
    assert!(start.elapsed() < Duration::from_mins(2), "{:?}", start.elapsed());

    // Encrypted documents say so in their head.
    let head = whole.windows(2).step_by(512).position(|at| at == [0xEC, 0xA5]).unwrap() * 512;
    let mut locked = whole;
    locked[head + 0x0B] |= 0x01;
    refused(Docx, &locked, Locked);
}
