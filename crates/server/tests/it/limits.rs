//! What one customer, or one workspace, may take, as the outside sees it.

use replyx_testkit::api::Api;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Home, PASSWORD, PATIENCE, admin, assert_problem, on_every_home, until};

#[on_every_home]
async fn a_customers_limit_is_a_setting_that_admins_change_while_the_program_runs(home: &Home) {
    let shop = home.open_with(home.launch().with("CONTACT_ANSWERS_PER_DAY", "1")).await;
    shop.learn("returns.en.md").await;
    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let bot = home.bot();
    shop.connect().await;
    let ann = bot.person(7, "Ann", "en");
    let question = "How many days do I have to return an item?";

    let reply = ann.ask(question, PATIENCE).await.unwrap();
    assert!(reply.plain.contains("30 days"), "{}", reply.plain);
    let reply = ann.ask(question, PATIENCE).await.unwrap();
    assert!(reply.plain.starts_with("You have had all the answers"), "{}", reply.plain);
    ann.say(question);
    let messages = until("what is said is stored", async || {
        let messages = shop.messages().await;
        (messages.len() == 5).then_some(messages)
    })
    .await;
    assert_eq!(messages[3]["answer"]["outcome"], "limited");
    assert_eq!(messages[4]["author"], "customer");
    shop.metric_reaches("turns_total", &["limited"], 2.0).await;
    assert_eq!(ann.sent_total(), 2, "told once");

    let path = "/api/v1/admin/settings/contact_answers_per_day";
    let request = root.request(Method::PUT, path).json(&json!({"value": 100}));
    root.send(request).await.expect(200);
    let reply = ann.ask(question, PATIENCE).await.unwrap();
    assert!(reply.plain.contains("30 days"), "{}", reply.plain);
}

#[on_every_home]
async fn work_in_the_background_is_counted_for_who_asks_for_it(home: &Home) {
    let shop = home.open_with(home.launch().with("RATE_JOBS", "2/1h")).await;
    let document = shop.learn("returns.en.md").await;
    let reindex = format!("/api/v1/documents/{document}/reindex");
    let answers = format!("/api/v1/assistants/{}/answers", shop.assistant);
    shop.owner.post(&reindex, &Value::Null).await.expect(202);
    let pair = json!({"question": "Are you open on Sundays?", "answer": "Yes, from 10 to 16."});
    shop.owner.post(&answers, &pair).await.expect(201);
    for path in [&reindex, &answers] {
        assert_problem(&shop.owner.post(path, &pair).await, 429, "too_many_requests");
    }
}
