//! Operators work side by side: they see who looks and types, change many dialogs at once, and keep
//! views of their own.

use replyx_core::role::Role;
use replyx_storage::testing::tamper;
use replyx_testkit::api::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    events::Events,
    harness::{Home, PASSWORD, PATIENCE, Shop, assert_problem, join, on_every_home, until},
};

/// The id of nobody.
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

async fn colleague(home: &Home, shop: &Shop, email: &str) -> Api {
    let person = Api::new(shop.program.base()).register(email, PASSWORD).await;
    join(home, shop, &person, Role::Operator).await;
    let me = shop.owner.get("/api/v1/me").await.expect(200).body;
    person.in_workspace(me["workspace"]["id"].as_str().unwrap())
}

/// Ids of the dialogs of these customers, in their order.
async fn dialogs(home: &Home, shop: &Shop, customers: &[i64]) -> Vec<String> {
    let bot = home.bot();
    let mut ids: Vec<String> = Vec::new();
    for customer in customers {
        bot.customer(*customer).ask("Hello?", PATIENCE).await.unwrap();
        let list = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
        ids.push(list["items"][0]["id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn read(who: &Api, id: &str) -> Value {
    who.get(&format!("/api/v1/dialogs/{id}")).await.expect(200).body
}

async fn bulk(who: &Api, body: &Value) -> Answer {
    who.post("/api/v1/dialogs/bulk", body).await
}

async fn undo(who: &Api, done: &Answer) -> Answer {
    let body = json!({"bulk_id": done.body["bulk_id"]});
    who.post("/api/v1/dialogs/bulk/undo", &body).await
}

/// What became of each dialog: the result, or why it was refused.
fn results(answer: &Answer) -> Vec<&str> {
    let items = answer.body["items"].as_array().unwrap().iter();
    items.map(|item| item["code"].as_str().or(item["result"].as_str()).unwrap()).collect()
}

#[on_every_home]
async fn many_dialogs_are_closed_at_once_by_the_rules_of_each_and_come_back(home: &Home) {
    home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let kim = colleague(home, &shop, "kim@example.org").await;
    let lee = colleague(home, &shop, "lee@example.org").await;
    let ids = dialogs(home, &shop, &[7, 8, 9, 10]).await;
    let [hers, waits, assistants, lees] = ids.as_slice() else { panic!("{ids:?}") };
    kim.post(&format!("/api/v1/dialogs/{hers}/takeover"), &json!({})).await.expect(200);
    kim.post(&format!("/api/v1/dialogs/{waits}/handoff"), &json!({})).await.expect(200);
    lee.post(&format!("/api/v1/dialogs/{lees}/takeover"), &json!({})).await.expect(200);
    let before = read(&kim, waits).await;

    let all = json!({"dialog_ids": [hers, waits, assistants, lees, UNKNOWN], "step": "close"});
    let done = bulk(&kim, &all).await.expect(200);
    let expected = ["changed", "changed", "changed", "not_yours", "not_found"];
    assert_eq!(results(&done), expected);
    for id in [hers, waits, assistants] {
        assert_eq!(read(&kim, id).await["control"], "closed");
    }
    assert_eq!(read(&kim, lees).await["control"], "human");

    // It is Kim's to undo, and what has changed since is left alone.
    assert_problem(&undo(&lee, &done).await, 409, "nothing_to_undo");
    kim.post(&format!("/api/v1/dialogs/{assistants}/reopen"), &json!({})).await.expect(200);
    let undone = undo(&kim, &done).await.expect(200);
    let mut found = results(&undone);
    found.sort_unstable();
    assert_eq!(found, ["changed", "changed", "changed_since"]);
    let again = read(&kim, hers).await;
    assert_eq!(
        (&again["control"], &again["assignee"]["name"]),
        (&json!("human"), &json!("kim@example.org"))
    );
    let again = read(&kim, waits).await;
    for field in ["control", "asking_since", "handoff_reason", "queue"] {
        assert_eq!(again[field], before[field], "{field}");
    }

    // A minute later there is nothing to undo.
    let done = bulk(&kim, &json!({"dialog_ids": [waits], "step": "close"})).await.expect(200);
    let late = "UPDATE bulk_items SET created_at = '2020-01-01T00:00:00.000000+00:00'";
    assert!(tamper(&home.db.url, late).await >= 1);
    assert_problem(&undo(&kim, &done).await, 409, "nothing_to_undo");
    assert_eq!(read(&kim, waits).await["control"], "closed");
}

#[on_every_home]
async fn many_dialogs_are_given_away_and_tagged_at_once(home: &Home) {
    home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let kim = colleague(home, &shop, "kim@example.org").await;
    let lee = colleague(home, &shop, "lee@example.org").await;
    let me = lee.get("/api/v1/me").await.expect(200).body;
    let lee_id = me["user"]["id"].as_str().unwrap();
    let ids = dialogs(home, &shop, &[7, 8]).await;
    kim.post(&format!("/api/v1/dialogs/{}/takeover", ids[0]), &json!({})).await.expect(200);

    let give = json!({"dialog_ids": ids, "step": "assign", "assignee_id": lee_id});
    let done = bulk(&kim, &give).await.expect(200);
    assert_eq!(results(&done), ["changed", "changed"]);
    assert_eq!(results(&bulk(&lee, &give).await.expect(200)), ["unchanged", "unchanged"]);
    assert_eq!(results(&undo(&kim, &done).await.expect(200)), ["changed", "changed"]);
    assert_eq!(read(&kim, &ids[0]).await["assignee"]["name"], "kim@example.org");
    assert_eq!(read(&kim, &ids[1]).await["control"], "ai");
    assert_problem(&undo(&kim, &done).await, 409, "nothing_to_undo");
    let nobody = json!({"dialog_ids": ids, "step": "assign", "assignee_id": UNKNOWN});
    assert_problem(&bulk(&kim, &nobody).await, 422, "invalid");

    let mut tags = Vec::new();
    for name in ["old", "new"] {
        let tag = kim.post("/api/v1/tags", &json!({"name": name})).await.expect(201);
        tags.push(tag.text("id"));
    }
    let old = json!({"tags": [tags[0]]});
    kim.patch(&format!("/api/v1/dialogs/{}", ids[0]), &old).await.expect(200);
    let step = json!({
        "dialog_ids": ids, "step": "tag", "add_tags": [tags[1]], "remove_tags": [tags[0]],
    });
    let done = bulk(&kim, &step).await.expect(200);
    assert_eq!(results(&bulk(&kim, &step).await.expect(200)), ["unchanged", "unchanged"]);
    for id in &ids {
        assert_eq!(read(&kim, id).await["tags"][0]["name"], "new");
    }
    assert_eq!(results(&undo(&kim, &done).await.expect(200)), ["changed", "changed"]);
    assert_eq!(read(&kim, &ids[0]).await["tags"][0]["name"], "old");
    assert_eq!(read(&kim, &ids[1]).await["tags"], json!([]));

    for (field, bad) in [
        ("dialog_ids", json!({"dialog_ids": [ids[0], ids[0]], "step": "close"})),
        ("assignee_id", json!({"dialog_ids": ids, "step": "assign"})),
        ("add_tags", json!({"dialog_ids": ids, "step": "tag"})),
        ("add_tags", json!({"dialog_ids": ids, "step": "tag", "add_tags": [UNKNOWN]})),
    ] {
        let refused = bulk(&kim, &bad).await;
        assert_problem(&refused, 422, "invalid");
        assert_eq!(refused.body["errors"][0]["field"], field);
    }
}

#[on_every_home]
async fn colleagues_see_who_types_and_so_does_the_customer(home: &Home) {
    home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let kim = colleague(home, &shop, "kim@example.org").await;
    let lee = colleague(home, &shop, "lee@example.org").await;
    let ids = dialogs(home, &shop, &[7]).await;
    let path = format!("/api/v1/dialogs/{}/typing", ids[0]);
    let mut stream = Events::open(&lee, None).await;
    let chat = home.bot().customer(7);
    let seen = chat.chat_actions().len();

    // Kim types while the assistant has the dialog: colleagues see it, the customer does not.
    let answer = kim.post(&path, &json!({"state": "typing"})).await.expect(200).body;
    let told = stream.passing("dialog.attention").await;
    let me = kim.get("/api/v1/me").await.expect(200).body;
    let expected = json!({
        "type": "dialog.attention", "dialog_id": ids[0], "user_id": me["user"]["id"],
        "name": "kim@example.org", "state": "typing", "lasts_s": answer["lasts_s"],
    });
    assert_eq!(told, expected);
    assert_eq!(chat.chat_actions().len(), seen);

    kim.post(&format!("/api/v1/dialogs/{}/takeover", ids[0]), &json!({})).await.expect(200);
    kim.post(&path, &json!({"state": "typing"})).await.expect(200);
    until("the customer sees somebody typing", async || {
        (chat.chat_actions().len() > seen).then_some(())
    })
    .await;
    lee.post(&path, &json!({"state": "viewing"})).await.expect(200);
    stream.passing("dialog.attention").await;
    assert_eq!(stream.passing("dialog.attention").await["state"], "viewing");

    // Nothing of it is in the log, and a program with a key looks at nothing.
    let body = json!({"name": "Nightly", "scopes": ["dialogs:read", "dialogs:write"]});
    let key = shop.owner.post("/api/v1/api-keys", &body).await.expect(201).text("key");
    let program = Api::new(shop.program.base()).with_token(key);
    let refused = program.post(&path, &json!({"state": "typing"})).await;
    assert_problem(&refused, 403, "session_required");
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    let refused = stranger.post(&path, &json!({"state": "typing"})).await;
    assert_problem(&refused, 404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_types_in_one_process_is_seen_in_another() {
    let home = Home::postgres().await;
    home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let kim = colleague(&home, &shop, "kim@example.org").await;
    let ids = dialogs(&home, &shop, &[7]).await;
    let second = home.launch().arg("--role").arg("http").start().await;
    let mut stream = Events::open(&shop.owner.at(second.base()), None).await;

    let path = format!("/api/v1/dialogs/{}/typing", ids[0]);
    kim.post(&path, &json!({"state": "viewing"})).await.expect(200);
    assert_eq!(stream.passing("dialog.attention").await["dialog_id"], ids[0].as_str());
}

#[on_every_home]
async fn views_of_the_inbox_are_a_members_own(home: &Home) {
    let shop = home.open().await;
    let kim = colleague(home, &shop, "kim@example.org").await;
    let put = async |who: &Api, body: &Value| {
        who.send(who.request(Method::PUT, "/api/v1/inbox-views").json(body)).await
    };
    let none = kim.get("/api/v1/inbox-views").await.expect(200);
    assert_eq!(none.body, json!({"views": []}));
    let etag = none.headers["etag"].to_str().unwrap().to_owned();
    let views = json!({"views": [
        {"name": "Mine that wait", "query": {"view": "mine", "unread": true, "order": "activity"}},
        {"name": "Срочно", "query": {"assignee_id": "none", "control": "waiting"}},
    ]});
    assert_eq!(put(&kim, &views).await.expect(200).body, views);
    assert_eq!(kim.get("/api/v1/inbox-views").await.expect(200).body, views);
    let others = shop.owner.get("/api/v1/inbox-views").await.expect(200).body;
    assert_eq!(others, json!({"views": []}));

    // Two tabs: the second does not undo what the first has done.
    let stale = kim.request(Method::PUT, "/api/v1/inbox-views").header("if-match", etag);
    assert_problem(&kim.send(stale.json(&views)).await, 412, "precondition_failed");
    for bad in [
        json!({"views": [{"name": " "}]}),
        json!({"views": [{"name": "срочно"}, {"name": "Срочно"}]}),
        json!({"views": [{"name": "x", "query": {"assignee_id": "Kim"}}]}),
    ] {
        assert_problem(&put(&kim, &bad).await, 422, "invalid");
    }
    assert_eq!(kim.get("/api/v1/inbox-views").await.expect(200).body, views);
}
