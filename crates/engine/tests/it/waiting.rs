//! Customers who wait for a human: the order of the queue, what they are told, and how they take
//! the request back.

use std::time::Duration;

use chrono::TimeDelta;
use replyx_core::{
    assistant::{FixedText, Language},
    clock::Clock,
    dialog::{Control, Dialog, HandoffReason},
    message::Author,
    role::Role,
    waiting::QueuePlace,
};
use replyx_engine::{Engine, control, waiting};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{Line, World, start};

const HUMAN: &str = "I want to talk to a human";

/// An assistant that quotes, with the product's texts, on a clock that stands still.
async fn quoting(db: &TestDb) -> World<'_> {
    let world = World::with_clock(db, Clock::manual(start())).await;
    world
        .publish(|settings| {
            settings.model = Some("extractive".to_owned());
            settings.handoff_text = None;
        })
        .await;
    world
}

/// A customer says something, which is answered.
async fn say(world: &World<'_>, engine: &Engine, line: &Line, chat: i64, text: &str) {
    world.say(engine, line, chat, text).await;
    world.clock.advance(Duration::from_secs(1));
    world.answer(engine).await;
}

/// The newest dialog.
async fn newest(world: &World<'_>) -> Dialog {
    world.dialogs().await.pop().unwrap()
}

async fn last_words(world: &World<'_>, dialog: &Dialog) -> String {
    let messages = world.messages_of(dialog).await;
    messages.into_iter().rfind(|message| message.author == Author::Assistant).unwrap().text
}

async fn place(world: &World<'_>, engine: &Engine, dialog: &Dialog) -> Option<QueuePlace> {
    let mut tx = engine.db.read().await.unwrap();
    let dialog = tx.workspace(world.workspace).dialogs().find(dialog.id).await.unwrap().unwrap();
    waiting::place(engine, &mut tx, &dialog).await.unwrap()
}

#[on_every_db]
async fn the_queue_is_in_the_order_of_the_first_request_and_the_wait_is_measured(db: &TestDb) {
    let world = quoting(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;

    let mut dialogs = Vec::new();
    for chat in [7, 8, 9] {
        say(&world, &engine, &line, chat, HUMAN).await;
        dialogs.push(newest(&world).await);
    }
    let told = [
        last_words(&world, &dialogs[0]).await,
        last_words(&world, &dialogs[1]).await,
        last_words(&world, &dialogs[2]).await,
    ];
    let handoff = FixedText::Handoff.house(Language::English);
    let second = FixedText::QueuePlace.house(Language::English).replace("{position}", "2");
    assert_eq!(told[0], handoff, "the first hears of no queue");
    assert_eq!(told[1], format!("{handoff}\n\n{second}"));
    assert!(told[2].contains("number 3"), "{}", told[2]);

    // Asking again, and coming back from an operator, keep the place.
    say(&world, &engine, &line, 7, HUMAN).await;
    control::take_over(&engine, &kim, dialogs[1].id, None).await.unwrap();
    world.clock.advance(Duration::from_mins(1));
    control::hand_off(&engine, &kim, dialogs[1].id, HandoffReason::Operator).await.unwrap();
    for (at, dialog) in dialogs.iter().enumerate() {
        let position = i64::try_from(at).unwrap() + 1;
        let place = place(&world, &engine, dialog).await.unwrap();
        assert_eq!((place.position, place.expected), (position, None));
    }

    world.clock.advance(Duration::from_mins(10));
    control::take_over(&engine, &kim, dialogs[0].id, None).await.unwrap();
    assert_eq!(place(&world, &engine, &dialogs[0]).await, None);
    control::take_over(&engine, &kim, dialogs[1].id, None).await.unwrap();
    let left = place(&world, &engine, &dialogs[2]).await.unwrap();
    assert_eq!(left.position, 1);
    // 2 s from the second place, 663 s from the first, 600 s from the second again.
    assert_eq!(left.expected, Some(TimeDelta::seconds((2 + 663 + 600) / 5)));

    say(&world, &engine, &line, 10, HUMAN).await;
    let fourth = newest(&world).await;
    let told = last_words(&world, &fourth).await;
    assert!(told.contains("number 2 in the queue, and the wait is about 9 min"), "{told}");

    // What is long ago tells nothing.
    world.clock.advance(Duration::from_hours(5));
    assert_eq!(place(&world, &engine, &fourth).await.unwrap().expected, None);
}

#[on_every_db]
async fn a_customer_takes_the_request_for_a_human_back(db: &TestDb) {
    let world = quoting(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    say(&world, &engine, &line, 7, "позовите оператора").await;
    assert_eq!(world.dialog().await.control, Control::Waiting);
    say(&world, &engine, &line, 7, "отмените мой заказ").await;
    assert_eq!(world.dialog().await.control, Control::Waiting, "that was another request");

    say(&world, &engine, &line, 7, "отмена").await;
    let dialog = world.dialog().await;
    assert_eq!((dialog.control, dialog.asking_since), (Control::Ai, None));
    let last = world.messages().await.pop().unwrap();
    assert_eq!(last.text, FixedText::QueueLeft.house(Language::Russian));
    assert_eq!(dialog.answered_seq, dialog.heard_seq);

    // The same words to the assistant mean something else.
    say(&world, &engine, &line, 7, "отмена").await;
    let last = world.messages().await.pop().unwrap();
    assert_ne!(last.text, FixedText::QueueLeft.house(Language::Russian));
    assert_eq!(place(&world, &engine, &dialog).await, None);
}
