use proptest::prelude::*;

use super::*;
use crate::{
    clock::Clock,
    knowledge::{DocumentKind, DocumentStatus, NewDocument, WebPage},
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn document() -> Document {
    let clock = Clock::manual(at(0));
    let new = NewDocument {
        workspace_id: clock.id(),
        assistant_id: clock.id(),
        name: "prices.md".to_owned(),
        kind: DocumentKind::Markdown,
        page: None,
        original: Fingerprint::of(b"prices"),
    };
    Document::queued(&clock, new)
}

fn page_of(document: Document) -> Document {
    let page = WebPage {
        source_id: Clock::manual(at(0)).id(),
        url: "https://example.org/".to_owned(),
        etag: None,
        last_modified: None,
        misses: 0,
    };
    Document { page: Some(page), ..document }
}

fn file() -> Replacement {
    let new = Fingerprint::of(b"newer");
    Replacement {
        name: "newer.md".to_owned(),
        kind: DocumentKind::Markdown,
        size: new.size(),
        content_hash: new.content_hash().to_owned(),
    }
}

fn after<T>(change: Change<T>) -> T {
    change.into_parts().state
}

#[test]
fn a_page_of_a_source_is_neither_renamed_nor_replaced() {
    let by = Actor::command_line();
    let page = page_of(document());
    assert_eq!(page.clone().rename("x".to_owned(), &by, at(1)), Err(IsPage));
    assert_eq!(page.clone().replace(file(), b"newer", &by, at(1)), Err(IsPage));
    assert_eq!(page.replace_later(file(), b"newer", &by, at(1)), Err(IsPage));
}

#[test]
fn the_last_assistant_keeps_a_document() {
    let by = Actor::command_line();
    let document = document();
    let only = document.assistants[0];
    assert_eq!(document.unlink(only, &by, at(1)), Err(UnlinkRefused::LastAssistant));
    assert_eq!(document.link(only, &by, at(1)), None);

    let other: AssistantId = Clock::system().id();
    assert_eq!(document.unlink(other, &by, at(1)), Err(UnlinkRefused::Unknown));
    let linked = document.link(other, &by, at(1)).unwrap();
    assert_eq!(linked.acts()[0].action, "document.linked");
    assert_eq!(linked.events().count(), 0);
}

#[test]
fn a_page_that_is_missing_twice_in_a_row_goes() {
    let page = page_of(document());
    let Some(MissedPage::Kept(change)) = page.miss_page(at(1)) else {
        panic!("once is not enough")
    };
    let found = after(after(change).find_page(at(2)).unwrap());
    assert_eq!(found.clone().find_page(at(3)), None);

    let Some(MissedPage::Kept(change)) = found.miss_page(at(4)) else {
        panic!("it was there before")
    };
    let Some(MissedPage::Gone(change)) = after(change).miss_page(at(5)) else { panic!("twice") };
    let names: Vec<_> = change.events().map(Event::name).collect();
    assert_eq!(names, ["document.deleted"]);
    assert_eq!(document().miss_page(at(1)), None);
}

/// What may happen to a document while it is read.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Advance(DocumentStatus),
    Index { passages: i64, there: Option<i64>, fresh: bool, newer_waits: bool },
    Fail,
    KeepFile,
    AddVectors(i64),
    FinishVectors,
    GiveUpVectors,
    GiveUpRuns,
    Reindex,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        prop::sample::select(vec![DocumentStatus::Extracting, DocumentStatus::Chunking])
            .prop_map(Happens::Advance),
        (0_i64..9, prop::option::of(0_i64..9), any::<bool>(), any::<bool>()).prop_map(
            |(passages, there, fresh, newer_waits)| Happens::Index {
                passages,
                there: there.map(|there| there.min(passages)),
                fresh,
                newer_waits,
            }
        ),
        Just(Happens::Fail),
        Just(Happens::KeepFile),
        (0_i64..9).prop_map(Happens::AddVectors),
        Just(Happens::FinishVectors),
        Just(Happens::GiveUpVectors),
        Just(Happens::GiveUpRuns),
        Just(Happens::Reindex),
    ]
}

fn happen(document: Document, what: Happens, now: DateTime<Utc>) -> Option<Change<Document>> {
    match what {
        Happens::Advance(to) => document.advance(to, now),
        Happens::Index { passages, there, fresh, newer_waits } => {
            let vectors = there.map_or(Vectors::NoModel, |there| Vectors::Of {
                model: "e5".to_owned(),
                there,
                fresh,
            });
            let read = Indexed {
                replaced_by: None,
                newer_waits,
                title: None,
                language: "en".to_owned(),
                passages,
                warnings: Vec::new(),
                vectors,
            };
            Some(document.index(read, now))
        }
        Happens::Fail => Some(document.fail_index("it is damaged".to_owned(), now)),
        Happens::KeepFile => Some(document.keep_file(&file(), "it is damaged", now)),
        Happens::AddVectors(count) => document.add_vectors("e5", count, now),
        Happens::FinishVectors => Some(document.finish_vectors("e5", now)),
        Happens::GiveUpVectors => document.give_up_vectors(now),
        Happens::GiveUpRuns => document.give_up_runs(now),
        Happens::Reindex => Some(document.reindex(&Actor::command_line(), now)),
    }
}

proptest! {
    /// In any order: there are never more vectors than passages, only a failed document has an
    /// error, and each change is told once, as what it led to.
    #[test]
    fn a_document_stays_sound_in_any_order(all in prop::collection::vec(happens(), 0..40)) {
        let mut document = document();
        for (what, now) in all.into_iter().zip(1..) {
            let before = document.clone();
            let Some(change) = happen(document, what, at(now)) else {
                document = before;
                continue;
            };
            let told: Vec<Event> = change.events().cloned().collect();
            document = after(change);

            let failed = document.status == DocumentStatus::Failed;
            prop_assert_eq!(document.error.is_some(), failed);
            prop_assert!(document.embedded <= document.passages);
            prop_assert!(document.revision >= before.revision);
            prop_assert_eq!(document.updated_at, at(now));
            let [Event::DocumentStatus { status, passages, embedded, error, .. }] = &told[..] else {
                return Err(TestCaseError::fail("it is told once"));
            };
            prop_assert_eq!(*status, document.status);
            prop_assert_eq!((*passages, *embedded), (document.passages, document.embedded));
            prop_assert_eq!(error, &document.error);
        }
    }
}
