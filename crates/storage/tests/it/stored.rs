//! What customers, models and documents say may hold control characters, which `PostgreSQL` cannot
//! store.

use replyx_core::{
    audit::{Act, GENESIS, hash},
    file::StoredBytes,
    message::{AnswerMeta, CheckOutcome, Citation, Message, Outcome},
    money::Money,
};
use replyx_storage::{
    on_every_db,
    testing::{TestDb, append_entry},
};

use crate::given::{self, at, id};

#[on_every_db]
async fn control_characters_become_spaces_wherever_they_stand(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let answer = AnswerMeta {
        outcome: Outcome::Answered,
        model: "gpt\0".to_owned(),
        prompt_tokens: 1,
        completion_tokens: 1,
        cost: Money::ZERO,
        duration_ms: 1,
        first_token_ms: None,
        citations: vec![Citation {
            document_id: id(),
            passage_id: id(),
            title: "Delivery\0 and \u{1b}returns".to_owned(),
            page: None,
            start: 0,
            end: 1,
        }],
        provider: String::new(),
        attempts: 1,
        check: CheckOutcome::Skipped,
        objections: vec!["\u{1}".to_owned()],
        searched: Some("how\0long".to_owned()),
        version: None,
        act: None,
        offered: false,
        late: false,
        kept: false,
        unsure: false,
    };
    let message = Message {
        text: "It takes\0 two\u{7} days.\n".to_owned(),
        answer: Some(answer),
        ..given::message(tenant.id, tenant.dialog.id, 1)
    };
    commit!(db, |tx| tx.apply(given::said(&message)));

    let stored = given::messages(db, &tenant).await;
    assert_eq!(stored[0].text, "It takes  two  days.\n");
    let answer = stored[0].answer.as_ref().unwrap();
    assert_eq!(answer.searched.as_deref(), Some("how long"));
    assert_eq!(answer.citations[0].title, "Delivery  and  returns");
    assert_eq!((&*answer.model, &*answer.objections[0]), ("gpt ", " "));
}

#[on_every_db]
async fn names_of_customers_and_documents_are_cleaned(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let mut inbound = given::inbound(77);
    "Ann\0 Lee".clone_into(&mut inbound.display_name);
    let mut tx = db.begin().await.unwrap();
    let contacts = tx.workspace(tenant.id).contacts();
    let met = contacts.meet(tenant.bot.id, &inbound, id(), at(0)).await.unwrap();
    assert_eq!(met.display_name, "Ann  Lee");
    let mut document = given::document(tenant.id, tenant.assistant.id);
    "price\0list.md".clone_into(&mut document.name);
    tx.apply(document.clone().store(b"a\0b")).await.unwrap();
    tx.workspace(tenant.id).documents().set_text(document.id, Some("a\0b")).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.read().await.unwrap();
    let stored = tx.workspace(tenant.id).documents().find(document.id).await.unwrap().unwrap();
    assert_eq!(stored.name, "price list.md");
    assert_eq!(
        tx.workspace(tenant.id).documents().text(document.id).await.unwrap().unwrap(),
        "a b"
    );
    let original = tx.workspace(tenant.id).documents().original(document.id).await.unwrap();
    assert_eq!(original, Some(StoredBytes::Inline(b"a\0b".to_vec())), "bytes stay as they are");
}

#[on_every_db]
async fn an_audit_entry_is_hashed_as_it_is_stored(home: &TestDb) {
    let db = &home.db;
    let act = Act { actor_name: "ann\0@example.org".to_owned(), ..given::act("session.opened") };
    commit!(db, |tx| append_entry(&mut tx, None, &act));
    let entries = read!(db, |tx| tx.system().audit().read(None, 0, 9));
    assert_eq!(entries[0].act.actor_name, "ann @example.org");
    assert_eq!(entries[0].hash, hash(GENESIS, None, 1, &entries[0].act));
}
