//! The way to the database breaks. Only `PostgreSQL` has one that can.

use std::net::SocketAddr;

use replyx_core::message::Delivery;
use replyx_storage::{Db, PoolSize, testing};
use replyx_testkit::{
    Hold,
    proxy::{BreakingProxy, Direction},
    telegram::TelegramFault,
};

use crate::given::{LONG, Working, World, eventually, received};

/// A way to a database that can be broken.
pub(crate) struct Wire {
    pub(crate) proxy: BreakingProxy,
    pub(crate) url: String,
}

impl Wire {
    pub(crate) fn to(url: &str) -> Self {
        let (before, rest) = url.split_once('@').expect("the address has a user");
        let (host, after) = rest.split_once('/').expect("the address has a database");
        let target: SocketAddr =
            host.replace("localhost", "127.0.0.1").parse().expect("a server on loopback");
        let proxy = BreakingProxy::to(target).unwrap();
        let url = format!("{before}@{}/{after}", proxy.addr());
        Self { proxy, url }
    }

    /// Cuts all connections, and new ones before the first answer.
    fn cut(&self) {
        self.proxy.cut_after(Direction::Down, 0);
        self.proxy.cut_all();
    }

    /// Waits until a connection has been attempted so many times more.
    async fn attempted(&self, times: u64) {
        let before = self.proxy.accepted();
        eventually("the database to be tried", async || {
            (self.proxy.accepted() >= before + times).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_whose_settling_breaks_leaves_nothing_and_is_run_again() {
    let db = testing::postgres().await;
    let world = World::open(&db).await;
    let wire = Wire::to(&db.url);
    let broken = Db::open(&wire.url, PoolSize { max: 4 }).await.unwrap();
    let engine = world.engine_on(broken, &world.telegram.url(), |_| {}).await;
    let line = world.line().await;
    world.say(&*world.engine().await, &line, 7, "hello").await;
    let turn = world.claim_one(&engine).await;
    // Settling waits for the dialog when the connection breaks, however fast or slow the turn is.
    let mut holder = db.db.begin().await.unwrap();
    let id = world.dialog().await.id;
    holder.workspace(world.workspace).dialogs().lock(id).await.unwrap().unwrap();
    let running = world.begin_turn(&engine, turn).await;
    world.held_up(1).await;
    wire.cut();
    drop(holder);
    wire.attempted(2).await;
    assert_eq!(world.said().await, ["customer: hello"]);
    assert_eq!((world.turns().await, world.waiting().await), (1, 0));
    assert!(!running.is_finished(), "given up while the database was away");

    wire.proxy.restore().await;
    running.await.unwrap();
    eventually("the turn to be due again", async || {
        (world.answer(&engine).await == 1).then_some(())
    })
    .await;
    assert_eq!(world.said().await, ["customer: hello", "assistant: You said: hello"]);
    assert_eq!((world.turns().await, world.waiting().await), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_answer_that_cannot_be_settled_is_not_asked_for_without_end() {
    let db = testing::postgres().await;
    let world = World::open(&db).await;
    let engine = world.engine_with(|settings| settings.turn_attempts = 3).await;
    let line = world.line().await;
    world.say(&engine, &line, 7, "hello").await;
    // The database undoes what stores the answer of the model, as a deadlock would.
    for sql in [
        "CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             RAISE EXCEPTION 'undone' USING ERRCODE = '40001';
         END $$",
        "CREATE TRIGGER undo BEFORE INSERT ON messages FOR EACH ROW
         WHEN (NEW.text LIKE 'You said%') EXECUTE FUNCTION undo()",
    ] {
        testing::tamper(&db.url, sql).await;
    }

    eventually("the turn to end", async || {
        world.answer(&engine).await;
        (world.turns().await == 0).then_some(())
    })
    .await;

    assert_eq!(world.model.request_count(), 3, "each attempt is paid for");
    assert_eq!(world.said().await, ["customer: hello", "assistant: Something is broken."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_written_when_the_database_is_back() {
    let db = testing::postgres().await;
    let world = World::open(&db).await;
    let wire = Wire::to(&db.url);
    let broken = Db::open(&wire.url, PoolSize { max: 4 }).await.unwrap();
    let engine = world.engine_on(broken, &world.telegram.url(), |_| {}).await;
    let line = world.line().await;
    let reply = world.reply(&line, 7, "hello").await;
    let hold = Hold::default();
    world.telegram.inject(TelegramFault::Hold(hold.clone()).on("sendMessage"));
    let working = Working::sends(&engine);
    hold.reached().await;
    wire.cut();
    hold.release();
    assert!(line.chat(7).wait_until(1, LONG).await);
    wire.attempted(2).await;
    assert_eq!(world.delivery(reply).await, Delivery::Queued);

    wire.proxy.restore().await;
    assert_eq!(world.delivered(reply).await, Delivery::Delivered);
    working.stop().await;
    assert_eq!(line.chat(7).sent_total(), 1);
}

/// Each connection breaks after so many bytes of answers: within a claim, behind its commit,
/// anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_connection_breaks_each_message_is_answered_once_heavy() {
    /// So many connections are made before everything passes again.
    const BROKEN: u64 = 3;
    let db = testing::postgres().await;
    let world = World::open(&db).await;
    let wire = Wire::to(&db.url);
    let broken = Db::open(&wire.url, PoolSize { max: 4 }).await.unwrap();
    let engine = world.engine_on(broken, &world.telegram.url(), |_| {}).await;
    let intake = world.engine().await;
    let line = world.line().await;
    let working = Working::start(&engine);

    let mut asked = Vec::new();
    for number in 0..16_u64 {
        wire.proxy.cut_after(Direction::Down, 700 + 230 * number);
        wire.proxy.cut_all();
        let text = format!("question {number}");
        world.say(&intake, &line, 7, &text).await;
        asked.push(format!("You said: {text}"));
        World::ring(&engine);
        let before = wire.proxy.accepted();
        let is_done = async || world.turns().await == 0 && world.waiting().await == 0;
        eventually("connections to break", async || {
            (wire.proxy.accepted() >= before + BROKEN || is_done().await).then_some(())
        })
        .await;
        wire.proxy.restore().await;
        eventually("the answer", async || is_done().await.then_some(())).await;
    }
    eventually("the deliveries to be written", async || {
        let messages = world.messages().await;
        messages.iter().all(|message| message.delivery != Delivery::Queued).then_some(())
    })
    .await;
    working.stop().await;

    let fallback = |text: &String| text != "Something is broken.";
    let answers: Vec<String> = received(&line.chat(7)).into_iter().filter(fallback).collect();
    assert_eq!(answers, asked);
}
