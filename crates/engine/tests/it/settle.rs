use replyx_core::{
    event::Event,
    ids::ChannelId,
    message::{Delivery, Outcome},
};
use replyx_engine::{
    check, context,
    settle::{self, Settled},
    usage::Ledger,
};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{World, loaded};

#[on_every_db]
async fn reply_parts_and_events_are_stored_together(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "hello").await;
    world.answer(&engine).await;

    let reply = world.messages().await.pop().unwrap();
    assert_eq!((reply.seq, reply.delivery), (2, Delivery::Queued));
    let answer = reply.answer.unwrap();
    assert_eq!((answer.outcome, answer.model.as_str()), (Outcome::Answered, "gpt-4o-mini"));
    assert!(answer.prompt_tokens > 0 && answer.first_token_ms.is_some());
    let dialog = world.dialog().await;
    assert_eq!((dialog.last_seq, dialog.heard_seq, dialog.answered_seq), (2, 1, 1));
    assert_eq!((world.turns().await, world.waiting().await), (0, 1));
    let settled = world.events().await.pop().unwrap();
    assert!(
        matches!(settled, Event::ReplySettled { seq: 2, message_id, .. } if message_id == reply.id)
    );
}

#[on_every_db]
async fn of_a_reply_that_cannot_be_queued_nothing_lasts(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "hello").await;
    let turn = world.claim_one(&engine).await;
    let mut known = loaded(context::load(&engine, &turn).await.unwrap());
    let reply = check::fixed(&known.ask, "an answer".to_owned(), Outcome::Answered);
    let before = (world.said().await, world.events().await, world.dialog().await);

    let right = std::mem::replace(&mut known.contact.channel_id, world.clock.id::<ChannelId>());
    settle::store(&engine, &turn, &known, reply.clone(), Ledger::default()).await.unwrap_err();
    assert_eq!((world.said().await, world.events().await, world.dialog().await), before);
    assert_eq!((world.turns().await, world.waiting().await), (1, 0));

    known.contact.channel_id = right;
    let settled =
        settle::store(&engine, &turn, &known, reply.clone(), Ledger::default()).await.unwrap();
    assert_eq!(settled, Settled::Stored);
    let twice = settle::store(&engine, &turn, &known, reply, Ledger::default()).await.unwrap();
    assert_eq!(twice, Settled::Lost);
    assert_eq!(world.said().await, ["customer: hello", "assistant: an answer"]);
    assert_eq!((world.turns().await, world.waiting().await), (0, 1));
}
