//! Workspaces never meet. That every operation keeps to that is shown by `coverage`.

use std::time::Duration;

use replyx_testkit::api::Api;
use serde_json::json;

use crate::{
    events::Events,
    harness::{Home, PATIENCE, Shop, TOKEN, on_every_home},
};

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

#[on_every_home]
async fn what_belongs_to_another_workspace_is_not_found_by_asking_around(home: &Home) {
    let shop = furnished(home).await;
    let stranger =
        Api::new(shop.program.base()).register("stranger@example.org", "green lantern 8").await;
    let path = format!("/api/v1/documents?assistant_id={}", shop.assistant);
    assert_eq!(stranger.get(&path).await.expect(200).body["items"], json!([]));
    let own = stranger.assistant(&json!({"name": "Own"})).await;
    let path = format!("/api/v1/assistants/{own}/search");
    let found = stranger.post(&path, &json!({"query": "return an item"})).await.expect(200);
    assert_eq!(found.body["hits"], json!([]));
    let path = format!("/api/v1/assistants/{own}/bots");
    stranger.post(&path, &json!({"token": TOKEN})).await.expect(409);
}

#[on_every_home]
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
