use std::path::Path;

use replyx_core::{
    event::Event,
    ids::DocumentId,
    knowledge::{
        DocumentKind::{Markdown, Pdf, Text},
        DocumentStatus::{self, Chunking, Extracting, Failed, Queued, Ready},
    },
    retry::Retry,
};
use replyx_knowledge::index::IndexError;
use replyx_storage::{on_every_db, testing::TestDb};

use crate::{
    child::{HeldChild, data},
    shop::Shop,
};

/// What the log says about documents.
async fn statuses(shop: &Shop<'_>) -> Vec<(DocumentStatus, Option<String>)> {
    let mut tx = shop.db.read().await.unwrap();
    let log = tx.workspace(shop.workspace).events().after(0, 100).await.unwrap();
    log.into_iter()
        .filter_map(|recorded| match recorded.event {
            Event::DocumentStatus { status, error, .. } => Some((status, error)),
            _ => None,
        })
        .collect()
}

async fn delete(shop: &Shop<'_>, id: DocumentId) {
    let mut tx = shop.db.begin().await.unwrap();
    let document = tx.workspace(shop.workspace).documents().find(id).await.unwrap().unwrap();
    let now = shop.clock.now();
    tx.apply(document.remove(now)).await.unwrap();
    tx.commit().await.unwrap();
}

#[on_every_db]
async fn a_pdf_becomes_passages_that_are_found(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let document = shop.learn("handbook.pdf", Pdf, &data("handbook.ru.pdf")).await;

    assert_eq!((document.status, document.passages, document.error), (Ready, 3, None));
    let hits = shop.search("Сколько месяцев гарантия на аккумулятор?").await;
    let passage = &hits[0].passage;
    assert!(passage.text.contains("на аккумуляторы — 12 месяцев"));
    assert_eq!((passage.page, passage.headings.as_str()), (Some(3), "3. Гарантия"));
    assert_eq!(passage.title, "handbook.pdf");

    let mut tx = db.db.read().await.unwrap();
    let text = tx.workspace(shop.workspace).documents().text(document.id).await.unwrap().unwrap();
    let place = usize::try_from(passage.start).unwrap()..usize::try_from(passage.end).unwrap();
    assert_eq!(text[place], passage.text);
}

#[on_every_db]
async fn every_step_of_a_document_is_in_the_log(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    shop.learn("a.md", Markdown, b"# Hours\n\nOpen from 9 to 18.").await;
    shop.learn("b.txt", Text, b" \r\n").await;

    let empty = Some("the file is empty".to_owned());
    assert_eq!(
        statuses(&shop).await,
        [
            (Queued, None),
            (Extracting, None),
            (Chunking, None),
            (Ready, None),
            (Queued, None),
            (Extracting, None),
            (Failed, empty),
        ]
    );
}

#[on_every_db]
async fn a_file_that_cannot_be_read_fails_with_a_sentence(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    for (bytes, why) in [
        (data("scan.pdf"), "the PDF has no text layer; it seems to be a scan"),
        (data("locked.pdf"), "the file is protected by a password"),
        (b"%PDF-memory".to_vec(), "the file is too complex to be read"),
    ] {
        let document = shop.learn("a.pdf", Pdf, &bytes).await;
        assert_eq!(document.status, Failed);
        assert_eq!(document.error.as_deref(), Some(why));
        assert_eq!(document.passages, 0);
    }
}

#[on_every_db]
async fn running_twice_leaves_the_passages_of_one_run(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let job = shop.upload("a.txt", Text, "Возврат возможен в течение 30 дней.".as_bytes()).await;
    shop.index(job).await;
    shop.index(job).await;
    tokio::join!(shop.index(job), shop.index(job));

    assert_eq!(shop.search("возврат").await.len(), 1);
    assert_eq!(shop.document(job).await.status, Ready);
}

#[on_every_db]
async fn a_document_deleted_before_or_while_it_is_read_is_a_quiet_success(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let job = shop.upload("a.txt", Text, b"Delivery takes a day.").await;
    delete(&shop, job.document_id).await;
    shop.index(job).await;

    let job = shop.upload("b.pdf", Pdf, HeldChild::FILE).await;
    let child = HeldChild::new();
    let program = child.program();
    let (outcome, ()) = tokio::join!(shop.index_with(&program, job, 1), async {
        child.reading().await;
        delete(&shop, job.document_id).await;
        child.go();
    });
    outcome.unwrap();
    assert!(shop.search("delivery").await.is_empty());
}

#[on_every_db]
async fn no_transaction_is_open_while_a_file_is_read(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let job = shop.upload("b.pdf", Pdf, HeldChild::FILE).await;
    let child = HeldChild::new();
    let program = child.program();
    let (outcome, ()) = tokio::join!(shop.index_with(&program, job, 1), async {
        child.reading().await;
        // With the writer held this could not be stored, and the child would read for ever.
        shop.upload("c.txt", Text, b"Another upload.").await;
        child.go();
    });
    outcome.unwrap();
}

#[on_every_db]
async fn a_large_document_lets_others_write_while_its_passages_are_stored(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let section = |n: usize| {
        let sentence = format!("Lantern {n} glows for {n} hours. ");
        format!("## Lantern {n}\n\n{}\n\n", sentence.repeat(25))
    };
    let sections = (0..4_000).map(section).collect::<Vec<_>>().concat();
    let job = shop.upload("a.md", Markdown, sections.as_bytes()).await;
    // A writer on a task of its own, as a customer's message would be.
    let home = db.db.clone();
    let writer = tokio::spawn(async move {
        let mut seen = Vec::new();
        loop {
            let mut tx = home.begin().await.unwrap();
            let documents = tx.workspace(job.workspace_id).documents();
            let document = documents.find(job.document_id).await.unwrap().unwrap();
            let passages = tx.workspace(job.workspace_id).passages();
            seen.push(passages.of(job.document_id).await.unwrap().len());
            tx.commit().await.unwrap();
            if document.status == Ready {
                return seen;
            }
            tokio::task::yield_now().await;
        }
    });
    shop.index(job).await;
    let seen = writer.await.unwrap();
    let all = usize::try_from(shop.document(job).await.passages).unwrap();
    assert!(all > 1_500, "{all} passages fit into one step");
    assert!(seen.iter().any(|count| (1..all).contains(count)), "nobody could write: {seen:?}");
    assert!(seen.is_sorted());
}

#[on_every_db]
async fn what_was_indexed_goes_when_a_newer_reading_fails(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let job = shop.upload("a.pdf", Pdf, &data("handbook.en.pdf")).await;
    shop.index(job).await;
    assert!(!shop.search("warranty").await.is_empty());

    let nowhere = Path::new("/nonexistent/program");
    shop.index_with(nowhere, job, 99).await.unwrap();
    assert_eq!(shop.document(job).await.status, Failed);
    assert!(shop.search("warranty").await.is_empty());
    let mut tx = db.db.read().await.unwrap();
    assert_eq!(tx.workspace(shop.workspace).documents().text(job.document_id).await.unwrap(), None);
    drop(tx);

    shop.index(job).await;
    let document = shop.document(job).await;
    assert_eq!((document.status, document.error), (Ready, None));
}

#[on_every_db]
async fn our_own_trouble_is_tried_again_before_a_document_fails(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let job = shop.upload("a.pdf", Pdf, &data("handbook.en.pdf")).await;
    let nowhere = Path::new("/nonexistent/program");

    let error = shop.index_with(nowhere, job, 1).await.unwrap_err();
    assert!(matches!(error, IndexError::Extract(_)));
    assert!(matches!(error.retry(1), Retry::After(_)));
    assert_eq!(shop.document(job).await.status, Extracting);

    shop.index_with(nowhere, job, 8).await.unwrap();
    let document = shop.document(job).await;
    assert_eq!(document.status, Failed);
    assert!(document.error.unwrap().contains("technical problem"));
}

#[on_every_db]
async fn odd_characters_and_names_are_stored_and_found(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let text = "# '\"; DROP TABLE x & | ! ( ) : * <-> \u{1F600}\n\nЦена — 4\u{a0}990 ₽, RX-200 'quoted' NEAR(x) \u{0}end";
    shop.learn("AND OR NOT.md", Markdown, text.as_bytes()).await;
    for query in ["RX-200", "4 990", "' OR 1=1 --", "NEAR(x", "a & b | !c:*", "quoted\\"] {
        let _ = shop.search(query).await;
    }
    assert_eq!(shop.search("rx 200").await.len(), 1);
    assert_eq!(shop.search("сколько цена").await.len(), 1);
}
