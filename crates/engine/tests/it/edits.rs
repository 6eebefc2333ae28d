//! What customers edit.

use replyx_core::{
    channel::{Inbound, InboundContent},
    event::Event,
    message::Outcome,
};
use replyx_engine::{
    check, context, intake,
    settle::{self, Settled},
    usage::Ledger,
};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{World, loaded};

/// The edit of a message that was sent.
fn edit(world: &World<'_>, of: &Inbound, text: &str) -> Inbound {
    let InboundContent::Text { message_id, .. } = &of.content else { panic!("no words") };
    let content = InboundContent::Edit { text: text.to_owned(), message_id: message_id.clone() };
    Inbound { content, ..world.text(7, "") }
}

#[on_every_db]
async fn what_is_not_answered_yet_is_answered_as_it_is_now(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let asked = world.text(7, "how much to Sweden?");
    let edited = edit(&world, &asked, "how much to Finland?");
    // In one batch, the edit first: they are stored in the order in which they happened.
    let batch = [(line.door, edited), (line.door, asked)];
    intake::accept_all(&engine, &batch, None).await.unwrap();
    assert_eq!(world.turns().await, 1);
    let turn = world.claim_one(&engine).await;
    let known = loaded(context::load(&engine, &turn).await.unwrap());
    assert_eq!(known.ask.question, "how much to Finland?");

    let message = world.messages().await.pop().unwrap();
    assert_eq!(message.text, "how much to Finland?");
    assert_eq!(message.revisions[0].text, "how much to Sweden?");
    let told = world.events().await;
    assert!(told.iter().any(|event| matches!(event, Event::MessageEdited { seq: 1, .. })));
}

#[on_every_db]
async fn an_edit_while_a_turn_runs_discards_its_reply_and_begins_again(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let asked = world.text(7, "hello");
    world.take(&engine, &line, asked.clone()).await.unwrap();
    let turn = world.claim_one(&engine).await;
    let known = loaded(context::load(&engine, &turn).await.unwrap());
    let reply = check::fixed(&known.ask, "to the old words".to_owned(), Outcome::Answered);
    world.take(&engine, &line, edit(&world, &asked, "goodbye")).await.unwrap();

    let settled = settle::store(&engine, &turn, &known, reply, Ledger::default()).await.unwrap();
    assert_eq!(settled, Settled::Discarded);
    assert_eq!(world.said().await, ["customer: goodbye"]);
    assert_eq!((world.turns().await, world.waiting().await), (1, 0));

    let turn = world.claim_one(&engine).await;
    let known = loaded(context::load(&engine, &turn).await.unwrap());
    assert_eq!(known.ask.question, "goodbye");
    let reply = check::fixed(&known.ask, "to the new words".to_owned(), Outcome::Answered);
    let settled = settle::store(&engine, &turn, &known, reply, Ledger::default()).await.unwrap();
    assert_eq!(settled, Settled::Stored);
    assert_eq!(world.said().await, ["customer: goodbye", "assistant: to the new words"]);
    assert_eq!((world.turns().await, world.waiting().await), (0, 1));
}

#[on_every_db]
async fn of_what_is_answered_only_the_words_change(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let asked = world.text(7, "hello");
    world.take(&engine, &line, asked.clone()).await.unwrap();
    world.answer(&engine).await;
    let sent = world.said().await.pop().unwrap();

    world.take(&engine, &line, edit(&world, &asked, "goodbye")).await.unwrap();
    assert_eq!(world.said().await, ["customer: goodbye".to_owned(), sent]);
    assert_eq!(world.turns().await, 0, "nothing is said twice");
    let dialog = world.dialog().await;
    assert_eq!((dialog.edits, dialog.heard_seq), (0, 1));
}

#[on_every_db]
async fn an_edit_that_comes_before_its_message_takes_its_place(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let asked = world.text(7, "hello");
    world.take(&engine, &line, edit(&world, &asked, "goodbye")).await.unwrap();
    world.take(&engine, &line, asked).await.unwrap();
    assert_eq!(world.said().await, ["customer: goodbye"]);
    assert_eq!(world.turns().await, 1);

    world.say(&engine, &line, 7, "and another thing").await;
    assert_eq!(world.said().await, ["customer: goodbye", "customer: and another thing"]);
}
