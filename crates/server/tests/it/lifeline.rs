//! What keeps a process alive in the eyes of others, and what is not tried forever.

use std::time::Duration;

use replyx_core::{
    clock::Clock,
    job::{Kind, Lane},
};
use replyx_storage::{Db, PoolSize, testing::tamper};
use replyx_testkit::{
    openai::{Answer, FakeOpenAi},
    site::{FakeSite, Reply},
};
use serde_json::json;

use crate::harness::{self, Home, PATIENCE, SECRET, Shop, on_every_home, until, with_model};

/// The clock of one machine is fifteen seconds ahead. A turn takes longer than its process may be
/// silent by that clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_whose_clock_is_ahead_takes_nobody_for_dead() {
    let home = Home::postgres().await;
    let bot = home.bot();
    let model = FakeOpenAi::start().await;
    model.answer(|_| {
        Answer::text("It takes two to four days, as far as we know.")
            .paced(Duration::from_millis(600))
            .in_pieces_of(5)
    });
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.learn("delivery.en.md").await;
    shop.connect().await;
    let folder = tempfile::tempdir().unwrap();
    let launch = with_model(home.launch(), &model).data(folder.path());
    // It serves requests only: what is claimed, the other one has claimed.
    let ahead =
        launch.with("REPLYX_TEST_CLOCK_AHEAD_MS", 15_000).arg("--role").arg("http").start().await;

    let asking = (1..=4).map(|id| {
        let chat = bot.customer(id);
        async move {
            let reply = chat.ask("How long does delivery take?", PATIENCE).await;
            assert!(reply.is_some(), "customer {id} was answered");
            assert_eq!(chat.sent_total(), 1, "and once");
        }
    });
    futures::future::join_all(asking).await;
    let log = ahead.log();
    assert!(!log.contains("took over"), "{log}");
    assert!(log.contains("differs from the database's"), "{log}");
    assert!(!shop.program.log().contains("differs from the database's"));

    let stats = replyx_testkit::api::Api::new(ahead.base());
    let metrics = stats.request(reqwest::Method::GET, "/metrics").send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let told = metrics.lines().find(|line| line.starts_with("clock_ahead_of_database_seconds "));
    let told: f64 = told.unwrap().rsplit_once(' ').unwrap().1.parse().unwrap();
    assert!((14.0..16.0).contains(&told), "{told}");

    // What it writes is in the time of the others.
    let there = shop.owner.at(ahead.base());
    let made = there.post("/api/v1/assistants", &json!({"name": "Now"})).await.expect(201).body;
    let made: chrono::DateTime<chrono::Utc> = made["created_at"].as_str().unwrap().parse().unwrap();
    assert!((made - Clock::system().now()).abs() < chrono::TimeDelta::seconds(5), "{made}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_tells_of_a_wrong_clock_on_postgres() {
    let home = Home::postgres().await;
    let folder = home.folder.path().display().to_string();
    let right = [("DATABASE_URL", &*home.db.url), ("DATA_DIR", &*folder), ("SECRET_KEY", SECRET)];
    let clock = |out: &str| out.lines().find(|line| line.contains("clock ")).unwrap().to_owned();
    let (_, out, err) = harness::run(&["doctor"], &right).await;
    assert!(clock(&out).starts_with("ok"), "{out}{err}");
    let wrong = [&right[..], &[("REPLYX_TEST_CLOCK_AHEAD_MS", "-15000")]].concat();
    let (good, out, _) = harness::run(&["doctor"], &wrong).await;
    let line = clock(&out);
    assert!(!good && line.starts_with("FAULT"), "{out}");
    assert!(line.contains("15.0 s behind the database") && line.contains("NTP"), "{line}");
}

/// The database under a running process is dropped and made again under the same address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_ends_when_its_database_becomes_another_installations() {
    let home = Home::postgres().await;
    let shop = home.open().await;
    let (server, name) = home.db.url.rsplit_once('/').unwrap();
    let server = format!("{server}/postgres");
    tamper(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    tamper(&server, &format!("CREATE DATABASE {name}")).await;
    let db = Db::open(&home.db.url, PoolSize { max: 2 }).await.unwrap();
    db.migrate().await.unwrap();
    let clock = Clock::system();
    let fresh: replyx_core::ids::ProcessId = clock.id();
    db.join_installation(fresh.into_uuid(), clock.now()).await.unwrap();

    let Shop { program, .. } = shop;
    let (status, log) = program.ended().await;
    assert!(!status.success(), "{log}");
    assert!(log.contains("belongs to another installation"), "{log}");
    assert_eq!(tamper(&home.db.url, "SELECT 1 FROM processes").await, 0, "it left nothing there");
    db.close().await;
}

/// A document that ends its reader each time. The reader is stopped where it wants the document,
/// and the program is killed there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_kills_the_program_again_and_again_fails() {
    let home = Home::postgres().await;
    let mut shop = home.open().await;
    let workspace: uuid::Uuid =
        shop.owner.get("/api/v1/workspace").await.expect(200).text("id").parse().unwrap();
    let id = shop
        .owner
        .upload(&shop.assistant, "a.md", b"# A\n\nB".to_vec())
        .await
        .expect(202)
        .text("id");
    shop.owner.processed(&id, PATIENCE).await;
    let document: uuid::Uuid = id.parse().unwrap();
    tamper(&home.db.url, "UPDATE documents SET status = 'queued'").await;
    let mut holder = home.db.db.begin().await.unwrap();
    holder.workspace(workspace.into()).documents().lock(document.into()).await.unwrap().unwrap();
    let mut tx = home.db.db.begin().await.unwrap();
    let payload = json!({"workspace_id": workspace, "document_id": document});
    let jobs = tx.workspace(workspace.into()).jobs();
    let now = Clock::system().now();
    jobs.enqueue(Clock::system().id(), Kind::heavy("index_document"), &payload, now).await.unwrap();
    tx.commit().await.unwrap();
    for attempt in 1..=8 {
        let running = format!(
            "SELECT 1 FROM jobs WHERE kind = 'index_document' AND status = 'running' AND attempts = {attempt}"
        );
        until("the document is being read", async || {
            (tamper(&home.db.url, &running).await == 1).then_some(())
        })
        .await;
        shop = shop.crash().await;
    }
    drop(holder);
    let failed = until("it is given up", async || {
        let found = shop.owner.get(&format!("/api/v1/documents/{id}")).await.expect(200).body;
        (found["status"] == "failed").then_some(found)
    })
    .await;
    assert!(failed["error"].as_str().unwrap().contains("the program was ended"), "{failed}");
    let dead = "SELECT 1 FROM jobs WHERE kind = 'index_document' AND status = 'dead'";
    until("the job is dead", async || (tamper(&home.db.url, dead).await == 1).then_some(())).await;
}

/// The same for other kinds of work, left by processes that were killed in the middle of it each
/// time.
#[on_every_home]
async fn work_that_never_came_to_an_end_is_given_up(home: &Home) {
    let site = FakeSite::start().await.unwrap();
    site.set("/help/", Reply::html("<main><p>Lanterns glow for nine hundred hours.</p></main>"));
    let allowed = home.launch().with("CRAWL_PRIVATE_ADDRESSES", "allow");
    let shop = home.open_with(allowed).await;
    let workspace = shop.owner.get("/api/v1/workspace").await.expect(200).text("id");
    let document = shop.learn("delivery.en.md").await;
    let own = format!("/api/v1/assistants/{}", shop.assistant);
    let body = json!({"url": site.url("/help/"), "kind": "page"});
    let source = shop.owner.post(&format!("{own}/sources"), &body).await.expect(202).text("id");
    let questions =
        json!([{"question": "How long does delivery take?", "document_names": ["delivery.en.md"]}]);
    let body = json!({"name": "Set", "questions": questions});
    let set = shop.owner.post(&format!("{own}/question-sets"), &body).await.expect(201).text("id");
    let run = shop.owner.post(&format!("/api/v1/question-sets/{set}/runs"), &json!({})).await;
    let run = run.expect(202).text("id");
    let paths = [
        format!("/api/v1/documents/{document}"),
        format!("/api/v1/sources/{source}"),
        format!("/api/v1/evaluation-runs/{run}"),
    ];
    for path in &paths {
        until("it is done", async || {
            let status = shop.owner.get(path).await.expect(200).text("status");
            matches!(&*status, "ready" | "done").then_some(())
        })
        .await;
    }
    let Shop { launch, program, owner, assistant } = shop;
    program.kill().await;

    let id = |text: &str| text.parse::<uuid::Uuid>().unwrap();
    let mut tx = home.db.db.begin().await.unwrap();
    for (kind, what, of) in [
        (Kind::heavy("index_document"), "document_id", &document),
        (Kind { name: "fetch_source", lane: Lane::Crawl }, "source_id", &source),
        (Kind { name: "evaluate", lane: Lane::Evaluation }, "run_id", &run),
    ] {
        let payload = json!({"workspace_id": workspace, what: of});
        let jobs = tx.workspace(id(&workspace).into()).jobs();
        let now = Clock::system().now();
        jobs.enqueue(Clock::system().id(), kind, &payload, now).await.unwrap();
    }
    tx.commit().await.unwrap();
    for sql in [
        "UPDATE documents SET status = 'extracting'",
        "UPDATE sources SET status = 'fetching'",
        "UPDATE evaluation_runs SET status = 'running', finished_at = NULL",
        "UPDATE jobs SET attempts = 8",
    ] {
        tamper(&home.db.url, sql).await;
    }

    let shop = Shop::again(launch, &owner, assistant).await;
    for path in &paths {
        let failed = until("it has failed", async || {
            let found = shop.owner.get(path).await.expect(200).body;
            (found["status"] == "failed").then_some(found)
        })
        .await;
        let why = failed["error"].as_str().unwrap_or_default();
        assert!(why.contains("the program"), "{failed}");
    }
    until("the jobs are dead", async || {
        let dead =
            tamper(&home.db.url, "UPDATE jobs SET error = error WHERE status = 'dead'").await;
        // The page's own document may have been waiting, too.
        (dead >= 3).then_some(())
    })
    .await;
}
