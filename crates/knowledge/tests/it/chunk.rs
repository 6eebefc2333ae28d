use std::path::Path;

use proptest::prelude::*;
use replyx_core::knowledge::DocumentKind::{self, Markdown, Pdf, Text};
use replyx_knowledge::{
    chunk::{Chunk, MAX, MIN, TARGET, chunk},
    extract::{Extracted, Heading, isolated},
};

use crate::extract::{data, program};

fn document(kind: DocumentKind, text: &str) -> Extracted {
    Extracted { text: text.to_owned(), pages: Vec::new(), headings: Vec::new(), kind }
}

/// What holds for the chunks of any text.
fn check(document: &Extracted) -> Vec<Chunk> {
    let chunks = chunk(document);
    let text = document.text.as_str();
    let mut done = 0;
    for chunk in &chunks {
        assert!(done <= chunk.start && chunk.start < chunk.end, "order: {chunk:?}");
        assert_eq!(text[done..chunk.start].trim(), "", "lost before {chunk:?}");
        assert_eq!(chunk.text, text[chunk.start..chunk.end]);
        assert_eq!(chunk.text, chunk.text.trim());
        assert!(chunk.text.chars().count() <= MAX, "too long: {chunk:?}");
        let inside = chunk.start > 0
            && text[..chunk.start].ends_with(char::is_alphanumeric)
            && chunk.text.starts_with(char::is_alphanumeric);
        let known = document.headings.iter().any(|h| [h.start, h.end].contains(&chunk.start));
        assert!(!inside || known || longest_word(text) > TARGET, "mid-word: {chunk:?}");
        assert_eq!(chunk.page.is_some(), !document.pages.is_empty());
        done = chunk.end;
    }
    assert_eq!(text[done..].trim(), "", "lost at the end");
    chunks
}

fn longest_word(text: &str) -> usize {
    text.split_whitespace().map(|word| word.chars().count()).max().unwrap_or_default()
}

/// Texts made of what documents are made of, in senseless order.
fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-zA-Zа-яА-ЯёЁ]{1,12}",
        3 => Just(" ".to_owned()),
        2 => Just("\n".to_owned()),
        1 => prop::sample::select(vec![
            "\n\n", "# ", "\n## ", "\n===\n", "\n---\n", ". ", "! ", "? ", "т. е. ", "5.90 ", "- ", "1. ", "\n| a | b |\n|---|---|\n",
            " | ", "\t", "```\n", "> ", "&nbsp;", "\u{a0}", "😀", "日本。", "…», ", "<div>", "[x]: y\n", "\u{2028}", "    ",
        ]).prop_map(str::to_owned),
        1 => "\\PC{1,8}",
        1 => (1..200_usize).prop_map(|n| "слово ".repeat(n)),
        1 => (1..3000_usize).prop_map(|n| "ж".repeat(n)),
    ];
    prop::collection::vec(part, 0..120).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_every_offset_is_true(text in texts(), markdown: bool) {
        check(&document(if markdown { Markdown } else { Text }, &text));
    }

    #[test]
    fn pages_and_headings_of_a_pdf_do_not_break_offsets(
        text in texts(),
        pages in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
        headings in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..5),
    ) {
        let at = |index: prop::sample::Index| {
            let mut at = index.index(text.len() + 1);
            while !text.is_char_boundary(at) { at -= 1; }
            at
        };
        let mut pages: Vec<usize> = pages.into_iter().map(at).collect();
        pages.sort_unstable();
        pages[0] = 0;
        let mut headings: Vec<Heading> = headings.into_iter().map(|(a, b)| {
            let (a, b) = (at(a), at(b));
            Heading { start: a.min(b), end: a.max(b), level: 1 }
        }).collect();
        headings.sort_by_key(|heading| heading.start);
        check(&Extracted { text: text.clone(), pages, headings, kind: Pdf });
    }
}

#[test]
fn chunks_follow_headings_and_know_their_path() {
    let text = "# Shop\n\nWelcome.\n\n## Delivery\n\nWe deliver.\n\n### Abroad\n\nNot yet.\n\n## Returns\n\nWithin 30 days.\n";
    let chunks = check(&document(Markdown, text));
    let found: Vec<(&str, &str)> =
        chunks.iter().map(|chunk| (chunk.headings.as_str(), chunk.text.as_str())).collect();
    assert_eq!(
        found,
        [
            ("Shop", "# Shop\n\nWelcome."),
            ("Shop > Delivery", "## Delivery\n\nWe deliver."),
            ("Shop > Delivery > Abroad", "### Abroad\n\nNot yet."),
            ("Shop > Returns", "## Returns\n\nWithin 30 days."),
        ]
    );
}

#[test]
fn headings_without_text_open_the_section_below_them() {
    let chunks = check(&document(Markdown, "# Shop\n## Delivery\nFree.\n"));
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].headings, "Shop > Delivery");
    assert_eq!(chunks[0].text, "# Shop\n## Delivery\nFree.");
}

#[test]
fn long_text_is_cut_at_sentences_near_the_target() {
    let sentence =
        "Доставка по городу занимает один день и стоит 290 руб., если заказ меньше пяти тысяч. ";
    let chunks = check(&document(Text, &sentence.repeat(60)));
    for chunk in &chunks[..chunks.len() - 1] {
        let length = chunk.text.chars().count();
        assert!((TARGET - 100..=TARGET).contains(&length), "{length}");
        assert!(chunk.text.starts_with("Доставка") && chunk.text.ends_with("тысяч."));
    }
}

#[test]
fn a_short_rest_joins_its_neighbour() {
    let paragraph = "A sentence of some forty characters, or so. ".repeat(20);
    let chunks = check(&document(Text, &format!("{paragraph}\n\nThe end is here.\n")));
    assert!(chunks.iter().all(|chunk| chunk.text.chars().count() >= MIN));
}

#[test]
fn tables_stay_whole_and_large_ones_repeat_their_header_beside_the_text() {
    let row = "| Floor lamp, brass, with a dimmer | 129.00 EUR |\n";
    let small = format!("# Prices\n\n| Article | Price |\n|---|---|\n{}", row.repeat(20));
    assert_eq!(check(&document(Markdown, &small)).len(), 1);

    let large = format!("# Prices\n\n| Article | Price |\n|---|---|\n{}", row.repeat(100));
    let chunks = check(&document(Markdown, &large));
    assert!(chunks.len() > 3);
    assert_eq!(chunks[0].headings, "Prices");
    for chunk in &chunks[1..] {
        assert_eq!(chunk.headings, "Prices > Article, Price");
        assert!(chunk.text.lines().all(|line| line.len() == row.len() - 1), "rows stay whole");
    }
}

#[tokio::test]
async fn chunks_of_a_pdf_carry_page_and_heading() {
    let file = data("handbook.en.pdf");
    let found = isolated(program(), Pdf, &file).await.unwrap();
    let chunks = check(&found);
    let labels: Vec<(&str, Option<usize>)> =
        chunks.iter().map(|chunk| (chunk.headings.as_str(), chunk.page)).collect();
    assert_eq!(
        labels,
        [
            ("1. Delivery", Some(1)),
            ("1. Delivery > 1.1 Pick-up points", Some(1)),
            ("2. Returns", Some(2)),
            ("3. Warranty", Some(3)),
        ]
    );
}

#[tokio::test]
async fn titles_of_a_plain_text_are_found() {
    let file = data("shop.koi8-r.txt");
    let found = isolated(Path::new("unused"), Text, &file).await.unwrap();
    let headings: Vec<String> = check(&found).into_iter().map(|chunk| chunk.headings).collect();
    assert_eq!(headings, ["Доставка и оплата", "Возврат"]);
}

#[test]
fn hostile_texts_take_linear_time() {
    let start = std::time::Instant::now();
    for text in [
        "# a\n".repeat(300_000),
        "[".repeat(300_000),
        "a\n\n".repeat(300_000),
        "> ".repeat(100_000),
        "| a ".repeat(200_000),
    ] {
        check(&document(Markdown, &text));
        check(&document(Text, &text));
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
