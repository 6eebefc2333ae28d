//! Requests that meet somebody who holds rows they want: one waits, and none fails. Here the other
//! one is us. On `PostgreSQL` only, because `SQLite` has one writer.

use std::time::Duration;

use replyx_core::{
    change::New,
    clock::Clock,
    fixtures,
    ids::{DocumentId, SourceId, WorkspaceId},
    knowledge::{Document, WebPage},
};
use replyx_storage::{Tx, testing::lock_waiters};
use replyx_testkit::site::{FakeSite, Reply};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Home, Shop, until};

/// A shop whose assistant knows two documents, or a source of two pages.
struct Scene {
    home: Home,
    shop: Shop,
    workspace: WorkspaceId,
    documents: Vec<DocumentId>,
    site: FakeSite,
}

impl Scene {
    async fn open() -> Self {
        let home = Home::postgres().await;
        let allowed = home.launch().with("CRAWL_PRIVATE_ADDRESSES", "allow");
        let shop = home.open_with(allowed).await;
        let me = shop.owner.get("/api/v1/me").await.expect(200).body;
        let workspace = id_in(&me["workspace"]["id"]).into();
        let site = FakeSite::start().await.unwrap();
        Self { home, shop, workspace, documents: Vec::new(), site }
    }

    async fn with_documents() -> Self {
        let mut scene = Self::open().await;
        for name in ["delivery.en.md", "returns.en.md"] {
            let id = scene.shop.learn(name).await;
            scene.documents.push(id_in(&json!(id)).into());
        }
        scene
    }

    async fn with_source() -> (Self, String) {
        let mut scene = Self::open().await;
        let page = |text| {
            Reply::html(format!("<main><p>{text}</p><a href=\"/help/returns\">More</a></main>"))
        };
        scene.site.set("/help/", page("The lantern glows for nine hundred hours."));
        scene.site.set("/help/returns", page("A lantern can be returned within forty days."));
        let path = format!("/api/v1/assistants/{}/sources", scene.shop.assistant);
        let body = json!({"url": scene.site.url("/help/"), "kind": "site"});
        let source = scene.shop.owner.post(&path, &body).await.expect(202).body;
        let path = format!("/api/v1/sources/{}", source["id"].as_str().unwrap());
        scene.fetched(&path).await;
        let pages = until("its pages are read", async || {
            let list = scene.shop.owner.get("/api/v1/documents").await.expect(200).body;
            let pages = list["items"].as_array().unwrap().clone();
            pages.iter().all(|page| page["status"] == "ready").then_some(pages)
        })
        .await;
        assert_eq!(pages.len(), 2, "{pages:?}");
        scene.documents = pages.iter().map(|page| id_in(&page["id"]).into()).collect();
        (scene, path)
    }

    async fn fetched(&self, source: &str) {
        until("it is fetched", async || {
            let source = self.shop.owner.get(source).await.expect(200).body;
            (source["status"] == "ready").then_some(())
        })
        .await;
    }

    async fn begin(&self) -> Tx {
        self.home.db.db.begin().await.unwrap()
    }

    /// Looks until so many wait for a row.
    async fn waiting(&self, least: u64) {
        let url = &self.home.db.url;
        until("somebody waits", async || (lock_waiters(url).await >= least).then_some(())).await;
    }

    fn assistant(&self) -> String {
        format!("/api/v1/assistants/{}", self.shop.assistant)
    }

    async fn nothing_is_left(&self) {
        let left = self.shop.owner.get("/api/v1/documents").await.expect(200).body;
        assert_eq!(left["items"], json!([]));
    }

    /// What the job does to a document that it has locked.
    async fn index(&self, tx: &mut Tx, document: &Document) {
        let id = document.id;
        // Two changes of one row: at the second the database looks at what the row refers to.
        tx.workspace(self.workspace).documents().set_indexed(id, 1, 1).await.unwrap();
        tx.apply(fixtures::unexplained(document.clone())).await.unwrap();
        tx.workspace(self.workspace).knowledge().changed(id).await.unwrap();
    }

    async fn lock(&self, tx: &mut Tx, document: DocumentId) -> Document {
        let documents = tx.workspace(self.workspace).documents();
        documents.lock(document).await.unwrap().expect("it is there")
    }

    /// Deletes what is at `path` while a document of it is being indexed.
    async fn delete_while_indexed(&self, path: &str) {
        let mut tx = self.begin().await;
        let document = self.lock(&mut tx, self.documents[1]).await;
        let (deleted, ()) = tokio::join!(self.shop.owner.delete(path), async {
            self.waiting(1).await;
            self.index(&mut tx, &document).await;
            tx.commit().await.unwrap();
        });
        deleted.expect(204);
        self.nothing_is_left().await;
    }
}

/// The statuses of two requests that want a workspace's last place at once, for one assistant each:
/// both are on their way before either may look.
async fn both(scene: &Scene, what: &str, body: impl Fn(u32) -> Value) -> [u16; 2] {
    let request = json!({"name": "Second"});
    let second = scene.shop.owner.post("/api/v1/assistants", &request).await.expect(201).body;
    let path = |assistant: &str| format!("/api/v1/assistants/{assistant}/{what}");
    let one = path(&scene.shop.assistant);
    let other = path(second["id"].as_str().unwrap());
    let first_body = body(1);
    let second_body = body(2);

    let mut holder = scene.begin().await;
    holder.system().workspaces().lock(scene.workspace).await.unwrap().expect("it is there");
    let (one, other, ()) = tokio::join!(
        scene.shop.owner.post(&one, &first_body),
        scene.shop.owner.post(&other, &second_body),
        async {
            scene.waiting(2).await;
            drop(holder);
        }
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    statuses
}

fn id_in(text: &Value) -> Uuid {
    text.as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_is_deleted_while_one_of_its_documents_is_indexed() {
    let (scene, source) = Scene::with_source().await;
    scene.delete_while_indexed(&source).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_is_deleted_while_one_of_its_documents_is_deleted() {
    let (scene, source) = Scene::with_source().await;
    let mut tx = scene.begin().await;
    let document = scene.lock(&mut tx, scene.documents[1]).await;
    let (deleted, ()) = tokio::join!(scene.shop.owner.delete(&source), async {
        scene.waiting(1).await;
        tx.apply(document.clone().remove(document.updated_at)).await.unwrap();
        tx.commit().await.unwrap();
    });
    deleted.expect(204);
    scene.nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assistant_is_deleted_while_one_of_its_documents_is_indexed() {
    let scene = Scene::with_documents().await;
    scene.delete_while_indexed(&scene.assistant()).await;
    let (scene, _) = Scene::with_source().await;
    scene.delete_while_indexed(&scene.assistant()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assistant_is_deleted_while_a_page_is_fetched_for_it() {
    let (scene, source) = Scene::with_source().await;
    let source: SourceId = id_in(&json!(source.rsplit('/').next())).into();
    let mut tx = scene.begin().await;
    tx.workspace(scene.workspace).sources().lock(source).await.unwrap().expect("it is there");
    let path = scene.assistant();
    let (deleted, ()) = tokio::join!(scene.shop.owner.delete(&path), async {
        scene.waiting(1).await;
        // One page goes, which changes what the assistant knows, and one comes.
        let gone = scene.lock(&mut tx, scene.documents[1]).await;
        tx.apply(gone.clone().remove(gone.updated_at)).await.unwrap();
        let page =
            WebPage { url: "https://example.org/new".to_owned(), ..gone.page.clone().unwrap() };
        let new = Document { id: Clock::system().id(), page: Some(page), ..gone };
        tx.apply(new.clone().store(b"new")).await.unwrap();
        tx.commit().await.unwrap();
    });
    deleted.expect(204);
    scene.nothing_is_left().await;
}

/// What it got to know while we waited for it may be indexed already, by somebody who then wants
/// the assistant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assistant_is_deleted_with_what_it_gets_meanwhile() {
    let scene = Scene::with_documents().await;
    let workspace = scene.workspace;
    let document = scene.documents[1];
    let assistant = id_in(&json!(scene.shop.assistant)).into();
    let other = scene.shop.owner.assistant(&json!({"name": "Sales"})).await;
    let other = id_in(&json!(other)).into();
    let mut first = scene.begin().await;
    let held = scene.lock(&mut first, document).await;
    assert!(first.workspace(workspace).knowledge().link(other, document).await.unwrap());
    assert!(first.workspace(workspace).knowledge().unlink(assistant, document).await.unwrap());
    first.commit().await.unwrap();

    let mut first = scene.begin().await;
    scene.lock(&mut first, document).await;
    assert!(first.workspace(workspace).knowledge().link(assistant, document).await.unwrap());
    assert!(first.workspace(workspace).knowledge().unlink(other, document).await.unwrap());
    let path = scene.assistant();
    let (deleted, (), ()) = tokio::join!(
        scene.shop.owner.delete(&path),
        async {
            scene.waiting(2).await;
            first.commit().await.unwrap();
        },
        async {
            scene.waiting(1).await;
            let mut second = scene.begin().await;
            scene.lock(&mut second, document).await;
            scene.waiting(1).await;
            scene.index(&mut second, &held).await;
            second.commit().await.unwrap();
        }
    );
    deleted.expect(204);
    scene.nothing_is_left().await;
}

/// A page that is missing once stays, with what was read of it just when it was looked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_fetched_while_its_document_is_indexed() {
    let (scene, source) = Scene::with_source().await;
    let id = scene.documents[1];
    let mut tx = scene.begin().await;
    let mut document = scene.lock(&mut tx, id).await;
    scene.site.remove("/help/returns");
    scene.shop.owner.post(&format!("{source}/fetch"), &Value::Null).await.expect(202);
    scene.waiting(1).await;
    document.title = Some("Read just now".to_owned());
    scene.index(&mut tx, &document).await;
    tx.commit().await.unwrap();
    scene.fetched(&source).await;
    let mut tx = scene.home.db.db.read().await.unwrap();
    let kept = tx.workspace(scene.workspace).documents().find(id).await.unwrap().unwrap();
    assert_eq!((kept.title, kept.page.unwrap().misses), (document.title, 1));
}

/// A changed document must not keep customers waiting who write for the first time: their dialog
/// names the assistant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_customer_is_answered_while_a_document_is_indexed() {
    let scene = Scene::with_documents().await;
    let bot = scene.home.bot();
    scene.shop.connect().await;
    let mut tx = scene.begin().await;
    let document = scene.lock(&mut tx, scene.documents[1]).await;
    scene.index(&mut tx, &document).await;
    let answer = bot.customer(7).ask("How long does delivery take?", Duration::from_secs(30)).await;
    tx.commit().await.unwrap();
    assert!(answer.is_some(), "waited for who indexes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_channels_created_at_once_one_takes_the_last_place() {
    let scene = Scene::open().await;
    let assistant = id_in(&json!(scene.shop.assistant)).into();
    let mut tx = scene.begin().await;
    for _ in 0..99 {
        let channel = fixtures::channel(&Clock::system(), scene.workspace, assistant);
        tx.apply(fixtures::unexplained(New(channel))).await.unwrap();
    }
    tx.commit().await.unwrap();

    let body = |number| json!({"kind": "api", "name": format!("Channel {number}")});
    assert_eq!(both(&scene, "channels", body).await, [201, 409]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_sources_added_at_once_one_takes_the_last_place() {
    let scene = Scene::open().await;
    let assistant = id_in(&json!(scene.shop.assistant)).into();
    let mut tx = scene.begin().await;
    for _ in 0..49 {
        let source = fixtures::source(&Clock::system(), scene.workspace, assistant);
        tx.apply(fixtures::unexplained(New(source))).await.unwrap();
    }
    tx.commit().await.unwrap();

    let url = |number| json!({"url": scene.site.url(&format!("/page-{number}"))});
    assert_eq!(both(&scene, "sources", url).await, [202, 409]);
}
