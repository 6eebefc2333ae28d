//! A walk through the entries of one workspace.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use replyx_core::{
    audit::GENESIS,
    ids::{CreditId, HoldId},
    ledger::{self, Account, Balance, Bucket, Credit, Entry, EntryKind, Funds, Hold, Reserved},
    money::Money,
};
use replyx_storage::ledger::Seal;

use super::Damage;

/// What is known after the entries so far.
pub(super) struct Walk {
    seq: i64,
    funds: Funds,
    at: DateTime<Utc>,
    /// The hash of the newest entry, while it matters.
    hash: String,
    sealed: Option<Seal>,
    /// Holds that are open, and what is left in them.
    holds: HashMap<HoldId, Reserved>,
    /// The posting that settled the newest hold: more of its parts may follow.
    settled: Option<(HoldId, String)>,
    /// Credits: what they were and what is left.
    credits: BTreeMap<CreditId, (i128, i128)>,
    damages: Vec<Damage>,
}

impl Walk {
    pub(super) fn new(sealed: Option<Seal>) -> Self {
        Self {
            seq: 0,
            funds: Funds::default(),
            at: DateTime::<Utc>::MIN_UTC,
            hash: GENESIS.to_owned(),
            sealed,
            holds: HashMap::new(),
            settled: None,
            credits: BTreeMap::new(),
            damages: Vec::new(),
        }
    }

    /// The number of the newest entry so far.
    pub(super) const fn seq(&self) -> i64 {
        self.seq
    }

    /// Is the entry of this number sealed?
    pub(super) fn is_sealed(&self, seq: i64) -> bool {
        self.sealed.as_ref().is_some_and(|seal| seq <= seal.seq)
    }

    /// Takes the next entry.
    pub(super) fn step(&mut self, entry: &Entry) {
        let seq = entry.seq;
        for missing in self.seq + 1..seq.min(self.seq + 4) {
            self.damages.push(Damage::Missing { seq: missing });
        }
        if entry.created_at < self.at {
            self.damages.push(Damage::Older { seq });
        }
        match self.funds.moved(&entry.movement) {
            Ok(funds) if funds == entry.after => {}
            Ok(_) => self.damages.push(Damage::Follows { seq }),
            Err(why) => self.damages.push(Damage::Impossible { seq, why: why.to_string() }),
        }
        self.follow_hold(entry);
        self.follow_credit(entry);

        if self.is_sealed(seq) {
            self.hash = ledger::seal(&self.hash, entry);
            let seal = self.sealed.as_ref().filter(|seal| seal.seq == seq);
            if seal.is_some_and(|seal| seal.hash != self.hash) {
                self.damages.push(Damage::Sealed { seq });
            }
        }

        // What follows is compared with this entry, so that one fault is named once.
        self.seq = seq;
        self.funds = entry.after;
        self.at = entry.created_at;
    }

    fn follow_hold(&mut self, entry: &Entry) {
        let movement = &entry.movement;
        let Some(id) = movement.hold_id else { return };
        let micros = movement.amount.money().micros();
        let answers = movement.amount.answers();

        if movement.target == Account::Held {
            let held = self.holds.entry(id).or_default();
            held.answers += answers;
            match movement.source {
                Account::Bonus => held.bonus = held.bonus + Money::from_micros(micros),
                _ => held.paid = held.paid + Money::from_micros(micros),
            }
            return;
        }
        if movement.source != Account::Held {
            return;
        }

        let Some(held) = self.holds.get_mut(&id) else {
            let of_same = (id, entry.key.clone());
            let seq = entry.seq;
            self.damages.push(if self.settled.as_ref() == Some(&of_same) {
                Damage::Exceeded { id, seq }
            } else {
                Damage::Twice { id, seq }
            });
            return;
        };
        held.answers -= answers;
        let part = match movement.target {
            Account::BonusSpent | Account::Bonus => &mut held.bonus,
            _ => &mut held.paid,
        };
        *part = part.checked_sub(Money::from_micros(micros)).unwrap_or_default();

        let is_exceeded = held.answers < 0 || held.bonus < Money::ZERO || held.paid < Money::ZERO;
        if is_exceeded {
            self.damages.push(Damage::Exceeded { id, seq: entry.seq });
        }
        if is_exceeded || *held == Reserved::default() {
            self.holds.remove(&id);
            self.settled = Some((id, entry.key.clone()));
        }
    }

    fn follow_credit(&mut self, entry: &Entry) {
        let movement = &entry.movement;
        let Some(id) = movement.credit_id else { return };
        let micros = i128::from(movement.amount.money().micros());
        let (amount, left) = self.credits.entry(id).or_default();

        let is_added = matches!(movement.target, Account::Bonus | Account::Paid);
        if is_added && movement.kind != EntryKind::GivenBack {
            *amount += micros;
            *left += micros;
        } else if is_added {
            *left += micros;
        } else {
            *left -= micros;
        }
    }

    /// Compares what the entries say with the tables, and names what is wrong.
    pub(super) fn end(
        mut self,
        balance: &Balance,
        holds: &[Hold],
        credits: &[Credit],
    ) -> Vec<Damage> {
        self.compare_balance(balance);
        self.compare_sums(balance.funds, holds, credits);
        self.compare_holds(holds);
        self.compare_credits(credits);

        if let Some(seal) = self.sealed.filter(|seal| seal.seq > self.seq) {
            let damage = Damage::SealedMore { sealed: seal.seq, entries: self.seq };
            self.damages.push(damage);
        }
        self.damages
    }

    fn compare_balance(&mut self, balance: &Balance) {
        let stored = balance.funds;
        let summed = self.funds;
        let parts = [
            ("entries", balance.seq.to_string(), self.seq.to_string()),
            ("trial", stored.trial.to_string(), summed.trial.to_string()),
            ("bonus", stored.bonus.to_string(), summed.bonus.to_string()),
            ("paid", stored.paid.to_string(), summed.paid.to_string()),
            ("held", stored.held.to_string(), summed.held.to_string()),
            ("held answers", stored.held_answers.to_string(), summed.held_answers.to_string()),
        ];
        for (part, stored, summed) in parts.into_iter().filter(|part| part.1 != part.2) {
            self.damages.push(Damage::Balance { part, stored, summed });
        }
    }

    fn compare_sums(&mut self, funds: Funds, holds: &[Hold], credits: &[Credit]) {
        let bonus: Money = holds.iter().map(|hold| hold.reserved.bonus).sum();
        let paid: Money = holds.iter().map(|hold| hold.reserved.paid).sum();
        let answers: i64 = holds.iter().map(|hold| hold.reserved.answers).sum();
        if (bonus + paid, answers) != (funds.held, funds.held_answers) {
            let said = |money: Money, answers: i64| format!("`{money}` and {answers} answers");
            self.damages.push(Damage::Held {
                balance: said(funds.held, funds.held_answers),
                holds: said(bonus + paid, answers),
            });
        }

        for (bucket, there) in
            [(Bucket::Bonus, funds.bonus + bonus), (Bucket::Paid, funds.paid + paid)]
        {
            let of_bucket = credits.iter().filter(|credit| credit.source.bucket() == bucket);
            let covered: i128 = of_bucket.map(|credit| i128::from(credit.remaining.micros())).sum();
            if covered != i128::from(there.micros()) {
                self.damages.push(Damage::Covered { bucket, there, covered });
            }
        }
    }

    fn compare_holds(&mut self, holds: &[Hold]) {
        for hold in holds {
            let summed = self.holds.remove(&hold.id).unwrap_or_default();
            if summed != hold.reserved {
                self.damages.push(Damage::Hold {
                    id: hold.id,
                    stored: told(hold.reserved),
                    summed: told(summed),
                });
            }
        }

        let mut left: Vec<_> = self.holds.drain().collect();
        left.sort_by_key(|(id, _)| *id);
        for (id, summed) in left {
            let stored = "no hold".to_owned();
            self.damages.push(Damage::Hold { id, stored, summed: told(summed) });
        }
    }

    fn compare_credits(&mut self, credits: &[Credit]) {
        let said = |amount: i128, left: i128| format!("{left} of {amount} micro-units are left");
        for credit in credits {
            let summed = self.credits.remove(&credit.id).unwrap_or_default();
            let stored =
                (i128::from(credit.amount.micros()), i128::from(credit.remaining.micros()));
            if summed != stored {
                self.damages.push(Damage::Credit {
                    id: credit.id,
                    stored: said(stored.0, stored.1),
                    summed: said(summed.0, summed.1),
                });
            }
        }

        for (id, (amount, left)) in std::mem::take(&mut self.credits) {
            let stored = "no credit".to_owned();
            self.damages.push(Damage::Credit { id, stored, summed: said(amount, left) });
        }
    }
}

fn told(reserved: Reserved) -> String {
    let Reserved { answers, bonus, paid } = reserved;
    format!("{bonus} bonus, {paid} paid, {answers} answers")
}
