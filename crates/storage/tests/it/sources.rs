use replyx_core::{
    change::{Deleted, New},
    fixtures::unexplained,
    ids::SourceId,
    knowledge::{Source, SourceStatus},
    page::PageRequest,
};
use replyx_storage::{Db, on_every_db, testing::TestDb};

use crate::given::{self, Tenant, at};

async fn store(db: &Db, tenant: &Tenant, change: impl FnOnce(&mut Source)) -> Source {
    let mut source = given::source(tenant.id, tenant.assistant.id);
    change(&mut source);
    commit!(db, |tx| tx.apply(unexplained(New(source.clone()))));
    source
}

#[on_every_db]
async fn a_source_comes_back_as_it_was_stored_and_only_in_its_workspace(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let other = given::tenant(db).await;
    let mut source = store(db, &tenant, |source| {
        "https://пример.рф/цены?x=1&y=ё".clone_into(&mut source.url);
        source.error = Some("a page is missing".to_owned());
    })
    .await;
    let id = source.id;
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).sources().find(id)), Some(source.clone()));
    assert_eq!(read!(db, |tx| tx.workspace(other.id).sources().find(id)), None);
    source.status = SourceStatus::Failed;
    source.every_hours = None;
    source.next_at = None;
    source.pages = 5_000_000_000;
    source.updated_at = at(7);
    commit!(db, |tx| tx.apply(unexplained(source.clone())));
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).sources().find(id)), Some(source.clone()));
    let elsewhere = Source { workspace_id: other.id, ..source.clone() };
    let mut tx = db.begin().await.unwrap();
    assert!(tx.apply(unexplained(elsewhere.clone())).await.is_err());
    drop(tx);
    let mut tx = db.begin().await.unwrap();
    assert!(tx.apply(unexplained(Deleted(elsewhere))).await.is_err());
    drop(tx);

    commit!(db, |tx| tx.apply(unexplained(Deleted(source.clone()))));
    let mut tx = db.begin().await.unwrap();
    assert!(tx.apply(unexplained(Deleted(source))).await.is_err(), "it is gone");
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).sources().count()), 0);
}

#[on_every_db]
async fn due_are_those_that_rest_and_whose_time_has_come_the_longest_waiting_first(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let other = given::tenant(db).await;
    let late = store(db, &tenant, |source| source.next_at = Some(at(20))).await;
    let early = store(db, &other, |source| {
        source.next_at = Some(at(10));
        source.status = SourceStatus::Failed;
    })
    .await;
    store(db, &tenant, |source| source.next_at = Some(at(31))).await;
    store(db, &tenant, |source| source.next_at = None).await;
    for status in [SourceStatus::Queued, SourceStatus::Fetching] {
        store(db, &tenant, |source| {
            source.next_at = Some(at(1));
            source.status = status;
        })
        .await;
    }
    let due = |limit| async move { read!(db, |tx| tx.system().sources().due(at(30), limit)) };
    assert_eq!(due(9).await, [(other.id, early.id), (tenant.id, late.id)]);
    assert_eq!(due(1).await, [(other.id, early.id)]);
    assert_eq!(read!(db, |tx| tx.system().sources().due(at(20), 9)).len(), 2, "on the second");
}

#[on_every_db]
async fn due_sources_of_a_suspended_workspace_keep_nobody_elses_waiting(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let other = given::tenant(db).await;
    let early = store(db, &tenant, |source| source.next_at = Some(at(10))).await;
    let late = store(db, &other, |source| source.next_at = Some(at(20))).await;
    let due = || async { read!(db, |tx| tx.system().sources().due(at(30), 1)) };
    assert_eq!(due().await, [(tenant.id, early.id)]);
    commit!(db, |tx| given::suspend(&mut tx, tenant.id, Some(at(5))));
    assert_eq!(due().await, [(other.id, late.id)]);
    commit!(db, |tx| given::suspend(&mut tx, tenant.id, None));
    assert_eq!(due().await, [(tenant.id, early.id)], "resumed");
}

#[on_every_db]
async fn a_list_is_of_one_workspace_and_if_wished_of_one_assistant(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let other = given::tenant(db).await;
    let second = given::assistant(tenant.id);
    commit!(db, |tx| tx.apply(unexplained(New(second.clone()))));
    let mut ids: Vec<SourceId> = (0..5).map(|_| given::id()).collect();
    ids.sort_unstable();
    for (number, id) in ids.iter().enumerate() {
        let assistant = if number % 2 == 0 { tenant.assistant.id } else { second.id };
        store(db, &tenant, |source| (source.id, source.assistant_id) = (*id, assistant)).await;
    }
    store(db, &other, |_| {}).await;
    let page = |limit, after| PageRequest::new(Some(limit), after);
    let first = read!(db, |tx| tx.workspace(tenant.id).sources().list(None, page(3, None)));
    let seen: Vec<_> = first.items.iter().map(|source| source.id).collect();
    assert_eq!(seen, ids[..3]);
    let rest = read!(db, |tx| tx.workspace(tenant.id).sources().list(None, page(3, first.next)));
    let seen: Vec<_> = rest.items.iter().map(|source| source.id).collect();
    assert_eq!((seen.as_slice(), rest.next), (&ids[3..], None));
    let of_second =
        read!(db, |tx| tx.workspace(tenant.id).sources().list(Some(second.id), page(9, None)));
    let seen: Vec<_> = of_second.items.iter().map(|source| source.id).collect();
    assert_eq!(seen, [ids[1], ids[3]]);
}
