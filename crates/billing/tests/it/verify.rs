use std::fmt::Write;

use replyx_billing::{
    books::Need,
    seal,
    spend::TrialPays,
    verify::{self, Damage},
};
use replyx_core::{
    audit::GENESIS,
    ids::WorkspaceId,
    ledger::{Account, CreditSource},
};
use replyx_storage::{
    Db, on_every_db,
    testing::{TestDb, tamper},
};

use crate::given::{at, balance, capture, hold, id, micros, need, pay};

/// What is wrong, in words without the workspace.
async fn faults(db: &Db) -> Vec<String> {
    let report = verify::verify(db).await.unwrap();
    assert_eq!(usize::try_from(report.found), Ok(report.faults.len()));
    report.faults.iter().map(|fault| fault.damage.to_string()).collect()
}

/// A workspace with a bonus, a payment, an answer that was paid for, and one that is under way.
async fn lived(db: &Db) -> WorkspaceId {
    let workspace = id();
    pay(db, workspace, CreditSource::Welcome, 30).await;
    pay(db, workspace, CreditSource::Transfer, 100).await;
    let held = hold(db, &need(workspace, 50)).await.unwrap();
    capture(db, &held, 40).await.unwrap();
    hold(db, &Need { trial: TrialPays::Yes, ..need(workspace, 20) }).await.unwrap();
    workspace
}

/// Changes a database behind its triggers' back.
async fn damage(home: &TestDb, sql: &str) {
    const GUARDED: [(&str, &[&str]); 4] = [
        ("ledger_entries", &["follow", "count", "stay", "last"]),
        ("ledger_balances", &["begin", "follow", "stay"]),
        ("ledger_credits", &["stay", "last"]),
        ("ledger_seals", &["stay", "last"]),
    ];

    for (table, triggers) in GUARDED {
        if home.url.starts_with("postgres") {
            tamper(&home.url, &format!("ALTER TABLE {table} DISABLE TRIGGER USER")).await;
        } else {
            for trigger in triggers {
                tamper(&home.url, &format!("DROP TRIGGER IF EXISTS {table}_{trigger}")).await;
            }
        }
    }
    assert!(tamper(&home.url, sql).await > 0, "{sql}");
}

#[on_every_db]
async fn a_sound_ledger_is_proved_before_and_after_it_is_sealed(home: &TestDb) {
    let db = &home.db;
    assert!(faults(db).await.is_empty(), "an empty one is sound");
    lived(db).await;
    lived(db).await;
    assert_eq!(faults(db).await, Vec::<String>::new());
    assert_eq!(seal::seal(db, at(9)).await.unwrap(), 16);
    assert_eq!(seal::seal(db, at(9)).await.unwrap(), 0);
    lived(db).await;
    let report = verify::verify(db).await.unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
    assert_eq!((report.workspaces, report.entries, report.holds, report.credits), (3, 24, 3, 6));
}

#[on_every_db]
async fn sums_of_the_installation_are_those_of_the_entries(home: &TestDb) {
    let db = &home.db;
    lived(db).await;
    lived(db).await;
    seal::seal(db, at(9)).await.unwrap();
    let day = at(0).date_naive();
    let days = db.read().await.unwrap().system().ledger().days(day, day).await.unwrap();
    let sum = |account| days.iter().find(|day| day.account == account).unwrap().amount;
    // Of an answer for 40 the bonus paid 30: that is no revenue.
    assert_eq!(sum(Account::Revenue), micros(20));
    assert_eq!(sum(Account::BonusSpent), micros(60));
    assert_eq!(sum(Account::Promo), micros(-60));
    assert_eq!(sum(Account::Bank), micros(-200));
    assert_eq!(sum(Account::Held), micros(40));
    assert_eq!(sum(Account::Paid), micros(140));
}

/// Each kind of damage, and what is said of it.
#[on_every_db]
async fn each_kind_of_damage_is_named(home: &TestDb) {
    let db = &home.db;
    for (sql, said) in [
        ("UPDATE ledger_balances SET paid = paid + 1", "the balance says `0.000071` for `paid`"),
        ("UPDATE ledger_balances SET held_answers = 1", "for `held answers`"),
        ("UPDATE ledger_balances SET seq = seq + 1", "the balance says `9` for `entries`"),
        ("UPDATE ledger_entries SET amount = 31 WHERE seq = 1", "entry 1 does not follow"),
        ("UPDATE ledger_entries SET paid_after = 1 WHERE seq = 2", "entry 2 does not follow"),
        ("UPDATE ledger_entries SET source = 'bank' WHERE seq = 3", "entry 3 does not follow"),
        ("UPDATE ledger_entries SET kind = 'nothing' WHERE seq = 3", "cannot be read"),
        (
            "UPDATE ledger_entries SET amount = 999 WHERE seq = 3",
            "entry 3 is impossible: `bonus` has less than that",
        ),
        (
            "UPDATE ledger_entries SET created_at = (SELECT created_at FROM ledger_entries WHERE seq = 1 LIMIT 1) WHERE seq = 8",
            "entry 8 is older than the one before",
        ),
        ("DELETE FROM ledger_entries WHERE seq = 4", "entry 4 is missing"),
        ("DELETE FROM ledger_entries WHERE seq = 8", "the balance says `8` for `entries`"),
        ("DELETE FROM ledger_balances", "there is no balance"),
        ("DELETE FROM ledger_holds", "says `no hold`, and its entries set aside"),
        ("UPDATE ledger_holds SET paid = paid + 1", "says `0.00 bonus, 0.000021 paid, 0 answers`"),
        (
            "DELETE FROM ledger_holds",
            "the balance has set aside `0.00002` and 0 answers, and its holds `0.00`",
        ),
        ("DELETE FROM ledger_credits", "says `no credit`"),
        (
            "DELETE FROM ledger_credits",
            "of `paid` there are `0.00009`, set aside or not, and credits cover 0",
        ),
        ("UPDATE ledger_credits SET remaining = 1", "says `1 of 30 micro-units are left`"),
        (
            "UPDATE ledger_credits SET amount = amount + 1, remaining = remaining + 1",
            "says `1 of 31 micro-units are left`",
        ),
        (
            "UPDATE ledger_entries SET hold_id = (SELECT hold_id FROM ledger_entries WHERE seq = 3) WHERE seq = 8",
            "its entries set aside",
        ),
    ] {
        let fresh = fresh(home).await;
        lived(&fresh.db).await;
        damage(&fresh, sql).await;
        let found = faults(&fresh.db).await;
        assert!(found.iter().any(|fault| fault.contains(said)), "{sql}: {found:#?}");
    }
    assert!(faults(db).await.is_empty());
}

/// What the sums do not tell: the seal does.
#[on_every_db]
async fn a_change_after_the_seal_is_named(home: &TestDb) {
    for (sql, said) in [
        (
            "UPDATE ledger_entries SET facts = '{\"reason\":\"x\"}' WHERE seq = 2",
            "entries up to 8 were changed after they were sealed",
        ),
        ("UPDATE ledger_seals SET seq = 9", "9 entries were sealed, and there are 8"),
        (
            "UPDATE ledger_totals SET amount = amount + 1 WHERE account = 'revenue'",
            "the total of `revenue`",
        ),
        (
            "UPDATE ledger_totals SET amount = amount + 1 WHERE account = 'revenue'",
            "the sum of all accounts is 1 micro-units",
        ),
        ("DELETE FROM ledger_totals WHERE account = 'revenue'", "is missing, and its entries say"),
        (
            "INSERT INTO ledger_totals VALUES ('bank', '2000-01-01', 5, 0)",
            "on 2000-01-01 is `0.000005`",
        ),
    ] {
        let fresh = fresh(home).await;
        lived(&fresh.db).await;
        seal::seal(&fresh.db, at(9)).await.unwrap();
        damage(&fresh, sql).await;
        let found = faults(&fresh.db).await;
        assert!(found.iter().any(|fault| fault.contains(said)), "{sql}: {found:#?}");
    }
}

/// Entries that take a hold twice add up, and are named all the same.
#[on_every_db]
async fn a_hold_that_was_spent_twice_is_named(home: &TestDb) {
    let db = &home.db;
    let workspace = lived(db).await;
    let second = hold(db, &need(workspace, 20)).await.unwrap();
    capture(db, &second, 20).await.unwrap();
    damage(
        home,
        "UPDATE ledger_entries SET hold_id = (SELECT hold_id FROM ledger_entries WHERE seq = 3)
          WHERE seq = 10",
    )
    .await;
    let report = verify::verify(db).await.unwrap();
    let twice = |damage: &Damage| matches!(damage, Damage::Twice { seq: 10, .. });
    assert!(report.faults.iter().any(|fault| twice(&fault.damage)), "{:?}", report.faults);
    assert!(report.faults.iter().all(|fault| fault.workspace == Some(workspace)));
}

async fn fresh(home: &TestDb) -> TestDb {
    if home.url.starts_with("postgres") {
        replyx_storage::testing::postgres().await
    } else {
        replyx_storage::testing::sqlite().await
    }
}

/// 20,000 entries in 20 workspaces: sealed, proved, and one that was changed is found.
#[on_every_db]
async fn one_of_twenty_thousand_entries_that_was_changed_is_found(home: &TestDb) {
    const EACH: i64 = 1_000;

    let db = &home.db;
    let workspaces: Vec<WorkspaceId> = (0..20).map(|_| id()).collect();
    for workspace in &workspaces {
        pay(db, *workspace, CreditSource::Transfer, 10_000).await;
        fill(home, *workspace, EACH).await;
        assert_eq!(balance(db, *workspace).await.seq, EACH);
    }
    assert_eq!(seal::seal(db, at(9)).await.unwrap(), 20_000);
    let report = verify::verify(db).await.unwrap();
    assert!(report.is_sound(), "{:?}", &report.faults[..3]);
    assert_eq!((report.workspaces, report.entries), (20, 20_000));
    for workspace in &workspaces {
        let sealed = db.read().await.unwrap().system().ledger().sealed(*workspace).await.unwrap();
        assert_ne!(sealed.unwrap().hash, GENESIS);
    }

    let victim = literal(home, workspaces[13]);
    let sql = format!(
        "UPDATE ledger_entries SET message_id = workspace_id WHERE workspace_id = {victim} AND seq = 500"
    );
    damage(home, &sql).await;
    let report = verify::verify(db).await.unwrap();
    assert_eq!(report.found, 1);
    assert_eq!(report.faults[0].workspace, Some(workspaces[13]));
    assert_eq!(report.faults[0].damage, Damage::Sealed { seq: EACH });
}

fn literal(home: &TestDb, workspace: WorkspaceId) -> String {
    let hex = workspace.into_uuid().simple();
    if home.url.starts_with("postgres") { format!("'{hex}'") } else { format!("x'{hex}'") }
}

/// Adds entries up to this number, in one statement: what models cost.
async fn fill(home: &TestDb, workspace: WorkspaceId, last: i64) {
    let whose = literal(home, workspace);
    let created = if home.url.starts_with("postgres") {
        "'2027-01-15T08:00:00Z'"
    } else {
        "'2027-01-15T08:00:00+00:00'"
    };
    let mut sql = String::from(
        "INSERT INTO ledger_entries (workspace_id, seq, key, part, kind, source, target, amount,
                answers, trial_after, bonus_after, paid_after, held_after, held_answers_after, facts,
                created_at) VALUES ",
    );
    for seq in 2..=last {
        let comma = if seq == 2 { "" } else { ", " };
        write!(
            sql,
            "{comma}({whose}, {seq}, 'k{seq}', 1, 'model_cost', 'models_payable', 'model_costs', 1,
             0, 0, 0, 10000, 0, 0, '{{}}', {created})"
        )
        .unwrap();
    }
    tamper(&home.url, &sql).await;
}
