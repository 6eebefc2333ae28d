//! Models of a provider, and what is done when they fail.

use std::time::Duration;

use replyx_testkit::{
    Hold,
    openai::{Answer, FakeOpenAi, ModelFault},
    telegram::Bot,
};
use serde_json::json;

use crate::harness::{Home, PATIENCE, Shop, a_moment, on_every_home, until, with_model};

const QUESTION: &str = "How many days do I have to return an item?";
const FALLBACK: &str = "Kim will write to you.";
const UNKNOWN: &str = "Ask Kim about that.";

async fn shop(home: &Home, model: &FakeOpenAi, window: u64) -> (Shop, Bot) {
    let bot = home.bot();
    // One of them is not known to the provider.
    let launch = with_model(home.launch(), model)
        .with("REPLY_WINDOW_MS", window)
        // The vectors of a fake say nothing about what texts mean.
        .with("EMBEDDING_MODEL", "none")
        .with("ALLOWED_MODELS", "gpt-4o-mini,extractive,gpt-0-unheard-of");
    let shop = home.open_with(launch).await;
    shop.set(&json!({"fallback_text": FALLBACK, "unknown_text": UNKNOWN})).await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    (shop, bot)
}

#[on_every_home]
async fn the_models_answer_is_sent_with_its_sources_tokens_and_cost(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Answer::text("You have **30 days** [1].").costing(1_000, 101).in_pieces_of(3));
    let (shop, bot) = shop(home, &model, 50).await;
    shop.set(&json!({"system_prompt": "Be brief.", "temperature": 0.5})).await;
    let reply = bot.customer(7).ask(QUESTION, PATIENCE).await.unwrap();
    assert_eq!(reply.plain, "You have 30 days.");
    assert!(reply.text.contains("<b>30 days</b>"), "{}", reply.text);

    let requests = model.requests();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert!(request.stream && request.include_usage);
    assert_eq!(request.model, "gpt-4o-mini");
    assert_eq!(request.temperature, Some(0.5));
    assert!(request.messages[0].content.starts_with("Be brief."));
    assert!(request.messages[0].content.contains("within 30 days"));
    assert_eq!(request.messages.last().unwrap().content, QUESTION);

    let answer = &shop.replies().await[0]["answer"];
    assert_eq!(answer["outcome"], "answered");
    assert_eq!(answer["model"], "gpt-4o-mini");
    assert_eq!(
        (&answer["prompt_tokens"], &answer["completion_tokens"]),
        (&json!(1000), &json!(101))
    );
    assert_eq!(answer["cost"], "0.000211");
    assert_eq!(answer["citations"].as_array().unwrap().len(), 1, "{answer}");
    assert!(answer["first_token_ms"].as_u64() <= answer["duration_ms"].as_u64(), "{answer}");
    assert_eq!(model.violations(), Vec::<String>::new());
}

/// `PostgreSQL` stores no NUL, neither in a text nor in what is kept about an answer.
#[on_every_home]
async fn control_characters_of_a_model_and_of_customers_stop_nothing(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|request| {
        let rewrites = request.messages[0].content.contains("Rewrite the customer's last question");
        Answer::text(if rewrites {
            "How many days\u{0} do I have\u{1} to return a lamp?"
        } else {
            "You have 30 days\u{0} to return\u{1b} it [1]."
        })
    });
    let (shop, bot) = shop(home, &model, 50).await;
    let ann = bot.person(7, "Ann\u{0}\u{7} Lee", "en");
    let reply = ann.ask("How many\u{0} days do I have to return an item?", PATIENCE).await.unwrap();
    assert!(reply.plain.contains("30 days"), "{}", reply.plain);
    let reply = ann.ask("And how is it for a lamp?", PATIENCE).await.unwrap();
    assert!(reply.plain.contains("30 days"), "{}", reply.plain);

    let messages = shop.messages().await;
    let text = serde_json::to_string(&messages).unwrap();
    for unwanted in ["\\u0000", "\\u0001", "\\u0007", "\\u001b"] {
        assert!(!text.contains(unwanted), "{unwanted}: {text}");
    }
    let searched = &messages[3]["answer"]["searched"];
    assert_eq!(searched, "How many days  do I have  to return a lamp?", "{text}");

    // What Telegram calls a bot is stored as a plain text.
    let second = "4002:second-token-of-thirty-characters-or-so";
    home.telegram.add_bot(second, "second\u{0}_bot\u{1b}");
    let bot = shop.owner.bot(&shop.assistant, second).await;
    let bot = shop.owner.get(&format!("/api/v1/bots/{bot}")).await.expect(200);
    assert_eq!(bot.text("username"), "second _bot ");
    assert!(shop.metric("turns_total", &["outcome=\"failed\""]).await < 1.0);
}

#[on_every_home]
async fn a_model_that_fails_for_a_moment_is_asked_again(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Answer::text("You have 30 days [1]."));
    let (shop, bot) = shop(home, &model, 50).await;
    let ann = bot.customer(7);
    let faults = [
        ModelFault::status(500),
        ModelFault::status(503),
        ModelFault::Status { code: 429, retry_after: Some(1) },
        ModelFault::Break,
        ModelFault::BreakAfter(2),
        ModelFault::EndAfter(2),
        ModelFault::ErrorAfter(1),
        ModelFault::MalformedAfter(1),
        ModelFault::WrongContentType,
    ];
    for (fault, number) in faults.into_iter().zip(1..) {
        let name = format!("{fault:?}");
        model.inject(fault);
        let reply = ann.ask(QUESTION, PATIENCE).await.unwrap_or_else(|| panic!("{name}"));
        assert_eq!(reply.plain, "You have 30 days.", "{name}");
        assert_eq!(model.request_count(), number * 2, "{name}");
    }
    a_moment().await;
    assert_eq!(ann.sent_total(), 9, "each is answered once");
    assert!(shop.metric("model_requests_total", &["openai"]).await >= 9.0);
    assert!(shop.metric("model_retries_total", &["openai"]).await >= 9.0);
}

#[on_every_home]
async fn a_model_that_goes_on_failing_is_answered_for_and_asked_again_later(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Answer::text("You have 30 days [1]."));
    let (shop, bot) = shop(home, &model, 50).await;
    let ann = bot.customer(7);
    for _ in 0..10 {
        model.inject(ModelFault::status(500));
    }
    assert_eq!(ann.ask(QUESTION, PATIENCE).await.unwrap().plain, FALLBACK);
    assert_eq!(model.request_count(), 3, "three failures in a row open the breaker");
    assert_eq!(ann.ask(QUESTION, PATIENCE).await.unwrap().plain, FALLBACK);
    assert_eq!(model.request_count(), 3, "nobody waits for what is known to fail");
    model.clear_faults();
    until("the breaker lets one try", async || {
        let reply = ann.ask(QUESTION, PATIENCE).await.unwrap();
        (reply.plain != FALLBACK).then_some(())
    })
    .await;

    let replies = shop.replies().await;
    for reply in &replies[..2] {
        assert_eq!(reply["answer"]["outcome"], "fallback");
        assert_eq!(reply["answer"]["cost"], "0.00", "a failed answer is free");
        assert_eq!(reply["answer"]["citations"], json!([]));
    }
    assert_eq!(replies.last().unwrap()["answer"]["outcome"], "answered");
    let log = shop.program.log();
    assert!(!log.contains("sk-test") && !log.contains(QUESTION), "{log}");
}

#[on_every_home]
async fn a_key_that_is_refused_is_not_shown_again(home: &Home) {
    let model = FakeOpenAi::start().await;
    let (shop, bot) = shop(home, &model, 50).await;
    let ann = bot.customer(7);
    model.inject(ModelFault::status(401));
    for _ in 0..2 {
        assert_eq!(ann.ask(QUESTION, PATIENCE).await.unwrap().plain, FALLBACK);
        assert_eq!(model.request_count(), 1, "asking again cannot help");
    }
    assert!(!shop.program.log().contains("sk-test"));
}

#[on_every_home]
async fn a_model_that_is_not_there_or_not_known_is_answered_for(home: &Home) {
    let model = FakeOpenAi::start().await;
    let (shop, bot) = shop(home, &model, 50).await;
    let ann = bot.customer(7);
    shop.set(&json!({"model": "gpt-0-unheard-of"})).await;
    assert_eq!(ann.ask(QUESTION, PATIENCE).await.unwrap().plain, FALLBACK);
    shop.set(&json!({"model": "extractive"})).await;
    let reply = ann.ask(QUESTION, PATIENCE).await.unwrap();
    assert!(reply.plain.contains("30 days"), "{}", reply.plain);
    shop.set(&json!({"model": null})).await;
    drop(model);
    assert_eq!(ann.ask(QUESTION, PATIENCE).await.unwrap().plain, FALLBACK);
}

#[on_every_home]
async fn a_model_that_finds_nothing_lets_the_assistant_say_so(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Answer::text(" \"[[no-answer]]\".\n").costing(100, 5));
    let (shop, bot) = shop(home, &model, 50).await;
    assert_eq!(bot.customer(7).ask(QUESTION, PATIENCE).await.unwrap().plain, UNKNOWN);
    let answer = &shop.replies().await[0]["answer"];
    assert_eq!(answer["outcome"], "unknown");
    assert_eq!(answer["citations"], json!([]));
    assert_eq!(answer["prompt_tokens"], 100);
}

#[on_every_home]
async fn a_long_answer_arrives_in_order_and_whole(home: &Home) {
    let model = FakeOpenAi::start().await;
    let paragraphs: Vec<String> = (0..120)
        .map(|number| format!("Paragraph {number:03}. {}", "Слово 🎒 и ещё. ".repeat(6)))
        .collect();
    let text = paragraphs.join("\n\n");
    model.answer(move |_| Answer::text(text.clone()).in_pieces_of(200));
    let (shop, bot) = shop(home, &model, 50).await;
    shop.set(&json!({"check_answers": false})).await;
    let ann = bot.customer(7);
    ann.say(QUESTION);
    shop_replied(&shop).await;
    let sent: Vec<String> = ann.sent().iter().map(|sent| sent.plain.clone()).collect();
    assert!(sent.len() >= 3, "{}", sent.len());
    assert!(sent.iter().all(|part| part.encode_utf16().count() <= 4096));
    let all = sent.join("\n\n");
    let numbers: Vec<usize> = all
        .match_indices("Paragraph ")
        .map(|(at, word)| all[at + word.len()..][..3].parse().unwrap())
        .collect();
    assert_eq!(numbers, (0..120).collect::<Vec<_>>());
    assert_eq!(home.telegram.violations(), Vec::<String>::new());
}

/// Waits for the first reply to be delivered.
async fn shop_replied(shop: &Shop) {
    until("there is a dialog", async || {
        let list = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
        list["items"][0]["last_seq"].as_i64().filter(|last| *last >= 2).map(drop)
    })
    .await;
    shop.replies().await;
}

#[on_every_home]
async fn messages_within_the_window_are_answered_together(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|request| Answer::text(format!("Said: {}", request.question())));
    let (_shop, bot) = shop(home, &model, 1_500).await;
    let ann = bot.customer(7);
    ann.say("Hello!");
    tokio::time::sleep(Duration::from_millis(300)).await;
    ann.say("I have a question.");
    ann.say("How many days do I have?");
    let reply = ann.wait_for_reply(0, PATIENCE).await.unwrap();
    for text in ["Hello!", "I have a question.", "How many days do I have?"] {
        assert!(reply.plain.contains(text), "{}", reply.plain);
    }
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!((ann.sent_total(), model.request_count()), (1, 1));
}

#[on_every_home]
async fn messages_that_come_while_a_turn_runs_are_answered_together_by_the_next(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|request| Answer::text(format!("Said: {}", request.question())));
    let (shop, bot) = shop(home, &model, 50).await;
    let ann = bot.customer(7);
    let hold = Hold::default();
    model.inject(ModelFault::Hold(hold.clone()));
    ann.say("first");
    hold.reached().await;
    ann.say("second");
    ann.say("third");
    until("all are stored", async || (shop.messages().await.len() == 3).then_some(())).await;
    // Nobody waits for another dialog.
    let bob = bot.customer(8).ask("aside", PATIENCE).await;
    assert_eq!(bob.unwrap().plain, "Said: aside");
    until("the customer sees that somebody types", async || {
        (!ann.chat_actions().is_empty()).then_some(())
    })
    .await;
    hold.release();
    assert!(ann.wait_until(2, PATIENCE).await);
    a_moment().await;
    let sent: Vec<String> = ann.sent().iter().map(|sent| sent.plain.clone()).collect();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(sent[0], "Said: first");
    assert!(sent[1].contains("second") && sent[1].contains("third"), "{sent:?}");
    assert!(!sent[1].contains("first"), "{sent:?}");
    assert_eq!(model.request_count(), 3);
}

/// The program dies while it waits to ask again, and again while it asks.
#[on_every_home]
async fn a_late_answer_outlives_the_program(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Answer::text("You have 30 days [1]."));
    let (shop, bot) = shop(home, &model, 50).await;
    for _ in 0..100 {
        model.inject(ModelFault::status(500));
    }
    let ann = bot.customer(7);
    assert_eq!(ann.ask(QUESTION, PATIENCE).await.unwrap().plain, FALLBACK);
    shop.replies().await;

    let Shop { launch, program, owner, assistant } = shop;
    program.kill().await;
    model.clear_faults();
    let hold = Hold::default();
    model.inject(ModelFault::Hold(hold.clone()));
    let Shop { program, .. } = Shop::again(launch.clone(), &owner, assistant.clone()).await;
    hold.reached().await;
    program.kill().await;
    hold.release();

    // What other processes know of the provider's failures may put the next try off.
    let shop = Shop::again(launch, &owner, assistant).await;
    assert!(ann.wait_until(2, 4 * PATIENCE).await);
    assert_eq!(ann.sent()[1].plain, "You have 30 days.");
    a_moment().await;
    let replies = shop.replies().await;
    assert_eq!((replies.len(), bot.sent_total()), (2, 2));
    assert_eq!(replies[1]["answer"]["late"], true);
    assert_eq!(home.telegram.violations(), Vec::<String>::new());
}
