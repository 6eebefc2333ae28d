//! The recipe for one more status word, as CONTRIBUTING.md gives it, on both databases.

use replyx_core::{
    change::New,
    file::Content,
    fixtures,
    ids::SourceId,
    knowledge::{Document, Source, SourceStatus, WebPage},
    rules::document::DocumentFile,
};
use replyx_storage::{StorageError, on_every_db, testing::TestDb};

use crate::given;

/// The statements of the recipe for a database: the block that names its folder of migrations.
fn recipe(database: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../CONTRIBUTING.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("\n## Add a status word\n").unwrap();
    let head = format!("```sql\n   -- migrations/{database}\n");
    let (_, block) = section.split_once(&head).unwrap();
    let (block, _) = block.split_once("```").unwrap();
    block.to_owned()
}

/// Whether a source can have this status, as far as the database is concerned.
async fn takes(home: &TestDb, word: &str) -> bool {
    let url = home.url.clone();
    let sql = format!("UPDATE sources SET status = '{word}' WHERE status = 'fetching'");
    let tampering = tokio::spawn(async move { given::tamper(&url, &sql).await });
    tampering.await.is_ok()
}

#[on_every_db]
async fn a_status_word_is_added_without_rebuilding_a_table(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    tenant.fill(db).await;
    let fetching =
        Source { status: SourceStatus::Fetching, ..given::source(tenant.id, tenant.assistant.id) };
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(fetching.clone()))));
    let find = |source: &Source| {
        let id = source.id;
        async move { read!(db, |tx| tx.workspace(tenant.id).sources().find(id)) }
    };
    assert!(!takes(home, "paused").await, "the column has a CHECK");

    let database = if home.url.starts_with("sqlite:") { "sqlite" } else { "postgres" };
    given::tamper(&home.url, &recipe(database)).await;
    assert_eq!(find(&tenant.source).await.as_ref(), Some(&tenant.source));
    assert_eq!(find(&fetching).await.as_ref(), Some(&fetching));

    // The database takes the word. Who does not know it reads nothing wrong out of it.
    assert!(takes(home, "paused").await);
    let mut tx = db.read().await.unwrap();
    let unknown = tx.workspace(tenant.id).sources().find(fetching.id).await;
    assert!(matches!(unknown, Err(StorageError::Corrupt { table: "sources", .. })), "{unknown:?}");
    drop(tx);

    // What refers to the table still does.
    let page = |source: SourceId| DocumentFile {
        document: Document {
            page: Some(WebPage {
                source_id: source,
                url: "https://example.org/".to_owned(),
                etag: None,
                last_modified: None,
                misses: 0,
            }),
            ..given::document(tenant.id, tenant.assistant.id)
        },
        content: Content::Inline(b"x"),
    };
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(page(tenant.source.id)))));
    let mut tx = db.begin().await.unwrap();
    let orphan = tx.apply(fixtures::unexplained(New(page(given::id())))).await.map(drop);
    assert!(matches!(orphan, Err(StorageError::Constraint { .. })), "{orphan:?}");
}
