use replyx_core::{
    change::New,
    dialog::Control,
    fixtures::unexplained,
    message::Author,
    page::PageRequest,
    rules::{dialog::Utterance, message::SentReply},
};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{self, at};

#[on_every_db]
async fn pages_miss_nothing_and_repeat_nothing_while_rows_are_added(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let mut expected = vec![tenant.assistant.id];
    for _ in 0..6 {
        let assistant = given::assistant(tenant.id);
        commit!(db, |tx| tx.apply(unexplained(New(assistant.clone()))));
        expected.push(assistant.id);
    }
    expected.sort();
    let mut found = Vec::new();
    let mut after = None;
    for added in 0.. {
        let page = read!(db, |tx| tx
            .workspace(tenant.id)
            .assistants()
            .list(PageRequest::new(Some(3), after)));
        found.extend(page.items.into_iter().map(|assistant| assistant.id));
        if added < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            let assistant = given::assistant(tenant.id);
            commit!(db, |tx| tx.apply(unexplained(New(assistant.clone()))));
            expected.push(assistant.id);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, expected);
}

#[on_every_db]
async fn newest_first_stays_right_while_dialogs_are_added(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let mut expected = vec![tenant.dialog.id];
    for chat in 10..14 {
        expected.push(given::chat(db, &tenant, chat).await.dialog.id);
    }
    expected.sort();
    expected.reverse();
    let first =
        read!(db, |tx| tx.workspace(tenant.id).dialogs().list(PageRequest::new(Some(2), None)));
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    given::chat(db, &tenant, 20).await;
    let rest = read!(db, |tx| tx
        .workspace(tenant.id)
        .dialogs()
        .list(PageRequest::new(Some(9), first.next)));
    let found: Vec<_> = first.items.iter().chain(&rest.items).map(|dialog| dialog.id).collect();
    assert_eq!(found, expected);
    assert_eq!(rest.next, None);
}

#[on_every_db]
async fn messages_come_oldest_first_and_the_recent_ones_too(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    for seq in 1..=5 {
        let message = given::message(tenant.id, tenant.dialog.id, seq);
        commit!(db, |tx| tx.apply(given::said(&message)));
    }
    let seqs = |messages: Vec<replyx_core::message::Message>| {
        messages.into_iter().map(|message| message.seq).collect::<Vec<_>>()
    };
    let dialog = tenant.dialog.id;
    let page = read!(db, |tx| tx
        .workspace(tenant.id)
        .messages()
        .list(dialog, PageRequest::new(Some(2), None)));
    assert_eq!((seqs(page.items), page.next), (vec![1, 2], Some(2)));
    let page = read!(db, |tx| tx
        .workspace(tenant.id)
        .messages()
        .list(dialog, PageRequest::new(Some(3), Some(2))));
    assert_eq!((seqs(page.items), page.next), (vec![3, 4, 5], None));
    let spoken = read!(db, |tx| tx.workspace(tenant.id).messages().spoken(dialog, 4, 2));
    let words: Vec<_> = spoken.iter().map(|said| (said.seq, said.author, &*said.text)).collect();
    assert_eq!(words, [(3, Author::Assistant, "слово 3"), (4, Author::Assistant, "слово 4")]);

    let taken = given::message(tenant.id, dialog, 5);
    let mut tx = db.begin().await.unwrap();
    assert!(tx.apply(given::said(&taken)).await.unwrap_err().is_duplicate());
}

#[on_every_db]
async fn a_message_and_a_dialog_come_back_as_they_were_stored(home: &TestDb) {
    use replyx_core::message::{AnswerMeta, Citation, Delivery, Outcome};
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let mut message = given::message(tenant.id, tenant.dialog.id, 1);
    message.answer = Some(AnswerMeta {
        outcome: Outcome::Answered,
        model: "extractive".to_owned(),
        prompt_tokens: 1 << 40,
        completion_tokens: 7,
        cost: replyx_core::money::Money::from_micros(1),
        duration_ms: 900,
        first_token_ms: None,
        citations: vec![Citation {
            document_id: given::id(),
            passage_id: given::id(),
            title: "Доставка > \"Сроки\"".to_owned(),
            start: 1,
            end: 9,
            page: Some(3),
        }],
        provider: "openai".to_owned(),
        attempts: 2,
        check: replyx_core::message::CheckOutcome::Regenerated,
        objections: vec!["the number 9".to_owned()],
        searched: Some("доставка в Москву".to_owned()),
        version: Some(3),
        act: None,
        offered: false,
        late: false,
        kept: false,
        unsure: false,
    });
    let said = Utterance {
        channel_message: Some(i64::MAX.into()),
        ..Utterance::new(tenant.dialog.clone(), message.clone())
    };
    commit!(db, |tx| tx.apply(unexplained(said)));
    let reply =
        SentReply { workspace_id: tenant.id, dialog_id: tenant.dialog.id, message_id: message.id };
    commit!(db, |tx| tx.apply(reply.delivered(0, at(7))));
    message.delivery = Delivery::Delivered;
    let found = given::messages(db, &tenant).await;
    assert_eq!(found, [message]);

    let mut dialog = tenant.dialog.clone();
    dialog.control = Control::Human;
    dialog.epoch = 2;
    dialog.last_seq = 3;
    dialog.heard_seq = 2;
    dialog.answered_seq = 1;
    dialog.updated_at = at(9);
    commit!(db, |tx| tx.apply(unexplained(dialog.clone())));
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).dialogs().find(dialog.id)), Some(dialog));
}
