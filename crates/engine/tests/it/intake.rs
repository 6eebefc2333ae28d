use std::{sync::Arc, time::Duration};

use replyx_core::{
    channel::InboundContent,
    clock::Clock,
    dialog::Control,
    event::Event,
    ids::ChannelId,
    message::{MessageKind, Outcome},
    rules::dialog::Cause,
};
use replyx_engine::intake::{self, Door};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{World, start};

#[on_every_db]
async fn a_repeated_update_changes_nothing(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let update = world.text(7, "hello");
    world.take(&engine, &line, update.clone()).await.unwrap();
    let said = world.said().await;
    let events = world.events().await;
    let dialog = world.dialog().await;

    world.take(&engine, &line, update.clone()).await.unwrap();
    let both = [(line.door, update.clone()), (line.door, update)];
    intake::accept_all(&engine, &both, None).await.unwrap();

    assert_eq!(world.said().await, said);
    assert_eq!(world.events().await, events);
    assert_eq!(world.dialog().await, dialog);
    assert_eq!(said, ["customer: hello"]);
}

#[on_every_db]
async fn the_same_number_from_two_bots_is_two_updates(db: &TestDb) {
    let world = World::open(db).await;
    let one = world.line().await;
    let other = world.line().await;
    let engine = world.engine().await;
    let update = world.text(7, "hello");

    let both = [(one.door, update.clone()), (other.door, update)];
    intake::accept_all(&engine, &both, None).await.unwrap();

    assert_eq!(world.dialogs().await.len(), 2);
    assert_eq!(world.turns().await, 2);
}

#[on_every_db]
async fn a_batch_is_taken_as_a_whole_or_not_at_all(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let nobody = Door { channel_id: world.clock.id::<ChannelId>(), ..line.door };
    let good = world.text(7, "good");
    let batch = [(line.door, good.clone()), (nobody, world.text(8, "bad"))];
    let before = world.events().await;

    intake::accept_all(&engine, &batch, Some((line.door, 500))).await.unwrap_err();

    assert!(world.dialogs().await.is_empty());
    assert_eq!((world.turns().await, world.events().await), (0, before));
    assert_eq!(poll_offset(&world, line.bot.id).await, None);
    world.take(&engine, &line, good).await.unwrap();
    assert_eq!(world.said().await, ["customer: good"]);
}

#[on_every_db]
async fn the_place_to_go_on_polling_is_stored_with_the_batch(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let batch = [(line.door, world.text(7, "a"))];

    intake::accept_all(&engine, &batch, Some((line.door, 500))).await.unwrap();
    assert_eq!(poll_offset(&world, line.bot.id).await, Some(500));

    intake::accept_all(&engine, &[], Some((line.door, 501))).await.unwrap();
    assert_eq!(poll_offset(&world, line.bot.id).await, Some(501));
}

async fn poll_offset(world: &World<'_>, bot: ChannelId) -> Option<i64> {
    let mut tx = world.db.db.read().await.unwrap();
    let found = tx.workspace(world.workspace).bots().credentials(bot).await.unwrap();
    found.unwrap().poll_offset
}

/// The second message arrives while the first one is halfway through becoming a dialog.
#[on_every_db]
async fn two_first_messages_of_one_contact_make_one_dialog(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let mut winner = db.db.begin().await.unwrap();
    let contact = winner
        .workspace(world.workspace)
        .contacts()
        .meet(line.bot.id, &world.text(7, "first"), world.clock.id(), world.clock.now())
        .await
        .unwrap();
    let loser = tokio::spawn({
        let engine = Arc::clone(&engine);
        let batch = [(line.door, world.text(7, "second"))];
        async move { intake::accept_all(&engine, &batch, None).await }
    });
    world.held_up(1).await;
    assert!(!loser.is_finished(), "the contact was not locked");
    let dialog = world.dialog_of(&contact);
    winner.apply(dialog.clone().open()).await.unwrap();
    winner.commit().await.unwrap();

    loser.await.unwrap().unwrap();
    assert_eq!(world.dialog().await.id, dialog.id);
    assert_eq!(world.said().await, ["customer: second"]);
}

#[on_every_db]
async fn what_comes_within_the_window_is_answered_together(db: &TestDb) {
    let world = World::with_clock(db, Clock::manual(start())).await;
    let window = Duration::from_millis(700);
    let latest = Duration::from_secs(5);
    let engine = world
        .engine_with(|settings| {
            (settings.window, settings.window_latest) = (window, latest);
        })
        .await;
    let line = world.line().await;

    world.say(&engine, &line, 7, "one").await;
    world.clock.advance(Duration::from_millis(699));
    world.say(&engine, &line, 7, "two").await;
    world.clock.advance(Duration::from_millis(699));
    assert_eq!(world.answer(&engine).await, 0, "the window ended too early");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.answer(&engine).await, 1);

    let said = ["customer: one", "customer: two", "assistant: You said: one\ntwo"];
    assert_eq!(world.said().await, said);
    assert_eq!((world.turns().await, world.model.request_count()), (0, 1));
}

#[on_every_db]
async fn who_goes_on_writing_is_answered_at_the_latest_time(db: &TestDb) {
    let world = World::with_clock(db, Clock::manual(start())).await;
    let engine = world
        .engine_with(|settings| {
            settings.window = Duration::from_millis(700);
            settings.window_latest = Duration::from_secs(2);
        })
        .await;
    let line = world.line().await;

    for word in ["a", "b", "c", "d"] {
        world.say(&engine, &line, 7, word).await;
        assert_eq!(world.answer(&engine).await, 0);
        world.clock.advance(Duration::from_millis(500));
    }
    assert_eq!(world.answer(&engine).await, 1, "the customer was kept waiting");
    assert_eq!(world.said().await.last().unwrap(), "assistant: You said: a\nb\nc\nd");
}

#[on_every_db]
async fn a_block_and_its_end_are_noted_and_ask_for_no_answer(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    for content in [InboundContent::Blocked, InboundContent::Blocked, InboundContent::Unblocked] {
        world.take(&engine, &line, world.update(7, content)).await.unwrap();
    }

    assert_eq!(blocks(&world).await, [true, false]);
    assert_eq!((world.dialogs().await.len(), world.turns().await), (0, 0));
}

#[on_every_db]
async fn who_writes_does_not_block_the_bot(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let blocked = world.update(7, InboundContent::Blocked);
    world.take(&engine, &line, blocked).await.unwrap();
    world.say(&engine, &line, 7, "hello again").await;

    assert_eq!(blocks(&world).await, [true, false]);
    assert_eq!(world.turns().await, 1);
}

async fn blocks(world: &World<'_>) -> Vec<bool> {
    let events = world.events().await;
    let of = |event| match event {
        Event::ContactBlocked { blocked, .. } => Some(blocked),
        _ => None,
    };
    events.into_iter().filter_map(of).collect()
}

#[on_every_db]
async fn a_start_is_answered_with_the_greeting_and_a_photo_with_a_note(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let start = world.update(7, InboundContent::Start { payload: None, message_id: 1.into() });
    world.take(&engine, &line, start).await.unwrap();
    world.answer(&engine).await;
    let photo = InboundContent::Unsupported { what: "photo".to_owned(), message_id: 2.into() };
    world.take(&engine, &line, world.update(7, photo.clone())).await.unwrap();
    world.answer(&engine).await;

    let messages = world.messages().await;
    assert_eq!(messages[1].text, "Welcome!");
    assert!(messages[3].text.starts_with("I can only read text"), "{}", messages[3].text);
    for reply in [&messages[1], &messages[3]] {
        assert_eq!(reply.answer.as_ref().unwrap().outcome, Outcome::Fixed);
    }
    assert_eq!(messages[2].kind, MessageKind::Unsupported);
    assert_eq!(world.model.request_count(), 0, "a fixed text costs no model");

    world.take(&engine, &line, world.update(7, photo)).await.unwrap();
    world.say(&engine, &line, 7, "What is this?").await;
    world.answer(&engine).await;
    assert_eq!(world.said().await.last().unwrap(), "assistant: You said: What is this?");
}

#[on_every_db]
async fn nobody_but_the_assistant_is_asked_for_a_turn(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "hello").await;
    world.answer(&engine).await;
    world.give_control(Control::Human).await;
    world.say(&engine, &line, 7, "to a human").await;
    assert_eq!(world.turns().await, 0);

    world.give_control(Control::Closed).await;
    world.say(&engine, &line, 7, "again").await;
    assert_eq!((world.dialog().await.control, world.turns().await), (Control::Ai, 1));
}

#[on_every_db]
async fn words_after_a_dialog_was_closed_go_on_with_it_for_a_day_and_then_begin_another(
    db: &TestDb,
) {
    let world = World::with_clock(db, Clock::manual(start())).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "hello").await;
    world.give_control(Control::Human).await;
    world.give_control(Control::Closed).await;
    world.clock.advance(Duration::from_hours(23));
    world.say(&engine, &line, 7, "one more thing").await;
    let dialog = world.dialog().await;
    assert_eq!((dialog.control, dialog.epoch, dialog.closed_at), (Control::Ai, 3, None));
    assert_eq!(dialog.assignee, None);
    assert_eq!(world.said().await, ["customer: hello", "customer: one more thing"]);

    let mut tx = engine.db.begin().await.unwrap();
    let dialog = tx.workspace(world.workspace).dialogs().lock(dialog.id).await.unwrap().unwrap();
    let cause = Cause::of_program(world.clock.id(), world.clock.now());
    tx.apply(dialog.close(&cause).unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    world.clock.advance(Duration::from_hours(24));
    world.say(&engine, &line, 7, "a new question").await;
    let dialogs = world.dialogs().await;
    let controls: Vec<_> = dialogs.iter().map(|dialog| dialog.control).collect();
    assert_eq!(controls, [Control::Closed, Control::Ai]);
    assert_eq!(world.count("dialog.opened").await, 2);
}
