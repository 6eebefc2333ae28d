use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use replyx_core::knowledge::DocumentKind::{Markdown, Pdf, Text};
use replyx_extract::{ExtractError, Extracted, Unreadable, isolated, isolated_within, text};

/// The child that obeys or misbehaves: `tests/child/child.rs`.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_replyx-extract-child"))
}

pub(crate) fn data(name: &str) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/data", name].iter().collect();
    std::fs::read(path).expect("the tests' data is there")
}

async fn pdf(name: &str) -> Result<Extracted, ExtractError> {
    isolated(program(), Pdf, &data(name)).await
}

async fn refusal(bytes: &[u8]) -> Unreadable {
    match isolated(program(), Pdf, bytes).await {
        Err(ExtractError::Unreadable(why)) => why,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn an_english_pdf_keeps_headings_paragraphs_tables_and_pages() {
    let found = pdf("handbook.en.pdf").await.unwrap();

    assert!(found.text.starts_with("1. Delivery\n\nWe deliver every order from our warehouse"));
    assert!(found.text.contains("the original payment method within five working days."));
    assert!(found.text.contains(
        "Zone | Price | Days\n--- | --- | ---\nCity | 4.90 EUR | 1\nCountry | 7.50 EUR | 3\nIslands | 19.00 EUR | 9\n"
    ));
    assert!(!found.text.contains("Page 2"));
    assert_eq!(found.text.matches("customer handbook").count(), 1);
    let pages: Vec<&str> =
        found.pages.iter().map(|at| found.text[*at..].split('\n').next().unwrap()).collect();
    assert_eq!(pages, ["1. Delivery", "2. Returns", "3. Warranty"]);
    let headings: Vec<(&str, u8)> =
        found.headings.iter().map(|h| (&found.text[h.start..h.end], h.level)).collect();
    assert_eq!(
        headings,
        [("1. Delivery", 1), ("1.1 Pick-up points", 2), ("2. Returns", 1), ("3. Warranty", 1)]
    );
}

#[tokio::test]
async fn a_russian_pdf_is_read_as_well() {
    let found = pdf("handbook.ru.pdf").await.unwrap();

    assert!(found.text.starts_with("1. Доставка\n\nЗаказы, оформленные до 14:00, отправляются"));
    assert!(found.text.contains("Область | 490 руб. | 3\n\nПункты выдачи хранят"));
    assert_eq!(found.pages.len(), 3);
    assert_eq!(found.headings.len(), 3);
}

#[tokio::test]
async fn hyphenated_and_justified_text_becomes_words_again() {
    let russian = pdf("hyphens.ru.pdf").await.unwrap().text;
    assert!(russian.contains(
        "Электрооборудование, приобретённое организациями, подлежит обязательной регистрации в течение четырнадцати \
         календарных дней с момента получения."
    ));
    assert!(russian.contains(
        "промышленных светильников производится ежегодно сертифицированными специалистами, причём стоимость \
         обслуживания включена в первоначальную стоимость оборудования."
    ));
    let english = pdf("hyphens.en.pdf").await.unwrap().text;
    assert!(english.contains("commercial chandeliers is performed"), "{english}");
    assert!(english.contains("until forty-eight hours before"), "{english}");
}

#[tokio::test]
async fn a_pdf_that_only_forbids_copying_is_read_and_a_locked_one_is_not() {
    assert!(pdf("owner-locked.pdf").await.unwrap().text.contains("seven days"));
    assert_eq!(refusal(&data("locked.pdf")).await, Unreadable::Locked);
}

#[tokio::test]
async fn a_scan_says_that_it_is_one() {
    let why = refusal(&data("scan.pdf")).await;
    assert!(matches!(why, Unreadable::NoTextLayer { pages: 1.. }), "{why:?}");
    let one = Unreadable::NoTextLayer { pages: 1 };
    assert_eq!(one.to_string(), "the PDF has no text layer; it seems to be a scan");
    let many = Unreadable::NoTextLayer { pages: 4 };
    let said = "the PDF has no text layer on any of its pages 1 to 4; it seems to be a scan";
    assert_eq!(many.to_string(), said);
    let blank = refusal(&data("blank.pdf")).await;
    assert!(matches!(blank, Unreadable::NoTextLayer { .. }), "{blank:?}");
}

#[tokio::test]
async fn damaged_pdfs_are_refused_or_read_in_part_and_never_hang() {
    let mut garbage = b"%PDF-1.7\n".to_vec();
    garbage.extend((0..20_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8));
    assert!(matches!(
        refusal(&garbage).await,
        Unreadable::Damaged | Unreadable::NoPages | Unreadable::NoTextLayer { .. }
    ));
    refusal(b"%PDF-1.7").await;
    let nested = [b"%PDF-1.4\n1 0 obj\n".to_vec(), b"[<<".repeat(300_000)].concat();
    refusal(&nested).await;

    let whole = data("handbook.en.pdf");
    for share in 1..8 {
        let part = &whole[..whole.len() * share / 8];
        match isolated(program(), Pdf, part).await {
            Ok(found) => assert!(found.text.contains(char::is_alphanumeric)),
            Err(ExtractError::Unreadable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    for at in (0..whole.len()).step_by(whole.len() / 24) {
        let mut bent = whole.clone();
        bent[at] ^= 0x5A;
        let outcome = isolated(program(), Pdf, &bent).await;
        assert!(!matches!(outcome, Err(ExtractError::Program(_))), "byte {at}: {outcome:?}");
    }
}

/// A page whose content is more than 1 GiB of blanks, deflated twice.
#[tokio::test]
async fn a_bomb_goes_off_in_the_child_alone() {
    refusal(&data("bomb.pdf")).await;
}

#[tokio::test]
async fn a_hanging_child_is_killed_in_time() {
    let start = Instant::now();
    let outcome = isolated_within(program(), Pdf, b"%PDF-hang", Duration::from_millis(300)).await;
    assert!(matches!(outcome, Err(ExtractError::Unreadable(Unreadable::TooComplex))));
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_child_that_eats_memory_dies_alone() {
    assert_eq!(refusal(b"%PDF-memory").await, Unreadable::TooComplex);
}

#[tokio::test]
async fn a_child_that_floods_its_output_is_cut_off() {
    assert_eq!(refusal(b"%PDF-flood").await, Unreadable::TooLong);
}

#[tokio::test]
async fn a_child_may_not_write_files() {
    assert_eq!(refusal(b"%PDF-write").await, Unreadable::TooComplex);
}

/// The child must not outlive whoever waits for it: a job that is aborted takes its child along.
#[tokio::test]
async fn an_abandoned_extraction_leaves_no_child() {
    let folder = tempfile::tempdir().unwrap();
    let twin = folder.path().join("abandoned-child");
    std::fs::copy(program(), &twin).unwrap();
    let waiting = isolated(&twin, Pdf, b"%PDF-hang");
    let watching = async {
        while running(&twin) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        outcome = waiting => panic!("it hangs, but came to {outcome:?}"),
        () = watching => {}
    }
    for _ in 0..100 {
        if running(&twin) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the child is still running");
}

/// How many processes run this program.
pub(crate) fn running(program: &Path) -> usize {
    let processes = std::fs::read_dir("/proc").expect("Linux");
    processes
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path().join("exe")).ok())
        .filter(|exe| exe == program)
        .count()
}

#[tokio::test]
async fn a_child_that_cannot_be_run_is_our_trouble_and_not_the_files() {
    let outcome = isolated(Path::new("/nonexistent/program"), Pdf, b"%PDF-").await;
    assert!(matches!(outcome, Err(ExtractError::Program(_))));
    let outcome = isolated(program(), Pdf, b"%PDF-nonsense").await;
    assert!(matches!(outcome, Err(ExtractError::Program(_))));
}

#[tokio::test]
async fn texts_in_old_encodings_are_read() {
    for name in ["shop.windows-1251.txt", "shop.koi8-r.txt", "shop.utf-16.txt"] {
        let found = isolated(program(), Text, &data(name)).await.unwrap();
        assert!(found.text.contains("Доставка по городу стоит 290 рублей"), "{name}");
        assert!(found.text.contains("Ёлочные гирлянды"), "{name}");
        assert!(!found.text.contains('\r'), "{name}");
    }
    let found = isolated(program(), Markdown, b"# Title\n\nText.").await.unwrap();
    assert_eq!((found.text.as_str(), found.kind), ("# Title\n\nText.", Markdown));
}

#[test]
fn too_much_text_is_refused() {
    let bytes = vec![b'a'; replyx_extract::MAX_TEXT + 1];
    assert_eq!(text(&bytes), Err(Unreadable::TooLong));
}
