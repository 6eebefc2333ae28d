use replyx_core::{
    assistant::Assistant,
    event::Event,
    knowledge::{Document, DocumentStatus},
    page::PageRequest,
    terms::query_terms,
};
use replyx_storage::{documents::DocumentFilter, on_every_db};

use crate::given::{self, at};

fn of(assistant: &Assistant) -> DocumentFilter {
    DocumentFilter { assistant: Some(assistant.id), ..DocumentFilter::default() }
}

on_every_db! {
    async fn a_document_comes_back_with_its_bytes(home: &TestDb) {
        let (db, tenant) = (&home.db, given::tenant(&home.db).await);
        let document = given::document(tenant.id, tenant.assistant.id);
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
        commit!(db, |tx| tx.workspace(tenant.id).documents().insert(&document, &bytes));
        let id = document.id;
        assert_eq!(read!(db, |tx| tx.workspace(tenant.id).documents().find(id)).as_ref(), Some(&document));
        assert_eq!(commit!(db, |tx| tx.workspace(tenant.id).documents().lock(id)), Some(document));
        assert_eq!(read!(db, |tx| tx.workspace(tenant.id).documents().original(id)), Some(bytes));
        assert_eq!(read!(db, |tx| tx.workspace(tenant.id).documents().text(id)), None);
        commit!(db, |tx| tx.workspace(tenant.id).documents().set_text(id, Some("Текст")));
        assert_eq!(read!(db, |tx| tx.workspace(tenant.id).documents().text(id)).as_deref(), Some("Текст"));

        let empty = given::document(tenant.id, tenant.assistant.id);
        commit!(db, |tx| tx.workspace(tenant.id).documents().insert(&empty, b""));
        assert_eq!(read!(db, |tx| tx.workspace(tenant.id).documents().original(empty.id)), Some(Vec::new()));
    }
}

on_every_db! {
    async fn what_becomes_of_a_document_is_told(home: &TestDb) {
        let (db, tenant) = (&home.db, given::tenant(&home.db).await);
        let document = given::document(tenant.id, tenant.assistant.id);
        let failed = Document {
            status: DocumentStatus::Failed,
            error: Some("the file is empty".to_owned()),
            updated_at: at(5),
            ..document.clone()
        };
        commit!(db, |tx| tx.workspace(tenant.id).documents().insert(&document, b"x"));
        commit!(db, |tx| tx.workspace(tenant.id).documents().save(&failed));
        assert_eq!(read!(db, |tx| tx.workspace(tenant.id).documents().find(document.id)), Some(failed));
        assert!(commit!(db, |tx| tx.workspace(tenant.id).documents().delete(&document, at(6))));
        assert!(!commit!(db, |tx| tx.workspace(tenant.id).documents().delete(&document, at(7))));
        let log = read!(db, |tx| tx.workspace(tenant.id).events().after(3, 9));
        let (document_id, assistants) = (document.id, document.assistants.clone());
        let told: Vec<_> = log.into_iter().map(|recorded| recorded.event).collect();
        let status = |status, error: Option<&str>| Event::DocumentStatus {
            document_id, assistants: assistants.clone(), status, passages: 0, embedded: 0, error: error.map(str::to_owned),
        };
        assert_eq!(told, [
            status(DocumentStatus::Queued, None),
            status(DocumentStatus::Failed, Some("the file is empty")),
            Event::DocumentDeleted { document_id, assistants },
        ]);
    }
}

on_every_db! {
    async fn documents_are_listed_of_one_assistant_or_of_all(home: &TestDb) {
        let (db, tenant) = (&home.db, given::tenant(&home.db).await);
        let other = given::assistant(tenant.id);
        commit!(db, |tx| tx.workspace(tenant.id).assistants().insert(&other));
        let mut ids = Vec::new();
        for assistant in [tenant.assistant.id, other.id, tenant.assistant.id] {
            let document = given::document(tenant.id, assistant);
            commit!(db, |tx| tx.workspace(tenant.id).documents().insert(&document, b"x"));
            ids.push(document.id);
        }
        let all = read!(db, |tx| tx.workspace(tenant.id).documents().list(DocumentFilter::default(), PageRequest::new(None, None)));
        let mut expected = ids.clone();
        expected.sort();
        assert_eq!(all.items.iter().map(|d| d.id).collect::<Vec<_>>(), expected);
        let of_other =
            read!(db, |tx| tx.workspace(tenant.id).documents().list(of(&other), PageRequest::new(Some(1), None)));
        assert_eq!((of_other.items[0].id, of_other.items.len(), of_other.next), (ids[1], 1, None));
    }
}

on_every_db! {
    async fn a_document_serves_several_assistants_and_goes_with_the_last(home: &TestDb) {
        let (db, tenant) = (&home.db, given::tenant(&home.db).await);
        tenant.fill(db).await;
        let (first, second) = (tenant.assistant.id, given::assistant(tenant.id));
        commit!(db, |tx| tx.workspace(tenant.id).assistants().insert(&second));
        let id = tenant.document.id;
        let terms = query_terms("доставка");
        let found = async |assistant| {
            let passages = read!(db, |tx| tx.workspace(tenant.id).passages().candidates(assistant, &terms, None, 9));
            passages.len()
        };
        let revision = async |assistant| {
            read!(db, |tx| tx.workspace(tenant.id).knowledge().revision(assistant)).unwrap()
        };
        let (of_first, of_second) = (revision(first).await, revision(second.id).await);
        assert_eq!((found(first).await, found(second.id).await), (1, 0));
        assert!(commit!(db, |tx| tx.workspace(tenant.id).knowledge().link(second.id, id)));
        assert!(!commit!(db, |tx| tx.workspace(tenant.id).knowledge().link(second.id, id)), "known already");
        assert_eq!((found(first).await, found(second.id).await), (1, 1));
        assert!(revision(first).await > of_first && revision(second.id).await > of_second);
        let known = read!(db, |tx| tx.workspace(tenant.id).documents().find(id)).unwrap().assistants;
        assert_eq!(known.len(), 2);

        assert!(commit!(db, |tx| tx.workspace(tenant.id).assistants().delete(first, at(9))));
        assert_eq!((found(first).await, found(second.id).await), (0, 1));
        let before = revision(second.id).await;
        assert!(commit!(db, |tx| tx.workspace(tenant.id).knowledge().unlink(second.id, id)));
        assert!(!commit!(db, |tx| tx.workspace(tenant.id).knowledge().unlink(second.id, id)));
        assert_eq!(found(second.id).await, 0);
        assert!(revision(second.id).await > before);
        given::check_full_text(&home.url).await;
    }
}

on_every_db! {
    async fn outdated_documents_are_those_of_earlier_rules_or_another_model(home: &TestDb) {
        let (db, tenant) = (&home.db, given::tenant(&home.db).await);
        tenant.fill(db).await;
        let (id, workspace) = (tenant.document.id, tenant.id);
        let ready = Document {
            status: DocumentStatus::Ready, passages: 2, embedded: 2, embedded_with: Some("e5".to_owned()),
            ..tenant.document.clone()
        };
        commit!(db, |tx| tx.workspace(workspace).documents().save(&ready));
        commit!(db, |tx| tx.workspace(workspace).documents().set_indexed(id, 7, 3));
        let outdated = async |version, model: Option<&str>| {
            read!(db, |tx| tx.system().documents().outdated(version, model, 9))
        };
        assert_eq!(outdated(3, Some("e5")).await, []);
        assert_eq!(outdated(3, None).await, [], "without a model there is nothing to embed");
        assert_eq!(outdated(4, None).await, [(workspace, id, true)]);
        assert_eq!(outdated(3, Some("other")).await, [(workspace, id, false)]);
        let partly = Document { embedded: 1, ..ready.clone() };
        commit!(db, |tx| tx.workspace(workspace).documents().save(&partly));
        assert_eq!(outdated(3, Some("e5")).await, [(workspace, id, false)]);
        let waiting = Document { status: DocumentStatus::Queued, ..partly };
        commit!(db, |tx| tx.workspace(workspace).documents().save(&waiting));
        assert_eq!(outdated(9, Some("other")).await, [], "it is being worked on");
    }
}

on_every_db! {
    async fn the_same_file_is_known_again(home: &TestDb) {
        let (db, tenant) = (&home.db, given::tenant(&home.db).await);
        tenant.fill(db).await;
        let document = &tenant.document;
        let twin = async |assistant, name: &str, hash: &str| {
            read!(db, |tx| tx.workspace(tenant.id).documents().twin(assistant, name, hash)).map(|twin| twin.id)
        };
        let other = given::assistant(tenant.id);
        commit!(db, |tx| tx.workspace(tenant.id).assistants().insert(&other));
        assert_eq!(twin(tenant.assistant.id, &document.name, &document.content_hash).await, Some(document.id));
        assert_eq!(twin(other.id, &document.name, &document.content_hash).await, None);
        assert_eq!(twin(tenant.assistant.id, "other.md", &document.content_hash).await, None);
        assert_eq!(twin(tenant.assistant.id, &document.name, "0").await, None);
    }
}
