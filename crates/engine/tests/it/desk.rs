//! Replies that are settled while delivery is at work in the same process.

use std::time::Duration;

use replyx_core::message::Delivery;
use replyx_storage::{
    on_every_db,
    testing::{self, TestDb},
};
use replyx_testkit::telegram::TelegramFault;

use crate::given::{LONG, Working, World, eventually, received};

/// What takes a part from the outbox.
const CLAIM: &str = "UPDATE outbox SET status = 'sending'";

#[on_every_db]
async fn a_settled_reply_is_sent_without_being_looked_for(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let working = Working::start(&engine);

    world.say(&engine, &line, 7, "hello").await;
    assert!(line.chat(7).wait_until(1, LONG).await, "nothing was sent");
    eventually("the outcome", async || (world.count("message.delivered").await == 1).then_some(()))
        .await;
    working.stop().await;

    assert_eq!(received(&line.chat(7)), ["You said: hello"]);
    let claims = testing::statements(&db.db).into_iter().find(|text| text.contains(CLAIM));
    assert_eq!(claims, None, "it was handed over");
}

#[on_every_db]
async fn a_reply_waits_behind_what_is_on_its_way_to_its_chat(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.reply(&line, 7, "one").await;
    world.telegram.inject(TelegramFault::Delay(Duration::from_secs(1)).on("sendMessage"));
    let working = Working::sends(&engine);
    eventually("the send to begin", async || (world.telegram.faults_left() == 0).then_some(()))
        .await;

    world.say(&engine, &line, 7, "hello").await;
    assert_eq!(world.answer(&engine).await, 1);
    assert!(line.chat(7).wait_until(2, LONG).await, "nothing was sent");
    working.stop().await;
    assert_eq!(received(&line.chat(7)), ["one", "You said: hello"]);
}

#[on_every_db]
async fn a_reply_in_a_channel_that_does_not_run_waits(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let working = Working::sends(&engine);
    world.say(&engine, &line, 7, "hello").await;
    let mut tx = engine.db.begin().await.unwrap();
    tx.apply(line.bot.clone().fail("gone", world.clock.now()).unwrap()).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(world.answer(&engine).await, 1);
    working.stop().await;
    let reply = world.messages().await.pop().unwrap();
    assert_eq!(reply.delivery, Delivery::Queued);
    assert_eq!((world.waiting().await, received(&line.chat(7))), (1, vec![]));
}

#[on_every_db]
async fn without_delivery_in_this_process_a_reply_is_left_to_others(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    Working::sends(&engine).stop().await;

    world.say(&engine, &line, 7, "hello").await;
    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!((world.waiting().await, received(&line.chat(7))), (1, vec![]));
}

/// The transaction fails at its very end, and nobody can know whether it lasted.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_whose_commit_failed_is_stored_and_sent_once() {
    let db = &testing::postgres().await;
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    for sql in [
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             RAISE EXCEPTION 'the commit fails';
         END $$",
        "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON outbox
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()",
    ] {
        testing::tamper(&db.url, sql).await;
    }
    let working = Working::start(&engine);
    world.say(&engine, &line, 7, "hello").await;
    let doubted = "UPDATE outbox SET status = CASE WHEN $6 = 1";
    eventually("the part to be taken back", async || {
        testing::statements(&db.db).iter().any(|text| text.contains(doubted)).then_some(())
    })
    .await;
    assert_eq!((world.said().await.len(), received(&line.chat(7))), (1, vec![]));

    testing::tamper(&db.url, "DROP TRIGGER fail ON outbox").await;
    assert!(line.chat(7).wait_until(1, LONG).await, "nothing was sent");
    eventually("the outcome", async || (world.count("message.delivered").await == 1).then_some(()))
        .await;
    working.stop().await;
    assert_eq!(received(&line.chat(7)), ["You said: hello"]);
    assert_eq!(world.waiting().await, 0);
}
