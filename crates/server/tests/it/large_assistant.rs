//! The job that fills the database's index of vectors, as the program's own worker runs it.

use replyx_core::{clock::Clock, job::Kind};
use replyx_storage::testing::tamper;
use replyx_testkit::openai::FakeOpenAi;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{Home, until, with_model};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker_copies_the_vectors_of_an_assistant_into_the_index() {
    let home = Home::pgvector().await;
    let model = FakeOpenAi::start().await;
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    let document = shop.learn("returns.en.md").await;
    let id = |text: &serde_json::Value| text.as_str().unwrap().parse::<Uuid>().unwrap();
    let me = shop.owner.get("/api/v1/me").await.expect(200).body;
    let workspace = id(&me["workspace"]["id"]);
    let assistant = id(&json!(shop.assistant));
    let db = &home.db.db;
    let clock = Clock::system();
    let payload = json!({"workspace_id": workspace, "assistant_id": assistant});
    let mut tx = db.begin().await.unwrap();
    let jobs = tx.workspace(workspace.into()).jobs();
    let kind = Kind::heavy("index_neighbours");
    jobs.enqueue_once(clock.id(), kind, &payload, clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    let set = until("all vectors are in the index", async || {
        let mut tx = db.read().await.unwrap();
        let sets = tx.workspace(workspace.into()).neighbours().sets(assistant.into()).await;
        sets.unwrap().into_iter().find(|set| set.revision >= 0)
    })
    .await;
    let copies = format!("UPDATE neighbours_{0} SET model = model", set.dimensions);
    assert!(tamper(&home.db.url, &copies).await > 0, "{set:?}");
    shop.owner.delete(&format!("/api/v1/documents/{document}")).await.expect(204);
    assert_eq!(tamper(&home.db.url, &copies).await, 0, "a copy goes with its original");
}
