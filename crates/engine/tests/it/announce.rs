//! What customers in people's hands are told: who answers, and that the wait goes on.

use std::{slice, sync::Arc, time::Duration};

use replyx_core::{
    actor::Caller,
    assistant::{Day, FixedText, HandOffPolicy, Language, OpeningHours},
    clock::Clock,
    dialog::{Control, Dialog, HandoffReason},
    message::{Author, Delivery, Message, MessageKind},
    patch::Patch,
    role::Role,
};
use replyx_engine::{
    Engine, control, long_waits,
    replies::{self, NewReply, WriteError},
    update::{self, DialogChange},
};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{Line, Working, World, eventually, received, start};

const HOUR: Duration = Duration::from_hours(1);

/// An assistant that quotes and says who answers, on a clock that stands still.
async fn world(db: &TestDb, change: impl FnOnce(&mut HandOffPolicy)) -> World<'_> {
    let world = World::with_clock(db, Clock::manual(start())).await;
    world
        .publish(|settings| {
            settings.model = Some("extractive".to_owned());
            settings.handoff = HandOffPolicy::default();
            change(&mut settings.handoff);
        })
        .await;
    world
}

/// A customer asks for a human; the dialog that waits.
async fn waiting(world: &World<'_>, engine: &Engine, line: &Line, chat: i64) -> Dialog {
    world.say(engine, line, chat, "позовите оператора").await;
    world.clock.advance(Duration::from_secs(1));
    world.answer(engine).await;
    let dialog = world.dialogs().await.pop().unwrap();
    assert_eq!(dialog.control, Control::Waiting);
    dialog
}

/// What the program has said itself.
async fn told(world: &World<'_>, dialog: &Dialog) -> Vec<Message> {
    let mut messages = world.messages_of(dialog).await;
    messages.retain(|said| said.author == Author::System && said.kind == MessageKind::Text);
    messages
}

async fn texts(world: &World<'_>, dialog: &Dialog) -> Vec<String> {
    told(world, dialog).await.into_iter().map(|message| message.text).collect()
}

async fn deliver(world: &World<'_>, engine: &Arc<Engine>) {
    let working = Working::sends(engine);
    eventually("delivery", async || (world.waiting().await == 0).then_some(())).await;
    working.stop().await;
}

async fn assign(engine: &Engine, by: &Caller, dialog: &Dialog, to: &Caller) {
    let assignee = Patch::Set(to.user_id().unwrap());
    let change = DialogChange { assignee, ..DialogChange::default() };
    update::dialog(engine, by, dialog.id, &change).await.unwrap();
}

fn reply(text: &str) -> NewReply {
    NewReply {
        client_id: text.to_owned(),
        text: text.to_owned(),
        files: Vec::new(),
        documents: Vec::new(),
        epoch: None,
        seen_seq: None,
    }
}

#[on_every_db]
async fn a_customer_is_told_once_of_each_person_who_answers(db: &TestDb) {
    let world = world(db, |_| {}).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Admin).await;
    let lee = world.member("Ли", Role::Operator).await;
    let dialog = waiting(&world, &engine, &line, 7).await;
    deliver(&world, &engine).await;

    let taken = control::take_over(&engine, &kim, dialog.id, None).await.unwrap();
    assert_eq!(taken.last_seq, dialog.last_seq + 2, "the step and the words");
    control::take_over(&engine, &kim, dialog.id, None).await.unwrap();
    deliver(&world, &engine).await;
    let kim_answers = "Теперь вам отвечает Kim.".to_owned();
    assert_eq!(received(&line.chat(7)).last(), Some(&kim_answers));

    // Whom the customer knows is not announced again, a colleague is.
    control::hand_off(&engine, &kim, dialog.id, HandoffReason::Operator).await.unwrap();
    control::take_over(&engine, &kim, dialog.id, None).await.unwrap();
    assert_eq!(texts(&world, &dialog).await, slice::from_ref(&kim_answers));
    assign(&engine, &kim, &dialog, &lee).await;
    let lee_answers = "Теперь вам отвечает Ли.".to_owned();
    assert_eq!(texts(&world, &dialog).await, [kim_answers.clone(), lee_answers.clone()]);
    deliver(&world, &engine).await;

    // The assistant has spoken in between.
    control::release(&engine, &lee, dialog.id).await.unwrap();
    world.say(&engine, &line, 7, "спасибо").await;
    world.clock.advance(Duration::from_secs(1));
    world.answer(&engine).await;
    deliver(&world, &engine).await;
    control::take_over(&engine, &lee, dialog.id, None).await.unwrap();
    assert_eq!(texts(&world, &dialog).await, [kim_answers, lee_answers.clone(), lee_answers]);
    let said = told(&world, &dialog).await.pop().unwrap();
    assert_eq!(said.operator.and_then(|operator| operator.user_id), lee.user_id());
}

#[on_every_db]
async fn the_next_change_of_control_takes_back_what_has_not_left(db: &TestDb) {
    let world = world(db, |_| {}).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Admin).await;
    let dialog = waiting(&world, &engine, &line, 7).await;
    deliver(&world, &engine).await;
    let before = received(&line.chat(7));

    control::take_over(&engine, &kim, dialog.id, None).await.unwrap();
    control::release(&engine, &kim, dialog.id).await.unwrap();
    deliver(&world, &engine).await;
    assert_eq!(received(&line.chat(7)), before, "nobody answers who was announced");
    let said = told(&world, &dialog).await.remove(0);
    assert_eq!(said.delivery, Delivery::Canceled);

    // They never heard of Kim.
    control::take_over(&engine, &kim, dialog.id, None).await.unwrap();
    assert_eq!(told(&world, &dialog).await.len(), 2);
}

#[on_every_db]
async fn an_answer_speaks_for_itself_and_so_does_nobody_without_a_name(db: &TestDb) {
    let world = world(db, |_| {}).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Admin).await;
    let first = waiting(&world, &engine, &line, 7).await;
    replies::reply(&engine, &kim, first.id, &reply("Hello, this is Kim.")).await.unwrap();
    assert_eq!(told(&world, &first).await, []);

    // An address, or a name that would become a link, is not for customers.
    for (chat, name) in [(8, "kim@example.org"), (9, "win at evil.example/login"), (10, " ")] {
        let nameless = world.member(name, Role::Operator).await;
        let dialog = waiting(&world, &engine, &line, chat).await;
        control::take_over(&engine, &nameless, dialog.id, None).await.unwrap();
        assert_eq!(told(&world, &dialog).await, [], "{name}");
    }
}

#[on_every_db]
async fn the_owner_sets_the_words_or_switches_them_off(db: &TestDb) {
    let world = world(db, |policy| policy.announce_operator = false).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let silent = waiting(&world, &engine, &line, 7).await;
    control::take_over(&engine, &kim, silent.id, None).await.unwrap();
    assert_eq!(told(&world, &silent).await, []);

    world
        .publish(|settings| {
            settings.handoff.announce_operator = true;
            let own = "{name} из ACME на связи.".to_owned();
            settings.texts = replyx_core::assistant::Texts::new(
                [(Language::Russian, [(FixedText::OperatorJoined, own)].into())].into(),
            );
        })
        .await;
    let dialog = waiting(&world, &engine, &line, 8).await;
    control::take_over(&engine, &kim, dialog.id, None).await.unwrap();
    assert_eq!(texts(&world, &dialog).await, ["Kim из ACME на связи."]);

    // What failed of it is not sent again by hand: it may be true no more.
    let said = told(&world, &dialog).await.remove(0);
    let again = replies::retry(&engine, &kim, said.id).await;
    assert!(matches!(again, Err(WriteError::NotFailed)), "{again:?}");
}

#[on_every_db]
async fn who_waits_for_long_is_told_once(db: &TestDb) {
    let world = world(db, |_| {}).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let other = world.engine().await;
    let kim = world.member("Kim", Role::Admin).await;
    let dialog = waiting(&world, &engine, &line, 7).await;
    let taken = waiting(&world, &engine, &line, 8).await;
    let blocked = waiting(&world, &engine, &line, 9).await;
    let mut tx = world.db.db.begin().await.unwrap();
    let contact = tx.workspace(world.workspace).contacts().lock(blocked.contact_id).await.unwrap();
    tx.apply(contact.unwrap().block(world.clock.now()).unwrap()).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(long_waits::sweep(&engine).await.unwrap(), 0);
    control::take_over(&engine, &kim, taken.id, None).await.unwrap();
    // What began with four hours keeps them.
    world.publish(|settings| settings.handoff.waiting_hours = 0).await;
    let never = waiting(&world, &engine, &line, 10).await;
    world.clock.advance(Duration::from_secs(4 * 3_600 - 10));
    assert_eq!(long_waits::sweep(&engine).await.unwrap(), 0, "not yet");

    world.clock.advance(Duration::from_secs(10));
    assert_eq!(long_waits::sweep(&engine).await.unwrap(), 1);
    world.clock.advance(100 * HOUR);
    assert_eq!(long_waits::sweep(&other).await.unwrap(), 0, "once");
    let russian = FixedText::StillWaiting.house(Language::Russian);
    assert_eq!(texts(&world, &dialog).await, [russian]);
    for other in [&blocked, &never] {
        assert_eq!(told(&world, other).await, []);
    }
    assert_eq!(texts(&world, &taken).await, ["Теперь вам отвечает Kim."]);

    // The place in the queue stays, and the next wait is told of again.
    let mut tx = world.db.db.read().await.unwrap();
    let now = tx.workspace(world.workspace).dialogs().find(dialog.id).await.unwrap().unwrap();
    assert_eq!((now.control, now.epoch), (Control::Waiting, dialog.epoch));
    assert_eq!(now.asking_since, dialog.asking_since);
}

#[on_every_db]
async fn two_processes_that_see_the_same_wait_tell_of_it_once(db: &TestDb) {
    let world = world(db, |policy| policy.waiting_hours = 1).await;
    let line = world.line().await;
    let one = world.engine().await;
    let other = world.engine().await;
    let dialog = waiting(&world, &one, &line, 7).await;
    assert_eq!(long_waits::sweep(&one).await.unwrap(), 0);
    world.clock.advance(HOUR);

    // Both have found it due, and wait for the contact.
    let mut held = world.db.db.begin().await.unwrap();
    held.workspace(world.workspace).contacts().lock(dialog.contact_id).await.unwrap().unwrap();
    let sweep = |engine: &Arc<Engine>| {
        let engine = Arc::clone(engine);
        tokio::spawn(async move { long_waits::sweep(&engine).await.unwrap() })
    };
    let sweeps = [sweep(&one), sweep(&other)];
    world.held_up(2).await;
    drop(held);
    let mut told_by = 0;
    for sweep in sweeps {
        told_by += sweep.await.unwrap();
    }
    assert_eq!((told_by, told(&world, &dialog).await.len()), (1, 1));
}

#[on_every_db]
async fn hours_in_which_nobody_works_are_not_counted(db: &TestDb) {
    let world = world(db, |policy| policy.waiting_hours = 2).await;
    // The clock begins on a Friday, at 08:00 UTC.
    world
        .publish(|settings| {
            let morning = vec!["09:00-10:00".to_owned()];
            let week = [Day::Friday, Day::Monday].map(|day| (day, morning.clone())).into();
            settings.hours = Some(OpeningHours { week, dates: [].into() });
        })
        .await;
    let line = world.line().await;
    let engine = world.engine().await;
    let dialog = waiting(&world, &engine, &line, 7).await;
    for (passed, expected) in [(3 * HOUR, 0), (70 * HOUR, 0), (HOUR, 1)] {
        world.clock.advance(passed);
        assert_eq!(long_waits::sweep(&engine).await.unwrap(), expected, "{passed:?}");
    }
    assert_eq!(told(&world, &dialog).await.len(), 1);
}
