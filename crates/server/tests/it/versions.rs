//! Customers meet what is published, and nothing else.

use replyx_testkit::api::Api;
use serde_json::{Value, json};

use crate::harness::{Home, PASSWORD, PATIENCE, Shop, assert_problem, on_every_home};

/// Nothing in the documents answers it.
const STRANGE: &str = "zebra qwerty";

impl Shop {
    fn of_assistant(&self, rest: &str) -> String {
        format!("/api/v1/assistants/{}{rest}", self.assistant)
    }

    async fn draft(&self, text: &str) {
        self.owner.patch(&self.of_assistant(""), &json!({"unknown_text": text})).await.expect(200);
    }

    async fn publish(&self, note: &str) -> Value {
        self.owner
            .post(&self.of_assistant("/publish"), &json!({"note": note}))
            .await
            .expect(201)
            .body
    }

    async fn previewed(&self, version: &str) -> String {
        let body = json!({"text": STRANGE, "version": version});
        self.owner.post(&self.of_assistant("/preview"), &body).await.expect(200).text("text")
    }
}

#[on_every_home]
async fn a_draft_reaches_customers_when_it_is_published_and_goes_when_it_is_rolled_back(
    home: &Home,
) {
    let shop = home.open().await;
    let bot = home.bot();
    shop.connect().await;
    let ann = bot.customer(7);
    let said = async || ann.ask(STRANGE, PATIENCE).await.unwrap().plain.clone();
    shop.draft("First.").await;
    assert_eq!(shop.publish("the first").await["number"], 2);
    assert_eq!(said().await, "First.");
    shop.draft("Second.").await;
    assert_eq!(said().await, "First.", "a draft is nobody's business");
    assert_eq!(shop.previewed("draft").await, "Second.");
    assert_eq!(shop.previewed("published").await, "First.");
    let version = shop.publish("the second").await;
    assert_eq!((&version["number"], &version["note"]), (&json!(3), &json!("the second")));
    assert_eq!(said().await, "Second.");
    assert_eq!(shop.previewed("2").await, "First.");

    let back = shop.owner.post(&shop.of_assistant("/rollback"), &json!({"number": 2})).await;
    back.expect(200);
    assert_eq!(said().await, "First.");
    let assistant = shop.owner.get(&shop.of_assistant("")).await.expect(200).body;
    assert_eq!(
        (&assistant["published"], &assistant["unknown_text"]),
        (&json!(2), &json!("Second."))
    );
    assert_eq!(shop.publish("again").await["number"], 4, "numbers are never used twice");
    let versions = shop.owner.get(&shop.of_assistant("/versions")).await.expect(200).body;
    let mut numbers: Vec<i64> = versions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["number"].as_i64().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let published =
        versions["items"].as_array().unwrap().iter().filter(|one| one["published"] == true);
    assert_eq!(published.map(|one| one["number"].as_i64().unwrap()).collect::<Vec<_>>(), [4]);
    let replies = shop.replies().await;
    let told: Vec<i64> =
        replies.iter().map(|reply| reply["answer"]["version"].as_i64().unwrap()).collect();
    assert_eq!(told, [2, 2, 3, 2]);
}

#[on_every_home]
async fn versions_of_others_and_versions_that_are_not_are_not_found(home: &Home) {
    let shop = home.open().await;
    let missing = shop.owner.post(&shop.of_assistant("/rollback"), &json!({"number": 9})).await;
    assert_problem(&missing, 404, "not_found");
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    for (path, body) in [
        ("/publish", json!({})),
        ("/rollback", json!({"number": 1})),
        ("/preview", json!({"text": "Hi", "version": "1"})),
    ] {
        assert_problem(&stranger.post(&shop.of_assistant(path), &body).await, 404, "not_found");
    }
    assert_problem(&stranger.get(&shop.of_assistant("/versions")).await, 404, "not_found");
}
