//! How fast a bot may send.

use std::time::Duration;

use replyx_testkit::telegram::{Enforcement, Excess, Limits, Rate};
use serde_json::json;

use crate::Telegram;

fn limits(enforcement: Enforcement) -> Limits {
    Limits {
        per_bot: Rate { count: 5, per: Duration::from_mins(1) },
        per_chat: Rate { count: 2, per: Duration::from_millis(1_500) },
        per_group: Rate { count: 3, per: Duration::from_mins(1) },
        ..Limits::published(enforcement)
    }
}

async fn send(telegram: &Telegram, chat: i64) -> (u16, serde_json::Value) {
    telegram.call("sendMessage", json!({"chat_id": chat, "text": "hi"})).await
}

#[tokio::test]
async fn what_is_too_fast_for_a_chat_is_refused_for_as_long_as_it_says() {
    let telegram = Telegram::start_with(|b| b.limits(limits(Enforcement::Refuse))).await;
    let ann = telegram.bot.customer(7);
    telegram.bot.customer(8);
    assert_eq!(send(&telegram, 7).await.0, 200);
    assert_eq!(send(&telegram, 7).await.0, 200);
    let (status, body) = send(&telegram, 7).await;
    assert_eq!(status, 429);
    assert_eq!(
        body,
        json!({
            "ok": false,
            "error_code": 429,
            "description": "Too Many Requests: retry after 2",
            "parameters": {"retry_after": 2},
        })
    );
    assert_eq!(send(&telegram, 8).await.0, 200, "another chat is not concerned");
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    assert_eq!(send(&telegram, 7).await.0, 200);
    assert_eq!(ann.sent_total(), 3);
    assert_eq!(telegram.bot.excess(), Excess { per_chat: 1, ..Excess::default() });
}

#[tokio::test]
async fn the_whole_bot_and_groups_have_limits_of_their_own() {
    let telegram = Telegram::start_with(|b| b.limits(limits(Enforcement::Refuse))).await;
    telegram.bot.group(-42, "Staff");
    for _ in 0..3 {
        assert_eq!(send(&telegram, -42).await.0, 200);
    }
    assert_eq!(send(&telegram, -42).await.0, 429);
    for chat in 1..=3 {
        telegram.bot.customer(chat);
    }
    assert_eq!(send(&telegram, 1).await.0, 200);
    assert_eq!(send(&telegram, 2).await.0, 200);
    let (status, body) = send(&telegram, 3).await;
    assert_eq!((status, &body["parameters"]["retry_after"]), (429, &json!(60)));
    assert_eq!(telegram.bot.excess(), Excess { per_bot: 1, per_chat: 0, per_group: 1 });
    let other = telegram.fake.add_bot("1002:TEST", "other_bot");
    other.customer(3);
    let address = format!("{}/bot1002:TEST/sendMessage", telegram.fake.url());
    let parameters = json!({"chat_id": 3, "text": "hi"});
    let response = telegram.client.post(address).json(&parameters).send().await.unwrap();
    assert_eq!(response.status(), 200, "another bot is not concerned");
}

#[tokio::test]
async fn excess_can_be_counted_without_being_refused_or_not_at_all() {
    for (enforcement, excess) in [
        (Enforcement::Count, Excess { per_bot: 1, per_chat: 4, per_group: 0 }),
        (Enforcement::Off, Excess::default()),
    ] {
        let telegram = Telegram::start_with(|b| b.limits(limits(enforcement))).await;
        let ann = telegram.bot.customer(7);
        for _ in 0..6 {
            assert_eq!(send(&telegram, 7).await.0, 200);
        }
        assert_eq!(ann.sent_total(), 6);
        assert_eq!(telegram.bot.excess(), excess);
    }
}
