use replyx_core::{
    ids::UserId,
    user::{SecondFactor, User},
};
use replyx_storage::{Db, on_every_db, testing::TestDb};

use super::user;
use crate::given::{self, at};

fn codes<const N: usize>(codes: [&str; N]) -> Vec<String> {
    codes.map(str::to_owned).to_vec()
}

/// Stores a user whose second factor was confirmed with step 100 and has the codes `a` and `b`.
async fn guarded(db: &Db) -> User {
    let user = user(db).await;
    assert!(commit!(db, |tx| given::begin_factor(&mut tx, user.id, b"sealed")));
    let codes = codes(["a", "b"]);
    assert!(commit!(db, |tx| given::confirm_factor(&mut tx, user.id, 100, &codes, at(9))));
    User { second_factor: true, ..user }
}

async fn find(db: &Db, user: UserId) -> Option<SecondFactor> {
    read!(db, |tx| tx.system().second_factors().find(user))
}

async fn left(db: &Db, user: UserId) -> i64 {
    read!(db, |tx| tx.system().second_factors().recovery_codes_left(user))
}

#[on_every_db]
async fn a_second_factor_is_asked_for_once_it_is_confirmed(home: &TestDb) {
    let db = &home.db;
    let user = user(&home.db).await;
    let who = user.id;
    let told = vec![user.id.into_uuid()];
    let asked = || async { read!(db, |tx| tx.system().users().find(who)).unwrap().second_factor };
    let none = codes([]);
    assert_eq!(find(db, who).await, None);
    assert!(!commit!(db, |tx| given::confirm_factor(&mut tx, who, 1, &none, at(1))), "none yet");
    assert!(!commit!(db, |tx| given::remove_factor(&mut tx, who)));
    assert!(!commit!(db, |tx| given::begin_factor(&mut tx, given::stranger(), b"x")));

    assert!(commit!(db, |tx| given::begin_factor(&mut tx, who, b"first")));
    assert!(commit!(db, |tx| given::begin_factor(&mut tx, who, b"second")));
    let begun =
        SecondFactor { user_id: who, secret_sealed: b"second".to_vec(), confirmed_at: None };
    assert_eq!(find(db, who).await, Some(begun.clone()));
    assert!(!asked().await);
    assert!(!commit!(db, |tx| tx.system().second_factors().spend_step(who, 7)), "not confirmed");

    let two = codes(["a", "b"]);
    let confirmed = telling!(db, |tx| given::confirm_factor(&mut tx, who, 7, &two, at(9)));
    assert_eq!(confirmed, (true, told.clone()));
    assert_eq!(
        find(db, who).await,
        Some(SecondFactor { confirmed_at: Some(at(9)), ..begun.clone() })
    );
    assert!(asked().await);
    assert_eq!(left(db, who).await, 2);
    let again = telling!(db, |tx| given::confirm_factor(&mut tx, who, 8, &none, at(10)));
    assert_eq!(again, (false, vec![]));
    assert!(!commit!(db, |tx| given::begin_factor(&mut tx, who, b"third")), "confirmed");
    assert_eq!(left(db, who).await, 2);

    let removed = telling!(db, |tx| given::remove_factor(&mut tx, who));
    assert_eq!(removed, (true, told));
    assert_eq!((find(db, who).await, asked().await, left(db, who).await), (None, false, 0));
    assert!(!commit!(db, |tx| tx.system().second_factors().spend_step(who, 9)));
    assert!(commit!(db, |tx| given::begin_factor(&mut tx, who, b"anew")));
}

#[on_every_db]
async fn a_code_opens_once_and_never_an_earlier_one_after_it(home: &TestDb) {
    let db = &home.db;
    let ours = guarded(&home.db).await;
    let theirs = guarded(db).await;
    for (step, opens) in
        [(100, false), (99, false), (101, true), (101, false), (103, true), (102, false)]
    {
        let opened = commit!(db, |tx| tx.system().second_factors().spend_step(ours.id, step));
        assert_eq!(opened, opens, "{step}");
    }
    assert!(commit!(db, |tx| tx.system().second_factors().spend_step(theirs.id, 101)));
}

#[on_every_db]
async fn of_two_who_show_a_code_at_once_one_is_let_in(home: &TestDb) {
    let db = &home.db;
    let who = guarded(&home.db).await.id;
    let opened = race!(
        db,
        |tx| tx.system().second_factors().spend_step(who, 101),
        tx.system().second_factors().spend_step(who, 101)
    );
    assert_eq!(opened, (true, false));
}

#[on_every_db]
async fn a_recovery_code_opens_its_owners_account_once(home: &TestDb) {
    let db = &home.db;
    let ours = guarded(&home.db).await;
    let other = user(db).await;
    for (user, code, opens) in
        [(other.id, "a", false), (ours.id, "c", false), (ours.id, "a", true), (ours.id, "a", false)]
    {
        let opened =
            commit!(db, |tx| tx.system().second_factors().spend_recovery_code(user, code, at(20)));
        assert_eq!(opened, opens, "{code}");
    }
    assert_eq!((left(db, ours.id).await, left(db, other.id).await), (1, 0));
}

#[on_every_db]
async fn of_two_who_show_a_recovery_code_at_once_one_is_let_in(home: &TestDb) {
    let db = &home.db;
    let who = guarded(&home.db).await.id;
    let opened = race!(
        db,
        |tx| tx.system().second_factors().spend_recovery_code(who, "a", at(20)),
        tx.system().second_factors().spend_recovery_code(who, "a", at(20))
    );
    assert_eq!(opened, (true, false));
    assert_eq!(left(db, who).await, 1);
}

#[on_every_db]
async fn new_recovery_codes_take_the_place_of_all_old_ones(home: &TestDb) {
    let db = &home.db;
    let who = guarded(&home.db).await.id;
    let theirs = guarded(db).await.id;
    commit!(db, |tx| tx.system().second_factors().spend_recovery_code(who, "a", at(20)));
    let new = codes(["a", "c", "d"]);
    commit!(db, |tx| given::replace_codes(&mut tx, who, &new));
    assert_eq!((left(db, who).await, left(db, theirs).await), (3, 2));
    for (code, opens) in [("b", false), ("a", true), ("d", true)] {
        let opened =
            commit!(db, |tx| tx.system().second_factors().spend_recovery_code(who, code, at(21)));
        assert_eq!(opened, opens, "{code}");
    }
}

#[on_every_db]
async fn of_two_sets_of_recovery_codes_made_at_once_one_stays(home: &TestDb) {
    let db = &home.db;
    let who = guarded(&home.db).await.id;
    let one = codes(["c", "d"]);
    let two = codes(["e"]);
    race!(
        db,
        |tx| given::replace_codes(&mut tx, who, &one),
        given::replace_codes(&mut tx, who, &two)
    );
    assert_eq!(left(db, who).await, 1);
    assert!(commit!(db, |tx| tx.system().second_factors().spend_recovery_code(who, "e", at(20))));
}

#[on_every_db]
async fn of_two_who_confirm_at_once_one_does(home: &TestDb) {
    let db = &home.db;
    let who = user(&home.db).await.id;
    commit!(db, |tx| given::begin_factor(&mut tx, who, b"sealed"));
    let one = codes(["a", "b"]);
    let two = codes(["c"]);
    let confirmed = race!(
        db,
        |tx| given::confirm_factor(&mut tx, who, 1, &one, at(1)),
        given::confirm_factor(&mut tx, who, 1, &two, at(1))
    );
    assert_eq!((confirmed, left(db, who).await), ((true, false), 2));
}
