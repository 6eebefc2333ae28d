//! Keys to models that admins add while the program runs.

use std::time::{Duration, Instant};

use replyx_storage::testing::tamper;
use replyx_testkit::{
    api::Api,
    openai::{Answer, FakeOpenAi},
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::harness::{Home, PASSWORD, Shop, admin, assert_problem, on_every_home, until};

const KEYS: &str = "/api/v1/admin/model-keys";
const PROVIDERS: &str = "/api/v1/admin/model-providers";
const FIRST: &str = "sk-first-0123456789-last";
const SECOND: &str = "sk-second-0123456789-tail";
const QUESTION: &str = "How many days do I have to return an item?";

async fn model() -> FakeOpenAi {
    let model = FakeOpenAi::builder().keys([FIRST, SECOND]).start().await.unwrap();
    model.answer(|_| Answer::text("You have 30 days [1].").costing(1_000, 101));
    model
}

/// A shop without a key, and somebody with power over the installation.
async fn open(home: &Home, model: &FakeOpenAi) -> (Shop, Api) {
    let shop = home.open_with(home.launch().with("OPENAI_BASE_URL", model.base_url())).await;
    shop.learn("returns.en.md").await;
    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    (shop, root)
}

async fn add(root: &Api, secret: &str, more: Value) -> String {
    let mut key = json!({"provider": "openai", "name": "Main", "secret": secret});
    key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    root.post(KEYS, &key).await.expect(201).text("id")
}

/// By which model a preview is answered.
async fn answered_by(shop: &Shop) -> String {
    let path = format!("/api/v1/assistants/{}/preview", shop.assistant);
    let shown = shop.owner.post(&path, &json!({"text": QUESTION})).await.expect(200).body;
    if shown["outcome"] == "fallback" {
        "nobody".to_owned()
    } else {
        shown["model"].as_str().unwrap().to_owned()
    }
}

async fn key(root: &Api, id: &str) -> Value {
    let list = root.get(KEYS).await.expect(200).body;
    let found = list["items"].as_array().unwrap().iter().find(|key| key["id"] == id).cloned();
    found.unwrap_or_else(|| panic!("no {id}: {list}"))
}

#[on_every_home]
async fn a_key_is_used_as_soon_as_it_is_added_and_no_longer_than_it_is_there(home: &Home) {
    let model = model().await;
    let (shop, root) = open(home, &model).await;
    assert_eq!(answered_by(&shop).await, "extractive");
    let id = add(&root, FIRST, json!({})).await;
    assert_eq!(answered_by(&shop).await, "gpt-4o-mini");
    assert_eq!(model.requests().last().unwrap().key, FIRST);
    let shown = key(&root, &id).await;
    assert_eq!((&shown["hint"], &shown["fault"]), (&json!("last"), &Value::Null));
    assert_eq!(
        (&shown["today"]["requests"], &shown["today"]["cost"]),
        (&json!(1), &json!("0.000211"))
    );
    assert_eq!(shown["month"], shown["today"]);

    let path = format!("{KEYS}/{id}");
    root.patch(&path, &json!({"enabled": false})).await.expect(200);
    assert_eq!(answered_by(&shop).await, "extractive");
    root.patch(&path, &json!({"enabled": true, "secret": SECOND})).await.expect(200);
    assert_eq!(answered_by(&shop).await, "gpt-4o-mini");
    assert_eq!(model.requests().last().unwrap().key, SECOND);
    assert_eq!(key(&root, &id).await["hint"], "tail");
    root.delete(&path).await.expect(204);
    assert_eq!(answered_by(&shop).await, "extractive");
    assert_problem(&root.delete(&path).await, 404, "not_found");
    assert_problem(&root.patch(&path, &json!({"priority": 1})).await, 404, "not_found");
}

#[on_every_home]
async fn a_key_is_used_again_after_a_restart_and_its_limit_still_holds(home: &Home) {
    let model = model().await;
    let (shop, root) = open(home, &model).await;
    let first = add(&root, FIRST, json!({"daily_requests": 2, "priority": -1})).await;
    assert_eq!(answered_by(&shop).await, "gpt-4o-mini");
    let shop = shop.crash().await;
    assert_eq!(answered_by(&shop).await, "gpt-4o-mini");
    assert_eq!(answered_by(&shop).await, "nobody", "two requests a day, whoever counts them");
    let root = root.at(shop.program.base());
    add(&root, SECOND, json!({"daily_cost": "1.00"})).await;
    assert_eq!(answered_by(&shop).await, "gpt-4o-mini");
    let used: Vec<String> = model.requests().iter().map(|request| request.key.clone()).collect();
    assert_eq!(used, [FIRST, FIRST, SECOND]);
    root.patch(&format!("{KEYS}/{first}"), &json!({"daily_requests": null})).await.expect(200);
    assert_eq!(key(&root, &first).await["daily_requests"], Value::Null);
}

#[on_every_home]
async fn a_key_that_is_refused_says_so_until_it_is_mended(home: &Home) {
    let model = model().await;
    let (shop, root) = open(home, &model).await;
    let id = add(&root, FIRST, json!({})).await;
    model.revoke_key(FIRST);
    assert_eq!(answered_by(&shop).await, "nobody");
    let fault = until("the fault is written down", async || {
        key(&root, &id).await["fault"].as_str().map(str::to_owned)
    })
    .await;
    assert!(fault.contains("401"), "{fault}");
    let asked = model.request_count();
    answered_by(&shop).await;
    assert_eq!(model.request_count(), asked, "it is not tried again by itself");
    let path = format!("{KEYS}/{id}");
    let mended = root.patch(&path, &json!({"secret": SECOND})).await.expect(200).body;
    assert_eq!(mended["fault"], Value::Null);
    assert_eq!(answered_by(&shop).await, "gpt-4o-mini");
    model.revoke_key(SECOND);
    assert_eq!(answered_by(&shop).await, "nobody");
    until("the fault is written down", async || {
        key(&root, &id).await["fault"].is_string().then_some(())
    })
    .await;
    model.add_key(SECOND);
    root.patch(&path, &json!({"enabled": true})).await.expect(200);
    assert_eq!(answered_by(&shop).await, "gpt-4o-mini");
}

#[on_every_home]
async fn a_secret_is_never_shown_again(home: &Home) {
    let model = model().await;
    let (shop, root) = open(home, &model).await;
    let made =
        root.post(KEYS, &json!({"provider": "openai", "name": "Main", "secret": FIRST})).await;
    let id = made.expect(201).text("id");
    let path = format!("{KEYS}/{id}");
    let mut shown = vec![root.patch(&path, &json!({"secret": SECOND})).await.expect(200).body];
    answered_by(&shop).await;
    model.revoke_key(SECOND);
    answered_by(&shop).await;
    let refused =
        root.post(KEYS, &json!({"provider": "nobody", "name": "x", "secret": FIRST})).await;
    assert_problem(&refused, 422, "invalid");
    shown.push(refused.body);
    let refused =
        root.post(KEYS, &json!({"provider": "openai", "name": "x", "secret": "two words"})).await;
    assert_problem(&refused, 422, "invalid");
    assert!(!refused.body.to_string().contains("two words"));
    for path in [KEYS, PROVIDERS, "/api/v1/admin/audit?limit=200", "/api/v1/admin/settings"] {
        shown.push(root.get(path).await.expect(200).body);
    }
    shown.push(shop.owner.get("/api/v1/audit?limit=200").await.expect(200).body);
    let audit = root.get("/api/v1/admin/audit?action=model_key").await.expect(200).body;
    assert_eq!(audit["items"].as_array().unwrap().len(), 2, "{audit}");
    let log = shop.program.log();
    for secret in [FIRST, SECOND, "0123456789"] {
        for answer in &shown {
            assert!(!answer.to_string().contains(secret), "{answer}");
        }
        assert!(!log.contains(secret), "{log}");
    }
    let mut tx = home.db.db.read().await.unwrap();
    let stored = tx.system().model_keys().list().await.unwrap();
    let sealed = String::from_utf8_lossy(&stored[0].secret_sealed).into_owned();
    assert!(!sealed.contains("sk-"), "it is sealed at rest");
}

#[on_every_home]
async fn a_provider_is_added_used_by_name_and_removed_with_its_keys(home: &Home) {
    let model = model().await;
    let (shop, root) = open(home, &model).await;
    let put = async |name: &str, body: &Value| {
        root.send(root.request(Method::PUT, &format!("{PROVIDERS}/{name}")).json(body)).await
    };
    let made =
        put("local", &json!({"base_url": format!("{}/", model.base_url())})).await.expect(200).body;
    assert_eq!(made["base_url"], model.base_url());
    assert_eq!((&made["protocol"], &made["configured"]), (&json!("completions"), &json!(false)));
    let local = json!({"model": "local:gpt-4o"});
    shop.owner.patch(&format!("/api/v1/assistants/{}", shop.assistant), &local).await.expect(200);
    add(&root, FIRST, json!({"provider": "local"})).await;
    assert_eq!(answered_by(&shop).await, "gpt-4o");
    assert_eq!(model.requests().last().unwrap().model, "gpt-4o");

    let list = root.get(PROVIDERS).await.expect(200).body;
    let names: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["anthropic", "local", "openai"]);
    for (name, body) in [
        ("Local", json!({"base_url": "https://example.org/v1"})),
        ("extractive", json!({"base_url": "https://example.org/v1"})),
        ("far", json!({"base_url": "http://example.org/v1"})),
        ("far", json!({"base_url": "http://169.254.169.254/v1"})),
        ("far", json!({"base_url": "https://user:pass@example.org/v1"})),
        ("far", json!({"base_url": "file:///etc/passwd"})),
        ("far", json!({"base_url": "https://example.org/v1", "protocol": "telnet"})),
    ] {
        assert_problem(&put(name, &body).await, 422, "invalid");
    }
    root.delete(&format!("{PROVIDERS}/local")).await.expect(204);
    assert_eq!(root.get(KEYS).await.expect(200).body["items"], json!([]));
    let preview = format!("/api/v1/assistants/{}/preview", shop.assistant);
    let refused = shop.owner.post(&preview, &json!({"text": QUESTION})).await;
    assert_problem(&refused, 422, "invalid");
    for name in ["local", "openai", "far"] {
        assert_problem(&root.delete(&format!("{PROVIDERS}/{name}")).await, 404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_added_at_one_process_is_used_by_the_other() {
    let home = Home::postgres().await;
    let model = model().await;
    let (shop, root) = open(&home, &model).await;
    let folder = tempfile::tempdir().unwrap();
    let other = shop.launch.clone().data(folder.path()).start().await;
    let there = shop.owner.at(other.base());
    let path = format!("/api/v1/assistants/{}/preview", shop.assistant);
    let ask =
        async || there.post(&path, &json!({"text": QUESTION})).await.expect(200).text("model");
    assert_eq!(ask().await, "extractive");
    let id = add(&root, FIRST, json!({"daily_requests": 1})).await;
    until("the other process uses the key", async || (ask().await == "gpt-4o-mini").then_some(()))
        .await;
    assert_eq!(answered_by(&shop).await, "nobody", "what is used there counts here");
    root.delete(&format!("{KEYS}/{id}")).await.expect(204);
    until("the other process does not", async || (ask().await == "extractive").then_some(())).await;
}

/// Longer than the time after which a process reads again what nobody told it of.
const BY_THE_CLOCK: Duration = Duration::from_secs(90);

/// Asks until it is so, for as long as news takes that is not told.
async fn in_the_end(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + BY_THE_CLOCK;
    while !ask().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        sleep(Duration::from_millis(500)).await;
    }
}

#[on_every_home]
async fn keys_and_settings_hold_although_the_message_about_them_was_lost(home: &Home) {
    let model = model().await;
    let (shop, root) = open(home, &model).await;
    let setting = "/api/v1/admin/settings/registration_open";
    let body = json!({"value": true});
    root.send(root.request(Method::PUT, setting).json(&body)).await.expect(200);
    add(&root, FIRST, json!({})).await;
    assert_eq!(answered_by(&shop).await, "gpt-4o-mini");

    // What is written past the program is what a message tells of that never comes.
    tamper(&home.db.url, "DELETE FROM model_keys").await;
    let closed = "UPDATE settings SET value = 'false' WHERE name = 'registration_open'";
    assert_eq!(tamper(&home.db.url, closed).await, 1);
    in_the_end("the deleted key is not used", async || answered_by(&shop).await == "extractive")
        .await;
    let stranger = Api::new(shop.program.base());
    let mut number = 0;
    in_the_end("nobody can register", async || {
        number += 1;
        let body = json!({"email": format!("new{number}@example.org"), "password": PASSWORD});
        stranger.post("/api/v1/auth/register", &body).await.status == 403
    })
    .await;
}
