//! What tests of the ledger begin with.

use chrono::{DateTime, TimeDelta, Utc};
use replyx_billing::{
    Result,
    books::{self, Need},
    spend::TrialPays,
};
use replyx_core::{
    clock::Clock,
    ids::{Id, WorkspaceId},
    ledger::{Balance, Credit, CreditSource, EntryKind, Hold, HoldPurpose, Subject},
    money::Money,
};
use replyx_storage::Db;

pub(crate) fn id<T: Id>() -> T {
    Clock::system().id()
}

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::seconds(seconds)
}

pub(crate) fn micros(micros: i64) -> Money {
    Money::from_micros(micros)
}

/// Makes a credit.
pub(crate) fn credit(workspace: WorkspaceId, source: CreditSource, amount: i64) -> Credit {
    let credit = id::<replyx_core::ids::CreditId>();
    Credit {
        id: credit,
        workspace_id: workspace,
        source,
        source_id: credit.to_string(),
        amount: micros(amount),
        remaining: micros(amount),
        created_at: at(0),
    }
}

/// Adds a credit in a transaction of its own.
pub(crate) async fn pay(db: &Db, workspace: WorkspaceId, source: CreditSource, amount: i64) {
    let mut tx = db.begin().await.unwrap();
    let credit = credit(workspace, source, amount);
    let subject = Subject::default();
    books::credit(&mut tx, &credit, EntryKind::Credit, &subject, at(0)).await.unwrap();
    tx.commit().await.unwrap();
}

/// A need of so much, for a minute.
pub(crate) fn need(workspace: WorkspaceId, most: i64) -> Need {
    Need {
        workspace_id: workspace,
        id: id(),
        purpose: HoldPurpose::Answer,
        dialog_id: None,
        most: micros(most),
        price_version: 1,
        trial: TrialPays::No,
        until: at(60),
        subject: Subject::default(),
    }
}

/// Sets it aside in a transaction of its own.
pub(crate) async fn hold(db: &Db, need: &Need) -> Result<Hold> {
    let mut tx = db.begin().await.unwrap();
    let hold = books::hold(&mut tx, need, at(1)).await?;
    tx.commit().await.unwrap();
    Ok(hold)
}

/// Captures a price in a transaction of its own.
pub(crate) async fn capture(db: &Db, hold: &Hold, price: i64) -> Result<books::Captured> {
    let mut tx = db.begin().await.unwrap();
    let subject = Subject::default();
    let of = (hold.workspace_id, hold.id);
    let captured = books::capture(&mut tx, of, micros(price), &subject, at(2)).await?;
    tx.commit().await.unwrap();
    Ok(captured)
}

pub(crate) async fn balance(db: &Db, workspace: WorkspaceId) -> Balance {
    let mut tx = db.read().await.unwrap();
    tx.workspace(workspace).ledger().find().await.unwrap().unwrap()
}
