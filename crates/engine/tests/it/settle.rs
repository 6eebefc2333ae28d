use std::sync::Arc;

use futures::future::join_all;
use replyx_core::{
    channel::Address,
    event::Event,
    ids::ChannelId,
    message::{Delivery, Outcome},
};
use replyx_engine::{
    Engine, check, context,
    settle::{self, Settled},
    usage::Ledger,
};
use replyx_storage::{
    Db, PoolSize, StorageError, on_every_db,
    testing::{self, TestDb},
};

use crate::given::{Line, World, loaded};

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

/// Asks in so many chats, and settles all the replies while nothing can be written. `spoil` changes
/// what one of the turns knows. Returns what became of each, and how many transactions it took.
async fn settled_together(
    world: &World<'_>,
    line: &Line,
    engine: &Arc<Engine>,
    chats: i64,
    spoil: Option<usize>,
) -> (Vec<Result<Settled, StorageError>>, u64) {
    for chat in 1..=chats {
        world.say(engine, line, chat, "hello").await;
    }
    let turns = world.claim(engine).await;
    assert_eq!(turns.len(), usize::try_from(chats).unwrap());
    let mut known = Vec::new();
    for turn in &turns {
        known.push(loaded(context::load(engine, turn).await.unwrap()));
    }
    if let Some(spoiled) = spoil {
        known[spoiled].contact.channel_id = world.clock.id::<ChannelId>();
    }
    testing::take_sent(&engine.db);

    // The only connection that writes is taken until all of them wait.
    let holder = engine.db.begin().await.unwrap();
    let settling = turns.iter().zip(&known).map(|(turn, known)| {
        let reply = check::fixed(&known.ask, "an answer".to_owned(), Outcome::Answered);
        settle::store(engine, turn, known, reply, Ledger::default())
    });
    let release = async { drop(holder) };
    let (settled, ()) = tokio::join!(join_all(settling), release);
    let begun = testing::take_sent(&engine.db).remove("BEGIN").unwrap_or_default();
    (settled, begun - 1)
}

/// A process with one connection to the database.
async fn narrow(world: &World<'_>) -> Arc<Engine> {
    let db = Db::open(&world.db.url, PoolSize { max: 1 }).await.unwrap();
    world.engine_on(db, &world.telegram.url(), |_| {}).await
}

#[on_every_db]
async fn replies_that_wait_are_settled_together(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = narrow(&world).await;
    let (settled, begun) = settled_together(&world, &line, &engine, 12, None).await;
    assert!(settled.iter().all(|settled| matches!(settled, Ok(Settled::Stored))), "{settled:?}");
    assert_eq!(begun, 1, "they share a transaction");
    assert_eq!((world.turns().await, world.waiting().await), (0, 12));
    assert_eq!(world.count("reply.settled").await, 12);
}

#[on_every_db]
async fn a_reply_that_cannot_be_settled_does_not_spoil_the_others(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = narrow(&world).await;
    let (settled, begun) = settled_together(&world, &line, &engine, 12, Some(5)).await;
    let failed: Vec<_> = settled.iter().enumerate().filter(|(_, one)| one.is_err()).collect();
    assert!(matches!(failed[..], [(5, Err(StorageError::Constraint { .. }))]), "{failed:?}");
    assert_eq!(begun, 13, "once together, then each alone");
    assert_eq!((world.turns().await, world.waiting().await), (1, 11));
    assert_eq!(world.count("reply.settled").await, 11);
}

#[on_every_db]
async fn of_turns_that_settle_together_each_ends_as_it_must(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = narrow(&world).await;
    for chat in [1, 2, 3] {
        world.say(&engine, &line, chat, "hello").await;
    }
    let turns = world.claim(&engine).await;
    let mut known = Vec::new();
    for turn in &turns {
        known.push(loaded(context::load(&engine, turn).await.unwrap()));
    }
    // One customer goes on, one turn is taken from this process, one is answered.
    let position =
        |chat: i64| known.iter().position(|one| one.contact.address == Address::from(chat));
    let goes_on = position(1).unwrap();
    let taken = position(2).unwrap();
    let ends = position(3).unwrap();
    world.say(&engine, &line, 1, "and?").await;
    let mut tx = db.db.begin().await.unwrap();
    let dialog = turns[taken].dialog_id;
    let finished = tx.workspace(world.workspace).turns().finish(dialog, engine.process).await;
    assert!(finished.unwrap());
    tx.commit().await.unwrap();

    let holder = engine.db.begin().await.unwrap();
    let settling = turns.iter().zip(&known).map(|(turn, known)| {
        let reply = check::fixed(&known.ask, "an answer".to_owned(), Outcome::Answered);
        settle::store(&engine, turn, known, reply, Ledger::default())
    });
    let release = async { drop(holder) };
    let (settled, ()) = tokio::join!(join_all(settling), release);
    let settled: Vec<Settled> = settled.into_iter().map(Result::unwrap).collect();
    assert_eq!(settled[goes_on], Settled::Stored);
    assert_eq!(settled[taken], Settled::Lost);
    assert_eq!(settled[ends], Settled::Stored);
    assert_eq!(world.turns().await, 1, "the words that came in between are to be answered");
    assert_eq!(world.waiting().await, 2);
}
