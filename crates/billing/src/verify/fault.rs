//! What can be wrong with a ledger, in a sentence.

use std::fmt;

use chrono::NaiveDate;
use replyx_core::{
    ids::{CreditId, HoldId, WorkspaceId},
    ledger::{Account, Bucket},
    money::Money,
};

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Whose ledger it is in; none: in the totals of the installation.
    pub workspace: Option<WorkspaceId>,
    /// What it is.
    pub damage: Damage,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.workspace {
            Some(workspace) => write!(f, "workspace {workspace}: {}", self.damage),
            None => write!(f, "totals: {}", self.damage),
        }
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// There are entries, holds or credits without a balance.
    #[error("there is no balance for its entries, holds, credits or seal")]
    NoBalance,
    /// An entry says something that this program does not know.
    #[error("an entry among the next after number {after} cannot be read")]
    Unreadable {
        /// The last entry that could be read.
        after: i64,
    },
    /// An entry is missing.
    #[error("entry {seq} is missing")]
    Missing {
        /// Its number.
        seq: i64,
    },
    /// An entry takes what was not there, or moves nothing.
    #[error("entry {seq} is impossible: {why}")]
    Impossible {
        /// Its number.
        seq: i64,
        /// What is wrong with it.
        why: String,
    },
    /// What an entry says of the funds is not what follows from the one before.
    #[error("entry {seq} does not follow from the one before: the funds after it differ")]
    Follows {
        /// Its number.
        seq: i64,
    },
    /// An entry is older than the one before.
    #[error("entry {seq} is older than the one before")]
    Older {
        /// Its number.
        seq: i64,
    },
    /// The balance is not the sum of the entries.
    #[error("the balance says `{stored}` for `{part}`, and the sum of its entries is `{summed}`")]
    Balance {
        /// Which part of it.
        part: &'static str,
        /// What the balance says.
        stored: String,
        /// The sum of the entries.
        summed: String,
    },
    /// Entries were changed after they were sealed.
    #[error("entries up to {seq} were changed after they were sealed")]
    Sealed {
        /// The number up to which they were sealed.
        seq: i64,
    },
    /// Entries were removed after they were sealed.
    #[error("{sealed} entries were sealed, and there are {entries}")]
    SealedMore {
        /// How many were sealed.
        sealed: i64,
        /// How many there are.
        entries: i64,
    },
    /// A hold is not what its entries set aside.
    #[error("hold {id} says `{stored}`, and its entries set aside `{summed}`")]
    Hold {
        /// Which one.
        id: HoldId,
        /// What the hold says.
        stored: String,
        /// What its entries say.
        summed: String,
    },
    /// The holds together are not what the balance has set aside.
    #[error("the balance has set aside {balance}, and its holds {holds}")]
    Held {
        /// By the balance.
        balance: String,
        /// By all holds.
        holds: String,
    },
    /// The credits together are not what there is of one kind of money.
    #[error(
        "of `{bucket}` there are `{there}`, set aside or not, and credits cover {covered} micro-units"
    )]
    Covered {
        /// Which kind of money.
        bucket: Bucket,
        /// The balance with its holds.
        there: Money,
        /// What is left of all credits.
        covered: i128,
    },
    /// More was spent or released than was set aside.
    #[error("entry {seq} takes more from hold {id} than was set aside")]
    Exceeded {
        /// Which one.
        id: HoldId,
        /// The number of the entry.
        seq: i64,
    },
    /// A hold was spent twice.
    #[error("entry {seq} spends hold {id}, which was settled before")]
    Twice {
        /// Which one.
        id: HoldId,
        /// The number of the entry.
        seq: i64,
    },
    /// A credit is not what its entries say.
    #[error("credit {id} says `{stored}`, and its entries say `{summed}`")]
    Credit {
        /// Which one.
        id: CreditId,
        /// What it was and what is left, by itself.
        stored: String,
        /// The same by its entries.
        summed: String,
    },
    /// A total is not the sum of the entries.
    #[error("the total of `{account}` on {day} is {}, and its entries say {}", told(*stored), told(Some(*summed)))]
    Total {
        /// The account.
        account: Account,
        /// The day.
        day: NaiveDate,
        /// What is stored.
        stored: Option<(Money, i64)>,
        /// The sum of the entries.
        summed: (Money, i64),
    },
    /// The sum of all accounts is not zero.
    #[error("the sum of all accounts is {micros} micro-units and {answers} answers instead of 0")]
    NotZero {
        /// The money.
        micros: i128,
        /// The answers.
        answers: i128,
    },
}

fn told(total: Option<(Money, i64)>) -> String {
    total.map_or_else(
        || "missing".to_owned(),
        |(money, answers)| format!("`{money}` and {answers} answers"),
    )
}
