use std::time::Duration;

use replyx_core::{
    event::Event,
    ids::MessageId,
    message::Delivery::{self, Delivered, Failed},
    role::Role,
};
use replyx_engine::{
    control::{self, ControlError},
    replies::{self, WriteError},
};
use replyx_storage::{on_every_db, testing::TestDb};
use replyx_testkit::{proxy::BreakingProxy, telegram::TelegramFault};

use crate::{
    delivery::failure,
    given::{Working, World, eventually, received},
};

/// How many sends of unknown outcome the log tells of a delivered reply.
async fn uncertain(world: &World<'_>, id: MessageId) -> i64 {
    let events = world.events().await;
    let of = |event| match event {
        Event::MessageDelivered { message_id, uncertain, .. } if message_id == id => {
            Some(uncertain)
        }
        _ => None,
    };
    events.into_iter().find_map(of).expect("the log tells of the delivery")
}

#[on_every_db]
async fn a_server_in_trouble_is_asked_again(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    for status in [500, 502, 503] {
        world.telegram.inject(TelegramFault::Status(status).on("sendMessage"));
    }
    let reply = world.reply(&line, 7, "hello").await;
    let working = Working::sends(&engine);
    assert_eq!(world.delivered(reply).await, Delivered);
    working.stop().await;
    assert_eq!((line.chat(7).sent_total(), uncertain(&world, reply).await), (1, 0));
    assert_eq!(world.telegram.faults_left(), 0);
}

#[on_every_db]
async fn a_refused_connection_is_tried_again_and_nothing_is_uncertain(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let proxy = BreakingProxy::to(world.telegram.addr()).unwrap();
    let engine = world.engine_on(db.db.clone(), &proxy.url(), |_| {}).await;
    proxy.refuse().await;
    let reply = world.reply(&line, 7, "hello").await;
    let working = Working::sends(&engine);
    world.postponed(1).await;
    proxy.restore().await;
    assert_eq!(world.delivered(reply).await, Delivered);
    working.stop().await;
    assert_eq!((line.chat(7).sent_total(), uncertain(&world, reply).await), (1, 0));
}

#[on_every_db]
async fn attempts_come_to_an_end(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine_with(|settings| settings.send_backoff.attempts = 3).await;
    let trouble = TelegramFault::Status(500).on("sendMessage").times(3);
    world.telegram.inject(trouble);
    let lost = world.reply(&line, 7, "lost").await;
    let next = world.reply(&line, 7, "next").await;
    let working = Working::sends(&engine);
    assert_eq!(world.delivered(next).await, Delivered);
    working.stop().await;
    assert_eq!(world.delivery(lost).await, Failed);
    assert_eq!(received(&line.chat(7)), ["next"]);
}

#[on_every_db]
async fn a_send_of_unknown_outcome_is_repeated_once_and_counted(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.telegram.inject(TelegramFault::BreakAfter.on("sendMessage").in_chat(7));
    world.telegram.inject(TelegramFault::BreakBefore.on("sendMessage").in_chat(8));
    let sent_twice = world.reply(&line, 7, "hello").await;
    let sent_once = world.reply(&line, 8, "hello").await;
    let behind = world.reply(&line, 7, "behind").await;
    let working = Working::sends(&engine);
    for message in [sent_twice, sent_once, behind] {
        assert_eq!(world.delivered(message).await, Delivered);
    }
    working.stop().await;

    assert_eq!(received(&line.chat(7)), ["hello", "hello", "behind"]);
    assert_eq!(received(&line.chat(8)), ["hello"]);
    assert_eq!(uncertain(&world, sent_twice).await, 1);
    assert_eq!(uncertain(&world, sent_once).await, 1);
    assert_eq!(uncertain(&world, behind).await, 0);
}

#[on_every_db]
async fn what_is_unknown_twice_is_not_tried_a_third_time(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.telegram.inject(TelegramFault::BreakAfter.on("sendMessage").in_chat(7).times(2));
    let twice = world.reply(&line, 7, "twice").await;
    let next = world.reply(&line, 7, "next").await;
    let working = Working::sends(&engine);
    assert_eq!(world.delivered(next).await, Delivered);
    working.stop().await;

    assert_eq!(world.delivery(twice).await, Failed);
    assert_eq!(received(&line.chat(7)), ["twice", "twice", "next"]);
    let mut tx = db.db.read().await.unwrap();
    let outbox = tx.workspace(world.workspace).outbox();
    assert_eq!(outbox.uncertain(twice).await.unwrap(), 2);
    drop(tx);
    failure(&world, twice).await;
}

#[on_every_db]
async fn trouble_between_two_unknown_sends_earns_no_third(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    for fault in [TelegramFault::BreakAfter, TelegramFault::Status(500), TelegramFault::BreakAfter]
    {
        world.telegram.inject(fault.on("sendMessage"));
    }
    let reply = world.reply(&line, 7, "hello").await;
    let working = Working::sends(&engine);
    assert_eq!(world.delivered(reply).await, Failed);
    working.stop().await;
    assert_eq!(line.chat(7).sent_total(), 2);
}

#[on_every_db]
async fn the_send_of_a_dead_process_is_repeated_as_uncertain(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let dead = world.engine().await;
    let alive = world.engine().await;
    world.telegram.inject(TelegramFault::HangAfter.on("sendMessage"));
    let reply = world.reply(&line, 7, "hello").await;
    let dying = Working::sends(&dead);
    assert!(line.chat(7).wait_until(1, Duration::from_secs(10)).await);
    assert_eq!(world.sendable().await, 0, "a send can be taken from the living");
    world.bury(&dead).await;
    let working = Working::sends(&alive);
    assert_eq!(world.delivered(reply).await, Delivered);
    assert_eq!((line.chat(7).sent_total(), uncertain(&world, reply).await), (2, 1));
    working.stop().await;
    drop(dying);
}

#[on_every_db]
async fn a_customer_who_blocked_the_bot_is_left_alone_until_they_write(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    line.chat(7).block();
    let refused = world.reply(&line, 7, "are you there?").await;
    let working = Working::start(&engine);
    assert_eq!(world.delivered(refused).await, Failed);
    assert_eq!(blocked(&world).await, [true]);
    assert!(failure(&world, refused).await.contains("may not write"));

    line.chat(7).unblock();
    world.say(&engine, &line, 7, "hello").await;
    assert!(line.chat(7).wait_until(1, Duration::from_secs(10)).await);
    working.stop().await;
    assert_eq!(blocked(&world).await, [true, false]);
    assert_eq!(received(&line.chat(7)), ["You said: hello"]);
}

async fn blocked(world: &World<'_>) -> Vec<bool> {
    let events = world.events().await;
    let of = |event| match event {
        Event::ContactBlocked { blocked, .. } => Some(blocked),
        _ => None,
    };
    events.into_iter().filter_map(of).collect()
}

#[on_every_db]
async fn markup_that_telegram_refuses_is_sent_as_plain_text(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.telegram.inject(TelegramFault::RefuseEntities.on("sendMessage"));
    let plain = world.reply(&line, 7, "**Bold** & <b>odd</b>").await;
    let formatted = world.reply(&line, 7, "**Bold**").await;
    let working = Working::sends(&engine);
    for message in [plain, formatted] {
        assert_eq!(world.delivered(message).await, Delivered);
    }
    working.stop().await;

    let sent = line.chat(7).sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(
        (sent[0].parse_mode.as_deref(), sent[1].parse_mode.as_deref()),
        (None, Some("HTML"))
    );
    assert!(sent[0].plain.starts_with("Bold & "), "{}", sent[0].plain);
    assert_eq!(sent[1].text, "<b>Bold</b>");
}

#[on_every_db]
async fn a_broken_plain_text_after_refused_markup_is_uncertain_too(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.telegram.inject(TelegramFault::RefuseEntities.on("sendMessage").times(2));
    world.telegram.inject(TelegramFault::BreakAfter.on("sendMessage"));
    let reply = world.reply(&line, 7, "**Bold**").await;
    let working = Working::sends(&engine);
    eventually("the reply to be sent", async || (line.chat(7).sent_total() == 2).then_some(()))
        .await;
    assert_eq!(world.delivered(reply).await, Delivered);
    working.stop().await;
    assert_eq!(uncertain(&world, reply).await, 1);
}

#[on_every_db]
async fn what_the_channel_refused_is_sent_again_when_somebody_asks(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine_with(|settings| settings.send_backoff.attempts = 1).await;
    let kim = world.member("Kim", Role::Operator).await;
    world.telegram.inject(TelegramFault::Status(500).on("sendMessage"));
    let reply = world.reply(&line, 7, "hello").await;
    let refused = replies::retry(&engine, &kim, reply).await.unwrap_err();
    assert!(matches!(refused, WriteError::NotFailed), "it is on its way");
    let working = Working::sends(&engine);
    assert_eq!(world.delivered(reply).await, Failed);

    let retried = replies::retry(&engine, &kim, reply).await.unwrap();
    assert_eq!(retried.delivery, Delivery::Queued);
    assert_eq!(world.delivered(reply).await, Delivered);
    working.stop().await;
    assert_eq!(received(&line.chat(7)), ["hello"]);
    assert_eq!(world.count("message.retried").await, 1);
    let refused = replies::retry(&engine, &kim, reply).await.unwrap_err();
    assert!(matches!(refused, WriteError::NotFailed));

    // What the assistant said does not leave while somebody has the dialog.
    world.telegram.inject(TelegramFault::Status(500).on("sendMessage"));
    let late = world.reply(&line, 7, "late").await;
    let working = Working::sends(&engine);
    assert_eq!(world.delivered(late).await, Failed);
    working.stop().await;
    let dialog = world.dialog().await;
    control::take_over(&engine, &kim, dialog.id, None).await.unwrap();
    let refused = replies::retry(&engine, &kim, late).await.unwrap_err();
    assert!(matches!(refused, WriteError::Control(ControlError::NotYours { .. })));
    let refused = replies::retry(&engine, &kim, world.clock.id()).await.unwrap_err();
    assert!(matches!(refused, WriteError::NoMessage));
}
