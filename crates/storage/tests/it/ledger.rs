use replyx_core::{
    ids::WorkspaceId,
    ledger::{
        Account, Amount, Balance, Credit, EntryKind, Facts, Movement, Posting, PriceList, Subject,
    },
    money::Money,
    page::PageRequest,
};
use replyx_storage::{
    Db, StorageError,
    ledger::{Day, EntryFilter, Seal},
    on_every_db,
    testing::{TestDb, lock_waiters},
};

use crate::given::{self, at, id};

fn micros(micros: i64) -> Money {
    Money::from_micros(micros)
}

fn moving(kind: EntryKind, source: Account, target: Account, amount: i64) -> Movement {
    Movement::new(kind, source, target, Amount::Money(micros(amount)), Subject::default())
}

/// A workspace that has paid 10 micro-units.
async fn opened(db: &Db) -> WorkspaceId {
    let workspace = id();
    commit!(db, |tx| tx.workspace(workspace).ledger().open(at(0)));
    commit!(db, |tx| tx.workspace(workspace).credits().insert(&given::credit(workspace)));
    commit!(db, |tx| tx.workspace(workspace).ledger().post(&given::paid(workspace)));
    workspace
}

async fn balance(db: &Db, workspace: WorkspaceId) -> Balance {
    read!(db, |tx| tx.workspace(workspace).ledger().find()).unwrap()
}

fn setting_aside(balance: &Balance, key: &str, amount: i64) -> Posting {
    let movement = moving(EntryKind::Hold, Account::Paid, Account::Held, amount);
    balance.post(key, vec![movement], at(2)).unwrap()
}

async fn refused(home: &TestDb, sql: &str) -> String {
    let url = home.url.clone();
    let sql = sql.to_owned();
    let refused = tokio::spawn(async move { given::tamper(&url, &sql).await }).await;
    let panic = refused.expect_err("it is refused").into_panic();
    panic.downcast_ref::<String>().expect("the database says why").clone()
}

#[on_every_db]
async fn entries_are_read_as_they_were_posted(home: &TestDb) {
    let db = &home.db;
    let workspace = opened(db).await;
    let before = balance(db, workspace).await;
    assert_eq!((before.seq, before.funds.paid), (1, micros(10)));

    let subject = Subject {
        assistant_id: Some(id()),
        dialog_id: Some(id()),
        message_id: Some(id()),
        facts: Facts { reason: Some("за дело\u{1}".to_owned()), ..Facts::default() },
    };
    let mut held = moving(EntryKind::Hold, Account::Paid, Account::Held, 3);
    held.hold_id = Some(id());
    held.subject = subject.clone();
    let granted = Movement::new(
        EntryKind::TrialGranted,
        Account::TrialGrants,
        Account::Trial,
        Amount::Answers(50),
        Subject::default(),
    );
    let posting = before.post("key", vec![held, granted], at(5)).unwrap();
    commit!(db, |tx| tx.workspace(workspace).ledger().post(&posting));

    let posted = read!(db, |tx| tx.workspace(workspace).ledger().posted("key"));
    assert_eq!(posted, posting.entries());
    assert_eq!(balance(db, workspace).await, *posting.balance());
    assert_eq!(posting.balance().funds.trial, 50);
    assert_eq!(read!(db, |tx| tx.workspace(workspace).ledger().posted("other")), []);
}

#[on_every_db]
async fn a_key_is_posted_once_and_only_upon_the_newest_entry(home: &TestDb) {
    let db = &home.db;
    let workspace = opened(db).await;
    let before = balance(db, workspace).await;
    let posting = setting_aside(&before, "once", 1);
    commit!(db, |tx| tx.workspace(workspace).ledger().post(&posting));
    let after = balance(db, workspace).await;

    for again in [setting_aside(&after, "once", 1), setting_aside(&before, "other", 1)] {
        let mut tx = db.begin().await.unwrap();
        let refused = tx.workspace(workspace).ledger().post(&again).await;
        assert!(matches!(refused, Err(StorageError::Constraint { .. })), "{refused:?}");
    }
    assert_eq!(balance(db, workspace).await, after);
    let nobody = id();
    let mut tx = db.begin().await.unwrap();
    let refused = tx.workspace(nobody).ledger().post(&given::paid(nobody)).await;
    assert!(matches!(refused, Err(StorageError::Constraint { .. })), "{refused:?}");
}

#[on_every_db]
async fn the_database_itself_refuses_to_rewrite_the_ledger(home: &TestDb) {
    let db = &home.db;
    let workspace = opened(db).await;
    commit!(db, |tx| tx.system().ledger().seal(
        0,
        &Seal { workspace_id: workspace, seq: 1, hash: "x".to_owned() },
        at(1)
    ));
    let prices = prices();
    commit!(db, |tx| tx.system().prices().add(&prices, at(0), "root", at(0)));
    commit!(db, |tx| tx.system().prices().add_rate(micros(1), at(0), "root", at(0)));
    let before = given::rows(&home.url, None).await;

    let forged = |seq: i64, amount: i64, after: i64| {
        format!(
            "INSERT INTO ledger_entries
             SELECT workspace_id, {seq}, 'forged', 1, kind, source, target, {amount}, 0, 0, 0,
                    {after}, 0, 0, hold_id, credit_id, assistant_id, dialog_id, message_id, facts,
                    created_at
               FROM ledger_entries WHERE seq = 1"
        )
    };
    for (sql, why) in [
        ("DELETE FROM ledger_entries".to_owned(), "ledger_entries_stay"),
        ("UPDATE ledger_entries SET amount = 11".to_owned(), "ledger_entries_last"),
        ("UPDATE ledger_balances SET paid = 11".to_owned(), "ledger_balances_follow"),
        ("UPDATE ledger_balances SET seq = 2".to_owned(), "ledger_balances_follow"),
        ("DELETE FROM ledger_balances".to_owned(), "ledger_balances_stay"),
        ("DELETE FROM ledger_credits".to_owned(), "ledger_credits_stay"),
        ("UPDATE ledger_credits SET amount = 99".to_owned(), "ledger_credits_last"),
        ("UPDATE ledger_credits SET remaining = 11".to_owned(), "constraint"),
        ("DELETE FROM ledger_seals".to_owned(), "ledger_seals_stay"),
        ("UPDATE ledger_seals SET hash = 'y'".to_owned(), "ledger_seals_last"),
        ("DELETE FROM prices".to_owned(), "prices_stay"),
        ("UPDATE prices SET prices = '{}'".to_owned(), "prices_last"),
        ("DELETE FROM dollar_rates".to_owned(), "dollar_rates_stay"),
        ("UPDATE dollar_rates SET rate = 2".to_owned(), "dollar_rates_last"),
        // Not the next one; more than it says; nothing at all.
        (forged(3, 5, 15), "ledger_entries_follow"),
        (forged(2, 5, 16), "ledger_entries_follow"),
        (forged(2, 0, 10), "constraint"),
    ] {
        let said = refused(home, &sql).await;
        assert!(said.contains(why), "{sql}: {said}");
    }
    if home.url.starts_with("postgres") {
        let said = refused(home, "TRUNCATE ledger_entries").await;
        assert!(said.contains("ledger_entries_whole"), "{said}");
    }
    assert_eq!(given::rows(&home.url, None).await, before);
}

#[on_every_db]
async fn who_posts_waits_for_the_one_before(home: &TestDb) {
    let db = home.db.clone();
    let workspace = opened(&db).await;
    let post = async |db: &Db, key: &str| {
        let mut tx = db.begin().await.unwrap();
        let balance = tx.workspace(workspace).ledger().lock().await.unwrap().unwrap();
        let posting = setting_aside(&balance, key, 1);
        tx.workspace(workspace).ledger().post(&posting).await.unwrap();
        tx
    };

    let first = post(&db, "first").await;
    let other = tokio::spawn({
        let db = db.clone();
        async move {
            let mut tx = db.begin().await.unwrap();
            let balance = tx.workspace(workspace).ledger().lock().await.unwrap().unwrap();
            let posting = setting_aside(&balance, "second", 1);
            tx.workspace(workspace).ledger().post(&posting).await.unwrap();
            tx.commit().await.unwrap();
        }
    });
    if home.url.starts_with("postgres") {
        while lock_waiters(&home.url).await == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert!(!other.is_finished());
    first.commit().await.unwrap();
    other.await.unwrap();
    let after = balance(&db, workspace).await;
    assert_eq!((after.seq, after.funds.held), (3, micros(2)));
}

#[on_every_db]
async fn a_credit_is_unique_by_source_and_id_in_all_workspaces(home: &TestDb) {
    let db = &home.db;
    let workspace = opened(db).await;
    let other = opened(db).await;
    let again = Credit { id: id(), source_id: workspace.to_string(), ..given::credit(other) };
    assert!(!commit!(db, |tx| tx.workspace(other).credits().insert(&again)));

    let credit = given::credit(workspace);
    commit!(db, |tx| tx.workspace(workspace).credits().draw(credit.id, micros(10)));
    assert_eq!(read!(db, |tx| tx.workspace(workspace).credits().left()), []);
    let mut tx = db.begin().await.unwrap();
    let more = tx.workspace(workspace).credits().draw(credit.id, micros(1)).await;
    assert!(matches!(more, Err(StorageError::Constraint { .. })), "{more:?}");
    drop(tx);
    commit!(db, |tx| tx.workspace(workspace).credits().draw(credit.id, micros(-4)));
    let of_source = read!(db, |tx| tx
        .workspace(workspace)
        .credits()
        .of_source(credit.source, &credit.source_id));
    assert_eq!(of_source.unwrap().remaining, micros(4));
}

#[on_every_db]
async fn a_dialog_has_one_hold_and_holds_end(home: &TestDb) {
    let db = &home.db;
    let workspace = opened(db).await;
    let dialog = id();
    let hold = given::hold(workspace, dialog);
    commit!(db, |tx| tx.workspace(workspace).holds().insert(&hold));
    let second = replyx_core::ledger::Hold { id: id(), ..hold.clone() };
    let mut tx = db.begin().await.unwrap();
    let refused = tx.workspace(workspace).holds().insert(&second).await;
    assert!(refused.unwrap_err().is_duplicate());
    drop(tx);

    assert_eq!(
        read!(db, |tx| tx.workspace(workspace).holds().of_dialog(dialog)),
        Some(hold.clone())
    );
    assert_eq!(read!(db, |tx| tx.system().holds().expired(at(60), 9)), []);
    assert!(commit!(db, |tx| tx.workspace(workspace).holds().renew(hold.id, at(70))));
    assert_eq!(read!(db, |tx| tx.system().holds().expired(at(69), 9)), []);
    let expired = read!(db, |tx| tx.system().holds().expired(at(70), 9));
    assert_eq!(expired, [replyx_core::ledger::Hold { expires_at: at(70), ..hold.clone() }]);
    assert!(commit!(db, |tx| tx.workspace(workspace).holds().delete(hold.id)));
    assert!(!commit!(db, |tx| tx.workspace(workspace).holds().delete(hold.id)));
}

#[on_every_db]
async fn entries_are_listed_newest_first_by_kind_message_and_time(home: &TestDb) {
    let db = &home.db;
    let workspace = opened(db).await;
    let message = id();
    for second in 2..7 {
        let before = balance(db, workspace).await;
        let mut movement = moving(EntryKind::Hold, Account::Paid, Account::Held, 1);
        if second == 4 {
            movement.subject.message_id = Some(message);
        }
        let posting = before.post(&second.to_string(), vec![movement], at(second)).unwrap();
        commit!(db, |tx| tx.workspace(workspace).ledger().post(&posting));
    }
    let numbers = async |filter: EntryFilter, limit: u32, after: Option<i64>| {
        let page = PageRequest::new(Some(limit), after);
        let found = read!(db, |tx| tx.workspace(workspace).ledger().list(&filter, page));
        (found.items.iter().map(|entry| entry.seq).collect::<Vec<_>>(), found.next)
    };

    let all = EntryFilter::default();
    assert_eq!(numbers(all, 4, None).await, (vec![6, 5, 4, 3], Some(3)));
    assert_eq!(numbers(all, 4, Some(3)).await, (vec![2, 1], None));
    let credits = EntryFilter { kind: Some(EntryKind::Credit), ..all };
    assert_eq!(numbers(credits, 9, None).await, (vec![1], None));
    let about = EntryFilter { message_id: Some(message), ..all };
    assert_eq!(numbers(about, 9, None).await, (vec![4], None));
    let both = EntryFilter { kind: Some(EntryKind::Hold), ..about };
    assert_eq!(numbers(both, 9, None).await, (vec![4], None));
    let between = EntryFilter { from: Some(at(3)), to: Some(at(5)), ..all };
    assert_eq!(numbers(between, 9, None).await, (vec![4, 3], None));
    assert_eq!(numbers(between, 9, Some(4)).await, (vec![3], None));
    let later = EntryFilter { from: Some(at(7)), ..all };
    assert_eq!(numbers(later, 9, None).await, (vec![], None));
    let earlier = EntryFilter { to: Some(at(1)), ..all };
    assert_eq!(numbers(earlier, 9, None).await, (vec![], None));
}

fn prices() -> PriceList {
    PriceList {
        answer: micros(50_000),
        answer_by_channel: [("api".to_owned(), micros(1))].into(),
        document: micros(7),
        tokens: std::collections::BTreeMap::new(),
        margin_percent: 20,
        free_answers: 1,
        free_documents: 2,
    }
}

#[on_every_db]
async fn prices_and_rates_are_kept_with_their_history(home: &TestDb) {
    let db = &home.db;
    let first = prices();
    let second = PriceList { margin_percent: 0, ..prices() };
    for (number, prices) in [(1, &first), (2, &second)] {
        let version = commit!(db, |tx| tx.system().prices().add(prices, at(5), "root", at(1)));
        assert_eq!(version, Some(number));
        let rate = micros(number);
        let version = commit!(db, |tx| tx.system().prices().add_rate(rate, at(5), "root", at(1)));
        assert_eq!(version, Some(number));
    }
    let versions = read!(db, |tx| tx.system().prices().list());
    let lists: Vec<_> = versions.iter().map(|version| &version.prices).collect();
    assert_eq!(lists, [&first, &second]);
    assert_eq!((versions[0].in_force_from, versions[0].created_at), (at(5), at(1)));
    let rates = read!(db, |tx| tx.system().prices().rates());
    assert_eq!(rates.iter().map(|rate| rate.rate).collect::<Vec<_>>(), [micros(1), micros(2)]);
}

#[on_every_db]
async fn the_currency_is_fixed_once_there_is_an_entry(home: &TestDb) {
    let db = &home.db;
    assert_eq!(read!(db, |tx| tx.system().prices().currency()), None);
    assert_eq!(commit!(db, |tx| tx.system().prices().set_currency("USD", at(0))), "USD");
    assert_eq!(commit!(db, |tx| tx.system().prices().set_currency("RUB", at(0))), "RUB");
    opened(db).await;
    assert_eq!(commit!(db, |tx| tx.system().prices().set_currency("EUR", at(0))), "RUB");
    assert_eq!(read!(db, |tx| tx.system().prices().currency()), Some("RUB".to_owned()));
}

#[on_every_db]
async fn seals_go_on_from_where_they_were_and_totals_add_up(home: &TestDb) {
    let db = &home.db;
    let workspace = opened(db).await;
    assert_eq!(read!(db, |tx| tx.system().ledger().unsealed(None, 9)), [workspace]);
    let seal = |seq| Seal { workspace_id: workspace, seq, hash: seq.to_string() };
    assert!(commit!(db, |tx| tx.system().ledger().seal(0, &seal(1), at(1))));
    assert_eq!(read!(db, |tx| tx.system().ledger().unsealed(None, 9)), []);
    assert!(!commit!(db, |tx| tx.system().ledger().seal(0, &seal(2), at(1))), "it was sealed");
    assert!(commit!(db, |tx| tx.system().ledger().seal(1, &seal(2), at(1))));
    assert_eq!(read!(db, |tx| tx.system().ledger().sealed(workspace)), Some(seal(2)));

    let day = at(0).date_naive();
    let revenue = Day { account: Account::Revenue, day, amount: micros(5), answers: 1 };
    for _ in 0..2 {
        commit!(db, |tx| tx.system().ledger().add(&[revenue]));
    }
    let days = read!(db, |tx| tx.system().ledger().days(day, day));
    assert_eq!(days, [Day { amount: micros(10), answers: 2, ..revenue }]);
}

#[on_every_db]
async fn what_has_no_balance_is_found(home: &TestDb) {
    let db = &home.db;
    opened(db).await;
    assert_eq!(read!(db, |tx| tx.system().ledger().orphans(9)), []);
    let orphan = id();
    commit!(db, |tx| tx.workspace(orphan).holds().insert(&given::hold(orphan, id())));
    assert_eq!(read!(db, |tx| tx.system().ledger().orphans(9)), [orphan]);
}
