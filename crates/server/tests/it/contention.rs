//! Requests that want the same rows, or a database that has no time: one waits, and none fails with
//! 500.

use std::time::Duration;

use futures::{StreamExt, stream};
use replyx_storage::testing::tamper;
use replyx_testkit::api::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{Home, Shop, assert_problem, until};

/// How many documents the script of an onboarding has.
const DOCUMENTS: usize = 60;

/// Uploads small files to one of three assistants each and links them to the other two, `at_once`
/// at a time; every answer must be the expected one.
async fn onboard(apis: &[Api], assistants: &[String], at_once: usize, round: usize) {
    let one = |number: usize| async move {
        let api = &apis[number % apis.len()];
        let first = &assistants[number % assistants.len()];
        let text = format!("# Page {number}\n\nLantern {number} costs {round} euro.");
        let name = format!("page-{round}-{number}.md");
        let document = api.upload(first, &name, text.into_bytes()).await.expect(202).text("id");
        for other in assistants.iter().filter(|other| *other != first) {
            link(api, other, &document).await.expect(204);
        }
    };
    stream::iter(0..DOCUMENTS).map(one).buffer_unordered(at_once).collect::<Vec<()>>().await;
}

async fn link(api: &Api, assistant: &str, document: &str) -> Answer {
    let path = format!("/api/v1/assistants/{assistant}/documents/{document}");
    api.send(api.request(Method::PUT, &path)).await
}

/// How many deadlocks the database has had to end: the row of its statistics is there when there
/// were more than `least`.
async fn deadlocks(home: &Home, least: u32) -> u64 {
    let sql = format!(
        "SELECT 1 FROM pg_stat_database WHERE datname = current_database() AND deadlocks > {least}"
    );
    tamper(&home.db.url, &sql).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_uploaded_and_linked_by_several_at_once_without_a_deadlock() {
    let home = Home::postgres().await;
    let shop = home.open().await;
    let assistants = three(&shop).await;
    onboard(std::slice::from_ref(&shop.owner), &assistants, 4, 1).await;
    everything_is_ready(&shop).await;
    assert_eq!(deadlocks(&home, 0).await, 0);
    assert!(!shop.program.log().contains("deadlock"));
    let repeated = shop.metric("requests_repeated_total", &[]).await;
    assert!(repeated < 1.0, "{repeated} had to be done again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_link_and_unlink_the_same_documents_without_a_deadlock() {
    let home = Home::postgres().await;
    let shop = home.open().await;
    let folder = tempfile::tempdir().unwrap();
    let other = shop.launch.clone().data(folder.path()).start().await;
    let assistants = three(&shop).await;
    let apis = [shop.owner.clone(), shop.owner.at(other.base())];
    onboard(&apis, &assistants, 8, 1).await;

    // All of them again, each by two at once.
    let list = shop.owner.get("/api/v1/documents?limit=200").await.expect(200).body;
    let ids: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    let known = (&apis, &assistants, &ids);
    let change = |number: usize| async move {
        let (apis, assistants, ids) = known;
        let api = &apis[number % 2];
        let assistant = &assistants[number % 3];
        let document = ids[number / 6 % ids.len()];
        let path = format!("/api/v1/assistants/{assistant}/documents/{document}");
        let method = if (number / 2).is_multiple_of(2) { Method::DELETE } else { Method::PUT };
        let status = api.send(api.request(method, &path)).await.status.as_u16();
        assert!(matches!(status, 204 | 404 | 409), "{path}: {status}");
    };
    stream::iter(0..6 * DOCUMENTS).map(change).buffer_unordered(8).collect::<Vec<()>>().await;
    assert_eq!(deadlocks(&home, 0).await, 0);
    for program in [&shop.program, &other] {
        assert!(!program.log().contains("deadlock"));
    }
}

async fn three(shop: &Shop) -> Vec<String> {
    let mut assistants = vec![shop.assistant.clone()];
    for name in ["Sales", "Repairs"] {
        assistants.push(shop.owner.assistant(&json!({"name": name})).await);
    }
    assistants
}

async fn everything_is_ready(shop: &Shop) {
    until("all documents are ready", async || {
        let list = shop.owner.get("/api/v1/documents?limit=200").await.expect(200).body;
        let items = list["items"].as_array().unwrap();
        let ready = items.iter().filter(|item| item["status"] == "ready").count();
        (ready == DOCUMENTS && items.len() == DOCUMENTS).then_some(())
    })
    .await;
}

/// From now on the database undoes what inserts into `table` as a deadlock would, so many times.
async fn undo(home: &Home, table: &str, code: &str, times: u32) {
    for sql in [
        "DROP FUNCTION IF EXISTS undo CASCADE".to_owned(),
        "CREATE SEQUENCE IF NOT EXISTS tries".to_owned(),
        "ALTER SEQUENCE tries RESTART".to_owned(),
        format!(
            "CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 IF nextval('tries') <= {times} THEN
                     RAISE EXCEPTION 'undone' USING ERRCODE = '{code}';
                 END IF;
                 RETURN NEW;
             END $$"
        ),
        format!(
            "CREATE TRIGGER undo BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION undo()"
        ),
    ] {
        tamper(&home.db.url, &sql).await;
    }
}

/// Has the trigger been met exactly so often?
async fn tried(home: &Home, times: u32) -> bool {
    let sql = format!("SELECT 1 FROM tries WHERE is_called AND last_value = {times}");
    tamper(&home.db.url, &sql).await == 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_database_undoes_is_done_again_three_times_and_then_refused_for_now() {
    let home = Home::postgres().await;
    let shop = home.open().await;
    let document = shop.learn("delivery.en.md").await;
    let others = three(&shop).await;
    let known = async || {
        shop.owner.get(&format!("/api/v1/documents/{document}")).await.expect(200).body["assistant_ids"]
            .as_array()
            .unwrap()
            .len()
    };

    undo(&home, "document_assistants", "40P01", 3).await;
    link(&shop.owner, &others[1], &document).await.expect(204);
    assert!(tried(&home, 4).await);
    assert_eq!(known().await, 2);

    undo(&home, "document_assistants", "40001", 99).await;
    let refused = link(&shop.owner, &others[2], &document).await;
    assert_problem(&refused, 503, "busy");
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    assert!(tried(&home, 4).await, "not more than three times again");
    assert_eq!(known().await, 2);

    // With a body, and with a key that makes the whole request repeatable.
    let path = "/api/v1/assistants";
    let body = json!({"name": "Undone twice"});
    for key in [None, Some("the-key")] {
        undo(&home, "assistants", "40P01", 2).await;
        let mut request = shop.owner.request(Method::POST, path).json(&body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        shop.owner.send(request).await.expect(201);
        assert!(tried(&home, 3).await, "{key:?}");
    }
    let list = shop.owner.get(path).await.expect(200).body;
    let made = list["items"].as_array().unwrap();
    let made = made.iter().filter(|one| one["name"] == body["name"]).count();
    assert_eq!(made, 2, "one for each request");
    assert!(shop.metric("requests_repeated_total", &[]).await >= 10.0);
}

/// A form of a file is read as a stream: it, too, is there for another try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_the_database_undid_is_done_again() {
    let home = Home::postgres().await;
    let shop = home.open().await;
    undo(&home, "documents", "40P01", 2).await;
    shop.owner.upload(&shop.assistant, "a.md", b"# A\n\nLanterns glow.".to_vec()).await.expect(202);
    assert!(tried(&home, 3).await);
    let list = shop.owner.get("/api/v1/documents").await.expect(200).body;
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_settled_and_an_update_stored_when_the_database_undoes_them_at_first() {
    let home = Home::postgres().await;
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    undo(&home, "messages", "40P01", 2).await;
    let question = "How many days do I have to return an item?";
    let reply = bot.customer(7).ask(question, crate::harness::PATIENCE).await;
    assert!(reply.is_some_and(|reply| reply.plain.contains("30 days")));
    undo(&home, "outbox", "40001", 2).await;
    let reply = bot.customer(8).ask(question, crate::harness::PATIENCE).await;
    assert!(reply.is_some_and(|reply| reply.plain.contains("30 days")));
    assert!(tried(&home, 3).await);
    let attempts = shop.metric("turns_total", &["outcome=\"failed\""]).await;
    assert!(attempts < 1.0, "no attempt at a turn was lost");
}

/// While other requests hold all connections, a process still says that it lives: nobody takes over
/// what it works on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_without_a_free_connection_refuses_requests_and_is_not_taken_for_dead() {
    let home = Home::postgres().await;
    let shop = home.open_with(home.launch().with("DATABASE_POOL", 2)).await;
    let document = shop.learn("delivery.en.md").await;
    let folder = tempfile::tempdir().unwrap();
    let other = home.launch().data(folder.path()).start().await;
    tamper(&home.db.url, "CREATE TABLE claimed AS SELECT id FROM processes").await;

    let workspace = shop.owner.get("/api/v1/workspace").await.expect(200).text("id");
    let mut holder = home.db.db.begin().await.unwrap();
    let workspace: uuid::Uuid = workspace.parse().unwrap();
    let assistant: uuid::Uuid = shop.assistant.parse().unwrap();
    let held = holder.workspace(workspace.into()).assistants().lock(assistant.into()).await;
    held.unwrap().expect("it is there");

    let begun = Instant::now();
    let waiting: Vec<_> = (0..6)
        .map(|_| {
            let api = shop.owner.clone();
            let assistant = shop.assistant.clone();
            let document = document.clone();
            tokio::spawn(async move { link(&api, &assistant, &document).await })
        })
        .collect();
    let beats = "SELECT 1 FROM processes WHERE beat_at < now() - interval '8 seconds'";
    // Longer than it takes to be dead (10 s), as long as the database's clock says.
    while begun.elapsed() < Duration::from_secs(13) {
        assert_eq!(tamper(&home.db.url, beats).await, 0, "a beat was late");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    drop(holder);

    let mut statuses = Vec::new();
    for request in waiting {
        let answer = request.await.unwrap();
        if answer.status != 204 {
            assert_problem(&answer, 503, "busy");
            assert!(answer.headers.contains_key("retry-after"));
        }
        statuses.push(answer.status.as_u16());
    }
    assert!(statuses.contains(&503), "some waited in vain: {statuses:?}");
    let gone = "SELECT 1 FROM claimed WHERE id NOT IN (SELECT id FROM processes)";
    assert_eq!(tamper(&home.db.url, gone).await, 0, "none was taken for dead");
    assert!(!other.log().contains("took over"), "{}", other.log());
}

/// Another program holds the file of the database, such as one that copies it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_file_is_answered_with_retry_after() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    let holder = home.db.db.begin().await.unwrap();
    let refused = shop.owner.post("/api/v1/assistants", &json!({"name": "Late"})).await;
    assert_problem(&refused, 503, "busy");
    assert!(refused.headers.contains_key("retry-after"));
    drop(holder);
    shop.owner.post("/api/v1/assistants", &json!({"name": "Late"})).await.expect(201);
    let list = shop.owner.get("/api/v1/assistants").await.expect(200).body;
    let names: Vec<&Value> =
        list["items"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Support", "Late"]);
}
