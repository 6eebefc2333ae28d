//! Web pages as sources, from the request to the passage that is found.

use replyx_core::{
    change::New,
    clock::Clock,
    fixtures,
    knowledge::{Source, SourceKind, SourceStatus},
};
use replyx_testkit::site::{FakeSite, Reply};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Home, Shop, a_moment, assert_problem, on_every_home, until};

async fn open(home: &Home) -> Shop {
    home.open_with(home.launch().with("CRAWL_PRIVATE_ADDRESSES", "allow")).await
}

fn page(text: &str, links: &[&str]) -> Reply {
    let links: Vec<String> =
        links.iter().map(|link| format!("<li><a href=\"{link}\">More</a></li>")).collect();
    let links = links.concat();
    let body = format!(
        "<!doctype html><html><head><title>Help</title></head><body><main><h1>Help</h1><p>{text}</p></main>\
         <ul>{links}</ul></body></html>"
    );
    Reply::html(body).etag(&format!("\"{}\"", text.len()))
}

impl Shop {
    async fn add(&self, body: &Value) -> String {
        let path = format!("/api/v1/assistants/{}/sources", self.assistant);
        let source = self.owner.post(&path, body).await.expect(202).body;
        assert_eq!(source["status"], "queued");
        source["id"].as_str().unwrap().to_owned()
    }

    async fn source(&self, id: &str) -> Value {
        self.owner.get(&format!("/api/v1/sources/{id}")).await.expect(200).body
    }

    async fn source_is(&self, id: &str, status: &str) -> Value {
        until(&format!("the source is {status}"), async || {
            let source = self.source(id).await;
            (source["status"] == status).then_some(source)
        })
        .await
    }

    /// The documents of a source, once all of them are read.
    async fn pages(&self, id: &str) -> Vec<Value> {
        until("the pages are read", async || {
            let path = format!("/api/v1/documents?source_id={id}&limit=200");
            let list = self.owner.get(&path).await.expect(200).body;
            let pages = list["items"].as_array().unwrap().clone();
            let read =
                |page: &Value| ["ready", "embedding"].contains(&page["status"].as_str().unwrap());
            pages.iter().all(read).then_some(pages)
        })
        .await
    }

    async fn finds(&self, query: &str) -> String {
        let path = format!("/api/v1/assistants/{}/search", self.assistant);
        self.owner.post(&path, &json!({"query": query})).await.expect(200).body.to_string()
    }
}

#[on_every_home]
async fn a_site_is_fetched_found_fetched_again_and_forgotten(home: &Home) {
    let shop = open(home).await;
    let site = FakeSite::start().await.unwrap();
    site.set("/help/", page("The lantern glows for nine hundred hours.", &["returns", "gone"]));
    site.set("/help/returns", page("A lantern can be returned within forty days.", &[]));
    let id =
        shop.add(&json!({"url": site.url("/help/"), "kind": "site", "refresh_hours": 24, "tags": ["Help "]})).await;
    let source = shop.source_is(&id, "ready").await;
    assert_eq!(source["tags"], json!(["help"]));
    assert_eq!((&source["pages"], &source["error"]), (&json!(2), &Value::Null));
    assert!(source["next_at"].is_string() && source["bytes"].as_i64().unwrap() > 100);
    let pages = shop.pages(&id).await;
    let mut urls: Vec<&str> = pages.iter().map(|page| page["url"].as_str().unwrap()).collect();
    urls.sort_unstable();
    assert_eq!(urls, [site.url("/help/"), site.url("/help/returns")]);
    assert!(pages.iter().all(|page| page["kind"] == "html" && page["tags"] == json!(["help"])));
    assert!(shop.finds("how long does the lantern glow").await.contains("nine hundred hours"));

    // Other tags are those of new pages; a page that is there keeps its own.
    let path = format!("/api/v1/sources/{id}");
    shop.owner.patch(&path, &json!({"tags": ["new"]})).await.expect(200);
    site.set(
        "/help/returns",
        page("A lantern can be returned within sixty days, and for free.", &["fresh"]),
    );
    site.set("/help/fresh", page("A new lantern is green.", &[]));
    site.forget();
    shop.owner.post(&format!("/api/v1/sources/{id}/fetch"), &Value::Null).await.expect(202);
    shop.source_is(&id, "ready").await;
    until("the new text is found", async || {
        let found = shop.finds("when can a lantern be returned").await;
        (found.contains("sixty days") && !found.contains("forty days")).then_some(())
    })
    .await;
    let tags = |page: &Value| (page["url"].as_str().unwrap().to_owned(), page["tags"].clone());
    let mut tags: Vec<_> = shop.pages(&id).await.iter().map(tags).collect();
    tags.sort_by(|one, other| one.0.cmp(&other.0));
    let tags: Vec<Value> = tags.into_iter().map(|(_, tags)| tags).collect();
    assert_eq!(tags, [json!(["help"]), json!(["new"]), json!(["help"])]);
    let statuses: Vec<u16> =
        site.hits().iter().filter(|hit| hit.path == "/help/").map(|hit| hit.status).collect();
    assert_eq!(statuses, [304]);

    let list = shop.owner.get("/api/v1/sources").await.expect(200).body;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let elsewhere = format!("/api/v1/sources?assistant_id={}", Uuid::nil());
    assert_eq!(shop.owner.get(&elsewhere).await.expect(200).body["items"], json!([]));

    shop.owner.delete(&format!("/api/v1/sources/{id}")).await.expect(204);
    assert_problem(&shop.owner.get(&format!("/api/v1/sources/{id}")).await, 404, "not_found");
    assert!(shop.pages(&id).await.is_empty());
    assert!(!shop.finds("how long does the lantern glow").await.contains("nine hundred"));
    let audit = shop.owner.get("/api/v1/audit?limit=50").await.expect(200).body.to_string();
    for action in ["source.created", "source.fetched", "source.deleted"] {
        assert!(audit.contains(action), "{action}");
    }
}

#[on_every_home]
async fn what_must_not_be_fetched_is_refused_without_telling_why(home: &Home) {
    let shop = home.open().await;
    let path = format!("/api/v1/assistants/{}/sources", shop.assistant);
    let port = home.telegram.url();
    let mut details = Vec::new();
    for url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://[::1]/",
        "http://localhost/",
        "http://169.254.169.254/",
        "http://metadata.google.internal/",
        "http://no-such-name.invalid/",
    ] {
        let answer = shop.owner.post(&path, &json!({"url": url})).await;
        assert_problem(&answer, 422, "invalid");
        details.push(answer.body["errors"].clone());
    }
    details.dedup();
    assert_eq!(details.len(), 1, "all of them are refused in the same words: {details:?}");
    for url in [
        "",
        "no address",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://a:b@example.org/",
        "javascript:alert(1)",
        &port,
    ] {
        assert_problem(&shop.owner.post(&path, &json!({"url": url})).await, 422, "invalid");
    }
    for body in [
        json!({"url": "http://8.8.8.8/", "kind": "web"}),
        json!({"url": "http://8.8.8.8/", "depth": 4}),
        json!({"url": "http://8.8.8.8/", "max_pages": 0}),
        json!({"url": "http://8.8.8.8/", "max_pages": 1001}),
        json!({"url": "http://8.8.8.8/", "refresh_hours": 0}),
        json!({"url": "http://8.8.8.8/", "other": 1}),
    ] {
        assert_problem(&shop.owner.post(&path, &body).await, 422, "invalid");
    }
    let nobody = format!("/api/v1/assistants/{}/sources", Uuid::nil());
    let answer = shop.owner.post(&nobody, &json!({"url": "http://8.8.8.8/"})).await;
    assert_problem(&answer, 404, "not_found");
    let list = shop.owner.get("/api/v1/sources").await.expect(200).body;
    assert_eq!(list["items"], json!([]));
}

#[on_every_home]
async fn a_workspace_has_so_many_sources_and_no_more(home: &Home) {
    let shop = open(home).await;
    let me = shop.owner.get("/api/v1/me").await.expect(200).body;
    let workspace = me["workspace"]["id"].as_str().unwrap().parse::<Uuid>().unwrap();
    let assistant = shop.assistant.parse::<Uuid>().unwrap();
    let clock = Clock::system();
    let mut tx = home.db.db.begin().await.unwrap();
    for _ in 0..50 {
        let source = Source {
            kind: SourceKind::Page,
            status: SourceStatus::Ready,
            ..fixtures::source(&clock, workspace.into(), assistant.into())
        };
        tx.apply(fixtures::unexplained(New(source))).await.unwrap();
    }
    tx.commit().await.unwrap();
    let path = format!("/api/v1/assistants/{}/sources", shop.assistant);
    let answer = shop.owner.post(&path, &json!({"url": "http://127.0.0.1:9/"})).await;
    assert_problem(&answer, 409, "too_many_sources");
    let list = shop.owner.get("/api/v1/sources?limit=50").await.expect(200).body;
    let first = list["items"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/sources/{first}");
    let changed = shop.owner.patch(&path, &json!({"refresh_hours": 2})).await.expect(200).body;
    assert!(changed["next_at"].is_string(), "{changed}");
    let changed = shop.owner.patch(&path, &json!({"refresh_hours": null})).await.expect(200).body;
    assert_eq!((&changed["refresh_hours"], &changed["next_at"]), (&Value::Null, &Value::Null));
    assert_problem(&shop.owner.patch(&path, &json!({"depth": 2})).await, 422, "invalid");
    assert_problem(&shop.owner.patch(&path, &json!({"max_pages": 2})).await, 422, "invalid");
}

#[on_every_home]
async fn a_crawl_that_a_crash_cut_off_is_ended_by_the_next_process(home: &Home) {
    let shop = open(home).await;
    let site = FakeSite::start().await.unwrap();
    site.set("/", page("The first page speaks of lanterns.", &["/a", "/b"]));
    site.set("/a", page("The second page.", &[]));
    site.set("/b", page("The third page says lighthouse.", &[]));
    let id = shop.add(&json!({"url": site.url("/"), "kind": "site"})).await;
    until("two pages are there", async || (shop.pages(&id).await.len() >= 2).then_some(())).await;
    site.set("/b", page("The third page says lighthouse.", &[]));
    let shop = shop.crash().await;
    let source = shop.source_is(&id, "ready").await;
    assert_eq!(source["pages"], 3);
    assert_eq!(shop.pages(&id).await.len(), 3);
    assert!(shop.finds("lighthouse").await.contains("third page"));
}

#[on_every_home]
async fn deleting_a_source_ends_its_crawl(home: &Home) {
    let shop = open(home).await;
    let site = FakeSite::start().await.unwrap();
    let links: Vec<String> = (0..100).map(|n| format!("/{n}")).collect();
    site.set("/", page("start", &links.iter().map(String::as_str).collect::<Vec<_>>()));
    for link in &links {
        site.set(link, page(&format!("page {link}"), &[]));
    }
    let id = shop.add(&json!({"url": site.url("/"), "kind": "site"})).await;
    until("it is under way", async || (site.paths().len() >= 2).then_some(())).await;
    shop.owner.delete(&format!("/api/v1/sources/{id}")).await.expect(204);
    a_moment().await;
    let asked = site.paths().len();
    a_moment().await;
    a_moment().await;
    assert!(site.paths().len() <= asked + 1, "it goes on: {asked}, {}", site.paths().len());
    let documents = shop.owner.get("/api/v1/documents").await.expect(200).body;
    assert_eq!(documents["items"], json!([]));
}
