//! What one customer, one workspace or one network may take, as the outside sees it.

use replyx_testkit::api::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Home, PASSWORD, PATIENCE, Shop, admin, assert_problem, on_every_home, until};

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

/// An API key of the shop that may search.
async fn searching_key(shop: &Shop) -> Api {
    let body = json!({"name": "Key", "scopes": ["assistants:read"]});
    let key = shop.owner.post("/api/v1/api-keys", &body).await.expect(201).text("key");
    Api::new(shop.program.base()).with_token(key)
}

#[on_every_home]
async fn many_keys_of_a_workspace_have_a_limit_together(home: &Home) {
    let shop = home.open_with(home.launch().with("RATE_SEARCH", "2/1h")).await;
    let path = format!("/api/v1/assistants/{}/search", shop.assistant);
    let search = async |key: &Api| key.post(&path, &json!({"query": "a lamp"})).await;
    // Four times as much as one key, whichever keys they are.
    for _ in 0..4 {
        let key = searching_key(&shop).await;
        search(&key).await.expect(200);
        search(&key).await.expect(200);
        assert_problem(&search(&key).await, 429, "too_many_requests");
    }
    let refused = search(&searching_key(&shop).await).await;
    assert_problem(&refused, 429, "too_many_requests");
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);

    let other = Api::new(shop.program.base()).register("other@example.org", PASSWORD).await;
    let assistant = other.assistant(&json!({"name": "Other"})).await;
    let path = format!("/api/v1/assistants/{assistant}/search");
    other.post(&path, &json!({"query": "a lamp"})).await.expect(200);
}

#[on_every_home]
async fn many_addresses_of_a_network_have_a_limit_together(home: &Home) {
    let launch = home.launch().with("TRUSTED_PROXIES", "127.0.0.0/8");
    let program = launch.with("RATE_REGISTER", "1/1h").start().await;
    let api = Api::new(program.base());
    let register = async |number: u32, from: &str| -> Answer {
        let body = json!({"email": format!("p{number}@example.org"), "password": PASSWORD});
        let request = api.request(Method::POST, "/api/v1/auth/register");
        api.send(request.header("x-forwarded-for", from).json(&body)).await
    };
    // One line has many /64s; together they may do eight times as much as one of them.
    for number in 0..8 {
        register(number, &format!("2001:db8:7:{number:x}::1")).await.expect(201);
    }
    for from in ["2001:db8:7:aaaa::1", "2001:db8:7:1::2"] {
        assert_problem(&register(8, from).await, 429, "too_many_requests");
    }
    register(9, "2001:db8:8::1").await.expect(201);
    register(10, "203.0.113.1").await.expect(201);
}

#[on_every_home]
async fn a_stranger_beyond_a_limit_loses_the_connection_and_a_user_keeps_theirs(home: &Home) {
    let launch = home.launch().with("RATE_ADDRESS", "3/1h");
    let shop = home.open_with(launch.with("RATE_USER", "2/1h")).await;
    let stranger = Api::new(shop.program.base());
    let me = "/api/v1/me";
    let beyond = async |api: &Api| {
        until("the limit is reached", async || {
            Some(api.get(me).await).filter(|answer| answer.status == 429)
        })
        .await
    };
    assert_eq!(beyond(&stranger).await.headers["connection"], "close");
    assert!(!beyond(&shop.owner).await.headers.contains_key("connection"));
}
