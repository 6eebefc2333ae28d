//! What a message is decides what is done with it: small talk needs no search, and what only a
//! human can do goes to one.

use replyx_core::{
    assistant::{FixedText, Language},
    dialog::Control,
    message::{MessageAct, Outcome},
};
use replyx_storage::{on_every_db, testing::TestDb};
use replyx_testkit::openai::Answer;

use crate::given::World;

const FACT: &str = "Delivery to Norway takes 5 days and costs 20 euros.";

/// An assistant that quotes and has no texts of its own.
async fn quoting(db: &TestDb) -> World<'_> {
    let world = World::open(db).await;
    world
        .publish(|settings| {
            settings.model = Some("extractive".to_owned());
            settings.greeting = None;
            settings.unknown_text = None;
            settings.handoff_text = None;
        })
        .await;
    world.learn("delivery.md", "", FACT).await;
    world
}

#[on_every_db]
async fn small_talk_is_answered_in_the_customers_language_without_a_search(db: &TestDb) {
    let world = quoting(db).await;
    let line = world.line().await;
    let engine = world.engine().await;

    for (text, act, said, language) in [
        ("hi", MessageAct::Greeting, FixedText::Greeting, Language::English),
        ("Спасибо!", MessageAct::Thanks, FixedText::Thanks, Language::Russian),
        ("👍", MessageAct::Emoji, FixedText::Emoji, Language::Russian),
        ("ты бот?", MessageAct::WhoAreYou, FixedText::WhoAreYou, Language::Russian),
        ("where is my order?", MessageAct::OrderStatus, FixedText::OrderStatus, Language::English),
    ] {
        world.say(&engine, &line, 7, text).await;
        world.answer(&engine).await;
        let mut messages = world.messages().await;
        let reply = messages.pop().unwrap();
        let heard = messages.pop().unwrap();
        assert_eq!(heard.act, Some(act), "{text}");
        assert_eq!(reply.text, said.house(language), "{text}");
        let meta = reply.answer.unwrap();
        assert_eq!((meta.outcome, meta.act), (Outcome::Fixed, Some(act)), "{text}");
    }
    assert_eq!(world.dialog().await.control, Control::Ai);
}

#[on_every_db]
async fn a_human_is_brought_in_when_asked_for_and_not_when_the_owner_says_no(db: &TestDb) {
    let world = quoting(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.publish(|settings| settings.handoff.on_request = false).await;
    world.say(&engine, &line, 7, "позовите оператора").await;
    world.answer(&engine).await;
    assert_eq!(world.dialog().await.control, Control::Ai);

    world.publish(|settings| settings.handoff.on_request = true).await;
    world.say(&engine, &line, 7, "позовите оператора").await;
    world.answer(&engine).await;
    let reply = world.messages().await.pop().unwrap();
    assert_eq!(reply.text, FixedText::Handoff.house(Language::Russian));
    assert_eq!(world.dialog().await.control, Control::Waiting);
}

#[on_every_db]
async fn a_human_who_was_offered_comes_when_the_customer_says_yes(db: &TestDb) {
    let world = quoting(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    for text in ["I'd like to book an appointment", "no", "I'd like to book an appointment"] {
        world.say(&engine, &line, 7, text).await;
        world.answer(&engine).await;
        assert_eq!(world.dialog().await.control, Control::Ai, "{text}");
    }

    world.say(&engine, &line, 7, "yes please").await;
    world.answer(&engine).await;
    assert_eq!(world.dialog().await.control, Control::Waiting);
}

#[on_every_db]
async fn a_complaint_that_the_documents_do_not_answer_goes_to_a_human(db: &TestDb) {
    let world = quoting(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "Your doctor was rude to me, I want to complain!!").await;
    world.answer(&engine).await;
    let mut messages = world.messages().await;
    let reply = messages.pop().unwrap();
    assert_eq!(reply.answer.unwrap().act, Some(MessageAct::Complaint));
    assert_eq!(world.dialog().await.control, Control::Waiting);
}

#[on_every_db]
async fn so_many_declines_in_a_row_bring_in_a_human(db: &TestDb) {
    let world = quoting(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.publish(|settings| settings.handoff.on_unknown = 2).await;
    world.say(&engine, &line, 7, "Какая погода на Марсе?").await;
    world.answer(&engine).await;
    let reply = world.messages().await.pop().unwrap();
    assert_eq!(reply.text, FixedText::Unknown.house(Language::Russian));
    assert_eq!(world.dialog().await.control, Control::Ai);

    world.say(&engine, &line, 7, "А кто президент Луны?").await;
    world.answer(&engine).await;
    assert_eq!(world.dialog().await.control, Control::Waiting);
}

#[on_every_db]
async fn a_chat_model_finds_its_own_words_for_small_talk_but_does_not_keep_a_human_away(
    db: &TestDb,
) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.model.answer(|_| Answer::text("Good day to you!"));
    world.say(&engine, &line, 7, "hello").await;
    world.answer(&engine).await;
    assert_eq!(world.messages().await.pop().unwrap().text, "Good day to you!");

    world.say(&engine, &line, 7, "I want to talk to a human").await;
    world.answer(&engine).await;
    assert_eq!(world.dialog().await.control, Control::Waiting);
    assert_eq!(world.model.request_count(), 1);
}
