//! Bots that Telegram calls.

use std::time::Duration;

use replyx_core::secret::Keys;
use replyx_testkit::{
    api::Answer,
    program::Launch,
    telegram::{Bot, TelegramFault},
};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{
    Home, PATIENCE, SECRET, Shop, TOKEN, a_moment, assert_problem, on_every_home, until,
};

/// With a fixed port, because Telegram has to know the address.
pub(crate) fn reachable(home: &Home) -> Launch {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    home.launch().with("PORT", free).with("PUBLIC_URL", format!("http://127.0.0.1:{free}/"))
}

/// A shop with a bot that works by webhook.
pub(crate) async fn hooked(home: &Home) -> (Shop, Bot, String) {
    hooked_by(home, reachable(home)).await
}

/// As [`hooked`], started in another way.
pub(crate) async fn hooked_by(home: &Home, launch: Launch) -> (Shop, Bot, String) {
    let bot = home.bot();
    let shop = home.open_with(launch).await;
    shop.learn("returns.en.md").await;
    let path = format!("/api/v1/assistants/{}/bots", shop.assistant);
    let body = json!({"token": TOKEN, "mode": "webhook"});
    let id = shop.owner.post(&path, &body).await.expect(201).text("id");
    until("the webhook is set", async || bot.has_webhook().then_some(())).await;
    (shop, bot, id)
}

/// The secret part of the bot's address, as Telegram knows it.
pub(crate) async fn hook_path(home: &Home) -> String {
    let url = format!("{}/bot{TOKEN}/getWebhookInfo", home.telegram.url());
    let answer = replyx_testkit::http_client().get(url).send().await.unwrap();
    let info: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let (_, path) = info["result"]["url"].as_str().unwrap().rsplit_once('/').unwrap();
    path.to_owned()
}

pub(crate) async fn call(shop: &Shop, path: &str, secret: Option<&str>, body: &str) -> Answer {
    let path = format!("/hooks/telegram/{path}");
    let mut request = shop.owner.request(Method::POST, &path).body(body.to_owned());
    if let Some(secret) = secret {
        request = request.header("x-telegram-bot-api-secret-token", secret);
    }
    shop.owner.send(request.header("content-type", "application/json")).await
}

pub(crate) fn secret_of(bot: &str) -> String {
    let keys = Keys::derive(&SecretString::from(SECRET)).unwrap();
    let token = replyx_fleet::hooks::secret_token(&keys, bot.parse().unwrap());
    token.expose_secret().to_owned()
}

const QUESTION: &str = "How many days do I have to return an item?";

#[on_every_home]
async fn what_customers_write_while_the_program_is_dead_is_answered_once(home: &Home) {
    let (shop, bot, _) = hooked(home).await;
    let ann = bot.customer(7);
    assert!(ann.ask(QUESTION, PATIENCE).await.unwrap().plain.contains("30 days"));
    // Noted as sent: a send of unknown outcome would be repeated.
    shop.replies().await;

    let Shop { launch, program, owner, assistant } = shop;
    program.kill().await;
    let bob = bot.customer(8);
    ann.say("And for sale items?");
    bob.say(QUESTION);
    a_moment().await;
    assert_eq!(bot.pending_updates(), 2, "Telegram keeps them");
    let shop = Shop::again(launch, &owner, assistant).await;
    assert!(bob.wait_until(1, PATIENCE).await);
    assert!(ann.wait_until(2, PATIENCE).await);
    assert!(bot.wait_until_confirmed(PATIENCE).await);
    assert!(bot.has_webhook());
    a_moment().await;
    assert_eq!(bot.sent_total(), 3);
    assert_eq!(home.telegram.violations(), Vec::<String>::new());
    drop(shop);
}

#[on_every_home]
async fn an_update_that_comes_again_changes_nothing(home: &Home) {
    let (shop, bot, id) = hooked(home).await;
    let ann = bot.customer(7);
    let update = ann.say(QUESTION);
    assert!(ann.wait_until(1, PATIENCE).await);
    shop.replies().await;
    let before = shop.messages().await;

    for _ in 0..3 {
        assert!(bot.redeliver(update));
    }
    shop.metric_reaches("updates_total", &["outcome=\"duplicate\""], 3.0).await;
    // The same one many times at once.
    let again = json!({"update_id": update + 1000, "message": {
        "message_id": 500, "date": 1_790_000_000, "text": "And for sale items?",
        "chat": {"id": 7, "type": "private", "first_name": "Ann"},
        "from": {"id": 7, "is_bot": false, "first_name": "Ann"},
    }})
    .to_string();
    let path = hook_path(home).await;
    let secret = secret_of(&id);
    let calls = (0..8).map(|_| call(&shop, &path, Some(&secret), &again));
    for answer in futures::future::join_all(calls).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert!(ann.wait_until(2, PATIENCE).await);
    a_moment().await;
    assert_eq!(ann.sent_total(), 2);
    let after = shop.messages().await;
    assert_eq!(after.len(), 4, "{after:#?}");
    assert_eq!(after[..2], before[..]);
}

#[on_every_home]
async fn only_telegram_may_call_and_only_for_a_bot_that_runs(home: &Home) {
    let (shop, bot, id) = hooked(home).await;
    let path = hook_path(home).await;
    let secret = secret_of(&id);
    let update = json!({"update_id": 1, "hologram": {}}).to_string();

    for wrong in [None, Some(""), Some("x"), Some(&secret[1..])] {
        let answer = call(&shop, &path, wrong, &update).await;
        assert_problem(&answer, 401, "unauthenticated");
    }
    for wrong in ["0123456789abcdef", "nothing-of-ours", &path[1..]] {
        let answer = call(&shop, wrong, Some(&secret), &update).await;
        assert_problem(&answer, 404, "not_found");
    }
    for odd in [
        update.as_str(),
        "",
        "[]",
        "null",
        "{\"update_id\":\"x\"}",
        "not json",
        "{\"update_id\":2}",
    ] {
        call(&shop, &path, Some(&secret), odd).await.expect(200);
    }
    assert!(shop.metric("updates_total", &["outcome=\"malformed\""]).await >= 5.0);
    assert!(shop.metric("updates_total", &["outcome=\"ignored\""]).await >= 2.0);
    let answer = call(&shop, &path, Some(&secret), &" ".repeat((1 << 20) + 1)).await;
    assert_problem(&answer, 413, "too_large");

    shop.owner.post(&format!("/api/v1/bots/{id}/stop"), &json!({})).await.expect(200);
    let answer = call(&shop, &path, Some(&secret), &update).await;
    assert_problem(&answer, 503, "busy");
    assert!(answer.headers.contains_key("retry-after"));
    until("the webhook is taken back", async || (!bot.has_webhook()).then_some(())).await;

    let ann = bot.customer(7);
    ann.say(QUESTION);
    a_moment().await;
    assert_eq!((ann.sent_total(), bot.pending_updates()), (0, 1), "it waits");
    shop.owner.post(&format!("/api/v1/bots/{id}/start"), &json!({})).await.expect(200);
    assert!(ann.wait_for_reply(0, PATIENCE).await.unwrap().plain.contains("30 days"));

    shop.owner.delete(&format!("/api/v1/bots/{id}")).await.expect(204);
    until("the webhook is taken back", async || (!bot.has_webhook()).then_some(())).await;
    let answer = call(&shop, &path, Some(&secret), &update).await;
    assert_problem(&answer, 404, "not_found");
}

#[on_every_home]
async fn a_bot_changes_from_webhook_to_polling_and_back_and_loses_nothing(home: &Home) {
    let (shop, bot, id) = hooked(home).await;
    let ann = bot.customer(7);
    for (mode, number) in [("polling", 1), ("webhook", 2), ("auto", 3)] {
        let path = format!("/api/v1/bots/{id}");
        shop.owner.patch(&path, &json!({"mode": mode})).await.expect(200);
        until("the mode has changed", async || {
            (bot.has_webhook() == (mode == "webhook")).then_some(())
        })
        .await;
        ann.say(QUESTION);
        assert!(ann.wait_until(number, PATIENCE).await, "{mode}");
    }
    a_moment().await;
    assert_eq!(ann.sent_total(), 3);
}

#[on_every_home]
async fn a_bot_whose_webhook_cannot_be_set_does_not_keep_another_from_starting(home: &Home) {
    let (shop, _, _) = hooked(home).await;
    let third = home.telegram.add_bot("4003:third-token-of-thirty-characters-or-so", "third_bot");
    let fourth =
        home.telegram.add_bot("4004:fourth-token-of-thirty-characters-or-so", "fourth_bot");
    home.telegram.inject(TelegramFault::Hang.on("setWebhook").of_bot(third.token()));
    let path = format!("/api/v1/assistants/{}/bots", shop.assistant);
    for bot in [&third, &fourth] {
        let body = json!({"token": bot.token(), "mode": "webhook"});
        shop.owner.post(&path, &body).await.expect(201);
    }
    let begun = Instant::now();
    assert!(fourth.customer(7).ask(QUESTION, PATIENCE).await.is_some());
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    assert!(third.customer(7).ask(QUESTION, PATIENCE).await.is_some(), "tried again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_public_address_a_webhook_is_refused_with_a_sentence() {
    let home = Home::sqlite().await;
    home.bot();
    let shop = home.open().await;
    let path = format!("/api/v1/assistants/{}/bots", shop.assistant);
    let body = json!({"token": TOKEN, "mode": "webhook"});
    let refused = shop.owner.post(&path, &body).await;
    assert_problem(&refused, 422, "invalid");
    assert!(refused.body["errors"][0]["message"].as_str().unwrap().contains("PUBLIC_URL"));

    let body = json!({"token": TOKEN, "mode": "polling"});
    let id = shop.owner.post(&path, &body).await.expect(201).text("id");
    let path = format!("/api/v1/bots/{id}");
    assert_problem(&shop.owner.patch(&path, &json!({"mode": "webhook"})).await, 422, "invalid");
    assert!(home.bot().customer(7).ask("/start", PATIENCE).await.is_some());
}

#[on_every_home]
async fn telegram_calls_no_http_address_and_is_not_asked_to(home: &Home) {
    let launch = home.launch().with("TELEGRAM_API_URL", "https://api.telegram.org");
    let shop = home.open_with(launch.with("PUBLIC_URL", "http://bots.example.org")).await;
    let path = format!("/api/v1/assistants/{}/bots", shop.assistant);
    let refused = shop.owner.post(&path, &json!({"token": TOKEN, "mode": "webhook"})).await;
    assert_problem(&refused, 422, "invalid");
    assert_eq!(refused.body["errors"][0]["field"], "mode");
    assert!(refused.body["errors"][0]["message"].as_str().unwrap().contains("https"));
}
