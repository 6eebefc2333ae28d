//! A paused assistant says one thing to each customer, and nothing that it had begun before.

use replyx_core::ids::WorkspaceId;
use replyx_testkit::{
    Hold,
    openai::{Answer, FakeOpenAi, ModelFault},
    telegram::TelegramFault,
};
use serde_json::json;

use crate::harness::{Home, PATIENCE, Shop, assert_problem, on_every_home, until, with_model};

/// How many customers write at the same time.
const CUSTOMERS: i64 = 20;

async fn open(home: &Home, model: &FakeOpenAi) -> Shop {
    model.answer(|request| Answer::text(format!("Said: {}", request.question())));
    let launch = with_model(home.launch(), model)
        // The vectors of a fake say nothing about what texts mean.
        .with("EMBEDDING_MODEL", "none");
    let shop = home.open_with(launch).await;
    shop.set(&json!({"check_answers": false})).await;
    shop.learn("returns.en.md").await;
    home.bot();
    shop.connect().await;
    shop
}

fn path(shop: &Shop, step: &str) -> String {
    format!("/api/v1/assistants/{}/{step}", shop.assistant)
}

/// On PostgreSQL with two processes, which share the turns.
#[on_every_home]
async fn a_pause_stops_what_is_running_and_each_customer_hears_why_once(home: &Home) {
    let model = FakeOpenAi::start().await;
    let shop = open(home, &model).await;
    let folder = tempfile::tempdir().unwrap();
    let _other = match home.redis {
        Some(_) => Some(shop.launch.clone().data(folder.path()).start().await),
        None => None,
    };
    let bot = home.bot();
    let hold = Hold::default();
    for _ in 0..CUSTOMERS {
        model.inject(ModelFault::Hold(hold.clone()));
    }
    let customers: Vec<_> = (1..=CUSTOMERS).map(|id| bot.customer(id)).collect();
    for customer in &customers {
        customer.say("How long does delivery take?");
    }
    hold.reached().await;
    until("all have been heard", async || {
        let dialogs = shop.owner.get("/api/v1/dialogs?limit=100").await.expect(200).body;
        (dialogs["items"].as_array()?.len() == customers.len()).then_some(())
    })
    .await;

    let text = json!({"text": "We are moving. Write again tomorrow."});
    let paused = shop.owner.post(&path(&shop, "pause"), &text).await.expect(200).body;
    assert_eq!(paused["paused"], true);
    hold.release();
    for customer in &customers {
        assert!(customer.wait_until(1, PATIENCE).await);
    }

    // They know. An operator is not stopped.
    for customer in &customers {
        customer.say("Hello?");
    }
    assert!(bot.wait_until_confirmed(PATIENCE).await);
    let workspace = shop.owner.get("/api/v1/workspace").await.expect(200).text("id");
    let workspace: WorkspaceId = workspace.parse().unwrap();
    until("no turn is left", async || {
        let mut tx = home.db.db.read().await.ok()?;
        (tx.workspace(workspace).turns().count().await.ok()? == 0).then_some(())
    })
    .await;
    let dialogs = shop.owner.get("/api/v1/dialogs?limit=100").await.expect(200).body;
    let first = dialogs["items"][0]["id"].as_str().unwrap();
    let reply = json!({"client_id": "r-1", "text": "This is Kim."});
    shop.owner.post(&format!("/api/v1/dialogs/{first}/messages"), &reply).await.expect(201);
    until("Kim is heard", async || (bot.sent_total() == customers.len() as u64 + 1).then_some(()))
        .await;
    let said: Vec<_> = customers.iter().flat_map(replyx_testkit::telegram::Chat::sent).collect();
    let told = said.iter().filter(|sent| sent.plain == "We are moving. Write again tomorrow.");
    assert_eq!(told.count(), customers.len());
    assert_eq!(said.len(), customers.len() + 1);

    let resumed = shop.owner.post(&path(&shop, "resume"), &json!({})).await.expect(200).body;
    assert_eq!(resumed, json!({"paused": false, "since": null, "text": null}));
    let answer = bot.customer(1_000).ask("Are you there?", PATIENCE).await.unwrap();
    assert_eq!(answer.plain, "Said: Are you there?");
}

#[on_every_home]
async fn what_waits_to_be_sent_is_canceled_by_a_pause(home: &Home) {
    let model = FakeOpenAi::start().await;
    let shop = open(home, &model).await;
    let ann = home.bot().customer(7);
    let slow = TelegramFault::TooManyRequests { retry_after: 1 };
    home.telegram.inject(slow.on("sendMessage").in_chat(7));
    ann.say("How long does delivery take?");
    shop.metric_reaches("telegram_bot_rate_limit_hits_total", &[], 1.0).await;
    shop.owner.post(&path(&shop, "pause"), &json!({})).await.expect(200);

    until("the reply is canceled", async || {
        let messages = shop.messages().await;
        (messages.last()?["delivery"] == "canceled").then_some(())
    })
    .await;
    assert_eq!(ann.sent_total(), 0);
    // Now she hears the product's own text, and only now.
    let said = ann.ask("Hello?", PATIENCE).await.unwrap();
    assert!(said.plain.starts_with("I cannot answer at the moment."), "{}", said.plain);
    let shown = shop.owner.get(&path(&shop, "pause")).await.expect(200).body;
    assert_eq!((&shown["paused"], &shown["text"]), (&json!(true), &json!(null)));
    let log = shop.owner.get("/api/v1/audit").await.expect(200).body;
    assert_eq!(log["items"][0]["action"], "assistant.paused");
    let empty = shop.owner.post(&path(&shop, "pause"), &json!({"text": ""})).await;
    assert_problem(&empty, 422, "invalid");
}
