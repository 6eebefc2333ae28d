use std::time::Duration;

use replyx_storage::{on_every_db, sweep::BATCH, testing::TestDb};
use tokio::time::timeout;

use crate::given::{self, at};

#[on_every_db]
async fn a_repeated_update_is_taken_once(home: &TestDb) {
    let tenant = given::tenant(&home.db).await;
    assert!(commit!(home.db, |tx| tx.workspace(tenant.id).deliveries().take(
        tenant.bot.id,
        &5.into(),
        at(0)
    )));
    let before = given::rows(&home.url, None).await;
    assert!(!commit!(home.db, |tx| tx.workspace(tenant.id).deliveries().take(
        tenant.bot.id,
        &5.into(),
        at(9)
    )));
    assert_eq!(given::rows(&home.url, None).await, before);
    assert!(commit!(home.db, |tx| tx.workspace(tenant.id).deliveries().take(
        tenant.bot.id,
        &6.into(),
        at(0)
    )));
}

#[on_every_db]
async fn the_same_number_from_another_bot_is_another_update(home: &TestDb) {
    let tenant = given::tenant(&home.db).await;
    let bot = given::bot(tenant.id, tenant.assistant.id);
    commit!(home.db, |tx| tx.apply(replyx_core::fixtures::registered(
        bot.clone(),
        b"x",
        "another"
    )));
    let stranger = given::tenant(&home.db).await;
    for (workspace, bot) in
        [(tenant.id, tenant.bot.id), (tenant.id, bot.id), (stranger.id, stranger.bot.id)]
    {
        assert!(commit!(home.db, |tx| tx.workspace(workspace).deliveries().take(
            bot,
            &5.into(),
            at(0)
        )));
    }
}

#[on_every_db]
async fn of_two_transactions_that_take_an_update_one_gets_it(home: &TestDb) {
    let tenant = given::tenant(&home.db).await;
    let workspace = tenant.id;
    let bot = tenant.bot.id;
    for (update, first_commits) in [(1, true), (2, false)] {
        let mut first = home.db.begin().await.unwrap();
        assert!(
            first.workspace(workspace).deliveries().take(bot, &update.into(), at(0)).await.unwrap()
        );
        let db = home.db.clone();
        let mut second = tokio::spawn(async move {
            commit!(db, |tx| tx.workspace(workspace).deliveries().take(bot, &update.into(), at(0)))
        });
        let early = timeout(Duration::from_millis(100), &mut second).await;
        assert!(early.is_err(), "the second must wait for the first");
        if first_commits {
            first.commit().await.unwrap();
        } else {
            drop(first);
        }
        assert_eq!(second.await.unwrap(), !first_commits);
    }
}

#[on_every_db]
async fn old_updates_are_forgotten(home: &TestDb) {
    let tenant = given::tenant(&home.db).await;
    for (update, taken) in [(1, at(0)), (2, at(100))] {
        commit!(home.db, |tx| tx.workspace(tenant.id).deliveries().take(
            tenant.bot.id,
            &update.into(),
            taken
        ));
    }
    assert_eq!(commit!(home.db, |tx| tx.system().deliveries().forget(at(100))), 1);
    assert!(!commit!(home.db, |tx| tx.workspace(tenant.id).deliveries().take(
        tenant.bot.id,
        &2.into(),
        at(0)
    )));
    assert!(commit!(home.db, |tx| tx.workspace(tenant.id).deliveries().take(
        tenant.bot.id,
        &1.into(),
        at(0)
    )));
}

#[on_every_db]
async fn a_sweep_deletes_a_batch_at_a_time(home: &TestDb) {
    let tenant = given::tenant(&home.db).await;
    let last = BATCH + 1;
    commit!(home.db, |tx| tx.workspace(tenant.id).deliveries().take(
        tenant.bot.id,
        &1.into(),
        at(0)
    ));
    // With these there is one more than a batch.
    let copied = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
         INSERT INTO deliveries (workspace_id, channel_id, key, received_at)
         SELECT workspace_id, channel_id, CAST(n AS TEXT), received_at FROM deliveries, numbers"
    );
    assert_eq!(given::tamper(&home.url, &copied).await, BATCH);

    assert_eq!(commit!(home.db, |tx| tx.system().deliveries().forget(at(100))), BATCH);
    assert_eq!(commit!(home.db, |tx| tx.system().deliveries().forget(at(100))), 1);
    assert_eq!(commit!(home.db, |tx| tx.system().deliveries().forget(at(100))), 0);
}
