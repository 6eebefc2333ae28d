//! Bots that ask Telegram.

use std::time::Duration;

use replyx_testkit::{
    api::{Answer, Api},
    telegram::{Enforcement, FakeTelegram, Limits, TelegramFault},
};
use serde_json::json;
use tokio::time::Instant;

use crate::harness::{
    Home, PASSWORD, PATIENCE, Shop, TOKEN, a_moment, assert_problem, on_every_home, until,
};

const SECOND: &str = "4002:second-token-of-thirty-characters-or-so";
const QUESTION: &str = "How many days do I have to return an item?";

#[on_every_home]
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

#[on_every_home]
async fn what_was_written_before_the_bot_was_registered_is_answered(home: &Home) {
    let bot = home.bot();
    let ann = bot.customer(7);
    ann.say(QUESTION);
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    assert!(ann.wait_for_reply(0, PATIENCE).await.unwrap().plain.contains("30 days"));
}

#[on_every_home]
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
    let said: Vec<_> = messages
        .iter()
        .filter(|message| message["author"] == "customer")
        .map(|message| message["text"].as_str().unwrap())
        .collect();
    assert_eq!(said, [QUESTION, "first", "second", "third"]);
    assert_eq!(ann.sent_total(), replies.len() as u64);
}

#[on_every_home]
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

/// The next token of the first bot, as `@BotFather` gives it out.
const RENEWED: &str = "4001:renewed-token-of-thirty-characters-or-so";
/// And the one after it.
const NEWEST: &str = "4001:newest-token-of-thirty-characters-or-so";

/// Somebody else in the same installation, with an assistant of their own.
async fn neighbour(shop: &Shop, email: &str) -> (Api, String) {
    let other = Api::new(shop.program.base()).register(email, PASSWORD).await;
    let assistant = other.assistant(&json!({"name": "Other"})).await;
    (other, assistant)
}

async fn claim(who: &Api, assistant: &str, token: &str) -> Answer {
    let path = format!("/api/v1/assistants/{assistant}/bots");
    who.post(&path, &json!({"token": token, "mode": "polling"})).await
}

async fn actions(who: &Api) -> Vec<String> {
    let log = who.get("/api/v1/audit?limit=200").await.expect(200).body;
    let entries = log["items"].as_array().unwrap();
    entries.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

#[on_every_home]
async fn whoever_shows_a_newer_token_takes_the_bot_over_and_may_come_home(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let old = shop.connect().await;
    bot.customer(7).ask(QUESTION, PATIENCE).await.unwrap();
    let said = shop.replies().await.len();
    let (other, assistant) = neighbour(&shop, "other@example.org").await;

    // As long as the stored token works, nobody gets the bot: neither with it nor with another one.
    assert_problem(&claim(&other, &assistant, TOKEN).await, 409, "bot_exists");

    let renewed = home.telegram.renew_token(TOKEN, RENEWED);
    let taken = claim(&other, &assistant, RENEWED).await.expect(201);
    assert_ne!(taken.text("id"), old);
    assert_eq!(taken.body["status"], "running");
    let left = shop.bot_is(&old, "failed").await;
    assert!(left["error"].as_str().unwrap().contains("newer token"), "{left}");
    assert_eq!(shop.replies().await.len(), said, "the dialogs stay");
    let restart = shop.owner.post(&format!("/api/v1/bots/{old}/start"), &json!({})).await;
    assert_problem(&restart, 409, "bot_moved");

    // Both are told, and neither is told who the other is.
    let log = actions(&shop.owner).await;
    assert!(log.contains(&"bot.moved_away".to_owned()), "{log:?}");
    let log = shop.owner.get("/api/v1/audit?limit=200").await.body.to_string();
    assert!(!log.contains("other@example.org"), "{log}");
    assert!(actions(&other).await.contains(&"bot.created".to_owned()));
    let ann = renewed.customer(7);
    let before = ann.sent_total();
    ann.say("Are you there?");
    assert!(ann.wait_for_reply(before, PATIENCE).await.is_some(), "the new one answers");
    assert_eq!(shop.replies().await.len(), said, "and the old one does not hear of it");

    // The first owner has the bot's token renewed and shows it: the bot is back, with its dialogs.
    let newest = home.telegram.renew_token(RENEWED, NEWEST);
    let back = claim(&shop.owner, &shop.assistant, NEWEST).await.expect(201);
    assert_eq!(back.text("id"), old, "it keeps its id");
    let path = format!("/api/v1/bots/{}", taken.text("id"));
    until("the neighbour is told", async || {
        (other.get(&path).await.expect(200).body["status"] == "failed").then_some(())
    })
    .await;
    assert!(newest.customer(7).ask(QUESTION, PATIENCE).await.is_some());
    assert!(shop.replies().await.len() > said, "the dialog goes on");
}

#[on_every_home]
async fn a_bot_gets_its_next_token_where_it_is(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let id = shop.connect().await;
    bot.customer(7).ask(QUESTION, PATIENCE).await.unwrap();
    assert_problem(&claim(&shop.owner, &shop.assistant, TOKEN).await, 409, "bot_exists");

    let renewed = home.telegram.renew_token(TOKEN, RENEWED);
    let answer = claim(&shop.owner, &shop.assistant, RENEWED).await.expect(201);
    assert_eq!(answer.text("id"), id);
    assert!(renewed.customer(7).ask(QUESTION, PATIENCE).await.is_some());
    shop.bot_is(&id, "running").await;
    assert!(actions(&shop.owner).await.contains(&"bot.token_replaced".to_owned()));

    // Whoever saw a token once holds nothing.
    let (other, assistant) = neighbour(&shop, "other@example.org").await;
    let answer = claim(&other, &assistant, TOKEN).await;
    assert_problem(&answer, 422, "invalid");
    shop.bot_is(&id, "running").await;
}

#[on_every_home]
async fn of_two_who_claim_a_bot_at_once_one_gets_it(home: &Home) {
    home.bot();
    let shop = home.open().await;
    let old = shop.connect().await;
    shop.bot_is(&old, "running").await;
    let (first, of_first) = neighbour(&shop, "first@example.org").await;
    let (second, of_second) = neighbour(&shop, "second@example.org").await;
    home.telegram.renew_token(TOKEN, RENEWED);

    // Both have shown the token and learned that the stored one is dead before either may write.
    let mut tx = home.db.db.begin().await.unwrap();
    tx.system().bots().lock_by_telegram_id(4001).await.unwrap();
    let claims = tokio::spawn(async move {
        tokio::join!(claim(&first, &of_first, RENEWED), claim(&second, &of_second, RENEWED))
    });
    a_moment().await;
    assert!(!claims.is_finished(), "they wait for the row");
    drop(tx);

    let (one, two) = claims.await.unwrap();
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{} {}", one.body, two.body);
    shop.bot_is(&old, "failed").await;
}

#[on_every_home]
async fn a_bot_is_not_given_away_while_telegram_cannot_be_asked(home: &Home) {
    home.bot();
    let shop = home.open().await;
    let id = shop.connect().await;
    let (other, assistant) = neighbour(&shop, "other@example.org").await;
    home.telegram.add_bot(RENEWED, "first_bot");
    home.telegram.inject(TelegramFault::Status(500).on("getMe").of_bot(TOKEN).forever());

    assert_problem(&claim(&other, &assistant, RENEWED).await, 502, "bad_gateway");
    home.telegram.clear_faults();
    assert_problem(&claim(&other, &assistant, RENEWED).await, 409, "bot_exists");
    shop.bot_is(&id, "running").await;
}

#[on_every_home]
async fn a_webhook_without_a_public_address_is_refused_at_once(home: &Home) {
    home.bot();
    let shop = home.open().await;
    let path = format!("/api/v1/assistants/{}/bots", shop.assistant);
    let answer = shop.owner.post(&path, &json!({"token": TOKEN, "mode": "webhook"})).await;
    assert_problem(&answer, 422, "invalid");
    assert_eq!(answer.body["errors"][0]["field"], "mode");

    let id = shop.connect().await;
    let path = format!("/api/v1/bots/{id}");
    assert_problem(&shop.owner.patch(&path, &json!({"mode": "webhook"})).await, 422, "invalid");
    shop.bot_is(&id, "running").await;
}

#[on_every_home]
async fn a_group_that_becomes_a_supergroup_keeps_its_dialog(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let group = bot.group(-77, "Club");
    group.say("@first_bot how many days do I have to return an item?");
    assert!(group.wait_for_reply(0, PATIENCE).await.is_some());

    let supergroup = group.upgrade(-1_001_234_567_890);
    supergroup.say("@first_bot how many days do I have to return an item?");
    assert!(supergroup.wait_for_reply(0, PATIENCE).await.is_some());
    let asked = shop.messages().await;
    let asked = asked.iter().filter(|message| message["author"] == "customer").count();
    assert_eq!(asked, 2, "in one dialog");
    assert_eq!((group.sent_total(), supergroup.sent_total()), (1, 1));
    assert_eq!(home.telegram.violations(), Vec::<String>::new());
}

#[on_every_home]
async fn an_answer_follows_a_group_whose_move_nobody_told_us_of(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let group = bot.group(-77, "Club");
    group.say("@first_bot how many days do I have to return an item?");
    assert!(group.wait_for_reply(0, PATIENCE).await.is_some());

    // The question still comes from the old chat; its answer is refused there.
    let supergroup = group.upgrade_unheard(-1_001_234_567_890);
    group.say("@first_bot how many days do I have to return an item?");
    let answer = supergroup.wait_for_reply(0, PATIENCE).await.expect("it follows");
    assert!(answer.plain.contains("30 days"), "{}", answer.plain);
    shop.replies().await;

    // From now on the new number is known.
    supergroup.say("@first_bot how many days do I have to return an item?");
    assert!(supergroup.wait_for_reply(1, PATIENCE).await.is_some());
    assert_eq!(shop.replies().await.len(), 3, "one dialog, nothing lost, nothing twice");
    assert_eq!((group.sent_total(), supergroup.sent_total()), (1, 2));
    let refused = bot.refused();
    let sends = refused.iter().filter(|refused| refused.method == "sendMessage").count();
    assert_eq!(sends, 1, "one send was refused: {refused:?}");
}

#[on_every_home]
async fn a_bot_in_trouble_does_not_disturb_another(home: &Home) {
    let first = home.bot();
    let second = home.telegram.add_bot(SECOND, "second_bot");
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    shop.owner.bot(&shop.assistant, SECOND).await;
    first.customer(7).ask(QUESTION, PATIENCE).await.unwrap();
    second.customer(7).ask(QUESTION, PATIENCE).await.unwrap();

    home.telegram
        .inject(TelegramFault::TooManyRequests { retry_after: 12 }.on("sendMessage").of_bot(TOKEN));
    home.telegram.inject(TelegramFault::Status(502).on("getUpdates").of_bot(TOKEN).times(3));
    let told = Instant::now();
    first.customer(8).say(QUESTION);
    until("the first is told to wait", async || {
        (shop.metric("telegram_bot_rate_limit_hits_total", &[]).await >= 1.0).then_some(())
    })
    .await;
    let mut last = told;
    for customer in 8..12 {
        let reply = second.customer(customer).ask(QUESTION, PATIENCE).await.unwrap();
        assert!(reply.plain.contains("30 days"));
        last = reply.at;
    }
    let reply = first.customer(8).wait_for_reply(0, PATIENCE).await.unwrap();
    assert!(reply.at - told > Duration::from_secs(11), "a 429 is obeyed");
    assert!(last < reply.at, "the second bot waited with the first");
    assert_eq!(first.customer(8).sent_total(), 1);
}

#[on_every_home]
async fn a_bot_that_telegram_does_not_answer_does_not_keep_another_from_starting(home: &Home) {
    let first = home.bot();
    let second = home.telegram.add_bot(SECOND, "second_bot");
    let shop = home.open().await;
    for method in ["getUpdates", "deleteWebhook", "setWebhook"] {
        home.telegram.inject(TelegramFault::Hang.on(method).of_bot(TOKEN));
    }
    shop.connect().await;
    shop.owner.bot(&shop.assistant, SECOND).await;
    let begun = Instant::now();
    second.customer(7).ask("/start", PATIENCE).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    drop(first);
}

#[on_every_home]
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
        TelegramFault::Error {
            code: 403,
            description: "Forbidden: bot was blocked by the user".to_owned(),
        }
        .on("sendMessage"),
    );
    ann.say(QUESTION);
    blocked(true).await;
    let failed = shop.messages().await.pop().unwrap();
    assert_eq!(failed["delivery"], "failed", "{failed}");
    assert!(ann.ask(QUESTION, PATIENCE).await.is_some());
    blocked(false).await;
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
