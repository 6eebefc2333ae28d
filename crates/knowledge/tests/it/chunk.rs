use proptest::prelude::*;
use replyx_core::knowledge::DocumentKind::{self, Markdown, Pdf, Text};
use replyx_extract::{Extracted, Heading, isolated};
use replyx_knowledge::chunk::{Chunk, Chunking, chunk};

use replyx_llm::tokens;

use crate::child::{data, program};

fn document(kind: DocumentKind, text: &str) -> Extracted {
    Extracted {
        text: text.to_owned(),
        pages: Vec::new(),
        headings: Vec::new(),
        kind,
        title: None,
        warnings: Vec::new(),
    }
}

/// What holds for the chunks of any text.
fn check(document: &Extracted) -> Vec<Chunk> {
    check_with(document, Chunking::default())
}

fn check_with(document: &Extracted, chunking: Chunking) -> Vec<Chunk> {
    let chunks = chunk(document, &chunking);
    assert_eq!(chunks, chunk(document, &chunking), "the same each time");
    let text = document.text.as_str();
    let mut begun = 0;
    let mut done = 0;
    for (place, chunk) in chunks.iter().enumerate() {
        assert!(begun <= chunk.start && done < chunk.end, "order: {chunk:?}");
        assert!(place == 0 || chunks[place - 1].start < chunk.start, "all again: {chunk:?}");
        if chunk.start > done {
            assert_eq!(text[done..chunk.start].trim(), "", "lost before {chunk:?}");
        } else if chunk.start < done {
            let repeated = &text[chunk.start..done];
            assert!(tokens(repeated) <= chunking.overlap, "too much again: {repeated}");
            // The header of a table that goes on stands behind the headings.
            let before = &chunks[place - 1].headings;
            let after = &chunk.headings;
            let same = before.starts_with(after.as_str()) || after.starts_with(before.as_str());
            assert!(same, "across a heading: {before} and {chunk:?}");
        }
        assert_eq!(chunk.text, text[chunk.start..chunk.end]);
        assert_eq!(chunk.text, chunk.text.trim());
        assert!(tokens(&chunk.text) <= chunking.longest(), "too long: {chunk:?}");
        let inside = chunk.start > 0
            && text[..chunk.start].ends_with(char::is_alphanumeric)
            && chunk.text.starts_with(char::is_alphanumeric);
        let known = document.headings.iter().any(|h| [h.start, h.end].contains(&chunk.start));
        assert!(
            !inside || known || longest_word(text) > chunking.tokens / 4,
            "mid-word: {chunk:?}"
        );
        assert_eq!(chunk.page.is_some(), !document.pages.is_empty());
        (begun, done) = (chunk.start, chunk.end);
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
    fn any_measure_holds(text in texts(), tokens in 8_usize..120, overlap in 0_usize..40) {
        check_with(&document(Markdown, &text), Chunking { tokens, overlap });
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
            let a = at(a);
            let b = at(b);
            Heading { start: a.min(b), end: a.max(b), level: 1 }
        }).collect();
        headings.sort_by_key(|heading| heading.start);
        check(&Extracted { text: text.clone(), pages, headings, kind: Pdf, title: None, warnings: Vec::new() });
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
fn long_text_is_cut_at_sentences_and_passages_repeat_the_last_ones() {
    let text: String = (0..80).fold(String::new(), |text, number| {
        text + &format!("Доставка номер {number} по городу занимает один день и стоит 290 руб., если заказ мал. ")
    });
    let chunking = Chunking::default();
    let chunks = check(&document(Text, &text));
    assert!(chunks.len() > 4);
    for chunk in &chunks {
        assert!(chunk.text.starts_with("Доставка") && chunk.text.ends_with("мал."));
    }
    for pair in chunks.windows(2) {
        let length = tokens(&pair[0].text);
        assert!((chunking.tokens * 3 / 5..=chunking.tokens).contains(&length), "{length}");
        let repeated = &text[pair[1].start..pair[0].end];
        assert!(tokens(repeated) > 20, "{repeated}");
        assert!(repeated.starts_with("Доставка") && repeated.ends_with("мал."), "{repeated}");
    }
}

#[test]
fn nothing_is_repeated_where_nothing_may_be() {
    let chunks = check_with(
        &document(Text, &"A sentence of a few words. ".repeat(300)),
        Chunking { tokens: 100, overlap: 0 },
    );
    assert!(chunks.windows(2).all(|pair| pair[0].end < pair[1].start));
}

#[test]
fn a_short_rest_joins_its_neighbour() {
    let paragraph = "A sentence of some forty characters, or so. ".repeat(20);
    let chunks = check(&document(Text, &format!("{paragraph}\n\nThe end is here.\n")));
    assert!(chunks.iter().all(|chunk| tokens(&chunk.text) >= Chunking::default().shortest()));
}

#[test]
fn a_change_in_one_paragraph_leaves_distant_passages_as_they_are() {
    let paragraphs: Vec<String> = (0..200)
        .map(|number| format!("Paragraph {number} speaks of article {}, of its price and of its colour, which is good to know before it is ordered.", number * 7))
        .collect();
    let texts = |paragraphs: &[String]| -> Vec<String> {
        let chunks = check(&document(Text, &paragraphs.join("\n\n")));
        chunks.into_iter().map(|chunk| chunk.text).collect()
    };
    let before = texts(&paragraphs);
    for changed in [3, 50, 120] {
        let mut edited = paragraphs.clone();
        edited[changed] = format!(
            "{} And something else was added here, in two more sentences. They say little.",
            edited[changed]
        );
        edited.insert(changed, "A paragraph that was not there before.".to_owned());
        let after = texts(&edited);
        let same = after.iter().filter(|text| before.contains(text)).count();
        assert!(same * 100 >= before.len() * 70, "{changed}: {same} of {}", before.len());
    }
}

#[test]
fn tables_stay_whole_and_large_ones_repeat_their_header_beside_the_text() {
    let row = "| Floor lamp, brass, with a dimmer | 129.00 EUR |\n";
    let small = format!("# Prices\n\n| Article | Price |\n|---|---|\n{}", row.repeat(15));
    assert_eq!(check(&document(Markdown, &small)).len(), 1);

    let large = format!("# Prices\n\n| Article | Price |\n|---|---|\n{}", row.repeat(100));
    let chunks = check(&document(Markdown, &large));
    assert!(chunks.len() > 3);
    assert_eq!(chunks[0].headings, "Prices");
    for chunk in &chunks[1..] {
        assert_eq!(chunk.headings, "Prices > Article | Price");
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
    let found = isolated(program(), Text, &file).await.unwrap();
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
