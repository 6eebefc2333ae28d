//! A human wins: what happens when a takeover meets a turn, a send, the customer's next words,
//! another takeover, a release or a close. Two engines are two processes.

use std::sync::Arc;

use replyx_core::{
    actor::Caller,
    dialog::{Control, Dialog, HandoffReason},
    event::Event,
    ids::MessageId,
    message::{Author, Delivery, MessageKind, Outcome},
    role::Role,
    rules::dialog::{Cause, Initiator},
};
use replyx_engine::{
    Engine, check, context,
    control::{self, ControlError},
    settle::{self, Settled},
    turn,
    usage::Ledger,
};
use replyx_storage::{on_every_db, outbox::Sendable, testing::TestDb};
use replyx_testkit::{Hold, openai::ModelFault, telegram::TelegramFault};

use crate::given::{Line, Working, World, loaded, received};

/// The first part that may be sent, claimed by a process.
async fn claim_part(world: &World<'_>, engine: &Engine) -> Sendable {
    let now = world.clock.now();
    let mut tx = engine.db.begin().await.unwrap();
    let part = tx.system().outbox().sendable(now, 1).await.unwrap().remove(0);
    assert!(tx.system().outbox().claim(&part, engine.process, now).await.unwrap());
    tx.commit().await.unwrap();
    part
}

async fn sendable(world: &World<'_>) -> Vec<Sendable> {
    let mut tx = world.db.db.read().await.unwrap();
    tx.system().outbox().sendable(world.clock.now(), 100).await.unwrap()
}

/// Runs delivery until nothing waits.
async fn deliver(world: &World<'_>, engine: &Arc<Engine>) {
    let working = Working::sends(engine);
    crate::given::eventually("delivery", async || (world.waiting().await == 0).then_some(())).await;
    working.stop().await;
}

async fn take_over(engine: &Engine, kim: &Caller, dialog: &Dialog) -> Dialog {
    control::take_over(engine, kim, dialog.id, Some(dialog.epoch)).await.unwrap()
}

/// A reply of several parts.
async fn long_reply(world: &World<'_>, line: &Line) -> MessageId {
    let parts: Vec<String> = (1..=3).map(|part| format!("{part} ").repeat(2_000)).collect();
    world.reply(line, 7, &parts.join("\n\n")).await
}

#[on_every_db]
async fn a_takeover_stops_what_was_not_claimed_and_only_that(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let one = world.engine().await;
    let other = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let reply = long_reply(&world, &line).await;
    let second = world.reply(&line, 7, "second").await;
    let elsewhere = world.reply(&line, 8, "to another customer").await;
    let dialog = world.dialogs().await.remove(0);

    let claimed = claim_part(&world, &one).await;
    assert_eq!((claimed.message_id, claimed.part), (reply, 1));
    take_over(&other, &kim, &dialog).await;

    // The claimed part is on its way: nobody can call it back.
    let now = world.clock.now();
    let mut tx = one.db.begin().await.unwrap();
    let outbox = tx.workspace(world.workspace).outbox();
    assert!(outbox.sent(claimed.id, one.process, None, now).await.unwrap());
    tx.commit().await.unwrap();
    deliver(&world, &one).await;

    assert_eq!(received(&line.chat(7)), [""; 0], "a word left after the takeover");
    assert_eq!(received(&line.chat(8)), ["to another customer"]);
    assert_eq!(world.delivery(reply).await, Delivery::Canceled);
    assert_eq!(world.delivery(second).await, Delivery::Canceled);
    assert_eq!(world.delivery(elsewhere).await, Delivery::Delivered);
    assert_eq!(world.count("message.canceled").await, 2);
}

#[on_every_db]
async fn a_claimed_part_that_comes_back_unsent_is_not_sent_after_a_takeover(db: &TestDb) {
    for how in ["again", "uncertain", "dead"] {
        let world = World::open(db).await;
        let line = world.line().await;
        let engine = world.engine().await;
        let other = world.engine().await;
        let kim = world.member("Kim", Role::Operator).await;
        let reply = world.reply(&line, 7, "the only part").await;
        let part = claim_part(&world, &engine).await;
        take_over(&other, &kim, &world.dialog().await).await;
        assert_eq!(world.delivery(reply).await, Delivery::Queued, "it may still arrive");

        if how == "dead" {
            world.bury(&engine).await;
        } else {
            let now = world.clock.now();
            let mut tx = engine.db.begin().await.unwrap();
            let outbox = tx.workspace(world.workspace).outbox();
            let uncertain = how == "uncertain";
            outbox.put_back(&part, engine.process, now, "503", uncertain).await.unwrap();
            tx.commit().await.unwrap();
        }
        // Also after the assistant has control again.
        control::release(&other, &kim, part.dialog_id).await.unwrap();
        deliver(&world, &other).await;

        assert_eq!(received(&line.chat(7)), [""; 0], "{how}");
        assert_eq!(world.delivery(reply).await, Delivery::Canceled, "{how}");
        assert_eq!(world.count("message.canceled").await, 1, "{how}");
    }
}

#[on_every_db]
async fn a_part_that_comes_back_unsent_does_not_cancel_its_reply_once_more(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let reply = long_reply(&world, &line).await;
    let part = claim_part(&world, &engine).await;
    take_over(&engine, &kim, &world.dialog().await).await;
    assert_eq!(world.count("message.canceled").await, 1);

    let now = world.clock.now();
    let mut tx = engine.db.begin().await.unwrap();
    let outbox = tx.workspace(world.workspace).outbox();
    outbox.put_back(&part, engine.process, now, "503", false).await.unwrap();
    tx.commit().await.unwrap();
    deliver(&world, &engine).await;

    assert_eq!(received(&line.chat(7)), [""; 0]);
    assert_eq!(world.delivery(reply).await, Delivery::Canceled);
    assert_eq!(world.count("message.canceled").await, 1, "it is told once");
}

#[on_every_db]
async fn a_reply_stays_canceled_when_the_part_on_its_way_is_refused(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let other = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let reply = long_reply(&world, &line).await;
    // Telegram has refused the part, and its answer is not here yet.
    line.chat(7).block();
    let hold = Hold::default();
    world.telegram.inject(TelegramFault::Hold(hold.clone()).on("sendMessage"));
    let working = Working::sends(&engine);
    hold.reached().await;
    take_over(&other, &kim, &world.dialog().await).await;
    assert_eq!(world.delivery(reply).await, Delivery::Canceled);

    hold.release();
    crate::given::eventually("the refusal is written", async || {
        (world.count("contact.blocked").await == 1).then_some(())
    })
    .await;
    working.stop().await;

    assert_eq!(world.delivery(reply).await, Delivery::Canceled);
    assert_eq!(world.count("message.canceled").await, 1);
    assert_eq!(world.count("message.failed").await, 0);
}

#[on_every_db]
async fn a_claim_that_was_prepared_before_a_takeover_comes_too_late(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    world.reply(&line, 7, "hello").await;
    let found = sendable(&world).await;
    assert_eq!(found.len(), 1);
    take_over(&engine, &kim, &world.dialog().await).await;

    let now = world.clock.now();
    let mut tx = engine.db.begin().await.unwrap();
    assert!(!tx.system().outbox().claim(&found[0], engine.process, now).await.unwrap());
}

#[on_every_db]
async fn a_takeover_silences_a_turn_at_each_of_its_steps(db: &TestDb) {
    for step in ["waiting", "claimed", "loaded", "asking", "answered"] {
        let world = World::open(db).await;
        let line = world.line().await;
        let engine = world.engine().await;
        let other = world.engine().await;
        let kim = world.member("Kim", Role::Operator).await;
        world.say(&engine, &line, 7, "hello").await;
        let dialog = world.dialog().await;

        match step {
            "waiting" => {
                take_over(&other, &kim, &dialog).await;
                world.answer(&engine).await;
            }
            "claimed" => {
                let turn = world.claim_one(&engine).await;
                take_over(&other, &kim, &dialog).await;
                turn::run(&engine, turn).await;
            }
            "asking" => {
                let hold = Hold::default();
                world.model.inject(ModelFault::Hold(hold.clone()));
                let turn = world.claim_one(&engine).await;
                let running = world.begin_turn(&engine, turn).await;
                hold.reached().await;
                take_over(&other, &kim, &dialog).await;
                hold.release();
                running.await.unwrap();
            }
            _ => {
                let turn = world.claim_one(&engine).await;
                let known = loaded(context::load(&engine, &turn).await.unwrap());
                let reply = check::fixed(&known.ask, "too late".to_owned(), Outcome::Answered);
                take_over(&other, &kim, &dialog).await;
                let settled =
                    settle::store(&engine, &turn, &known, reply, Ledger::default()).await.unwrap();
                assert_eq!(settled, Settled::Discarded);
            }
        }
        assert_eq!(world.said().await, ["customer: hello"], "{step}");
        assert_eq!((world.turns().await, world.waiting().await), (0, 0), "{step}");
    }
}

#[on_every_db]
async fn a_turn_that_settles_while_somebody_takes_over_is_silenced_by_who_comes_second(
    db: &TestDb,
) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let other = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    world.say(&engine, &line, 7, "hello").await;
    let turn = world.claim_one(&engine).await;
    let known = loaded(context::load(&engine, &turn).await.unwrap());
    let reply = check::fixed(&known.ask, "an answer".to_owned(), Outcome::Answered);

    // The takeover is not committed when the turn wants to settle.
    let dialog = world.dialog().await;
    let by = Initiator::Operator { operator: kim.operator(), actor: kim.actor() };
    let cause = Cause { message_id: world.clock.id(), by, now: world.clock.now() };
    let mut tx = other.db.begin().await.unwrap();
    let locked = tx.workspace(world.workspace).dialogs().lock(dialog.id).await.unwrap().unwrap();
    tx.apply(locked.take_over(kim.operator(), &cause).unwrap()).await.unwrap();
    let settling = tokio::spawn(async move {
        settle::store(&engine, &turn, &known, reply, Ledger::default()).await.unwrap()
    });
    world.held_up(1).await;
    assert!(!settling.is_finished(), "it did not wait for the dialog");
    tx.commit().await.unwrap();
    assert_eq!(settling.await.unwrap(), Settled::Discarded);
    assert_eq!(world.said().await, ["customer: hello"]);
}

#[on_every_db]
async fn of_two_who_take_over_at_once_one_does_and_the_other_is_told_who(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let other = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let lee = world.member("Lee", Role::Operator).await;
    world.say(&engine, &line, 7, "hello").await;
    let dialog = world.dialog().await;

    // Both have read the dialog and wait for its lock.
    let mut tx = world.db.db.begin().await.unwrap();
    tx.workspace(world.workspace).dialogs().lock(dialog.id).await.unwrap();
    let race = |engine: &Arc<Engine>, who: &Caller| {
        let engine = Arc::clone(engine);
        let who = who.clone();
        let epoch = dialog.epoch;
        let id = dialog.id;
        tokio::spawn(async move { control::take_over(&engine, &who, id, Some(epoch)).await })
    };
    let racing = [race(&engine, &kim), race(&other, &lee)];
    world.held_up(2).await;
    drop(tx);

    let mut winner = None;
    let mut told = None;
    for outcome in racing {
        match outcome.await.unwrap() {
            Ok(dialog) => winner = dialog.assignee,
            Err(ControlError::NotYours { holder }) => told = holder,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(winner.is_some());
    assert_eq!(told, winner);
    assert_eq!(world.dialog().await.assignee, winner);
    assert_eq!(world.count("dialog.control").await, 1);
}

#[on_every_db]
async fn words_said_during_a_takeover_are_stored_for_the_human_and_start_no_turn(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    world.say(&engine, &line, 7, "hello").await;
    world.answer(&engine).await;
    let dialog = take_over(&engine, &kim, &world.dialog().await).await;
    world.say(&engine, &line, 7, "are you there?").await;
    assert_eq!(world.turns().await, 0);

    // Nobody has answered it: the assistant does when it has the dialog again.
    let released = control::release(&engine, &kim, dialog.id).await.unwrap();
    assert_eq!((released.control, released.assignee), (Control::Ai, None));
    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!(world.said().await.last().unwrap(), "assistant: You said: are you there?");
}

#[on_every_db]
async fn what_a_colleague_has_is_theirs_and_admins_may_step_in(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let lee = world.member("Lee", Role::Operator).await;
    let ada = world.member("Ada", Role::Admin).await;
    world.say(&engine, &line, 7, "hello").await;
    let dialog = take_over(&engine, &kim, &world.dialog().await).await;
    let id = dialog.id;

    let reason = HandoffReason::Operator;
    let refused = [
        control::take_over(&engine, &lee, id, None).await,
        control::release(&engine, &lee, id).await,
        control::hand_off(&engine, &lee, id, reason).await,
        control::close(&engine, &lee, id).await,
    ];
    for outcome in refused {
        let Err(ControlError::NotYours { holder }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(holder.unwrap().name, "Kim");
    }
    let again = control::take_over(&engine, &kim, id, Some(dialog.epoch + 7)).await.unwrap();
    assert_eq!(again.epoch, dialog.epoch, "it was hers");

    let returned = control::hand_off(&engine, &ada, id, reason).await.unwrap();
    assert_eq!((returned.control, returned.handoff_reason), (Control::Waiting, Some(reason)));
    let asked_again = control::hand_off(&engine, &lee, id, reason).await.unwrap();
    assert_eq!(asked_again, returned, "asking again changes nothing");
    let stale = control::take_over(&engine, &lee, id, Some(dialog.epoch)).await;
    assert!(matches!(stale, Err(ControlError::NotYours { holder: None })), "{stale:?}");

    control::close(&engine, &lee, id).await.unwrap();
    let closed = control::take_over(&engine, &lee, id, None).await;
    assert!(matches!(closed, Err(ControlError::Closed)), "{closed:?}");
    let reopened = control::reopen(&engine, &lee, id).await.unwrap();
    assert_eq!(reopened.control, Control::Ai);
    let twice = control::reopen(&engine, &lee, id).await;
    assert!(matches!(twice, Err(ControlError::NotClosed(Control::Ai))), "{twice:?}");
}

#[on_every_db]
async fn each_change_is_a_message_and_an_event_with_who_did_it(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    world.say(&engine, &line, 7, "hello").await;
    let dialog = take_over(&engine, &kim, &world.dialog().await).await;
    control::close(&engine, &kim, dialog.id).await.unwrap();

    let messages = world.messages_of(&dialog).await;
    let told: Vec<_> = messages.iter().filter(|said| said.kind == MessageKind::Control).collect();
    let steps: Vec<_> = told.iter().map(|said| (said.seq, said.text.as_str())).collect();
    assert_eq!(steps, [(2, "take_over"), (3, "close")]);
    assert!(told.iter().all(|said| said.author == Author::System));
    assert!(told.iter().all(|said| said.operator == Some(kim.operator())));

    let events = world.events().await;
    let assigned = events.iter().find_map(|event| match event {
        Event::DialogControl { control: Control::Human, seq, assignee_id, .. } => {
            Some((*seq, *assignee_id))
        }
        _ => None,
    });
    assert_eq!(assigned, Some((Some(2), kim.user_id())));
}
