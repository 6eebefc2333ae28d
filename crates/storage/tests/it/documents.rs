use replyx_core::{
    assistant::Assistant,
    change::{Deleted, New},
    event::Event,
    file::StoredBytes,
    fixtures,
    knowledge::{
        Document, DocumentKind, DocumentStatus, DocumentWarning, Replacement, WarningCode,
    },
    page::PageRequest,
    rules::document::{Indexed, Vectors},
};
use replyx_storage::{StorageError, documents::DocumentFilter, on_every_db, testing::TestDb};
use replyx_text::terms::query_terms;

use crate::given::{self, at};

fn of(assistant: &Assistant) -> DocumentFilter {
    DocumentFilter { assistant: Some(assistant.id), ..DocumentFilter::default() }
}

#[on_every_db]
async fn a_document_comes_back_with_its_bytes(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let document = given::document(tenant.id, tenant.assistant.id);
    let bytes: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    commit!(db, |tx| tx.apply(document.clone().store(&bytes)));
    let id = document.id;
    assert_eq!(
        read!(db, |tx| tx.workspace(tenant.id).documents().find(id)).as_ref(),
        Some(&document)
    );
    assert_eq!(commit!(db, |tx| tx.workspace(tenant.id).documents().lock(id)), Some(document));
    assert_eq!(
        read!(db, |tx| tx.workspace(tenant.id).documents().original(id)),
        Some(StoredBytes::Inline(bytes))
    );
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).documents().text(id)), None);
    commit!(db, |tx| tx.workspace(tenant.id).documents().set_text(id, Some("Текст")));
    assert_eq!(
        read!(db, |tx| tx.workspace(tenant.id).documents().text(id)).as_deref(),
        Some("Текст")
    );

    let empty = given::document(tenant.id, tenant.assistant.id);
    commit!(db, |tx| tx.apply(empty.clone().store(b"")));
    assert_eq!(
        read!(db, |tx| tx.workspace(tenant.id).documents().original(empty.id)),
        Some(StoredBytes::Inline(Vec::new()))
    );
}

#[on_every_db]
async fn what_becomes_of_a_document_is_told(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let document = given::document(tenant.id, tenant.assistant.id);
    let failed = Document {
        status: DocumentStatus::Failed,
        error: Some("the file is empty".to_owned()),
        revision: 1,
        updated_at: at(5),
        ..document.clone()
    };
    commit!(db, |tx| tx.apply(document.clone().store(b"x")));
    let why = "the file is empty".to_owned();
    commit!(db, |tx| tx.apply(document.clone().fail_index(why, at(5))));
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).documents().find(document.id)), Some(failed));
    commit!(db, |tx| tx.apply(document.clone().remove(at(6))));
    let mut tx = db.begin().await.unwrap();
    assert!(tx.apply(document.clone().remove(at(7))).await.is_err(), "it is gone");
    drop(tx);
    let log = read!(db, |tx| tx.workspace(tenant.id).events().after(3, 9));
    let document_id = document.id;
    let assistants = document.assistants.clone();
    let told: Vec<_> = log.into_iter().map(|recorded| recorded.event).collect();
    let status = |status, error: Option<&str>| Event::DocumentStatus {
        document_id,
        assistants: assistants.clone(),
        status,
        passages: 0,
        embedded: 0,
        error: error.map(str::to_owned),
        warnings: Vec::new(),
    };
    assert_eq!(
        told,
        [
            status(DocumentStatus::Queued, None),
            status(DocumentStatus::Failed, Some("the file is empty")),
            Event::DocumentDeleted { document_id, assistants },
        ]
    );
}

#[on_every_db]
async fn documents_are_listed_of_one_assistant_or_of_all(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let other = given::assistant(tenant.id);
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(other.clone()))));
    let mut ids = Vec::new();
    for assistant in [tenant.assistant.id, other.id, tenant.assistant.id] {
        let document = given::document(tenant.id, assistant);
        commit!(db, |tx| tx.apply(document.clone().store(b"x")));
        ids.push(document.id);
    }
    let all = read!(db, |tx| tx
        .workspace(tenant.id)
        .documents()
        .list(DocumentFilter::default(), PageRequest::new(None, None)));
    let mut expected = ids.clone();
    expected.sort();
    assert_eq!(all.items.iter().map(|d| d.id).collect::<Vec<_>>(), expected);
    let of_other = read!(db, |tx| tx
        .workspace(tenant.id)
        .documents()
        .list(of(&other), PageRequest::new(Some(1), None)));
    assert_eq!((of_other.items[0].id, of_other.items.len(), of_other.next), (ids[1], 1, None));
}

#[on_every_db]
async fn a_document_serves_several_assistants_and_goes_with_the_last(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    tenant.fill(db).await;
    let first = tenant.assistant.id;
    let second = given::assistant(tenant.id);
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(second.clone()))));
    let id = tenant.document.id;
    let terms = query_terms("доставка");
    let found = async |assistant| {
        let passages = read!(db, |tx| tx
            .workspace(tenant.id)
            .passages()
            .candidates(assistant, &terms, None, 9));
        passages.len()
    };
    let revision = async |assistant| {
        read!(db, |tx| tx.workspace(tenant.id).knowledge().revision(assistant)).unwrap()
    };
    let of_first = revision(first).await;
    let of_second = revision(second.id).await;
    assert_eq!((found(first).await, found(second.id).await), (1, 0));
    assert!(commit!(db, |tx| tx.workspace(tenant.id).knowledge().link(second.id, id)));
    assert!(
        !commit!(db, |tx| tx.workspace(tenant.id).knowledge().link(second.id, id)),
        "known already"
    );
    assert_eq!((found(first).await, found(second.id).await), (1, 1));
    assert!(revision(first).await > of_first && revision(second.id).await > of_second);
    let known = read!(db, |tx| tx.workspace(tenant.id).documents().find(id)).unwrap().assistants;
    assert_eq!(known.len(), 2);

    commit!(db, |tx| tx.apply(fixtures::unexplained(Deleted(tenant.assistant.clone()))));
    while commit!(db, |tx| tx.system().documents().rescope()).is_some() {}
    assert_eq!((found(first).await, found(second.id).await), (0, 1));
    let before = revision(second.id).await;
    assert!(commit!(db, |tx| tx.workspace(tenant.id).knowledge().unlink(second.id, id)));
    assert!(!commit!(db, |tx| tx.workspace(tenant.id).knowledge().unlink(second.id, id)));
    assert_eq!(found(second.id).await, 0);
    assert!(revision(second.id).await > before);
    given::check_full_text(&home.url).await;
}

#[on_every_db]
async fn outdated_documents_are_those_of_earlier_rules_or_another_model(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    tenant.fill(db).await;
    let id = tenant.document.id;
    let workspace = tenant.id;
    let ready = Document {
        status: DocumentStatus::Ready,
        passages: 2,
        embedded: 2,
        embedded_with: Some("e5".to_owned()),
        ..tenant.document.clone()
    };
    commit!(db, |tx| tx.apply(fixtures::unexplained(ready.clone())));
    commit!(db, |tx| tx.workspace(workspace).documents().set_indexed(id, 7, 3));
    let outdated = async |version, model: Option<&str>| {
        read!(db, |tx| tx.system().documents().outdated(version, model, 9))
    };
    assert_eq!(outdated(3, Some("e5")).await, []);
    assert_eq!(outdated(3, None).await, [], "without a model there is nothing to embed");
    assert_eq!(outdated(4, None).await, [(workspace, id, true)]);
    assert_eq!(outdated(3, Some("other")).await, [(workspace, id, false)]);
    let partly = Document { embedded: 1, ..ready.clone() };
    commit!(db, |tx| tx.apply(fixtures::unexplained(partly.clone())));
    assert_eq!(outdated(3, Some("e5")).await, [(workspace, id, false)]);
    let waiting = Document { status: DocumentStatus::Queued, ..partly };
    commit!(db, |tx| tx.apply(fixtures::unexplained(waiting.clone())));
    assert_eq!(outdated(9, Some("other")).await, [], "it is being worked on");
}

#[on_every_db]
async fn outdated_documents_of_one_workspace_keep_nobody_elses_waiting(home: &TestDb) {
    let db = &home.db;
    let large = given::tenant(db).await;
    let small = given::tenant(db).await;
    let mut stored = Vec::new();
    for tenant in [&large, &large, &large, &small] {
        let document = Document {
            status: DocumentStatus::Ready,
            passages: 2,
            ..given::document(tenant.id, tenant.assistant.id)
        };
        commit!(db, |tx| tx.apply(document.clone().store(b"bytes")));
        stored.push((tenant.id, document.id));
    }
    let outdated = async |version, model: Option<&str>, limit| {
        let found = read!(db, |tx| tx.system().documents().outdated(version, model, limit));
        let mut whose: Vec<_> = found.into_iter().map(|(workspace, ..)| workspace).collect();
        whose.sort();
        whose
    };
    let mut both = vec![large.id, small.id];
    both.sort();
    for (version, model) in [(9, None), (0, Some("e5"))] {
        assert_eq!(outdated(version, model, 2).await, both, "one of each");
        assert_eq!(outdated(version, model, 9).await.len(), stored.len());
    }

    commit!(db, |tx| given::suspend(&mut tx, large.id, Some(at(5))));
    for (version, model) in [(9, None), (0, Some("e5"))] {
        assert_eq!(outdated(version, model, 9).await, [small.id], "those of the other one wait");
    }
}

#[on_every_db]
async fn the_same_file_is_known_again(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    tenant.fill(db).await;
    let document = &tenant.document;
    let twin = async |assistant, name: &str, hash: &str| {
        read!(db, |tx| tx.workspace(tenant.id).documents().twin(assistant, name, hash))
            .map(|twin| twin.id)
    };
    let other = given::assistant(tenant.id);
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(other.clone()))));
    assert_eq!(
        twin(tenant.assistant.id, &document.name, &document.content_hash).await,
        Some(document.id)
    );
    assert_eq!(twin(other.id, &document.name, &document.content_hash).await, None);
    assert_eq!(twin(tenant.assistant.id, "other.md", &document.content_hash).await, None);
    assert_eq!(twin(tenant.assistant.id, &document.name, "0").await, None);
}

fn waiting(name: &str, content_hash: &str) -> Replacement {
    Replacement {
        name: name.to_owned(),
        kind: DocumentKind::Text,
        size: 3,
        content_hash: content_hash.to_owned(),
    }
}

#[on_every_db]
async fn a_new_file_waits_beside_the_old_one_until_it_takes_its_place(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let document = given::document(tenant.id, tenant.assistant.id);
    commit!(db, |tx| tx.apply(document.clone().store(b"old")));
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).replacements().find(document.id)), None);

    let first = waiting("b.txt", "b");
    let second = waiting("c.txt", "c");
    commit!(db, |tx| tx.workspace(tenant.id).replacements().put(
        document.id,
        &first,
        b"new",
        at(1)
    ));
    commit!(db, |tx| tx.workspace(tenant.id).replacements().put(
        document.id,
        &second,
        b"newer",
        at(2)
    ));
    assert_eq!(
        read!(db, |tx| tx.workspace(tenant.id).replacements().find(document.id)),
        Some(second)
    );
    commit!(db, |tx| tx.workspace(tenant.id).replacements().rename(document.id, "d.txt"));
    let renamed = waiting("d.txt", "c");
    assert_eq!(
        read!(db, |tx| tx.workspace(tenant.id).replacements().find(document.id)),
        Some(renamed)
    );
    let original =
        async || read!(db, |tx| tx.workspace(tenant.id).documents().original(document.id));
    assert_eq!(original().await, Some(StoredBytes::Inline(b"old".to_vec())));

    commit!(db, |tx| tx.workspace(tenant.id).replacements().apply(document.id));
    assert_eq!(original().await, Some(StoredBytes::Inline(b"newer".to_vec())));
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).replacements().find(document.id)), None);
    let mut tx = db.begin().await.unwrap();
    let again = tx.workspace(tenant.id).replacements().apply(document.id).await;
    assert!(matches!(again, Err(StorageError::RowsAffected { actual: 0, .. })), "{again:?}");
    drop(tx);

    commit!(db, |tx| tx.workspace(tenant.id).replacements().put(document.id, &first, b"x", at(3)));
    commit!(db, |tx| tx.workspace(tenant.id).replacements().forget(document.id));
    assert_eq!(original().await, Some(StoredBytes::Inline(b"newer".to_vec())));
}

#[on_every_db]
async fn warnings_are_kept_and_told(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let mut document = given::document(tenant.id, tenant.assistant.id);
    commit!(db, |tx| tx.apply(document.clone().store(b"x")));
    document.warnings = vec![
        DocumentWarning::pages(WarningCode::PagesWithoutText, &[2, 3], "pages 2, 3 have no text"),
        DocumentWarning::names(WarningCode::HiddenSheets, vec!["Склад".to_owned()], "left out"),
    ];
    let read = Indexed {
        replaced_by: None,
        newer_waits: false,
        title: None,
        language: "ru".to_owned(),
        passages: 1,
        warnings: document.warnings.clone(),
        vectors: Vectors::NoModel,
    };
    commit!(db, |tx| tx.apply(document.clone().index(read, at(1))));
    let found = read!(db, |tx| tx.workspace(tenant.id).documents().find(document.id)).unwrap();
    assert_eq!(found.warnings, document.warnings);
    let log = read!(db, |tx| tx.workspace(tenant.id).events().after(0, 99));
    let told = log.into_iter().rev().find_map(|recorded| match recorded.event {
        Event::DocumentStatus { warnings, .. } => Some(warnings),
        _ => None,
    });
    assert_eq!(told, Some(document.warnings));
}

#[on_every_db]
async fn bytes_are_counted_by_day_also_when_two_upload_at_once(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let today = at(0).date_naive();
    let tomorrow = at(100_000).date_naive();
    let add = async |day, bytes| {
        let mut tx = db.begin().await.unwrap();
        let sum = tx.workspace(tenant.id).upload_days().add(day, bytes).await.unwrap();
        tx.commit().await.unwrap();
        sum
    };
    let (one, two, three) = tokio::join!(add(today, 1), add(today, 10), add(today, 100));
    assert_eq!(one.max(two).max(three), 111);
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).upload_days().bytes(today)), 111);
    let fetch = async |day, bytes| {
        let mut tx = db.begin().await.unwrap();
        let sum = tx.workspace(tenant.id).upload_days().add_fetched(day, bytes).await.unwrap();
        tx.commit().await.unwrap();
        sum
    };
    let (one, other, _) = tokio::join!(fetch(today, 7), fetch(today, 70), add(today, 1_000));
    assert_eq!((one.max(other), add(today, 0).await), (77, 1_111), "each has a count of its own");
    assert_eq!(add(tomorrow, 5).await, 5, "a new day begins with nothing");
    assert_eq!(fetch(tomorrow, 3).await, 3);
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).upload_days().bytes(tomorrow)), 5);
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).upload_days().fetched(today)), 0);
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).upload_days().bytes(today)), 0);
}

#[on_every_db]
async fn documents_of_the_same_name_are_found_for_their_assistant(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let other = given::assistant(tenant.id);
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(other.clone()))));
    let mut ids = Vec::new();
    for (assistant, name) in [
        (tenant.assistant.id, "a.md"),
        (other.id, "a.md"),
        (tenant.assistant.id, "b.md"),
        (tenant.assistant.id, "a.md"),
    ] {
        let document = Document { name: name.to_owned(), ..given::document(tenant.id, assistant) };
        commit!(db, |tx| tx.apply(document.clone().store(b"x")));
        ids.push(document.id);
    }
    let same =
        read!(db, |tx| tx.workspace(tenant.id).documents().of_name(tenant.assistant.id, "a.md", 9));
    // The newest first; the ids of one millisecond are in no order.
    let mut expected = [ids[0], ids[3]];
    expected.sort();
    expected.reverse();
    assert_eq!(same.into_iter().map(|(id, ..)| id).collect::<Vec<_>>(), expected);
}

#[on_every_db]
async fn a_page_of_documents_costs_the_same_statements_however_long_it_is(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let other = given::assistant(tenant.id);
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(other.clone()))));
    let mut both = vec![tenant.assistant.id, other.id];
    both.sort();
    let mut stored = Vec::new();
    for number in 0_u8..9 {
        let answer = Document {
            kind: DocumentKind::Answer,
            assistants: if number % 2 == 0 { both.clone() } else { vec![tenant.assistant.id] },
            ..given::document(tenant.id, tenant.assistant.id)
        };
        let bytes = [number];
        commit!(db, |tx| tx.apply(answer.clone().store(&bytes)));
        stored.push((answer, StoredBytes::Inline(vec![number])));
    }
    // Ids that are made within a millisecond are in no order.
    stored.sort_by_key(|(answer, _)| answer.id);

    let filter = DocumentFilter { answers: true, ..of(&tenant.assistant) };
    let mut counted = Vec::new();
    for limit in [1, 9] {
        let page = PageRequest { limit, after: None };
        let mut tx = db.read().await.unwrap();
        let before = tx.statements();
        let listed = tx.workspace(tenant.id).documents().list(filter.clone(), page).await.unwrap();
        let between = tx.statements();
        let whole = tx
            .workspace(tenant.id)
            .documents()
            .list_with_originals(filter.clone(), page)
            .await
            .unwrap();
        counted.push((between - before, tx.statements() - between));
        let expected = &stored[..limit as usize];
        assert_eq!(whole.items, expected);
        assert_eq!(
            listed.items,
            expected.iter().map(|(answer, _)| answer.clone()).collect::<Vec<_>>()
        );
        assert_eq!(whole.next, listed.next);
        assert_eq!(listed.next.is_some(), limit == 1);
    }
    assert_eq!(counted, [(2, 3), (2, 3)]);
}

#[on_every_db]
async fn documents_are_listed_by_tag(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let of_tags = |tags: &[&str]| Document {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..given::document(tenant.id, tenant.assistant.id)
    };
    let prices = of_tags(&["prices", "цены \"\\%_"]);
    let others = [of_tags(&["price"]), of_tags(&[])];
    for document in others.iter().chain([&prices]) {
        commit!(db, |tx| tx.apply(document.clone().store(b"a")));
    }

    let listed = async |filter: DocumentFilter| {
        let page = PageRequest::new(None, None);
        let found = read!(db, |tx| tx.workspace(tenant.id).documents().list(filter, page));
        found.items.into_iter().map(|document| document.id).collect::<Vec<_>>()
    };
    for tag in ["prices", "цены \"\\%_"] {
        let tagged = DocumentFilter { tag: Some(tag.to_owned()), ..DocumentFilter::default() };
        assert_eq!(listed(tagged.clone()).await, [prices.id], "{tag}");
        let own = DocumentFilter { assistant: Some(tenant.assistant.id), ..tagged };
        assert_eq!(listed(own).await, [prices.id]);
    }
    let none = DocumentFilter { tag: Some("rice".to_owned()), ..DocumentFilter::default() };
    assert_eq!(listed(none).await, []);
    assert_eq!(listed(DocumentFilter::default()).await.len(), 3);
}
