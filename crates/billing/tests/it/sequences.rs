//! Random sequences of everything that happens to money, with retries and crashes in between.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use replyx_billing::spend::{
    Change, TrialPays, add, capture, give_back, release, reserve, set_aside, withdraw,
};
use replyx_core::{
    ids::HoldId,
    ledger::{
        Account, Amount, Balance, Bucket, Credit, CreditSource, Entry, EntryKind, Hold,
        HoldPurpose, Movement, Subject,
    },
    money::Money,
};
use uuid::Uuid;

use crate::spend::micros;

/// How long a hold lasts, in steps.
const BOUND: i64 = 5;

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    Credit(usize, i64),
    GrantTrial(i64),
    Begin,
    /// Settles the turn of this place among those that run.
    Settle(usize),
    /// The same answer is stored again: its process did not hear of the first time.
    SettleAgain(usize),
    Discard(usize),
    /// Its process dies: nobody settles it.
    Crash(usize),
    Refund(i64),
    Correct(i64),
    Price(i64),
    Cancel(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..6_usize, 1..400_i64).prop_map(|(source, amount)| Step::Credit(source, amount)),
        1 => (1..4_i64).prop_map(Step::GrantTrial),
        8 => Just(Step::Begin),
        5 => any::<usize>().prop_map(Step::Settle),
        2 => any::<usize>().prop_map(Step::SettleAgain),
        2 => any::<usize>().prop_map(Step::Discard),
        2 => any::<usize>().prop_map(Step::Crash),
        1 => (1..300_i64).prop_map(Step::Refund),
        1 => (-200..200_i64).prop_map(Step::Correct),
        1 => (0..120_i64).prop_map(Step::Price),
        1 => any::<usize>().prop_map(Step::Cancel),
    ]
}

/// A ledger in memory, as the tables keep it.
struct Books {
    balance: Balance,
    entries: Vec<Entry>,
    keys: HashSet<String>,
    credits: Vec<Credit>,
    holds: BTreeMap<HoldId, (Hold, Money)>,
    crashed: HashSet<HoldId>,
    settled: Vec<(Hold, Money)>,
    price: Money,
    steps: i64,
    ids: u128,
}

impl Books {
    fn new() -> Self {
        Self {
            balance: Balance::empty(Uuid::nil().into(), DateTime::UNIX_EPOCH),
            entries: Vec::new(),
            keys: HashSet::new(),
            credits: Vec::new(),
            holds: BTreeMap::new(),
            crashed: HashSet::new(),
            settled: Vec::new(),
            price: micros(50),
            steps: 0,
            ids: 0,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(self.steps)
    }

    fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids)
    }

    /// Posts under a key, once.
    fn post(&mut self, key: &str, movements: Vec<Movement>) -> bool {
        if !self.keys.insert(key.to_owned()) {
            return false;
        }
        let (entries, balance) =
            self.balance.post(key, movements, self.now()).unwrap().into_parts();
        self.entries.extend(entries);
        self.balance = balance;
        true
    }

    fn change(&mut self, key: &str, change: Change) -> bool {
        if !self.post(key, change.movements) {
            return false;
        }
        for (id, part) in change.drawn {
            let credit = self.credits.iter_mut().find(|credit| credit.id == id).unwrap();
            credit.remaining = credit.remaining.checked_sub(part).unwrap();
        }
        true
    }

    fn credit(&mut self, source: CreditSource, amount: Money, kind: EntryKind) {
        let id = self.id();
        let credit = Credit {
            id: id.into(),
            workspace_id: self.balance.workspace_id,
            source,
            source_id: id.to_string(),
            amount,
            remaining: amount,
            created_at: self.now(),
        };
        self.post(&format!("credit:{id}"), vec![add(&credit, kind, &Subject::default())]);
        self.credits.push(credit);
    }

    fn begin(&mut self) {
        let funds = self.balance.funds;
        let Ok(reserved) = reserve(&funds, self.price, TrialPays::Yes) else {
            assert!(funds.trial == 0 && funds.available() < self.price, "{funds:?}");
            return;
        };
        let id = self.id();
        let hold = Hold {
            id: id.into(),
            workspace_id: self.balance.workspace_id,
            purpose: HoldPurpose::Answer,
            dialog_id: None,
            reserved,
            price_version: 1,
            taken_at: self.now(),
            expires_at: self.now() + TimeDelta::seconds(BOUND),
        };
        self.post(&format!("hold:{id}"), set_aside(&hold, &Subject::default()));
        self.holds.insert(hold.id, (hold, self.price));
    }

    fn running(&self, place: usize) -> Option<(Hold, Money)> {
        let running: Vec<_> =
            self.holds.values().filter(|(hold, _)| !self.crashed.contains(&hold.id)).collect();
        (!running.is_empty()).then(|| running[place % running.len()].clone())
    }

    fn settle(&mut self, hold: &Hold, price: Money) -> bool {
        let change = capture(hold, price, &self.credits, &Subject::default()).unwrap();
        let is_new = self.change(&format!("capture:{}", hold.id), change);
        self.holds.remove(&hold.id);
        is_new
    }

    fn release(&mut self, hold: &Hold) {
        self.post(&format!("release:{}", hold.id), release(hold, &Subject::default()));
        self.holds.remove(&hold.id);
    }

    fn take(&mut self, step: &Step) {
        self.steps += 1;
        match *step {
            Step::Credit(source, amount) => {
                self.credit(CreditSource::ALL[source], micros(amount), EntryKind::Credit);
            }
            Step::GrantTrial(answers) => {
                let movement = Movement::new(
                    EntryKind::TrialGranted,
                    Account::TrialGrants,
                    Account::Trial,
                    Amount::Answers(answers),
                    Subject::default(),
                );
                let id = self.id();
                self.post(&format!("trial:{id}"), vec![movement]);
            }
            Step::Begin => self.begin(),
            Step::Settle(place) => {
                if let Some((hold, price)) = self.running(place) {
                    assert!(self.settle(&hold, price));
                    self.settled.push((hold, price));
                }
            }
            Step::SettleAgain(place) if !self.settled.is_empty() => {
                let (hold, _) = self.settled[place % self.settled.len()].clone();
                let before = self.balance.clone();
                assert!(!self.keys.insert(format!("capture:{}", hold.id)));
                assert_eq!(self.balance, before);
            }
            Step::Discard(place) => {
                if let Some((hold, _)) = self.running(place) {
                    self.release(&hold);
                }
            }
            Step::Crash(place) => {
                if let Some((hold, _)) = self.running(place) {
                    self.crashed.insert(hold.id);
                }
            }
            Step::Refund(amount) => self.withdraw(amount, EntryKind::Refund, Account::Bank),
            Step::Correct(amount) if amount > 0 => {
                self.credit(CreditSource::Correction, micros(amount), EntryKind::Correction);
            }
            Step::Correct(amount) => {
                self.withdraw(-amount, EntryKind::Correction, Account::Corrections);
            }
            Step::Price(price) => self.price = micros(price),
            Step::Cancel(place) if !self.settled.is_empty() => {
                let (hold, _) = self.settled[place % self.settled.len()].clone();
                let of_hold = |entry: &&Entry| entry.movement.hold_id == Some(hold.id);
                let captured: Vec<_> = self.entries.iter().filter(of_hold).cloned().collect();
                let change = give_back(&captured, &Subject::default());
                self.change(&format!("give_back:{}", hold.id), change);
            }
            Step::SettleAgain(_) | Step::Cancel(_) => {}
        }

        // The reaper: what nobody settles any more is released when its time is over.
        let now = self.now();
        let mut held: Vec<_> = self.holds.values().map(|(hold, _)| hold.clone()).collect();
        held.retain(|hold| hold.expires_at <= now);
        for hold in held {
            self.release(&hold);
        }
    }

    fn withdraw(&mut self, amount: i64, kind: EntryKind, target: Account) {
        let funds = self.balance.funds;
        let what = (Bucket::Paid, micros(amount));
        let subject = Subject::default();
        match withdraw(&funds, what, (kind, target), &self.credits, &subject) {
            Ok(change) => {
                let id = self.id();
                assert!(self.change(&format!("withdraw:{id}"), change));
            }
            Err(_) => assert!(micros(amount) > funds.paid),
        }
    }

    /// Everything that must hold at any moment.
    fn check(&self) {
        let funds = self.balance.funds;
        let mut accounts = HashMap::<Account, (i64, i64)>::new();
        for entry in &self.entries {
            let Movement { source, target, amount, .. } = entry.movement;
            let taken = accounts.entry(source).or_default();
            taken.0 -= amount.money().micros();
            taken.1 -= amount.answers();
            let added = accounts.entry(target).or_default();
            added.0 += amount.money().micros();
            added.1 += amount.answers();
        }
        let sum = |account| accounts.get(&account).copied().unwrap_or_default();
        let total = accounts.values().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        assert_eq!(total, (0, 0), "the sum of all accounts is zero");
        assert_eq!(sum(Account::Bonus).0, funds.bonus.micros());
        assert_eq!(sum(Account::Paid).0, funds.paid.micros());
        assert_eq!(sum(Account::Held), (funds.held.micros(), funds.held_answers));
        assert_eq!(sum(Account::Trial).1, funds.trial);
        for account in [Account::Bonus, Account::Paid, Account::Held, Account::Trial] {
            assert!(sum(account).0 >= 0 && sum(account).1 >= 0, "{account} is not below zero");
        }

        let reserved = self.holds.values().map(|(hold, _)| hold.reserved);
        let set_aside: Money = reserved.clone().map(|reserved| reserved.money()).sum();
        assert_eq!(set_aside, funds.held);
        assert_eq!(reserved.map(|reserved| reserved.answers).sum::<i64>(), funds.held_answers);
        let is_young = |hold: &Hold| self.now() < hold.taken_at + TimeDelta::seconds(BOUND);
        assert!(self.holds.values().all(|(hold, _)| is_young(hold)));

        for bucket in [Bucket::Bonus, Bucket::Paid] {
            let of_bucket = |credit: &&Credit| credit.source.bucket() == bucket;
            let credits = self.credits.iter().filter(of_bucket);
            assert!(
                credits
                    .clone()
                    .all(|credit| { (Money::ZERO..=credit.amount).contains(&credit.remaining) })
            );
            let remaining: Money = credits.map(|credit| credit.remaining).sum();
            let held: Money = self
                .holds
                .values()
                .map(|(hold, _)| match bucket {
                    Bucket::Bonus => hold.reserved.bonus,
                    Bucket::Paid => hold.reserved.paid,
                })
                .sum();
            let free = if bucket == Bucket::Bonus { funds.bonus } else { funds.paid };
            assert_eq!(remaining, free + held, "credits cover {bucket}");
        }

        for (hold, price) in &self.settled {
            let of_hold = self.entries.iter().filter(|entry| {
                entry.movement.hold_id == Some(hold.id) && entry.movement.kind == EntryKind::Capture
            });
            let captured: Money = of_hold.clone().map(|entry| entry.movement.amount.money()).sum();
            let answers: i64 = of_hold.map(|entry| entry.movement.amount.answers()).sum();
            let expected = (*price).min(hold.reserved.money());
            assert_eq!((captured, answers), (expected, hold.reserved.answers), "charged once");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_happens_the_books_are_right(steps in prop::collection::vec(step(), 1..120)) {
        let mut books = Books::new();
        for step in &steps {
            books.take(step);
            books.check();
        }
    }
}
