use replyx_core::{assistant::Assistant, evaluation::Run};
use replyx_storage::{Db, on_every_db, testing::TestDb};

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
    assert!(commit!(db, |tx| tx.workspace(tenant.id).assistants().update(&first)));
    assert!(!commit!(db, |tx| tx.workspace(tenant.id).assistants().update(&second)));
    assert_eq!(find(db, &tenant).await, Some(first));
    let skipped = Assistant { version: 4, ..second };
    assert!(!commit!(db, |tx| tx.workspace(tenant.id).assistants().update(&skipped)));
}

#[on_every_db]
async fn a_deleted_assistant_is_not_found_and_its_documents_are_gone(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    tenant.fill(db).await;
    let id = tenant.assistant.id;
    assert!(commit!(db, |tx| tx.workspace(tenant.id).assistants().delete(id, at(1))));
    assert!(!commit!(db, |tx| tx.workspace(tenant.id).assistants().delete(id, at(2))));
    assert_eq!(find(db, &tenant).await, None);
    let all = read!(db, |tx| {
        tx.workspace(tenant.id).assistants().list(replyx_core::page::PageRequest::new(None, None))
    });
    assert_eq!(all.items, []);
    let changed = Assistant { version: 2, ..tenant.assistant.clone() };
    assert!(!commit!(db, |tx| tx.workspace(tenant.id).assistants().update(&changed)));
    let rows = given::rows(&home.url, None).await;
    for table in ["documents", "document_files", "passages"] {
        assert!(rows[table].is_empty(), "{table}");
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
    commit!(db, |tx| tx.workspace(workspace).assistants().publish(id, &second));
    assert_eq!(published().await, second);
    assert_eq!(find(db, &tenant).await.unwrap().published, 2);
    assert!(commit!(db, |tx| tx.workspace(workspace).assistants().roll_to(id, 1, at(5))));
    assert_eq!(published().await.number, 1);
    assert!(
        !commit!(db, |tx| tx.workspace(workspace).assistants().roll_to(id, 3, at(5))),
        "there is no third"
    );
    let all = read!(db, |tx| tx.workspace(workspace).assistants().versions(id, None, 9));
    assert_eq!(all.iter().map(|version| version.number).collect::<Vec<_>>(), [2, 1]);
    let older = read!(db, |tx| tx.workspace(workspace).assistants().versions(id, Some(2), 9));
    assert_eq!(older.len(), 1);
    assert!(
        db.begin()
            .await
            .unwrap()
            .workspace(workspace)
            .assistants()
            .publish(id, &second)
            .await
            .unwrap_err()
            .is_duplicate()
    );
    commit!(db, |tx| tx.workspace(workspace).assistants().delete(id, at(9)));
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
    commit!(db, |tx| tx.workspace(workspace).runs().insert(&measured));
    let mut tx = db.begin().await.unwrap();
    for number in 2..=205 {
        let version = given::version(&tenant.assistant, number);
        tx.workspace(workspace).assistants().publish(id, &version).await.unwrap();
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
