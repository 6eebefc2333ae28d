use std::time::Duration;

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{ApiKeyId, WorkspaceId},
    page::{Page, PageRequest},
    permission::{Permission, Permissions},
    role::Role,
    session::{Access, Principal, WorkspaceAccess},
    workspace::{ApiKey, KeyOwner, Workspace},
};
use replyx_storage::{Db, StorageError, on_every_db, testing::TestDb};
use tokio::task::JoinSet;

use crate::given::{self, at, id};

async fn workspace(db: &Db) -> Workspace {
    let workspace = given::workspace();
    commit!(db, |tx| given::found(&mut tx, &workspace));
    workspace
}

async fn insert(db: &Db, key: &ApiKey, hash: &str) {
    commit!(db, |tx| given::store_key(&mut tx, key, hash));
}

async fn find(db: &Db, key: &ApiKey) -> Option<ApiKey> {
    read!(db, |tx| tx.workspace(key.workspace_id).api_keys().find(key.id))
}

async fn access(
    db: &Db,
    hash: &str,
    now: DateTime<Utc>,
) -> Option<(Access, Option<DateTime<Utc>>)> {
    read!(db, |tx| tx.system().api_keys().access(hash, now))
}

async fn touch(db: &Db, ids: &[ApiKeyId], now: DateTime<Utc>) {
    commit!(db, |tx| tx.system().api_keys().touch(ids, now));
}

#[on_every_db]
async fn all_that_is_said_of_a_key_is_kept(home: &TestDb) {
    let db = &home.db;
    let workspace = workspace(&home.db).await;
    let sets: [Permissions; 3] = [
        Permissions::default(),
        Permission::ALL.iter().copied().collect(),
        [Permission::AuditRead].into_iter().collect(),
    ];
    for (number, scopes) in sets.into_iter().enumerate() {
        let expires_at = (number > 0).then(|| at(60));
        let owner = [KeyOwner::Maker, KeyOwner::Workspace][number % 2];
        let key = ApiKey { scopes, owner, expires_at, ..given::api_key(workspace.id) };
        insert(db, &key, &format!("hash {number}")).await;
        assert_eq!(find(db, &key).await, Some(key));
    }
}

#[on_every_db]
async fn each_change_of_a_key_changes_it_alone_and_tells(home: &TestDb) {
    let db = &home.db;
    let workspace = workspace(&home.db).await;
    let mut ours = given::api_key(workspace.id);
    let other = given::api_key(workspace.id);
    let told = vec![ours.id.into_uuid()];
    insert(db, &ours, "ours").await;
    insert(db, &other, "other").await;
    "Склад".clone_into(&mut ours.name);
    let change = telling!(db, |tx| given::rename_key(&mut tx, workspace.id, ours.id, "Склад"));
    assert_eq!((change, find(db, &ours).await), ((true, told.clone()), Some(ours.clone())));
    let change = telling!(db, |tx| given::revoke_key(&mut tx, workspace.id, ours.id));
    assert_eq!((change, find(db, &ours).await), ((true, told), None));
    assert_eq!(access(db, "ours", at(0)).await, None, "it is revoked at once");

    let change = telling!(db, |tx| given::rename_key(&mut tx, workspace.id, ours.id, "x"));
    assert_eq!(change, (false, vec![]));
    let change = telling!(db, |tx| given::revoke_key(&mut tx, workspace.id, ours.id));
    assert_eq!(change, (false, vec![]));
    assert_eq!(find(db, &other).await, Some(other));
}

#[on_every_db]
async fn a_key_opens_its_workspace_for_what_it_was_made_for(home: &TestDb) {
    let db = &home.db;
    let mut ours = workspace(db).await;
    let theirs = workspace(db).await;
    let key = given::api_key(ours.id);
    let endless =
        ApiKey { expires_at: None, name: "theirs".to_owned(), ..given::api_key(theirs.id) };
    insert(db, &key, "ours").await;
    insert(db, &endless, "theirs").await;
    let expected = |key: &ApiKey, workspace: &Workspace| {
        let place = WorkspaceAccess {
            workspace: workspace.clone(),
            role: None,
            permissions: key.scopes,
            suspended: false,
        };
        let principal = Principal::Key { id: key.id, name: key.name.clone(), maker: None };
        Some((Access { principal, place: Some(place) }, key.expires_at))
    };
    assert_eq!(access(db, "ours", at(0)).await, expected(&key, &ours));
    assert_eq!(access(db, "theirs", at(999_999_999)).await, expected(&endless, &theirs));
    for unknown in ["", "OURS", "our_", "%"] {
        assert_eq!(access(db, unknown, at(0)).await, None, "{unknown}");
    }
    let ends = key.expires_at.unwrap();
    let last = ends - Duration::from_micros(1);
    assert!(access(db, "ours", last).await.is_some() && access(db, "ours", ends).await.is_none());

    ours.suspended_at = Some(at(5));
    commit!(db, |tx| given::suspend(&mut tx, ours.id, Some(at(5))));
    assert_eq!(access(db, "ours", at(0)).await, expected(&key, &ours));
    commit!(db, |tx| given::end(&mut tx, ours.id));
    assert_eq!(access(db, "ours", at(0)).await, None);
}

/// What a key may do, if anything.
async fn may(db: &Db, hash: &str) -> Option<Vec<&'static str>> {
    let (access, _) = access(db, hash, at(0)).await?;
    Some(access.place.unwrap().permissions.iter().map(Permission::as_str).collect())
}

#[on_every_db]
async fn a_key_does_what_its_maker_may_do_now_and_a_service_key_what_it_was_given(home: &TestDb) {
    let db = &home.db;
    let workspace = workspace(&home.db).await.id;
    let maker = given::user();
    commit!(db, |tx| given::sign_up(&mut tx, &maker, "hash"));
    commit!(db, |tx| given::join(&mut tx, workspace, maker.id, Role::Owner, at(0)));
    let scopes: Permissions = [
        Permission::DialogsRead,
        Permission::DialogsWrite,
        Permission::BotsWrite,
        Permission::MembersWrite,
        Permission::OwnersWrite,
        Permission::KeysWrite,
    ]
    .into_iter()
    .collect();
    let own = ApiKey {
        scopes,
        owner: KeyOwner::Maker,
        created_by: maker.id,
        ..given::api_key(workspace)
    };
    let service = ApiKey { scopes, created_by: maker.id, ..given::api_key(workspace) };
    insert(db, &own, "own").await;
    insert(db, &service, "service").await;
    let all = vec!["bots:write", "dialogs:read", "dialogs:write"];
    let (found, _) = access(db, "own", at(0)).await.unwrap();
    assert!(matches!(found.principal, Principal::Key { maker: Some(id), .. } if id == maker.id));

    for (role, expected) in [
        (Role::Owner, all.clone()),
        (Role::Admin, all.clone()),
        (Role::Operator, vec!["dialogs:read", "dialogs:write"]),
        (Role::Viewer, vec!["dialogs:read"]),
    ] {
        commit!(db, |tx| given::set_role(&mut tx, workspace, maker.id, role));
        assert_eq!(may(db, "own").await, Some(expected), "{role:?}");
    }
    commit!(db, |tx| given::set_role(&mut tx, workspace, maker.id, Role::Owner));

    commit!(db, |tx| given::suspend_member(&mut tx, workspace, maker.id, Some(at(1))));
    assert_eq!(may(db, "own").await, None, "suspended here");
    commit!(db, |tx| given::suspend_member(&mut tx, workspace, maker.id, None));
    commit!(db, |tx| given::block(&mut tx, maker.id, Some(at(1))));
    assert_eq!(may(db, "own").await, None, "blocked everywhere");
    commit!(db, |tx| given::block(&mut tx, maker.id, None));
    commit!(db, |tx| given::change_user(&mut tx, maker.id, |user| user.delete_at = Some(at(1))));
    assert_eq!(may(db, "own").await, None, "about to leave");
    commit!(db, |tx| given::change_user(&mut tx, maker.id, |user| user.delete_at = None));
    assert_eq!(may(db, "own").await, Some(all.clone()));
    commit!(db, |tx| given::leave(&mut tx, workspace, maker.id));
    assert_eq!(may(db, "own").await, None, "no member");
    commit!(db, |tx| given::delete_user(&mut tx, maker.id));
    assert_eq!(may(db, "own").await, None, "gone");
    assert_eq!(may(db, "service").await, Some(all));
}

#[on_every_db]
async fn a_secret_belongs_to_one_key(home: &TestDb) {
    let db = &home.db;
    let ours = workspace(db).await;
    let theirs = workspace(db).await;
    insert(db, &given::api_key(ours.id), "hash").await;
    for workspace in [ours.id, theirs.id] {
        let mut tx = db.begin().await.unwrap();
        let twin = given::store_key(&mut tx, &given::api_key(workspace), "hash").await;
        assert!(twin.unwrap_err().is_duplicate());
    }
}

#[on_every_db]
async fn a_scope_that_this_version_does_not_know_opens_nothing(home: &TestDb) {
    let db = &home.db;
    let workspace = workspace(&home.db).await;
    insert(db, &given::api_key(workspace.id), "hash").await;
    given::tamper(&home.url, "UPDATE api_keys SET scopes = scopes || ' money:write'").await;
    let mut tx = db.read().await.unwrap();
    let refused = tx.system().api_keys().access("hash", at(0)).await;
    assert!(matches!(refused, Err(StorageError::Corrupt { table: "api_keys", .. })), "{refused:?}");
}

#[on_every_db]
async fn the_latest_use_of_a_key_is_noted_in_whatever_order_it_is_told(home: &TestDb) {
    let db = &home.db;
    let workspace = workspace(&home.db).await;
    let used = given::api_key(workspace.id);
    let unused = given::api_key(workspace.id);
    insert(db, &used, "used").await;
    insert(db, &unused, "unused").await;
    for (now, expected) in [(5, 5), (9, 9), (7, 9)] {
        touch(db, &[used.id, id(), used.id], at(now)).await;
        let last_used_at = Some(at(expected));
        assert_eq!(find(db, &used).await, Some(ApiKey { last_used_at, ..used.clone() }));
    }
    touch(db, &[], at(99)).await;
    assert_eq!(find(db, &unused).await, Some(unused));
}

#[on_every_db]
async fn processes_that_note_the_same_keys_in_another_order_do_not_block_each_other(home: &TestDb) {
    let db = &home.db;
    let workspace = workspace(&home.db).await;
    let mut ids = Vec::new();
    for number in 0..40 {
        let key = given::api_key(workspace.id);
        insert(db, &key, &number.to_string()).await;
        ids.push(key.id);
    }
    let mut noting = JoinSet::new();
    for number in 0..16 {
        let db = db.clone();
        let mut ids = ids.clone();
        if number % 2 == 1 {
            ids.reverse();
        }
        noting.spawn(async move { touch(&db, &ids, at(number)).await });
    }
    noting.join_all().await;
    let latest =
        read!(db, |tx| tx.workspace(workspace.id).api_keys().list(PageRequest::new(None, None)));
    assert!(latest.items.iter().all(|key| key.last_used_at == Some(at(15))), "{latest:?}");
}

#[on_every_db]
async fn keys_are_paged_newest_first_while_others_come(home: &TestDb) {
    let db = &home.db;
    let ours = workspace(db).await.id;
    let theirs = workspace(db).await.id;
    let list = |workspace: WorkspaceId, limit, after| async move {
        read!(db, |tx| tx.workspace(workspace).api_keys().list(PageRequest { limit, after }))
    };
    insert(db, &given::api_key(theirs), "theirs").await;
    let mut all = Vec::new();
    for number in 0..5 {
        // Those that have ended are shown too.
        let key = ApiKey { expires_at: Some(at(-5)), ..given::api_key(ours) };
        insert(db, &key, &number.to_string()).await;
        all.push(key);
    }
    all.sort_by_key(|key| std::cmp::Reverse(key.id));
    assert_eq!(list(ours, 5, None).await, Page { items: all.clone(), next: None });
    let first = list(ours, 2, None).await;
    assert_eq!(first, Page { items: all[..2].to_vec(), next: Some(all[1].id) });
    tokio::time::sleep(Duration::from_millis(2)).await;
    insert(db, &given::api_key(ours), "newer").await;
    assert_eq!(list(ours, 9, first.next).await, Page { items: all[2..].to_vec(), next: None });
}
