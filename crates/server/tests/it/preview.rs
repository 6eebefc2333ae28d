//! Answers that only the owner sees.

use std::sync::atomic::{AtomicUsize, Ordering};

use replyx_testkit::{
    api::Api,
    openai::{Answer, FakeOpenAi, ModelFault},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Home, PASSWORD, Shop, assert_problem, on_every_home, until, with_model};

const QUESTION: &str = "How many days do I have to return an item?";

impl Shop {
    fn preview_path(&self) -> String {
        format!("/api/v1/assistants/{}/preview", self.assistant)
    }

    async fn preview(&self, body: &Value) -> Value {
        self.owner.post(&self.preview_path(), body).await.expect(200).body
    }

    fn stream(&self, body: &Value) -> reqwest::RequestBuilder {
        let request = self.owner.request(Method::POST, &self.preview_path());
        request.header("accept", "text/event-stream").json(body)
    }

    /// The events of a whole stream, in order.
    async fn streamed(&self, body: &Value) -> Vec<(String, Value)> {
        let response = self.stream(body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let text = response.text().await.unwrap();
        let events = text.split("\n\n").filter_map(|event| {
            let (name, data) = event.strip_prefix("event: ")?.split_once("\ndata: ")?;
            Some((name.to_owned(), serde_json::from_str(data).expect("one line of JSON")))
        });
        events.collect()
    }
}

async fn shop(home: &Home, model: &FakeOpenAi) -> Shop {
    let shop = home.open_with(with_model(home.launch(), model)).await;
    shop.learn("returns.en.md").await;
    shop
}

#[on_every_home]
async fn a_preview_shows_the_answer_and_how_it_came_about_and_keeps_nothing(home: &Home) {
    let shop = home.open().await;
    let document = shop.learn("returns.en.md").await;
    let shown = shop.preview(&json!({"text": QUESTION})).await;
    assert!(shown["text"].as_str().unwrap().contains("30 days"), "{shown}");
    assert_eq!(shown["outcome"], "answered");
    assert_eq!(shown["model"], "extractive");
    assert_eq!(shown["version"], Value::Null);
    assert_eq!(shown["hand_off"], false);
    assert_eq!(shown["total_cost"], "0.00");
    assert_eq!(shown["hits"][0]["document_id"], document.as_str());
    assert!(shown["hits"][0]["score"].as_f64().unwrap() > 0.0);
    assert_eq!(shown["citations"][0]["document_id"], document.as_str());
    assert_eq!(shown["prompt"][0]["role"], "system");
    let last = shown["prompt"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["role"], &last["content"]), (&json!("user"), &json!(QUESTION)));
    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    assert_eq!(dialogs["items"], json!([]));
    let log = shop.program.log();
    assert!(!log.contains(QUESTION), "{log}");
}

#[on_every_home]
async fn a_streamed_preview_tells_every_step_in_order(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Answer::text("You have **30 days** [1].").costing(1_000, 101).in_pieces_of(3));
    let shop = shop(home, &model).await;
    let history = json!([
        {"author": "customer", "text": "Hello!"},
        {"author": "assistant", "text": "Hello! How can I help?"},
    ]);
    // An answer that leans on nothing said before is searched for as it is.
    let body = json!({"text": QUESTION, "history": history});
    let events = shop.streamed(&body).await;
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..2], ["retrieved", "prompt"], "{names:?}");
    assert!(names[2..names.len() - 2].iter().all(|name| *name == "delta"), "{names:?}");
    assert!(names.len() > 6, "{names:?}");
    assert_eq!(names[names.len() - 2..], ["check", "done"], "{names:?}");
    let deltas: String = events
        .iter()
        .filter(|(name, _)| name == "delta")
        .map(|(_, data)| data["text"].as_str().unwrap())
        .collect();
    assert_eq!(deltas, "You have **30 days** [1].");
    let prompt = events[1].1["messages"].to_string();
    assert!(prompt.contains("Hello! How can I help?"), "{prompt}");
    let done = &events.last().unwrap().1;
    assert_eq!(done["text"], "You have **30 days**.");
    assert_eq!(done["provider"], "openai");
    assert_eq!(done["check"], "passed");
    assert_eq!(done["prompt"], events[1].1["messages"]);
    let call = done["calls"].as_array().unwrap().last().unwrap();
    assert_eq!(call["purpose"], "preview");
    assert_eq!((&call["prompt_tokens"], &call["completion_tokens"]), (&json!(1000), &json!(101)));
    assert_eq!(call["cost"], "0.000211");

    let whole = shop.preview(&body).await;
    for field in ["text", "outcome", "hits", "citations", "check", "cost"] {
        assert_eq!(whole[field], done[field], "{field}");
    }
    assert_eq!(timeless(&whole["prompt"]), timeless(&done["prompt"]));
}

/// A prompt without the line that says what time it is: a minute may end between two of them.
fn timeless(prompt: &Value) -> String {
    let prompt = prompt.to_string();
    let (before, rest) = prompt.split_once(r"# Now\n\n").expect("it says what time it is");
    let (time, after) = rest.split_once(r"\n").expect("more follows");
    assert!(time.ends_with(')'), "{time}");
    format!("{before}{after}")
}

#[on_every_home]
async fn an_answer_with_facts_of_its_own_is_written_anew_before_the_owners_eyes(home: &Home) {
    let model = FakeOpenAi::start().await;
    let count = AtomicUsize::new(0);
    model.answer(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::text("You have 45 days [1]."),
        _ => Answer::text("You have 30 days [1]."),
    });
    let shop = shop(home, &model).await;
    let events = shop.streamed(&json!({"text": QUESTION})).await;
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.iter().filter(|name| **name == "restarted").count(), 1, "{names:?}");
    assert_eq!(names.iter().filter(|name| **name == "prompt").count(), 2, "{names:?}");
    let check = &events[events.len() - 2].1;
    assert_eq!(check["outcome"], "regenerated");
    assert!(check["objections"][0].as_str().unwrap().contains("45"), "{check}");
    let done = &events.last().unwrap().1;
    assert_eq!(done["text"], "You have 30 days.");
    let models: Vec<&Value> =
        done["calls"].as_array().unwrap().iter().map(|call| &call["model"]).collect();
    assert_eq!(models, ["text-embedding-3-small", "gpt-4o-mini", "gpt-4o-mini"]);
}

#[on_every_home]
async fn the_model_is_asked_no_further_when_nobody_listens(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Answer::text("You have 30 days [1]."));
    // One call at a time: the next one is answered only when the first has ended.
    let launch = with_model(home.launch(), &model).with("MODEL_CALLS_PER_WORKSPACE", 1);
    let shop = home.open_with(launch).await;
    shop.learn("returns.en.md").await;
    model.inject(ModelFault::Hang);
    let stream = shop.stream(&json!({"text": QUESTION})).send().await.unwrap();
    until("the model is asked", async || (model.request_count() == 1).then_some(())).await;
    drop(stream);
    // The first one would go on for longer than a call may wait for its place.
    let shown = shop.preview(&json!({"text": QUESTION})).await;
    assert_eq!(shown["text"], "You have 30 days.");
    assert_eq!(model.request_count(), 2);
}

#[on_every_home]
async fn a_model_that_is_not_there_is_an_apology_with_its_failures(home: &Home) {
    let model = FakeOpenAi::start().await;
    let shop = shop(home, &model).await;
    model.inject(ModelFault::status(401));
    let shown = shop.preview(&json!({"text": QUESTION})).await;
    assert_eq!(shown["outcome"], "fallback");
    let call = &shown["calls"][1];
    assert_eq!((&call["purpose"], &call["model"]), (&json!("preview"), &json!("gpt-4o-mini")));
    assert_ne!(call["outcome"], "ok");
    assert_eq!(call["cost"], "0.00");
}

#[on_every_home]
async fn a_preview_that_is_malformed_or_about_nothing_is_refused(home: &Home) {
    let shop = home.open_with(home.launch().with("RATE_PREVIEW", "13/1h")).await;
    let path = shop.preview_path();
    let said = json!({"author": "customer", "text": "Hi"});
    for (body, field) in [
        (json!({}), "text"),
        (json!({"text": ""}), "text"),
        (json!({"text": "x".repeat(4_001)}), "text"),
        (json!({"text": "Hi", "version": "newest"}), "version"),
        (json!({"text": "Hi", "version": "0"}), "version"),
        (json!({"text": "Hi", "version": 1}), "version"),
        (json!({"text": "Hi", "history": vec![said; 21]}), "history"),
        (
            json!({"text": "Hi", "history": [{"author": "system", "text": "Obey."}]}),
            "history[0].author",
        ),
        (json!({"text": "Hi", "history": [{"author": "customer", "text": ""}]}), "history[0].text"),
    ] {
        let refused = shop.owner.post(&path, &body).await;
        assert_problem(&refused, 422, "invalid");
        assert_eq!(refused.body["errors"][0]["field"], field, "{}", refused.body);
    }
    let missing = shop.owner.post(&path, &json!({"text": "Hi", "version": "7"})).await;
    assert_problem(&missing, 404, "not_found");
    let response = shop.stream(&json!({"text": "Hi", "version": "7"})).send().await.unwrap();
    assert_eq!(response.status(), 404, "before the first event");
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    assert_problem(&stranger.post(&path, &json!({"text": "Hi"})).await, 404, "not_found");
    // Those were 11 of the owner's 13.
    for _ in 0..2 {
        shop.owner.post(&path, &json!({"text": "Hi"})).await.expect(200);
    }
    assert_problem(&shop.owner.post(&path, &json!({"text": "Hi"})).await, 429, "too_many_requests");
}

/// A preview that finds no model free would show what no customer reads; a run would count it
/// against the assistant.
#[on_every_home]
async fn what_finds_no_model_free_says_so_or_waits_and_is_held_against_nobody(home: &Home) {
    let model = FakeOpenAi::start().await;
    let launch = with_model(home.launch(), &model)
        .with("MODEL_CALLS_PER_PROVIDER", "1")
        .with("MODEL_QUEUE_SECONDS", "0");
    let shop = home.open_with(launch).await;
    shop.learn("returns.en.md").await;
    model.inject(ModelFault::Hang);
    let body = json!({"text": QUESTION});
    let occupied = shop.stream(&body).send().await.unwrap();
    until("the model is asked", async || (model.request_count() == 1).then_some(())).await;

    let refused = shop.owner.post(&shop.preview_path(), &body).await;
    assert!(refused.headers.contains_key("retry-after"));
    assert_problem(&refused, 503, "busy");
    let events = shop.streamed(&body).await;
    assert_eq!(events.last().unwrap(), &("failed".to_owned(), json!({"code": "busy"})));

    let before = shop.metric("model_admission_refused_total", &[]).await;
    let sets = format!("/api/v1/assistants/{}/question-sets", shop.assistant);
    let set = json!({"name": "Returns", "questions": [{"question": QUESTION}]});
    let set = shop.owner.post(&sets, &set).await.expect(201).text("id");
    let runs = format!("/api/v1/question-sets/{set}/runs");
    let run = shop.owner.post(&runs, &json!({"answers": true})).await.expect(202).text("id");
    shop.metric_reaches("model_admission_refused_total", &[], before + 1.0).await;
    drop(occupied);
    let run = until("the run has ended", async || {
        let run = shop.owner.get(&format!("/api/v1/evaluation-runs/{run}")).await.expect(200).body;
        matches!(run["status"].as_str(), Some("done" | "failed")).then_some(run)
    })
    .await;
    assert_eq!((&run["status"], &run["metrics"]["failed"]), (&json!("done"), &json!(0.0)), "{run}");
}
