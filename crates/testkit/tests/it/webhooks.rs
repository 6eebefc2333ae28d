//! Webhooks.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use replyx_testkit::telegram::{Bot, Builder, Redelivery};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{LONG, Telegram};

/// The id of an update, and the secret that came with it.
type Delivery = (i64, Option<String>);

/// A bot's side: what it got, and how it answers.
#[derive(Clone, Default)]
struct Receiver {
    got: Arc<Mutex<Vec<Delivery>>>,
    /// Statuses to answer with before it is 200 for good.
    answers: Arc<Mutex<Vec<u16>>>,
    /// The body of every answer.
    body: Arc<Mutex<String>>,
    delay: Arc<Mutex<Duration>>,
    most_at_once: Arc<Mutex<(usize, usize)>>,
}

impl Receiver {
    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let router = Router::new().fallback(receive).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        addr
    }

    fn got(&self) -> Vec<i64> {
        self.got.lock().unwrap().iter().map(|(id, _)| *id).collect()
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    let update: Value = serde_json::from_str(&body).unwrap();
    let secret = headers.get("x-telegram-bot-api-secret-token");
    let secret = secret.map(|value| value.to_str().unwrap().to_owned());
    receiver.got.lock().unwrap().push((update["update_id"].as_i64().unwrap(), secret));
    {
        let mut at_once = receiver.most_at_once.lock().unwrap();
        at_once.0 += 1;
        at_once.1 = at_once.1.max(at_once.0);
    }
    let delay = *receiver.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    receiver.most_at_once.lock().unwrap().0 -= 1;
    let answer = receiver.answers.lock().unwrap().pop();
    let body = receiver.body.lock().unwrap().clone();
    (StatusCode::from_u16(answer.unwrap_or(200)).unwrap(), body)
}

async fn all_delivered(bot: &Bot) {
    assert!(bot.wait_until_confirmed(LONG).await);
}

#[tokio::test]
async fn updates_are_posted_with_the_secret_also_those_from_before() {
    let telegram = Telegram::start().await;
    let receiver = Receiver::default();
    let url = format!("http://{}/hook", receiver.start().await);
    let ann = telegram.bot.customer(7);
    let before = ann.say("before");
    let parameters = json!({"url": url, "secret_token": "s3cret_-"});
    let (_, body) = telegram.call("setWebhook", parameters).await;
    assert_eq!(body, json!({"ok": true, "result": true, "description": "Webhook was set"}));
    let after = ann.say("after");
    all_delivered(&telegram.bot).await;
    let secret = Some("s3cret_-".to_owned());
    assert_eq!(*receiver.got.lock().unwrap(), [(before, secret.clone()), (after, secret)]);
    let info = telegram.ok("getWebhookInfo", json!({})).await;
    assert_eq!(info["url"], url);
    assert_eq!(info["pending_update_count"], 0);
    assert_eq!(info["max_connections"], 40);
    assert!(info.get("last_error_date").is_none());
    assert!(telegram.fake.violations().is_empty());
}

#[tokio::test]
async fn an_update_that_is_not_taken_comes_again_before_the_next_of_its_chat() {
    let telegram = Telegram::start().await;
    let receiver = Receiver::default();
    *receiver.answers.lock().unwrap() = vec![302, 503, 500];
    let url = format!("http://{}/hook", receiver.start().await);
    telegram.ok("setWebhook", json!({"url": url})).await;
    let ann = telegram.bot.customer(7);
    let first = ann.say("a");
    let second = ann.say("b");
    all_delivered(&telegram.bot).await;
    assert_eq!(receiver.got(), [first, first, first, first, second]);
    let info = telegram.ok("getWebhookInfo", json!({})).await;
    assert_eq!(info["last_error_message"], "Wrong response from the webhook: 302 Found");
}

#[tokio::test]
async fn nothing_is_lost_while_the_webhook_is_away() {
    let telegram = Telegram::start().await;
    let reserved = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = reserved.local_addr().unwrap();
    drop(reserved);
    telegram.ok("setWebhook", json!({"url": format!("http://{addr}/hook")})).await;
    let ann = telegram.bot.customer(7);
    let said = [ann.say("a"), ann.say("b")];
    let failed = async {
        loop {
            let info = telegram.ok("getWebhookInfo", json!({})).await;
            if info.get("last_error_message").is_some() {
                return info;
            }
        }
    };
    let info = tokio::time::timeout(LONG, failed).await.unwrap();
    assert_eq!(info["pending_update_count"], 2);
    assert_eq!(info["last_error_message"], "Connection refused");
    let receiver = Receiver::default();
    let listener = TcpListener::bind(addr).await.unwrap();
    let router = Router::new().fallback(receive).with_state(receiver.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    all_delivered(&telegram.bot).await;
    assert_eq!(receiver.got(), said);
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_in_time_gets_the_update_again() {
    let rules = Redelivery { timeout: Duration::from_millis(100), ..Redelivery::default() };
    let telegram = Telegram::start_with(|builder| builder.redelivery(rules)).await;
    let receiver = Receiver::default();
    *receiver.delay.lock().unwrap() = Duration::from_mins(1);
    let url = format!("http://{}/hook", receiver.start().await);
    telegram.ok("setWebhook", json!({"url": url})).await;
    let id = telegram.bot.customer(7).say("a");
    let twice = async {
        while receiver.got().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, twice).await.unwrap();
    *receiver.delay.lock().unwrap() = Duration::ZERO;
    all_delivered(&telegram.bot).await;
    assert!(receiver.got().iter().all(|got| *got == id));
}

#[tokio::test]
async fn chats_are_delivered_side_by_side_within_max_connections() {
    let telegram = Telegram::start().await;
    let receiver = Receiver::default();
    *receiver.delay.lock().unwrap() = Duration::from_millis(50);
    let url = format!("http://{}/hook", receiver.start().await);
    telegram.ok("setWebhook", json!({"url": url, "max_connections": 3})).await;
    for chat in 1..=12 {
        telegram.bot.customer(chat).say("hello");
    }
    all_delivered(&telegram.bot).await;
    assert_eq!(receiver.most_at_once.lock().unwrap().1, 3);
    assert_eq!(receiver.got().len(), 12);
}

#[tokio::test]
async fn an_update_can_be_posted_twice() {
    let telegram = Telegram::start().await;
    let receiver = Receiver::default();
    let url = format!("http://{}/hook", receiver.start().await);
    telegram.ok("setWebhook", json!({"url": url})).await;
    let id = telegram.bot.customer(7).say("a");
    all_delivered(&telegram.bot).await;
    assert!(telegram.bot.redeliver(id));
    let twice = async {
        while receiver.got().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, twice).await.unwrap();
    assert_eq!(receiver.got(), [id, id]);
}

#[tokio::test]
async fn polling_and_webhooks_exclude_each_other() {
    let telegram = Telegram::start().await;
    let receiver = Receiver::default();
    let url = format!("http://{}/hook", receiver.start().await);
    let poll = telegram.refused("getUpdates", json!({"timeout": 30}));
    let set = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        telegram.ok("setWebhook", json!({"url": url})).await
    };
    let (poll, _) = tokio::join!(poll, set);
    assert_eq!(poll, (409, "Conflict: terminated by setWebhook request".to_owned()));
    let why = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
    assert_eq!(telegram.refused("getUpdates", json!({})).await, (409, why.to_owned()));
    assert!(telegram.bot.has_webhook());
    telegram.ok("deleteWebhook", json!({})).await;
    assert!(!telegram.bot.has_webhook());
    assert_eq!(telegram.ok("getUpdates", json!({})).await, json!([]));
    assert_eq!(telegram.ok("getWebhookInfo", json!({})).await["url"], "");
}

#[tokio::test]
async fn pending_updates_outlive_a_webhook_unless_they_are_dropped() {
    let telegram = Telegram::start().await;
    let receiver = Receiver::default();
    *receiver.answers.lock().unwrap() = vec![500; 10_000];
    let url = format!("http://{}/hook", receiver.start().await);
    telegram.ok("setWebhook", json!({"url": url})).await;
    let ann = telegram.bot.customer(7);
    let id = ann.say("a");
    telegram.ok("deleteWebhook", json!({"drop_pending_updates": false})).await;
    assert_eq!(telegram.ok("getUpdates", json!({})).await[0]["update_id"], id);
    telegram.ok("deleteWebhook", json!({"drop_pending_updates": true})).await;
    assert_eq!(telegram.ok("getUpdates", json!({})).await, json!([]));
    let got = receiver.got().len();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(receiver.got().len(), got, "a deleted webhook is left alone");
}

#[tokio::test]
async fn addresses_and_secrets_that_telegram_refuses_are_refused() {
    let strict = Telegram::start_with(Builder::https_webhooks_only).await;
    let lenient = Telegram::start().await;
    let https = "Bad Request: bad webhook: An HTTPS URL must be provided for webhook";
    let ports = "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443";
    for (telegram, url, why) in [
        (&strict, "http://127.0.0.1:8443/", https),
        (&strict, "https://shop.example:8000/", ports),
        (&lenient, "http://shop.example/", https),
        (&lenient, "ftp://127.0.0.1/", https),
        (&lenient, "nonsense", "Bad Request: bad webhook: invalid webhook URL specified"),
    ] {
        let refusal = telegram.refused("setWebhook", json!({"url": url})).await;
        assert_eq!(refusal, (400, why.to_owned()), "{url}");
    }
    let parameters = json!({"url": "https://shop.example/", "secret_token": "no spaces"});
    let refusal = strict.refused("setWebhook", parameters).await;
    let why = "Bad Request: secret token contains unallowed characters";
    assert_eq!(refusal, (400, why.to_owned()));
    assert!(!strict.bot.has_webhook() && !lenient.bot.has_webhook());
    strict.ok("setWebhook", json!({"url": "https://shop.example/hook"})).await;
    assert!(strict.bot.has_webhook());
}

#[tokio::test]
async fn a_webhook_sees_only_the_kinds_it_was_set_for() {
    let telegram = Telegram::start().await;
    let receiver = Receiver::default();
    let url = format!("http://{}/hook", receiver.start().await);
    let parameters = json!({"url": url, "allowed_updates": ["message"]});
    telegram.ok("setWebhook", parameters).await;
    let ann = telegram.bot.customer(7);
    ann.edit(1, "unwanted");
    let id = ann.say("wanted");
    all_delivered(&telegram.bot).await;
    assert_eq!(receiver.got(), [id]);
    let info = telegram.ok("getWebhookInfo", json!({})).await;
    assert_eq!(info["allowed_updates"], json!(["message"]));
}

#[tokio::test]
async fn each_chat_keeps_its_order_while_half_of_the_posts_fail() {
    let fast = Redelivery { first: Duration::from_millis(1), ..Redelivery::default() };
    let telegram = Telegram::start_with(|builder| builder.redelivery(fast)).await;
    let receiver = Receiver::default();
    *receiver.answers.lock().unwrap() = [500, 200, 200, 503].repeat(40);
    let url = format!("http://{}/hook", receiver.start().await);
    telegram.ok("setWebhook", json!({"url": url})).await;
    let chats: Vec<_> = (1..=8).map(|id| telegram.bot.customer(id)).collect();
    let mut said = vec![Vec::new(); chats.len()];
    for _ in 0..20 {
        for (chat, said) in chats.iter().zip(&mut said) {
            said.push(chat.say("hello"));
        }
    }
    all_delivered(&telegram.bot).await;
    let mut got = receiver.got();
    assert!(got.len() >= 160 + 80);
    for said in said {
        // What came again came again at once, within its chat.
        let mut of_chat: Vec<i64> = got.extract_if(.., |id| said.contains(id)).collect();
        of_chat.dedup();
        assert_eq!(of_chat, said);
    }
}

#[tokio::test]
async fn a_call_in_the_answer_is_carried_out_and_checked() {
    let telegram = Telegram::start().await;
    let receiver = Receiver::default();
    let url = format!("http://{}/hook", receiver.start().await);
    let ann = telegram.bot.customer(7);
    telegram.ok("setWebhook", json!({"url": url})).await;
    let call = json!({"method": "sendMessage", "chat_id": 7, "text": "hello"});
    *receiver.body.lock().unwrap() = call.to_string();
    ann.say("hi");
    assert_eq!(ann.wait_for_reply(0, LONG).await.unwrap().text, "hello");

    for wrong in [json!({"method": "sendPoem"}), json!({"method": "sendMessage", "chat_id": 7})] {
        let before = telegram.fake.violations().len();
        *receiver.body.lock().unwrap() = wrong.to_string();
        ann.say("hi");
        all_delivered(&telegram.bot).await;
        assert_eq!(telegram.fake.violations().len(), before + 1, "{wrong}");
    }
    assert_eq!(ann.sent_total(), 1);
}
