//! A bot gets its next token.

use replyx_testkit::{
    api::{Answer, Api},
    telegram::TelegramFault,
};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Home, PASSWORD, PATIENCE, TOKEN, a_moment, assert_problem, on_every_home};

const QUESTION: &str = "How many days do I have to return an item?";
const RENEWED: &str = "4001:renewed-token-of-thirty-characters-or-so";
const OTHER: &str = "4002:second-token-of-thirty-characters-or-so";

async fn put(who: &Api, path: &str, token: &str) -> Answer {
    who.send(who.request(Method::PUT, path).json(&json!({"token": token}))).await
}

#[on_every_home]
async fn a_revoked_token_is_replaced_and_the_dialogs_go_on(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let id = shop.connect().await;
    let path = format!("/api/v1/bots/{id}/token");
    bot.customer(7).ask(QUESTION, PATIENCE).await.unwrap();
    let said = shop.replies().await.len();

    let renewed = home.telegram.renew_token(TOKEN, RENEWED);
    shop.bot_is(&id, "failed").await;
    let ann = renewed.customer(7);
    let before = ann.sent_total();
    ann.say(QUESTION);
    let replaced = put(&shop.owner, &path, RENEWED).await.expect(200);
    assert_eq!((replaced.text("id"), replaced.text("status")), (id.clone(), "running".to_owned()));
    assert!(replaced.body["error"].is_null() && !replaced.body.to_string().contains("renewed"));
    assert!(ann.wait_for_reply(before, PATIENCE).await.is_some(), "what waited is answered");
    assert!(shop.replies().await.len() > said, "in the same dialog");

    let log = shop.owner.get("/api/v1/audit?limit=200").await.expect(200).body.to_string();
    assert!(log.contains("bot.token_replaced") && !log.contains("renewed-token"), "{log}");
    assert_eq!(home.telegram.violations(), Vec::<String>::new());
}

#[on_every_home]
async fn only_a_working_token_of_the_same_bot_is_taken(home: &Home) {
    let bot = home.bot();
    home.telegram.add_bot(OTHER, "second_bot");
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let id = shop.connect().await;
    let path = format!("/api/v1/bots/{id}/token");
    assert_problem(&put(&shop.owner, &path, OTHER).await, 409, "other_bot");
    assert_problem(&put(&shop.owner, &path, TOKEN).await, 409, "token_unchanged");
    assert_problem(&put(&shop.owner, &path, RENEWED).await, 422, "invalid");
    assert_problem(&put(&shop.owner, &path, "4001:short").await, 422, "invalid");

    // Nothing of it has changed the bot, and nobody else changes it.
    shop.bot_is(&id, "running").await;
    assert!(bot.customer(7).ask(QUESTION, PATIENCE).await.is_some());
    let other = Api::new(shop.program.base());
    let other = other.register("other@example.org", PASSWORD).await;
    let renewed = home.telegram.renew_token(TOKEN, RENEWED);
    let refused = put(&other, &path, RENEWED).await;
    assert_problem(&refused, 404, "not_found");

    home.telegram.inject(TelegramFault::Status(500).on("getMe").forever());
    assert_problem(&put(&shop.owner, &path, RENEWED).await, 502, "bad_gateway");
    home.telegram.clear_faults();

    // A bot that was stopped stays so.
    shop.owner.post(&format!("/api/v1/bots/{id}/stop"), &json!({})).await.expect(200);
    assert_eq!(put(&shop.owner, &path, RENEWED).await.expect(200).body["status"], "stopped");
    renewed.customer(7).say(QUESTION);
    a_moment().await;
    assert_eq!(renewed.pending_updates(), 1);
    shop.owner.post(&format!("/api/v1/bots/{id}/start"), &json!({})).await.expect(200);
    assert!(renewed.wait_until_confirmed(PATIENCE).await);
}
