//! Nobody spends what is not theirs: over the API, by bots, in measurements, and when a process
//! dies.

use replyx_storage::workspaces::ModelPolicy;
use replyx_testkit::{
    api::Api,
    openai::{Answer, FakeOpenAi, ModelFault},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    Home, PASSWORD, PATIENCE, Shop, a_moment, admin, assert_problem, on_every_home, until,
    with_model,
};

const QUESTION: &str = "How many days do I have to return an item?";
const USAGE: &str = "/api/v1/admin/model-usage";

async fn model() -> FakeOpenAi {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Answer::text("You have 30 days [1].").costing(1_000, 101));
    model
}

async fn root(home: &Home, shop: &Shop) -> Api {
    admin(home, "root@example.org").await;
    Api::new(shop.program.base()).login("root@example.org", PASSWORD).await
}

async fn workspace(shop: &Shop) -> String {
    let me = shop.owner.get("/api/v1/me").await.expect(200).body;
    me["workspace"]["id"].as_str().unwrap().to_owned()
}

async fn put(root: &Api, path: &str, body: &Value) -> replyx_testkit::api::Answer {
    root.send(root.request(Method::PUT, path).json(body)).await
}

/// The calls of chat models in the whole installation.
async fn chats(root: &Api) -> Vec<Value> {
    let report = root.get(USAGE).await.expect(200).body;
    let items = report["items"].as_array().unwrap().iter();
    items.filter(|item| item["model"] != "text-embedding-3-small").cloned().collect()
}

#[on_every_home]
async fn a_model_that_is_not_allowed_is_refused_wherever_it_is_named(home: &Home) {
    let model = model().await;
    let bot = home.bot();
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let root = root(home, &shop).await;
    let path = format!("/api/v1/assistants/{}", shop.assistant);
    let refused = async |name: &str| {
        for body in [
            json!({"name": "Dear", "model": name}),
            json!({"name": "Dear", "model": "gpt-4o-mini", "fallback_models": ["extractive", name]}),
        ] {
            let field = if body["model"] == *name { "model" } else { "fallback_models" };
            let made = shop.owner.post("/api/v1/assistants", &body).await;
            assert_problem(&made, 422, "invalid");
            assert_eq!(made.body["errors"][0]["field"], field, "{}", made.body);
            let changed = shop.owner.patch(&path, &body).await;
            assert_problem(&changed, 422, "invalid");
            assert_eq!(changed.body["errors"][0]["field"], field, "{}", changed.body);
        }
    };
    for name in [
        "o1-pro",
        "ft:gpt-4o:acme::x",
        "GPT-4o",
        "gpt-4\u{43e}",
        "openai/gpt-4o",
        "openai:extractive",
    ] {
        refused(name).await;
    }

    // What was published while it was allowed is no longer used, and can neither be published nor
    // come back.
    shop.set(&json!({"model": " openai:gpt-4o ", "fallback_models": ["extractive"]})).await;
    assert_eq!(shop.owner.get(&path).await.expect(200).body["model"], "openai:gpt-4o");
    let setting = "/api/v1/admin/settings/allowed_models";
    put(&root, setting, &json!({"value": "gpt-4o-mini"})).await.expect(200);
    let listed = shop.owner.get("/api/v1/models").await.expect(200).body;
    assert_eq!(
        listed["items"],
        json!([{
            "id": "gpt-4o-mini", "provider": "openai", "input_price": "0.15", "output_price": "0.60",
            "context": 128_000, "default": true,
        }])
    );
    refused("gpt-4o").await;
    assert_problem(&shop.owner.post(&format!("{path}/publish"), &json!({})).await, 422, "invalid");
    assert_problem(
        &shop.owner.post(&format!("{path}/rollback"), &json!({"number": 2})).await,
        422,
        "invalid",
    );
    let preview = format!("{path}/preview");
    assert_problem(&shop.owner.post(&preview, &json!({"text": QUESTION})).await, 422, "invalid");
    let set = json!({"name": "Returns", "questions": [{"question": QUESTION}]});
    let set = shop.owner.post(&format!("{path}/question-sets"), &set).await.expect(201).text("id");
    let runs = format!("/api/v1/question-sets/{set}/runs");
    assert_problem(&shop.owner.post(&runs, &json!({})).await, 422, "invalid");
    shop.owner.patch(&path, &json!({"name": "Renamed"})).await.expect(200);
    let before = model.request_count();
    let reply = bot.customer(7).ask(QUESTION, PATIENCE).await.unwrap();
    assert!(reply.plain.contains("cannot answer right now"), "{}", reply.plain);
    assert_eq!(model.request_count(), before, "nothing that is not allowed is asked");

    root.delete(setting).await.expect(200);
    assert_eq!(bot.customer(7).ask(QUESTION, PATIENCE).await.unwrap().plain, "You have 30 days.");
    assert_eq!(model.requests().last().unwrap().model, "gpt-4o");
    let listed = shop.owner.get("/api/v1/models").await.expect(200).body;
    let names: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(names.contains(&"gpt-4o") && names.contains(&"extractive"), "{names:?}");
    assert_problem(&put(&root, setting, &json!({"value": "gpt 4o"})).await, 422, "invalid");
}

#[on_every_home]
async fn a_workspace_may_be_held_to_some_models(home: &Home) {
    let model = model().await;
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.learn("returns.en.md").await;
    let root = root(home, &shop).await;
    let path = format!("/api/v1/admin/workspaces/{}", workspace(&shop).await);
    let allowed = json!({"allowed_models": ["extractive", "gpt-4.1-nano", "o1-pro"]});
    let changed = root.patch(&path, &allowed).await.expect(200).body;
    assert_eq!(changed["allowed_models"], allowed["allowed_models"]);
    let list = root.get("/api/v1/admin/workspaces").await.expect(200).body;
    assert_eq!(list["items"][0]["allowed_models"], allowed["allowed_models"]);
    let listed = shop.owner.get("/api/v1/models").await.expect(200).body;
    let names: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(names, ["extractive", "gpt-4.1-nano"], "of those that the installation allows");
    let made = shop
        .owner
        .post("/api/v1/assistants", &json!({"name": "Dear", "model": "gpt-4o-mini"}))
        .await;
    assert_problem(&made, 422, "invalid");
    // One that names no model has the first that may be used.
    let preview = format!("/api/v1/assistants/{}/preview", shop.assistant);
    let shown = shop.owner.post(&preview, &json!({"text": QUESTION})).await.expect(200).body;
    assert_eq!((&shown["model"], model.request_count()), (&json!("extractive"), 0));

    let other = Api::new(shop.program.base()).register("other@example.org", PASSWORD).await;
    other.assistant(&json!({"name": "Free", "model": "gpt-4o-mini"})).await;
    root.patch(&path, &json!({"allowed_models": null})).await.expect(200);
    shop.owner.post(&preview, &json!({"text": QUESTION})).await.expect(200);
    assert_eq!(model.request_count(), 1);
    for bad in
        [json!({"allowed_models": []}), json!({"allowed_models": ["gpt 4o"]}), json!({"name": "x"})]
    {
        let status = root.patch(&path, &bad).await.status.as_u16();
        assert!(matches!(status, 400 | 422), "{bad}");
    }
    assert_eq!(shop.owner.patch(&path, &json!({"allowed_models": null})).await.status, 403);
}

#[on_every_home]
async fn searches_are_in_the_ledger_and_have_a_rate_of_their_own(home: &Home) {
    let model = model().await;
    let launch = with_model(home.launch(), &model)
        .with("EMBEDDING_MODEL", "text-embedding-3-small")
        .with("RATE_SEARCH", "5/1h");
    let shop = home.open_with(launch).await;
    shop.learn("returns.en.md").await;
    let search = format!("/api/v1/assistants/{}/search", shop.assistant);
    let before = model.embedding_requests().len();
    for number in 0..5 {
        let query = json!({"query": format!("How many days for item {number}?")});
        shop.owner.post(&search, &query).await.expect(200);
    }
    assert_eq!(model.embedding_requests().len() - before, 5);
    let refused = shop.owner.post(&search, &json!({"query": "another"})).await;
    assert_problem(&refused, 429, "too_many_requests");
    let of = async |purpose: &str| {
        let report = shop.owner.get("/api/v1/usage").await.expect(200).body;
        let items = report["items"].as_array().unwrap().clone();
        items.iter().find(|item| item["purpose"] == purpose).cloned().unwrap_or_default()
    };
    let searched = until("the searches are written down", async || {
        Some(of("search").await).filter(|searched| searched["calls"] == 5)
    })
    .await;
    assert!(searched["prompt_tokens"].as_i64() > Some(20), "{searched}");
    assert_ne!(searched["cost"], "0.00");
    assert_eq!(of("embedding").await["calls"], before, "documents have theirs");

    // What a measurement searches for is paid for as well.
    let path = format!("/api/v1/assistants/{}/question-sets", shop.assistant);
    let set = json!({"name": "Returns", "questions": [{"question": "May I return a lamp?"}]});
    let set = shop.owner.post(&path, &set).await.expect(201).text("id");
    let runs = format!("/api/v1/question-sets/{set}/runs");
    shop.owner.post(&runs, &json!({"answers": false})).await.expect(202);
    until("the measurement is written down", async || {
        (of("evaluation").await["calls"] == 1).then_some(())
    })
    .await;
}

#[on_every_home]
async fn what_nobody_waited_for_is_paid_for_too(home: &Home) {
    let model = model().await;
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.learn("returns.en.md").await;
    let root = root(home, &shop).await;

    // The program dies while the provider works.
    model.inject(ModelFault::Hang);
    let preview = format!("/api/v1/assistants/{}/preview", shop.assistant);
    let asked = shop.owner.request(Method::POST, &preview).json(&json!({"text": QUESTION}));
    let asking = tokio::spawn(asked.send());
    until("the provider is asked", async || (model.request_count() == 1).then_some(())).await;
    let shop = shop.crash().await;
    asking.abort();
    let root = root.at(shop.program.base());
    let lost = until("it is accounted for", async || {
        chats(&root).await.into_iter().find(|item| item["lost_calls"] == 1)
    })
    .await;
    assert_eq!((&lost["calls"], &lost["model"]), (&json!(1), &json!("gpt-4o-mini")));
    assert_ne!(lost["cost"], "0.00");

    // The workspace goes while the provider works.
    model.inject(ModelFault::Hang);
    let preview = format!("/api/v1/assistants/{}/preview", shop.assistant);
    let asked = shop.owner.request(Method::POST, &preview).json(&json!({"text": QUESTION}));
    let asking = tokio::spawn(asked.send());
    until("the provider is asked", async || (model.request_count() == 2).then_some(())).await;
    let id: uuid::Uuid = workspace(&shop).await.parse().unwrap();
    let mut tx = home.db.db.begin().await.unwrap();
    let workspace = tx.system().workspaces().find(id.into()).await.unwrap().unwrap();
    tx.apply(workspace.delete()).await.unwrap();
    tx.commit().await.unwrap();
    // Nobody waits any more.
    asking.abort();
    until("it is accounted for", async || {
        let calls = chats(&root).await;
        (calls.iter().map(|item| item["calls"].as_i64().unwrap()).sum::<i64>() == 2).then_some(())
    })
    .await;
}

#[on_every_home]
async fn absurd_usage_harms_neither_reports_nor_the_next_start(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Answer::text("You have 30 days [1].").costing((1 << 63) - 1, (1 << 63) - 1));
    let shop = home.open_with(home.launch().with("OPENAI_BASE_URL", model.base_url())).await;
    shop.learn("returns.en.md").await;
    let root = root(home, &shop).await;
    let key =
        json!({"provider": "openai", "name": "Main", "secret": "sk-test", "daily_cost": "5.00"});
    root.post("/api/v1/admin/model-keys", &key).await.expect(201);
    let preview = format!("/api/v1/assistants/{}/preview", shop.assistant);
    for _ in 0..3 {
        let shown = shop.owner.post(&preview, &json!({"text": QUESTION})).await.expect(200).body;
        assert_eq!(shown["outcome"], "answered", "{shown}");
    }
    let shop = shop.crash().await;
    let root = root.at(shop.program.base());
    for path in ["/api/v1/usage".to_owned(), format!("/api/v1/assistants/{}/stats", shop.assistant)]
    {
        shop.owner.get(&path).await.expect(200);
    }
    let keys = root.get("/api/v1/admin/model-keys").await.expect(200).body;
    let cost: f64 = keys["items"][0]["today"]["cost"].as_str().unwrap().parse().unwrap();
    assert!(cost > 0.0 && cost < 0.05, "{keys}");
    root.get(USAGE).await.expect(200);
    let shown = shop.owner.post(&preview, &json!({"text": QUESTION})).await.expect(200).body;
    assert_eq!(shown["outcome"], "answered", "{shown}");
}

#[on_every_home]
async fn a_provider_that_moves_takes_no_key_along(home: &Home) {
    let elsewhere = model().await;
    let model = model().await;
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.learn("returns.en.md").await;
    let root = root(home, &shop).await;
    let key = json!({"provider": "openai", "name": "Main", "secret": "sk-test"});
    let made = root.post("/api/v1/admin/model-keys", &key).await.expect(201).body;
    assert!(model.base_url().starts_with(made["origin"].as_str().unwrap()), "{made}");
    let preview = format!("/api/v1/assistants/{}/preview", shop.assistant);
    let ask = async || shop.owner.post(&preview, &json!({"text": QUESTION})).await.expect(200).body;
    assert_eq!(ask().await["outcome"], "answered");

    let provider = "/api/v1/admin/model-providers/openai";
    let same = json!({"base_url": format!("{}/", model.base_url())});
    assert_eq!(put(&root, provider, &same).await.expect(200).body["dropped_keys"], 0);
    let moved =
        put(&root, provider, &json!({"base_url": elsewhere.base_url()})).await.expect(200).body;
    assert_eq!(moved["dropped_keys"], 1, "{moved}");
    ask().await;
    let seen: Vec<String> =
        elsewhere.requests().iter().map(|request| request.key.clone()).collect();
    assert!(seen.iter().all(String::is_empty), "{seen:?}");
    let keys = root.get("/api/v1/admin/model-keys").await.expect(200).body;
    assert_eq!(keys["items"], json!([]));
    let audit = root.get("/api/v1/admin/audit?action=model_provider").await.expect(200).body;
    assert_eq!(audit["items"][0]["details"]["dropped_keys"], 1, "{audit}");

    // Back at home the configuration's key is used again.
    root.delete(provider).await.expect(204);
    assert_eq!(ask().await["outcome"], "answered");
    assert_eq!(model.requests().last().unwrap().key, "sk-test");
}

#[on_every_home]
async fn a_suspended_workspace_costs_nothing_and_answers_once_it_is_resumed(home: &Home) {
    let model = model().await;
    let bot = home.bot();
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let root = root(home, &shop).await;
    let ann = bot.customer(7);
    ann.ask(QUESTION, PATIENCE).await.unwrap();
    let path = format!("/api/v1/admin/workspaces/{}", workspace(&shop).await);
    root.post(&format!("{path}/suspend"), &json!({})).await.expect(200);
    let chats = model.request_count();
    let embeddings = model.embedding_requests().len();
    ann.say(QUESTION);
    ann.say("Are you there?");
    assert!(bot.wait_until_confirmed(PATIENCE).await, "what is said is taken");
    let id: uuid::Uuid = path.rsplit('/').next().unwrap().parse().unwrap();
    let mut tx = home.db.db.read().await.unwrap();
    let policy = tx.system().workspaces().model_policy(id.into()).await.unwrap();
    assert_eq!(policy, Some(ModelPolicy { suspended: true, allowed: None }));
    drop(tx);
    a_moment().await;
    assert_eq!(ann.sent_total(), 1, "nobody is answered");
    assert_eq!((model.request_count(), model.embedding_requests().len()), (chats, embeddings));

    root.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    assert!(ann.wait_until(2, PATIENCE).await, "both are answered together");
    assert_eq!(model.request_count(), chats + 1);
    let last = model.requests().last().unwrap().question().to_owned();
    assert!(last.contains(QUESTION) && last.contains("Are you there?"), "{last}");
}
