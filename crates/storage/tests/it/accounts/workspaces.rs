use replyx_core::{
    change::Deleted,
    fixtures,
    ids::WorkspaceId,
    page::{Page, PageRequest},
    rules::workspace::{AllowedModels, ResumedWorkspace},
    workspace::Workspace,
};
use replyx_storage::{Db, StorageError, on_every_db, testing::TestDb};

use crate::given::{self, at, id};

async fn stored(db: &Db, name: &str) -> Workspace {
    let workspace = Workspace { name: name.to_owned(), ..given::workspace() };
    commit!(db, |tx| given::found(&mut tx, &workspace));
    workspace
}

async fn find(db: &Db, id: WorkspaceId) -> Option<Workspace> {
    read!(db, |tx| tx.system().workspaces().find(id))
}

async fn list(
    db: &Db,
    matching: Option<&str>,
    limit: u32,
    after: Option<WorkspaceId>,
) -> Page<Workspace, WorkspaceId> {
    read!(db, |tx| tx.system().workspaces().list(matching, PageRequest { limit, after }))
}

#[on_every_db]
async fn each_change_of_a_workspace_changes_it_alone_and_tells(home: &TestDb) {
    let db = &home.db;
    let mut ours = stored(db, "Ours").await;
    let theirs = stored(db, "Theirs").await;
    let told = vec![ours.id.into_uuid()];
    assert_eq!(find(db, ours.id).await, Some(ours.clone()));
    let closed = Workspace { suspended_at: Some(at(1)), ..given::workspace() };
    commit!(db, |tx| given::found(&mut tx, &closed));
    assert_eq!(find(db, closed.id).await, Some(closed));

    "Лавка № 2".clone_into(&mut ours.name);
    let change = telling!(db, |tx| given::rename(&mut tx, ours.id, &ours.name));
    assert_eq!((find(db, ours.id).await.unwrap(), change.1), (ours.clone(), told.clone()));
    for suspended_at in [Some(at(7)), None] {
        ours.suspended_at = suspended_at;
        let change = telling!(db, |tx| given::suspend(&mut tx, ours.id, suspended_at));
        assert_eq!((find(db, ours.id).await.unwrap(), change.1), (ours.clone(), told.clone()));
    }
    let change = telling!(db, |tx| given::end(&mut tx, ours.id));
    assert_eq!((find(db, ours.id).await, change.1), (None, told));
    assert_eq!(find(db, theirs.id).await, Some(theirs));
}

#[on_every_db]
async fn a_workspace_that_is_not_there_cannot_be_changed(home: &TestDb) {
    macro_rules! refused {
        ($($state:expr),+ $(,)?) => {$({
            let mut tx = home.db.begin().await.unwrap();
            let refused = tx.apply(fixtures::unexplained($state)).await.unwrap_err();
            assert!(matches!(refused, StorageError::RowsAffected { actual: 0, .. }), "{refused}");
            assert!(tx.commit().await.unwrap().access.is_empty());
        })+};
    }
    let nothing = given::workspace();
    refused!(
        nothing.clone(),
        ResumedWorkspace(nothing.clone()),
        AllowedModels { workspace_id: nothing.id, names: None },
        Deleted(nothing.clone()),
    );
    assert_eq!(find(&home.db, id()).await, None);
}

#[on_every_db]
async fn workspaces_are_paged_newest_first_and_found_by_name(home: &TestDb) {
    let db = &home.db;
    let mut all = Vec::new();
    for name in ["Shop 100%", "shop_1", "Лавка", "SHOP"] {
        all.push(stored(db, name).await);
    }
    all.sort_by_key(|workspace| std::cmp::Reverse(workspace.id));
    let first = list(db, None, 3, None).await;
    assert_eq!(first, Page { items: all[..3].to_vec(), next: Some(all[2].id) });
    // An id sorts after those of earlier milliseconds.
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    stored(db, "Newer").await;
    let second = list(db, None, 3, first.next).await;
    assert_eq!(second, Page { items: all[3..].to_vec(), next: None });

    for (needle, expected) in [
        ("Shop", &["SHOP", "Shop 100%", "shop_1"][..]),
        ("_", &["shop_1"]),
        ("%", &["Shop 100%"]),
        ("Лав", &["Лавка"]),
        ("nothing", &[]),
    ] {
        let found = list(db, Some(needle), 9, None).await;
        let mut found: Vec<_> =
            found.items.iter().map(|workspace| workspace.name.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{needle}");
    }
    let shops: Vec<_> = all.into_iter().filter(|workspace| workspace.name != "Лавка").collect();
    let page = list(db, Some("shop"), 2, None).await;
    assert_eq!(page, Page { items: shops[..2].to_vec(), next: Some(shops[1].id) });
    assert_eq!(list(db, Some("shop"), 2, page.next).await.items, shops[2..]);
}
