//! Dialogs are found by the words that were said in them.

use replyx_core::{
    channel::{Inbound, InboundContent},
    ids::DialogId,
    role::Role,
};
use replyx_engine::{
    Engine, dialog_terms,
    replies::{self, NewNote},
};
use replyx_storage::{
    dialog_terms::Finders,
    inbox::{InboxFilter, InboxOrder, Reader},
    on_every_db,
    testing::{TestDb, tamper},
};

use crate::given::World;

/// Works until nothing is to be done.
async fn index(engine: &Engine) {
    while dialog_terms::step(engine).await.unwrap().is_some() {}
}

async fn search(world: &World<'_>, text: &str, finders: Finders) -> Vec<DialogId> {
    let words = dialog_terms::asked(text, finders).expect("there are words");
    let reader = Reader { member: None, now: world.clock.now() };
    let mut tx = world.db.db.read().await.unwrap();
    let mut found = Vec::new();
    for order in [InboxOrder::Newest { after: None }, InboxOrder::Activity { after: None }] {
        let inbox = tx.workspace(world.workspace).inbox();
        let page = inbox.search(reader, InboxFilter::default(), order, 50, words.clone());
        let page = page.await.unwrap();
        assert_eq!(page.next, None);
        let dialogs: Vec<_> = page.items.into_iter().map(|entry| entry.dialog.id).collect();
        found.push(dialogs);
    }
    // Dialogs that begin within a millisecond have no order.
    let sorted = |number: usize| {
        let mut dialogs: Vec<DialogId> = found[number].clone();
        dialogs.sort();
        dialogs
    };
    assert_eq!(sorted(0), sorted(1), "{text}");
    found.remove(0)
}

async fn count(world: &World<'_>, text: &str) -> usize {
    search(world, text, Finders::Everybody).await.len()
}

#[on_every_db]
async fn a_dialog_is_found_by_any_form_of_all_words_whoever_said_them(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "Где мои возвраты? Order RX-200").await;
    world.say(&engine, &line, 8, "Возврат денег").await;
    assert_eq!(count(&world, "возврат").await, 0, "nothing is indexed in the transaction");
    index(&engine).await;

    assert_eq!(count(&world, "ВОЗВРАТОМ").await, 2);
    assert_eq!(count(&world, "orders возврата rx-200").await, 1);
    assert_eq!(count(&world, "возврат parcel").await, 0, "all the words, not some");
    // What is said later is found beside what was said before.
    world.reply(&line, 8, "We refunded two parcels").await;
    let kim = world.member("Kim", Role::Operator).await;
    let dialog = search(&world, "деньги возврат", Finders::Everybody).await[0];
    let note = NewNote {
        client_id: "n-1".to_owned(),
        text: "A suspicious one".to_owned(),
        mentions: Vec::new(),
    };
    replies::note(&engine, &kim, dialog, &note).await.unwrap();
    index(&engine).await;
    assert_eq!(search(&world, "suspicious возврат", Finders::Colleagues).await, [dialog]);
    assert_eq!(count(&world, "suspicious").await, 0, "notes are for colleagues");
}

#[on_every_db]
async fn words_that_are_edited_or_deleted_and_names_that_change_are_found_no_more(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let asked = world.text(7, "how much to Sweden?");
    world.take(&engine, &line, asked.clone()).await.unwrap();
    index(&engine).await;
    assert_eq!(count(&world, "sweden").await, 1);

    let InboundContent::Text { message_id, .. } = &asked.content else { panic!("no words") };
    let content =
        InboundContent::Edit { text: "to Finland?".to_owned(), message_id: message_id.clone() };
    let edited = Inbound { content, ..world.text(7, "") };
    world.take(&engine, &line, edited).await.unwrap();
    index(&engine).await;
    assert_eq!((count(&world, "sweden").await, count(&world, "finland").await), (0, 1));

    tamper(&db.url, "UPDATE contacts SET display_name = 'Zebedee'").await;
    index(&engine).await;
    assert_eq!(count(&world, "zebedee finland").await, 1);
    tamper(&db.url, "UPDATE contacts SET display_name = 'Marmaduke'").await;
    index(&engine).await;
    assert_eq!((count(&world, "zebedee").await, count(&world, "marmaduke").await), (0, 1));

    tamper(&db.url, "DELETE FROM turns").await;
    tamper(&db.url, "DELETE FROM messages").await;
    index(&engine).await;
    assert_eq!(count(&world, "finland").await, 0);
}

#[on_every_db]
async fn what_was_said_before_there_was_an_index_is_found_and_steps_can_be_taken_twice(
    db: &TestDb,
) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    for chat in 1..=30 {
        world.say(&engine, &line, chat, "Where is my parcel?").await;
    }
    index(&engine).await;
    assert_eq!(count(&world, "parcels").await, 30);

    // As an installation is that has just been migrated, and one whose rules have changed.
    let others = "UPDATE dialog_term_logs SET version = version - 1";
    for state in ["DELETE FROM dialog_term_logs", others] {
        tamper(&db.url, "DELETE FROM dialog_terms").await;
        tamper(&db.url, state).await;
        assert_eq!(count(&world, "parcels").await, 0);
        index(&engine).await;
        assert_eq!(count(&world, "parcels").await, 30);
    }

    // Events that are no longer kept are made up for.
    world.say(&engine, &line, 31, "A lost parcel").await;
    tamper(&db.url, "DELETE FROM events").await;
    index(&engine).await;
    assert_eq!(count(&world, "parcel").await, 31);
}
