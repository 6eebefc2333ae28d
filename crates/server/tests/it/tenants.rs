//! Workspaces never meet.

use std::time::Duration;

use replyx_testkit::api::Api;
use reqwest::{Method, RequestBuilder, multipart};
use serde_json::{Value, json};

use crate::{
    auth::operations,
    events::Events,
    harness::{Home, PATIENCE, Shop, TOKEN, assert_problem, on_every_home},
};

/// Operations that are not about an object of a workspace, and show what is the caller's own.
const OWN: [&str; 3] = ["create_assistant", "read_me", "stream_events"];

/// A request that its own workspace would have granted.
fn with_body(operation: &str, request: RequestBuilder) -> RequestBuilder {
    let form = |name: &str| {
        let part = multipart::Part::bytes(b"stolen".to_vec()).file_name(name.to_owned());
        multipart::Form::new().part("file", part)
    };
    match operation {
        "update_assistant" => request.json(&json!({"name": "Stolen"})),
        "search_assistant" => request.json(&json!({"query": "return an item"})),
        "upload_document" => request.multipart(form("stolen.txt")),
        "create_bot" => {
            request.json(&json!({"token": "4002:second-token-of-thirty-characters-or-so"}))
        }
        "update_bot" => request.json(&json!({"mode": "polling"})),
        "read_assistant" | "delete_assistant" | "read_document" | "delete_document"
        | "read_document_text" | "reindex_document" | "read_bot" | "delete_bot" | "start_bot"
        | "stop_bot" | "read_dialog" | "list_messages" => request,
        new => panic!("`{new}` is new: say here what its owner would send"),
    }
}

/// The id in `/api/v1/KIND/{id}...`.
async fn object(shop: &Shop, path: &str) -> String {
    let kind = path.split('/').nth(3).unwrap();
    let list = shop.owner.get(&format!("/api/v1/{kind}")).await.expect(200).body;
    list["items"][0]["id"].as_str().unwrap_or_else(|| panic!("{path}: {list}")).to_owned()
}

/// A workspace that has one of everything.
async fn furnished(home: &Home) -> Shop {
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let bot = home.bot();
    shop.connect().await;
    bot.customer(7).ask("How many days do I have to return an item?", PATIENCE).await.unwrap();
    shop.replies().await;
    shop
}

async fn everything(owner: &Api) -> Vec<Value> {
    let mut all = Vec::new();
    for kind in ["assistants", "documents", "bots", "dialogs"] {
        all.push(owner.get(&format!("/api/v1/{kind}")).await.expect(200).body);
    }
    all
}

on_every_home! {
    async fn what_belongs_to_another_workspace_does_not_exist(home: &Home) {
        let shop = furnished(home).await;
        let before = everything(&shop.owner).await;
        let stranger =
            Api::new(shop.program.base()).register("stranger@example.org", "green lantern 8").await;
        let mut tried = 0;
        for operation in operations(&stranger).await {
            if !operation.secured || OWN.contains(&operation.id.as_str()) {
                continue;
            }
            let id = &operation.id;
            if !operation.path.contains('{') {
                assert_eq!(operation.method, Method::GET, "`{id}` is new: is it about an object?");
                let list = stranger.get(&operation.path).await.expect(200).body;
                assert_eq!(list, json!({"items": [], "next_cursor": null}), "{id}");
                continue;
            }
            let path = operation.path.replace("{id}", &object(&shop, &operation.path).await);
            assert!(!path.contains('{'), "{path}");
            let request = with_body(id, stranger.request(operation.method, &path));
            let answer = stranger.send(request).await;
            assert_problem(&answer, 404, "not_found");
            tried += 1;
        }
        assert!(tried >= 17, "{tried}");
        assert_eq!(everything(&shop.owner).await, before, "nothing has changed");

        let path = format!("/api/v1/documents?assistant_id={}", shop.assistant);
        assert_eq!(stranger.get(&path).await.expect(200).body["items"], json!([]));
        let own = stranger.assistant(&json!({"name": "Own"})).await;
        let path = format!("/api/v1/assistants/{own}/search");
        let found = stranger.post(&path, &json!({"query": "return an item"})).await.expect(200);
        assert_eq!(found.body["hits"], json!([]));
        let path = format!("/api/v1/assistants/{own}/bots");
        stranger.post(&path, &json!({"token": TOKEN})).await.expect(409);
    }
}

on_every_home! {
    async fn the_stream_of_a_workspace_shows_nothing_of_another(home: &Home) {
        let shop = furnished(home).await;
        let stranger =
            Api::new(shop.program.base()).register("stranger@example.org", "green lantern 8").await;
        let mut theirs = Events::open(&stranger, Some(0)).await;
        let mut ours = Events::open(&shop.owner, None).await;
        home.bot().customer(8).say("What about gift cards?");
        ours.until("message.delivered").await;
        assert!(theirs.next(Duration::from_secs(1)).await.is_none());

        let own = stranger.assistant(&json!({"name": "Own"})).await;
        stranger.knowledge(&own, "a.txt", b"We open at nine.").await;
        let seen = theirs.until("document.status").await;
        assert_eq!(seen[0].id, 1, "each workspace counts its own events");
        assert!(ours.next(Duration::from_secs(1)).await.is_none());
    }
}
