use std::time::Duration;

use replyx_channels::telegram::Rates;
use replyx_core::{
    act::Actor,
    channel::ChannelStatus,
    event::Event,
    fixtures,
    ids::MessageId,
    message::Delivery::{Delivered, Failed, Queued},
};
use replyx_storage::{on_every_db, testing::TestDb};
use replyx_testkit::telegram::{Excess, TelegramFault};
use tokio::time::Instant;

use crate::given::{LONG, Line, Working, World, eventually, received};

#[on_every_db]
async fn replies_leave_in_order_and_a_stuck_chat_holds_nobody_else_up(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.telegram.inject(TelegramFault::Status(502).on("sendMessage").in_chat(7).times(4));
    let mut last = Vec::new();
    for number in 0..5 {
        for chat in [7, 8, 9] {
            last.push(world.reply(&line, chat, &format!("{chat}.{number}")).await);
        }
    }
    let working = Working::sends(&engine);
    for message in last {
        assert_eq!(world.delivered(message).await, Delivered);
    }
    working.stop().await;

    for chat in [7, 8, 9] {
        let expected: Vec<_> = (0..5).map(|number| format!("{chat}.{number}")).collect();
        assert_eq!(received(&line.chat(chat)), expected);
    }
    let first_of_7 = line.chat(7).sent()[0].at;
    assert!(line.chat(8).sent()[4].at < first_of_7, "waited for another chat");
    world.assert_manners();
}

#[on_every_db]
async fn a_chat_that_was_too_fast_waits_and_the_others_go_on(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let flood = TelegramFault::TooManyRequests { retry_after: 3 };
    world.telegram.inject(flood.on("sendMessage").in_chat(7));
    let held = world.reply(&line, 7, "held").await;
    let behind = world.reply(&line, 7, "behind").await;
    // Before the worker begins: it may be refused before this task goes on.
    let begun = Instant::now();
    let working = Working::sends(&engine);
    eventually("the refusal", async || (world.telegram.faults_left() == 0).then_some(())).await;
    let free = world.reply(&line, 8, "free").await;
    World::ring(&engine);
    assert_eq!(world.delivered(free).await, Delivered);

    for message in [held, behind] {
        assert_eq!(world.delivered(message).await, Delivered);
    }
    working.stop().await;
    let first_of_7 = line.chat(7).sent()[0].at;
    assert!(line.chat(8).sent()[0].at < first_of_7, "waited for another chat");
    assert_eq!(received(&line.chat(7)), ["held", "behind"]);
    assert!(first_of_7 - begun >= Duration::from_secs(3));
}

#[on_every_db]
async fn two_chats_that_were_too_fast_stop_their_bot_and_no_other(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let other = world.line().await;
    let engine = world.engine().await;
    for chat in [7, 8] {
        let flood = TelegramFault::TooManyRequests { retry_after: 4 };
        world.telegram.inject(flood.on("sendMessage").in_chat(chat));
    }
    let mut all = vec![world.reply(&line, 7, "a").await, world.reply(&line, 8, "b").await];
    let begun = Instant::now();
    let working = Working::sends(&engine);
    world.postponed(2).await;
    all.push(world.reply(&line, 9, "c").await);
    let free = world.reply(&other, 9, "d").await;
    World::ring(&engine);
    assert_eq!(world.delivered(free).await, Delivered);

    for message in all {
        assert_eq!(world.delivered(message).await, Delivered);
    }
    working.stop().await;
    for chat in [7, 8, 9] {
        let sent = line.chat(chat).sent();
        assert_eq!(sent.len(), 1);
        assert!(sent[0].at - begun >= Duration::from_millis(3950), "chat {chat} did not wait");
        assert!(other.chat(9).sent()[0].at < sent[0].at, "another bot was stopped");
    }
}

#[on_every_db]
async fn a_flood_in_one_bot_does_not_hide_the_reply_of_another(db: &TestDb) {
    let world = World::open(db).await;
    let flooded = world.line().await;
    let other = world.line().await;
    let engine = world.engine_paced(Rates::new(2, 1, 1)).await;
    for chat in 1..=150 {
        world.reply(&flooded, chat, "flood").await;
    }
    let free = world.reply(&other, 7, "free").await;
    let working = Working::sends(&engine);
    assert_eq!(world.delivered(free).await, Delivered);
    let sent_before = flooded.fake.sent_total();
    working.stop().await;
    assert!(sent_before < 75, "{sent_before} of the flood came before");
}

#[on_every_db]
async fn telegrams_limits_are_kept(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine_paced(Rates::default()).await;
    let mut all = Vec::new();
    for number in 0..3 {
        for chat in 1..=25 {
            all.push(world.reply(&line, chat, &number.to_string()).await);
        }
    }
    for number in 0..22 {
        world.reply(&line, -5, &number.to_string()).await;
    }
    let working = Working::sends(&engine);
    let begun = Instant::now();
    for message in all {
        assert_eq!(world.delivered(message).await, Delivered);
    }
    eventually("the group", async || (line.chat(-5).sent_total() >= 2).then_some(())).await;
    working.stop().await;
    let took = begun.elapsed();

    assert_eq!(line.fake.excess(), Excess::default());
    // One every three seconds, besides those of the first moment.
    let most = 6 + took.as_secs() / 3;
    assert!(line.chat(-5).sent_total() <= most);
    for chat in 1..=25 {
        let sent = line.chat(chat).sent();
        // A second, less what a busy machine delays a message on its way.
        let gap = Duration::from_millis(600);
        assert!(sent.windows(2).all(|pair| pair[1].at - pair[0].at > gap), "chat {chat}");
    }
}

#[on_every_db]
async fn a_long_answer_arrives_in_parts(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let paragraph = |number| format!("**{number}** {}", "слово ".repeat(300));
    let answer: Vec<String> = (0..6).map(paragraph).collect();
    let reply = world.reply(&line, 7, &answer.join("\n\n")).await;
    let next = world.reply(&line, 7, "next").await;
    let working = Working::sends(&engine);
    for message in [reply, next] {
        assert_eq!(world.delivered(message).await, Delivered);
    }
    working.stop().await;

    let received = received(&line.chat(7));
    assert!(received.len() > 3, "{}", received.len());
    assert_eq!(received.last().unwrap(), "next");
    let whole = received.concat();
    let places: Vec<_> = (0..6).map(|number| whole.find(&number.to_string())).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{places:?}");
    assert_eq!(world.count("message.delivered").await, 2, "once for all parts");
    world.assert_manners();
}

#[on_every_db]
async fn a_part_that_fails_takes_the_rest_with_it_and_nothing_else(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let refusal =
        TelegramFault::Error { code: 400, description: "Bad Request: TOPIC_CLOSED".to_owned() };
    world.telegram.inject(refusal.on("sendMessage").every(2));
    let long = world.reply(&line, 7, &"word ".repeat(3000)).await;
    let next = world.reply(&line, 7, "next").await;
    let working = Working::sends(&engine);
    assert_eq!(world.delivered(next).await, Delivered);
    working.stop().await;

    assert_eq!(world.delivery(long).await, Failed);
    let received = received(&line.chat(7));
    assert_eq!((received.len(), received[1].as_str()), (2, "next"));
    let error = failure(&world, long).await;
    assert!(error.contains("TOPIC_CLOSED"), "{error}");
}

/// Why a reply failed, as the log says it: once.
pub(crate) async fn failure(world: &World<'_>, id: MessageId) -> String {
    let events = world.events().await;
    let mut of_it = events.into_iter().filter_map(|event| match event {
        Event::MessageFailed { message_id, error, .. } if message_id == id => Some(error),
        _ => None,
    });
    let error = of_it.next().expect("the log tells of the failure");
    assert_eq!(of_it.next(), None);
    error
}

#[on_every_db]
async fn with_a_revoked_token_replies_wait_until_the_bot_is_started_again(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let other = world.line().await;
    let engine = world.engine().await;
    world.telegram.revoke(line.fake.token());
    let waiting = [world.reply(&line, 7, "one").await, world.reply(&line, 7, "two").await];
    let free = world.reply(&other, 7, "free").await;
    let working = Working::sends(&engine);
    let failed = eventually("the bot to fail", async || {
        Some(bot(&world, &line).await).filter(|bot| bot.status == ChannelStatus::Failed)
    })
    .await;
    assert!(failed.error.unwrap().contains("token"));
    assert_eq!(world.delivered(free).await, Delivered);

    // The queue has been looked through when a later reply of the other bot arrives.
    let later = world.reply(&other, 8, "later").await;
    World::ring(&engine);
    assert_eq!(world.delivered(later).await, Delivered);
    assert_eq!(world.delivery(waiting[0]).await, Queued);

    let fake = world.telegram.add_bot(line.fake.token(), "shop_bot");
    let chat = fake.customer(7);
    let mut tx = engine.db.begin().await.unwrap();
    let mut started =
        tx.workspace(world.workspace).bots().find(line.bot.id).await.unwrap().unwrap();
    (started.status, started.error) = (ChannelStatus::Running, None);
    tx.apply(fixtures::unexplained(started)).await.unwrap();
    tx.commit().await.unwrap();

    for message in waiting {
        assert_eq!(world.delivered(message).await, Delivered);
    }
    working.stop().await;
    assert_eq!(received(&chat), ["one", "two"]);
}

async fn bot(world: &World<'_>, line: &Line) -> replyx_core::bot::Bot {
    let mut tx = world.db.db.read().await.unwrap();
    tx.workspace(world.workspace).bots().find(line.bot.id).await.unwrap().unwrap()
}

#[on_every_db]
async fn of_a_deleted_bot_what_waits_fails_and_what_arrived_is_delivered(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let arrived = world.reply(&line, 7, "one").await;
    let waits = world.reply(&line, 7, "two").await;
    world.telegram.inject(TelegramFault::Delay(Duration::from_secs(3)).on("sendMessage"));
    let working = Working::sends(&engine);
    eventually("the send to begin", async || (world.telegram.faults_left() == 0).then_some(()))
        .await;
    let mut tx = engine.db.begin().await.unwrap();
    let channel = fixtures::channel_of(&line.bot);
    tx.apply(channel.delete(&Actor::command_line(), world.clock.now())).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.delivery(arrived).await, Failed, "as far as is known yet");
    eventually("the outcome", async || (world.count("message.delivered").await == 1).then_some(()))
        .await;
    working.stop().await;

    assert_eq!(world.delivery(arrived).await, Delivered);
    assert_eq!(world.delivery(waits).await, Failed);
    assert_eq!(received(&line.chat(7)), ["one"]);
    assert_eq!(world.waiting().await, 0);
}

#[on_every_db]
async fn replies_follow_a_group_that_became_a_supergroup(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let first = world.reply(&line, -77, "one").await;
    let second = world.reply(&line, -77, "two").await;
    let supergroup = line.chat(-77).upgrade_unheard(-1_001_234_567_890);
    let working = Working::sends(&engine);
    for message in [first, second] {
        assert_eq!(world.delivered(message).await, Delivered);
    }
    // The contact has moved with them.
    let third = world.reply(&line, -77, "three").await;
    World::ring(&engine);
    assert_eq!(world.delivered(third).await, Delivered);
    working.stop().await;

    assert_eq!(received(&supergroup), ["one", "two", "three"]);
    assert_eq!(line.fake.refused().len(), 1, "{:?}", line.fake.refused());
    assert_eq!(world.waiting().await, 0);
}

#[on_every_db]
async fn replies_go_where_the_supergroup_was_met_first(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let old = world.reply(&line, -77, "old").await;
    let supergroup = line.chat(-77).upgrade_unheard(-1_001_234_567_890);
    let new = world.reply(&line, -1_001_234_567_890, "new").await;
    let working = Working::sends(&engine);
    for message in [old, new] {
        assert_eq!(world.delivered(message).await, Delivered);
    }
    working.stop().await;
    let mut said = received(&supergroup);
    said.sort();
    assert_eq!(said, ["new", "old"]);
}

#[on_every_db]
async fn a_reply_follows_once(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let reply = world.reply(&line, -77, "one").await;
    let there = line.chat(-77).upgrade_unheard(-1_001_234_567_890);
    // A server that sends us in a circle.
    let _ = there.upgrade_unheard(-1_009_999_999_999);
    let working = Working::sends(&engine);
    assert_eq!(world.delivered(reply).await, Failed);
    working.stop().await;
    assert_eq!(line.fake.refused().len(), 2);
    assert_eq!(world.waiting().await, 0);
}

#[on_every_db]
async fn a_stop_waits_for_the_sends_under_way_and_begins_no_others(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.telegram.inject(TelegramFault::Delay(Duration::from_millis(600)).on("sendMessage"));
    let under_way = world.reply(&line, 7, "under way").await;
    let behind = world.reply(&line, 7, "behind").await;
    let working = Working::sends(&engine);
    eventually("the send to begin", async || (world.telegram.faults_left() == 0).then_some(()))
        .await;
    working.stop().await;

    assert_eq!(world.delivery(under_way).await, Delivered);
    assert_eq!(world.delivery(behind).await, Queued);
    assert_eq!(received(&line.chat(7)), ["under way"]);

    let working = Working::sends(&engine);
    assert_eq!(world.delivered(behind).await, Delivered);
    working.stop().await;
}

#[on_every_db]
async fn two_processes_send_each_part_once_and_in_order(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let working = [Working::sends(&world.engine().await), Working::sends(&world.engine().await)];
    for number in 0..20 {
        for chat in 1..=5 {
            world.reply(&line, chat, &number.to_string()).await;
        }
    }
    assert!(line.fake.wait_until_sent(100, LONG).await);
    eventually("all outcomes to be written", async || {
        (world.count("message.delivered").await == 100).then_some(())
    })
    .await;
    for work in working {
        work.stop().await;
    }
    let expected: Vec<_> = (0..20).map(|number: i32| number.to_string()).collect();
    for chat in 1..=5 {
        assert_eq!(received(&line.chat(chat)), expected);
    }
}
