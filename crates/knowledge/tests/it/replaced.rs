//! A file takes the place of another, which serves until then.

use replyx_core::{
    fixtures,
    ids::DocumentId,
    knowledge::{
        DocumentKind::{self, Markdown, Pdf, Text},
        DocumentStatus::{Failed, Queued, Ready},
        Replacement, WarningCode,
    },
    rules::document::DocumentFile,
    secret::sha256_hex,
};
use replyx_knowledge::index::IndexDocument;
use replyx_storage::{
    Db, Tx, on_every_db,
    testing::{TestDb, tamper},
};
use tokio::sync::oneshot;

use crate::{
    child::{HeldChild, data},
    shop::Shop,
};

/// Lets a file wait for a document, as the API does.
async fn replace(shop: &Shop<'_>, job: IndexDocument, kind: DocumentKind, bytes: &[u8]) {
    let file = Replacement {
        name: "new.txt".to_owned(),
        kind,
        size: i64::try_from(bytes.len()).unwrap(),
        content_hash: sha256_hex(bytes),
    };
    let mut tx = shop.db.begin().await.unwrap();
    let scope = tx.workspace(shop.workspace);
    let mut document = scope.documents().lock(job.document_id).await.unwrap().unwrap();
    let replacements = tx.workspace(shop.workspace).replacements();
    replacements.put(document.id, &file, bytes, shop.clock.now()).await.unwrap();
    document.status = Queued;
    tx.apply(fixtures::unexplained(document.clone())).await.unwrap();
    tx.commit().await.unwrap();
}

async fn original(shop: &Shop<'_>, id: DocumentId) -> Vec<u8> {
    let mut tx = shop.db.read().await.unwrap();
    let held = tx.workspace(shop.workspace).documents().original(id).await.unwrap().unwrap();
    held.into_inline().unwrap()
}

/// What search finds about delivery, word for word.
async fn found(shop: &Shop<'_>) -> Vec<String> {
    let hits = shop.search("How much is delivery?").await;
    hits.into_iter().map(|hit| hit.passage.text).collect()
}

#[on_every_db]
async fn the_old_text_serves_until_the_new_one_is_read(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let job = shop.upload("old.txt", Text, b"Delivery costs 450 roubles.").await;
    shop.index(job).await;
    replace(&shop, job, Text, b"Delivery costs 300 roubles.").await;

    assert_eq!(found(&shop).await, ["Delivery costs 450 roubles."]);
    assert_eq!(original(&shop, job.document_id).await, b"Delivery costs 450 roubles.");
    assert_eq!(shop.document(job).await.name, "old.txt");

    shop.index(job).await;
    assert_eq!(found(&shop).await, ["Delivery costs 300 roubles."]);
    assert_eq!(original(&shop, job.document_id).await, b"Delivery costs 300 roubles.");
    let document = shop.document(job).await;
    assert_eq!((document.status, document.name.as_str(), document.passages), (Ready, "new.txt", 1));
    assert_eq!(document.content_hash, sha256_hex(b"Delivery costs 300 roubles."));

    // The job that died in between runs again, and finds nothing to do.
    shop.index(job).await;
    assert_eq!(found(&shop).await, ["Delivery costs 300 roubles."]);
}

/// A document of so many sections that its passages are more than one transaction changes.
fn lanterns(price: &str) -> String {
    let section = |n: usize| {
        let sentence = format!("Lantern {n} of the {price} series glows for {n} hours. ");
        format!("## Lantern {n}\n\n{}\n\n", sentence.repeat(20))
    };
    (0..3_000).map(section).collect()
}

/// How many passages a document has, and how many its waiting file has gathered.
async fn counts(tx: &mut Tx, job: IndexDocument) -> (usize, usize) {
    let own = tx.workspace(job.workspace_id).passages().of(job.document_id).await.unwrap().len();
    let hidden = tx.workspace(job.workspace_id).replacements().staged(job.document_id).await;
    let gathered = match hidden.unwrap() {
        Some(hidden) => tx.workspace(job.workspace_id).passages().of(hidden).await.unwrap().len(),
        None => 0,
    };
    (own, gathered)
}

/// A writer on a task of its own gets its turn again and again, and so does a search, which finds
/// the old file or the new one. The process dies in the middle.
#[on_every_db]
async fn a_large_file_gathers_in_steps_and_takes_the_place_of_another_at_once(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let job = shop.upload("old.md", Markdown, lanterns("silver").as_bytes()).await;
    shop.index(job).await;
    let (old, _) = counts(&mut db.db.read().await.unwrap(), job).await;
    let new = lanterns("golden");
    replace(&shop, job, Markdown, new.as_bytes()).await;

    // Who writes in between keeps the document until the reader is gone, as if it had died.
    let (seen, gathering) = oneshot::channel();
    let (died, is_dead) = oneshot::channel::<()>();
    let home = db.db.clone();
    let writer = tokio::spawn(async move {
        let (tx, gathered) = loop {
            let mut tx = home.begin().await.unwrap();
            tx.workspace(job.workspace_id).documents().lock(job.document_id).await.unwrap();
            let (own, gathered) = counts(&mut tx, job).await;
            assert_eq!(own, old, "the old file serves");
            if gathered > 0 {
                break (tx, gathered);
            }
            tx.commit().await.unwrap();
            tokio::task::yield_now().await;
        };
        seen.send(gathered).unwrap();
        is_dead.await.unwrap();
        drop(tx);
    });
    let gathered = tokio::select! {
        gathered = gathering => gathered.unwrap(),
        () = shop.index(job) => panic!("nobody could write in between"),
    };
    died.send(()).unwrap();
    writer.await.unwrap();
    assert!(gathered < old, "{gathered} of {old}");
    let silver = shop.search("silver series lantern 7").await;
    assert!(silver[0].passage.text.contains("silver"), "{silver:?}");
    assert!(!purge(&db.db).await, "what gathers is not deleted");

    shop.index(job).await;
    let (own, gathered) = counts(&mut db.db.read().await.unwrap(), job).await;
    assert_eq!((own, gathered), (usize::try_from(shop.document(job).await.passages).unwrap(), 0));
    let golden = shop.search("golden series lantern 7").await;
    assert!(golden.iter().all(|hit| hit.passage.text.contains("golden")), "{golden:?}");
    assert!(!golden.is_empty());

    // What was replaced goes step by step, and nothing else does.
    while purge(&db.db).await {}
    let stored = tamper(&db.url, "UPDATE passages SET page = page").await;
    assert_eq!(stored, u64::try_from(own).unwrap());
    assert_eq!(counts(&mut db.db.read().await.unwrap(), job).await, (own, 0));
}

/// Deletes a step of what is hidden; `false`: there was nothing.
async fn purge(db: &Db) -> bool {
    let mut tx = db.begin().await.unwrap();
    let gone = tx.system().documents().purge().await.unwrap();
    tx.commit().await.unwrap();
    gone.is_some()
}

#[on_every_db]
async fn a_new_file_that_cannot_be_read_leaves_the_old_one_and_a_warning(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let job = shop.upload("old.txt", Text, b"Delivery costs 450 roubles.").await;
    shop.index(job).await;
    replace(&shop, job, Pdf, &data("locked.pdf")).await;
    shop.index(job).await;

    assert_eq!(found(&shop).await, ["Delivery costs 450 roubles."]);
    let document = shop.document(job).await;
    assert_eq!((document.status, document.name.as_str(), document.error), (Ready, "old.txt", None));
    let warning = &document.warnings[0];
    assert_eq!((warning.code, document.warnings.len()), (WarningCode::ReplacementFailed, 1));
    assert!(warning.detail.contains("protected by a password"), "{}", warning.detail);

    // A file that can be read takes the warning away.
    replace(&shop, job, Text, b"Delivery costs 300 roubles.").await;
    shop.index(job).await;
    assert_eq!(shop.document(job).await.warnings, []);
    assert_eq!(found(&shop).await, ["Delivery costs 300 roubles."]);
}

#[on_every_db]
async fn a_file_that_comes_while_another_is_read_is_the_one_that_counts(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let job = shop.upload("old.txt", Text, b"Delivery costs 450 roubles.").await;
    shop.index(job).await;
    // The next file comes while the child has this one.
    replace(&shop, job, Pdf, HeldChild::FILE).await;
    let child = HeldChild::new();
    let program = child.program();
    let (outcome, ()) = tokio::join!(shop.index_with(&program, job, 1), async {
        child.reading().await;
        replace(&shop, job, Text, b"Delivery costs 300 roubles.").await;
        child.go();
    });
    outcome.unwrap();

    // What was read of the file in between counts for nothing, neither its text nor its failure.
    assert_eq!(found(&shop).await, ["Delivery costs 450 roubles."]);
    assert_eq!(shop.document(job).await.warnings, []);
    shop.index(job).await;
    assert_eq!(found(&shop).await, ["Delivery costs 300 roubles."]);
    assert_eq!(shop.document(job).await.name, "new.txt");
}

#[on_every_db]
async fn a_file_that_comes_while_the_old_one_is_read_again_is_not_lost(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let job = shop.upload("old.pdf", Pdf, &data("handbook.en.pdf")).await;
    shop.index(job).await;
    let slow = shop.upload("slow.pdf", Pdf, HeldChild::FILE).await;
    let child = HeldChild::new();
    let program = child.program();
    let (outcome, ()) = tokio::join!(shop.index_with(&program, slow, 1), async {
        child.reading().await;
        // This one was never read, so there is nothing to keep: the API changes it in place.
        let mut tx = shop.db.begin().await.unwrap();
        let scope = tx.workspace(shop.workspace);
        let mut document = scope.documents().lock(slow.document_id).await.unwrap().unwrap();
        let new = b"Delivery costs 300 roubles.";
        (document.kind, document.content_hash) = (Text, sha256_hex(new));
        let file = DocumentFile { document, content: new.into() };
        tx.apply(fixtures::unexplained(file)).await.unwrap();
        tx.commit().await.unwrap();
        child.go();
    });
    outcome.unwrap();
    assert_ne!(shop.document(slow).await.status, Failed, "the failure is that of another file");
    shop.index(slow).await;
    assert!(found(&shop).await.contains(&"Delivery costs 300 roubles.".to_owned()));
}
