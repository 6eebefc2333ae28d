//! Of two who have read the same and change it, the second is refused, if it says what it has read.

use replyx_core::{clock::Clock, ids::WorkspaceId};
use replyx_storage::{Tx, testing::lock_waiters};
use replyx_testkit::{
    api::{Answer, Api},
    site::{FakeSite, Reply},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Home, PASSWORD, Shop, admin, assert_problem, on_every_home, until};

/// Something that two people change.
struct Thing {
    what: &'static str,
    who: Api,
    path: String,
    method: Method,
    first: Value,
    second: Value,
}

impl Thing {
    async fn read(&self) -> Answer {
        self.who.get(&self.path).await.expect(200)
    }

    async fn change(&self, body: &Value, tag: Option<&str>) -> Answer {
        let mut request = self.who.request(self.method.clone(), &self.path);
        if let Some(tag) = tag {
            request = request.header("if-match", tag);
        }
        self.who.send(request.json(body)).await
    }
}

fn tag(answer: &Answer) -> String {
    let tag = answer.headers.get("etag").unwrap_or_else(|| panic!("no tag: {}", answer.body));
    tag.to_str().unwrap().to_owned()
}

/// A page that a source names.
async fn site() -> FakeSite {
    let site = FakeSite::start().await.unwrap();
    site.set("/", Reply::html("<main><p>The lantern glows for nine hundred hours.</p></main>"));
    site
}

async fn things(home: &Home, shop: &Shop, site: &FakeSite) -> Vec<Thing> {
    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let assistant = format!("/api/v1/assistants/{}", shop.assistant);
    let made = async |path: &str, status: u16, body: Value| {
        let made = shop.owner.post(&format!("{assistant}/{path}"), &body).await.expect(status);
        made.text("id")
    };

    let answer = json!({"question": "Open on Sundays?", "answer": "Yes, from 10 to 16."});
    let answer = made("answers", 201, answer).await;
    let set = json!({"name": "Set", "questions": [{"question": "Open?"}]});
    let set = made("question-sets", 201, set).await;
    let source = json!({"url": site.url("/"), "kind": "site", "refresh_hours": 24});
    let source = made("sources", 202, source).await;
    until("the site is fetched", async || {
        let source = shop.owner.get(&format!("/api/v1/sources/{source}")).await.expect(200).body;
        (source["status"] == "ready").then_some(())
    })
    .await;
    let workspace = shop.owner.get("/api/v1/workspace").await.expect(200).text("id");

    let thing = |what, who: &Api, path: String, first: Value, second: Value| Thing {
        what,
        who: who.clone(),
        path,
        method: Method::PATCH,
        first,
        second,
    };
    let named = |name: &str| json!({"name": name});
    let setting = thing(
        "a setting",
        &root,
        "/api/v1/admin/settings/session_days".to_owned(),
        json!({"value": 20}),
        json!({"value": 21}),
    );
    vec![
        thing("an assistant", &shop.owner, assistant.clone(), named("First"), named("Second")),
        thing(
            "an answer",
            &shop.owner,
            format!("{assistant}/answers/{answer}"),
            json!({"answer": "No."}),
            json!({"answer": "Only in May."}),
        ),
        thing(
            "a question set",
            &shop.owner,
            format!("/api/v1/question-sets/{set}"),
            json!({"questions": [{"question": "Closed?"}]}),
            named("Second"),
        ),
        thing(
            "a source",
            &shop.owner,
            format!("/api/v1/sources/{source}"),
            json!({"depth": 1}),
            json!({"refresh_hours": null}),
        ),
        thing(
            "a workspace",
            &shop.owner,
            "/api/v1/workspace".to_owned(),
            named("First"),
            named("Second"),
        ),
        thing(
            "a workspace's models",
            &root,
            format!("/api/v1/admin/workspaces/{workspace}"),
            json!({"allowed_models": ["extractive"]}),
            json!({"allowed_models": ["extractive", "gpt-4o"]}),
        ),
        Thing { method: Method::PUT, ..setting },
    ]
}

#[on_every_home]
async fn the_second_of_two_writers_is_refused_and_changes_nothing(home: &Home) {
    let shop = home.open_with(home.launch().with("CRAWL_PRIVATE_ADDRESSES", "allow")).await;
    let site = site().await;
    for thing in things(home, &shop, &site).await {
        let what = thing.what;
        let before = tag(&thing.read().await);
        let first = thing.change(&thing.first, Some(&before)).await.expect(200);
        let read = thing.read().await;
        assert_ne!(tag(&read), before, "{what}");

        let late = thing.change(&thing.second, Some(&before)).await;
        assert_problem(&late, 412, "precondition_failed");
        let unchanged = thing.read().await.body;
        for field in thing.first.as_object().unwrap().keys() {
            assert_eq!(unchanged[field], read.body[field], "{what}: {field}");
        }

        // The tag that came with the first change is that of the thing as it is now.
        let second = thing.change(&thing.second, Some(&tag(&first))).await.expect(200);
        thing.change(&thing.first, Some(&tag(&first))).await.expect(412);
        let many = format!("\"other\", W/{}", tag(&second));
        thing.change(&thing.first, Some(&many)).await.expect(200);
        thing.change(&thing.second, Some("*")).await.expect(200);
        thing.change(&thing.first, None).await.expect(200);
    }
}

#[on_every_home]
async fn what_has_not_changed_is_not_sent_again(home: &Home) {
    let shop = home.open_with(home.launch().with("CRAWL_PRIVATE_ADDRESSES", "allow")).await;
    let site = site().await;
    for thing in things(home, &shop, &site).await {
        let ask = async |tag: &str| {
            let request = thing.who.request(Method::GET, &thing.path);
            thing.who.send(request.header("if-none-match", tag)).await
        };
        // An answer is being read by now, and shows how far that is.
        let (mine, known) = until("two looks are alike", async || {
            let mine = tag(&thing.read().await);
            let known = ask(&mine).await;
            (known.status == 304).then_some((mine, known))
        })
        .await;
        assert_eq!(known.body, Value::Null, "{}", thing.what);

        thing.change(&thing.first, None).await.expect(200);
        let changed = ask(&mine).await.expect(200);
        assert_ne!(tag(&changed), mine, "{}", thing.what);
    }
}

#[on_every_home]
async fn a_setting_is_reset_by_who_has_seen_it(home: &Home) {
    let shop = home.open().await;
    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let path = "/api/v1/admin/settings/session_days";
    let before = tag(&root.get(path).await.expect(200));
    let reset = async |tag: &str| {
        root.send(root.request(Method::DELETE, path).header("if-match", tag)).await
    };

    let set =
        root.send(root.request(Method::PUT, path).json(&json!({"value": 20}))).await.expect(200);
    assert_problem(&reset(&before).await, 412, "precondition_failed");
    assert_eq!(root.get(path).await.body["value"], "20");
    let after = reset(&tag(&set)).await.expect(200);
    assert_eq!((tag(&after), &after.body["overridden"]), (before, &json!(false)));
    root.get("/api/v1/admin/settings/no_such").await.expect(404);
}

#[on_every_home]
async fn progress_refuses_nobody(home: &Home) {
    let shop = home.open_with(home.launch().with("CRAWL_PRIVATE_ADDRESSES", "allow")).await;
    let site = site().await;
    let things = things(home, &shop, &site).await;
    let source = things.iter().find(|thing| thing.what == "a source").unwrap();
    let before = source.read().await;
    let fetch = format!("{}/fetch", source.path);
    shop.owner.post(&fetch, &json!({})).await.expect(202);
    let after = until("it is fetched again", async || {
        let now = source.read().await;
        let fetched = now.body["fetched_at"] != before.body["fetched_at"];
        (fetched && now.body["status"] == "ready").then_some(now)
    })
    .await;
    assert_ne!(tag(&after), tag(&before), "there is something new to read");
    source.change(&source.first, Some(&tag(&before))).await.expect(200);
}

/// Has both writers wait for what `hold` holds, lets it go, and looks that one of them was refused.
async fn one_of_two(home: &Home, thing: &Thing, hold: impl AsyncFnOnce(&mut Tx)) {
    let what = thing.what;
    let before = tag(&thing.read().await);
    let mut tx = home.db.db.begin().await.unwrap();
    hold(&mut tx).await;
    let release = async {
        let url = &home.db.url;
        until("both wait", async || (lock_waiters(url).await >= 2).then_some(())).await;
        drop(tx);
    };

    let (first, second, ()) = tokio::join!(
        thing.change(&thing.first, Some(&before)),
        thing.change(&thing.second, Some(&before)),
        release
    );
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{what}: {} {}", first.body, second.body);
}

/// `SQLite` has one writer: who comes second reads what the first has written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_writers_at_once_one_is_refused() {
    let home = Home::postgres().await;
    let shop = home.open_with(home.launch().with("CRAWL_PRIVATE_ADDRESSES", "allow")).await;
    let site = site().await;
    let workspace: WorkspaceId =
        shop.owner.get("/api/v1/workspace").await.expect(200).text("id").parse().unwrap();
    for thing in things(&home, &shop, &site).await {
        let id = thing.path.rsplit('/').next().unwrap().to_owned();
        match thing.what {
            "a question set" => {
                let set = id.parse().unwrap();
                let hold = async |tx: &mut Tx| {
                    tx.workspace(workspace).question_sets().lock(set).await.unwrap();
                };
                one_of_two(&home, &thing, hold).await;
            }
            "a source" => {
                let source = id.parse().unwrap();
                let hold = async |tx: &mut Tx| {
                    tx.workspace(workspace).sources().lock(source).await.unwrap();
                };
                one_of_two(&home, &thing, hold).await;
            }
            "a workspace" | "a workspace's models" => {
                let hold = async |tx: &mut Tx| {
                    tx.system().workspaces().lock(workspace).await.unwrap();
                };
                one_of_two(&home, &thing, hold).await;
            }
            "a setting" => {
                // There is no row yet that could be locked, then there is one.
                for _ in 0..2 {
                    let hold = async |tx: &mut Tx| {
                        let now = Clock::system().now();
                        let settings = tx.system().settings();
                        settings.set("session_days", "9", None, now).await.unwrap();
                    };
                    one_of_two(&home, &thing, hold).await;
                    thing.change(&json!({"value": 30}), None).await.expect(200);
                }
            }
            "an answer" => {
                let document = id.parse().unwrap();
                let hold = async |tx: &mut Tx| {
                    tx.workspace(workspace).documents().lock(document).await.unwrap();
                };
                one_of_two(&home, &thing, hold).await;
            }
            _ => {}
        }
    }
}
