//! What platform admins do with money. Each act is an entry with a reason, and in the platform's
//! audit log: nothing is changed afterwards.

use chrono::NaiveDate;
use replyx_core::{
    act,
    actor::Admin,
    change::Change,
    ids::{CreditId, WorkspaceId},
    ledger::{
        Account, Balance, Bucket, Credit, CreditSource, EntryKind, Facts, PriceList, PriceVersion,
        RateVersion, Subject,
    },
    money::Money,
};
use replyx_storage::{Tx, ledger::Day, repeated};

use crate::{
    books::{self, Withdrawal},
    cx::Cx,
    error::{Error, Result},
};

/// Money that an admin adds.
#[derive(Clone, Debug)]
pub struct NewCredit {
    /// To whom.
    pub workspace_id: WorkspaceId,
    /// How much.
    pub amount: Money,
    /// Where it comes from.
    pub source: AdminSource,
    /// The number of the transfer: it is credited once. Without it each request is another one.
    pub source_id: Option<String>,
    /// Why.
    pub reason: String,
}

/// Where the money of an admin's credit comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminSource {
    /// A bank transfer that has arrived.
    Transfer,
    /// Goodwill: spent first, never paid out, no revenue.
    Goodwill,
}

impl From<AdminSource> for CreditSource {
    fn from(source: AdminSource) -> Self {
        match source {
            AdminSource::Transfer => Self::Transfer,
            AdminSource::Goodwill => Self::Goodwill,
        }
    }
}

/// Adds money to a balance. Returns the credit and the balance after it.
///
/// # Errors
///
/// [`Error::Off`], [`Error::NotFound`], [`Error::Nothing`], [`Error::Credited`].
pub async fn credit(cx: &Cx, admin: &Admin, new: &NewCredit) -> Result<(Credit, Balance)> {
    cx.must_be_on()?;
    let id: CreditId = cx.clock.id();
    let now = cx.clock.now();
    let credit = Credit {
        id,
        workspace_id: new.workspace_id,
        source: new.source.into(),
        source_id: new.source_id.clone().unwrap_or_else(|| id.to_string()),
        amount: new.amount,
        remaining: new.amount,
        created_at: now,
    };

    repeated(|| async {
        let mut tx = cx.db.begin().await?;
        let subject = by(admin, &new.reason);
        let balance = books::credit(&mut tx, &credit, EntryKind::Credit, &subject, now).await?;
        must_exist(&mut tx, new.workspace_id).await?;
        let act = act::BalanceCredited {
            workspace: new.workspace_id,
            amount: new.amount,
            source: credit.source,
            source_id: credit.source_id.clone(),
            reason: new.reason.clone(),
        };
        tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok((credit.clone(), balance))
    })
    .await
}

/// Pays money out that was paid and is not set aside.
///
/// # Errors
///
/// [`Error::Off`], [`Error::NotFound`], [`Error::Nothing`], [`Error::Insufficient`].
pub async fn refund(
    cx: &Cx,
    admin: &Admin,
    workspace: WorkspaceId,
    (amount, reason): (Money, &str),
) -> Result<Balance> {
    cx.must_be_on()?;
    let now = cx.clock.now();
    let key = format!("refund:{}", cx.clock.id::<CreditId>());

    repeated(|| async {
        let mut tx = cx.db.begin().await?;
        let withdrawal = Withdrawal {
            key: &key,
            what: (Bucket::Paid, amount),
            kind: EntryKind::Refund,
            target: Account::Bank,
        };
        let subject = by(admin, reason);
        let balance = books::withdraw(&mut tx, workspace, withdrawal, &subject, now).await;
        let balance = of_existing(&mut tx, workspace, balance).await?;
        let act = act::BalanceRefunded { workspace, amount, reason: reason.to_owned() };
        tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(balance)
    })
    .await
}

/// Corrects what a workspace has paid, up or down.
///
/// # Errors
///
/// [`Error::Off`], [`Error::NotFound`], [`Error::Nothing`], [`Error::Insufficient`].
pub async fn correct(
    cx: &Cx,
    admin: &Admin,
    workspace: WorkspaceId,
    (amount, reason): (Money, &str),
) -> Result<Balance> {
    cx.must_be_on()?;
    let now = cx.clock.now();
    let id: CreditId = cx.clock.id();
    let subject = by(admin, reason);

    repeated(|| async {
        let mut tx = cx.db.begin().await?;
        let balance = if amount > Money::ZERO {
            let credit = Credit {
                id,
                workspace_id: workspace,
                source: CreditSource::Correction,
                source_id: id.into_uuid().to_string(),
                amount,
                remaining: amount,
                created_at: now,
            };
            books::credit(&mut tx, &credit, EntryKind::Correction, &subject, now).await
        } else {
            let taken = Money::ZERO.checked_sub(amount).ok_or(Error::Nothing)?;
            let withdrawal = Withdrawal {
                key: &format!("correction:{id}"),
                what: (Bucket::Paid, taken),
                kind: EntryKind::Correction,
                target: Account::Corrections,
            };
            books::withdraw(&mut tx, workspace, withdrawal, &subject, now).await
        };
        let balance = of_existing(&mut tx, workspace, balance).await?;

        let act = act::BalanceCorrected { workspace, amount, reason: reason.to_owned() };
        tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(balance)
    })
    .await
}

/// Every version of the prices, the oldest first.
pub async fn prices(cx: &Cx, _admin: &Admin) -> Result<Vec<PriceVersion>> {
    Ok(cx.db.read().await?.system().prices().list().await?)
}

/// Sets prices that are in force from a moment on, now at the earliest.
///
/// # Errors
///
/// [`Error::Off`], [`Error::Past`], [`Error::Busy`].
pub async fn set_prices(
    cx: &Cx,
    admin: &Admin,
    prices: &PriceList,
    from: Option<chrono::DateTime<chrono::Utc>>,
) -> Result<PriceVersion> {
    cx.must_be_on()?;
    let now = cx.clock.now();
    let in_force_from = from.unwrap_or(now);
    if in_force_from < now {
        return Err(Error::Past);
    }

    repeated(|| async {
        let set_by = admin.actor().name().to_owned();
        let mut tx = cx.db.begin().await?;
        let version = tx.system().prices().add(prices, in_force_from, &set_by, now).await?;
        let version = version.ok_or(Error::Busy)?;
        let act = act::PricesSet { prices: version.to_string(), in_force_from };
        tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
        tx.commit().await?;
        let prices = prices.clone();
        Ok(PriceVersion { version, in_force_from, prices, set_by, created_at: now })
    })
    .await
}

/// Every rate of the dollar, the oldest first.
pub async fn dollar_rates(cx: &Cx, _admin: &Admin) -> Result<Vec<RateVersion>> {
    Ok(cx.db.read().await?.system().prices().rates().await?)
}

/// Sets what a dollar is worth from a moment on, now at the earliest.
///
/// # Errors
///
/// [`Error::Off`], [`Error::Nothing`], [`Error::Past`], [`Error::Busy`].
pub async fn set_dollar_rate(
    cx: &Cx,
    admin: &Admin,
    rate: Money,
    from: Option<chrono::DateTime<chrono::Utc>>,
) -> Result<RateVersion> {
    cx.must_be_on()?;
    let now = cx.clock.now();
    let in_force_from = from.unwrap_or(now);
    if in_force_from < now {
        return Err(Error::Past);
    }
    if rate <= Money::ZERO {
        return Err(Error::Nothing);
    }

    repeated(|| async {
        let set_by = admin.actor().name().to_owned();
        let mut tx = cx.db.begin().await?;
        let version = tx.system().prices().add_rate(rate, in_force_from, &set_by, now).await?;
        let version = version.ok_or(Error::Busy)?;
        let act = act::DollarRateSet { dollar_rate: version.to_string(), rate, in_force_from };
        tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(RateVersion { version, in_force_from, rate, set_by, created_at: now })
    })
    .await
}

/// What the accounts of all workspaces and of the installation gained and lost on days, as far as
/// it is summed.
pub async fn totals(cx: &Cx, _admin: &Admin, from: NaiveDate, to: NaiveDate) -> Result<Vec<Day>> {
    Ok(cx.db.read().await?.system().ledger().days(from, to).await?)
}

/// Is there such a workspace?
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn known(cx: &Cx, _admin: &Admin, workspace: WorkspaceId) -> Result<()> {
    must_exist(&mut cx.db.read().await?, workspace).await
}

/// What was done, unless there is no such workspace.
async fn of_existing(
    tx: &mut Tx,
    workspace: WorkspaceId,
    done: Result<Balance>,
) -> Result<Balance> {
    // After a failed statement nothing more can be asked.
    if !matches!(done, Err(Error::Storage(_))) {
        must_exist(tx, workspace).await?;
    }
    done
}

/// Looked at once the balance is locked: whoever deletes the workspace either has done so, or waits
/// for the balance and writes off what is in it.
async fn must_exist(tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
    let found = tx.system().workspaces().find(workspace).await?;
    found.map(drop).ok_or(Error::NotFound("workspace"))
}

/// What an entry keeps of an act by hand.
fn by(admin: &Admin, reason: &str) -> Subject {
    let actor = admin.actor();
    let facts = Facts {
        actor: Some(actor.kind()),
        actor_id: actor.id(),
        actor_name: Some(actor.name().to_owned()),
        reason: Some(reason.to_owned()),
        ..Facts::default()
    };
    Subject { facts, ..Subject::default() }
}
