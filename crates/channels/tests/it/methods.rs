use replyx_channels::telegram::{Limits, TelegramError};
use replyx_testkit::telegram::FakeTelegram;
use secrecy::SecretString;

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
    let first = world.client.send_message(&7.into(), "1 < 2 & <b>x</b>", false).await.unwrap();
    let second =
        world.client.send_message(&7.into(), "1 &lt; 2 &amp; <b>x</b>", true).await.unwrap();

    let sent = chat.sent();
    assert_eq!(sent.iter().map(|sent| sent.message_id).collect::<Vec<_>>(), [first, second]);
    assert_eq!(sent[0].plain, "1 < 2 & <b>x</b>");
    assert_eq!(sent[0].parse_mode, None);
    assert_eq!(sent[1].plain, "1 < 2 & x");
    assert_eq!(sent[1].parse_mode.as_deref(), Some("HTML"));
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
