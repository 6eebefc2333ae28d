//! What a message is decides what is done with it: small talk needs no search, and what only a
//! human can do goes to one.

use std::sync::Arc;

use replyx_core::{
    assistant::{FixedText, Language},
    channel::InboundContent,
    dialog::{Control, HandoffReason},
    message::{MessageAct, Outcome},
    role::Role,
};
use replyx_engine::{
    control,
    replies::{self, NewReply},
};
use replyx_llm::{EmbedEndpoint, Embeddings, EmbeddingsConfig};
use replyx_storage::{on_every_db, testing::TestDb};
use replyx_testkit::openai::Answer;
use serde_json::json;

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
async fn pressing_the_button_of_an_offer_asks_for_a_human(db: &TestDb) {
    let world = quoting(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let label = "Call somebody";
    let texts = json!({"en": {"human_button": label}});
    world.publish(|settings| settings.texts = serde_json::from_value(texts.clone()).unwrap()).await;
    world.say(&engine, &line, 7, "I'd like to book an appointment").await;
    world.answer(&engine).await;
    assert_eq!(world.dialog().await.control, Control::Ai);

    // Together with other words, and in the language that the button was in.
    let press = InboundContent::Button { data: label.to_owned(), message_id: 1.into() };
    world.say(&engine, &line, 7, "Алло!").await;
    world.take(&engine, &line, world.update(7, press)).await.unwrap();
    world.answer(&engine).await;
    assert_eq!(world.dialog().await.control, Control::Waiting);
    let mut messages = world.messages().await;
    let reply = messages.pop().unwrap();
    assert_eq!(reply.answer.unwrap().act, Some(MessageAct::WantsHuman));
    assert_eq!(messages.pop().unwrap().text, label);
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

#[on_every_db]
async fn yes_to_a_colleague_is_no_yes_to_an_earlier_offer(db: &TestDb) {
    let world = quoting(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    world.say(&engine, &line, 7, "I'd like to book an appointment").await;
    world.answer(&engine).await;
    let dialog = world.dialog().await.id;
    let words = NewReply {
        client_id: "1".to_owned(),
        text: "Done. Is ten all right?".to_owned(),
        epoch: None,
        seen_seq: None,
        files: Vec::new(),
        documents: Vec::new(),
    };
    replies::reply(&engine, &kim, dialog, &words).await.unwrap();
    control::release(&engine, &kim, dialog).await.unwrap();

    world.say(&engine, &line, 7, "yes please").await;
    world.answer(&engine).await;
    assert_eq!(world.dialog().await.control, Control::Ai, "the yes was to Kim");
}

#[on_every_db]
async fn what_means_the_same_as_a_topic_goes_to_a_human(db: &TestDb) {
    let mut world = quoting(db).await;
    let endpoint = EmbedEndpoint {
        api_key: "sk-test".to_owned().into(),
        base_url: world.model.base_url(),
        provider: "openai".to_owned(),
        key_id: None,
    };
    let config = EmbeddingsConfig {
        model: Some("text-embedding-3-small".to_owned()),
        endpoint: Some(endpoint),
        ..EmbeddingsConfig::default()
    };
    world.embeddings = Arc::new(Embeddings::new(config).unwrap());
    world
        .publish(|settings| {
            settings.handoff.topics =
                vec!["Who owns the company?".to_owned(), "I want to cancel my contract".to_owned()];
        })
        .await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "How long is delivery to Norway?").await;
    world.answer(&engine).await;
    assert_eq!(world.dialog().await.control, Control::Ai);

    world.say(&engine, &line, 7, "I want to cancel the contract").await;
    world.answer(&engine).await;
    let dialog = world.dialog().await;
    assert_eq!(dialog.control, Control::Waiting);
    assert_eq!(dialog.handoff_reason, Some(HandoffReason::Topic));
}

#[on_every_db]
async fn what_is_quoted_answers_the_question_as_it_was_understood(db: &TestDb) {
    let world = quoting(db).await;
    world.learn("доставка.md", "", "Доставка по городу стоит 290 рублей.").await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "skolko stoit dostavka po gorodu?").await;
    world.answer(&engine).await;

    let reply = world.messages().await.pop().unwrap();
    assert_eq!(reply.text, "Доставка по городу стоит 290 рублей.");
    let searched = reply.answer.unwrap().searched.unwrap();
    assert!(searched.contains("доставка по городу"), "{searched}");
}
