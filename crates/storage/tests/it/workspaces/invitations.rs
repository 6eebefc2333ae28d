use replyx_core::{
    ids::{InvitationId, WorkspaceId},
    page::{Page, PageRequest},
    role::Role,
    workspace::Invitation,
};
use replyx_storage::{Db, on_every_db, testing::TestDb};
use tokio::task::JoinSet;

use crate::given::{self, at, id};

async fn put(db: &Db, invitation: &Invitation, token: &str) {
    commit!(db, |tx| given::invite(&mut tx, invitation, token));
}

async fn find(db: &Db, token: &str) -> Option<Invitation> {
    read!(db, |tx| tx.system().invitations().find(token))
}

async fn take(db: &Db, token: &str) -> Option<Invitation> {
    commit!(db, |tx| given::take(&mut tx, token))
}

async fn list(
    db: &Db,
    workspace: WorkspaceId,
    limit: u32,
    after: Option<InvitationId>,
) -> Page<Invitation, InvitationId> {
    read!(db, |tx| tx.workspace(workspace).invitations().list(PageRequest { limit, after }))
}

async fn workspace(db: &Db) -> WorkspaceId {
    let workspace = given::workspace();
    commit!(db, |tx| given::found(&mut tx, &workspace));
    workspace.id
}

#[on_every_db]
async fn an_invitation_is_looked_at_often_and_taken_once(home: &TestDb) {
    let db = &home.db;
    let workspace = workspace(&home.db).await;
    let ours = given::invitation(workspace);
    let other = given::invitation(workspace);
    put(db, &ours, "ours").await;
    put(db, &other, "other").await;
    for _ in 0..3 {
        assert_eq!(find(db, "ours").await.as_ref(), Some(&ours));
    }
    for token in ["", "Ours", "our_", "%"] {
        assert_eq!((find(db, token).await, take(db, token).await), (None, None), "{token}");
    }
    assert_eq!(take(db, "ours").await, Some(ours));
    assert_eq!((find(db, "ours").await, take(db, "ours").await), (None, None));
    assert_eq!(list(db, workspace, 9, None).await.items, [other]);
}

#[on_every_db]
async fn a_newer_invitation_takes_the_place_of_an_earlier_one_here_alone(home: &TestDb) {
    let db = &home.db;
    let ours = workspace(db).await;
    let theirs = workspace(db).await;
    let first = given::invitation(ours);
    let elsewhere = Invitation { email: first.email.clone(), ..given::invitation(theirs) };
    let second = Invitation {
        id: id(),
        role: Role::Admin,
        invited_by: id(),
        expires_at: at(2_000),
        created_at: at(7),
        ..first.clone()
    };
    put(db, &first, "first").await;
    put(db, &elsewhere, "elsewhere").await;
    put(db, &second, "second").await;
    assert_eq!(list(db, ours, 9, None).await.items, std::slice::from_ref(&second));
    assert_eq!((find(db, "first").await, find(db, "second").await), (None, Some(second)));
    assert_eq!(find(db, "elsewhere").await, Some(elsewhere));
    let mut tx = db.begin().await.unwrap();
    let twin = given::invite(&mut tx, &given::invitation(theirs), "second").await;
    assert!(twin.unwrap_err().is_duplicate(), "a token opens one door");
}

#[on_every_db]
async fn of_many_who_take_an_invitation_at_once_one_gets_it(home: &TestDb) {
    let db = &home.db;
    let workspace = workspace(&home.db).await;
    let invitation = given::invitation(workspace);
    put(db, &invitation, "token").await;
    let mut takers = JoinSet::new();
    for _ in 0..20 {
        let db = db.clone();
        takers.spawn(async move { take(&db, "token").await });
    }
    let taken: Vec<_> = takers.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken, [invitation]);
}

#[on_every_db]
async fn who_takes_an_invitation_that_is_being_taken_waits_and_gets_nothing(home: &TestDb) {
    let db = &home.db;
    let workspace = workspace(&home.db).await;
    let invitation = given::invitation(workspace);
    put(db, &invitation, "token").await;
    let taken = race!(db, |tx| given::take(&mut tx, "token"), given::take(&mut tx, "token"));
    assert_eq!(taken, (Some(invitation.clone()), None));

    // Given back by a transaction that failed, it can be taken.
    put(db, &invitation, "token").await;
    let mut failing = db.begin().await.unwrap();
    given::take(&mut failing, "token").await.unwrap();
    drop(failing);
    assert_eq!(take(db, "token").await, Some(invitation));
}

#[on_every_db]
async fn the_old_token_of_an_invitation_that_is_being_sent_again_takes_nothing(home: &TestDb) {
    let db = &home.db;
    let workspace = workspace(&home.db).await;
    let first = given::invitation(workspace);
    let again = Invitation { id: id(), ..first.clone() };
    put(db, &first, "old").await;
    let ((), taken) =
        race!(db, |tx| given::invite(&mut tx, &again, "new"), given::take(&mut tx, "old"));
    assert_eq!(taken, None);
    assert_eq!(find(db, "new").await, Some(again));
}

#[on_every_db]
async fn invitations_are_paged_newest_first_while_others_come(home: &TestDb) {
    let db = &home.db;
    let ours = workspace(db).await;
    let theirs = workspace(db).await;
    put(db, &given::invitation(theirs), "theirs").await;
    let mut all = Vec::new();
    for number in 0..5 {
        // Those that have ended are shown too.
        let invitation = Invitation { expires_at: at(-5), ..given::invitation(ours) };
        put(db, &invitation, &format!("token {number}")).await;
        all.push(invitation);
    }
    all.sort_by_key(|invitation| std::cmp::Reverse(invitation.id));
    assert_eq!(list(db, ours, 5, None).await, Page { items: all.clone(), next: None });
    let first = list(db, ours, 2, None).await;
    assert_eq!(first, Page { items: all[..2].to_vec(), next: Some(all[1].id) });
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    put(db, &given::invitation(ours), "newer").await;
    assert_eq!(list(db, ours, 9, first.next).await, Page { items: all[2..].to_vec(), next: None });
}

#[on_every_db]
async fn an_invitation_that_is_taken_back_or_long_over_is_gone(home: &TestDb) {
    let db = &home.db;
    let workspace = workspace(&home.db).await;
    let withdrawn = given::invitation(workspace);
    let long_over = Invitation { expires_at: at(9), ..given::invitation(workspace) };
    let just_over = Invitation { expires_at: at(10), ..given::invitation(workspace) };
    for (invitation, token) in [(&withdrawn, "a"), (&long_over, "b"), (&just_over, "c")] {
        put(db, invitation, token).await;
    }
    assert!(commit!(db, |tx| given::revoke(&mut tx, workspace, withdrawn.id)));
    assert!(!commit!(db, |tx| given::revoke(&mut tx, workspace, withdrawn.id)));
    assert_eq!(take(db, "a").await, None);
    assert_eq!(commit!(db, |tx| tx.system().invitations().forget(at(10))), 1);
    assert_eq!(list(db, workspace, 9, None).await.items, [just_over]);
}
