//! How what stands on a page becomes text: columns, tables, directions of writing, forms.

use std::fmt::Write as _;

use replyx_core::knowledge::{DocumentKind::Pdf, WarningCode};
use replyx_extract::{Extracted, isolated};

use crate::extract::{data, program};

async fn read(bytes: &[u8]) -> Extracted {
    isolated(program(), Pdf, bytes).await.unwrap()
}

async fn text(name: &str) -> String {
    read(&data(name)).await.text
}

/// Lines of a text that hold a word.
fn lines<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
    text.lines().filter(|line| line.contains(word)).collect()
}

/// A page of this content, in Helvetica (`F`) and its bold face (`B`); `more` goes into the page's
/// dictionary, `objects` into the file from number 20 on.
fn page(content: &str, more: &str, objects: &[&str]) -> Vec<u8> {
    let mut file = format!(
        "%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n\
         2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj\n\
         3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R{more}\
         /Resources<</Font<</F 5 0 R/B 6 0 R>>>>>> endobj\n\
         4 0 obj <</Length {}>> stream\n{content}\nendstream endobj\n\
         5 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj\n\
         6 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold>> endobj\n",
        content.len()
    );
    for (object, number) in objects.iter().zip(20..) {
        let _ = writeln!(file, "{number} 0 obj {object} endobj");
    }
    file.push_str("trailer <</Root 1 0 R>>\n%%EOF");
    file.into_bytes()
}

#[tokio::test]
async fn columns_of_text_are_read_one_after_the_other() {
    let two = text("two-columns.pdf").await;
    assert!(
        two.contains("Our salon is open from Tuesday to Saturday, from 9:30 to 18:45."),
        "{two}"
    );
    assert!(two.contains("A wash and cut costs 38 euros."), "{two}");
    assert!(two.contains("Vouchers are valid for 30 months."), "{two}");

    let three = text("three-columns.pdf").await;
    for (boat, deposit) in [(1, 17), (14, 108), (23, 171), (36, 262)] {
        let sentence = format!(
            "The deposit for boat {boat} is {deposit} euros and is paid back on the same evening."
        );
        assert!(three.contains(&sentence), "{sentence}\n{three}");
    }
}

#[tokio::test]
async fn a_table_that_fills_its_page_stays_a_table() {
    let prices = text("price-table.pdf").await;
    assert!(prices.contains("\nЗамена молнии вид 7 | 1050 ₽ | 3 дн.\n"), "{prices}");
    assert!(prices.contains("\nЗамена молнии вид 38 | 2600 ₽ | 4 дн.\n"), "{prices}");

    let questions = text("faq-table.pdf").await;
    let row = "Можно ли вернуть товар без чека, если покупка была сделана по карте лояльности? | Да, покупку найдём по \
               номеру карты лояльности или телефону, возврат занимает 10 дней.";
    assert!(questions.contains(row), "{questions}");
}

#[tokio::test]
async fn empty_cells_keep_their_columns() {
    let boats = text("empty-cells.pdf").await;
    assert_eq!(lines(&boats, "Mira"), ["Mira |  | 11 m | 640 euros"]);
    assert_eq!(lines(&boats, "Nele"), ["Nele | B-2 |  | 480 euros | open"]);
    assert_eq!(lines(&boats, "Oda"), ["Oda |  | 7 m |  | new"]);

    let rooms = text("empty-cells-borders.pdf").await;
    assert_eq!(lines(&rooms, "Ahorn"), ["Ahorn | 70 Euro |  | 95 Euro"]);
    assert_eq!(lines(&rooms, "Buche"), ["Buche |  | 88 Euro"]);
    assert_eq!(lines(&rooms, "Zimmer"), ["Zimmer | Montag | Samstag | Ferien"]);
    let head = "Zimmer | Montag | Samstag | Ferien\n--- | --- | --- | ---\nAhorn";
    assert!(rooms.contains(head), "the names of columns are told as in other formats: {rooms}");
}

#[tokio::test]
async fn a_cell_of_several_lines_is_one_cell() {
    let services = text("wrapped-cells.pdf").await;
    assert_eq!(
        lines(&services, "inspection of"),
        [
            "Small inspection of a city bike | Brakes, gears, tyre pressure, chain oil, a short test ride | 49 euros plus \
             parts",
            "Large inspection of an e-bike | As above, bearings, spokes, battery test, software update | 129 euros plus parts"
        ],
    );
}

#[tokio::test]
async fn writing_from_right_to_left_is_read_as_it_is_said() {
    let chromium = text("hebrew.chromium.pdf").await;
    assert!(chromium.contains("המשלוח עולה 35 שקלים."), "{chromium}");
    assert!(chromium.contains("החנות פתוחה מ-9 עד 17."), "{chromium}");
    let libreoffice = text("hebrew.libreoffice.pdf").await;
    assert!(libreoffice.contains("שעות הפתיחה: ימי ראשון עד חמישי 10 עד 19."), "{libreoffice}");
}

#[tokio::test]
async fn soft_hyphens_do_not_stay_in_words() {
    let german = text("soft-hyphens.pdf").await;
    assert!(
        german.contains("Die Versandkostenpauschale beträgt 6,40 Euro. Die Rücksendefrist"),
        "{german}"
    );
    assert!(
        german.contains("für Unterhaltungselektronik beträgt 21 Tage nach Wareneingang."),
        "{german}"
    );
}

#[tokio::test]
async fn values_in_a_form_are_read_where_they_stand() {
    let form = read(&data("form-values.pdf")).await;
    assert!(form.text.contains("Yearly fee: | 83 euros"), "{}", form.text);
    assert!(form.text.contains("Contact person: | M. Okafor"), "{}", form.text);
    assert!(form.warnings.iter().all(|warning| warning.code != WarningCode::FormValuesSkipped));

    // A program that fills a form in may leave its picture to the reader.
    let field = "<</Type/Annot/Subtype/Widget/FT/Tx/T(fee)/V(83 euros)/Rect[150 695 260 712]>>";
    let hidden = "<</Type/Annot/Subtype/Widget/FT/Tx/T(x)/V(secret)/F 2/Rect[150 595 260 612]>>";
    let content = "BT /F 12 Tf 72 700 Td (Yearly fee:) Tj ET";
    let bare = read(&page(content, "/Annots[20 0 R 21 0 R]", &[field, hidden])).await;
    assert_eq!(bare.text, "Yearly fee: 83 euros");
}

#[tokio::test]
async fn what_is_struck_through_or_not_on_the_page_is_left_out() {
    let content = "BT /F 12 Tf 72 700 Td (A haircut costs) Tj ET \
                   BT /F 12 Tf 160 700 Td (25 euros) Tj ET BT /F 12 Tf 215 700 Td (32 euros) Tj ET \
                   159 703.6 m 211 703.6 l S 72 698 m 260 698 l S \
                   BT /F 12 Tf 72 900 Td (above the page) Tj ET \
                   BT 3 Tr /F 12 Tf 72 600 Td (not seen) Tj 0 Tr ET";
    assert_eq!(read(&page(content, "", &[])).await.text, "A haircut costs 32 euros");
}

#[tokio::test]
async fn raised_numbers_do_not_melt_into_others() {
    let content = "BT /F 12 Tf 72 700 Td (Free delivery from 300) Tj /F 7 Tf 4 Ts (1) Tj \
                   /F 12 Tf 0 Ts ( euros, 10) Tj /F 7 Tf 4 Ts (6) Tj /F 12 Tf 0 Ts ( germs.) Tj ET";
    let found = read(&page(content, "", &[])).await.text;
    assert_eq!(found, "Free delivery from 300^1 euros, 10^6 germs.");
}

#[tokio::test]
async fn the_text_that_a_file_gives_for_its_glyphs_counts() {
    let content = "BT /F 12 Tf 72 700 Td (Ask our ) Tj /Span <</ActualText(office)>> BDC (o\\001ce) Tj EMC \
                   ( in Riga.) Tj ET";
    assert_eq!(read(&page(content, "", &[])).await.text, "Ask our office in Riga.");
}

#[tokio::test]
async fn merged_cells_are_told_in_every_row() {
    let mut content = String::from("0.5 w ");
    // The first column has no line between its two lower rows.
    for (y, from) in [(700, 72), (680, 72), (660, 172), (640, 72)] {
        let _ = write!(content, "{from} {y} m 372 {y} l S ");
    }
    for x in [72, 172, 272, 372] {
        let _ = write!(content, "{x} 640 m {x} 700 l S ");
    }
    let words = [
        (80, 686, "City"),
        (180, 686, "Weight"),
        (280, 686, "Price"),
        (80, 656, "Astana"),
        (180, 666, "up to 2 kg"),
        (280, 666, "1150"),
        (180, 646, "2 to 5 kg"),
        (280, 646, "1750"),
    ];
    for (x, y, word) in words {
        let _ = write!(content, "BT /F 10 Tf {x} {y} Td ({word}) Tj ET ");
    }
    let found = read(&page(&content, "", &[])).await.text;
    assert_eq!(
        lines(&found, "Astana"),
        ["Astana | up to 2 kg | 1150", "Astana | 2 to 5 kg | 1750"]
    );
}

#[tokio::test]
async fn bold_lines_of_standard_fonts_are_headings() {
    let content = "BT /B 12 Tf 72 700 Td (Delivery) Tj ET \
                   BT /F 12 Tf 72 680 Td (We deliver on every working day of the year.) Tj ET";
    let found = read(&page(content, "", &[])).await;
    let headings: Vec<&str> =
        found.headings.iter().map(|heading| &found.text[heading.start..heading.end]).collect();
    assert_eq!(headings, ["Delivery"]);
}

#[tokio::test]
async fn pages_with_negative_places_are_read() {
    let shifted = page("BT /F 12 Tf -500 -100 Td (Below the origin) Tj ET", "", &[]);
    let shifted = String::from_utf8(shifted).unwrap().replace("[0 0 600 800]", "[-600 -800 0 0]");
    assert_eq!(read(shifted.as_bytes()).await.text, "Below the origin");
}
