use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{DialogId, ProcessId},
    job::Lane,
    ledger::Payment,
};
use replyx_storage::{
    Db,
    fair::Places,
    on_every_db,
    testing::{self, TestDb},
    turns::{Attempts, ClaimedTurn, LateQuestion},
};
use tokio::task::JoinSet;

use crate::given::{self, Tenant, at, at_millis, id};

async fn request(db: &Db, tenant: &Tenant, due: DateTime<Utc>, latest: DateTime<Utc>) {
    commit!(db, |tx| tx.workspace(tenant.id).turns().request(tenant.dialog.id, due, latest));
}

async fn claim(db: &Db, by: ProcessId, now: DateTime<Utc>, limit: u32) -> Vec<ClaimedTurn> {
    commit!(db, |tx| tx.system().turns().claim(by, now, Places::of(limit)))
}

async fn next_due(db: &Db) -> Option<DateTime<Utc>> {
    read!(db, |tx| tx.system().turns().due(1)).first().copied()
}

/// Turns of `count` dialogs, due one second after the other.
async fn many(db: &Db, count: i64) -> Vec<DialogId> {
    let tenant = given::tenant(db).await;
    let mut dialogs = Vec::new();
    for number in 0..count {
        let chat = given::chat(db, &tenant, 1000 + number).await;
        request(db, &chat, at(number), at(number + 1)).await;
        dialogs.push(chat.dialog.id);
    }
    dialogs
}

#[on_every_db]
async fn a_turn_is_claimed_when_it_is_due_and_once(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let tenant = given::tenant(db).await;
    assert_eq!(next_due(db).await, None);
    request(db, &tenant, at_millis(700), at(3)).await;
    assert_eq!(next_due(db).await, Some(at_millis(700)));
    assert_eq!(claim(db, by, at_millis(699), 9).await, []);
    let claimed = ClaimedTurn {
        workspace_id: tenant.id,
        dialog_id: tenant.dialog.id,
        attempts: 1,
        heard_seq: tenant.dialog.heard_seq,
        payment: Payment::Free,
        late: None,
    };
    assert_eq!(claim(db, by, at_millis(700), 9).await, [claimed]);
    assert_eq!(claim(db, by, at(99), 9).await, []);
    assert_eq!(next_due(db).await, None);
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).turns().count()), 1);
}

#[on_every_db]
async fn when_turns_are_due_is_told_of_the_first_ones_in_order(home: &TestDb) {
    let db = &home.db;
    many(db, 5).await;
    assert_eq!(read!(db, |tx| tx.system().turns().due(3)), [at(0), at(1), at(2)]);
    assert_eq!(read!(db, |tx| tx.system().turns().due(9)).len(), 5);
}

#[on_every_db]
async fn words_that_follow_put_the_turn_off_but_not_for_ever(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    request(db, &tenant, at_millis(700), at_millis(2000)).await;
    request(db, &tenant, at_millis(1400), at_millis(2700)).await;
    assert_eq!(next_due(db).await, Some(at_millis(1400)));
    request(db, &tenant, at_millis(2100), at_millis(3400)).await;
    assert_eq!(next_due(db).await, Some(at_millis(2000)), "the first request's bound holds");
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).turns().count()), 1);
}

#[on_every_db]
async fn a_request_leaves_a_running_turn_and_a_retry_alone(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let tenant = given::tenant(db).await;
    request(db, &tenant, at(0), at(3)).await;
    claim(db, by, at(0), 1).await;
    let before = given::rows(&home.url, None).await;
    request(db, &tenant, at(2), at(5)).await;
    assert_eq!(given::rows(&home.url, None).await, before);
    assert!(commit!(db, |tx| tx.workspace(tenant.id).turns().hand_back(
        tenant.dialog.id,
        by,
        at(60),
        Attempts::Keep
    )));
    request(db, &tenant, at(2), at(5)).await;
    assert_eq!(next_due(db).await, Some(at(60)));
    assert_eq!(claim(db, by, at(60), 1).await[0].attempts, 2);
    assert!(commit!(db, |tx| tx.workspace(tenant.id).turns().hand_back(
        tenant.dialog.id,
        by,
        at(61),
        Attempts::Reset
    )));
    assert_eq!(claim(db, by, at(61), 1).await[0].attempts, 1, "new work begins anew");
}

#[on_every_db]
async fn a_turn_that_answers_late_waits_until_the_customer_writes_again(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let tenant = given::tenant(db).await;
    let dialog = tenant.dialog.id;
    let late = LateQuestion { after: 3, until: at(600), tries: 2 };
    request(db, &tenant, at(0), at(3)).await;
    assert!(
        !commit!(db, |tx| tx.workspace(tenant.id).turns().wait(dialog, by, at(60), late)),
        "not claimed"
    );
    claim(db, by, at(0), 1).await;
    assert!(commit!(db, |tx| tx.workspace(tenant.id).turns().wait(dialog, by, at(60), late)));

    assert_eq!(claim(db, by, at(59), 1).await, []);
    let claimed = claim(db, by, at(60), 1).await[0];
    assert_eq!((claimed.attempts, claimed.late), (1, Some(late)));
    assert!(commit!(db, |tx| tx.workspace(tenant.id).turns().hand_back(
        dialog,
        by,
        at(61),
        Attempts::Keep
    )));
    let claimed = claim(db, by, at(61), 1).await[0];
    assert_eq!((claimed.attempts, claimed.late), (2, Some(late)), "a retry is late as well");

    request(db, &tenant, at(70), at(73)).await;
    assert_eq!(next_due(db).await, None, "a running turn is left alone");
    assert!(commit!(db, |tx| tx.workspace(tenant.id).turns().wait(dialog, by, at(120), late)));
    request(db, &tenant, at(70), at(73)).await;
    request(db, &tenant, at(75), at(78)).await;
    assert_eq!(next_due(db).await, Some(at(73)), "an ordinary turn with its own bound");
    let claimed = claim(db, by, at(73), 1).await[0];
    assert_eq!((claimed.attempts, claimed.late), (1, None));
}

#[on_every_db]
async fn only_who_claimed_a_turn_ends_it(home: &TestDb) {
    let db = &home.db;
    let ours = id();
    let theirs = id();
    let tenant = given::tenant(db).await;
    let dialog = tenant.dialog.id;
    request(db, &tenant, at(0), at(3)).await;
    assert!(!commit!(db, |tx| tx.workspace(tenant.id).turns().finish(dialog, ours)), "not claimed");
    claim(db, ours, at(0), 1).await;
    let before = given::rows(&home.url, None).await;
    assert!(!commit!(db, |tx| tx.workspace(tenant.id).turns().finish(dialog, theirs)));
    assert!(!commit!(db, |tx| tx.workspace(tenant.id).turns().hand_back(
        dialog,
        theirs,
        at(0),
        Attempts::Reset
    )));
    assert_eq!(given::rows(&home.url, None).await, before);
    assert!(commit!(db, |tx| tx.workspace(tenant.id).turns().finish(dialog, ours)));
    assert!(!commit!(db, |tx| tx.workspace(tenant.id).turns().finish(dialog, ours)));
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).turns().count()), 0);
}

#[on_every_db]
async fn a_claim_takes_no_more_than_its_limit_and_the_longest_waiting(home: &TestDb) {
    let dialogs = many(&home.db, 20).await;
    let expected: BTreeSet<_> = dialogs[..7].iter().copied().collect();
    let claimed = claim(&home.db, id(), at(60), 7).await;
    assert_eq!(claimed.len(), 7);
    assert_eq!(claimed.iter().map(|turn| turn.dialog_id).collect::<BTreeSet<_>>(), expected);
}

#[on_every_db]
async fn eight_processes_share_the_turns_and_none_goes_twice(home: &TestDb) {
    let dialogs = many(&home.db, 24).await;
    let mut processes = JoinSet::new();
    for _ in 0..8 {
        let db = home.db.clone();
        let by = id();
        processes.spawn(async move {
            let mut all = Vec::new();
            loop {
                let some = claim(&db, by, at(60), 2).await;
                if some.is_empty() {
                    return all;
                }
                all.extend(some.into_iter().map(|turn| turn.dialog_id));
            }
        });
    }
    let mut claimed = Vec::new();
    while let Some(some) = processes.join_next().await {
        claimed.extend(some.unwrap());
    }
    claimed.sort();
    let mut expected = dialogs;
    expected.sort();
    assert_eq!(claimed, expected);
}

#[tokio::test]
async fn a_claim_passes_over_what_another_one_holds_on_postgres() {
    let home = testing::postgres().await;
    let dialogs = many(&home.db, 3).await;
    let mut first = home.db.begin().await.unwrap();
    let held = first.system().turns().claim(id(), at(60), Places::of(1)).await.unwrap();
    assert_eq!(held[0].dialog_id, dialogs[0]);
    // Would wait forever here without `SKIP LOCKED`.
    let others: BTreeSet<_> =
        claim(&home.db, id(), at(60), 9).await.iter().map(|turn| turn.dialog_id).collect();
    assert_eq!(others, dialogs[1..].iter().copied().collect());
    drop(first);
    // What is dropped is undone a moment later.
    let mut freed = Vec::new();
    while freed.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        freed = claim(&home.db, id(), at(60), 9).await;
    }
    assert_eq!(freed[0].dialog_id, dialogs[0]);
}

#[on_every_db]
async fn a_suspended_workspace_is_left_alone_until_it_is_resumed(home: &TestDb) {
    let db = &home.db;
    let process = given::process(db, at(0)).await;
    let suspended = given::tenant(db).await;
    let other = given::tenant(db).await;
    suspended.fill(db).await;
    other.fill(db).await;
    commit!(db, |tx| given::suspend(&mut tx, suspended.id, Some(at(1))));
    let turns = commit!(db, |tx| tx.system().turns().claim(process, at(10), Places::of(9)));
    assert_eq!(turns.iter().map(|turn| turn.workspace_id).collect::<Vec<_>>(), [other.id]);
    let jobs =
        commit!(db, |tx| tx.system().jobs().claim(process, at(10), Lane::Light, Places::of(9)));
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    assert_eq!(next_due(db).await, None, "nothing is due");
    assert!(!read!(db, |tx| tx.system().jobs().any_due(at(10), Lane::Light)));

    commit!(db, |tx| given::suspend(&mut tx, suspended.id, None));
    assert!(read!(db, |tx| tx.system().jobs().any_due(at(10), Lane::Light)));
    assert_eq!(commit!(db, |tx| tx.workspace(suspended.id).turns().forget_waiting(at(-9))), 0);
    let turns = commit!(db, |tx| tx.system().turns().claim(process, at(10), Places::of(9)));
    assert_eq!(turns.iter().map(|turn| turn.workspace_id).collect::<Vec<_>>(), [suspended.id]);
}
