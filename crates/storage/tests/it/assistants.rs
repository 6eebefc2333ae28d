use replyx_core::{
    assistant::Assistant,
    change::{Deleted, New},
    evaluation::Run,
    fixtures,
    rules::assistant::RolledBack,
};
use replyx_storage::{Db, StorageError, on_every_db, testing::TestDb};

use crate::given::{self, Tenant, at};

async fn find(db: &Db, tenant: &Tenant) -> Option<Assistant> {
    read!(db, |tx| tx.workspace(tenant.id).assistants().find(tenant.assistant.id))
}

#[on_every_db]
async fn an_assistant_comes_back_as_it_was_stored(home: &TestDb) {
    let tenant = given::tenant(&home.db).await;
    assert_eq!(find(&home.db, &tenant).await, Some(tenant.assistant));
}

#[on_every_db]
async fn of_two_changes_to_one_version_the_first_lasts(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let mut first = Assistant { version: 2, updated_at: at(5), ..tenant.assistant.clone() };
    "первый".clone_into(&mut first.settings.name);
    first.settings.model = None;
    first.settings.temperature = 1.5;
    let mut second = first.clone();
    "второй".clone_into(&mut second.settings.name);
    commit!(db, |tx| tx.apply(fixtures::unexplained(first.clone())));
    let skipped = Assistant { version: 4, ..second.clone() };
    for late in [second, skipped] {
        let mut tx = db.begin().await.unwrap();
        let refused = tx.apply(fixtures::unexplained(late)).await;
        assert!(
            matches!(refused, Err(StorageError::RowsAffected { actual: 0, .. })),
            "{refused:?}"
        );
    }
    assert_eq!(find(db, &tenant).await, Some(first));
}

#[on_every_db]
async fn a_deleted_assistant_is_not_found_and_its_documents_are_gone(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    tenant.fill(db).await;
    let filled = given::rows(&home.url, None).await;
    let id = tenant.assistant.id;
    commit!(db, |tx| tx.apply(fixtures::unexplained(Deleted(tenant.assistant.clone()))));
    let mut tx = db.begin().await.unwrap();
    let again = tx.apply(fixtures::unexplained(Deleted(tenant.assistant.clone()))).await;
    assert!(matches!(again, Err(StorageError::RowsAffected { actual: 0, .. })), "{again:?}");
    drop(tx);
    assert_eq!(find(db, &tenant).await, None);
    let all = read!(db, |tx| {
        tx.workspace(tenant.id).assistants().list(replyx_core::page::PageRequest::new(None, None))
    });
    assert_eq!(all.items, []);
    let changed = Assistant { version: 2, ..tenant.assistant.clone() };
    let mut tx = db.begin().await.unwrap();
    assert!(tx.apply(fixtures::unexplained(changed)).await.is_err(), "it is deleted");
    drop(tx);
    let page = replyx_core::page::PageRequest::new(None, None);
    let filter = replyx_storage::documents::DocumentFilter::default();
    let found = read!(db, |tx| tx.workspace(tenant.id).documents().list(filter, page));
    assert_eq!(found.items, []);
    // They go step by step, like large documents.
    while commit!(db, |tx| tx.system().documents().purge()).is_some() {}
    let rows = given::rows(&home.url, None).await;
    for table in ["documents", "document_files", "passages"] {
        assert!(rows[table].is_empty(), "{table}");
    }
    for table in ["kept_answers", "assistant_pauses", "sla_policies", "dialog_slas", "sla_pauses"] {
        assert!(!filled[table].is_empty() && rows[table].is_empty(), "{table}");
    }
    let terms = ["достав".to_owned()];
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).passages().frequencies(id, &terms)), [0]);
    let dialog = read!(db, |tx| tx.workspace(tenant.id).dialogs().find(tenant.dialog.id));
    assert_eq!(dialog.unwrap().assistant_id, id, "dialogs tell who answered");
}

#[on_every_db]
async fn versions_are_numbered_and_any_of_them_may_answer(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let id = tenant.assistant.id;
    let workspace = tenant.id;
    let published =
        async || read!(db, |tx| tx.workspace(workspace).assistants().published(id)).unwrap();
    assert_eq!(published().await, given::version(&tenant.assistant, 1));
    assert_eq!(read!(db, |tx| tx.workspace(workspace).assistants().next_number(id)), 2);
    let mut second = given::version(&tenant.assistant, 2);
    "иначе".clone_into(&mut second.settings.system_prompt);
    let publication = tenant.assistant.publish_first(second.clone());
    commit!(db, |tx| tx.apply(publication.clone()));
    assert_eq!(published().await, second);
    assert_eq!(find(db, &tenant).await.unwrap().published, 2);
    let back = RolledBack { workspace_id: workspace, assistant_id: id, number: 1 };
    commit!(db, |tx| tx.apply(fixtures::unexplained(back)));
    assert_eq!(published().await.number, 1);
    let mut tx = db.begin().await.unwrap();
    let nowhere = RolledBack { number: 3, ..back };
    assert!(tx.apply(fixtures::unexplained(nowhere)).await.is_err(), "there is no third");
    drop(tx);
    let all = read!(db, |tx| tx.workspace(workspace).assistants().versions(id, None, 9));
    assert_eq!(all.iter().map(|version| version.number).collect::<Vec<_>>(), [2, 1]);
    let older = read!(db, |tx| tx.workspace(workspace).assistants().versions(id, Some(2), 9));
    assert_eq!(older.len(), 1);
    let mut tx = db.begin().await.unwrap();
    assert!(tx.apply(publication).await.unwrap_err().is_duplicate());
    drop(tx);
    commit!(db, |tx| tx.apply(fixtures::unexplained(Deleted(tenant.assistant.clone()))));
    assert_eq!(read!(db, |tx| tx.workspace(workspace).assistants().published(id)), None);
    assert_eq!(read!(db, |tx| tx.workspace(workspace).assistants().version(id, 1)), None);
}

#[on_every_db]
async fn the_newest_versions_are_kept_and_those_that_were_measured(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    tenant.fill(db).await;
    let id = tenant.assistant.id;
    let workspace = tenant.id;
    let measured = Run { version: Some(3), ..given::run(&tenant.set) };
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(measured.clone()))));
    let mut tx = db.begin().await.unwrap();
    for number in 2..=205 {
        let version = given::version(&tenant.assistant, number);
        tx.apply(tenant.assistant.publish_first(version)).await.unwrap();
    }
    tx.commit().await.unwrap();

    let kept = read!(db, |tx| tx.workspace(workspace).assistants().versions(id, None, 300));
    let kept: Vec<i64> = kept.iter().map(|version| version.number).collect();
    let expected: Vec<i64> = (6..=205).rev().chain([3]).collect();
    assert_eq!(kept, expected);
    assert_eq!(read!(db, |tx| tx.workspace(workspace).assistants().next_number(id)), 206);
    let published = read!(db, |tx| tx.workspace(workspace).assistants().published(id)).unwrap();
    assert_eq!(published.number, 205);
}
