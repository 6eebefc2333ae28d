//! Model use and its cost.

use replyx_testkit::{
    api::Api,
    openai::{Answer, FakeOpenAi, ModelFault},
};
use serde_json::{Value, json};

use crate::harness::{
    Home, PASSWORD, PATIENCE, Shop, assert_problem, on_every_home, until, with_model,
};

const QUESTION: &str = "How many days do I have to return an item?";

async fn usage(who: &Api, query: &str) -> Value {
    who.get(&format!("/api/v1/usage{query}")).await.expect(200).body
}

async fn shop(home: &Home, model: &FakeOpenAi) -> Shop {
    let shop = home.open_with(with_model(home.launch(), model)).await;
    shop.learn("returns.en.md").await;
    shop
}

#[on_every_home]
async fn every_call_is_accounted_for_by_day_purpose_and_dialog(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Answer::text("You have 30 days [1].").costing(1_000, 101));
    let bot = home.bot();
    let shop = shop(home, &model).await;
    shop.connect().await;
    model.inject(ModelFault::status(500));
    bot.customer(7).ask(QUESTION, PATIENCE).await.unwrap();
    let path = format!("/api/v1/assistants/{}/preview", shop.assistant);
    shop.owner.post(&path, &json!({"text": QUESTION})).await.expect(200);

    let report = usage(&shop.owner, "").await;
    // A key to a provider of chat models gives texts their vectors, too, where no model of ours is
    // there.
    let items = report["items"].as_array().unwrap();
    let (embedded, items): (Vec<&Value>, Vec<&Value>) =
        items.iter().partition(|item| item["purpose"] == "embedding");
    assert_eq!(items.len(), 2, "{report}");
    let answers = items[0];
    let previews = items[1];
    assert_eq!((&answers["purpose"], &previews["purpose"]), (&json!("answer"), &json!("preview")));
    assert_eq!((&answers["calls"], &answers["failed"]), (&json!(2), &json!(1)), "{answers}");
    assert_eq!(
        (&answers["prompt_tokens"], &answers["completion_tokens"]),
        (&json!(1000), &json!(101))
    );
    assert_eq!(
        (&answers["provider"], &answers["model"]),
        (&json!("openai"), &json!("gpt-4o-mini"))
    );
    assert_eq!(answers["cost"], "0.000211");
    let calls: i64 = embedded.iter().map(|item| item["calls"].as_i64().unwrap()).sum();
    assert_eq!(report["totals"]["calls"], 3 + calls);
    assert_eq!(report["totals"]["completion_tokens"], 202);
    assert_eq!(report["to"], answers["day"]);

    let other = shop.owner.assistant(&json!({"name": "Other"})).await;
    let of =
        async |id: &str| usage(&shop.owner, &format!("?assistant_id={id}")).await["totals"].clone();
    assert_eq!(of(&shop.assistant).await, report["totals"]);
    assert_eq!(of(&other).await["calls"], 0);
    assert_eq!(usage(&shop.owner, "?from=2020-01-01&to=2020-12-31").await["items"], json!([]));

    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    let dialog = format!("/api/v1/dialogs/{}", dialogs["items"][0]["id"].as_str().unwrap());
    let dialog = shop.owner.get(&dialog).await.expect(200).body;
    // Its question was given a vector, too: a millionth of a dollar, rounded up.
    assert_eq!(
        (&dialog["usage"]["calls"], &dialog["usage"]["cost"]),
        (&json!(3), &json!("0.000212"))
    );
    let answer = &shop.replies().await[0]["answer"];
    assert_eq!((&answer["provider"], &answer["check"]), (&json!("openai"), &json!("passed")));
    assert_eq!((&answer["attempts"], &answer["version"]), (&json!(2), &json!(1)), "{answer}");
    assert_eq!((&answer["objections"], &answer["searched"]), (&json!([]), &Value::Null));

    let stats = format!("/api/v1/assistants/{}/stats", shop.assistant);
    let stats = shop.owner.get(&stats).await.expect(200).body;
    assert_eq!(stats["today"], report["totals"]);
    assert_eq!(stats["month"], report["totals"]);
}

#[on_every_home]
async fn an_assistant_is_shown_in_numbers(home: &Home) {
    let shop = home.open().await;
    let path = format!("/api/v1/assistants/{}", shop.assistant);
    let stats = async || shop.owner.get(&format!("{path}/stats")).await.expect(200).body;
    let before = stats().await;
    assert_eq!(
        (&before["documents"], &before["answers"], &before["passages"]),
        (&json!(0), &json!(0), &json!(0))
    );
    shop.learn("returns.en.md").await;
    shop.owner.upload(&shop.assistant, "empty.txt", Vec::new()).await.expect(202);
    let pair = json!({"question": "Open?", "answer": "Yes."});
    shop.owner.post(&format!("{path}/answers"), &pair).await.expect(201);
    let after = until("all is read", async || {
        let stats = stats().await;
        (stats["waiting"] == 0).then_some(stats)
    })
    .await;
    assert_eq!(
        (&after["documents"], &after["answers"], &after["failed"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert!(after["passages"].as_i64() >= Some(2), "{after}");
    assert!(after["knowledge_revision"].as_i64() > before["knowledge_revision"].as_i64());
    assert_eq!(after["today"]["calls"], 0, "what is quoted is no call: {after}");
}

#[on_every_home]
async fn a_time_that_is_none_or_too_long_is_refused_and_others_see_nothing(home: &Home) {
    let shop = home.open().await;
    for (query, status) in [
        ("?from=2026-03-15&to=2026-03-14", 422),
        ("?from=2024-01-01&to=2025-01-01", 422),
        ("?from=yesterday", 400),
        ("?to=2026-02-30", 400),
        ("?assistant_id=x", 400),
    ] {
        let refused = shop.owner.get(&format!("/api/v1/usage{query}")).await;
        assert_problem(&refused, status, if status == 422 { "invalid" } else { "malformed" });
    }
    usage(&shop.owner, "?from=2024-01-01&to=2024-12-31").await;
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    let stats = format!("/api/v1/assistants/{}/stats", shop.assistant);
    assert_problem(&stranger.get(&stats).await, 404, "not_found");
    let report = usage(&stranger, &format!("?assistant_id={}", shop.assistant)).await;
    assert_eq!(report["items"], json!([]));
}

#[on_every_home]
async fn a_dialog_that_waits_for_a_human_is_given_back(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Answer::text("You have 45 days [1]."));
    let bot = home.bot();
    let shop = shop(home, &model).await;
    let policy = json!({"unverified": "handoff", "handoff_text": "Kim will write to you."});
    shop.set(&policy).await;
    shop.connect().await;
    let ann = bot.customer(7);
    assert_eq!(ann.ask(QUESTION, PATIENCE).await.unwrap().plain, "Kim will write to you.");
    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    let dialog = &dialogs["items"][0];
    assert_eq!(dialog["control"], "waiting");
    let release = format!("/api/v1/dialogs/{}/release", dialog["id"].as_str().unwrap());
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    assert_problem(&stranger.post(&release, &json!({})).await, 404, "not_found");

    ann.say("Hello?");
    assert!(ann.wait_for_reply(1, std::time::Duration::from_secs(2)).await.is_none());
    let released = shop.owner.post(&release, &json!({})).await.expect(200);
    assert_eq!(released.text("control"), "ai");
    assert_problem(&shop.owner.post(&release, &json!({})).await, 409, "not_waiting");
    model.answer(|_| Answer::text("You have 30 days [1]."));
    assert_eq!(ann.ask(QUESTION, PATIENCE).await.unwrap().plain, "You have 30 days.");
}
