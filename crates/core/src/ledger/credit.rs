//! Where a workspace's money came from, and what is set aside of it.

use chrono::{DateTime, Utc};

use super::Account;
use crate::{
    ids::{CreditId, DialogId, HoldId, WorkspaceId},
    money::Money,
    words::words,
};

words! {
    /// The two kinds of money of a workspace.
    Bucket {
        /// It was given: spent first, never paid out.
        Bonus = "bonus",
        /// It was paid.
        Paid = "paid",
    }
}

impl Bucket {
    /// The account of a workspace that has it.
    pub const fn account(self) -> Account {
        match self {
            Self::Bonus => Account::Bonus,
            Self::Paid => Account::Paid,
        }
    }

    /// The account of the installation to which it goes when it is spent.
    pub const fn spent(self) -> Account {
        match self {
            Self::Bonus => Account::BonusSpent,
            Self::Paid => Account::Revenue,
        }
    }
}

words! {
    /// Where a credit comes from.
    CreditSource {
        /// The bonus that an owner gets once.
        Welcome = "welcome",
        /// A promo code.
        Promo = "promo",
        /// A bank transfer that an admin has seen.
        Transfer = "transfer",
        /// The goodwill of an admin.
        Goodwill = "goodwill",
        /// A payment provider.
        Payment = "payment",
        /// A correction by an admin.
        Correction = "correction",
    }
}

impl CreditSource {
    /// Which kind of money it brings.
    pub const fn bucket(self) -> Bucket {
        match self {
            Self::Welcome | Self::Promo | Self::Goodwill => Bucket::Bonus,
            Self::Transfer | Self::Payment | Self::Correction => Bucket::Paid,
        }
    }

    /// The account of the installation that the money is taken from.
    pub const fn account(self) -> Account {
        match self {
            Self::Welcome | Self::Promo | Self::Goodwill => Account::Promo,
            Self::Transfer => Account::Bank,
            Self::Payment => Account::InTransit,
            Self::Correction => Account::Corrections,
        }
    }
}

/// Money that was added to a balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// Identity.
    pub id: CreditId,
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Where it comes from.
    pub source: CreditSource,
    /// Which one of that source: no two credits have both in common.
    pub source_id: String,
    /// How much it was.
    pub amount: Money,
    /// What has not been spent of it.
    pub remaining: Money,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

words! {
    /// What a hold is for.
    HoldPurpose {
        /// An answer to a customer.
        Answer = "answer",
        /// An answer that only its owner sees.
        Preview = "preview",
        /// Answers to the questions of a set.
        Evaluation = "evaluation",
        /// A document that is read.
        Document = "document",
    }
}

/// What is set aside, by where it comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserved {
    /// Answers of the trial.
    pub answers: i64,
    /// Money that was given.
    pub bonus: Money,
    /// Money that was paid.
    pub paid: Money,
}

impl Reserved {
    /// The money in it.
    pub fn money(&self) -> Money {
        self.bonus + self.paid
    }
}

words! {
    /// What owners are told of their balance.
    BalanceNotice {
        /// It is enough for few answers.
        Low = "low",
        /// It is used up.
        Depleted = "depleted",
        /// The trial ends within three days.
        TrialThreeDays = "trial_three_days",
        /// The trial ends within a day.
        TrialOneDay = "trial_one_day",
        /// Most answers of the trial are used.
        TrialFewAnswers = "trial_few_answers",
    }
}

impl BalanceNotice {
    /// Whether it can happen again.
    pub const fn comes_again(self) -> bool {
        matches!(self, Self::Low | Self::Depleted)
    }
}

/// What pays for a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payment {
    /// Nobody has to: it costs nothing.
    #[default]
    Free,
    /// What is set aside for it.
    Held(HoldId),
    /// Nothing: there is not enough.
    Lacking,
}

/// Something that is set aside for work that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Identity.
    pub id: HoldId,
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// What it is for.
    pub purpose: HoldPurpose,
    /// The dialog that is answered; it has one hold at a time.
    pub dialog_id: Option<DialogId>,
    /// What is set aside.
    pub reserved: Reserved,
    /// The version of the prices that count.
    pub price_version: i64,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// Until when it is needed at the latest, unless it is renewed.
    pub expires_at: DateTime<Utc>,
}
