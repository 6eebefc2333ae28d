use replyx_assistants::documents::{self, DocumentError, Naming, Stored};
use replyx_core::{
    file::StoredBytes,
    knowledge::{DocumentKind, DocumentStatus},
    secret::sha256_hex,
};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{World, file};

#[on_every_db]
async fn a_file_becomes_a_document_with_its_hash_that_waits_to_be_read(home: &TestDb) {
    let world = World::on(home);
    let caller = world.caller().await;
    let ada = world.assistant(&caller).await;
    let text = "# Returns\n\nYou have 30 days.";
    let stored = documents::add(world.cx(), &caller, ada.id, file("a.md", text)).await.unwrap();
    let Stored::Queued(document, same_name) = stored else { panic!("{stored:?}") };
    assert_eq!(document.content_hash, sha256_hex(text.as_bytes()));
    assert_eq!(document.size, i64::try_from(text.len()).unwrap());
    assert_eq!((document.kind, document.status), (DocumentKind::Markdown, DocumentStatus::Queued));
    assert!(same_name.is_empty());

    // The same file is there already; another one of that name is told of it.
    let again = documents::add(world.cx(), &caller, ada.id, file("a.md", text)).await.unwrap();
    assert_eq!(again, Stored::Unchanged(document.clone()));
    let other = documents::add(world.cx(), &caller, ada.id, file("a.md", "Else.")).await.unwrap();
    let Stored::Queued(_, same_name) = other else { panic!("{other:?}") };
    assert_eq!(same_name.len(), 1);
    assert_eq!(same_name[0].content_hash, document.content_hash);

    assert_eq!(world.waiting(&caller).await, 2);
    let acts = ["assistant.created", "document.uploaded", "document.uploaded"];
    assert_eq!(world.acts(&caller).await, acts);
}

#[on_every_db]
async fn a_file_without_a_name_leaves_the_document_its_own(home: &TestDb) {
    let world = World::on(home);
    let caller = world.caller().await;
    let ada = world.assistant(&caller).await;
    let stored = documents::add(world.cx(), &caller, ada.id, file("a.md", "Old.")).await.unwrap();
    let Stored::Queued(document, _) = stored else { panic!("{stored:?}") };
    let mut newer = file("document", "New.");
    newer.naming = Naming::Missing;
    let replaced = documents::replace(world.cx(), &caller, document.id, newer).await.unwrap();

    let Stored::Queued(replaced, _) = replaced else { panic!("{replaced:?}") };
    assert_eq!((replaced.id, replaced.name.as_str()), (document.id, "a.md"));
    assert_eq!(replaced.content_hash, sha256_hex(b"New."));
    let mut tx = world.db.read().await.unwrap();
    let documents = tx.workspace(caller.workspace_id).documents();
    let original = documents.original(document.id).await.unwrap();
    assert_eq!(original, Some(StoredBytes::Inline(b"New.".to_vec())));
}

#[on_every_db]
async fn the_last_assistant_that_knows_a_document_cannot_forget_it(home: &TestDb) {
    let world = World::on(home);
    let caller = world.caller().await;
    let ada = world.assistant(&caller).await;
    let bob = world.assistant(&caller).await;
    let stored = documents::add(world.cx(), &caller, ada.id, file("a.md", "Text.")).await.unwrap();
    let Stored::Queued(document, _) = stored else { panic!("{stored:?}") };
    let refused = documents::unlink(world.cx(), &caller, ada.id, document.id).await;
    assert!(matches!(refused, Err(DocumentError::LastAssistant)), "{refused:?}");

    documents::link(world.cx(), &caller, bob.id, document.id).await.unwrap();
    documents::link(world.cx(), &caller, bob.id, document.id).await.unwrap();
    documents::unlink(world.cx(), &caller, ada.id, document.id).await.unwrap();
    let acts = world.acts(&caller).await;
    assert_eq!(acts[3..], ["document.linked", "document.unlinked"], "{acts:?}");
}
