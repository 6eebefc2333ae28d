//! What platform admins see of the installation's work, and what they do about it.

use replyx_storage::testing::tamper;
use replyx_testkit::api::Api;
use serde_json::{Value, json};

use crate::harness::{Home, PASSWORD, PATIENCE, Shop, admin, assert_problem, on_every_home, until};

const JOBS: &str = "/api/v1/admin/jobs";

async fn root(home: &Home, shop: &Shop) -> Api {
    admin(home, "root@example.org").await;
    Api::new(shop.program.base()).login("root@example.org", PASSWORD).await
}

/// A job of a kind that no version knows, with an id that ends with this digit.
async fn given(home: &Home, digit: u8, status: &str, lane: &str) -> String {
    let id = format!("0190000000007000800000000000000{digit}");
    let sqlite = home.db.url.starts_with("sqlite");
    let (id_value, at) = if sqlite {
        (format!("X'{id}'"), "'2030-01-01T00:00:00.000000+00:00'")
    } else {
        (format!("'{id}'"), "'2030-01-01'")
    };
    let sql = format!(
        "INSERT INTO jobs (id, share, kind, payload, status, lane, attempts, due_at, error, created_at)
         VALUES ({id_value}, {share}, 'unknown_work', '{{}}', '{status}', '{lane}', 3, {at}, 'it failed', {at})",
        share = if sqlite { "X'00000000000000000000000000000000'" } else { "'00000000-0000-0000-0000-000000000000'" },
    );
    assert_eq!(tamper(&home.db.url, &sql).await, 1);
    uuid::Uuid::parse_str(&id).unwrap().to_string()
}

async fn found(root: &Api, id: &str) -> Option<Value> {
    let path = format!("{JOBS}?kind=unknown_work&limit=200");
    let jobs = root.get(&path).await.expect(200).body;
    jobs["items"].as_array().unwrap().iter().find(|job| job["id"] == id).cloned()
}

#[on_every_home]
async fn admins_see_jobs_run_them_again_and_cancel_them(home: &Home) {
    let shop = home.open().await;
    let root = root(home, &shop).await;
    let dead = given(home, 1, "dead", "light").await;
    let waits = given(home, 2, "queued", "light").await;
    let runs = given(home, 3, "running", "light").await;

    let listed = root.get(&format!("{JOBS}?status=dead")).await.expect(200).body;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    let job = &listed["items"][0];
    assert_eq!((&job["id"], &job["error"]), (&json!(dead), &json!("it failed")));
    assert_eq!(root.get(&format!("{JOBS}?status=lost")).await.status, 400);
    let retry = async |id: &str| root.post(&format!("{JOBS}/{id}/retry"), &json!({})).await;
    let cancel = async |id: &str| root.delete(&format!("{JOBS}/{id}")).await;

    for answer in [retry(&runs).await, cancel(&runs).await] {
        assert_problem(&answer, 409, "job_running");
    }
    let by_the_clock = root.get(&format!("{JOBS}?kind=seal_ledger")).await.expect(200).body;
    let by_the_clock = by_the_clock["items"][0]["id"].as_str().unwrap().to_owned();
    until("it does not run", async || {
        let answer = cancel(&by_the_clock).await;
        (answer.body["code"] == "job_scheduled").then_some(())
    })
    .await;

    // It is taken on at once, although it was due later; nobody knows the kind, so it waits again.
    let again = retry(&waits).await.expect(200).body;
    assert_eq!((&again["status"], &again["attempts"]), (&json!("queued"), &json!(0)));
    shop.metric_reaches("jobs_total", &["kind=\"unknown\""], 1.0).await;

    cancel(&dead).await.expect(204);
    assert_eq!(found(&root, &dead).await, None);
    assert_problem(&cancel(&dead).await, 404, "not_found");
    let log = root.get("/api/v1/admin/audit").await.expect(200).body;
    let acts: Vec<_> = log["items"].as_array().unwrap().iter().map(|act| &act["action"]).collect();
    assert!(
        acts.contains(&&json!("job.retried")) && acts.contains(&&json!("job.canceled")),
        "{log}"
    );
    shop.owner.get(JOBS).await.expect(403);
}

#[on_every_home]
async fn a_canceled_job_ends_what_waited_for_it(home: &Home) {
    let shop = home.open().await;
    let root = root(home, &shop).await;
    // With nobody who works, the job of a document waits.
    shop.program.terminate().await;
    let program = home.launch().arg("--role").arg("http").start().await;
    let owner = shop.owner.at(program.base());
    let text = b"# Returns\n\nWithin 30 days.".to_vec();
    let document = owner.upload(&shop.assistant, "returns.md", text).await.expect(202).text("id");
    let root = root.at(program.base());
    let jobs = root.get(&format!("{JOBS}?kind=index_document")).await.expect(200).body;
    let job = jobs["items"][0]["id"].as_str().unwrap();
    root.delete(&format!("{JOBS}/{job}")).await.expect(204);
    assert_eq!(owner.get(&format!("/api/v1/documents/{document}")).await.body["status"], "queued");
    program.terminate().await;

    let program = home.launch().start().await;
    let ended = owner.at(program.base()).processed(&document, PATIENCE).await;
    assert_eq!(ended["status"], "failed", "{ended}");
}

#[on_every_home]
async fn admins_see_how_the_installation_is(home: &Home) {
    let shop = home.open().await;
    let root = root(home, &shop).await;
    given(home, 1, "dead", "light").await;
    let system = root.get("/api/v1/admin/system").await.expect(200).body;
    assert_eq!(system["processes"], 1, "{system}");
    assert_eq!(system["health"]["database"], "ok");
    let sqlite = home.db.url.starts_with("sqlite");
    assert_eq!(system["database"], if sqlite { "sqlite" } else { "postgres" });
    let queue = |name: &str| {
        let queues = system["queues"].as_array().unwrap();
        queues.iter().find(|queue| queue["queue"] == name).cloned()
    };
    assert_eq!(queue("jobs.light").unwrap()["dead"], 1, "{system}");
    assert_eq!(queue("turns").unwrap()["waiting"], 0, "{system}");
    assert_eq!(queue("deliveries").unwrap()["running"], 0, "{system}");
    assert!(queue("jobs.scheduled").is_some(), "{system}");
    shop.owner.get("/api/v1/admin/system").await.expect(403);
}
