//! A document that several assistants know.

use replyx_testkit::api::Api;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Home, PASSWORD, Shop, assert_problem, on_every_home};

async fn finds(shop: &Shop, assistant: &str) -> bool {
    let path = format!("/api/v1/assistants/{assistant}/search");
    let found = shop.owner.post(&path, &json!({"query": "return an item"})).await.expect(200).body;
    !found["hits"].as_array().unwrap().is_empty()
}

async fn put(who: &Api, path: &str) -> replyx_testkit::api::Answer {
    who.send(who.request(Method::PUT, path)).await
}

#[on_every_home]
async fn a_document_is_shared_and_forgotten_by_one_assistant_at_a_time(home: &Home) {
    let shop = home.open().await;
    let document = shop.learn("returns.en.md").await;
    let other = shop.owner.assistant(&json!({"name": "Other"})).await;
    let link = |assistant: &str| format!("/api/v1/assistants/{assistant}/documents/{document}");
    assert!(finds(&shop, &shop.assistant).await);
    assert!(!finds(&shop, &other).await);
    for _ in 0..2 {
        put(&shop.owner, &link(&other)).await.expect(204);
    }
    assert!(finds(&shop, &other).await && finds(&shop, &shop.assistant).await);
    let list = format!("/api/v1/documents?assistant_id={other}");
    let listed = shop.owner.get(&list).await.expect(200).body;
    assert_eq!(listed["items"][0]["assistant_ids"].as_array().unwrap().len(), 2, "{listed}");

    shop.owner.delete(&link(&shop.assistant)).await.expect(204);
    assert!(finds(&shop, &other).await);
    assert!(!finds(&shop, &shop.assistant).await);
    assert_problem(&shop.owner.delete(&link(&other)).await, 409, "last_assistant");
    assert!(finds(&shop, &other).await);
    shop.owner.delete(&format!("/api/v1/documents/{document}")).await.expect(204);
    assert!(!finds(&shop, &other).await);
}

#[on_every_home]
async fn nobody_shares_what_is_somebody_elses(home: &Home) {
    let shop = home.open().await;
    let document = shop.learn("returns.en.md").await;
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    let own = stranger.assistant(&json!({"name": "Own"})).await;
    for assistant in [own.as_str(), shop.assistant.as_str()] {
        let path = format!("/api/v1/assistants/{assistant}/documents/{document}");
        assert_problem(&put(&stranger, &path).await, 404, "not_found");
        assert_problem(&stranger.delete(&path).await, 404, "not_found");
    }
    let path = format!("/api/v1/assistants/{own}/documents/{document}");
    assert_problem(&put(&shop.owner, &path).await, 404, "not_found");
    assert!(finds(&shop, &shop.assistant).await);
}
