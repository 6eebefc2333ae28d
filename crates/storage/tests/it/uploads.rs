use replyx_core::{
    attachment::{AttachmentStatus, Upload},
    file::{Content, StoredBytes},
};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{self, at};

#[on_every_db]
async fn an_uploaded_file_is_sent_with_one_message(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    tenant.fill(db).await;
    let upload = tenant.upload.clone();
    let attach = async || {
        commit!(db, |tx| tx.workspace(tenant.id).uploads().attach(upload.id, &tenant.message))
    };

    let sent = attach().await.unwrap();
    assert_eq!((sent.id, sent.status), (upload.id, AttachmentStatus::Stored));
    assert_eq!((sent.name, sent.size), (Some(upload.name.clone()), Some(upload.size)));
    let find = read!(db, |tx| tx.workspace(tenant.id).attachments().find(upload.id)).unwrap();
    assert_eq!(find.message_id, tenant.message.id);
    let content = read!(db, |tx| tx.workspace(tenant.id).attachments().content(upload.id));
    assert_eq!(content, Some(StoredBytes::Inline(b"a file".to_vec())));
    assert_eq!(attach().await, None, "it was sent");
}

#[on_every_db]
async fn two_messages_that_want_the_same_file_do_not_both_get_it(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    tenant.fill(db).await;
    let workspace = tenant.id;
    let id = tenant.upload.id;
    let message = tenant.message.clone();

    let (one, other) = race!(
        db,
        |tx| tx.workspace(workspace).uploads().attach(id, &tenant.message),
        tx.workspace(workspace).uploads().attach(id, &message)
    );
    assert!(one.is_some() && other.is_none(), "{one:?} {other:?}");
}

#[on_every_db]
async fn a_file_that_is_not_sent_is_forgotten_and_counts_until_then(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let bytes = async || read!(db, |tx| tx.workspace(tenant.id).files().bytes());
    let before = bytes().await;
    let store = async |created: i64| {
        let upload = Upload::of(given::id(), tenant.id, "a.txt", b"a file", at(created));
        commit!(db, |tx| tx
            .workspace(tenant.id)
            .uploads()
            .insert(&upload, Content::Inline(b"a file")));
        upload.id
    };
    let old = store(1).await;
    let young = store(100).await;
    assert_eq!(bytes().await, before + 12);

    assert_eq!(commit!(db, |tx| tx.system().uploads().forget(at(50))), 1);
    assert_eq!(bytes().await, before + 6);
    assert!(!commit!(db, |tx| tx.workspace(tenant.id).uploads().delete(old)));
    assert!(commit!(db, |tx| tx.workspace(tenant.id).uploads().delete(young)));
}
