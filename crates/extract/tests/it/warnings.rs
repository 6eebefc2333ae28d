//! What owners are told of documents that could be read, and of those that hold no text.

use std::{
    fmt::Write as _,
    io::{Cursor, Write},
};

use replyx_core::knowledge::{
    DocumentKind::{self, Csv, Docx, Eml, Pdf, Pptx, Xlsx},
    WarningCode::{
        self, AttachmentsSkipped, FormValuesSkipped, HiddenSheets, HiddenSlides, PagesWithoutText,
        RowsWithoutHeader, ThinPages,
    },
};
use replyx_extract::{ExtractError, Extracted, Unreadable, detect, isolated};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::extract::program;

async fn read(kind: DocumentKind, bytes: &[u8]) -> Result<Extracted, Unreadable> {
    match isolated(program(), kind, bytes).await {
        Ok(found) => Ok(found),
        Err(ExtractError::Unreadable(why)) => Err(why),
        Err(other) => panic!("{other:?}"),
    }
}

/// What is warned of, and of which pages.
fn warned(found: &Extracted) -> Vec<(WarningCode, Vec<i64>)> {
    found.warnings.iter().map(|warning| (warning.code, warning.pages.clone())).collect()
}

/// A page of a PDF: what is written on it, and the size of the picture it shows.
type Page<'a> = (&'a str, Option<u32>);

/// A PDF of these pages; `form` is an entry of its catalog.
fn pdf(pages: &[Page], form: &str) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len()).map(|page| format!("{} 0 R", 10 + page * 3)).collect();
    let mut objects = vec![
        (1, format!("<</Type/Catalog/Pages 2 0 R {form}>>")),
        (2, format!("<</Type/Pages/Kids[{}]/Count {}>>", kids.join(" "), pages.len())),
        (3, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned()),
    ];
    for ((text, picture), number) in pages.iter().zip((10..).step_by(3)) {
        let content = number + 1;
        let image = number + 2;
        let shown = picture.map_or(String::new(), |_| format!("/XObject<</I {image} 0 R>>"));
        objects.push((
            number,
            format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents {content} 0 R\
                 /Resources<</Font<</F 3 0 R>>{shown}>>>>"
            ),
        ));
        let draw = picture.map_or("", |_| "q 600 0 0 800 0 0 cm /I Do Q ");
        let stream = format!("{draw}BT /F 12 Tf 72 700 Td ({text}) Tj ET");
        objects
            .push((content, format!("<</Length {}>> stream\n{stream}\nendstream", stream.len())));
        let side = picture.unwrap_or(1);
        objects.push((
            image,
            format!(
                "<</Type/XObject/Subtype/Image/Width {side}/Height {side}/ColorSpace/DeviceGray\
                 /BitsPerComponent 8/Length 1>> stream\nx\nendstream"
            ),
        ));
    }
    let written =
        objects.iter().map(|(number, object)| format!("{number} 0 obj {object} endobj\n"));
    let body = written.collect::<Vec<_>>().concat();
    format!("%PDF-1.4\n{body}trailer <</Root 1 0 R>>\n%%EOF").into_bytes()
}

const LONG: &str = "A sentence that says enough to be read by anybody who looks for an answer.";

#[tokio::test]
async fn pages_of_a_pdf_without_text_are_named() {
    let found = read(Pdf, &pdf(&[(LONG, None), ("", None), ("7", None), (LONG, None)], "")).await;
    assert_eq!(warned(&found.unwrap()), [(PagesWithoutText, vec![2]), (ThinPages, vec![3])]);

    let whole = read(Pdf, &pdf(&[(LONG, None), (LONG, Some(900))], "")).await.unwrap();
    assert_eq!(warned(&whole), []);
}

/// Programs write a number onto every page that they scan.
#[tokio::test]
async fn a_number_in_the_corner_of_a_scan_is_no_text() {
    let mixed = pdf(&[(LONG, None), ("Page 2", Some(900)), ("Page 3", Some(900))], "");
    assert_eq!(warned(&read(Pdf, &mixed).await.unwrap()), [(PagesWithoutText, vec![2, 3])]);

    let scanned = pdf(&[("Page 1", Some(900)), ("Page 2", Some(900)), ("Page 3", Some(900))], "");
    let why = read(Pdf, &scanned).await.unwrap_err();
    assert_eq!(why, Unreadable::NoTextLayer { pages: 3 });
    assert!(why.to_string().contains("pages 1 to 3; it seems to be a scan"), "{why}");

    // A notice with a logo is short, and no scan.
    let notice = read(Pdf, &pdf(&[("Closed on Sundays", Some(100))], "")).await.unwrap();
    assert_eq!(warned(&notice), [(ThinPages, vec![1])]);
}

#[tokio::test]
async fn values_in_the_fields_of_a_form_are_counted() {
    let form = "/AcroForm<</Fields[<</T(a)/FT/Tx/V(Alice)>> <</T(b)/Kids[<</T(c)/FT/Tx/V(Bob)>>]>> \
                <</T(d)/FT/Btn/V/Off>> <</T(e)/FT/Tx>>]>>";
    let found = read(Pdf, &pdf(&[(LONG, None)], form)).await.unwrap();
    assert_eq!(warned(&found), [(FormValuesSkipped, vec![])]);
    assert_eq!(found.warnings[0].count, 2);

    // A tree of fields that is its own child comes to an end.
    let form = "/AcroForm 5 0 R";
    let mut circle = pdf(&[(LONG, None)], form);
    let at = circle.windows(7).position(|part| part == b"trailer").unwrap();
    let object = b"5 0 obj <</Fields[6 0 R]>> endobj\n6 0 obj <</Kids[6 0 R 6 0 R]>> endobj\n";
    circle.splice(at..at, object.iter().copied());
    assert_eq!(warned(&read(Pdf, &circle).await.unwrap()), []);
}

/// An archive of these entries.
fn archive(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A presentation of slides with these texts; none: a picture. A text that begins with `-` is on a
/// hidden slide.
fn slides(texts: &[Option<&str>]) -> Vec<u8> {
    let mut entries = vec![("[Content_Types].xml".to_owned(), "<Types/>".to_owned())];
    let mut list = String::new();
    let mut relations = String::new();
    for (text, number) in texts.iter().zip(1..) {
        let _ = write!(list, "<p:sldId id=\"{number}\" r:id=\"r{number}\"/>");
        let _ = write!(
            relations,
            "<Relationship Id=\"r{number}\" Target=\"slides/slide{number}.xml\" \
             Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/slide\"/>"
        );
        let shape = text.map_or("<p:pic/>".to_owned(), |text| {
            format!("<p:sp><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>")
        });
        let show = if text.is_some_and(|text| text.starts_with('-')) { " show=\"0\"" } else { "" };
        let slide = format!(
            "<p:sld xmlns:p=\"p\" xmlns:a=\"a\"{show}><p:cSld><p:spTree>{shape}</p:spTree></p:cSld></p:sld>"
        );
        entries.push((format!("ppt/slides/slide{number}.xml"), slide));
    }
    let main = format!(
        "<p:presentation xmlns:p=\"p\" xmlns:r=\"r\"><p:sldIdLst>{list}</p:sldIdLst></p:presentation>"
    );
    entries.push(("ppt/presentation.xml".to_owned(), main));
    let relations = format!("<Relationships>{relations}</Relationships>");
    entries.push(("ppt/_rels/presentation.xml.rels".to_owned(), relations));
    entries.push(("ppt/media/image1.png".to_owned(), "picture".to_owned()));
    let entries: Vec<(&str, &str)> =
        entries.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
    archive(&entries)
}

#[tokio::test]
async fn slides_of_pictures_are_named_or_refused_with_a_sentence_of_their_own() {
    let found = read(Pptx, &slides(&[Some(LONG), None, Some("- hidden"), None])).await.unwrap();
    assert_eq!(warned(&found), [(HiddenSlides, vec![3]), (PagesWithoutText, vec![2, 4])]);
    assert!(found.warnings[1].detail.starts_with("slides 2 and 4 have no text"));

    let why = read(Pptx, &slides(&[None, None])).await.unwrap_err();
    assert_eq!(why, Unreadable::OnlySlidesOfPictures { slides: 2 });
    assert!(why.to_string().contains("slides 1 to 2"), "{why}");
}

#[tokio::test]
async fn a_document_of_pictures_is_told_from_an_empty_one() {
    let word = |entry: &str| {
        archive(&[
            ("[Content_Types].xml", "<Types/>"),
            ("word/document.xml", "<w:document xmlns:w=\"w\"><w:body><w:p/></w:body></w:document>"),
            (entry, "x"),
        ])
    };
    let why = read(Docx, &word("word/media/image1.jpeg")).await.unwrap_err();
    assert_eq!(why, Unreadable::OnlyPictures);
    for other in ["word/theme/theme1.xml", "docProps/thumbnail.jpeg"] {
        assert_eq!(read(Docx, &word(other)).await.unwrap_err(), Unreadable::Empty, "{other}");
    }
}

#[tokio::test]
async fn an_old_workbook_reads_as_the_new_one() {
    let file = |name: &str| {
        let path: std::path::PathBuf =
            [env!("CARGO_MANIFEST_DIR"), "tests/files/office", name].iter().collect();
        std::fs::read(path).unwrap()
    };
    let old = file("price.ru.xls");
    let new = file("price.ru.xlsx");
    assert_eq!(detect("a.bin", &old), Ok(Xlsx));
    let old_text = read(Xlsx, &old).await.unwrap();
    let new_text = read(Xlsx, &new).await.unwrap();
    assert!(new_text.text.contains("покупателям |  | 7%"), "{}", new_text.text);
    assert_eq!(old_text.text, new_text.text);
    assert_eq!(old_text.warnings, new_text.warnings);

    // The library behind it believes every number in the file.
    for at in (0..old.len()).step_by(old.len() / 60) {
        let mut bent = old.clone();
        bent[at] ^= 0x5A;
        let _ = read(Xlsx, &bent).await;
        let _ = read(Xlsx, &old[..at]).await;
    }
    assert_eq!(read(Xlsx, &old[..600]).await.unwrap_err(), Unreadable::Damaged);
}

#[tokio::test]
async fn hidden_sheets_are_named() {
    let path: std::path::PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "tests/files/office/libreoffice.book.xlsx"].iter().collect();
    let xlsx = read(Xlsx, &std::fs::read(&path).unwrap()).await.unwrap();
    let ods = read(Xlsx, &std::fs::read(path.with_extension("ods")).unwrap()).await.unwrap();
    for found in [xlsx, ods] {
        let hidden = found.warnings.iter().find(|warning| warning.code == HiddenSheets).unwrap();
        assert_eq!(hidden.count, 1);
        assert_eq!(hidden.names.len(), 1);
        assert!(hidden.detail.contains(&hidden.names[0]), "{}", hidden.detail);
    }
}

#[tokio::test]
async fn a_table_without_a_header_is_told() {
    let table = "lamp;19,90\nbulb;2,50\ncord;1 990\n";
    let found = read(Csv, table.as_bytes()).await.unwrap();
    assert_eq!(warned(&found), [(RowsWithoutHeader, vec![])]);
    let named = read(Csv, format!("item;price\n{table}").as_bytes()).await.unwrap();
    assert_eq!(warned(&named), []);
}

#[tokio::test]
async fn a_mail_in_utf_16_is_read_as_any_other() {
    let mail = "From: Анна <anna@shop.example>\r\nTo: all@shop.example\r\nSubject: Цены\r\n\
                Date: Mon, 2 Nov 2026 10:00:00 +0300\r\nMIME-Version: 1.0\r\n\
                Content-Type: text/plain; charset=\"utf-16\"\r\n\r\nЛыжи стоят 12 990 рублей.\r\n";
    let wide = |of: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let mark = mark.then_some('\u{FEFF}');
        let text: String = mark.into_iter().chain(mail.chars()).collect();
        text.encode_utf16().flat_map(of).collect()
    };
    for bytes in [
        mail.replace("utf-16", "utf-8").into_bytes(),
        wide(u16::to_le_bytes, true),
        wide(u16::to_be_bytes, true),
        wide(u16::to_le_bytes, false),
        wide(u16::to_be_bytes, false),
    ] {
        assert_eq!(detect("a.eml", &bytes), Ok(Eml));
        let found = read(Eml, &bytes).await.unwrap();
        assert_eq!(found.title.as_deref(), Some("Цены"));
        assert!(found.text.contains("Лыжи стоят 12 990 рублей."), "{}", found.text);
        assert_eq!(warned(&found), []);
    }
}

#[tokio::test]
async fn attachments_that_are_only_named_are_told() {
    let mail = "From: a@shop.example\r\nSubject: Prices\r\nMIME-Version: 1.0\r\n\
                Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nSee below.\r\n--x\r\n\
                Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=price.pdf\r\n\r\n\
                %PDF\r\n--x--\r\n";
    let found = read(Eml, mail.as_bytes()).await.unwrap();
    assert_eq!(warned(&found), [(AttachmentsSkipped, vec![])]);
    assert_eq!(found.warnings[0].names, ["price.pdf"]);
}
