use replyx_channels::telegram::{Limits, OutgoingFile, TelegramError, Words, inbound};
use replyx_core::channel::{Address, Button, MessageRef};
use replyx_testkit::telegram::{FakeTelegram, TelegramFault};
use secrecy::SecretString;
use serde_json::json;

use crate::{World, telegram};

#[tokio::test]
async fn get_me_says_who_the_bot_is() {
    let world = World::start().await;
    let me = world.client.get_me().await.unwrap();
    assert_eq!((me.id, me.username.as_str(), me.first_name.as_str()), (42, "shop_bot", "shop_bot"));
}

#[tokio::test]
async fn one_client_serves_many_bots() {
    let fake = FakeTelegram::start().await;
    // A slash at the end of the configured address does no harm.
    let telegram = telegram(&format!("{}/", fake.url()), Limits::default());
    for id in 1..=20 {
        let token = format!("{id}:key");
        fake.add_bot(&token, &format!("bot_{id}"));
        let me = telegram.bot(&SecretString::from(token)).get_me().await.unwrap();
        assert_eq!(me.id, id);
    }
}

#[tokio::test]
async fn a_message_arrives_as_plain_text_or_as_html() {
    let world = World::start().await;
    let chat = world.bot.customer(7);
    let first = world
        .client
        .send_message(&7.into(), Words::Plain("1 < 2 & <b>x</b>"), &[], None)
        .await
        .unwrap();
    let second = world
        .client
        .send_message(&7.into(), Words::Html("1 &lt; 2 &amp; <b>x</b>"), &[], None)
        .await
        .unwrap();

    let sent = chat.sent();
    assert_eq!(sent.iter().map(|sent| sent.message_id).collect::<Vec<_>>(), [first, second]);
    assert_eq!(sent[0].plain, "1 < 2 & <b>x</b>");
    assert_eq!(sent[0].parse_mode, None);
    assert_eq!(sent[1].plain, "1 < 2 & x");
    assert_eq!(sent[1].parse_mode.as_deref(), Some("HTML"));
}

#[tokio::test]
async fn a_message_arrives_with_its_buttons_and_a_press_is_answered() {
    let world = World::start().await;
    let chat = world.bot.customer(7);
    let row = vec![Button::saying("Talk to a person")];
    let words = Words::Plain("Shall I bring in a colleague?");
    world.client.send_message(&7.into(), words, &[row], None).await.unwrap();

    let sent = chat.sent();
    let [button] = &sent[0].buttons.concat()[..] else { panic!("one button") };
    assert_eq!(
        (button.label.as_str(), button.data.as_str()),
        ("Talk to a person", "Talk to a person")
    );
    let press = chat.press(&sent[0], "Talk to a person");
    let updates = world.client.get_updates(None, 0, 10).await.unwrap();
    assert_eq!(inbound::press(&updates[0]), Some(press.as_str()));
    world.client.answer_press(&press).await.unwrap();
    assert_eq!(world.bot.press_answers(&press), 1);
    let error = world.client.answer_press("no-such-press").await.unwrap_err();
    assert!(matches!(error, TelegramError::Refused { status: 400, .. }), "{error}");
}

#[tokio::test]
async fn typing_is_seen() {
    let world = World::start().await;
    let chat = world.bot.customer(7);
    world.client.send_typing(&7.into()).await.unwrap();
    assert_eq!(chat.chat_actions()[0].action, "typing");
}

#[tokio::test]
async fn a_webhook_is_set_described_and_deleted_without_losing_updates() {
    let world = World::start().await;
    let chat = world.bot.customer(7);
    chat.say("before");
    let secret = SecretString::from("s3cret_-");
    // Nobody listens there: the updates stay.
    let url = "http://127.0.0.1:9/hooks/telegram/x";
    world.client.set_webhook(url, &secret, 40).await.unwrap();

    assert!(world.bot.has_webhook());
    assert_eq!(world.bot.pending_updates(), 1);

    let refused = world.client.get_updates(None, 0, 100).await.unwrap_err();
    assert!(matches!(refused, TelegramError::Conflict { webhook: true }), "{refused:?}");

    world.client.delete_webhook().await.unwrap();
    assert!(!world.bot.has_webhook());
    assert_eq!(world.client.get_updates(None, 0, 100).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_webhook_that_telegram_does_not_want_is_refused_with_the_reason() {
    let world = World::start().await;
    let secret = SecretString::from("s");
    let refused = world.client.set_webhook("ftp://x.example", &secret, 1).await.unwrap_err();
    let TelegramError::Refused { status: 400, description } = refused else {
        panic!("{refused:?}")
    };
    assert!(description.contains("webhook"), "{description}");
}

#[tokio::test]
async fn a_file_of_a_customer_is_fetched_as_it_was_sent() {
    let world = World::start().await;
    let chat = world.bot.customer(7);
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    chat.send_file("document", "price.bin", bytes.clone(), json!({}));
    let id = file_id(&world, "document").await;

    assert_eq!(world.client.fetch_file(&id, 1 << 20).await.unwrap(), bytes);
    let refused = world.client.fetch_file(&id, 299_999).await.unwrap_err();
    assert!(matches!(refused, TelegramError::TooBig), "{refused:?}");
    let refused = world.client.fetch_file("no-such-file", 1 << 20).await.unwrap_err();
    assert!(matches!(refused, TelegramError::Refused { status: 400, .. }), "{refused:?}");
}

#[tokio::test]
async fn a_file_that_telegram_gives_to_no_bot_is_too_big() {
    let world = World::start().await;
    world.bot.customer(7).send_huge_file("video", "film.mp4", 20_000_001);
    let id = file_id(&world, "video").await;
    let refused = world.client.fetch_file(&id, u64::MAX).await.unwrap_err();
    assert!(matches!(refused, TelegramError::TooBig), "{refused:?}");
}

#[tokio::test]
async fn a_document_arrives_with_its_name_and_caption() {
    let world = World::start().await;
    let chat = world.bot.customer(7);
    let file = OutgoingFile {
        name: "Цены \"2026\".pdf".to_owned(),
        media_type: Some("application/pdf".to_owned()),
        bytes: vec![9; 2_000_000],
    };
    let id =
        world.client.send_document(&7.into(), file.clone(), Some("Here <b>"), None).await.unwrap();

    let [sent] = &chat.sent()[..] else { panic!("one message") };
    assert_eq!((sent.message_id, sent.text.as_str()), (id, "Here <b>"));
    let arrived = sent.file.as_ref().unwrap();
    assert_eq!(arrived.name, file.name);
    assert_eq!(arrived.media_type, file.media_type);
    assert_eq!(arrived.bytes, file.bytes);

    let bare = OutgoingFile { media_type: None, ..file };
    world.client.send_document(&7.into(), bare, None, None).await.unwrap();
    assert_eq!(chat.sent()[1].text, "");
}

#[tokio::test]
async fn a_document_that_cannot_be_sent_says_why() {
    let world = World::start().await;
    let chat = world.bot.customer(7);
    let file =
        |size| OutgoingFile { name: "a.bin".to_owned(), media_type: None, bytes: vec![1; size] };

    let refused =
        world.client.send_document(&7.into(), file(50_000_001), None, None).await.unwrap_err();
    assert!(matches!(refused, TelegramError::TooBig), "{refused:?}");
    let refused = world.client.send_document(&8.into(), file(1), None, None).await.unwrap_err();
    assert!(matches!(refused, TelegramError::ChatGone { .. }), "{refused:?}");
    chat.block();
    let refused = world.client.send_document(&7.into(), file(1), None, None).await.unwrap_err();
    assert!(matches!(refused, TelegramError::Blocked { .. }), "{refused:?}");
    chat.unblock();

    // The connection breaks after Telegram has it: nobody can know.
    world.fake.inject(TelegramFault::BreakAfter.on("sendDocument"));
    let unknown = world.client.send_document(&7.into(), file(1), None, None).await.unwrap_err();
    assert!(matches!(unknown, TelegramError::Unknown(_)), "{unknown:?}");
    assert_eq!(chat.sent_total(), 1);
}

/// The id of the file in the only update.
async fn file_id(world: &World, kind: &str) -> String {
    let updates = world.client.get_updates(None, 0, 100).await.unwrap();
    let [update] = &updates[..] else { panic!("one update") };
    update.raw["message"][kind]["file_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn words_files_and_typing_go_into_the_topic_and_reply_to_the_question() {
    let world = World::start().await;
    let forum = world.bot.group(-1_000_000_000_042, "Club");
    let topic = forum.create_topic("Orders");
    forum.say_in(topic, 7, "hello");
    let asked = forum.last_message().unwrap();
    let to = Address::from(format!("-1000000000042/{topic}@7"));
    let question = MessageRef::from(asked);
    let words = Words::Plain("x");
    world.client.send_message(&to, words, &[], Some(&question)).await.unwrap();
    let file = OutgoingFile { name: "a".to_owned(), media_type: None, bytes: b"b".to_vec() };
    world.client.send_document(&to, file, None, Some(&question)).await.unwrap();
    world.client.send_typing(&to).await.unwrap();
    for sent in forum.sent() {
        assert_eq!((sent.topic, sent.reply_to), (Some(topic), Some(asked)));
    }
    assert_eq!(forum.sent_total(), 2);
    assert_eq!(forum.chat_actions()[0].topic, Some(topic));

    // Without a topic, and to what is no message of Telegram's.
    world
        .client
        .send_message(&"-1000000000042@7".into(), words, &[], Some(&"x".into()))
        .await
        .unwrap();
    let last = forum.sent().pop().unwrap();
    assert_eq!((last.topic, last.reply_to), (None, None));
    assert_eq!(world.fake.violations(), Vec::<String>::new());
}
