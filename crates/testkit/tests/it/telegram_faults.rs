//! Failures on order, as a client meets them.

use std::time::{Duration, Instant};

use replyx_testkit::telegram::TelegramFault;
use serde_json::json;

use crate::Telegram;

const HI: &str = "hi";

#[tokio::test]
async fn a_connection_that_breaks_after_the_message_was_taken_leaves_it_sent_once() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    telegram.fake.inject(TelegramFault::BreakAfter.on("sendMessage"));
    let parameters = json!({"chat_id": 7, "text": HI});
    // Twice: over a new connection and over one that is kept alive.
    let error = telegram.try_call("sendMessage", parameters.clone()).await.unwrap_err();
    assert!(!error.is_connect() && !error.is_timeout());
    assert_eq!(ann.sent_total(), 1);
    telegram.ok("getMe", json!({})).await;
    telegram.fake.inject(TelegramFault::BreakAfter.on("sendMessage"));
    telegram.try_call("sendMessage", parameters.clone()).await.unwrap_err();
    telegram.ok("sendMessage", parameters).await;
    let answered: Vec<bool> = ann.sent().iter().map(|sent| sent.answered).collect();
    assert_eq!(answered, [false, false, true]);
    assert_eq!(telegram.fake.faults_left(), 0);
}

#[tokio::test]
async fn a_connection_that_breaks_before_leaves_nothing() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    let parameters = json!({"chat_id": 7, "text": HI});
    telegram.ok("getMe", json!({})).await;
    telegram.fake.inject(TelegramFault::BreakBefore.on("sendMessage").times(2));
    for _ in 0..2 {
        telegram.try_call("sendMessage", parameters.clone()).await.unwrap_err();
    }
    assert_eq!(ann.sent_total(), 0);
    telegram.ok("sendMessage", parameters).await;
    assert_eq!(ann.sent_total(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_may_have_taken_the_message_or_not() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    for (fault, sent) in [(TelegramFault::Hang, 0), (TelegramFault::HangAfter, 1)] {
        telegram.fake.inject(fault.on("sendMessage"));
        let call = telegram.call("sendMessage", json!({"chat_id": 7, "text": HI}));
        assert!(tokio::time::timeout(Duration::from_millis(200), call).await.is_err());
        assert_eq!(ann.sent_total(), sent);
    }
    telegram.ok("sendMessage", json!({"chat_id": 7, "text": HI})).await;
}

#[tokio::test]
async fn statuses_look_like_those_of_the_server_and_of_the_proxy_before_it() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    let send = || {
        let request = telegram.client.post(telegram.address("sendMessage"));
        request.json(&json!({"chat_id": 7, "text": HI})).send()
    };
    telegram.fake.inject(TelegramFault::Status(500).on("sendMessage"));
    telegram.fake.inject(TelegramFault::Status(502).on("sendMessage"));
    telegram.fake.inject(TelegramFault::TooManyRequests { retry_after: 13 }.on("sendMessage"));
    let first = send().await.unwrap();
    assert_eq!(first.status(), 500);
    assert_eq!(first.json::<serde_json::Value>().await.unwrap()["error_code"], 500);
    let second = send().await.unwrap();
    assert_eq!(second.status(), 502);
    assert!(second.text().await.unwrap().contains("<html>"));
    let third = send().await.unwrap();
    assert_eq!(third.status(), 429);
    let body: serde_json::Value = third.json().await.unwrap();
    assert_eq!(body["parameters"]["retry_after"], 13);
    assert_eq!(send().await.unwrap().status(), 200);
    assert_eq!(ann.sent_total(), 1);
}

#[tokio::test]
async fn errors_in_the_apis_own_form_can_be_ordered_for_one_chat() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    let ben = telegram.bot.customer(8);
    let description = "Forbidden: user is deactivated".to_owned();
    let fault = TelegramFault::Error { code: 403, description: description.clone() };
    telegram.fake.inject(fault.on("sendMessage").in_chat(7).forever());
    for _ in 0..2 {
        let refusal = telegram.refused("sendMessage", json!({"chat_id": 7, "text": HI})).await;
        assert_eq!(refusal, (403, description.clone()));
        telegram.ok("sendMessage", json!({"chat_id": 8, "text": HI})).await;
    }
    assert_eq!((ann.sent_total(), ben.sent_total()), (0, 2));
    telegram.fake.clear_faults();
    telegram.ok("sendMessage", json!({"chat_id": 7, "text": HI})).await;
}

#[tokio::test]
async fn entities_can_be_refused_while_plain_text_passes() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    telegram.fake.inject(TelegramFault::RefuseEntities.on("sendMessage"));
    telegram.ok("sendMessage", json!({"chat_id": 7, "text": HI})).await;
    let formatted = json!({"chat_id": 7, "text": "<b>hi</b>", "parse_mode": "HTML"});
    let (status, description) = telegram.refused("sendMessage", formatted.clone()).await;
    assert_eq!(status, 400);
    assert!(description.starts_with("Bad Request: can't parse entities: "));
    telegram.ok("sendMessage", formatted).await;
    assert_eq!(ann.sent_total(), 2);
}

#[tokio::test]
async fn an_answer_can_be_late() {
    let telegram = Telegram::start().await;
    telegram.fake.inject(TelegramFault::Delay(Duration::from_millis(200)).on("getMe"));
    let start = Instant::now();
    telegram.ok("getMe", json!({})).await;
    assert!(start.elapsed() >= Duration::from_millis(200));
}
