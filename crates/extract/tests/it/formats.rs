//! Whole texts of real files: `expected/` beside them says what must come out, word for word.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use replyx_core::knowledge::DocumentKind;
use replyx_extract::{ExtractError, Extracted, Unreadable, detect, isolated, pairs};

use crate::extract::program;

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/files", name].iter().collect()
}

/// What is expected of a file, in the form of `tests/files/office/expected`.
fn told(found: &Extracted) -> String {
    let mut told = format!("title: {}\n", found.title.as_deref().unwrap_or("none"));
    for heading in &found.headings {
        writeln!(told, "heading {}: {}", heading.level, &found.text[heading.start..heading.end])
            .unwrap();
    }
    for page in &found.pages {
        writeln!(told, "page: {}", found.text[*page..].lines().next().unwrap_or("nothing"))
            .unwrap();
    }
    told + "---\n" + &found.text + "\n"
}

/// Each file of a folder that is neither a source nor a script, read as what it is found to be.
async fn check(files: &str, others: &[&str]) {
    let mut wrong = Vec::new();
    let mut read = 0;
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder(files))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    names.sort();
    for path in names {
        let name = path.file_name().unwrap().to_str().unwrap();
        if others.contains(&name) {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let kind = detect(name, &bytes).unwrap();
        let found = isolated(program(), kind, &bytes).await;
        let told = match found {
            Ok(found) => format!("kind: {kind}\n{}", told(&found)),
            Err(why) => format!("kind: {kind}\nrefused: {why}\n"),
        };
        read += 1;
        let expected = folder(files).join("expected").join(format!("{name}.txt"));
        // Written when asked for, and then looked at by people.
        if std::env::var_os("WRITE_EXPECTED").is_some() {
            std::fs::write(&expected, &told).unwrap();
        }
        if std::fs::read_to_string(&expected).unwrap_or_default() != told {
            wrong.push(format!("=== {name}\n{told}"));
        }
    }
    assert!(read > 3, "the files are there");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn pages_letters_tables_and_data_of_other_programs_are_read_word_for_word() {
    check("text", &["README.md", "make.sh", "mail.py"]).await;
}

#[tokio::test]
async fn printed_pages_are_read_word_for_word() {
    check("pdf", &["README.md"]).await;
}

async fn refusal(kind: DocumentKind, bytes: &[u8]) -> Unreadable {
    let start = std::time::Instant::now();
    let outcome = isolated(program(), kind, bytes).await;
    assert!(start.elapsed().as_secs() < 60, "{kind} took {:?}", start.elapsed());
    match outcome {
        Err(ExtractError::Unreadable(why)) => why,
        other => {
            panic!("{kind}: expected a refusal, got {:?}", other.map(|found| found.text.len()))
        }
    }
}

#[tokio::test]
async fn hostile_files_end_in_a_sentence() {
    use DocumentKind::{Csv, Eml, Html, Json, Rtf, Text};
    let nested = |open: &str| open.repeat(100_000).into_bytes();
    assert_eq!(refusal(Html, &nested("<div>")).await, Unreadable::TooComplex);
    assert_eq!(refusal(Html, &nested("<b>")).await, Unreadable::TooComplex);
    assert_eq!(
        refusal(Html, "<a>".repeat(50_000_000 / 3).as_bytes()).await,
        Unreadable::TooComplex
    );
    assert_eq!(
        refusal(Rtf, &[b"{\\rtf1".to_vec(), nested("{")].concat()).await,
        Unreadable::TooComplex
    );
    assert_eq!(refusal(Json, &nested("{\"a\":")).await, Unreadable::TooComplex);
    assert_eq!(refusal(Json, &nested("[")).await, Unreadable::TooComplex);
    let cell = format!("a,b\n\"{}\",1\n", "long cell ".repeat(3_000_000));
    assert_eq!(refusal(Csv, cell.as_bytes()).await, Unreadable::TooLong);
    let mails = "Content-Type: message/rfc822\r\n\r\n".repeat(50_000);
    assert_eq!(refusal(Eml, mails.as_bytes()).await, Unreadable::TooComplex);
    assert_eq!(refusal(Text, &vec![b'a'; 65 << 20]).await, Unreadable::TooLong);
    for kind in [Html, Text, Csv, Json, Rtf] {
        refusal(kind, &vec![0; 100_000]).await;
    }
}

/// Pages that are their own children, and a drawing that draws itself.
#[tokio::test]
async fn a_pdf_that_loops_ends_in_a_sentence() {
    let head = "%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n";
    let kids = "2 0 obj <</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>> endobj\n";
    let drawing = "2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj\n\
        3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 5 0 R/Resources<</XObject<</X 4 0 R>>>>>> endobj\n\
        4 0 obj <</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 4 0 R>>>>/Length 10>> stream\n\
        /X Do /X Do\nendstream endobj\n5 0 obj <</Length 6>> stream\n/X Do \nendstream endobj\n";
    for body in [kids, drawing] {
        let file = format!("{head}{body}trailer <</Root 1 0 R>>\n%%EOF");
        refusal(DocumentKind::Pdf, file.as_bytes()).await;
    }
}

#[tokio::test]
async fn files_cut_anywhere_are_read_in_part_or_refused() {
    use DocumentKind::{Eml, Html, Json, Pdf, Rtf};
    for (kind, name) in [
        (Html, "text/page.en.html"),
        (Rtf, "text/libreoffice.en.rtf"),
        (Eml, "text/mail.both.eml"),
        (Json, "text/prices.json"),
        (Pdf, "pdf/chromium.en.pdf"),
    ] {
        let whole = std::fs::read(folder(name)).unwrap();
        for share in 0..10 {
            let outcome = isolated(program(), kind, &whole[..whole.len() * share / 10]).await;
            assert!(!matches!(outcome, Err(ExtractError::Program(_))), "{name}: {outcome:?}");
        }
    }
}

/// Elements that may stay open do not make a page deep, and deep pages that people made are read.
#[tokio::test]
async fn careless_pages_are_read() {
    let page = format!(
        "<body>{}<p>The lamp costs 19.90 EUR{}",
        "<p><a name=x><li>word".repeat(5_000),
        "<div>".repeat(500)
    );
    let found = isolated(program(), DocumentKind::Html, page.as_bytes()).await.unwrap();
    assert!(found.text.contains("The lamp costs 19.90 EUR"));
}

#[tokio::test]
async fn a_page_without_text_says_so() {
    for page in [
        "<html><body><div id=root></div><script>render('lots of text')</script></body></html>",
        "<html><noscript>You need to enable JavaScript to run this app.</noscript></html>",
        "<html><body>Loading...</body></html>",
        "<html><body><nav>Home Cart Delivery Payment</nav></body></html>",
    ] {
        assert_eq!(
            refusal(DocumentKind::Html, page.as_bytes()).await,
            Unreadable::EmptyPage,
            "{page}"
        );
    }
}

/// A hundred documents wait for each other instead of running at once.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn no_more_children_run_than_there_are_cores() {
    let folder = tempfile::tempdir().unwrap();
    let twin = folder.path().join("counted-child");
    std::fs::copy(program(), &twin).unwrap();
    let children: Vec<_> = (0..24)
        .map(|_| {
            let twin = twin.clone();
            tokio::spawn(
                async move { isolated(&twin, DocumentKind::Pdf, b"%PDF-slow").await.is_err() },
            )
        })
        .collect();
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut most = 0;
    while children.iter().any(|child| !child.is_finished()) {
        most = most.max(crate::extract::running(&twin));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        if most == cores && children.iter().filter(|child| child.is_finished()).count() >= cores * 2
        {
            break;
        }
    }
    assert_eq!(most, cores);
}

#[test]
fn every_sentence_is_one() {
    for why in [
        Unreadable::Empty,
        Unreadable::NoText,
        Unreadable::EmptyPage,
        Unreadable::Locked,
        Unreadable::Damaged,
        Unreadable::TooComplex,
        Unreadable::TooLong,
    ] {
        let sentence = why.to_string();
        let begins = ["the file ", "the page "].iter().any(|words| sentence.starts_with(words));
        assert!(begins && !sentence.ends_with('.'), "{sentence}");
    }
}

#[test]
fn pairs_of_a_spreadsheet_program_are_imported() {
    let bytes = "\u{FEFF}Вопрос;Ответ\r\n\"Есть ли \"\"самовывоз\"\"?\";\"Да, с 9 до 18.\r\nПо будням.\"\r\n";
    let found = pairs(bytes.as_bytes()).unwrap();
    assert_eq!(
        found,
        [("Есть ли \"самовывоз\"?".to_owned(), "Да, с 9 до 18.\nПо будням.".to_owned())]
    );
    let path: &Path = &folder("text/libreoffice.book.csv");
    assert_eq!(pairs(&std::fs::read(path).unwrap()), Err(Unreadable::NoPairs));
}
