//! Buttons below messages.

use replyx_testkit::telegram::SentButton;
use serde_json::{Value, json};

use crate::{LONG, Telegram};

fn keyboard(button: &Value) -> Value {
    json!({"chat_id": 7, "text": "?", "reply_markup": {"inline_keyboard": [[button]]}})
}

#[tokio::test]
async fn a_button_is_shown_and_its_press_is_told_with_the_message() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.person(7, "Ann", "ru");
    let button = json!({"text": "Yes", "callback_data": "y"});
    let message = telegram.ok("sendMessage", keyboard(&button)).await;
    assert_eq!(message["reply_markup"], json!({"inline_keyboard": [[button]]}));
    let [sent] = &ann.sent()[..] else { panic!("one message") };
    assert_eq!(sent.buttons, [[SentButton { label: "Yes".to_owned(), data: "y".to_owned() }]]);

    let press = ann.press(sent, "Yes");
    let updates = telegram.ok("getUpdates", json!({})).await;
    let query = &updates[0]["callback_query"];
    assert_eq!((&query["id"], &query["data"]), (&json!(press), &json!("y")));
    assert_eq!(query["from"]["first_name"], "Ann");
    assert_eq!(query["message"]["message_id"], sent.message_id);
    assert_eq!(telegram.bot.press_answers(&press), 0);
    telegram.ok("answerCallbackQuery", json!({"callback_query_id": press})).await;
    assert!(telegram.bot.wait_until_answered(&press, LONG).await);
    assert_eq!(telegram.bot.press_answers(&press), 1);
    assert!(telegram.fake.violations().is_empty());
}

#[tokio::test]
async fn buttons_that_telegram_refuses_are_refused() {
    let telegram = Telegram::start().await;
    telegram.bot.customer(7);
    for button in [
        json!({"text": "Yes", "callback_data": "я".repeat(33)}),
        json!({"text": "Yes", "callback_data": ""}),
        json!({"text": " ", "callback_data": "y"}),
        json!({"text": "Yes"}),
        json!({"text": "Yes", "callback_data": "y", "url": "https://a.example"}),
        json!({"callback_data": "y"}),
        json!({"text": "Yes", "data": "y"}),
    ] {
        let (status, _) = telegram.refused("sendMessage", keyboard(&button)).await;
        assert_eq!(status, 400, "{button}");
    }
    let fits = json!({"text": "Yes", "callback_data": "я".repeat(32)});
    telegram.ok("sendMessage", keyboard(&fits)).await;
    assert_eq!(telegram.bot.sent_total(), 1);
}

#[tokio::test]
async fn a_press_that_never_happened_cannot_be_answered() {
    let telegram = Telegram::start().await;
    let refusal = telegram.refused("answerCallbackQuery", json!({"callback_query_id": "x"})).await;
    let why = "Bad Request: query is too old and response timeout expired or query ID is invalid";
    assert_eq!(refusal, (400, why.to_owned()));
    let (status, _) = telegram.refused("answerCallbackQuery", json!({})).await;
    assert_eq!(status, 400);
}
