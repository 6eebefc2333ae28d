//! Bots that ask Telegram.

use std::time::Duration;

use replyx_testkit::telegram::{Enforcement, FakeTelegram, Fault, Limits};
use serde_json::json;
use tokio::time::Instant;

use crate::harness::{Home, PATIENCE, TOKEN, a_moment, on_every_home, until};

const SECOND: &str = "4002:second-token-of-thirty-characters-or-so";
const QUESTION: &str = "How many days do I have to return an item?";

on_every_home! {
    async fn a_bot_polls_where_telegram_cannot_reach_us(home: &Home) {
        let bot = home.bot();
        let shop = home.open_with(home.launch().with("PUBLIC_URL", "http://bots.example.org")).await;
        shop.learn("returns.en.md").await;
        let id = shop.connect().await;
        assert_eq!(shop.owner.get(&format!("/api/v1/bots/{id}")).await.body["mode"], "auto");
        assert!(bot.customer(7).ask(QUESTION, PATIENCE).await.unwrap().plain.contains("30 days"));
        assert!(!bot.has_webhook());
        assert_eq!(home.telegram.violations(), Vec::<String>::new());
    }
}

on_every_home! {
    async fn what_was_written_before_the_bot_was_registered_is_answered(home: &Home) {
        let bot = home.bot();
        let ann = bot.customer(7);
        ann.say(QUESTION);
        let shop = home.open().await;
        shop.learn("returns.en.md").await;
        shop.connect().await;
        assert!(ann.wait_for_reply(0, PATIENCE).await.unwrap().plain.contains("30 days"));
    }
}

on_every_home! {
    async fn a_stopped_bot_keeps_its_messages_waiting(home: &Home) {
        let bot = home.bot();
        let shop = home.open().await;
        shop.learn("returns.en.md").await;
        let id = shop.connect().await;
        let ann = bot.customer(7);
        ann.ask(QUESTION, PATIENCE).await.unwrap();

        let stopped = shop.owner.post(&format!("/api/v1/bots/{id}/stop"), &json!({})).await;
        assert_eq!(stopped.expect(200).body["status"], "stopped");
        until("nothing runs", async || {
            (shop.metric("telegram_bots_running", &[]).await < 0.5).then_some(())
        })
        .await;
        for text in ["first", "second", "third"] {
            ann.say(text);
        }
        a_moment().await;
        assert_eq!((ann.sent_total(), bot.pending_updates()), (1, 3));

        // Also across a death of the program.
        let shop = shop.crash().await;
        a_moment().await;
        assert_eq!((ann.sent_total(), bot.pending_updates()), (1, 3));
        shop.owner.post(&format!("/api/v1/bots/{id}/start"), &json!({})).await.expect(200);
        assert!(bot.wait_until_confirmed(PATIENCE).await);
        until("all are stored", async || (shop.messages().await.len() >= 6).then_some(())).await;
        let replies = shop.replies().await;
        let messages = shop.messages().await;
        let said: Vec<_> = messages.iter()
            .filter(|message| message["author"] == "customer")
            .map(|message| message["text"].as_str().unwrap())
            .collect();
        assert_eq!(said, [QUESTION, "first", "second", "third"]);
        assert_eq!(ann.sent_total(), replies.len() as u64);
    }
}

on_every_home! {
    async fn a_bot_whose_token_was_revoked_fails_with_a_sentence_and_can_be_replaced(home: &Home) {
        let bot = home.bot();
        let shop = home.open().await;
        shop.learn("returns.en.md").await;
        let id = shop.connect().await;
        bot.customer(7).ask(QUESTION, PATIENCE).await.unwrap();
        home.telegram.revoke(TOKEN);
        let failed = shop.bot_is(&id, "failed").await;
        assert_eq!(failed["error"], "telegram does not accept the token of the bot");

        // Started again, it fails again.
        shop.owner.post(&format!("/api/v1/bots/{id}/start"), &json!({})).await.expect(200);
        shop.bot_is(&id, "failed").await;
        shop.owner.delete(&format!("/api/v1/bots/{id}")).await.expect(204);
        let new = home.telegram.add_bot("4001:another-token-of-thirty-characters-or-so", "first_bot");
        shop.owner.bot(&shop.assistant, new.token()).await;
        assert!(new.customer(7).ask(QUESTION, PATIENCE).await.is_some());
    }
}

on_every_home! {
    async fn a_bot_in_trouble_does_not_disturb_another(home: &Home) {
        let first = home.bot();
        let second = home.telegram.add_bot(SECOND, "second_bot");
        let shop = home.open().await;
        shop.learn("returns.en.md").await;
        shop.connect().await;
        shop.owner.bot(&shop.assistant, SECOND).await;
        first.customer(7).ask(QUESTION, PATIENCE).await.unwrap();
        second.customer(7).ask(QUESTION, PATIENCE).await.unwrap();

        home.telegram.inject(Fault::TooManyRequests { retry_after: 6 }.on("sendMessage").of_bot(TOKEN));
        home.telegram.inject(Fault::Status(502).on("getUpdates").of_bot(TOKEN).times(3));
        let told = Instant::now();
        first.customer(8).say(QUESTION);
        until("the first is told to wait", async || {
            (shop.metric("telegram_bot_rate_limit_hits_total", &[]).await >= 1.0).then_some(())
        })
        .await;
        let begun = Instant::now();
        for customer in 8..12 {
            let reply = second.customer(customer).ask(QUESTION, PATIENCE).await.unwrap();
            assert!(reply.plain.contains("30 days"));
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        let reply = first.customer(8).wait_for_reply(0, PATIENCE).await.unwrap();
        assert!(reply.at - told > Duration::from_secs(5), "a 429 is obeyed");
        assert_eq!(first.customer(8).sent_total(), 1);
    }
}

on_every_home! {
    async fn a_bot_that_telegram_does_not_answer_does_not_keep_another_from_starting(home: &Home) {
        let first = home.bot();
        let second = home.telegram.add_bot(SECOND, "second_bot");
        let shop = home.open().await;
        for method in ["getUpdates", "deleteWebhook", "setWebhook"] {
            home.telegram.inject(Fault::Hang.on(method).of_bot(TOKEN));
        }
        shop.connect().await;
        shop.owner.bot(&shop.assistant, SECOND).await;
        let begun = Instant::now();
        second.customer(7).ask("/start", PATIENCE).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        drop(first);
    }
}

on_every_home! {
    async fn who_blocks_the_bot_is_known_and_who_returns_is_answered(home: &Home) {
        let bot = home.bot();
        let shop = home.open().await;
        shop.learn("returns.en.md").await;
        shop.connect().await;
        let ann = bot.customer(7);
        ann.ask(QUESTION, PATIENCE).await.unwrap();
        let blocked = async |expected: bool| {
            until("the contact is known to have blocked the bot, or not", async || {
                let list = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
                let path = format!("/api/v1/dialogs/{}", list["items"][0]["id"].as_str().unwrap());
                let dialog = shop.owner.get(&path).await.expect(200).body;
                (dialog["contact"]["blocked"] == expected).then_some(())
            })
            .await;
        };
        ann.block();
        blocked(true).await;
        ann.unblock();
        blocked(false).await;
        assert!(ann.ask(QUESTION, PATIENCE).await.is_some());

        // Telegram may also tell when we send: the reply fails, and does not block the chat's queue.
        home.telegram.inject(
            Fault::Error { code: 403, description: "Forbidden: bot was blocked by the user".to_owned() }
                .on("sendMessage"),
        );
        ann.say(QUESTION);
        blocked(true).await;
        let failed = shop.messages().await.pop().unwrap();
        assert_eq!(failed["delivery"], "failed", "{failed}");
        assert!(ann.ask(QUESTION, PATIENCE).await.is_some());
        blocked(false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telegrams_published_limits_are_kept() {
    let mut home = Home::sqlite().await;
    let limits = Limits::published(Enforcement::Count);
    home.telegram = FakeTelegram::builder().limits(limits).start().await.unwrap();
    let bot = home.bot();
    let launch = home.launch().with("TELEGRAM_CHAT_RATE", 1).with("TELEGRAM_BOT_RATE", 30);
    let shop = home.open_with(launch).await;
    let long = "A paragraph of the answer, neither short nor long.\n\n".repeat(250);
    let path = format!("/api/v1/assistants/{}", shop.assistant);
    // As long as is allowed: it goes out in parts.
    let greeting: String = long.chars().take(4_000).collect();
    shop.owner.patch(&path, &json!({"greeting": greeting})).await.expect(200);
    shop.connect().await;
    for customer in 1..=60 {
        bot.customer(customer).say("/start");
    }
    let ann = bot.customer(1000);
    for number in 1..=3 {
        ann.say("/start");
        assert!(ann.wait_until(number, PATIENCE).await);
    }
    assert!(bot.wait_until_sent(63, PATIENCE).await);
    let excess = bot.excess();
    assert_eq!(excess, replyx_testkit::telegram::Excess::default());
}
