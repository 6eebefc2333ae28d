use std::time::Duration;

use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::Language,
    session::{Attempt, Patience},
    user::Registration,
};
use replyx_storage::{Db, on_every_db, testing::TestDb};

use super::user;
use crate::given::{self, at, id};

fn registration(email: &str) -> Registration {
    Registration {
        email: email.to_owned(),
        user_id: id(),
        workspace_id: id(),
        name: Some("Анна".to_owned()),
        language: Language::Russian,
        password_hash: "$argon2id$".to_owned(),
        code_hash: "code".to_owned(),
        tries_left: 5,
        expires_at: at(900),
        created_at: at(0),
    }
}

async fn find(db: &Db, email: &str) -> Option<Registration> {
    read!(db, |tx| tx.system().registrations().find(email))
}

#[on_every_db]
async fn a_newer_registration_takes_the_place_of_an_older_one(home: &TestDb) {
    let db = &home.db;
    let first = registration("a@example.com");
    let other = registration("b@example.com");
    commit!(db, |tx| given::request(&mut tx, &first));
    commit!(db, |tx| given::request(&mut tx, &other));
    assert_eq!(find(db, "a@example.com").await, Some(first));
    let second = Registration {
        name: None,
        language: Language::English,
        password_hash: "$other$".to_owned(),
        code_hash: "other".to_owned(),
        tries_left: 4,
        expires_at: at(901),
        created_at: at(1),
        ..registration("a@example.com")
    };
    commit!(db, |tx| given::request(&mut tx, &second));
    assert_eq!(find(db, "a@example.com").await, Some(second));
    assert_eq!(find(db, "b@example.com").await, Some(other));

    assert!(commit!(db, |tx| tx.system().registrations().delete("a@example.com")));
    assert!(!commit!(db, |tx| tx.system().registrations().delete("a@example.com")));
    assert_eq!(find(db, "a@example.com").await, None);
}

#[on_every_db]
async fn a_code_ends_with_its_tries_or_its_time_and_can_be_renewed(home: &TestDb) {
    let db = &home.db;
    let given = registration("a@example.com");
    commit!(db, |tx| given::request(&mut tx, &given));
    let spend = |now| async move {
        let spent = commit!(db, |tx| tx.system().registrations().spend_try("a@example.com", now));
        spent.map(|registration| registration.tries_left)
    };
    assert_eq!(spend(at(900)).await, None, "expired");
    for left in (0..5).rev() {
        assert_eq!(spend(at(899)).await, Some(left));
    }
    assert_eq!(spend(at(1)).await, None, "no try is left");
    assert_eq!(
        find(db, "a@example.com").await,
        Some(Registration { tries_left: 0, ..given.clone() })
    );

    assert!(commit!(db, |tx| tx.system().registrations().renew(
        "a@example.com",
        "new",
        2,
        at(2_000)
    )));
    let spent = commit!(db, |tx| tx.system().registrations().spend_try("a@example.com", at(1_999)));
    let renewed =
        Registration { code_hash: "new".to_owned(), tries_left: 1, expires_at: at(2_000), ..given };
    assert_eq!(spent, Some(renewed));
    assert!(!commit!(db, |tx| tx.system().registrations().renew(
        "b@example.com",
        "new",
        5,
        at(2_000)
    )));
    assert_eq!(
        commit!(db, |tx| tx.system().registrations().spend_try("b@example.com", at(1))),
        None
    );
}

#[on_every_db]
async fn the_last_try_is_spent_by_one_of_two(home: &TestDb) {
    let db = &home.db;
    let given = Registration { tries_left: 1, ..registration("a@example.com") };
    commit!(db, |tx| given::request(&mut tx, &given));
    let (one, two) = race!(
        db,
        |tx| tx.system().registrations().spend_try("a@example.com", at(1)),
        tx.system().registrations().spend_try("a@example.com", at(1))
    );
    assert_eq!((one.is_some(), two), (true, None));
}

#[on_every_db]
async fn of_twenty_who_guess_at_once_five_are_let_through(home: &TestDb) {
    let db = &home.db;
    let given = registration("a@example.com");
    commit!(db, |tx| given::request(&mut tx, &given));
    let guesses: Vec<_> = (0..20)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                commit!(db, |tx| tx.system().registrations().spend_try("a@example.com", at(1)))
            })
        })
        .collect();
    let mut left = Vec::new();
    for guess in guesses {
        left.extend(guess.await.unwrap().map(|registration| registration.tries_left));
    }
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3, 4]);
}

#[on_every_db]
async fn registrations_are_forgotten_once_their_codes_have_ended(home: &TestDb) {
    let db = &home.db;
    let old = registration("a@example.com");
    let young = Registration { expires_at: at(901), ..registration("b@example.com") };
    commit!(db, |tx| given::request(&mut tx, &old));
    commit!(db, |tx| given::request(&mut tx, &young));
    assert_eq!(commit!(db, |tx| tx.system().registrations().forget(at(900))), 0);
    assert_eq!(commit!(db, |tx| tx.system().registrations().forget(at(901))), 1);
    assert_eq!(find(db, "a@example.com").await, None);
    assert_eq!(find(db, "b@example.com").await, Some(young));
}

async fn take(db: &Db, token: &str, now: DateTime<Utc>) -> Option<replyx_core::ids::UserId> {
    commit!(db, |tx| tx.system().password_resets().take(token, now))
}

#[on_every_db]
async fn a_reset_link_opens_once_until_it_ends_or_a_newer_one_is_made(home: &TestDb) {
    let db = &home.db;
    let ours = user(&home.db).await.id;
    let theirs = user(db).await.id;
    for (token, user, end) in [("old", ours, 99), ("new", ours, 50), ("other", theirs, 50)] {
        commit!(db, |tx| given::link(&mut tx, token, user, at(end)));
    }
    assert_eq!(take(db, "old", at(1)).await, None, "a newer one was made");
    assert_eq!(take(db, "new", at(50)).await, None, "it has ended");
    assert_eq!(take(db, "new", at(49)).await, Some(ours));
    assert_eq!(take(db, "new", at(49)).await, None, "it was used");
    assert_eq!(take(db, "no such", at(1)).await, None);

    assert_eq!(commit!(db, |tx| tx.system().password_resets().forget(at(50))), 0);
    assert_eq!(commit!(db, |tx| tx.system().password_resets().forget(at(51))), 1);
    assert_eq!(take(db, "other", at(1)).await, None);
}

#[on_every_db]
async fn of_two_who_open_a_reset_link_at_once_one_does(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await.id;
    commit!(db, |tx| given::link(&mut tx, "token", who, at(50)));
    let opened = race!(
        db,
        |tx| tx.system().password_resets().take("token", at(1)),
        tx.system().password_resets().take("token", at(1))
    );
    assert_eq!(opened, (Some(who), None));
}

#[on_every_db]
async fn of_two_reset_links_asked_for_at_once_the_later_one_is_good(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await.id;
    race!(
        db,
        |tx| given::link(&mut tx, "one", who, at(50)),
        given::link(&mut tx, "two", who, at(50))
    );
    assert_eq!(take(db, "one", at(1)).await, None);
    assert_eq!(take(db, "two", at(1)).await, Some(who));
}

/// Two free failures, then 10 s, 20 s, and from the fourth on a lock of a minute.
const PATIENCE: Patience = Patience {
    free: 2,
    first: Duration::from_secs(10),
    lock_after: 4,
    lock: Duration::from_mins(1),
};

async fn begin(db: &Db, now: DateTime<Utc>) -> Attempt {
    commit!(db, |tx| tx.system().login_attempts().begin("account", PATIENCE, now))
}

#[on_every_db]
async fn failed_attempts_slow_down_lock_and_are_forgotten(home: &TestDb) {
    let db = &home.db;
    let go = Attempt::Allowed;
    let wait = |until| Attempt::Wait(at(until));
    for (now, answer) in [
        (0, go),
        (0, go),
        (0, wait(10)),
        (9, wait(10)),
        (9, wait(10)),
        (10, go),
        (29, wait(30)),
        (30, go),
        (31, wait(90)),
        (89, wait(90)),
        (90, go),
        (90, go),
        (91, wait(100)),
    ] {
        assert_eq!(begin(db, at(now)).await, answer, "{now}");
    }
    let other = commit!(db, |tx| tx.system().login_attempts().begin("other", PATIENCE, at(91)));
    assert_eq!(other, go);
    commit!(db, |tx| tx.system().login_attempts().clear("account"));
    for (now, answer) in [(91, go), (91, go), (91, wait(101))] {
        assert_eq!(begin(db, at(now)).await, answer, "after a success, {now}");
    }
}

#[on_every_db]
async fn without_a_free_failure_the_first_attempt_is_still_free(home: &TestDb) {
    let strict = Patience { free: 0, ..PATIENCE };
    let begin = |now| async move {
        commit!(home.db, |tx| tx.system().login_attempts().begin("account", strict, at(now)))
    };
    assert_eq!(begin(0).await, Attempt::Allowed);
    assert_eq!(begin(1).await, Attempt::Wait(at(20)));
}

#[on_every_db]
async fn a_free_attempt_does_not_wait_for_a_clock_that_is_ahead(home: &TestDb) {
    assert_eq!(begin(&home.db, at(5)).await, Attempt::Allowed);
    assert_eq!(begin(&home.db, at(4)).await, Attempt::Allowed);
}

#[on_every_db]
async fn an_attempt_waits_for_the_one_before_it_to_be_counted(home: &TestDb) {
    let db = &home.db;
    let strict = Patience { free: 1, ..PATIENCE };
    let both = race!(
        db,
        |tx| tx.system().login_attempts().begin("account", strict, at(0)),
        tx.system().login_attempts().begin("account", strict, at(0))
    );
    assert_eq!(both, (Attempt::Allowed, Attempt::Wait(at(10))));
    let both = race!(
        db,
        |tx| tx.system().login_attempts().begin("account", strict, at(10)),
        tx.system().login_attempts().begin("account", strict, at(10))
    );
    assert_eq!(both, (Attempt::Allowed, Attempt::Wait(at(30))));
}

#[on_every_db]
async fn of_ten_attempts_at_once_the_free_ones_may_be_made(home: &TestDb) {
    let db = &home.db;
    let attempts: Vec<_> = (0..10)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { begin(&db, at(0)).await })
        })
        .collect();
    let mut allowed = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            Attempt::Allowed => allowed += 1,
            Attempt::Wait(until) => assert_eq!(until, at(10)),
        }
    }
    assert_eq!(allowed, 2);
}

#[on_every_db]
async fn counts_are_forgotten_after_their_latest_attempt(home: &TestDb) {
    let db = &home.db;
    begin(db, at(0)).await;
    begin(db, at(5)).await;
    commit!(db, |tx| tx.system().login_attempts().begin("other", PATIENCE, at(4)));
    assert_eq!(commit!(db, |tx| tx.system().login_attempts().forget(at(4))), 0);
    assert_eq!(commit!(db, |tx| tx.system().login_attempts().forget(at(5))), 1);
    assert_eq!(begin(db, at(6)).await, Attempt::Wait(at(15)));
    assert_eq!(given::rows(&home.url, None).await["login_attempts"].len(), 1);
}
