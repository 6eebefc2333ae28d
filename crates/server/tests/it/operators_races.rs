//! Operators' steps that meet each other in two processes, and those whose process is killed in the
//! middle. Each meeting is forced: we hold the dialog until all are on their way. On `PostgreSQL`
//! only, because `SQLite` has one process.

use replyx_core::{
    ids::{DialogId, WorkspaceId},
    role::Role,
};
use replyx_storage::{Tx, testing::lock_waiters};
use replyx_testkit::api::Api;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Home, PASSWORD, PATIENCE, Shop, assert_problem, join, until};

/// A shop with a dialog that nobody has.
struct Scene {
    home: Home,
    shop: Shop,
    workspace: WorkspaceId,
    dialog: DialogId,
}

impl Scene {
    async fn open() -> Self {
        let home = Home::postgres().await;
        let bot = home.bot();
        let shop = home.open().await;
        shop.connect().await;
        bot.customer(7).ask("Hello?", PATIENCE).await.unwrap();
        let me = shop.owner.get("/api/v1/me").await.expect(200).body;
        let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
        let workspace = id_in(&me["workspace"]["id"]).into();
        let dialog = id_in(&dialogs["items"][0]["id"]).into();
        Self { home, shop, workspace, dialog }
    }

    async fn colleague(&self, email: &str) -> Api {
        let person = Api::new(self.shop.program.base()).register(email, PASSWORD).await;
        join(&self.home, &self.shop, &person, Role::Operator).await;
        person.in_workspace(&self.workspace.to_string())
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/dialogs/{}{rest}", self.dialog)
    }

    /// Keeps everybody else from changing the dialog, until dropped.
    async fn hold(&self) -> Tx {
        let mut tx = self.home.db.db.begin().await.unwrap();
        let seen = tx.workspace(self.workspace).dialogs().find(self.dialog).await.unwrap();
        let contact = seen.expect("it is there").contact_id;
        tx.workspace(self.workspace).contacts().lock(contact).await.unwrap();
        tx.workspace(self.workspace).dialogs().lock(self.dialog).await.unwrap();
        tx
    }

    async fn waiting(&self, least: u64) {
        let url = &self.home.db.url;
        until("somebody waits", async || (lock_waiters(url).await >= least).then_some(())).await;
    }

    async fn messages(&self) -> Vec<Value> {
        let messages = self.shop.owner.get(&self.path("/messages")).await.expect(200).body;
        messages["items"].as_array().unwrap().clone()
    }

    /// Who has the dialog, and what was said in it. Deliveries go on by themselves.
    async fn state(&self) -> Value {
        let dialog = self.shop.owner.get(&self.path("")).await.expect(200).body;
        let messages = self.messages().await;
        let ids: Vec<&Value> = messages.iter().map(|message| &message["id"]).collect();
        json!([dialog["control"], dialog["epoch"], dialog["assignee"], ids])
    }

    async fn written(&self) -> usize {
        let messages = self.messages().await;
        messages.iter().filter(|message| message["author"] == "operator").count()
    }
}

fn id_in(text: &Value) -> Uuid {
    text.as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_operators_in_two_processes_one_has_the_dialog_and_the_other_is_told_who() {
    let scene = Scene::open().await;
    let second = scene.home.launch().arg("--role").arg("http").start().await;
    let kim = scene.colleague("kim@example.org").await;
    let lee = scene.colleague("lee@example.org").await.at(second.base());
    let chat = scene.home.bot().customer(7);
    let sent = chat.sent_total();

    // Both answer at once, which is a takeover.
    let reply = |name: &str| json!({"client_id": name, "text": format!("{name} is here.")});
    let path = scene.path("/messages");
    let kims = reply("Kim");
    let lees = reply("Lee");
    let holder = scene.hold().await;
    let (one, other, ()) = tokio::join!(kim.post(&path, &kims), lee.post(&path, &lees), async {
        scene.waiting(2).await;
        drop(holder);
    });

    let (winner, loser) = if one.status == 201 { (one, other) } else { (other, one) };
    assert_eq!(winner.status, 201, "{}", winner.body);
    assert_problem(&loser, 409, "not_yours");
    assert_eq!(loser.body["holder"]["name"], winner.body["operator"]["name"]);
    let text = winner.body["text"].as_str().unwrap();
    assert!(chat.wait_until(sent + 1, PATIENCE).await, "the customer gets the answer");
    assert_eq!(chat.sent().last().unwrap().text, text);
    assert_eq!(scene.state().await[2]["name"], winner.body["operator"]["name"]);
    assert_eq!(scene.written().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_whose_process_is_killed_has_not_happened_and_happens_once_when_it_is_repeated() {
    let mut scene = Scene::open().await;
    let mut kim = scene.colleague("kim@example.org").await;
    let chat = scene.home.bot().customer(7);
    let sent = chat.sent_total();

    for (step, body) in [
        ("/takeover", json!({})),
        ("/messages", json!({"client_id": "note", "kind": "note", "text": "A parcel is late."})),
        ("/messages", json!({"client_id": "reply", "text": "Your parcel is on its way."})),
        ("/close", json!({})),
    ] {
        let path = scene.path(step);
        let before = scene.state().await;
        let holder = scene.hold().await;
        let request = kim.request(Method::POST, &path).json(&body);
        let killed = tokio::spawn(request.send());
        scene.waiting(1).await;

        let Scene { home, shop, workspace, dialog } = scene;
        scene = Scene { home, shop: shop.crash().await, workspace, dialog };
        drop(holder);
        assert!(killed.await.unwrap().is_err(), "{step}: nobody answers");
        kim = kim.at(scene.shop.program.base());
        assert_eq!(scene.state().await, before, "{step}");

        let done = kim.post(&path, &body).await;
        assert!(done.status.is_success(), "{step}: {}", done.body);
        if step == "/messages" {
            let again = kim.post(&path, &body).await;
            assert_eq!(again.body["id"], done.body["id"], "{step}");
        }
    }

    assert!(chat.wait_until(sent + 1, PATIENCE).await, "the customer gets the answer");
    assert_eq!(scene.state().await[0], "closed");
    assert_eq!(scene.written().await, 2);
    assert_eq!(chat.sent_total(), sent + 1);
}
