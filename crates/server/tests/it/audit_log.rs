//! What was done in a workspace is written down, by whom and on what, and no secret with it.

use replyx_core::role::Role;
use replyx_testkit::api::Api;
use serde_json::{Value, json};

use crate::{
    harness::{EMAIL, Home, Shop, TOKEN, assert_problem, on_every_home, sample},
    workspaces::Person,
};

async fn entries(who: &Api, query: &str) -> Vec<Value> {
    let page = who.get(&format!("/api/v1/audit?limit=200{query}")).await.expect(200).body;
    page["items"].as_array().unwrap().clone()
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().rev().map(|entry| entry["action"].as_str().unwrap()).collect()
}

/// Does one of everything, and returns the secrets that came up.
async fn everything(home: &Home, shop: &Shop, member: &Person) -> Vec<String> {
    let owner = &shop.owner;
    let path = format!("/api/v1/assistants/{}", shop.assistant);
    owner
        .patch(&path, &json!({"system_prompt": "Say nothing of the hidden discount."}))
        .await
        .expect(200);
    let document =
        owner.knowledge(&shop.assistant, "returns.en.md", &sample("returns.en.md")).await;
    owner.post(&format!("/api/v1/documents/{document}/reindex"), &json!({})).await.expect(202);
    owner.delete(&format!("/api/v1/documents/{document}")).await.expect(204);
    home.bot();
    let bot = shop.connect().await;
    let bot = format!("/api/v1/bots/{bot}");
    owner.patch(&bot, &json!({"mode": "polling"})).await.expect(200);
    owner.post(&format!("{bot}/stop"), &json!({})).await.expect(200);
    owner.post(&format!("{bot}/start"), &json!({})).await.expect(200);
    owner.delete(&bot).await.expect(204);
    owner.patch("/api/v1/workspace", &json!({"name": "Renamed"})).await.expect(200);
    let person = format!("/api/v1/members/{}", member.id);
    owner.patch(&person, &json!({"role": "operator", "suspended": true})).await.expect(200);
    owner.patch(&person, &json!({"suspended": false})).await.expect(200);
    member.api.delete(&person).await.expect(204);
    let invitation = json!({"email": "guest@example.org", "role": "viewer"});
    let invited = owner.post("/api/v1/invitations", &invitation).await.expect(201).text("id");
    owner.delete(&format!("/api/v1/invitations/{invited}")).await.expect(204);
    let key = json!({"name": "A program", "scopes": ["bots:read", "assistants:write"]});
    let made = owner.post("/api/v1/api-keys", &key).await.expect(201);
    let program = owner.with_token(made.text("key"));
    let other = program.post("/api/v1/assistants", &json!({"name": "Made by a program"})).await;
    let other = other.expect(201).text("id");
    owner.delete(&format!("/api/v1/assistants/{other}")).await.expect(204);
    let path = format!("/api/v1/api-keys/{}", made.text("id"));
    owner.patch(&path, &json!({"name": "Renamed"})).await.expect(200);
    owner.delete(&path).await.expect(204);
    vec![TOKEN.to_owned(), made.text("key"), "hidden discount".to_owned()]
}

#[on_every_home]
async fn every_change_is_entered_with_who_made_it(home: &Home) {
    let shop = home.open().await;
    let member = Person::member(home, &shop, "member@example.org", Role::Viewer).await;
    let secrets = everything(home, &shop, &member).await;
    let entries = entries(&shop.owner, "").await;
    assert_eq!(
        actions(&entries),
        [
            "assistant.created",
            "assistant.updated",
            "document.uploaded",
            "document.reindexed",
            "document.deleted",
            "bot.created",
            "bot.updated",
            "bot.stopped",
            "bot.started",
            "bot.deleted",
            "workspace.updated",
            "member.role_changed",
            "member.suspended",
            "member.resumed",
            "member.left",
            "invitation.created",
            "invitation.deleted",
            "api_key.created",
            "assistant.created",
            "assistant.deleted",
            "api_key.updated",
            "api_key.deleted",
        ]
    );
    let text = Value::from(entries.clone()).to_string();
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret}: {text}");
    }
    let numbers: Vec<i64> =
        entries.iter().rev().map(|entry| entry["seq"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=22).collect::<Vec<i64>>());
    let by_owner = &entries[21];
    let by_key = &entries[3];
    let by_member = &entries[7];
    assert_eq!((&by_owner["actor"], &by_owner["actor_name"]), (&json!("user"), &json!(EMAIL)));
    assert_eq!(
        (&by_owner["target"], &by_owner["target_id"]),
        (&json!("assistant"), &json!(shop.assistant))
    );
    assert_eq!((&by_owner["address"], &by_owner["outcome"]), (&json!("127.0.0.1"), &json!("done")));
    assert_eq!((&by_key["actor"], &by_key["actor_name"]), (&json!("api_key"), &json!("A program")));
    assert_eq!(
        (&by_member["actor_id"], &by_member["action"]),
        (&json!(member.id), &json!("member.left"))
    );
    assert_eq!(
        entries[10]["details"],
        json!({"email": "member@example.org", "from": "viewer", "to": "operator"})
    );
}

#[on_every_home]
async fn the_log_is_read_by_pages_and_kinds_by_those_who_may(home: &Home) {
    let shop = home.open().await;
    let admin = Person::member(home, &shop, "admin@example.org", Role::Admin).await;
    let viewer = Person::member(home, &shop, "viewer@example.org", Role::Viewer).await;
    for number in 0..5 {
        admin.api.assistant(&json!({"name": number.to_string()})).await;
    }
    let mut seen = Vec::new();
    let mut query = "limit=2".to_owned();
    loop {
        let page = admin.api.get(&format!("/api/v1/audit?{query}")).await.expect(200).body;
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()),
        );
        // What is done in the meantime moves nothing.
        shop.owner.assistant(&json!({"name": "Meanwhile"})).await;
        let Some(next) = page["next_cursor"].as_str() else { break };
        query = format!("limit=2&cursor={next}");
    }
    assert_eq!(seen, [6, 5, 4, 3, 2, 1]);
    let theirs = entries(&shop.owner, &format!("&actor_id={}", admin.id)).await;
    assert_eq!(theirs.len(), 5);
    let path = format!("/api/v1/members/{}", viewer.id);
    shop.owner.patch(&path, &json!({"role": "operator"})).await.expect(200);
    for action in ["member", "member.role_changed"] {
        assert_eq!(
            actions(&entries(&shop.owner, &format!("&action={action}")).await),
            ["member.role_changed"]
        );
    }
    assert!(entries(&shop.owner, "&action=memb").await.is_empty());
    for bad in ["cursor=x", "limit=0", "limit=201", "actor_id=x", "action=%00"] {
        let answer = shop.owner.get(&format!("/api/v1/audit?{bad}")).await;
        assert_problem(&answer, 400, "malformed");
    }
    assert_problem(&viewer.api.get("/api/v1/audit").await, 403, "forbidden");
    let stranger = Person::new(&shop, "stranger@example.org").await;
    assert!(entries(&stranger.api, "").await.is_empty());
}

#[on_every_home]
async fn what_was_not_done_is_not_entered(home: &Home) {
    let shop = home.open().await;
    let owner = Person::of(shop.owner.clone()).await;
    let before = entries(&shop.owner, "").await;
    let path = format!("/api/v1/members/{}", owner.id);
    shop.owner.delete(&path).await.expect(409);
    shop.owner.patch(&path, &json!({"role": "owner"})).await.expect(200);
    shop.owner.patch("/api/v1/workspace", &json!({})).await.expect(200);
    shop.owner.post("/api/v1/invitations/accept", &json!({"token": "x"})).await.expect(422);
    let path = format!("/api/v1/assistants/{}", shop.assistant);
    let request = shop.owner.request(reqwest::Method::PATCH, &path).header("if-match", "\"7\"");
    shop.owner.send(request.json(&json!({"name": "x"}))).await.expect(412);
    assert_eq!(entries(&shop.owner, "").await, before);
}
