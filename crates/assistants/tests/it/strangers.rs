//! What belongs to another workspace is missing for every use case, and nothing of it changes.

use std::{fmt::Debug, path::Path};

use replyx_assistants::{
    Missing,
    answers::{self, Added, Pair, PairChange},
    assistants::{self, DraftChange},
    documents::{self, DocumentChange, Stored},
    evaluation::{self, Measure, MeasuredSettings, NewRun, SetChange},
    sources::{self, NewSource, SourceChange},
};
use replyx_core::evaluation::Question;
use replyx_crawl::Private;
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{World, file};

/// Fails unless the refusal is that there is no such thing.
fn is_missing<T: Debug>(what: &str, done: Result<T, impl std::error::Error>) {
    let refused = done.expect_err(what).to_string();
    let things = ["assistant", "document", "answer", "source", "question set"];
    let missing = things.map(|thing| Missing(thing).to_string());
    assert!(missing.contains(&refused), "{what}: {refused}");
}

#[on_every_db]
async fn what_is_another_workspaces_is_missing_and_stays_as_it_is(home: &TestDb) {
    let world = World::on(home);
    let owner = world.caller().await;
    let stranger = world.caller().await;
    let cx = world.cx();
    let ada = world.assistant(&owner).await;
    let eve = world.assistant(&stranger).await;

    let stored = documents::add(cx, &owner, ada.id, file("a.md", "Text.")).await.unwrap();
    let Stored::Queued(document, _) = stored else { panic!("{stored:?}") };
    let pair = Pair { question: "Open?".to_owned(), answer: "Yes.".to_owned() };
    let added = answers::create(cx, &owner, ada.id, &pair).await.unwrap();
    let Added::New(answer) = added else { panic!("{added:?}") };
    let new = NewSource {
        url: "http://127.0.0.1/help".to_owned(),
        kind: None,
        depth: None,
        max_pages: None,
        every_hours: None,
        tags: Vec::new(),
    };
    let admitted = sources::admit(cx, &owner, ada.id, new.clone(), Private::Allow).await.unwrap();
    let source = sources::create(cx, &owner, ada.id, &admitted).await.unwrap();
    let question = Question {
        question: "Open?".to_owned(),
        documents: Vec::new(),
        document_names: Vec::new(),
        passages: Vec::new(),
        answers: vec!["Yes".to_owned()],
    };
    let questions = [question];
    let set = evaluation::create_set(cx, &owner, ada.id, "Hours", &questions).await.unwrap();
    let before = world.acts(&owner).await;

    let change = DraftChange::default();
    is_missing("update", assistants::update(cx, &stranger, ada.id, change, |_| true).await);
    is_missing("publish", assistants::publish(cx, &stranger, ada.id, "").await);
    is_missing("roll back", assistants::roll_back(cx, &stranger, ada.id, 1).await);
    is_missing("delete", assistants::delete(cx, &stranger, ada.id).await);

    is_missing("add", documents::add(cx, &stranger, ada.id, file("b.md", "B.")).await);
    is_missing("replace", documents::replace(cx, &stranger, document.id, file("b.md", "B.")).await);
    let renamed = DocumentChange { name: Some("b.md".to_owned()), tags: None };
    is_missing("update", documents::update(cx, &stranger, document.id, renamed).await);
    let tagged = DocumentChange { name: None, tags: Some(vec!["b".to_owned()]) };
    is_missing("update", documents::update(cx, &stranger, document.id, tagged).await);
    is_missing("reindex", documents::reindex(cx, &stranger, document.id).await);
    is_missing("link", documents::link(cx, &stranger, eve.id, document.id).await);
    is_missing("unlink", documents::unlink(cx, &stranger, ada.id, document.id).await);
    is_missing("delete", documents::delete(cx, &stranger, document.id).await);

    let change = PairChange::default();
    is_missing("create", answers::create(cx, &stranger, ada.id, &pair).await);
    let csv = b"question,answer
a,b
";
    let table = answers::read_table(cx, &stranger, ada.id, Path::new("unused"), csv);
    is_missing("read a table", table.await);
    is_missing("read", answers::read(cx, &stranger, ada.id, answer.id).await);
    let updated = answers::update(cx, &stranger, ada.id, answer.id, change, |_| true);
    is_missing("update", updated.await);
    is_missing("delete", answers::delete(cx, &stranger, ada.id, answer.id).await);

    is_missing("admit", sources::admit(cx, &stranger, ada.id, new, Private::Allow).await);
    is_missing("create", sources::create(cx, &stranger, ada.id, &admitted).await);
    is_missing("fetch", sources::fetch(cx, &stranger, source.id).await);
    let change = SourceChange::default();
    is_missing("update", sources::update(cx, &stranger, source.id, change, |_| true).await);
    is_missing("delete", sources::delete(cx, &stranger, source.id).await);

    let change = SetChange::default();
    is_missing("create", evaluation::create_set(cx, &stranger, ada.id, "x", &questions).await);
    is_missing("update", evaluation::update_set(cx, &stranger, set.id, &change, |_| true).await);
    let run = NewRun { subject: MeasuredSettings::Draft, measure: Measure::Search };
    is_missing("run", evaluation::start_run(cx, &stranger, set.id, run).await);
    is_missing("delete", evaluation::delete_set(cx, &stranger, set.id).await);

    assert_eq!(world.acts(&owner).await, before);
    assert_eq!(world.acts(&stranger).await, ["assistant.created"]);
}
