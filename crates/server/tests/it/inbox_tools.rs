//! What operators sort and answer with: tags, snoozes, canned replies and drafts.

use chrono::TimeDelta;
use replyx_core::{clock::Clock, role::Role};
use replyx_storage::testing::tamper;
use replyx_testkit::api::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Home, PASSWORD, PATIENCE, Shop, assert_problem, join, on_every_home, until};

/// The id of nobody.
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// A shop with a customer, and the path of their dialog.
async fn shop_with_dialog(home: &Home) -> (Shop, String) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.connect().await;
    bot.customer(7).ask("Hello?", PATIENCE).await.unwrap();
    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    let dialog = format!("/api/v1/dialogs/{}", dialogs["items"][0]["id"].as_str().unwrap());
    (shop, dialog)
}

async fn colleague(home: &Home, shop: &Shop, email: &str) -> Api {
    let person = Api::new(shop.program.base()).register(email, PASSWORD).await;
    join(home, shop, &person, Role::Operator).await;
    let me = shop.owner.get("/api/v1/me").await.expect(200).body;
    person.in_workspace(me["workspace"]["id"].as_str().unwrap())
}

async fn put(who: &Api, path: &str, body: &Value) -> Answer {
    who.send(who.request(Method::PUT, path).json(body)).await
}

async fn listed(who: &Api, query: &str) -> Vec<Value> {
    let list = who.get(&format!("/api/v1/dialogs{query}")).await.expect(200).body;
    list["items"].as_array().unwrap().clone()
}

#[on_every_home]
async fn dialogs_have_tags_and_are_found_by_them(home: &Home) {
    let (shop, dialog) = shop_with_dialog(home).await;
    let owner = &shop.owner;
    let tag = owner.post("/api/v1/tags", &json!({"name": " Refund "})).await.expect(201);
    assert_eq!(tag.body["name"], "Refund");
    let refund = tag.text("id");
    let urgent =
        owner.post("/api/v1/tags", &json!({"name": "срочно"})).await.expect(201).text("id");
    for name in ["refund", "СРОЧНО"] {
        let refused = owner.post("/api/v1/tags", &json!({"name": name})).await;
        assert_problem(&refused, 409, "tag_exists");
    }
    assert_problem(&owner.post("/api/v1/tags", &json!({"name": "  "})).await, 422, "invalid");

    // Twice the same is once, and what is not a tag changes nothing.
    let tags = json!({"tags": [urgent, refund, refund]});
    let marked = owner.patch(&dialog, &tags).await.expect(200).body;
    let names = |dialog: &Value| {
        let tags = dialog["tags"].as_array().unwrap().iter();
        tags.map(|tag| tag["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&marked), ["Refund", "срочно"]);
    let refused = owner.patch(&dialog, &json!({"tags": [UNKNOWN]})).await;
    assert_problem(&refused, 422, "invalid");
    assert_eq!(names(&owner.get(&dialog).await.expect(200).body), ["Refund", "срочно"]);
    for order in ["newest", "activity"] {
        let found = listed(owner, &format!("?tag={refund}&order={order}")).await;
        assert_eq!(found.len(), 1);
        assert_eq!(names(&found[0]), ["Refund", "срочно"]);
        assert!(listed(owner, &format!("?tag={UNKNOWN}&order={order}")).await.is_empty());
    }

    // A tag is renamed only as it was read, and takes its dialogs along.
    let path = format!("/api/v1/tags/{refund}");
    let etag = owner.get(&path).await.expect(200).headers["etag"].to_str().unwrap().to_owned();
    let name = json!({"name": "Money back"});
    owner.patch(&path, &name).await.expect(200);
    let request = owner.request(Method::PATCH, &path).header("if-match", etag);
    assert_problem(&owner.send(request.json(&name)).await, 412, "precondition_failed");
    let refused = owner.patch(&path, &json!({"name": "Срочно"})).await;
    assert_problem(&refused, 409, "tag_exists");
    assert_eq!(names(&owner.get(&dialog).await.expect(200).body), ["Money back", "срочно"]);

    owner.delete(&path).await.expect(204);
    assert_eq!(names(&owner.get(&dialog).await.expect(200).body), ["срочно"]);
    assert!(listed(owner, &format!("?tag={refund}")).await.is_empty());
    assert_problem(&owner.delete(&path).await, 404, "not_found");
}

#[on_every_home]
async fn dialogs_are_found_by_their_words_in_the_own_workspace(home: &Home) {
    let (shop, dialog) = shop_with_dialog(home).await;
    let owner = &shop.owner;
    let bot = home.bot();
    bot.customer(8).ask("My parcels are late since Tuesday", PATIENCE).await.unwrap();
    let note =
        json!({"client_id": "n-1", "kind": "note", "text": "A suspicious person, on Tuesday"});
    owner.post(&format!("{dialog}/messages"), &note).await.expect(201);
    until("both are found", async || {
        let notes = listed(owner, "?q=suspicious").await.len();
        (notes == 1 && listed(owner, "?q=PARCEL").await.len() == 1).then_some(())
    })
    .await;
    let both = ["?q=parcel%20late", "?q=late&order=activity", "?q=late&view=ai&limit=1"];
    for query in both {
        assert_eq!(listed(owner, query).await.len(), 1, "{query}");
    }
    for query in ["?q=parcel%20hello", "?q=parcel&control=closed", "?q=parcel&view=waiting"] {
        assert!(listed(owner, query).await.is_empty(), "{query}");
    }
    let long = "a".repeat(201);
    for bad in ["", "%20!", "11%2022%2033%2044%2055%2066%2077%2088%2099", &long] {
        let refused = owner.get(&format!("/api/v1/dialogs?q={bad}")).await;
        assert_problem(&refused, 400, "malformed");
    }

    // A program that only reads finds no notes, and another workspace nothing.
    let key = json!({"name": "reader", "scopes": ["dialogs:read"]});
    let key = owner.post("/api/v1/api-keys", &key).await.expect(201).text("key");
    let program = Api::new(shop.program.base()).with_token(key);
    assert_eq!(listed(&program, "?q=parcel").await.len(), 1);
    assert!(listed(&program, "?q=suspicious").await.is_empty());
    // The word is in a note of one and in the customer's message of the other.
    assert_eq!(
        (listed(owner, "?q=tuesday").await.len(), listed(&program, "?q=tuesday").await.len()),
        (2, 1)
    );
    let other = Api::new(shop.program.base()).register("eve@example.org", PASSWORD).await;
    assert!(listed(&other, "?q=parcel").await.is_empty());
}

#[on_every_home]
async fn a_snoozed_dialog_comes_back_with_the_customers_words(home: &Home) {
    let (shop, dialog) = shop_with_dialog(home).await;
    let kim = colleague(home, &shop, "kim@example.org").await;
    let now = Clock::system().now();
    let until_when = |days: i64| json!({"snoozed_until": now + TimeDelta::days(days)});
    assert_problem(&kim.patch(&dialog, &until_when(1)).await, 409, "not_held");
    kim.post(&format!("{dialog}/takeover"), &json!({})).await.expect(200);
    for bad in [until_when(-1), until_when(400), json!({"snoozed_until": "tomorrow"})] {
        assert_problem(&kim.patch(&dialog, &bad).await, 422, "invalid");
    }
    let before = kim.get(&dialog).await.expect(200).body["epoch"].clone();
    let same = kim.patch(&dialog, &json!({})).await.expect(200).body;
    assert_eq!((&same["epoch"], &same["snoozed_until"]), (&before, &Value::Null));

    let snoozed = kim.patch(&dialog, &until_when(1)).await.expect(200).body;
    assert!(snoozed["snoozed_until"].is_string());
    assert!(listed(&kim, "?view=mine").await.is_empty());
    assert_eq!(listed(&kim, "?view=snoozed").await[0]["snoozed_until"], snoozed["snoozed_until"]);
    let counts = kim.get("/api/v1/dialogs/counts").await.expect(200).body;
    assert_eq!((&counts["mine"], &counts["snoozed"]), (&json!(0), &json!(1)));

    let seen = kim.patch(&dialog, &json!({"snoozed_until": null})).await.expect(200).body;
    assert!(seen["snoozed_until"].is_null());
    kim.patch(&dialog, &until_when(1)).await.expect(200);
    home.bot().customer(7).say("Are you there?");
    until("the dialog is in sight", async || {
        listed(&kim, "?view=mine").await.first().map(|it| assert!(it["snoozed_until"].is_null()))
    })
    .await;
    assert!(listed(&kim, "?view=snoozed").await.is_empty());
    tamper(&home.db.url, "UPDATE jobs SET due_at = created_at WHERE kind = 'tend_operators'").await;
    until("it is said that it is back", async || {
        let forgotten = "UPDATE snoozes SET epoch = epoch";
        (tamper(&home.db.url, forgotten).await == 0).then_some(())
    })
    .await;
}

#[on_every_home]
async fn canned_replies_are_kept_and_filled_in_for_a_dialog(home: &Home) {
    let (shop, dialog) = shop_with_dialog(home).await;
    let owner = &shop.owner;
    let hello = json!({
        "shortcut": "hi", "title": "Hello",
        "text": "Hello {customer}, {operator} of {workspace} here, after {assistant}. {not me}",
    });
    let reply = owner.post("/api/v1/canned-replies", &hello).await.expect(201);
    let path = format!("/api/v1/canned-replies/{}", reply.text("id"));
    let refused = owner.post("/api/v1/canned-replies", &hello).await;
    assert_problem(&refused, 409, "shortcut_taken");
    let mut russian = hello.clone();
    russian["language"] = json!("ru");
    owner.post("/api/v1/canned-replies", &russian).await.expect(201);
    for (field, bad) in [("text", "Order {order_id}"), ("shortcut", "Hi"), ("shortcut", "a b")] {
        let mut wrong = russian.clone();
        wrong[field] = json!(bad);
        let refused = owner.post("/api/v1/canned-replies", &wrong).await;
        assert_problem(&refused, 422, "invalid");
        assert_eq!(refused.body["errors"][0]["field"], field);
    }
    let of_shortcut = owner.get("/api/v1/canned-replies?shortcut=hi").await.expect(200).body;
    assert_eq!(of_shortcut["items"].as_array().unwrap().len(), 2);

    let id = dialog.rsplit('/').next().unwrap();
    let filled = owner.get(&format!("{path}/text?dialog_id={id}")).await.expect(200);
    let me = owner.get("/api/v1/me").await.expect(200).body;
    let contact = owner.get(&dialog).await.expect(200).body["contact"]["display_name"].clone();
    let assistant = owner.get(&format!("/api/v1/assistants/{}", shop.assistant)).await.expect(200);
    let operator = me["user"]["name"].as_str().or(me["user"]["email"].as_str()).unwrap();
    let expected = format!(
        "Hello {}, {operator} of {} here, after {}. {{not me}}",
        contact.as_str().unwrap(),
        me["workspace"]["name"].as_str().unwrap(),
        assistant.body["name"].as_str().unwrap(),
    );
    assert_eq!(filled.body["text"], expected.as_str());
    let unknown = owner.get(&format!("{path}/text?dialog_id={UNKNOWN}")).await;
    assert_problem(&unknown, 404, "not_found");

    let text = json!({"text": "Bye", "language": "en"});
    let changed = owner.patch(&path, &text).await.expect(200).body;
    assert_eq!((&changed["text"], &changed["shortcut"]), (&json!("Bye"), &json!("hi")));
    let refused = owner.patch(&path, &json!({"language": "ru"})).await;
    assert_problem(&refused, 409, "shortcut_taken");
    owner.delete(&path).await.expect(204);
    assert_problem(&owner.get(&path).await, 404, "not_found");
}

#[on_every_home]
async fn a_draft_is_its_writers_until_the_reply_is_sent(home: &Home) {
    let (shop, dialog) = shop_with_dialog(home).await;
    let kim = colleague(home, &shop, "kim@example.org").await;
    let path = format!("{dialog}/draft");
    let none = kim.get(&path).await.expect(200).body;
    assert_eq!(none, json!({"text": "", "updated_at": null}));
    let draft = put(&kim, &path, &json!({"text": "Your parcel "})).await.expect(200).body;
    assert_eq!(kim.get(&path).await.expect(200).body, draft);
    assert_eq!(shop.owner.get(&path).await.expect(200).body, none, "it is Kim's");

    let note = json!({"client_id": "1", "kind": "note", "text": "Look into it."});
    kim.post(&format!("{dialog}/messages"), &note).await.expect(201);
    assert_eq!(kim.get(&path).await.expect(200).body, draft, "a note leaves it");
    let reply = json!({"client_id": "2", "text": "Your parcel is on its way."});
    kim.post(&format!("{dialog}/messages"), &reply).await.expect(201);
    assert_eq!(kim.get(&path).await.expect(200).body, none);

    put(&kim, &path, &json!({"text": "x"})).await.expect(200);
    assert_eq!(put(&kim, &path, &json!({"text": ""})).await.expect(200).body, none);
    let body = json!({"name": "Nightly", "scopes": ["dialogs:read", "dialogs:write"]});
    let key = shop.owner.post("/api/v1/api-keys", &body).await.expect(201).text("key");
    let program = Api::new(shop.program.base()).with_token(key);
    assert_eq!(program.get(&path).await.expect(200).body, none);
    let refused = put(&program, &path, &json!({"text": "x"})).await;
    assert_problem(&refused, 403, "session_required");
}

#[on_every_home]
async fn tags_canned_replies_and_drafts_are_a_workspaces_own(home: &Home) {
    let (shop, dialog) = shop_with_dialog(home).await;
    let owner = &shop.owner;
    let tag = owner.post("/api/v1/tags", &json!({"name": "refund"})).await.expect(201).text("id");
    let hello = json!({"shortcut": "hi", "title": "Hello", "text": "Hello"});
    let reply = owner.post("/api/v1/canned-replies", &hello).await.expect(201).text("id");
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    let own = stranger.post("/api/v1/canned-replies", &hello).await.expect(201).text("id");

    let id = dialog.rsplit('/').next().unwrap();
    for path in [
        format!("/api/v1/tags/{tag}"),
        format!("/api/v1/canned-replies/{reply}"),
        format!("/api/v1/canned-replies/{own}/text?dialog_id={id}"),
        format!("{dialog}/draft"),
    ] {
        assert_problem(&stranger.get(&path).await, 404, "not_found");
    }
    let text = json!({"text": "x"});
    assert_problem(&put(&stranger, &format!("{dialog}/draft"), &text).await, 404, "not_found");
    assert_problem(&stranger.patch(&dialog, &json!({"tags": []})).await, 404, "not_found");
    let foreign = stranger.post("/api/v1/tags", &json!({"name": "x"})).await.expect(201).text("id");
    let refused = owner.patch(&dialog, &json!({"tags": [foreign]})).await;
    assert_problem(&refused, 422, "invalid");
    assert!(listed(owner, &format!("?tag={foreign}")).await.is_empty());
}
