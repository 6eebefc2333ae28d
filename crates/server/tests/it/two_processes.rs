//! Two processes on one PostgreSQL and one Redis are one installation: what is decided at one holds
//! at the other.

use std::time::{Duration, Instant};

use replyx_core::role::Role;
use replyx_testkit::{
    api::{Answer, Api},
    program::Program,
};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::harness::{Home, PASSWORD, Shop, admin, assert_problem, join};

/// How long news may take from one process to the other: the bus takes milliseconds, a busy machine
/// more. What would otherwise be believed for seconds (5 s, `api::access`) is beyond it.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Two processes and an owner who is known to both.
struct Pair {
    one: Shop,
    other: Program,
    _folder: TempDir,
}

impl Pair {
    async fn start(home: &Home, rates: &[(&str, &str)]) -> Self {
        let launch =
            rates.iter().fold(home.launch(), |launch, (name, rate)| launch.with(name, rate));
        let one = home.open_with(launch.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        let other = launch.data(folder.path()).start().await;
        Self { one, other, _folder: folder }
    }

    /// The same person at the other process.
    fn there(&self, person: &Api) -> Api {
        person.at(self.other.base())
    }
}

/// Asks until the answer is as expected, and says how long it took.
async fn soon(what: &str, expected: (u16, &str), mut ask: impl AsyncFnMut() -> Answer) {
    let begun = Instant::now();
    loop {
        let answer = ask().await;
        if answer.status.as_u16() == expected.0 {
            if !answer.status.is_success() {
                assert_problem(&answer, expected.0, expected.1);
            }
            println!("{what}: seen by the other process after {:?}", begun.elapsed());
            return;
        }
        assert!(begun.elapsed() < AT_ONCE, "{what}: {} {}", answer.status, answer.body);
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_shared() {
    let home = Home::postgres().await;
    let pair = Pair::start(&home, &[("RATE_LOGIN", "4/1h")]).await;
    let here = Api::new(pair.one.program.base());
    let there = Api::new(pair.other.base());
    let nobody =
        |n: usize| json!({"email": format!("nobody{n}@example.org"), "password": "wrong 1"});
    for n in 0..4 {
        let api = if n % 2 == 0 { &here } else { &there };
        assert_problem(&api.post("/api/v1/auth/login", &nobody(n)).await, 401, "wrong_credentials");
    }
    for api in [&here, &there] {
        let refused = api.post("/api/v1/auth/login", &nobody(9)).await;
        assert_problem(&refused, 429, "too_many_requests");
        assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_out_a_changed_role_a_removal_and_a_block_hold_at_the_other_process_at_once() {
    let home = Home::postgres().await;
    let pair = Pair::start(&home, &[]).await;
    let owner = &pair.one.owner;
    let workspace = owner.get("/api/v1/workspace").await.expect(200).text("id");
    let base = pair.one.program.base();
    let person = Api::new(base).register("person@example.org", PASSWORD).await;
    join(&home, &pair.one, &person, Role::Admin).await;
    let me = person.get("/api/v1/me").await.expect(200).body;
    let member = format!("/api/v1/members/{}", me["user"]["id"].as_str().unwrap());
    let person = person.in_workspace(&workspace);
    let there = pair.there(&person);

    let update = json!({"name": "Renamed"});
    there.patch("/api/v1/workspace", &update).await.expect(200);
    owner.patch(&member, &json!({"role": "viewer"})).await.expect(200);
    soon("a changed role", (403, "forbidden"), async || {
        there.patch("/api/v1/workspace", &update).await
    })
    .await;

    there.get("/api/v1/bots").await.expect(200);
    owner.delete(&member).await.expect(204);
    soon("a removal", (404, "not_found"), async || there.get("/api/v1/bots").await).await;

    let session = Api::new(base).login("person@example.org", PASSWORD).await;
    let there = pair.there(&session);
    there.get("/api/v1/me").await.expect(200);
    session.post("/api/v1/auth/logout", &json!({})).await.expect(204);
    soon("a log-out", (401, "unauthenticated"), async || there.get("/api/v1/me").await).await;

    let body = json!({"name": "Key", "scopes": ["bots:read"]});
    let key = owner.post("/api/v1/api-keys", &body).await.expect(201);
    let program = Api::new(pair.other.base()).with_token(key.text("key"));
    program.get("/api/v1/bots").await.expect(200);
    owner.delete(&format!("/api/v1/api-keys/{}", key.text("id"))).await.expect(204);
    soon("a revoked key", (401, "unauthenticated"), async || program.get("/api/v1/bots").await)
        .await;

    admin(&home, "root@example.org").await;
    let root = Api::new(base).login("root@example.org", PASSWORD).await;
    let there = pair.there(&Api::new(base).login("person@example.org", PASSWORD).await);
    let person =
        there.get("/api/v1/me").await.expect(200).body["user"]["id"].as_str().unwrap().to_owned();
    root.post(&format!("/api/v1/admin/users/{person}/block"), &json!({})).await.expect(200);
    soon("a block", (401, "unauthenticated"), async || there.get("/api/v1/me").await).await;

    pair.there(owner).get("/api/v1/bots").await.expect(200);
    let path = format!("/api/v1/admin/workspaces/{workspace}/suspend");
    root.post(&path, &json!({})).await.expect(200);
    let there = pair.there(owner);
    soon("a suspension", (403, "workspace_suspended"), async || there.get("/api/v1/bots").await)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_changed_at_one_process_is_obeyed_by_the_other() {
    let home = Home::postgres().await;
    let pair = Pair::start(&home, &[]).await;
    admin(&home, "root@example.org").await;
    let root = Api::new(pair.one.program.base()).login("root@example.org", PASSWORD).await;
    let path = "/api/v1/admin/settings/registration_open";
    let body = json!({"value": false});
    root.send(root.request(reqwest::Method::PUT, path).json(&body)).await.expect(200);
    let there = Api::new(pair.other.base());
    let mut number = 0;
    soon("a setting", (403, "registration_closed"), async || {
        number += 1;
        let body = json!({"email": format!("new{number}@example.org"), "password": PASSWORD});
        there.post("/api/v1/auth/register", &body).await
    })
    .await;
}
