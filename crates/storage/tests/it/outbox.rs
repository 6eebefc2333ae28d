use std::time::Duration;

use chrono::{DateTime, Utc};
use replyx_core::{
    act::Actor,
    bot::Bot,
    channel::{ChannelKind, ChannelStatus},
    dialog::{Control, Dialog},
    fixtures,
    ids::{OutboxId, ProcessId},
    message::Delivery,
};
use replyx_storage::{
    Db, PoolSize, StorageError, on_every_db,
    outbox::{NewParts, Sendable},
    testing::TestDb,
    testing::{lock_waiters, postgres, tamper},
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::given::{self, Tenant, at, id, sendable};

async fn claim(db: &Db, send: &Sendable, by: ProcessId, now: DateTime<Utc>) -> bool {
    commit!(db, |tx| tx.system().outbox().claim(send, by, now))
}

async fn sent(db: &Db, send: &Sendable, by: ProcessId) -> bool {
    commit!(db, |tx| tx.workspace(send.workspace_id).outbox().sent(
        send.id,
        by,
        Some(&1.into()),
        at(1)
    ))
}

fn texts(sends: &[Sendable]) -> Vec<&str> {
    sends.iter().map(|send| send.content.plain().unwrap()).collect()
}

fn ids(sends: &[Sendable]) -> Vec<OutboxId> {
    sends.iter().map(|send| send.id).collect()
}

/// The one part that may be sent, claimed.
async fn claimed(db: &Db, by: ProcessId, now: DateTime<Utc>) -> Sendable {
    let mut sends = sendable(db, now).await;
    assert_eq!(sends.len(), 1, "{sends:?}");
    assert!(claim(db, &sends[0], by, now).await);
    sends.remove(0)
}

#[on_every_db]
async fn a_part_comes_back_as_it_was_queued(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let (message, [part]) = tenant.reply(db, 1).await;
    assert_eq!(sendable(db, at(-1)).await, []);
    assert_eq!(
        sendable(db, at(0)).await,
        [Sendable {
            id: part,
            workspace_id: tenant.id,
            channel_id: tenant.bot.id,
            channel_kind: ChannelKind::Telegram,
            contact_id: tenant.contact.id,
            address: 7.into(),
            chat_kind: tenant.contact.chat_kind,
            dialog_id: tenant.dialog.id,
            message_id: message,
            part: 1,
            parts: 1,
            content: given::parts::<1>()[0].1.clone(),
            attempts: 0,
            uncertain: 0,
            revoked: false,
            secret_sealed: Some(b"sealed".to_vec()),
        }]
    );
}

#[on_every_db]
async fn a_chat_sends_in_order_and_one_at_a_time(home: &TestDb) {
    let db = &home.db;
    let by = given::process(&home.db, at(0)).await;
    let tenant = given::tenant(db).await;
    let (_, first) = tenant.reply::<2>(db, 1).await;
    let (_, second) = tenant.reply::<1>(db, 2).await;
    for expected in [first[0], first[1], second[0]] {
        let send = claimed(db, by, at(0)).await;
        assert_eq!(send.id, expected);
        assert_eq!(sendable(db, at(99)).await, [], "while one is being sent the next waits");
        assert!(sent(db, &send, by).await);
        assert!(!sent(db, &send, by).await);
    }
    assert_eq!(read!(db, |tx| tx.system().outbox().waiting()), 0);
}

#[on_every_db]
async fn chats_do_not_wait_for_each_other(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let tenant = given::tenant(db).await;
    let other_chat = given::chat(db, &tenant, 8).await;
    let other_tenant = given::tenant(db).await;
    let (_, [one, _]) = tenant.reply::<2>(db, 1).await;
    let (_, [two]) = other_chat.reply::<1>(db, 1).await;
    let (_, [three]) = other_tenant.reply::<1>(db, 1).await;
    let sends = sendable(db, at(0)).await;
    let mut found = ids(&sends);
    found.sort();
    let mut expected = [one, two, three];
    expected.sort();
    assert_eq!(found, expected);
    let of_chat = sends.iter().find(|send| send.id == one).unwrap();
    assert!(claim(db, of_chat, by, at(0)).await);
    assert_eq!(sendable(db, at(0)).await.len(), 2);
    let limited = read!(db, |tx| tx.system().outbox().sendable(at(0), 1));
    assert_eq!(limited.len(), 1);
}

#[on_every_db]
async fn a_claim_goes_to_one_process(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    tenant.reply::<1>(db, 1).await;
    let send = sendable(db, at(0)).await.remove(0);
    let mut processes = JoinSet::new();
    for _ in 0..8 {
        let db = db.clone();
        let send = send.clone();
        processes.spawn(async move { claim(&db, &send, id(), at(0)).await });
    }
    let won = processes.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
}

#[on_every_db]
async fn an_old_list_does_not_send_what_was_put_back_since(home: &TestDb) {
    let db = &home.db;
    let quick = id();
    let slow = id();
    let tenant = given::tenant(db).await;
    tenant.reply::<1>(db, 1).await;
    let old = sendable(db, at(0)).await.remove(0);
    claimed(db, quick, at(0)).await;
    commit!(db, |tx| tx.workspace(tenant.id).outbox().put_back(&old, quick, at(30), "429", false));
    assert!(!claim(db, &old, slow, at(1)).await, "it is not due");
    assert!(!claim(db, &old, slow, at(30)).await, "its attempts are not what the list says");
    assert_eq!(claimed(db, slow, at(30)).await.attempts, 1);
}

/// Nobody knew whether it had been stored that the part was put back, or that its reply failed, so
/// it was done again: after the same process had claimed the part anew.
#[on_every_db]
async fn an_outcome_that_is_stored_twice_leaves_the_next_send_alone(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let tenant = given::tenant(db).await;
    tenant.reply::<1>(db, 1).await;
    let first = claimed(db, by, at(0)).await;
    let put_back = async || {
        let outcome = ("timed out", true);
        commit!(db, |tx| tx.workspace(tenant.id).outbox().put_back(
            &first,
            by,
            at(1),
            outcome.0,
            outcome.1
        ));
    };
    put_back().await;
    let next = claimed(db, by, at(1)).await;

    put_back().await;
    let failed =
        commit!(db, |tx| tx.workspace(tenant.id).outbox().failed(&first, by, "x", false, at(1)));
    assert!(!failed, "it is on its way again");
    assert_eq!(sendable(db, at(9)).await, [], "nobody else takes it");
    assert!(sent(db, &next, by).await);
}

#[on_every_db]
async fn what_is_put_back_keeps_its_place_and_counts_doubt(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let tenant = given::tenant(db).await;
    let (message, [first, _]) = tenant.reply::<2>(db, 1).await;
    let put_back = async |send: &Sendable, due, uncertain| {
        commit!(db, |tx| {
            tx.workspace(tenant.id).outbox().put_back(send, by, due, "timed out", uncertain)
        });
    };
    let send = claimed(db, by, at(0)).await;
    put_back(&send, at(10), false).await;
    assert_eq!(sendable(db, at(9)).await, [], "the second part does not overtake");
    assert_eq!(read!(db, |tx| tx.system().outbox().next_due(at(5))), Some(at(10)));
    let again = claimed(db, by, at(10)).await;
    assert_eq!((again.id, again.attempts, again.uncertain), (first, 1, 0));
    put_back(&again, at(20), true).await;
    let again = claimed(db, by, at(20)).await;
    assert_eq!((again.id, again.attempts, again.uncertain), (first, 2, 1));
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).outbox().uncertain(message)), 1);
    assert!(sent(db, &again, by).await);
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).outbox().uncertain(message)), 1);
    // Whoever lost the claim cannot put it back.
    put_back(&again, at(30), true).await;
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).outbox().uncertain(message)), 1);
}

#[on_every_db]
async fn a_part_can_be_put_off_without_an_attempt(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let tenant = given::tenant(db).await;
    tenant.reply::<1>(db, 1).await;
    let send = sendable(db, at(0)).await.remove(0);
    commit!(db, |tx| tx.system().outbox().put_off(&send, at(5)));
    assert_eq!(sendable(db, at(4)).await, []);
    assert_eq!(claimed(db, by, at(5)).await.attempts, 0);
    let before = given::rows(&home.url, None).await;
    commit!(db, |tx| tx.system().outbox().put_off(&send, at(50)));
    assert_eq!(given::rows(&home.url, None).await, before, "it is being sent");
}

#[on_every_db]
async fn a_failed_part_takes_the_rest_of_its_reply_with_it_and_no_other(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let tenant = given::tenant(db).await;
    let (message, [first, ..]) = tenant.reply::<3>(db, 1).await;
    let (_, [next]) = tenant.reply::<1>(db, 2).await;
    let send = claimed(db, by, at(0)).await;
    assert_eq!(send.id, first);
    let stranger = id();
    assert!(!commit!(db, |tx| tx.workspace(tenant.id).outbox().failed(
        &send,
        stranger,
        "x",
        false,
        at(1)
    )));
    assert!(commit!(db, |tx| tx.workspace(tenant.id).outbox().failed(
        &send,
        by,
        "chat not found",
        true,
        at(1)
    )));
    assert_eq!(ids(&sendable(db, at(1)).await), [next]);
    assert_eq!(read!(db, |tx| tx.system().outbox().waiting()), 1);
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).outbox().uncertain(message)), 1);
}

#[on_every_db]
async fn nothing_is_sent_through_a_bot_that_does_not_run(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    tenant.reply::<2>(db, 1).await;
    for (status, count) in
        [(ChannelStatus::Stopped, 0), (ChannelStatus::Failed, 0), (ChannelStatus::Running, 1)]
    {
        let bot = Bot { status, ..tenant.bot.clone() };
        commit!(db, |tx| tx.apply(fixtures::unexplained(bot.clone())));
        assert_eq!(sendable(db, at(9)).await.len(), count, "{status}");
    }
    let change = fixtures::channel_of(&tenant.bot).delete(&Actor::command_line(), at(1));
    commit!(db, |tx| tx.apply(change));
    assert_eq!(sendable(db, at(9)).await, []);
    assert_eq!(read!(db, |tx| tx.system().outbox().waiting()), 0);
}

#[on_every_db]
async fn a_send_that_was_running_when_its_bot_was_deleted_waits_no_more(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let tenant = given::tenant(db).await;
    tenant.reply::<2>(db, 1).await;
    let send = claimed(db, by, at(0)).await;
    let change = fixtures::channel_of(&tenant.bot).delete(&Actor::command_line(), at(1));
    commit!(db, |tx| tx.apply(change));
    commit!(db, |tx| tx.workspace(tenant.id).outbox().put_back(&send, by, at(2), "x", true));
    assert_eq!(sendable(db, at(9)).await, []);
    assert_eq!(read!(db, |tx| tx.system().outbox().waiting()), 0);
    assert_eq!(read!(db, |tx| tx.system().outbox().next_due(at(0))), None);
    let messages = given::messages(db, &tenant).await;
    assert_eq!(messages[0].delivery, Delivery::Failed);
    let doubts = read!(db, |tx| tx.workspace(tenant.id).outbox().uncertain(send.message_id));
    assert_eq!(doubts, 1, "it may have arrived");

    // Whoever sent it may still say that it did; nobody else.
    assert!(!sent(db, &send, id()).await);
    assert!(sent(db, &send, by).await);
    assert!(!sent(db, &send, by).await);
    let doubts = read!(db, |tx| tx.workspace(tenant.id).outbox().uncertain(send.message_id));
    assert_eq!(doubts, 0);
}

/// Outcomes of a bot's sends are written chat by chat, and so its parts are locked; the later chat
/// comes first in the table.
#[tokio::test]
async fn a_bot_is_deleted_while_outcomes_of_its_sends_are_written() {
    let home = postgres().await;
    // So that the order in the table is the order of who does not ask for one.
    let plain = "DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET enable_indexscan = off', current_database());
        EXECUTE format('ALTER DATABASE %I SET enable_bitmapscan = off', current_database());
    END $$";
    tamper(&home.url, plain).await;
    let db = &Db::open(&home.url, PoolSize { max: 8 }).await.unwrap();
    let by = id();
    let tenant = given::tenant(db).await;
    given::chat(db, &tenant, 9).await.reply::<1>(db, 1).await;
    tenant.reply::<1>(db, 1).await;
    let mut sends = sendable(db, at(0)).await;
    sends.sort_by(|one, other| one.address.cmp(&other.address));
    assert_eq!(sends.iter().map(|send| send.address.as_str()).collect::<Vec<_>>(), ["7", "9"]);
    for send in sends.iter().rev() {
        assert!(claim(db, send, by, at(0)).await);
    }
    let mut tx = db.begin().await.unwrap();
    assert!(
        tx.workspace(tenant.id)
            .outbox()
            .sent(sends[0].id, by, Some(&1.into()), at(1))
            .await
            .unwrap()
    );
    let deleting = {
        let db = db.clone();
        let bot = tenant.bot.clone();
        tokio::spawn(async move {
            let change = fixtures::channel_of(&bot).delete(&Actor::command_line(), at(1));
            commit!(&db, |tx| tx.apply(change))
        })
    };
    while lock_waiters(&home.url).await == 0 {
        sleep(Duration::from_millis(20)).await;
    }
    assert!(
        tx.workspace(tenant.id)
            .outbox()
            .sent(sends[1].id, by, Some(&1.into()), at(1))
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    deleting.await.unwrap();
}

#[on_every_db]
async fn forgetting_keeps_the_chat_s_position(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let tenant = given::tenant(db).await;
    tenant.reply::<3>(db, 1).await;
    for _ in 0..3 {
        let send = claimed(db, by, at(0)).await;
        assert!(sent(db, &send, by).await);
    }
    assert_eq!(commit!(db, |tx| tx.system().outbox().forget(at(1))), 0, "not old enough");
    assert_eq!(commit!(db, |tx| tx.system().outbox().forget(at(2))), 2);
    assert_eq!(commit!(db, |tx| tx.system().outbox().forget(at(2))), 0);
    tenant.reply::<1>(db, 2).await;
    let rows = &given::rows(&home.url, None).await["outbox"];
    assert_eq!(rows.len(), 2);
    let positions = positions(&home.url).await;
    assert_eq!(positions, [3, 4]);
    assert_eq!(commit!(db, |tx| tx.system().outbox().forget(at(9))), 1, "what waits stays");
    assert_eq!(sendable(db, at(9)).await.len(), 1);
}

#[on_every_db]
async fn replies_of_one_dialog_take_positions_in_the_order_of_its_lock(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let mut writers = JoinSet::new();
    for seq in 1..=8 {
        let db = db.clone();
        let tenant = tenant.clone();
        writers.spawn(async move {
            let mut tx = db.begin().await.unwrap();
            tx.workspace(tenant.id).dialogs().lock(tenant.dialog.id).await.unwrap().unwrap();
            queue(&mut tx, &tenant, seq).await.unwrap();
            tx.commit().await.unwrap();
        });
    }
    writers.join_all().await;
    assert_eq!(positions(&home.url).await, (1..=16).collect::<Vec<_>>());
}

#[on_every_db]
async fn replies_of_two_dialogs_of_a_chat_do_not_mix(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    // The lock of a dialog does not keep another dialog of the same chat away.
    let closed = Dialog { id: id(), control: Control::Closed, ..tenant.dialog.clone() };
    commit!(db, |tx| tx.apply(closed.clone().open()));
    let other = Tenant { dialog: closed, ..tenant.clone() };

    let mut first = db.begin().await.unwrap();
    queue(&mut first, &tenant, 1).await.unwrap();
    let mut second = tokio::spawn({
        let db = db.clone();
        async move {
            let mut tx = db.begin().await.unwrap();
            queue(&mut tx, &other, 1).await.unwrap();
            tx.commit().await.unwrap();
            other.dialog.id
        }
    });
    assert!(timeout(Duration::from_millis(100), &mut second).await.is_err(), "it waits");
    first.commit().await.unwrap();
    let later = timeout(Duration::from_secs(10), second).await.unwrap().unwrap();

    assert_eq!(positions(&home.url).await, [1, 2, 3, 4]);
    let by = id();
    let mut order = Vec::new();
    for _ in 0..4 {
        let send = claimed(db, by, at(0)).await;
        order.push((send.dialog_id, send.part));
        assert!(sent(db, &send, by).await);
    }
    let earlier = tenant.dialog.id;
    assert_eq!(order, [(earlier, 1), (earlier, 2), (later, 1), (later, 2)]);
}

#[on_every_db]
async fn a_repeated_id_is_refused(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let (message, [part]) = tenant.reply(db, 1).await;
    let content = given::parts::<1>()[0].1.clone();
    let mut tx = db.begin().await.unwrap();
    let refused = tx
        .workspace(tenant.id)
        .outbox()
        .enqueue(&tenant.dialog, &tenant.contact, message, &[(part, content)], at(0))
        .await;
    assert!(refused.is_err_and(|error| error.is_duplicate()));
}

/// Stores a reply and hands the first of its two parts over.
async fn hand_over(
    tx: &mut replyx_storage::Tx,
    tenant: &Tenant,
    seq: i64,
    by: ProcessId,
) -> Result<bool, StorageError> {
    let message = given::message(tenant.id, tenant.dialog.id, seq);
    tx.apply(given::said(&message)).await?;
    let parts = given::parts::<2>();
    let new = NewParts {
        dialog: &tenant.dialog,
        contact: &tenant.contact,
        message: message.id,
        parts: &parts,
    };
    let handed = tx.system().outbox().hand_over(&[new], by, at(0)).await?;
    Ok(!handed.is_empty())
}

#[on_every_db]
async fn a_part_that_is_handed_over_is_claimed_and_the_rest_waits_for_it(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let by = given::process(db, at(0)).await;
    let mut tx = db.begin().await.unwrap();
    assert!(hand_over(&mut tx, &tenant, 1, by).await.unwrap());
    assert!(!tx.commit().await.unwrap().outbox, "nothing is there to be looked for");
    assert_eq!(sendable(db, at(9)).await, []);

    let mut tx = db.begin().await.unwrap();
    assert!(!hand_over(&mut tx, &tenant, 2, by).await.unwrap(), "the first is unfinished");
    assert!(tx.commit().await.unwrap().outbox);
    assert_eq!(sendable(db, at(9)).await, []);
    assert_eq!(positions(&home.url).await, [1, 2, 3, 4]);

    // The process dies: the part is uncertain, as any that was found `sending`.
    let mut tx = db.begin().await.unwrap();
    tx.system().processes().leave(by).await.unwrap();
    tx.system().processes().reap(Duration::from_mins(1), at(9)).await.unwrap();
    tx.commit().await.unwrap();
    let found = sendable(db, at(9)).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].part, found[0].attempts, found[0].uncertain), (1, 1, 1));
}

#[on_every_db]
async fn who_waits_behind_a_part_is_told_when_it_was_sent(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let tenant = given::tenant(db).await;
    tenant.reply::<2>(db, 1).await;
    for waits in [true, false] {
        let send = claimed(db, by, at(0)).await;
        let mut tx = db.begin().await.unwrap();
        let outbox = tx.workspace(tenant.id).outbox();
        assert!(outbox.sent(send.id, by, None, at(1)).await.unwrap());
        assert_eq!(tx.commit().await.unwrap().outbox, waits);
    }
}

#[on_every_db]
async fn of_two_replies_to_one_chat_at_once_only_one_is_handed_over(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let other = tenant.clone();
    let by = id();
    let (first, second) =
        race!(db, |tx| hand_over(&mut tx, &tenant, 1, by), hand_over(&mut tx, &other, 2, by));
    assert_eq!((first, second), (true, false));
}

/// Stores a reply and queues its two parts.
async fn queue(tx: &mut replyx_storage::Tx, tenant: &Tenant, seq: i64) -> Result<(), StorageError> {
    let message = given::message(tenant.id, tenant.dialog.id, seq);
    tx.apply(given::said(&message)).await?;
    tx.workspace(tenant.id)
        .outbox()
        .enqueue(&tenant.dialog, &tenant.contact, message.id, &given::parts::<2>(), at(0))
        .await
}

async fn positions(url: &str) -> Vec<i64> {
    given::numbers(url, "SELECT position FROM outbox ORDER BY position").await
}

#[on_every_db]
async fn parts_of_a_reply_leave_as_they_were_cut(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let tenant = given::tenant(db).await;
    tenant.reply::<3>(db, 1).await;
    let mut all = Vec::new();
    for _ in 0..3 {
        let send = claimed(db, by, at(0)).await;
        assert_eq!((send.part, send.parts), (i64::try_from(all.len()).unwrap() + 1, 3));
        assert!(sent(db, &send, by).await);
        all.push(send);
    }
    assert_eq!(texts(&all), ["a", "b", "c"]);
}
