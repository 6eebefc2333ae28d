use replyx_core::{
    fixtures,
    ids::{UserId, WorkspaceId},
    page::{Page, PageRequest},
    role::Role,
    user::User,
    workspace::Member,
};
use replyx_storage::{Db, StorageError, on_every_db, testing::TestDb};
use tokio::task::JoinSet;

use crate::given::{self, at, id};

async fn find(db: &Db, workspace: WorkspaceId, user: UserId) -> Option<Member> {
    read!(db, |tx| tx.workspace(workspace).members().find(user))
}

/// Stores a user as a member.
async fn join(db: &Db, workspace: WorkspaceId, role: Role) -> User {
    let user = given::user();
    commit!(db, |tx| given::sign_up(&mut tx, &user, "$argon2id$"));
    commit!(db, |tx| given::join(&mut tx, workspace, user.id, role, at(1)));
    user
}

/// A workspace in which nobody works.
async fn empty(db: &Db) -> WorkspaceId {
    let workspace = given::workspace();
    commit!(db, |tx| given::found(&mut tx, &workspace));
    workspace.id
}

/// A workspace with so many owners, by id.
async fn owned_by<const N: usize>(db: &Db) -> (WorkspaceId, [UserId; N]) {
    let workspace = empty(db).await;
    let mut owners = [given::stranger(); N];
    for owner in &mut owners {
        *owner = join(db, workspace, Role::Owner).await.id;
    }
    owners.sort_unstable();
    (workspace, owners)
}

/// An owner becomes a viewer, unless they are the last: what every caller of `lock_owners` does.
async fn step_down(db: &Db, workspace: WorkspaceId, owner: UserId) -> bool {
    let mut tx = db.begin().await.unwrap();
    let owners = tx.workspace(workspace).members().lock_owners().await.unwrap();
    if owners == [owner] {
        return false;
    }
    tokio::task::yield_now().await;
    given::set_role(&mut tx, workspace, owner, Role::Viewer).await.unwrap();
    tx.commit().await.unwrap();
    true
}

async fn owners(db: &Db, workspace: WorkspaceId) -> Vec<UserId> {
    let mut tx = db.begin().await.unwrap();
    tx.workspace(workspace).members().lock_owners().await.unwrap()
}

#[on_every_db]
async fn each_change_of_a_member_changes_it_alone_and_tells(home: &TestDb) {
    let db = &home.db;
    let ours = empty(db).await;
    let theirs = empty(db).await;
    let user = given::user();
    commit!(db, |tx| given::sign_up(&mut tx, &user, "$argon2id$"));
    let other = join(db, ours, Role::Owner).await;
    commit!(db, |tx| given::join(&mut tx, theirs, user.id, Role::Viewer, at(2)));
    let others = find(db, ours, other.id).await;
    let elsewhere = find(db, theirs, user.id).await;
    let told = vec![user.id.into_uuid()];

    let change = telling!(db, |tx| given::join(&mut tx, ours, user.id, Role::Operator, at(3)));
    let mut member = Member {
        workspace_id: ours,
        user_id: user.id,
        email: user.email.clone(),
        name: user.name.clone(),
        role: Role::Operator,
        suspended_at: None,
        created_at: at(3),
    };
    assert_eq!((find(db, ours, user.id).await, change.1), (Some(member.clone()), told.clone()));
    for role in Role::ALL {
        member.role = *role;
        let change = telling!(db, |tx| given::set_role(&mut tx, ours, user.id, *role));
        assert_eq!((find(db, ours, user.id).await, change.1), (Some(member.clone()), told.clone()));
    }
    for suspended_at in [Some(at(4)), None] {
        member.suspended_at = suspended_at;
        let change = telling!(db, |tx| given::suspend_member(&mut tx, ours, user.id, suspended_at));
        assert_eq!((find(db, ours, user.id).await, change.1), (Some(member.clone()), told.clone()));
    }
    assert_eq!(telling!(db, |tx| given::leave(&mut tx, ours, user.id)), ((), told));
    assert_eq!(find(db, ours, user.id).await, None);
    assert_eq!(
        (find(db, ours, other.id).await, find(db, theirs, user.id).await),
        (others, elsewhere)
    );
}

#[on_every_db]
async fn who_is_no_member_cannot_be_changed(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let elsewhere = join(db, empty(db).await, Role::Viewer).await.id;
    for who in [given::stranger(), elsewhere] {
        let mut tx = db.begin().await.unwrap();
        let nobody = given::member(tenant.id, who, Role::Owner, at(0));
        let saved = tx.apply(fixtures::unexplained(nobody)).await.map(drop);
        let left = given::leave(&mut tx, tenant.id, who).await;
        for refused in [saved, left] {
            assert!(
                matches!(refused, Err(StorageError::RowsAffected { actual: 0, .. })),
                "{refused:?}"
            );
        }
        assert!(tx.commit().await.unwrap().access.is_empty());
    }
}

#[on_every_db]
async fn members_are_paged_while_others_join_and_leave(home: &TestDb) {
    let db = &home.db;
    let workspace = empty(&home.db).await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(join(db, workspace, Role::Viewer).await.id);
    }
    all.sort_unstable();
    let list = |limit, after| async move {
        let page =
            read!(db, |tx| tx.workspace(workspace).members().list(PageRequest { limit, after }));
        Page {
            items: page.items.into_iter().map(|member| member.user_id).collect(),
            next: page.next,
        }
    };
    assert_eq!(list(5, None).await, Page { items: all.clone(), next: None });
    let first = list(2, None).await;
    assert_eq!(first, Page { items: all[..2].to_vec(), next: Some(all[1]) });
    // The cursor's own member leaves, and somebody joins.
    commit!(db, |tx| given::leave(&mut tx, workspace, all[1]));
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let newest = join(db, workspace, Role::Viewer).await.id;
    let second = list(2, first.next).await;
    assert_eq!(second, Page { items: all[2..4].to_vec(), next: Some(all[3]) });
    assert_eq!(list(2, second.next).await, Page { items: vec![all[4], newest], next: None });
}

#[on_every_db]
async fn owners_who_cannot_act_or_will_go_are_not_counted(home: &TestDb) {
    let db = &home.db;
    let (workspace, [stays, suspended, blocked, leaving]) = owned_by::<4>(db).await;
    join(db, workspace, Role::Admin).await;
    owned_by::<1>(db).await;
    assert_eq!(owners(db, workspace).await, [stays, suspended, blocked, leaving]);
    commit!(db, |tx| given::suspend_member(&mut tx, workspace, suspended, Some(at(1))));
    assert_eq!(owners(db, workspace).await, [stays, blocked, leaving]);
    commit!(db, |tx| given::block(&mut tx, blocked, Some(at(1))));
    assert_eq!(owners(db, workspace).await, [stays, leaving]);
    commit!(db, |tx| given::change_user(&mut tx, leaving, |user| user.delete_at = Some(at(9))));
    assert_eq!(owners(db, workspace).await, [stays]);
    commit!(db, |tx| given::leave(&mut tx, workspace, stays));
    assert_eq!(owners(db, workspace).await, []);
}

#[on_every_db]
async fn of_two_owners_who_demote_each_other_one_stays(home: &TestDb) {
    let db = &home.db;
    let (workspace, [one, two]) = owned_by::<2>(db).await;
    let mut first = db.begin().await.unwrap();
    assert_eq!(first.workspace(workspace).members().lock_owners().await.unwrap(), [one, two]);
    let second = tokio::spawn({
        let db = db.clone();
        async move { step_down(&db, workspace, one).await }
    });
    given::set_role(&mut first, workspace, two, Role::Viewer).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!second.is_finished(), "the second waits for the first");
    first.commit().await.unwrap();
    assert!(!second.await.unwrap(), "the last owner stays");
    assert_eq!(owners(db, workspace).await, [one]);
}

#[on_every_db]
async fn of_two_owners_who_leave_for_good_one_stays(home: &TestDb) {
    let db = &home.db;
    let (workspace, [one, two]) = owned_by::<2>(db).await;
    let mut first = db.begin().await.unwrap();
    first.workspace(workspace).members().lock_owners().await.unwrap();
    given::change_user(&mut first, one, |user| user.delete_at = Some(at(9))).await.unwrap();
    let second = tokio::spawn({
        let db = db.clone();
        async move { commit!(db, |tx| tx.workspace(workspace).members().lock_owners()) }
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!second.is_finished(), "the second waits for the first");
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), [two]);
}

#[on_every_db]
async fn of_many_owners_who_step_down_at_once_one_stays(home: &TestDb) {
    let db = &home.db;
    let (workspace, all) = owned_by::<12>(db).await;
    let mut leaving = JoinSet::new();
    for owner in all {
        let db = db.clone();
        leaving.spawn(async move { step_down(&db, workspace, owner).await });
    }
    let stepped_down = leaving.join_all().await.into_iter().filter(|done| *done).count();
    assert_eq!((stepped_down, owners(db, workspace).await.len()), (11, 1));
}

#[on_every_db]
async fn of_two_who_add_the_same_member_one_is_told(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let user = User { id: id(), ..given::user() };
    commit!(db, |tx| given::sign_up(&mut tx, &user, "x"));
    let mut adding = JoinSet::new();
    for role in [Role::Admin, Role::Viewer] {
        let db = db.clone();
        let workspace = tenant.id;
        let user = user.id;
        adding.spawn(async move {
            let mut tx = db.begin().await.unwrap();
            let added = given::join(&mut tx, workspace, user, role, at(1)).await;
            match added {
                Ok(()) => {
                    tx.commit().await.unwrap();
                    true
                }
                Err(refused) => {
                    assert!(refused.is_duplicate(), "{refused}");
                    false
                }
            }
        });
    }
    let mut added = adding.join_all().await;
    added.sort_unstable();
    assert_eq!(added, [false, true]);
}
