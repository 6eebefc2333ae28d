use replyx_core::{
    fixtures,
    ids::WorkspaceId,
    permission::Permissions,
    role::Role,
    rules::user::SignedOut,
    session::{Access, Principal, Rotation, Session, WorkspaceAccess},
    user::User,
    workspace::Workspace,
};
use replyx_storage::{Db, on_every_db, testing::TestDb};

use super::{GRACE, LIFETIME, rotate, session, sign_in, user};
use crate::given::{self, at, id};

async fn access(db: &Db, session: &Session, workspace: Option<WorkspaceId>) -> Option<Access> {
    read!(db, |tx| tx.system().sessions().access(session.id, workspace, at(1)))
}

/// A workspace of which the user is a member since that second.
async fn joined(db: &Db, user: &User, role: Role, since: i64) -> Workspace {
    let workspace = given::workspace();
    commit!(db, |tx| given::found(&mut tx, &workspace));
    commit!(db, |tx| given::join(&mut tx, workspace.id, user.id, role, at(since)));
    workspace
}

fn place(workspace: &Workspace, role: Role) -> WorkspaceAccess {
    WorkspaceAccess {
        workspace: workspace.clone(),
        role: Some(role),
        permissions: Permissions::of_role(role),
        suspended: false,
    }
}

#[on_every_db]
async fn a_session_opens_the_asked_workspace_or_the_oldest_membership(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await;
    let (session, _) = sign_in(db, who.id).await;
    let principal = Principal::User { user: Box::new(who.clone()), session: session.id };
    let opened = |place| Some(Access { principal: principal.clone(), place });
    assert_eq!(access(db, &session, None).await, opened(None), "a member of nothing");

    let newer = joined(db, &who, Role::Viewer, 9).await;
    let older = joined(db, &who, Role::Admin, 5).await;
    let foreign = joined(db, &user(db).await, Role::Owner, 1).await;
    assert_eq!(access(db, &session, None).await, opened(Some(place(&older, Role::Admin))));
    assert_eq!(
        access(db, &session, Some(older.id)).await,
        opened(Some(place(&older, Role::Admin)))
    );
    assert_eq!(
        access(db, &session, Some(newer.id)).await,
        opened(Some(place(&newer, Role::Viewer)))
    );
    assert_eq!(access(db, &session, Some(foreign.id)).await, opened(None));
    assert_eq!(access(db, &session, Some(id())).await, opened(None));
}

#[on_every_db]
async fn what_is_suspended_is_passed_over_unless_asked_for(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await;
    let (session, _) = sign_in(db, who.id).await;
    let mut first = joined(db, &who, Role::Owner, 1).await;
    let second = joined(db, &who, Role::Admin, 2).await;
    let third = joined(db, &who, Role::Viewer, 3).await;
    let at_home = |found: Option<Access>| found.unwrap().place.unwrap();

    first.suspended_at = Some(at(8));
    commit!(db, |tx| given::suspend(&mut tx, first.id, first.suspended_at));
    commit!(db, |tx| given::suspend_member(&mut tx, second.id, who.id, Some(at(8))));
    assert_eq!(at_home(access(db, &session, None).await), place(&third, Role::Viewer));
    assert_eq!(at_home(access(db, &session, Some(first.id)).await), place(&first, Role::Owner));
    let suspended = WorkspaceAccess { suspended: true, ..place(&second, Role::Admin) };
    assert_eq!(at_home(access(db, &session, Some(second.id)).await), suspended);

    commit!(db, |tx| given::suspend_member(&mut tx, third.id, who.id, Some(at(8))));
    assert_eq!(at_home(access(db, &session, None).await), place(&first, Role::Owner));
}

#[on_every_db]
async fn a_session_that_has_ended_opens_nothing(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await;
    let (ours, token) = sign_in(db, who.id).await;
    let open = |now| async move {
        read!(db, |tx| tx.system().sessions().access(ours.id, None, now)).is_some()
    };
    let end = at(0) + LIFETIME;
    let just_before = end - chrono::TimeDelta::microseconds(1);
    assert!(open(at(0)).await && open(just_before).await);
    assert!(!open(end).await, "expired");
    assert_eq!(rotate(db, &token, "next", end).await, Rotation::Unknown);
    assert_eq!(access(db, &session(who.id, at(0)), None).await, None, "never stored");

    assert!(!commit!(db, |tx| given::end_session(&mut tx, who.id, ours.id, end)), "over already");
    assert!(commit!(db, |tx| given::end_session(&mut tx, who.id, ours.id, at(1))));
    assert!(!open(at(1)).await, "revoked");
    assert_eq!(rotate(db, &token, "next", at(1)).await, Rotation::Unknown);
}

#[on_every_db]
async fn sessions_are_listed_and_revoked_by_their_owner_alone(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await;
    let stranger = user(db).await;
    let mut sessions = Vec::new();
    for start in 0..4 {
        let session = session(who.id, at(start));
        commit!(db, |tx| given::open_session(&mut tx, &session, &format!("token {start}")));
        sessions.insert(0, session);
    }
    let (theirs, _) = sign_in(db, stranger.id).await;
    let list = |now| async move { read!(db, |tx| tx.system().sessions().list(who.id, now)) };
    assert_eq!(list(at(5)).await, sessions);
    assert_eq!(list(at(1) + LIFETIME).await, sessions[..2], "two have expired");

    let gone = sessions[1].id;
    let refused = telling!(db, |tx| given::end_session(&mut tx, stranger.id, gone, at(5)));
    assert_eq!(refused, (false, vec![]));
    let revoked = telling!(db, |tx| given::end_session(&mut tx, who.id, gone, at(5)));
    assert_eq!(revoked, (true, vec![gone.into_uuid()]));
    let again = telling!(db, |tx| given::end_session(&mut tx, who.id, gone, at(5)));
    assert_eq!(again, (false, vec![]));
    assert_eq!(list(at(5)).await.len(), 3);

    let kept = sessions[0].clone();
    let others =
        || async { read!(db, |tx| tx.system().sessions().count_others(who.id, kept.id, at(5))) };
    assert_eq!(others().await, 2);
    let all = telling!(db, |tx| given::end_others(&mut tx, who.id, kept.id, at(5)));
    assert_eq!(all, ((), vec![who.id.into_uuid()]));
    assert_eq!((list(at(5)).await, others().await), (vec![kept.clone()], 0));
    commit!(db, |tx| tx.apply(fixtures::unexplained(SignedOut { user: who.clone(), at: at(5) })));
    assert_eq!(list(at(5)).await, []);
    assert!(access(db, &theirs, None).await.is_some());
}

#[on_every_db]
async fn a_device_is_known_by_address_and_words_together(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await;
    let (ours, _) = sign_in(db, who.id).await;
    commit!(db, |tx| given::end_session(&mut tx, who.id, ours.id, at(1)));
    let other = user(db).await.id;
    for (user, address, agent, known) in [
        (who.id, "203.0.113.7", "Firefox", true),
        (who.id, "203.0.113.7", "Safari", false),
        (who.id, "203.0.113.8", "Firefox", false),
        (other, "203.0.113.7", "Firefox", false),
    ] {
        let found = read!(db, |tx| tx.system().sessions().knows_device(user, address, agent));
        assert_eq!(found, known, "{address} {agent}");
    }
}

#[on_every_db]
async fn a_refresh_token_is_exchanged_for_the_next_and_renews_its_session(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await;
    let (first, token) = sign_in(db, who.id).await;
    let renewed = |now| Session { last_used_at: now, expires_at: now + LIFETIME, ..first.clone() };
    assert_eq!(rotate(db, &token, "b", at(900)).await, Rotation::Renewed(renewed(at(900))));
    assert_eq!(rotate(db, "b", "c", at(1_800)).await, Rotation::Renewed(renewed(at(1_800))));
    assert_eq!(
        read!(db, |tx| tx.system().sessions().list(who.id, at(1_800))),
        [renewed(at(1_800))]
    );
    assert!(read!(db, |tx| tx.system().sessions().access(first.id, None, at(2_700))).is_some());
    assert_eq!(rotate(db, "never seen", "d", at(1_800)).await, Rotation::Unknown);
    assert_eq!(
        rotate(db, "d", "e", at(1_800)).await,
        Rotation::Unknown,
        "nothing was stored for it"
    );
}

#[on_every_db]
async fn a_token_comes_back_within_its_grace_and_not_later(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await;
    let (ours, token) = sign_in(db, who.id).await;
    let (other, other_token) = sign_in(db, who.id).await;
    let rotates = |old, new, now| async move {
        telling!(db, |tx| tx.system().sessions().rotate(old, new, now, GRACE, LIFETIME))
    };
    assert!(matches!(rotates(&token, "b", at(100)).await.0, Rotation::Renewed(_)));
    let just_within = at(110) - chrono::TimeDelta::microseconds(1);
    let (lost, told) = rotates(&token, "b", just_within).await;
    assert!(matches!(lost, Rotation::Renewed(_)) && told.is_empty());
    // There is one successor: another one would begin a second chain.
    let (fork, told) = rotates(&token, "c", just_within).await;
    assert!(fork == Rotation::Unknown && told.is_empty());
    // The first exchange counts: coming back does not prolong the grace.
    let (reused, told) = rotates(&token, "d", at(110)).await;
    let Rotation::Reused(session) = reused else { panic!("{reused:?}") };
    assert_eq!((session.id, session.user_id, told), (ours.id, who.id, vec![ours.id.into_uuid()]));

    assert_eq!(read!(db, |tx| tx.system().sessions().access(ours.id, None, at(110))), None);
    for dead in ["b", "c", "d", &token] {
        assert_eq!(rotate(db, dead, "e", at(111)).await, Rotation::Unknown, "{dead}");
    }
    assert!(
        matches!(rotate(db, &other_token, "f", at(111)).await, Rotation::Renewed(s) if s.id == other.id)
    );
}

#[on_every_db]
async fn of_two_who_show_a_token_at_once_the_second_sees_it_used(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await;
    let (session, token) = sign_in(db, who.id).await;
    let shown = token.clone();
    let (one, two) = race!(
        db,
        |tx| tx.system().sessions().rotate(&token, "one", at(1), GRACE, LIFETIME),
        tx.system().sessions().rotate(
            &shown,
            "two",
            at(2),
            std::time::Duration::from_secs(1),
            LIFETIME
        )
    );
    assert!(matches!(one, Rotation::Renewed(_)));
    assert!(matches!(two, Rotation::Reused(s) if s.id == session.id));
    assert_eq!(rotate(db, "one", "three", at(2)).await, Rotation::Unknown);
}

#[on_every_db]
async fn of_two_who_show_a_token_at_once_both_get_the_same_successor(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await;
    let (_, token) = sign_in(db, who.id).await;
    let shown = token.clone();
    let (one, two) = race!(
        db,
        |tx| tx.system().sessions().rotate(&token, "next", at(1), GRACE, LIFETIME),
        tx.system().sessions().rotate(&shown, "next", at(2), GRACE, LIFETIME)
    );
    assert!(matches!((one, two), (Rotation::Renewed(_), Rotation::Renewed(_))));

    // Who is handed the same token lives in the same chain, and shows later that there are two of
    // them.
    assert!(matches!(rotate(db, "next", "after", at(3)).await, Rotation::Renewed(_)));
    assert!(matches!(rotate(db, "next", "after", at(13)).await, Rotation::Reused(_)));
}

#[on_every_db]
async fn the_grace_runs_from_the_first_of_two_who_show_a_token_at_once(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await;
    let (_, token) = sign_in(db, who.id).await;
    let shown = token.clone();
    let (one, two) = race!(
        db,
        |tx| tx.system().sessions().rotate(&token, "next", at(1), GRACE, LIFETIME),
        tx.system().sessions().rotate(&shown, "next", at(2), GRACE, LIFETIME)
    );
    assert!(matches!((one, two), (Rotation::Renewed(_), Rotation::Renewed(_))));
    assert!(matches!(rotate(db, &token, "next", at(11)).await, Rotation::Reused(_)));
}

#[on_every_db]
async fn a_session_that_is_revoked_at_the_same_time_is_not_renewed(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await;
    let (session, token) = sign_in(db, who.id).await;
    let (revoked, rotation) = race!(
        db,
        |tx| given::end_session(&mut tx, who.id, session.id, at(1)),
        tx.system().sessions().rotate(&token, "next", at(2), GRACE, LIFETIME)
    );
    assert_eq!((revoked, rotation), (true, Rotation::Unknown));
}

#[on_every_db]
async fn sessions_are_forgotten_with_their_tokens_when_they_have_ended_long_ago(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await;
    let (expired, _) = sign_in(db, who.id).await;
    let (revoked, token) = sign_in(db, who.id).await;
    rotate(db, &token, "revoked", at(4)).await;
    commit!(db, |tx| given::end_session(&mut tx, who.id, revoked.id, at(5)));
    let live = session(who.id, at(5_000));
    commit!(db, |tx| given::open_session(&mut tx, &live, "live"));

    assert_eq!(commit!(db, |tx| tx.system().sessions().forget(at(5))), 0);
    assert_eq!(commit!(db, |tx| tx.system().sessions().forget(at(6))), 1, "the revoked one");
    assert_eq!(commit!(db, |tx| tx.system().sessions().forget(expired.expires_at)), 0);
    assert_eq!(commit!(db, |tx| tx.system().sessions().forget(at(5_000))), 1, "the expired one");
    assert_eq!(commit!(db, |tx| tx.system().sessions().forget(at(5_000))), 0);
    let left = given::rows(&home.url, None).await;
    assert_eq!((left["sessions"].len(), left["refresh_tokens"].len()), (1, 1));
    assert!(
        matches!(rotate(db, "live", "next", at(5_001)).await, Rotation::Renewed(s) if s.id == live.id)
    );
}
