//! Documents as people have them: each file holds one thing that readers get wrong, and a question
//! that shows it.

use std::path::PathBuf;

use replyx_extract::{detect, parse};
use replyx_extractive::{Quotation, Source, quote};
use replyx_knowledge::chunk::{Chunking, chunk};

/// What a file has to say, and what it must not.
struct Case {
    file: &'static str,
    question: &'static str,
    answer: &'static [&'static str],
    no_answer: &'static [&'static str],
    text: &'static [&'static str],
    no_text: &'static [&'static str],
}

fn bytes(name: &str) -> Vec<u8> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "../extract/tests/files/people", name].iter().collect();
    std::fs::read(path).unwrap()
}

/// The text of a file, and the passages that an answer may rest on.
fn read(name: &str) -> (String, Vec<Source>) {
    let bytes = bytes(name);
    let found = parse(detect(name, &bytes).unwrap(), &bytes).unwrap();
    let passages = chunk(&found, &Chunking::default());
    let source = |passage: replyx_knowledge::chunk::Chunk| Source {
        title: name.split('.').next().unwrap_or_default().to_owned(),
        headings: passage
            .headings
            .split(" > ")
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect(),
        text: passage.text,
        ..Source::default()
    };
    (found.text, passages.into_iter().map(source).collect())
}

fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        let (text, sources) = read(case.file);
        let answer = quote(case.question, &sources)
            .filter(Quotation::is_sure)
            .map(|found| found.text)
            .unwrap_or_default();
        let mut say = |what: &str| {
            wrong.push(format!("{}: {what}\n  answer: {answer}\n  text: {text}", case.file));
        };
        for needed in case.answer.iter().filter(|it| !answer.contains(**it)) {
            say(&format!("the answer lacks {needed:?}"));
        }
        for barred in case.no_answer.iter().filter(|it| answer.contains(**it)) {
            say(&format!("the answer has {barred:?}"));
        }
        for needed in case.text.iter().filter(|it| !text.contains(**it)) {
            say(&format!("the text lacks {needed:?}"));
        }
        for barred in case.no_text.iter().filter(|it| text.contains(**it)) {
            say(&format!("the text has {barred:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

macro_rules! case {
    ($file:literal, $question:literal, $answer:expr, not $no_answer:expr, text $text:expr, not $no_text:expr) => {
        Case {
            file: $file,
            question: $question,
            answer: &$answer,
            no_answer: &$no_answer,
            text: &$text,
            no_text: &$no_text,
        }
    };
}

#[test]
fn what_a_click_shows_is_content_and_what_is_hidden_for_good_is_not() {
    check(&[
        case!("html_accordion_hidden.html", "How long does a repair take?", ["9 working days"], not [],
            text ["9 working days", "Mill Lane 14"], not []),
        case!("html_accordion_display_none.html", "How much does engraving cost?", ["18 euros"], not [],
            text ["18 euros", "Tuesdays"], not []),
        case!("html_tabs_aria_hidden.html", "How much is an e-bike per day?", ["27"], not [],
            text ["27 euros a day"], not []),
        case!("v_hidden_until_found.html", "How long is the warranty on the frame?", ["8 years"], not [],
            text ["8 years"], not []),
        case!("v_real_hidden_is_skipped.html", "What is the supplier code?", [], not ["7788"],
            text ["Open from 9 to 17"], not ["7788", "decor"]),
        case!("html_accordion_button.html", "How much is gift wrapping?", ["2.40"], not [],
            text ["gift wrapping free", "instalments"], not []),
        case!("html_select_options.html", "How much is the hoodie in XXL?", ["44"], not [],
            text ["XXL, 44"], not []),
    ]);
}

#[test]
fn protected_addresses_signs_and_notes_of_pages_are_read() {
    check(&[
        case!("html_cfemail.html", "What is your e-mail address?", ["orders@lindenhof.example"], not ["[email"],
            text ["orders@lindenhof"], not []),
        case!("html_cfemail_link.html", "What is your e-mail address?", ["orders@lindenhof.example"],
            not ["[email", "cdn-cgi"], text [], not ["cdn-cgi"]),
        case!("html_table_icons.html", "Does the Basic plan include export to Excel?", ["No"], not [],
            text ["Export to Excel | No | Yes", "Phone support | Not included | Included", "Backups | No | Yes"],
            not []),
        case!("html_aside_note.html", "May I charge the battery below 0 °C?", ["never"], not [],
            text ["never charge below"], not []),
    ]);
}

#[test]
fn raised_signs_and_fractions_do_not_melt_into_numbers() {
    check(&[
        case!("html_sup_price.html", "How much is the oak shelf?", ["19.99 €"], not ["1999"],
            text ["10^3 litres", "1 m³"], not ["1999", "3001 euros", "103 litres"]),
        case!("docx_superscript.docx", "From which amount is delivery free?", ["300^1"], not ["3001"],
            text ["10^6 particles"], not ["3001", "106 "]),
        case!("odt_superscript.odt", "From which amount is delivery free?", ["300^1"], not ["3001"],
            text [], not ["3001"]),
        case!("rtf_superscript.rtf", "From which amount is delivery free?", ["300^1"], not ["3001"],
            text [], not ["3001"]),
        case!(
            "doc_superscript.doc",
            "From which amount is delivery free?",
            ["300^1"],
            not["3001"],
            text["10^6"],
            not["3001"]
        ),
        case!("v_docx_omml.docx", "How much of a tablet is the dose?", ["3/4"], not ["34"],
            text ["10^3 mg"], not ["34 of", "103 mg"]),
    ]);
}

#[test]
fn struck_out_text_is_not_told() {
    check(&[
        case!("docx_strike.docx", "How much is a haircut?", ["32"], not ["25 euros"],
            text ["74 euros"], not ["25 euros", "60"]),
        case!("odt_strike.odt", "How much is a haircut?", ["32"], not ["25 euros"],
            text [], not ["25 euros"]),
        case!("rtf_strike.rtf", "How much is a haircut?", ["32"], not ["25 euros"], text [], not ["25 euros"]),
        case!("doc_strike.doc", "How much is a haircut?", ["32"], not ["25 euros"],
            text ["74 euros"], not ["25 euros", "60"]),
        case!("html_strike_css.html", "How much is the grill set?", ["99"], not ["149"],
            text [], not ["149", "80 euros"]),
        case!("xlsx_strike.xlsx", "What does storage cost?", [], not ["30"],
            text ["Tyre change |  | 52"], not ["| 45 |", "Storage"]),
        case!("md_comment_frontmatter.md", "How much is a print?", ["11"], not ["14", "62"],
            text [], not ["62 percent", "draft"]),
        case!("md_comment_frontmatter.md", "What is the margin on prints?", [], not ["62"],
            text [], not []),
    ]);
}

#[test]
fn merged_cells_speak_for_all_they_cover() {
    const QUESTION: &str = "What does a courier to Astana cost for 2 to 5 kg?";
    for file in [
        "docx_vmerge.docx",
        "doc_vmerge.doc",
        "odt_vmerge.odt",
        "rtf_vmerge.rtf",
        "xlsx_merged_rows.xlsx",
        "html_rowspan.html",
    ] {
        check(&[Case {
            file,
            question: QUESTION,
            answer: &["1750", "Astana", "Price"],
            no_answer: &["1400", "1150"],
            text: &["Astana | 2 to 5 kg | 1750"],
            no_text: &[],
        }]);
    }
    check(&[
        case!("xlsx_merged_header.xlsx", "What does the Lake room cost for 2 persons in high season?",
        ["High season 2 persons: 139"], not ["104"],
        text ["Room | Low season 1 person | Low season 2 persons | High season 1 person | High season 2 persons\n---"],
        not []),
    ]);
}

#[test]
fn the_row_that_is_asked_for_is_quoted_with_the_names_of_its_columns() {
    for file in ["v_table.csv", "v_table.xlsx", "v_table.html"] {
        check(&[Case {
            file,
            question: "What is the warranty of Gamma?",
            answer: &["Model: Gamma; Price: 515; Stock: 7; Warranty: 12 months"],
            no_answer: &["24 months", "36 months", "48 months"],
            text: &["Model | Price | Stock | Warranty\n--- | --- | --- | ---\nAlpha"],
            no_text: &[],
        }]);
    }
    check(&[
        case!("owner_price_3rows.xlsx", "Сколько стоит палатка Онега 4?",
            ["Товар: Палатка Онега 4; Цена: 18990; Гарантия: 24 мес"], not ["12990"], text [], not []),
        case!("ask_price.csv", "Сколько стоит KS-730?", ["KS-730", "1470"], not ["PT-723"], text [], not []),
        case!("owner_services_cp1251.csv", "Сколько стоит стрижка?", [], not ["\n- "], text ["---"], not []),
    ]);
}

#[test]
fn clauses_keep_the_numbers_that_their_program_shows() {
    check(&[
        case!("docx_multilevel.docx", "What does clause 2.3 say?", ["0.1 percent"], not [],
            text ["2.3. Late payment", "c) cash"], not []),
        case!("docx_multilevel_ru.docx", "Что сказано в пункте 2.1 договора?", ["0,2 процента"], not [],
            text ["Статья 2", "2.1"], not []),
        case!("odt_multilevel.odt", "What does clause 2.3 say?", ["0.1 percent"], not [],
            text ["2.3. Late", "c) cash"], not []),
        case!("doc_multilevel.doc", "What does clause 2.3 say?", ["0.1 percent"], not [],
            text ["2.3. Late payment", "c) cash"], not []),
        case!("doc_multilevel_ru.doc", "Что сказано в пункте 2.1 договора?", ["0,2 процента"], not [],
            text ["Статья 2", "2.1"], not []),
        case!("odt_multilevel_ru.odt", "Что сказано в пункте 2.1 договора?", ["0,2 процента"], not [],
            text ["Статья 2", "2.1"], not []),
        case!("owner_contract_ru.doc", "Что сказано в пункте 2.3?", ["Остаток оплачивается"], not ["пеня"],
            text ["2.3. Остаток", "Договор поставки № 17/2026"], not []),
        case!("docx_list_in_cell.docx", "How do I set up the KX-4?", ["Connect the hose"], not [],
            text ["2. Connect the hose"], not []),
        case!("owner_contract_ru.docx", "Что сказано в пункте 2.3?", ["Остаток оплачивается"], not ["пеня"],
            text ["2.3. Остаток"], not []),
        case!("owner_contract_ru.rtf", "Что сказано в пункте 2.3?", ["Остаток оплачивается"], not ["пеня"],
            text ["2.3. Остаток"], not []),
    ]);
}

#[test]
fn sheets_are_read_as_they_are_shown() {
    check(&[
        case!("xlsx_hidden_col_row.xlsx", "What is the purchase price of Chair Olsen?", [], not ["31"],
            text ["Chair Olsen | 89"], not ["31", "Purchase price", "Lamp Fjord"]),
        case!("v_hidden_group.xlsx", "What is the home phone of Ms Aalto?", [], not ["555 0101"],
            text [], not ["555 0101"]),
        case!("xlsx_formats.xlsx", "How much does part 00417 cost?", ["1290.00 ₽"], not [],
            text ["00417", "0.35 kg", "₽", "2026-11-03", "09:30", "12.5%"], not []),
        case!("v_format_postcode.xlsx", "What is the fee for postcode 01067?", ["4.90 €"], not [],
            text ["01067", "4.90 €", "12 km"], not []),
        case!("xlsx_html_cells.xlsx", "How much does the mug hold?", ["350"], not ["&nbsp;", "<strong>", "<p>"],
            text [], not ["<p>", "&nbsp;"]),
        case!("csv_shopify_html.csv", "How tall is the lamp Fjord?", ["31 cm"], not ["<b>", "<li>", "&ndash;"],
            text [], not ["<li>"]),
        case!("xlsx_hyperlink.xlsx", "Where can I download the return form?", ["return-2026.pdf"], not [],
            text ["return-2026.pdf"], not []),
        case!("xlsx_formula_uncached.xlsx", "What is the total price of cleaning?", ["60"], not [],
            text ["Cleaning | 50 | 10 | 60"], not []),
        case!("csv_sep_line.csv", "Сколько стоит крышка 24 см?", ["390"], not ["sep=", "340"],
            text ["Товар | Цена | Срок\n"], not ["sep="]),
        case!("owner_price_ru.xlsx", "Сколько стоит доставка?", [], not [], text ["₽"], not []),
    ]);
}

#[test]
fn mails_and_letterheads_tell_what_is_new_in_them() {
    check(&[
        case!("eml_stub_plain.eml", "How much is window cleaning?", ["5.20"], not [], text ["5.20"], not []),
        case!("eml_quoted.eml", "How much is a canoe per day?", ["48"], not ["35"], text [], not ["35 euros"]),
        case!("doc_header_footer.doc", "What is your phone number?", ["555 0188"], not [],
            text ["555 0188"], not []),
        case!("docx_header_footer.docx", "What is your phone number?", ["555 0188"], not [],
            text ["555 0188"], not []),
    ]);
}
