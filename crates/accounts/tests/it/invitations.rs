//! Invitations.

use replyx_accounts::{
    Error,
    invitations::{self, Invitee},
    members::{self, MemberUpdate},
};
use replyx_core::{fixtures, page::PageRequest, role::Role, workspace::Member};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given;

fn invitee(role: Role) -> Invitee {
    Invitee { email: "bob@example.org".to_owned(), role, language: None }
}

#[on_every_db]
async fn nobody_invites_above_their_own_role_or_whoever_is_a_member(home: &TestDb) {
    let cx = given::cx(home);
    let owner = given::owner(&cx, "ann@example.org").await;
    let invitation = invitations::create(&cx, &owner, &invitee(Role::Admin)).await.unwrap();
    assert_eq!((invitation.role, &*invitation.email), (Role::Admin, "bob@example.org"));

    let myself = Invitee { email: "Ann@example.org".to_owned(), ..invitee(Role::Viewer) };
    let refused = invitations::create(&cx, &owner, &myself).await;
    assert!(matches!(refused, Err(Error::InviteeIsMember)), "{refused:?}");

    // What was known when somebody called may be a moment old.
    let mut tx = cx.db.begin().await.unwrap();
    let id = owner.user_id().unwrap();
    let member = tx.workspace(owner.workspace_id).members().find(id).await.unwrap().unwrap();
    let viewer = Member { role: Role::Viewer, ..member };
    tx.apply(fixtures::unexplained(viewer)).await.unwrap();
    tx.commit().await.unwrap();
    let refused = invitations::create(&cx, &owner, &invitee(Role::Viewer)).await;
    assert!(matches!(refused, Err(Error::Forbidden)), "{refused:?}");
}

#[on_every_db]
async fn a_token_that_nobody_was_sent_opens_nothing(home: &TestDb) {
    let cx = given::cx(home);
    let account = given::account(&cx, "ann@example.org").await;
    let refused = invitations::accept(&cx, &account, &"0".repeat(64)).await;
    assert!(matches!(refused, Err(Error::NoInvitation)), "{refused:?}");
}

#[on_every_db]
async fn the_last_owner_neither_leaves_nor_is_suspended(home: &TestDb) {
    let cx = given::cx(home);
    let owner = given::owner(&cx, "ann@example.org").await;
    let id = owner.user_id().unwrap();
    let left = members::remove(&cx, &owner, id).await;
    assert!(matches!(left, Err(Error::LastOwner)), "{left:?}");
    for change in [
        MemberUpdate { role: Some(Role::Admin), suspended: None },
        MemberUpdate { role: None, suspended: Some(true) },
    ] {
        let changed = members::update(&cx, &owner, id, change).await;
        assert!(matches!(changed, Err(Error::LastOwner)), "{changed:?}");
    }
    let members = members::list(&cx, &owner, PageRequest::new(None, None)).await.unwrap().items;
    assert_eq!(members.len(), 1);
    assert!(members[0].suspended_at.is_none() && members[0].role == Role::Owner);
}
