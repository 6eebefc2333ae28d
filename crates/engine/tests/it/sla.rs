//! Promised replies: clocks follow what is said, in business hours, and each change is told once.

use std::time::Duration;

use chrono::TimeDelta;
use replyx_core::{
    clock::Clock,
    dialog::HandoffReason,
    event::Event,
    patch::Patch,
    role::Role,
    rules::sla::AssistantSla,
    sla::{Awaited, DialogSla, RunningSla, SlaPolicy, SlaStatus},
};
use replyx_engine::{
    Engine, control,
    replies::{self, NewReply},
    sla, snoozes,
    update::{self, DialogChange},
};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{World, start};

const MINUTE: u64 = 60;

async fn promise(world: &World<'_>, policy: SlaPolicy) {
    let mut tx = world.db.db.begin().await.unwrap();
    let assistant = tx.workspace(world.workspace).assistants().find(world.assistant).await.unwrap();
    let actor = replyx_core::act::Actor::system();
    let change = assistant.unwrap().promise(policy, &actor, world.clock.now());
    let AssistantSla { policy: stored, .. } = tx.apply(change).await.unwrap();
    assert_eq!(stored, policy);
    tx.commit().await.unwrap();
}

async fn find(world: &World<'_>) -> Option<RunningSla> {
    let dialog = world.dialog().await.id;
    let mut tx = world.db.db.read().await.unwrap();
    let found = tx.workspace(world.workspace).slas().find(dialog).await.unwrap();
    found.and_then(|DialogSla { running, .. }| running)
}

async fn told(world: &World<'_>) -> Vec<(Awaited, SlaStatus)> {
    let events = world.events().await;
    let slas = events.into_iter().filter_map(|event| match event {
        Event::DialogSla { awaited, status, .. } => Some((awaited, status)),
        _ => None,
    });
    slas.collect()
}

async fn reply(world: &World<'_>, engine: &Engine, kim: &replyx_core::actor::Caller) {
    let reply = NewReply {
        client_id: format!("r-{}", world.clock.now().timestamp()),
        text: "On its way.".to_owned(),
        files: Vec::new(),
        documents: Vec::new(),
        epoch: None,
        seen_seq: None,
    };
    replies::reply(engine, kim, world.dialog().await.id, &reply).await.unwrap();
}

#[on_every_db]
async fn a_promise_comes_to_be_at_risk_and_broken_and_each_is_told_once(db: &TestDb) {
    let world = World::with_clock(db, Clock::manual(start())).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let minutes = |minutes: u64| Some(Duration::from_secs(minutes * MINUTE));
    promise(&world, SlaPolicy { first_reply: minutes(10), next_reply: minutes(20) }).await;

    world.say(&engine, &line, 7, "Where is my parcel?").await;
    let asked = world.clock.now();
    world.clock.advance(Duration::from_secs(MINUTE));
    sla::sweep(&engine).await.unwrap();
    assert_eq!(find(&world).await, None, "the assistant answers");
    let dialog = world.dialog().await.id;
    control::hand_off(&engine, &kim, dialog, HandoffReason::Operator).await.unwrap();
    sla::sweep(&engine).await.unwrap();
    let running = find(&world).await.unwrap();
    assert_eq!((running.awaited, running.status), (Awaited::First, SlaStatus::Running));
    let due = running.due_at.unwrap();
    assert!((due - asked - TimeDelta::minutes(10)).abs() < TimeDelta::seconds(5), "{due}");

    // Whatever is promised later, this clock keeps what it began with.
    promise(&world, SlaPolicy { first_reply: minutes(500), next_reply: minutes(20) }).await;
    world.say(&engine, &line, 7, "Hello?").await;
    world.clock.advance(Duration::from_secs(5 * MINUTE));
    for _ in 0..2 {
        sla::sweep(&engine).await.unwrap();
    }
    assert_eq!(told(&world).await, [(Awaited::First, SlaStatus::AtRisk)]);
    world.clock.advance(Duration::from_secs(5 * MINUTE));
    for _ in 0..2 {
        sla::sweep(&engine).await.unwrap();
    }
    let broken = [(Awaited::First, SlaStatus::AtRisk), (Awaited::First, SlaStatus::Broken)];
    assert_eq!(told(&world).await, broken);

    // A person replies: nobody is owed anything, and thanks owe nothing.
    reply(&world, &engine, &kim).await;
    world.say(&engine, &line, 7, "Thanks!").await;
    sla::sweep(&engine).await.unwrap();
    assert_eq!(find(&world).await, None);
    world.say(&engine, &line, 7, "And when exactly?").await;
    sla::sweep(&engine).await.unwrap();
    assert_eq!(find(&world).await.map(|running| running.awaited), Some(Awaited::Next));

    promise(&world, SlaPolicy::default()).await;
    sla::sweep(&engine).await.unwrap();
    assert_eq!(find(&world).await, None);
    assert_eq!(told(&world).await, broken);
}

/// The sweep was not run for hours, because no process was: the times are those of the messages.
#[on_every_db]
async fn a_clock_does_not_depend_on_when_it_is_looked_at(db: &TestDb) {
    let world = World::with_clock(db, Clock::manual(start())).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let first_reply = Some(Duration::from_secs(10 * MINUTE));
    promise(&world, SlaPolicy { first_reply, next_reply: None }).await;
    world.say(&engine, &line, 7, "Where is my parcel?").await;
    let dialog = world.dialog().await.id;
    control::hand_off(&engine, &kim, dialog, HandoffReason::Operator).await.unwrap();
    world.clock.advance(Duration::from_hours(3));
    sla::sweep(&engine).await.unwrap();
    assert_eq!(told(&world).await, [(Awaited::First, SlaStatus::Broken)]);
    control::close(&engine, &kim, dialog).await.unwrap();
    sla::sweep(&engine).await.unwrap();
    assert_eq!(find(&world).await, None);
}

#[on_every_db]
async fn a_clock_stands_still_while_a_dialog_is_snoozed_and_goes_on_afterwards(db: &TestDb) {
    let world = World::with_clock(db, Clock::manual(start())).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let first_reply = Some(Duration::from_secs(60 * MINUTE));
    promise(&world, SlaPolicy { first_reply, next_reply: None }).await;
    world.say(&engine, &line, 7, "Where is my parcel?").await;
    let dialog = world.dialog().await.id;
    control::take_over(&engine, &kim, dialog, None).await.unwrap();
    sla::sweep(&engine).await.unwrap();
    let began = find(&world).await.unwrap();

    let snooze = async |minutes: i64| {
        let until = world.clock.now() + TimeDelta::minutes(minutes);
        let change = DialogChange { snoozed_until: Patch::Set(until), ..DialogChange::default() };
        update::dialog(&engine, &kim, dialog, &change).await.unwrap();
        until
    };
    let pass = async |minutes: u64| {
        world.clock.advance(Duration::from_secs(minutes * MINUTE));
        snoozes::return_due(&engine).await.unwrap();
        sla::sweep(&engine).await.unwrap();
    };

    // At risk before it is snoozed, snoozed again for longer, and at risk still: told once.
    pass(40).await;
    let snoozed_at = world.clock.now();
    snooze(60).await;
    pass(1).await;
    let paused = find(&world).await.unwrap();
    assert_eq!((paused.status, paused.due_at), (SlaStatus::AtRisk, None));
    let until = snooze(300).await;
    pass(200).await;
    assert_eq!(find(&world).await, Some(paused));
    assert_eq!(told(&world).await, [(Awaited::First, SlaStatus::AtRisk)]);

    // Its time comes: the reply is due as much later as it was out of sight.
    pass(101).await;
    let woken = find(&world).await.unwrap();
    assert_eq!((woken.since, woken.status), (began.since, SlaStatus::AtRisk));
    let later = woken.due_at.unwrap() - began.due_at.unwrap();
    assert!((later - (until - snoozed_at)).abs() < TimeDelta::seconds(1), "{later}");
    assert_eq!(told(&world).await, [(Awaited::First, SlaStatus::AtRisk)]);

    // The customer's words end the next one at once, whenever somebody notices.
    let due = woken.due_at.unwrap();
    snooze(600).await;
    world.clock.advance(Duration::from_secs(5 * MINUTE));
    world.say(&engine, &line, 7, "Are you there?").await;
    pass(10).await;
    let moved = find(&world).await.unwrap().due_at.unwrap() - due;
    assert!((moved - TimeDelta::minutes(5)).abs() < TimeDelta::seconds(5), "{moved}");
    pass(60).await;
    assert_eq!(told(&world).await.last(), Some(&(Awaited::First, SlaStatus::Broken)));
}
