use replyx_core::{
    event::Event,
    knowledge::{Document, DocumentStatus},
    page::PageRequest,
};
use replyx_storage::on_every_db;

use crate::given::{self, at};

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
        commit!(db, |tx| tx.workspace(tenant.id).documents().set_text(id, "Текст"));
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
        let log = read!(db, |tx| tx.workspace(tenant.id).events().after(2, 9));
        let (document_id, assistant_id) = (document.id, document.assistant_id);
        let told: Vec<_> = log.into_iter().map(|recorded| recorded.event).collect();
        let status = |status, error: Option<&str>| Event::DocumentStatus {
            document_id, assistant_id, status, error: error.map(str::to_owned),
        };
        assert_eq!(told, [
            status(DocumentStatus::Queued, None),
            status(DocumentStatus::Failed, Some("the file is empty")),
            Event::DocumentDeleted { document_id, assistant_id },
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
        let all = read!(db, |tx| tx.workspace(tenant.id).documents().list(None, PageRequest::new(None, None)));
        let mut expected = ids.clone();
        expected.sort();
        assert_eq!(all.items.iter().map(|d| d.id).collect::<Vec<_>>(), expected);
        let of_other =
            read!(db, |tx| tx.workspace(tenant.id).documents().list(Some(other.id), PageRequest::new(Some(1), None)));
        assert_eq!((of_other.items[0].id, of_other.items.len(), of_other.next), (ids[1], 1, None));
    }
}
