//! Owners are told of a low balance and of a trial that ends, once each time it happens.

use std::{
    collections::{BTreeMap, HashMap},
    slice,
    sync::Arc,
};

use chrono::TimeDelta;
use replyx_billing::{BillingSettings, Cx, Mode, account, books, watch, welcome};
use replyx_core::{
    change::New,
    clock::Clock,
    fixtures,
    ids::WorkspaceId,
    job::Lane,
    ledger::{CreditSource, PriceList},
    mail::{self, Letter},
    role::Role,
    rules::user::UserWithPassword,
    secret::Keys,
};
use replyx_storage::{Db, fair::Places, on_every_db, testing::TestDb, tuning::Tuning};
use secrecy::SecretString;

use crate::given::{at, capture, hold, id, micros, need, pay};

/// A workspace with an owner, where an answer costs 10 and a balance for fewer than 5 is low.
struct Watch<'d> {
    db: &'d Db,
    clock: Clock,
    tuning: Tuning,
    keys: Keys,
    workspace: WorkspaceId,
}

impl<'d> Watch<'d> {
    async fn open(db: &'d Db) -> Self {
        let clock = Clock::manual(at(0));
        let workspace = fixtures::workspace(&clock);
        let owner = fixtures::user(&clock);
        let member = fixtures::member(&clock, workspace.id, owner.id, Role::Owner);
        let prices = PriceList {
            answer: micros(10),
            answer_by_channel: BTreeMap::new(),
            document: micros(10),
            tokens: BTreeMap::new(),
            margin_percent: 0,
            free_answers: 0,
            free_documents: 0,
        };

        let mut tx = db.begin().await.unwrap();
        tx.apply(fixtures::unexplained(New(workspace.clone()))).await.unwrap();
        let new = UserWithPassword { user: owner, password_hash: "hash".to_owned() };
        tx.apply(fixtures::unexplained(New(new))).await.unwrap();
        tx.apply(fixtures::unexplained(New(member))).await.unwrap();
        tx.system().prices().add(&prices, at(0), "a test", at(0)).await.unwrap();
        tx.commit().await.unwrap();

        let defaults = HashMap::from([("low_balance_answers".to_owned(), "5".to_owned())]);
        let secret = SecretString::from("0123456789abcdef0123456789abcdef");
        Self {
            db,
            clock,
            tuning: Tuning::new(defaults),
            keys: Keys::derive(&secret).unwrap(),
            workspace: workspace.id,
        }
    }

    /// The letters that watching once sends.
    async fn letters(&self) -> Vec<Letter> {
        watch::watch(self.db, &self.tuning, &self.keys, &self.clock).await.unwrap();
        let mut tx = self.db.begin().await.unwrap();
        let jobs = tx.system().jobs();
        let now = self.clock.now();
        let queued = jobs.claim(id(), now, Lane::Light, Places::of(9)).await.unwrap();
        tx.commit().await.unwrap();
        let open = |job: replyx_storage::jobs::ClaimedJob| {
            mail::open_payload(&self.keys, job.id, &job.payload).unwrap().letter
        };
        queued.into_iter().map(open).collect()
    }

    async fn spend(&self, amount: i64) {
        let held = hold(self.db, &need(self.workspace, amount)).await.unwrap();
        capture(self.db, &held, amount).await.unwrap();
    }
}

#[on_every_db]
async fn a_balance_that_is_low_or_used_up_is_told_once_each_time(home: &TestDb) {
    let watch = Watch::open(&home.db).await;
    assert_eq!(watch.letters().await, [], "there never was anything");
    pay(&home.db, watch.workspace, CreditSource::Transfer, 60).await;
    assert_eq!(watch.letters().await, []);

    watch.spend(15).await;
    let low = Letter::BalanceLow {
        workspace: "shop".to_owned(),
        available: "0.000045 ".to_owned(),
        answers: 4,
    };
    assert_eq!(watch.letters().await, [low]);
    assert_eq!(watch.letters().await, []);
    watch.spend(40).await;
    let depleted = Letter::BalanceDepleted { workspace: "shop".to_owned() };
    assert_eq!(watch.letters().await, slice::from_ref(&depleted));
    assert_eq!(watch.letters().await, []);

    // The next time it is told again, and what is worse stands for both.
    pay(&home.db, watch.workspace, CreditSource::Transfer, 100).await;
    assert_eq!(watch.letters().await, []);
    watch.spend(100).await;
    assert_eq!(watch.letters().await, [depleted]);
}

#[on_every_db]
async fn a_trial_that_ends_is_told_of_three_days_and_a_day_before(home: &TestDb) {
    let watch = Watch::open(&home.db).await;
    let ends = at(0) + TimeDelta::days(7);
    let mut tx = home.db.begin().await.unwrap();
    tx.workspace(watch.workspace).trials().insert(10, at(0), ends).await.unwrap();
    books::grant_trial(&mut tx, watch.workspace, 10, at(0)).await.unwrap();
    tx.commit().await.unwrap();

    let ending = Letter::TrialEnding { workspace: "shop".to_owned(), ends_at: ends, answers: 10 };
    assert_eq!(watch.letters().await, []);
    watch.clock.advance(std::time::Duration::from_hours(4 * 24));
    assert_eq!(watch.letters().await, slice::from_ref(&ending));
    assert_eq!(watch.letters().await, []);
    watch.clock.advance(std::time::Duration::from_hours(2 * 24));
    assert_eq!(watch.letters().await, [ending]);
    assert_eq!(watch.letters().await, []);

    watch.clock.advance(std::time::Duration::from_hours(24));
    welcome::end_trials(&home.db, &watch.tuning, watch.clock.now()).await.unwrap();
    let depleted = Letter::BalanceDepleted { workspace: "shop".to_owned() };
    assert_eq!(watch.letters().await, [depleted]);
}

#[on_every_db]
async fn the_days_that_the_money_lasts_are_told_from_what_was_spent_on_days_before(home: &TestDb) {
    let watch = Watch::open(&home.db).await;
    let settings = BillingSettings { mode: Mode::On, ..BillingSettings::default() };
    let cx = Cx {
        db: home.db.clone(),
        clock: Clock::manual(at(0)),
        tuning: Arc::new(Tuning::new(HashMap::new())),
        settings: Arc::new(settings),
    };
    let days_left = async || account::balance(&cx, watch.workspace).await.unwrap().days_left;
    pay(&home.db, watch.workspace, CreditSource::Transfer, 1_000).await;
    assert_eq!(days_left().await, None, "nothing was spent");

    watch.spend(100).await;
    assert_eq!(days_left().await, Some(9));
    // What is added is not taken for negative spending, nor is a day without customers left out.
    pay(&home.db, watch.workspace, CreditSource::Welcome, 100).await;
    assert_eq!(days_left().await, Some(10));
    cx.clock.advance(std::time::Duration::from_hours(24));
    assert_eq!(days_left().await, Some(20));
    cx.clock.advance(std::time::Duration::from_hours(15 * 24));
    assert_eq!(days_left().await, None, "that is too long ago");
}
