//! Sources: web pages become documents and stay up to date, on both databases.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use replyx_core::{
    act::Actor,
    change::New,
    clock::Clock,
    event::Event,
    file::StoredBytes,
    fixtures,
    ids::{AssistantId, SourceId, WorkspaceId},
    job::Lane,
    knowledge::{Document, DocumentStatus, Source, SourceKind, SourceStatus},
    page::PageRequest,
    retry::Retry,
};
use replyx_crawl::{CrawlSettings, Fetcher, Limits, Private, Reader};
use replyx_knowledge::{
    index::IndexDocument,
    sources::{self, FetchContext, FetchSource, Parking, SourceError},
};
use replyx_storage::{Db, documents::DocumentFilter, fair::Places, on_every_db, testing::TestDb};
use replyx_testkit::site::{FakeSite, Reply};

struct Office<'d> {
    db: &'d Db,
    clock: Clock,
    fetcher: Fetcher,
    parking: Parking,
    site: FakeSite,
    workspace: WorkspaceId,
    assistant: AssistantId,
}

fn fetcher(private: Private) -> Fetcher {
    drop(replyx_testkit::http_client());
    let limits = Limits { gap: Duration::from_millis(1), ..Limits::default() };
    Fetcher::new(&CrawlSettings { private, public_url: None, limits, reader: Reader::Here })
        .unwrap()
}

impl<'d> Office<'d> {
    async fn open(db: &'d Db) -> Self {
        let clock = Clock::manual("2026-11-22T12:00:00Z".parse::<DateTime<Utc>>().unwrap());
        let shop = fixtures::workspace(&clock);
        let ada = fixtures::assistant(&clock, shop.id);
        let mut tx = db.begin().await.unwrap();
        tx.apply(fixtures::unexplained(New(shop.clone()))).await.unwrap();
        tx.apply(fixtures::unexplained(New(ada.clone()))).await.unwrap();
        tx.commit().await.unwrap();
        let site = FakeSite::start().await.unwrap();
        Self {
            db,
            clock,
            fetcher: fetcher(Private::Allow),
            parking: Parking::default(),
            site,
            workspace: shop.id,
            assistant: ada.id,
        }
    }

    async fn source(&self, kind: SourceKind, url: String) -> FetchSource {
        let source =
            Source { kind, url, ..fixtures::source(&self.clock, self.workspace, self.assistant) };
        let mut tx = self.db.begin().await.unwrap();
        let New(source) = tx.apply(source.create(&Actor::command_line())).await.unwrap();
        tx.commit().await.unwrap();
        FetchSource { workspace_id: self.workspace, source_id: source.id }
    }

    fn tools(&self) -> FetchContext<'_> {
        FetchContext {
            db: self.db,
            clock: &self.clock,
            fetcher: &self.fetcher,
            parking: &self.parking,
            bytes_per_day: i64::MAX,
        }
    }

    async fn fetch(&self, job: FetchSource) -> Source {
        sources::run(self.tools(), job, std::future::pending()).await.unwrap();
        self.found(job.source_id).await.unwrap()
    }

    async fn found(&self, id: SourceId) -> Option<Source> {
        let mut tx = self.db.read().await.unwrap();
        tx.workspace(self.workspace).sources().find(id).await.unwrap()
    }

    async fn documents(&self) -> Vec<Document> {
        let mut tx = self.db.read().await.unwrap();
        let request = PageRequest { limit: 200, after: None };
        let documents = tx.workspace(self.workspace).documents();
        documents.list(DocumentFilter::default(), request).await.unwrap().items
    }

    /// The paths of the documents in their order.
    async fn paths(&self) -> Vec<String> {
        let site = self.site.url("");
        let mut paths: Vec<String> =
            self.documents().await.into_iter().map(|d| d.name.replace(&site, "")).collect();
        paths.sort();
        paths
    }

    /// How many documents wait to be indexed.
    async fn index_jobs(&self) -> i64 {
        let mut tx = self.db.read().await.unwrap();
        tx.system().jobs().count(IndexDocument::KIND).await.unwrap()
    }

    /// Indexes as the worker would: here a document is ready when its job is done.
    async fn index_all(&self) {
        let by = self.clock.id();
        let mut tx = self.db.begin().await.unwrap();
        let now = self.clock.now() + TimeDelta::minutes(1);
        for job in tx.system().jobs().claim(by, now, Lane::Heavy, Places::of(500)).await.unwrap() {
            tx.system().jobs().finish(job.id, by).await.unwrap();
        }
        tx.commit().await.unwrap();
        for mut document in self.documents().await {
            document.status = DocumentStatus::Ready;
            let mut tx = self.db.begin().await.unwrap();
            tx.apply(fixtures::unexplained(document.clone())).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
}

fn page(title: &str, links: &[&str]) -> Reply {
    let links: Vec<String> = links.iter().map(|link| format!("<a href=\"{link}\">x</a>")).collect();
    let links = links.concat();
    Reply::html(format!("<!doctype html><title>{title}</title><p>About {title}.</p>{links}"))
        .etag(&format!("\"{title}\""))
}

#[on_every_db]
async fn a_long_crawl_gives_way_to_others_that_wait_and_goes_on_where_it_was(db: &TestDb) {
    let other = Office::open(&db.db).await;
    let mut office = Office::open(&db.db).await;
    office.parking = Parking::with_slice(Duration::ZERO);
    office.site.set("/", page("start", &["/a", "/b"]));
    office.site.set("/a", page("a", &[]));
    office.site.set("/b", page("b", &[]));
    let waiting = other.source(SourceKind::Page, other.site.url("/")).await;
    let mut tx = db.db.begin().await.unwrap();
    sources::queue(&mut tx, &other.clock, waiting).await.unwrap();
    tx.commit().await.unwrap();
    let job = office.source(SourceKind::Site, office.site.url("/")).await;

    // Who has only just come may find a free place: nobody gives way to them.
    let run = || sources::run(office.tools(), job, std::future::pending());
    office.clock.advance(Duration::from_secs(4));
    run().await.unwrap();
    assert_eq!(office.paths().await, ["/", "/a", "/b"]);

    office.site.forget();
    office.clock.advance(Duration::from_secs(2));
    for page in 1..=3 {
        let error = run().await.unwrap_err();
        assert!(matches!(error, SourceError::GaveWay), "{error:?}");
        assert_eq!(error.retry(99), Retry::After(Duration::ZERO), "it was no attempt");
        assert_eq!(office.site.paths().len(), page, "a page at a time, each once");
    }
    run().await.unwrap();
    assert_eq!(office.site.paths().len(), 3);
    let source = office.found(job.source_id).await.unwrap();
    assert_eq!((source.status, source.pages), (SourceStatus::Ready, 3));
}

#[on_every_db]
async fn the_pages_of_a_site_become_documents_of_its_assistant(db: &TestDb) {
    let office = Office::open(&db.db).await;
    office.site.set("/", page("start", &["/a", "/b", "/missing"]));
    office.site.set("/a", page("a", &[]));
    office.site.set("/b", page("b", &[]));
    let job = office.source(SourceKind::Site, office.site.url("/")).await;
    let source = office.fetch(job).await;
    assert_eq!((source.status, source.pages, source.error), (SourceStatus::Ready, 3, None));
    assert_eq!(source.fetched_at, Some(office.clock.now()));
    assert_eq!(source.next_at, Some(office.clock.now() + TimeDelta::hours(24)));
    assert_eq!(office.paths().await, ["/", "/a", "/b"]);
    assert_eq!(office.index_jobs().await, 3);
    let documents = office.documents().await;
    assert_eq!(source.bytes, documents.iter().map(|document| document.size).sum::<i64>());
    for document in documents {
        let page = document.page.unwrap();
        assert_eq!(document.assistants, [office.assistant]);
        assert_eq!((page.source_id, page.url), (job.source_id, document.name));
        assert!(page.etag.is_some());
    }
    let mut tx = db.db.read().await.unwrap();
    let log = tx.workspace(office.workspace).events().after(0, 100).await.unwrap();
    let told: Vec<SourceStatus> = log
        .into_iter()
        .filter_map(|recorded| match recorded.event {
            Event::SourceStatus { status, .. } => Some(status),
            _ => None,
        })
        .collect();
    assert_eq!(told, [SourceStatus::Queued, SourceStatus::Fetching, SourceStatus::Ready]);
}

#[on_every_db]
async fn only_what_changed_is_indexed_again(db: &TestDb) {
    let office = Office::open(&db.db).await;
    office.site.set("/", page("start", &["/a", "/b", "/c"]));
    office.site.set("/a", page("a", &[]));
    office.site.set("/b", page("b", &[]));
    // A server that knows no validators.
    office.site.set("/c", Reply::html("<html><p>c"));
    let job = office.source(SourceKind::Site, office.site.url("/")).await;
    office.fetch(job).await;
    office.index_all().await;
    let before = office.documents().await;

    assert_eq!(office.fetch(job).await.pages, 4);
    assert_eq!(office.index_jobs().await, 0);
    assert_eq!(office.documents().await, before);

    office.site.set("/b", page("b, but better", &["/d"]));
    office.site.set("/d", page("d", &[]));
    office.fetch(job).await;
    assert_eq!(office.paths().await, ["/", "/a", "/b", "/c", "/d"]);
    assert_eq!(office.index_jobs().await, 2);
    let changed = office.documents().await.into_iter().find(|d| d.name.ends_with("/b")).unwrap();
    assert_eq!(changed.status, DocumentStatus::Ready, "its old passages are still found");
    let mut tx = db.db.read().await.unwrap();
    let original = tx.workspace(office.workspace).documents().original(changed.id).await.unwrap();
    let original = original.and_then(StoredBytes::into_inline).unwrap();
    assert!(String::from_utf8(original).unwrap().contains("but better"));
}

#[on_every_db]
async fn a_page_that_is_gone_twice_is_forgotten_and_one_that_comes_back_is_not(db: &TestDb) {
    let office = Office::open(&db.db).await;
    office.site.set("/", page("start", &["/gone", "/back"]));
    office.site.set("/gone", page("gone", &[]));
    office.site.set("/back", page("back", &[]));
    let job = office.source(SourceKind::Site, office.site.url("/")).await;
    office.fetch(job).await;
    office.site.remove("/gone");
    office.site.remove("/back");
    office.fetch(job).await;
    assert_eq!(office.paths().await, ["/", "/back", "/gone"]);
    office.site.set("/back", page("back", &[]));
    let source = office.fetch(job).await;
    assert_eq!(office.paths().await, ["/", "/back"]);
    assert_eq!((source.pages, source.status), (2, SourceStatus::Ready));
    office.site.remove("/back");
    office.fetch(job).await;
    assert_eq!(office.paths().await, ["/", "/back"], "it counts from the beginning again");
}

#[on_every_db]
async fn a_failing_server_costs_no_document(db: &TestDb) {
    let office = Office::open(&db.db).await;
    office.site.set("/", page("start", &["/a"]));
    office.site.set("/a", page("a", &[]));
    let job = office.source(SourceKind::Site, office.site.url("/")).await;
    office.fetch(job).await;
    for _ in 0..3 {
        office.site.set("/", Reply::status(500));
        office.site.set("/a", Reply::status(503));
        let source = office.fetch(job).await;
        assert_eq!(source.status, SourceStatus::Failed);
        assert_eq!(source.error.as_deref(), Some("the server answered with status 500"));
        assert_eq!(source.pages, 2);
        assert!(source.next_at.is_some(), "it is tried again");
    }
    assert_eq!(office.paths().await, ["/", "/a"]);
}

#[on_every_db]
async fn a_page_that_does_not_want_to_be_read_is_forgotten_at_once(db: &TestDb) {
    let office = Office::open(&db.db).await;
    office.site.set("/", page("start", &["/a", "/b", "/old"]));
    for path in ["/a", "/b", "/old"] {
        office.site.set(path, page(path, &[]));
    }
    let job = office.source(SourceKind::Site, office.site.url("/")).await;
    office.fetch(job).await;
    office.site.set("/a", Reply::html("<html><meta name=robots content=noindex>"));
    office.site.set("/robots.txt", Reply::of("text/plain", "User-agent: *\nDisallow: /b\n"));
    office.site.set("/old", Reply::redirect("/new"));
    office.site.set("/new", page("new", &[]));
    office.fetch(job).await;
    assert_eq!(office.paths().await, ["/", "/new"]);
}

#[on_every_db]
async fn a_redirect_to_a_known_page_takes_nothing_from_it(db: &TestDb) {
    let office = Office::open(&db.db).await;
    office.site.set("/", page("start", &["/a", "/b"]));
    office.site.set("/a", page("a", &[]));
    office.site.set("/b", Reply::redirect("/a"));
    let job = office.source(SourceKind::Site, office.site.url("/")).await;
    for _ in 0..3 {
        office.fetch(job).await;
        assert_eq!(office.paths().await, ["/", "/a"]);
    }
}

#[on_every_db]
async fn two_fetches_at_once_make_one_document_of_a_page(db: &TestDb) {
    let office = Office::open(&db.db).await;
    let links: Vec<String> = (0..20).map(|n| format!("/{n}")).collect();
    office.site.set("/", page("start", &links.iter().map(String::as_str).collect::<Vec<_>>()));
    for link in &links {
        office.site.set(link, page(link, &[]));
    }
    let job = office.source(SourceKind::Site, office.site.url("/")).await;
    let other = Office {
        fetcher: fetcher(Private::Allow),
        site: FakeSite::start().await.unwrap(),
        clock: office.clock.clone(),
        parking: Parking::default(),
        ..office
    };
    let run = |office: &'_ Office<'_>| {
        let db = office.db.clone();
        let clock = office.clock.clone();
        let fetcher = office.fetcher.clone();
        async move {
            let parking = Parking::default();
            let tools = FetchContext {
                db: &db,
                clock: &clock,
                fetcher: &fetcher,
                parking: &parking,
                bytes_per_day: i64::MAX,
            };
            sources::run(tools, job, std::future::pending()).await
        }
    };
    let (first, second) = tokio::join!(run(&office), run(&other));
    first.unwrap();
    second.unwrap();
    assert_eq!(office.paths().await.len(), 21);
    assert_eq!(office.found(job.source_id).await.unwrap().pages, 21);
}

/// Each fetch reads the page again: nothing says that it did not change, and it is not kept twice.
#[on_every_db]
async fn a_workspace_fetches_so_much_in_a_day_and_goes_on_the_next(db: &TestDb) {
    let office = Office::open(&db.db).await;
    let clock = Clock::manual(office.clock.now());
    office.site.set("/", page(&"lantern ".repeat(5_000), &[]));
    let job = office.source(SourceKind::Page, office.site.url("/")).await;
    let fetch = async || {
        let tools = FetchContext { clock: &clock, bytes_per_day: 200_000, ..office.tools() };
        sources::run(tools, job, std::future::pending()).await.unwrap();
        office.found(job.source_id).await.unwrap()
    };

    for _ in 0..2 {
        let source = fetch().await;
        assert_eq!((source.status, source.error), (SourceStatus::Ready, None));
    }
    let source = fetch().await;
    assert_eq!(source.status, SourceStatus::Failed);
    assert!(source.error.unwrap().contains("crawl_mb_per_day"));
    office.site.forget();
    assert_eq!(fetch().await.status, SourceStatus::Failed);
    assert_eq!(office.site.hits().len(), 0, "it was asked although the day is full");
    assert_eq!(office.paths().await, ["/"], "what is there stays");

    clock.advance(Duration::from_hours(24));
    assert_eq!(fetch().await.status, SourceStatus::Ready);
}

#[on_every_db]
async fn a_fetch_that_was_cut_off_is_begun_anew_and_repeats_nothing(db: &TestDb) {
    let office = Office::open(&db.db).await;
    office.site.set("/", page("start", &["/a", "/slow"]));
    office.site.set("/a", page("a", &[]));
    office.site.set("/slow", page("slow", &[]).delay(Duration::from_secs(20)));
    let job = office.source(SourceKind::Site, office.site.url("/")).await;
    let soon = tokio::time::sleep(Duration::from_secs(2));
    let error = sources::run(office.tools(), job, soon).await.unwrap_err();
    assert!(matches!(error, SourceError::Stopped));
    assert_eq!(error.retry(100), Retry::After(Duration::ZERO));
    assert_eq!(office.paths().await, ["/", "/a"], "what was there is of use already");
    office.site.set("/slow", page("slow", &[]));
    office.site.forget();
    office.fetch(job).await;
    assert_eq!(office.paths().await, ["/", "/a", "/slow"]);
    let sent: Vec<String> = office
        .site
        .hits()
        .into_iter()
        .filter(|hit| hit.status == 200)
        .map(|hit| hit.path)
        .collect();
    assert_eq!(sent, ["/slow"]);
    assert_eq!(office.index_jobs().await, 3);
}

#[on_every_db]
async fn deleting_a_source_ends_its_fetching(db: &TestDb) {
    let office = Office::open(&db.db).await;
    office.site.set("/", page("start", &["/a", "/b"]).delay(Duration::from_millis(500)));
    office.site.set("/a", page("a", &[]));
    let job = office.source(SourceKind::Site, office.site.url("/")).await;
    let delete = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let source = office.found(job.source_id).await.unwrap();
        let mut tx = db.db.begin().await.unwrap();
        let change = source.delete(&Actor::command_line(), office.clock.now());
        tx.apply(change).await.unwrap();
        tx.commit().await.unwrap();
    };
    let (fetched, ()) =
        tokio::join!(sources::run(office.tools(), job, std::future::pending()), delete);
    fetched.unwrap();
    assert!(office.documents().await.is_empty());
    assert_eq!(office.site.paths(), ["/"], "nothing more was asked for");
    sources::run(office.tools(), job, std::future::pending()).await.unwrap();
}

#[on_every_db]
async fn a_source_that_leads_to_us_fails_with_a_sentence(db: &TestDb) {
    let mut office = Office::open(&db.db).await;
    office.fetcher = fetcher(Private::Refuse);
    office.site.set("/", page("start", &[]));
    for (kind, url, why) in [
        (
            SourceKind::Page,
            "http://127.0.0.1/",
            "the address does not lead to a server on the public internet",
        ),
        (
            SourceKind::Sitemap,
            "http://localhost/",
            "the address does not lead to a server on the public internet",
        ),
        (
            SourceKind::Page,
            "ftp://example.com/",
            "this is not a web address; it begins with `https://` or `http://`",
        ),
    ] {
        let job = office.source(kind, url.to_owned()).await;
        let source = office.fetch(job).await;
        assert_eq!((source.status, source.error.as_deref()), (SourceStatus::Failed, Some(why)));
    }
    assert!(office.site.hits().is_empty());
}

#[on_every_db]
async fn sources_are_fetched_again_when_they_are_due(db: &TestDb) {
    let office = Office::open(&db.db).await;
    office.site.set("/", page("start", &[]));
    let job = office.source(SourceKind::Page, office.site.url("/")).await;
    office.fetch(job).await;
    let queued = async || {
        let mut tx = db.db.read().await.unwrap();
        tx.system().jobs().count(FetchSource::KIND).await.unwrap()
    };
    assert_eq!(sources::queue_due(&db.db, &office.clock).await.unwrap(), 0);
    office.clock.advance(Duration::from_hours(24));
    assert_eq!(sources::queue_due(&db.db, &office.clock).await.unwrap(), 1);
    assert_eq!(sources::queue_due(&db.db, &office.clock).await.unwrap(), 0);
    assert_eq!(queued().await, 1);
    assert_eq!(office.found(job.source_id).await.unwrap().status, SourceStatus::Queued);
}

#[on_every_db]
async fn all_sources_that_are_due_are_queued_at_once(db: &TestDb) {
    let office = Office::open(&db.db).await;
    let due = office.clock.now() - TimeDelta::hours(1);
    let mut tx = db.db.begin().await.unwrap();
    for _ in 0..230 {
        let source = Source {
            status: SourceStatus::Ready,
            next_at: Some(due),
            ..fixtures::source(&office.clock, office.workspace, office.assistant)
        };
        tx.apply(fixtures::unexplained(New(source))).await.unwrap();
    }
    tx.commit().await.unwrap();

    assert_eq!(sources::queue_due(&db.db, &office.clock).await.unwrap(), 230);
    let mut tx = db.db.read().await.unwrap();
    assert_eq!(tx.system().jobs().count(FetchSource::KIND).await.unwrap(), 230);
    assert_eq!(sources::queue_due(&db.db, &office.clock).await.unwrap(), 0);
}
