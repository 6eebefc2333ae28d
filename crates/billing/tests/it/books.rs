use replyx_billing::{
    Error,
    books::{self, Captured, Need, Withdrawal},
    spend::{Insufficient, TrialPays},
    verify,
};
use replyx_core::{
    ids::WorkspaceId,
    ledger::{Account, Bucket, CreditSource, EntryKind, Funds, Hold, Subject},
};
use replyx_storage::{
    Db, PoolSize, on_every_db,
    testing::{TestDb, lock_waiters},
};
use tokio::task::JoinSet;

use crate::given::{at, balance, capture, credit, hold, id, micros, need, pay};

async fn assert_sound(db: &Db) {
    let report = verify::verify(db).await.unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
}

async fn release(db: &Db, hold: &Hold) -> bool {
    let mut tx = db.begin().await.unwrap();
    let of = (hold.workspace_id, hold.id);
    let released = books::release(&mut tx, of, &Subject::default(), at(2)).await.unwrap();
    tx.commit().await.unwrap();
    released
}

async fn give_back(db: &Db, hold: &Hold) -> bool {
    let mut tx = db.begin().await.unwrap();
    let of = (hold.workspace_id, hold.id);
    let given_back = books::give_back(&mut tx, of, &Subject::default(), at(3)).await.unwrap();
    tx.commit().await.unwrap();
    given_back
}

#[on_every_db]
async fn an_answer_is_charged_once_however_often_it_is_settled(home: &TestDb) {
    let db = &home.db;
    let workspace = id();
    pay(db, workspace, CreditSource::Welcome, 30).await;
    pay(db, workspace, CreditSource::Transfer, 100).await;
    let held = hold(db, &need(workspace, 50)).await.unwrap();
    assert_eq!((held.reserved.bonus, held.reserved.paid), (micros(30), micros(20)));
    assert_eq!(capture(db, &held, 40).await.unwrap(), Captured::Now);
    let after = balance(db, workspace).await;
    assert_eq!(after.funds, Funds { paid: micros(90), ..Funds::default() });

    assert_eq!(capture(db, &held, 40).await.unwrap(), Captured::Before);
    assert!(!release(db, &held).await);
    assert_eq!(balance(db, workspace).await, after);

    assert!(give_back(db, &held).await);
    assert!(!give_back(db, &held).await);
    let funds = balance(db, workspace).await.funds;
    assert_eq!((funds.bonus, funds.paid), (micros(30), micros(100)));
    assert_sound(db).await;
}

#[on_every_db]
async fn what_was_released_cannot_be_captured(home: &TestDb) {
    let db = &home.db;
    let workspace = id();
    pay(db, workspace, CreditSource::Transfer, 100).await;
    let held = hold(db, &need(workspace, 50)).await.unwrap();
    assert!(release(db, &held).await);
    assert!(matches!(capture(db, &held, 50).await, Err(Error::NoHold)));
    assert!(!give_back(db, &held).await);
    assert_eq!(balance(db, workspace).await.funds.paid, micros(100));
    assert_sound(db).await;
}

#[on_every_db]
async fn a_dialog_keeps_its_hold_and_its_prices(home: &TestDb) {
    let db = &home.db;
    let workspace = id();
    pay(db, workspace, CreditSource::Transfer, 100).await;
    let first = Need { dialog_id: Some(id()), ..need(workspace, 50) };
    let held = hold(db, &first).await.unwrap();
    let again =
        Need { id: id(), most: micros(90), price_version: 2, until: at(90), ..first.clone() };
    let renewed = hold(db, &again).await.unwrap();
    assert_eq!(renewed, Hold { expires_at: at(90), ..held });
    assert_eq!(balance(db, workspace).await.funds.held, micros(50));
    assert_sound(db).await;
}

#[on_every_db]
async fn holds_whose_time_is_over_are_released_and_renewed_ones_are_not(home: &TestDb) {
    let db = &home.db;
    let workspace = id();
    pay(db, workspace, CreditSource::Transfer, 100).await;
    let lost = hold(db, &need(workspace, 20)).await.unwrap();
    let kept = hold(db, &Need { until: at(61), ..need(workspace, 30) }).await.unwrap();
    assert_eq!(books::release_expired(db, at(59)).await.unwrap(), 0);
    assert_eq!(books::release_expired(db, at(60)).await.unwrap(), 1);
    let funds = balance(db, workspace).await.funds;
    assert_eq!((funds.paid, funds.held), (micros(70), micros(30)));
    assert!(matches!(capture(db, &lost, 20).await, Err(Error::NoHold)));
    assert_eq!(capture(db, &kept, 30).await.unwrap(), Captured::Now);
    assert_sound(db).await;
}

#[on_every_db]
async fn a_credit_with_a_source_that_was_credited_is_refused(home: &TestDb) {
    let db = &home.db;
    let first = credit(id(), CreditSource::Payment, 5);
    let second = replyx_core::ledger::Credit { id: id(), workspace_id: id(), ..first.clone() };
    let add = async |credit: &replyx_core::ledger::Credit| {
        let mut tx = db.begin().await.unwrap();
        let subject = Subject::default();
        let added = books::credit(&mut tx, credit, EntryKind::Credit, &subject, at(0)).await;
        tx.commit().await.unwrap();
        added
    };
    add(&first).await.unwrap();
    assert!(matches!(add(&first).await, Err(Error::Credited)));
    assert!(matches!(add(&second).await, Err(Error::Credited)));
    let nothing = credit(first.workspace_id, CreditSource::Payment, 0);
    assert!(matches!(add(&nothing).await, Err(Error::Nothing)));
    assert_eq!(balance(db, first.workspace_id).await.funds.paid, micros(5));
    assert_sound(db).await;
}

#[on_every_db]
async fn only_what_is_available_is_paid_out_and_once_under_a_key(home: &TestDb) {
    let db = &home.db;
    let workspace = id();
    pay(db, workspace, CreditSource::Transfer, 100).await;
    hold(db, &need(workspace, 30)).await.unwrap();
    let refund = async |key: &str, amount: i64| {
        let mut tx = db.begin().await.unwrap();
        let withdrawal = Withdrawal {
            key,
            what: (Bucket::Paid, micros(amount)),
            kind: EntryKind::Refund,
            target: Account::Bank,
        };
        let subject = Subject::default();
        let done = books::withdraw(&mut tx, workspace, withdrawal, &subject, at(2)).await;
        tx.commit().await.unwrap();
        done.map(|balance| balance.funds.paid)
    };
    let Err(Error::Insufficient(missing)) = refund("a", 71).await else { panic!("it is refused") };
    assert_eq!(missing, Insufficient { available: micros(70), needed: micros(71) });
    assert_eq!(refund("a", 50).await.unwrap(), micros(20));
    assert_eq!(refund("a", 50).await.unwrap(), micros(20), "once");
    assert!(matches!(refund("b", 0).await, Err(Error::Nothing)));
    assert_sound(db).await;
}

#[on_every_db]
async fn a_trial_is_granted_once_and_pays_first(home: &TestDb) {
    let db = &home.db;
    let workspace = id();
    for _ in 0..2 {
        let mut tx = db.begin().await.unwrap();
        books::grant_trial(&mut tx, workspace, 2, at(0)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let of_trial = Need { trial: TrialPays::Yes, ..need(workspace, 50) };
    let first = hold(db, &of_trial).await.unwrap();
    let second = hold(db, &Need { id: id(), ..of_trial.clone() }).await.unwrap();
    assert!(hold(db, &Need { id: id(), ..of_trial.clone() }).await.is_err(), "it has two");
    assert!(release(db, &second).await);
    assert_eq!(capture(db, &first, 50).await.unwrap(), Captured::Now);
    assert_eq!(balance(db, workspace).await.funds, Funds { trial: 1, ..Funds::default() });
    assert_sound(db).await;
}

#[on_every_db]
async fn a_ledger_that_is_closed_is_empty_and_keeps_its_entries(home: &TestDb) {
    let db = &home.db;
    let workspace = id();
    pay(db, workspace, CreditSource::Goodwill, 30).await;
    pay(db, workspace, CreditSource::Transfer, 100).await;
    hold(db, &need(workspace, 50)).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    books::grant_trial(&mut tx, workspace, 2, at(0)).await.unwrap();
    books::close(&mut tx, workspace, at(5)).await.unwrap();
    books::close(&mut tx, workspace, at(5)).await.unwrap();
    books::close(&mut tx, id::<WorkspaceId>(), at(5)).await.unwrap();
    tx.commit().await.unwrap();

    let after = balance(db, workspace).await;
    assert_eq!(after.funds, Funds::default());
    assert!(after.seq > 5);
    assert_sound(db).await;
}

/// The balance is locked until all of them wait for it. Half of them are another process.
#[on_every_db]
async fn of_many_turns_on_a_balance_for_one_one_is_answered(home: &TestDb) {
    const TURNS: u64 = 8;

    let db = home.db.clone();
    let workspace: WorkspaceId = id();
    pay(&db, workspace, CreditSource::Transfer, 99).await;
    let is_shared = db.is_shared();
    let other = if is_shared {
        Db::open(&home.url, PoolSize { max: 8 }).await.unwrap()
    } else {
        db.clone()
    };
    let mut holder = db.begin().await.unwrap();
    holder.workspace(workspace).ledger().lock().await.unwrap();

    let mut turns = JoinSet::new();
    for turn in 0..TURNS {
        let db = if turn % 2 == 0 { db.clone() } else { other.clone() };
        turns.spawn(async move { hold(&db, &need(workspace, 50)).await });
    }
    if is_shared {
        // A pool has eight places, and one of them is taken: with two pools all of them wait here.
        while lock_waiters(&home.url).await < TURNS {
            tokio::task::yield_now().await;
        }
    } else {
        tokio::task::yield_now().await;
    }
    assert!(turns.try_join_next().is_none(), "all of them wait");
    holder.commit().await.unwrap();

    let mut held = 0;
    for turn in turns.join_all().await {
        match turn {
            Ok(_) => held += 1,
            Err(Error::Insufficient(missing)) => assert_eq!(missing.available, micros(49)),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(held, 1);
    let funds = balance(&db, workspace).await.funds;
    assert_eq!((funds.paid, funds.held), (micros(49), micros(50)));
    assert_sound(&db).await;
}
