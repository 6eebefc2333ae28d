//! The ledger: accounts, and entries that move something from one account to another.
//!
//! An entry takes from one account what it adds to another, so the sum of all accounts is always
//! zero. Each workspace has its own entries, numbered from 1 without gaps, and its own [`Funds`],
//! which never fall below zero. [`Balance::post`] is the only way to new entries: it works out what
//! the funds are after each of them.

use chrono::{DateTime, Utc};

use crate::{
    ids::{CreditId, HoldId, WorkspaceId},
    money::Money,
    words::words,
};

mod credit;
mod entry;
mod price;

pub use credit::{
    BalanceNotice, Bucket, Credit, CreditSource, Hold, HoldPurpose, Payment, Reserved,
};
pub use entry::{Entry, Facts, Original, Subject, seal};
pub use price::{PriceList, PriceVersion, RateVersion, TokenPrice};

words! {
    /// What an entry takes from or adds to.
    Account as "LedgerAccount" {
        /// A workspace's: answers of the trial that are left.
        Trial = "trial",
        /// A workspace's: money that it was given.
        Bonus = "bonus",
        /// A workspace's: money that it paid.
        Paid = "paid",
        /// A workspace's: money and answers that are set aside for work that is under way.
        Held = "held",
        /// Where answers of trials come from.
        TrialGrants = "trial_grants",
        /// Answers that trials have spent.
        TrialSpent = "trial_spent",
        /// Money that was paid and spent.
        Revenue = "revenue",
        /// Money that was given and spent: no revenue.
        BonusSpent = "bonus_spent",
        /// Where money that is given comes from.
        Promo = "promo",
        /// The installation's bank account.
        Bank = "bank",
        /// Money that payment providers have and have not paid out.
        InTransit = "in_transit",
        /// What payment providers charge.
        ProviderFees = "provider_fees",
        /// Value added tax that is owed.
        VatPayable = "vat_payable",
        /// Payments that were taken back after they were spent.
        ChargebackLoss = "chargeback_loss",
        /// What changes of exchange rates brought or cost.
        ExchangeDifference = "exchange_difference",
        /// What models cost.
        ModelCosts = "model_costs",
        /// What is owed to providers of models.
        ModelsPayable = "models_payable",
        /// Corrections by admins.
        Corrections = "corrections",
        /// What was left in deleted workspaces.
        WrittenOff = "written_off",
    }
}

words! {
    /// Why something moves.
    EntryKind {
        /// A trial began.
        TrialGranted = "trial_granted",
        /// A trial ended; its answers are gone.
        TrialEnded = "trial_ended",
        /// Money was added.
        Credit = "credit",
        /// Something was set aside.
        Hold = "hold",
        /// Something that was set aside is spent.
        Capture = "capture",
        /// Something that was set aside is available again.
        Release = "release",
        /// Something that was spent is available again.
        GivenBack = "given_back",
        /// Money was paid out.
        Refund = "refund",
        /// An admin corrected a balance.
        Correction = "correction",
        /// A workspace was deleted.
        WriteOff = "write_off",
        /// A model was paid for.
        ModelCost = "model_cost",
    }
}

/// How much an entry moves; always more than nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Money.
    Money(Money),
    /// Answers of a trial.
    Answers(i64),
}

impl Amount {
    /// The money; none when it is answers.
    pub const fn money(self) -> Money {
        match self {
            Self::Money(money) => money,
            Self::Answers(_) => Money::ZERO,
        }
    }

    /// The answers; none when it is money.
    pub const fn answers(self) -> i64 {
        match self {
            Self::Money(_) => 0,
            Self::Answers(answers) => answers,
        }
    }
}

/// What is to move from one account to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Movement {
    /// Why.
    pub kind: EntryKind,
    /// The account that it is taken from.
    pub source: Account,
    /// The account that it is added to.
    pub target: Account,
    /// How much.
    pub amount: Amount,
    /// The hold that it sets aside, spends or releases.
    pub hold_id: Option<HoldId>,
    /// The credit that it adds or draws from.
    pub credit_id: Option<CreditId>,
    /// What it was for.
    pub subject: Subject,
}

impl Movement {
    /// A movement that names no hold and no credit.
    pub const fn new(
        kind: EntryKind,
        source: Account,
        target: Account,
        amount: Amount,
        subject: Subject,
    ) -> Self {
        Self { kind, source, target, amount, hold_id: None, credit_id: None, subject }
    }
}

/// What a workspace has. No part is below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    /// Answers of the trial that are left.
    pub trial: i64,
    /// Money that it was given.
    pub bonus: Money,
    /// Money that it paid.
    pub paid: Money,
    /// Money that is set aside.
    pub held: Money,
    /// Answers of the trial that are set aside.
    pub held_answers: i64,
}

/// A movement cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmovable {
    /// There is not so much.
    #[error("`{0}` has less than that")]
    Short(Account),
    /// The sum does not fit.
    #[error("`{0}` cannot hold that much")]
    Full(Account),
    /// It moves nothing, less than nothing, to where it is, or answers where there is money.
    #[error("nothing can move like that from `{0}` to `{1}`")]
    Pointless(Account, Account),
}

impl Funds {
    /// The money that can be spent.
    pub fn available(&self) -> Money {
        self.bonus + self.paid
    }

    /// The money that it has, also what is set aside.
    pub fn total(&self) -> Money {
        self.available() + self.held
    }

    /// The funds after a movement.
    ///
    /// # Errors
    ///
    /// [`Unmovable`] when a part would fall below zero, or the movement is none.
    pub fn moved(mut self, movement: &Movement) -> Result<Self, Unmovable> {
        let Movement { source, target, .. } = *movement;
        let holds_answers = |account| {
            use Account::{Held, Trial, TrialGrants, TrialSpent};
            matches!(account, Trial | Held | TrialGrants | TrialSpent)
        };
        let holds_money = |account| {
            use Account::{Trial, TrialGrants, TrialSpent};
            !matches!(account, Trial | TrialGrants | TrialSpent)
        };
        let is_sound = match movement.amount {
            Amount::Money(money) => {
                money > Money::ZERO && holds_money(source) && holds_money(target)
            }
            Amount::Answers(answers) => {
                answers > 0 && holds_answers(source) && holds_answers(target)
            }
        };
        if !is_sound || source == target {
            return Err(Unmovable::Pointless(source, target));
        }

        match movement.amount {
            Amount::Money(money) => {
                if let Some(part) = self.money(source) {
                    let left = part.checked_sub(money).filter(|left| *left >= Money::ZERO);
                    *part = left.ok_or(Unmovable::Short(source))?;
                }
                if let Some(part) = self.money(target) {
                    *part = part.checked_add(money).ok_or(Unmovable::Full(target))?;
                }
            }
            Amount::Answers(answers) => {
                if let Some(part) = self.answers(source) {
                    let left = part.checked_sub(answers).filter(|left| *left >= 0);
                    *part = left.ok_or(Unmovable::Short(source))?;
                }
                if let Some(part) = self.answers(target) {
                    *part = part.checked_add(answers).ok_or(Unmovable::Full(target))?;
                }
            }
        }
        Ok(self)
    }

    const fn money(&mut self, account: Account) -> Option<&mut Money> {
        match account {
            Account::Bonus => Some(&mut self.bonus),
            Account::Paid => Some(&mut self.paid),
            Account::Held => Some(&mut self.held),
            _ => None,
        }
    }

    const fn answers(&mut self, account: Account) -> Option<&mut i64> {
        match account {
            Account::Trial => Some(&mut self.trial),
            Account::Held => Some(&mut self.held_answers),
            _ => None,
        }
    }
}

/// Where a workspace's ledger stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// The number of the newest entry; 0 before the first.
    pub seq: i64,
    /// What there is.
    pub funds: Funds,
    /// When the newest entry was made. Entries are never older than the one before.
    pub changed_at: DateTime<Utc>,
}

/// New entries, made by [`Balance::post`], and where the ledger stands after them.
#[derive(Clone, Debug, PartialEq)]
pub struct Posting {
    entries: Vec<Entry>,
    balance: Balance,
}

impl Balance {
    /// A ledger without entries.
    pub fn empty(workspace_id: WorkspaceId, at: DateTime<Utc>) -> Self {
        Self { workspace_id, seq: 0, funds: Funds::default(), changed_at: at }
    }

    /// Makes entries of movements, in their order, under the idempotency key of the whole.
    ///
    /// # Errors
    ///
    /// As [`Funds::moved`]; then there are no entries at all.
    pub fn post(
        &self,
        key: &str,
        movements: Vec<Movement>,
        at: DateTime<Utc>,
    ) -> Result<Posting, Unmovable> {
        let mut balance = Self { changed_at: at.max(self.changed_at), ..self.clone() };
        let mut entries = Vec::with_capacity(movements.len());
        for (part, movement) in (1..).zip(movements) {
            balance.funds = balance.funds.moved(&movement)?;
            balance.seq += 1;
            entries.push(Entry {
                workspace_id: balance.workspace_id,
                seq: balance.seq,
                key: key.to_owned(),
                part,
                movement,
                after: balance.funds,
                created_at: balance.changed_at,
            });
        }
        Ok(Posting { entries, balance })
    }
}

impl Posting {
    /// The new entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where the ledger stands after them.
    pub const fn balance(&self) -> &Balance {
        &self.balance
    }

    /// The new entries and the balance after them.
    pub fn into_parts(self) -> (Vec<Entry>, Balance) {
        (self.entries, self.balance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn moving(source: Account, target: Account, amount: Amount) -> Movement {
        Movement::new(EntryKind::Correction, source, target, amount, Subject::default())
    }

    fn micros(micros: i64) -> Amount {
        Amount::Money(Money::from_micros(micros))
    }

    #[test]
    fn what_is_not_there_cannot_be_taken() {
        let funds = Funds { bonus: Money::from_micros(5), trial: 1, ..Funds::default() };
        let after = funds.moved(&moving(Account::Bonus, Account::Held, micros(5))).unwrap();
        assert_eq!(after.held, Money::from_micros(5));
        assert_eq!(after.available(), Money::ZERO);
        assert_eq!(after.total(), Money::from_micros(5));
        for (source, amount) in [
            (Account::Bonus, micros(6)),
            (Account::Paid, micros(1)),
            (Account::Trial, Amount::Answers(2)),
        ] {
            let refused = funds.moved(&moving(source, Account::Held, amount));
            assert_eq!(refused, Err(Unmovable::Short(source)));
        }
        let most = Funds { paid: Money::from_micros(i64::MAX), ..Funds::default() };
        let refused = most.moved(&moving(Account::Bank, Account::Paid, micros(1)));
        assert_eq!(refused, Err(Unmovable::Full(Account::Paid)));
    }

    #[test]
    fn answers_are_no_money_and_nothing_moves_nowhere() {
        let funds =
            Funds { trial: 9, held_answers: 9, held: Money::from_micros(9), ..Funds::default() };
        for movement in [
            moving(Account::Trial, Account::Held, micros(1)),
            moving(Account::Held, Account::TrialSpent, micros(1)),
            moving(Account::Held, Account::Revenue, Amount::Answers(1)),
            moving(Account::Bank, Account::Bank, micros(1)),
            moving(Account::Bank, Account::Paid, micros(0)),
            moving(Account::Bank, Account::Paid, micros(-1)),
            moving(Account::Trial, Account::Held, Amount::Answers(-1)),
        ] {
            let pointless = Unmovable::Pointless(movement.source, movement.target);
            assert_eq!(funds.moved(&movement), Err(pointless));
        }
    }

    #[test]
    fn entries_are_numbered_on_and_never_older_than_the_one_before() {
        let later = DateTime::UNIX_EPOCH + std::time::Duration::from_secs(9);
        let balance = Balance { seq: 7, ..Balance::empty(Uuid::nil().into(), later) };
        let in_and_out = vec![
            moving(Account::Bank, Account::Paid, micros(3)),
            moving(Account::Paid, Account::Held, micros(2)),
        ];
        let (entries, after) =
            balance.post("key", in_and_out, DateTime::UNIX_EPOCH).unwrap().into_parts();
        let numbers: Vec<_> = entries.iter().map(|entry| (entry.seq, entry.part)).collect();
        assert_eq!(numbers, [(8, 1), (9, 2)]);
        assert!(entries.iter().all(|entry| entry.created_at == later && entry.key == "key"));
        assert_eq!(entries[1].after, after.funds);
        assert_eq!((after.seq, after.changed_at), (9, later));

        let too_much = vec![
            moving(Account::Bank, Account::Paid, micros(3)),
            moving(Account::Paid, Account::Held, micros(4)),
        ];
        assert_eq!(balance.post("key", too_much, later), Err(Unmovable::Short(Account::Paid)));
    }
}
