//! Question sets, runs and the gate, through the API.

use std::time::Duration;

use replyx_testkit::{
    api::{Answer, Api},
    openai::{Answer as Said, FakeOpenAi, ModelFault},
};
use serde_json::{Value, json};

use crate::{
    events::Events,
    harness::{Home, PASSWORD, Shop, assert_problem, on_every_home, until, with_model},
};

fn questions() -> Value {
    json!([
        {"question": "How many days do I have to return an item?", "document_names": ["returns.en.md"],
         "answers": ["30 days"]},
        {"question": "zebra qwerty"},
    ])
}

impl Shop {
    fn of_this(&self, rest: &str) -> String {
        format!("/api/v1/assistants/{}{rest}", self.assistant)
    }

    async fn question_set(&self, questions: &Value) -> String {
        let body = json!({"name": "Returns", "questions": questions});
        self.owner.post(&self.of_this("/question-sets"), &body).await.expect(201).text("id")
    }

    async fn begin(&self, set: &str, body: &Value) -> String {
        let path = format!("/api/v1/question-sets/{set}/runs");
        self.owner.post(&path, body).await.expect(202).text("id")
    }

    async fn run_of(&self, id: &str) -> Value {
        self.owner.get(&format!("/api/v1/evaluation-runs/{id}")).await.expect(200).body
    }

    /// The run, as soon as it has ended.
    async fn ended(&self, id: &str) -> Value {
        until("the run has ended", async || {
            let run = self.run_of(id).await;
            matches!(run["status"].as_str(), Some("done" | "failed")).then_some(run)
        })
        .await
    }

    async fn measured(&self, set: &str, body: &Value) -> String {
        let id = self.begin(set, body).await;
        let run = self.ended(&id).await;
        assert_eq!(run["status"], "done", "{run}");
        id
    }

    async fn results_of(&self, id: &str) -> Vec<Value> {
        let path = format!("/api/v1/evaluation-runs/{id}/results");
        let found = self.owner.get(&path).await.expect(200).body;
        found["items"].as_array().unwrap_or_else(|| panic!("{found}")).clone()
    }

    async fn gate(&self, set: &str, tolerance: f64) {
        let gate = json!({"gate": {"question_set_id": set, "tolerance": tolerance}});
        self.owner.patch(&self.of_this(""), &gate).await.expect(200);
    }

    async fn published(&self) -> Answer {
        self.owner.post(&self.of_this("/publish"), &json!({})).await
    }
}

#[on_every_home]
async fn a_run_says_what_was_found_and_said_and_what_it_measured(home: &Home) {
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let set = shop.question_set(&questions()).await;
    let searched = shop.measured(&set, &json!({"answers": false})).await;
    let run = shop.run_of(&searched).await;
    let metrics = &run["metrics"];
    assert_eq!((&metrics["recall_1"], &metrics["searchable"]), (&json!(1.0), &json!(1)), "{run}");
    for unmeasured in ["containment", "abstention_recall", "answer_p50_ms", "failed"] {
        assert_eq!(metrics[unmeasured], Value::Null, "{unmeasured}: {run}");
    }
    let results = shop.results_of(&searched).await;
    assert_eq!((&results[0]["rank"], &results[0]["answer"]), (&json!(1), &Value::Null));

    let answered = shop.measured(&set, &json!({})).await;
    let run = shop.run_of(&answered).await;
    assert_eq!(
        (&run["done"], &run["total"], &run["version"]),
        (&json!(2), &json!(2), &Value::Null)
    );
    for whole in ["containment", "abstention_precision", "abstention_recall"] {
        assert_eq!(run["metrics"][whole], json!(1.0), "{whole}: {run}");
    }
    assert_eq!(
        (&run["metrics"]["wrongly_declined"], &run["metrics"]["failed"]),
        (&json!(0.0), &json!(0.0))
    );
    let results = shop.results_of(&answered).await;
    assert!(results[0]["answer"].as_str().unwrap().contains("30 days"), "{results:?}");
    assert_eq!((&results[1]["declined"], &results[1]["right"]), (&json!(true), &json!(true)));
    let list = shop.owner.get(&format!("/api/v1/question-sets/{set}/runs")).await.expect(200).body;
    let ids: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [answered.as_str(), searched.as_str()], "newest first");

    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    assert_eq!(dialogs["items"], json!([]), "no customer has asked anything");
}

#[on_every_home]
async fn questions_that_cannot_be_asked_are_refused_by_number(home: &Home) {
    let shop = home.open().await;
    let path = shop.of_this("/question-sets");
    for (questions, says) in [
        (json!([]), "1 to 2000"),
        (json!([{"question": "a"}, {"question": " "}]), "question 2"),
        (json!([{"question": "a", "answers": [""]}]), "question 1"),
        (json!([{"question": "a".repeat(4_001)}]), "4,000"),
        (Value::Array(vec![json!({"question": "a"}); 2_001]), "2001"),
    ] {
        let answer = shop.owner.post(&path, &json!({"name": "Bad", "questions": questions})).await;
        assert_problem(&answer, 422, "invalid");
        assert!(answer.body.to_string().contains(says), "{says}: {}", answer.body);
    }
    let set = shop.question_set(&questions()).await;
    let missing =
        shop.owner.post(&format!("/api/v1/question-sets/{set}/runs"), &json!({"version": 9})).await;
    assert_problem(&missing, 404, "not_found");
    let list = shop.owner.get(&path).await.expect(200).body;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[on_every_home]
async fn the_gate_opens_for_a_draft_that_is_measured_and_no_worse(home: &Home) {
    let model = FakeOpenAi::start().await;
    // The instructions of the draft decide how well it answers.
    model.answer(|request| {
        let bad = format!("{request:?}").contains("Be useless");
        Said::text(if bad { "The shop is open." } else { "You have 30 days [1]." })
    });
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.learn("returns.en.md").await;
    let set = shop.question_set(&json!([questions()[0]])).await;
    shop.gate(&set, 0.1).await;
    let refused = shop.published().await;
    assert_problem(&refused, 409, "evaluation_required");
    // Draft and published version are the same as yet.
    let base = shop.measured(&set, &json!({})).await;
    shop.published().await.expect(201);

    let worse = json!({"system_prompt": "Be useless."});
    shop.owner.patch(&shop.of_this(""), &worse).await.expect(200);
    assert_problem(&shop.published().await, 409, "evaluation_required");
    let run = shop.measured(&set, &json!({})).await;
    let refused = shop.published().await;
    assert_problem(&refused, 409, "evaluation_regressed");
    assert!(refused.text("detail").contains("containment"), "{}", refused.body);
    // What is found does not depend on the draft, so search alone proves nothing of it.
    shop.measured(&set, &json!({"answers": false})).await;
    shop.measured(&set, &json!({"answers": false, "version": 1})).await;
    assert_problem(&shop.published().await, 409, "evaluation_regressed");
    let diff = format!("/api/v1/evaluation-runs/{run}/diff?base={base}");
    let diff = shop.owner.get(&diff).await.expect(200).body;
    assert_eq!((&diff["regressed"], &diff["mended"]), (&json!(true), &json!([])), "{diff}");
    assert_eq!(diff["broken"], json!([questions()[0]["question"]]));
    let back = format!("/api/v1/evaluation-runs/{base}/diff?base={run}");
    let back = shop.owner.get(&back).await.expect(200).body;
    assert_eq!((&back["regressed"], &back["broken"]), (&json!(false), &json!([])), "{back}");
    let unlike = shop.question_set(&json!([questions()[0]])).await;
    let unlike = shop.measured(&unlike, &json!({})).await;
    let diff = format!("/api/v1/evaluation-runs/{run}/diff?base={unlike}");
    assert_problem(&shop.owner.get(&diff).await, 409, "different_sets");
    let lax = format!("/api/v1/evaluation-runs/{run}/diff?base={base}&tolerance=1");
    assert_eq!(shop.owner.get(&lax).await.expect(200).body["regressed"], json!(false));

    let better = json!({"system_prompt": "Be brief."});
    shop.owner.patch(&shop.of_this(""), &better).await.expect(200);
    let passed = shop.measured(&set, &json!({})).await;
    let version = shop.published().await.expect(201).body;
    let versions = shop.owner.get(&shop.of_this("/versions")).await.expect(200).body;
    let kept =
        versions["items"].as_array().unwrap().iter().find(|one| one["number"] == version["number"]);
    assert!(kept.unwrap().to_string().contains(&passed), "the version names its run: {versions}");
    let of_version = shop.measured(&set, &json!({"version": version["number"]})).await;
    assert_eq!(shop.run_of(&of_version).await["version"], version["number"]);

    let in_use = shop.owner.delete(&format!("/api/v1/question-sets/{set}")).await;
    assert_problem(&in_use, 409, "question_set_in_use");
    let changed = json!({"questions": questions()});
    shop.owner.patch(&format!("/api/v1/question-sets/{set}"), &changed).await.expect(200);
    assert_problem(&shop.published().await, 409, "evaluation_required");
    shop.owner.patch(&shop.of_this(""), &json!({"gate": null})).await.expect(200);
    shop.published().await.expect(201);
}

#[on_every_home]
async fn a_run_that_no_model_answers_measures_nothing_and_opens_no_gate(home: &Home) {
    let model = FakeOpenAi::start().await;
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.learn("returns.en.md").await;
    let set = shop.question_set(&questions()).await;
    shop.gate(&set, 1.0).await;
    for _ in 0..50 {
        model.inject(ModelFault::status(400));
    }
    let id = shop.begin(&set, &json!({})).await;
    let run = shop.ended(&id).await;
    assert_eq!((&run["status"], &run["metrics"]), (&json!("failed"), &Value::Null), "{run}");
    assert!(run["error"].as_str().unwrap().contains("no model"), "{run}");
    assert_problem(&shop.published().await, 409, "evaluation_required");
    let results = shop.owner.get(&format!("/api/v1/evaluation-runs/{id}/results")).await;
    assert_problem(&results, 409, "not_ready");
}

#[on_every_home]
async fn a_set_goes_with_its_runs_even_while_one_is_asking(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| {
        Said::text("You have 30 days [1].").in_pieces_of(2).paced(Duration::from_millis(100))
    });
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.learn("returns.en.md").await;
    let set = shop.question_set(&json!([questions()[0], questions()[0], questions()[0]])).await;
    let run = shop.begin(&set, &json!({})).await;
    until("it is asking", async || (model.request_count() > 0).then_some(())).await;
    shop.owner.delete(&format!("/api/v1/question-sets/{set}")).await.expect(204);
    for path in [
        format!("/api/v1/question-sets/{set}"),
        format!("/api/v1/question-sets/{set}/runs"),
        format!("/api/v1/evaluation-runs/{run}"),
        format!("/api/v1/evaluation-runs/{run}/results"),
    ] {
        assert_problem(&shop.owner.get(&path).await, 404, "not_found");
    }
    shop.metric_reaches("jobs_total", &["evaluate", "done"], 1.0).await;
}

#[on_every_home]
async fn nobody_sees_or_touches_the_sets_and_runs_of_others(home: &Home) {
    let shop = home.open().await;
    let set = shop.question_set(&questions()).await;
    let run = shop.measured(&set, &json!({"answers": false})).await;
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    let theirs = stranger.assistant(&json!({"name": "Theirs"})).await;
    let body = json!({"name": "Theirs", "questions": questions()});
    let of_theirs = format!("/api/v1/assistants/{theirs}/question-sets");
    let their_set = stranger.post(&of_theirs, &body).await.expect(201).text("id");
    let their_run = format!("/api/v1/question-sets/{their_set}/runs");
    let their_run =
        stranger.post(&their_run, &json!({"answers": false})).await.expect(202).text("id");
    for path in [
        shop.of_this("/question-sets"),
        format!("/api/v1/question-sets/{set}"),
        format!("/api/v1/question-sets/{set}/runs"),
        format!("/api/v1/evaluation-runs/{run}"),
        format!("/api/v1/evaluation-runs/{run}/results"),
        format!("/api/v1/evaluation-runs/{run}/diff?base={their_run}"),
        format!("/api/v1/evaluation-runs/{their_run}/diff?base={run}"),
    ] {
        assert_problem(&stranger.get(&path).await, 404, "not_found");
    }
    assert_problem(&stranger.post(&shop.of_this("/question-sets"), &body).await, 404, "not_found");
    let start = format!("/api/v1/question-sets/{set}/runs");
    assert_problem(&stranger.post(&start, &json!({})).await, 404, "not_found");
    let path = format!("/api/v1/question-sets/{set}");
    assert_problem(&stranger.patch(&path, &json!({"name": "Mine"})).await, 404, "not_found");
    assert_problem(&stranger.delete(&path).await, 404, "not_found");
    let gate = json!({"gate": {"question_set_id": set, "tolerance": 0.0}});
    let gated = stranger.patch(&format!("/api/v1/assistants/{theirs}"), &gate).await;
    assert_problem(&gated, 422, "invalid");
    assert_eq!(shop.owner.get(&path).await.expect(200).body["name"], "Returns");
}

#[on_every_home]
async fn a_run_whose_process_is_killed_is_measured_anew_and_ends_once(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| {
        Said::text("You have 30 days [1].").in_pieces_of(3).paced(Duration::from_millis(120))
    });
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.learn("returns.en.md").await;
    let set = shop.question_set(&Value::Array(vec![questions()[0].clone(); 8])).await;
    let id = shop.begin(&set, &json!({})).await;
    until("it is half-way", async || (shop.run_of(&id).await["done"].as_i64()? >= 2).then_some(()))
        .await;
    assert_eq!(shop.run_of(&id).await["status"], "running");
    let shop = shop.crash().await;
    let run = shop.ended(&id).await;
    assert_eq!(
        (&run["status"], &run["done"], &run["total"]),
        (&json!("done"), &json!(8), &json!(8))
    );
    assert_eq!(run["metrics"]["questions"], json!(8), "none is counted twice");
    assert_eq!(shop.results_of(&id).await.len(), 8);
    let asked = model.request_count();
    let again = shop.measured(&set, &json!({"answers": false})).await;
    assert_eq!(model.request_count(), asked, "nobody goes on asking for a run that has ended");
    let mut events = Events::open(&shop.owner, Some(0)).await;
    let mut ends = 0;
    loop {
        let event = events.until("evaluation.status").await.pop().unwrap();
        let done = event.data["status"] == "done";
        ends += usize::from(done && event.data["run_id"] == id.as_str());
        if done && event.data["run_id"] == again.as_str() {
            break;
        }
    }
    assert_eq!(ends, 1);
}

#[on_every_home]
async fn no_more_than_a_few_runs_of_a_set_wait(home: &Home) {
    let model = FakeOpenAi::start().await;
    // The first runs hold the workers, so that the others wait.
    model.answer(|_| {
        Said::text("You have 30 days [1].").in_pieces_of(1).paced(Duration::from_secs(2))
    });
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.learn("returns.en.md").await;
    let set = shop.question_set(&json!([questions()[0]])).await;
    for _ in 0..20 {
        shop.begin(&set, &json!({})).await;
    }
    let path = format!("/api/v1/question-sets/{set}/runs");
    assert_problem(&shop.owner.post(&path, &json!({})).await, 409, "too_many_runs");
    let other = shop.question_set(&questions()).await;
    shop.begin(&other, &json!({"answers": false})).await;
}
