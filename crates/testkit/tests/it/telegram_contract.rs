//! The envelope, the addresses and the schema.

use serde_json::{Value, json};

use crate::Telegram;

#[tokio::test]
async fn a_bot_learns_who_it_is() {
    let telegram = Telegram::start().await;
    let me = telegram.ok("getMe", json!({})).await;
    assert_eq!(me["id"], 1001);
    assert_eq!(me["username"], "shop_bot");
    assert_eq!(me["is_bot"], true);
}

#[tokio::test]
async fn an_unknown_token_is_unauthorized_and_a_malformed_one_is_not_found() {
    let telegram = Telegram::start().await;
    for (token, status, description) in [
        ("1001:OTHER", 401, "Unauthorized"),
        ("1002:TEST", 401, "Unauthorized"),
        ("TEST", 404, "Not Found"),
        ("x:TEST", 404, "Not Found"),
    ] {
        let address = format!("{}/bot{token}/getMe", telegram.fake.url());
        let response = telegram.client.get(address).send().await.unwrap();
        assert_eq!(response.status(), status);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body, json!({"ok": false, "error_code": status, "description": description}));
    }
    assert!(telegram.fake.violations().is_empty());
}

#[tokio::test]
async fn a_revoked_token_is_unauthorized() {
    let telegram = Telegram::start().await;
    telegram.fake.revoke(telegram.bot.token());
    assert_eq!(telegram.refused("getMe", json!({})).await, (401, "Unauthorized".to_owned()));
}

#[tokio::test]
async fn an_unknown_method_is_not_found_and_remembered() {
    let telegram = Telegram::start().await;
    let refusal = telegram.refused("sendMesage", json!({})).await;
    assert_eq!(refusal, (404, "Not Found".to_owned()));
    assert_eq!(telegram.fake.violations(), ["`sendMesage` is not a method that the fake knows"]);
}

#[tokio::test]
async fn methods_are_found_whatever_their_case() {
    let telegram = Telegram::start().await;
    assert_eq!(telegram.ok("GETME", json!({})).await["id"], 1001);
}

#[tokio::test]
async fn parameters_that_break_the_schema_are_refused_and_remembered() {
    let telegram = Telegram::start().await;
    telegram.bot.customer(7);
    for (method, parameters) in [
        ("sendMessage", json!({"chat_id": 7, "text": "hi", "parsemode": "HTML"})),
        ("sendMessage", json!({"chat_id": 7.5, "text": "hi"})),
        ("sendMessage", json!({"chat_id": 7, "text": 5})),
        ("sendMessage", json!({"chat_id": 7, "text": "hi", "entities": [{"type": "bold"}]})),
        ("sendMessage", json!({"chat_id": 7, "text": "hi", "disable_notification": "yes"})),
        ("sendMessage", json!({"chat_id": 7})),
        ("sendMessage", json!({"text": "hi"})),
        ("getUpdates", json!({"limit": 101})),
        ("getUpdates", json!({"allowed_updates": "message"})),
        ("setWebhook", json!({"url": "https://a.example", "secret_token": ""})),
        ("setWebhook", json!({"url": "https://a.example", "secret_token": "x".repeat(257)})),
        ("sendChatAction", json!({"chat_id": 7})),
        ("getMe", json!({"verbose": true})),
    ] {
        let before = telegram.fake.violations().len();
        let (status, description) = telegram.refused(method, parameters.clone()).await;
        assert_eq!(status, 400, "{method} {parameters}");
        assert!(description.starts_with("Bad Request: "), "{description}");
        assert_eq!(telegram.fake.violations().len(), before + 1, "{method} {parameters}");
    }
    assert_eq!(telegram.bot.sent_total(), 0);
}

#[tokio::test]
async fn what_is_missing_is_named_as_telegram_does() {
    let telegram = Telegram::start().await;
    let without_chat = telegram.refused("sendMessage", json!({"text": "hi"})).await;
    assert_eq!(without_chat, (400, "Bad Request: chat_id is empty".to_owned()));
    let without_text = telegram.refused("sendMessage", json!({"chat_id": 7})).await;
    assert_eq!(without_text, (400, "Bad Request: message text is empty".to_owned()));
}

#[tokio::test]
async fn parameters_may_come_as_json_form_or_query() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    let address = telegram.address("sendMessage");
    let form = [("chat_id", "7"), ("text", "12"), ("disable_notification", "true")];
    let sends = [
        telegram.client.post(&address).form(&form),
        telegram.client.get(&address).query(&form),
        telegram.client.post(&address).query(&[("chat_id", "7")]).json(&json!({"text": "12"})),
    ];
    for send in sends {
        let body: Value = send.send().await.unwrap().json().await.unwrap();
        assert_eq!(body["result"]["text"], "12", "{body}");
    }
    assert_eq!(ann.sent_total(), 3);
    assert!(telegram.fake.violations().is_empty());
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let telegram = Telegram::start().await;
    let request = telegram.client.post(telegram.address("sendMessage"));
    let request = request.header("content-type", "application/json").body("{\"chat_id\": 7");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 400);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["description"], "Bad Request: can't parse JSON object");
    assert_eq!(telegram.fake.violations().len(), 1);
}

#[tokio::test]
#[should_panic(expected = "`Update.message.date` is missing")]
async fn an_update_that_is_none_cannot_be_given_by_mistake() {
    let telegram = Telegram::start().await;
    telegram.bot.send_update(json!({"message": {"message_id": 1}}));
}

#[tokio::test]
async fn everything_ends_with_the_handle() {
    let telegram = Telegram::start().await;
    telegram.ok("getMe", json!({})).await;
    let Telegram { fake, client, .. } = telegram;
    let url = format!("{}/bot1001:TEST/getMe", fake.url());
    let addr = fake.addr();
    drop(fake);
    assert!(client.get(url).send().await.is_err());
    // The address is free again.
    let again = async {
        loop {
            if let Ok(fake) = replyx_testkit::telegram::FakeTelegram::start_on(addr).await {
                return fake;
            }
            tokio::task::yield_now().await;
        }
    };
    let again = tokio::time::timeout(crate::LONG, again).await.unwrap();
    assert_eq!(again.addr(), addr);
}
