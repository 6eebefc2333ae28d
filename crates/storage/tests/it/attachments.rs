use replyx_core::{
    attachment::{AttachmentStatus, MessageFile},
    event::Event,
    file::{Content, StoredBytes},
};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{self, at};

#[on_every_db]
async fn a_file_of_a_message_waits_and_is_stored_once(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    tenant.fill(db).await;
    let id = tenant.attachment.id;
    let find = async || read!(db, |tx| tx.workspace(tenant.id).attachments().find(id)).unwrap();
    let content = async || read!(db, |tx| tx.workspace(tenant.id).attachments().content(id));
    assert_eq!(find().await, tenant.attachment);
    assert_eq!(content().await, None);

    let bytes = b"%PDF-1.7 whatever its sender said";
    let change = find().await.store(bytes, Content::Inline(bytes), at(5));
    commit!(db, |tx| tx.apply(change));
    let stored = MessageFile {
        media_type: Some("application/pdf".to_owned()),
        size: Some(33),
        status: AttachmentStatus::Stored,
        updated_at: at(5),
        ..tenant.attachment.clone()
    };
    assert_eq!(find().await, stored);
    assert_eq!(content().await, Some(StoredBytes::Inline(bytes.to_vec())));

    let dialog = tenant.dialog.id;
    let of = async |first, last| {
        read!(db, |tx| tx.workspace(tenant.id).attachments().of_messages(dialog, first, last))
    };
    assert_eq!(of(1, 1).await, [stored]);
    assert_eq!(of(2, 9).await, []);

    let events = read!(db, |tx| tx.workspace(tenant.id).events().after(0, 99));
    let told = events.iter().any(|recorded| {
        matches!(recorded.event, Event::AttachmentStatus { attachment_id, status, .. }
            if attachment_id == id && status == AttachmentStatus::Stored)
    });
    assert!(told, "{events:?}");
}
