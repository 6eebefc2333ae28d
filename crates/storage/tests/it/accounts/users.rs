use replyx_core::{
    assistant::Language,
    change::Deleted,
    fixtures,
    page::PageRequest,
    role::Role,
    rules::{
        second_factor::ResetSecondFactor,
        user::{NewPassword, SignedOut},
    },
    session::Rotation,
    user::User,
    workspace::{Membership, Workspace},
};
use replyx_storage::{Db, StorageError, on_every_db, testing::TestDb};

use super::{GRACE, LIFETIME, rotate, session, sign_in, user};
use crate::given::{self, at, id};

async fn find(db: &Db, user: &User) -> User {
    read!(db, |tx| tx.system().users().find(user.id)).unwrap()
}

#[on_every_db]
async fn all_that_is_said_of_a_user_is_kept(home: &TestDb) {
    let db = &home.db;
    assert!(!read!(db, |tx| tx.system().users().any()));
    let user = User {
        name: None,
        language: Language::Russian,
        is_admin: true,
        blocked_at: Some(at(3)),
        delete_at: Some(at(4)),
        ..given::user()
    };
    commit!(db, |tx| given::sign_up(&mut tx, &user, "$argon2id$"));
    assert_eq!(find(db, &user).await, user);
    assert!(read!(db, |tx| tx.system().users().any()));
    let found = read!(db, |tx| tx.system().users().find_by_email(&user.email)).unwrap();
    assert_eq!(found, (user, "$argon2id$".to_owned()));
}

#[on_every_db]
async fn each_change_of_a_user_changes_that_user_alone_and_tells(home: &TestDb) {
    let db = &home.db;
    let mut ours = user(db).await;
    let theirs = user(db).await;
    let who = ours.id;
    let told = vec![who.into_uuid()];

    for name in [Some("Ольга".to_owned()), None] {
        ours.name = name;
        ours.language = Language::Russian;
        let saved = ours.clone();
        let change = telling!(db, |tx| given::change_user(&mut tx, who, |user| *user = saved));
        assert_eq!((find(db, &ours).await, change.1), (ours.clone(), told.clone()));
    }

    for is_admin in [true, false] {
        ours.is_admin = is_admin;
        let change =
            telling!(db, |tx| given::change_user(&mut tx, who, |user| user.is_admin = is_admin));
        assert_eq!((find(db, &ours).await, change.1), (ours.clone(), told.clone()));
    }
    for when in [Some(at(50)), None] {
        ours.delete_at = when;
        let change =
            telling!(db, |tx| given::change_user(&mut tx, who, |user| user.delete_at = when));
        assert_eq!((find(db, &ours).await, change.1), (ours.clone(), told.clone()));
        ours.blocked_at = when;
        // Of the user, and of their sessions.
        let ((), mut told_of) = telling!(db, |tx| given::block(&mut tx, who, when));
        told_of.dedup();
        assert_eq!((find(db, &ours).await, told_of), (ours.clone(), told.clone()));
    }
    commit!(db, |tx| given::set_password(&mut tx, who, "$new$"));
    let hash = read!(db, |tx| tx.system().users().password_hash(who));
    assert_eq!(hash.as_deref(), Some("$new$"));

    assert_eq!(find(db, &theirs).await, theirs);
    let hash = read!(db, |tx| tx.system().users().password_hash(theirs.id));
    assert_eq!(hash.as_deref(), Some("$argon2id$"));
}

#[on_every_db]
async fn nobody_cannot_be_changed(home: &TestDb) {
    let who = given::stranger();
    macro_rules! refused {
        ($($state:expr),+ $(,)?) => {$({
            let mut tx = home.db.begin().await.unwrap();
            let refused = tx.apply(fixtures::unexplained($state)).await.unwrap_err();
            assert!(matches!(refused, StorageError::RowsAffected { actual: 0, .. }), "{refused}");
            assert!(tx.commit().await.unwrap().access.is_empty());
        })+};
    }
    let nobody = User { id: who, ..given::user() };
    refused!(
        NewPassword { user_id: who, hash: "x".to_owned(), kept: None, at: at(0) },
        nobody.clone(),
        SignedOut { user: nobody.clone(), at: at(0) },
        ResetSecondFactor { user_id: who, at: at(0) },
        Deleted(nobody.clone()),
    );
    assert_eq!(read!(home.db, |tx| tx.system().users().password_hash(who)), None);
    assert_eq!(read!(home.db, |tx| tx.system().users().memberships(who)), []);
}

#[on_every_db]
async fn a_locked_user_stays_as_they_are_found(home: &TestDb) {
    let db = &home.db;
    let user = user(&home.db).await;
    let who = user.id;
    let (found, ()) = race!(
        db,
        |tx| tx.system().users().lock(who),
        given::change_user(&mut tx, who, |user| user.is_admin = true)
    );
    assert_eq!(found, Some(user));
    let (found, locked) = race!(
        db,
        |tx| given::change_user(&mut tx, who, |user| user.is_admin = false),
        tx.system().users().lock(who)
    );
    assert_eq!((found, locked.unwrap().is_admin), ((), false), "what was done meanwhile is seen");
    assert_eq!(commit!(db, |tx| tx.system().users().lock(given::stranger())), None);
}

#[on_every_db]
async fn blocking_ends_the_sessions_and_unblocking_revives_none(home: &TestDb) {
    let db = &home.db;
    let blocked = user(&home.db).await;
    let other = user(db).await;
    let (theirs, _) = sign_in(db, other.id).await;
    let (ours, token) = sign_in(db, blocked.id).await;
    commit!(db, |tx| given::block(&mut tx, blocked.id, Some(at(1))));
    assert_eq!(read!(db, |tx| tx.system().sessions().access(ours.id, None, at(1))), None);
    // A sign-in that was under way.
    let (late, late_token) = sign_in(db, blocked.id).await;
    assert_eq!(read!(db, |tx| tx.system().sessions().access(late.id, None, at(1))), None);
    assert_eq!(rotate(db, &late_token, "late", at(2)).await, Rotation::Unknown);

    commit!(db, |tx| given::block(&mut tx, blocked.id, None));
    assert_eq!(read!(db, |tx| tx.system().sessions().access(ours.id, None, at(1))), None);
    assert_eq!(rotate(db, &token, "next", at(2)).await, Rotation::Unknown);
    assert!(read!(db, |tx| tx.system().sessions().access(theirs.id, None, at(1))).is_some());
}

#[on_every_db]
async fn accounts_are_due_for_deletion_in_their_order(home: &TestDb) {
    let db = &home.db;
    let users = [user(db).await, user(db).await, user(db).await, user(db).await];
    for (user, when) in users.iter().zip([Some(30), Some(20), Some(31), None]) {
        commit!(db, |tx| given::change_user(&mut tx, user.id, |user| user.delete_at =
            when.map(at)));
    }
    let due =
        |limit| async move { read!(db, |tx| tx.system().users().due_for_deletion(at(30), limit)) };
    assert_eq!(due(9).await, [users[1].id, users[0].id]);
    assert_eq!(due(1).await, [users[1].id]);
}

/// Gives a user one of everything that belongs to them.
async fn furnish(db: &Db, user: &User) {
    let workspace = given::workspace();
    commit!(db, |tx| given::found(&mut tx, &workspace));
    commit!(db, |tx| given::join(&mut tx, workspace.id, user.id, Role::Owner, at(0)));
    let (_, token) = sign_in(db, user.id).await;
    rotate(db, &token, &format!("{token}-next"), at(1)).await;
    sign_in(db, user.id).await;
    commit!(db, |tx| given::begin_factor(&mut tx, user.id, b"sealed"));
    let codes = ["a".to_owned(), "b".to_owned()];
    assert!(commit!(db, |tx| given::confirm_factor(&mut tx, user.id, 5, &codes, at(1))));
    let reset = format!("{token}-reset");
    commit!(db, |tx| given::link(&mut tx, &reset, user.id, at(9)));
}

#[on_every_db]
async fn nothing_of_a_deleted_user_stays(home: &TestDb) {
    let db = &home.db;
    let gone = user(&home.db).await;
    let stays = user(db).await;
    furnish(db, &gone).await;
    furnish(db, &stays).await;
    let ((), told) = telling!(db, |tx| given::delete_user(&mut tx, gone.id));
    assert_eq!(told, [gone.id.into_uuid()]);

    let left = given::rows(&home.url, None).await;
    for (table, left_of_each) in [
        ("users", 1),
        ("members", 1),
        ("sessions", 2),
        ("refresh_tokens", 3),
        ("recovery_codes", 2),
        ("password_resets", 1),
    ] {
        assert_eq!(left[table].len(), left_of_each, "{table}: {:?}", left[table]);
    }
    let hex = gone.id.into_uuid().simple().to_string();
    let text = format!("{left:?}").to_lowercase().replace('-', "");
    assert!(!text.contains(&hex) && text.contains(&stays.id.into_uuid().simple().to_string()));
}

#[on_every_db]
async fn a_user_who_renews_a_session_while_they_are_deleted_is_gone(home: &TestDb) {
    let db = &home.db;
    let gone = user(&home.db).await;
    let (_, token) = sign_in(db, gone.id).await;
    let who = gone.id;
    let (renewed, ()) = race!(
        db,
        |tx| tx.system().sessions().rotate(&token, "next", at(1), GRACE, LIFETIME),
        given::delete_user(&mut tx, who)
    );
    assert!(matches!(renewed, Rotation::Renewed(_)));
    let left = given::rows(&home.url, None).await;
    assert!(left.get("users").is_none_or(Vec::is_empty), "{left:?}");
    assert!(left.get("refresh_tokens").is_none_or(Vec::is_empty), "{left:?}");
    assert_eq!(rotate(db, "next", "more", at(2)).await, Rotation::Unknown);
}

#[on_every_db]
async fn who_signs_in_while_they_are_deleted_waits_and_fails(home: &TestDb) {
    let db = &home.db;
    let gone = user(&home.db).await;
    let mut first = db.begin().await.unwrap();
    given::delete_user(&mut first, gone.id).await.unwrap();
    let late = session(gone.id, at(0));
    let second = tokio::spawn({
        let db = db.clone();
        async move {
            let mut tx = db.begin().await.unwrap();
            given::open_session(&mut tx, &late, "late").await
        }
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!second.is_finished(), "the second waits for the first");
    first.commit().await.unwrap();
    assert!(matches!(second.await.unwrap(), Err(StorageError::Constraint { .. })));
}

/// The ids of all users that match, and how many pages they came in.
async fn listed(db: &Db, matching: Option<&str>, limit: u32) -> (Vec<User>, usize) {
    let mut all = Vec::new();
    let mut pages = 0;
    let mut after = None;
    loop {
        let request = PageRequest { limit, after };
        let page = read!(db, |tx| tx.system().users().list(matching, request));
        assert!(page.items.len() <= limit as usize);
        all.extend(page.items);
        pages += 1;
        after = page.next;
        if after.is_none() {
            return (all, pages);
        }
    }
}

#[on_every_db]
async fn users_are_paged_newest_first_while_others_come(home: &TestDb) {
    let db = &home.db;
    let mut users = Vec::new();
    for _ in 0..5 {
        users.push(user(db).await);
    }
    users.sort_by_key(|user| std::cmp::Reverse(user.id));
    assert_eq!(listed(db, None, 2).await, (users.clone(), 3));
    assert_eq!(listed(db, None, 5).await, (users.clone(), 1));

    let first =
        read!(db, |tx| tx.system().users().list(None, PageRequest { limit: 2, after: None }));
    // An id sorts after those of earlier milliseconds.
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    user(db).await;
    let second =
        read!(db, |tx| tx.system().users().list(None, PageRequest { limit: 9, after: first.next }));
    assert_eq!((second.items, second.next), (users[2..].to_vec(), None));
}

#[on_every_db]
async fn users_are_found_by_a_part_of_their_address_or_name(home: &TestDb) {
    let db = &home.db;
    for (email, name) in [
        ("anna@example.com", Some("Anna Petrova")),
        ("boris@100%.example", None),
        ("c_d@example.net", Some(r"back\slash")),
        ("cxd@example.org", Some("Пётр")),
        ("ирина@пример.рф", Some("ANNABEL")),
    ] {
        let user = User { email: email.to_owned(), name: name.map(str::to_owned), ..given::user() };
        commit!(db, |tx| given::sign_up(&mut tx, &user, "x"));
    }
    for (needle, expected) in [
        ("anna", &["anna@example.com", "ирина@пример.рф"][..]),
        ("ANNA", &["anna@example.com", "ирина@пример.рф"]),
        ("@EXAMPLE.", &["anna@example.com", "c_d@example.net", "cxd@example.org"]),
        ("%", &["boris@100%.example"]),
        ("_", &["c_d@example.net"]),
        ("c_d", &["c_d@example.net"]),
        (r"\", &["c_d@example.net"]),
        ("Пётр", &["cxd@example.org"]),
        ("ИРИНА", &["ирина@пример.рф"]),
        ("'; DROP TABLE users; --", &[]),
        ("nobody", &[]),
    ] {
        let (found, _) = listed(db, Some(needle), 2).await;
        let mut found: Vec<_> = found.iter().map(|user| user.email.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{needle}");
    }
    assert_eq!(listed(db, Some(""), 9).await.0.len(), 5);
}

#[on_every_db]
async fn memberships_are_listed_oldest_first_with_what_is_suspended(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await;
    let second = Workspace { suspended_at: Some(at(7)), ..given::workspace() };
    let first = Workspace { name: "Second home".to_owned(), ..given::workspace() };
    for (workspace, role, since) in [(&second, Role::Viewer, at(5)), (&first, Role::Owner, at(4))] {
        commit!(db, |tx| given::found(&mut tx, workspace));
        commit!(db, |tx| given::join(&mut tx, workspace.id, who.id, role, since));
    }
    commit!(db, |tx| given::suspend_member(&mut tx, second.id, who.id, Some(at(8))));
    assert_eq!(
        read!(db, |tx| tx.system().users().memberships(who.id)),
        [
            Membership { workspace: first, role: Role::Owner, suspended_at: None },
            Membership { workspace: second, role: Role::Viewer, suspended_at: Some(at(8)) },
        ]
    );
    assert_eq!(read!(db, |tx| tx.system().users().memberships(id())), []);
}
