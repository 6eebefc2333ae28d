//! Who gets the dialogs that wait, and what happens to those of operators who are gone. Two engines
//! are two processes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use replyx_core::{
    actor::Caller,
    change::Deleted,
    channel::ChannelKind,
    clock::Clock,
    dialog::{Control, Dialog, HandoffReason},
    event::Event,
    fixtures,
    ids::{DialogId, UserId},
    patch::Patch,
    presence::{AssignReason, Assignment, PresenceState},
    role::Role,
    snooze::SnoozeEnd,
};
use replyx_engine::{
    Engine,
    assignment::{self, AssignError, AssignmentOutcome},
    control::{self, ControlError},
    presence,
    replies::{self, NewReply},
    snoozes,
    update::{self, DialogChange, UpdateError},
};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{Line, World, start};

async fn world(db: &TestDb, assignment: Assignment) -> World<'_> {
    let world = World::with_clock(db, Clock::manual(start())).await;
    world
        .publish(|settings| {
            settings.model = Some("extractive".to_owned());
            settings.handoff.assignment = assignment;
        })
        .await;
    world
}

/// A customer asks for a human; the dialog that waits.
async fn waiting(world: &World<'_>, engine: &Engine, line: &Line, chat: i64) -> Dialog {
    world.say(engine, line, chat, "I want to talk to a human").await;
    world.clock.advance(Duration::from_secs(1));
    world.answer(engine).await;
    let dialog = world.dialogs().await.pop().unwrap();
    assert_eq!(dialog.control, Control::Waiting);
    dialog
}

/// Comes online, with room for so many dialogs of each kind.
async fn online(engine: &Engine, who: &Caller, room: i64) {
    let capacity: BTreeMap<_, _> = ChannelKind::ALL.iter().map(|kind| (*kind, room)).collect();
    presence::say(engine, who, PresenceState::Online, capacity).await.unwrap();
}

/// Says the same again, so that it does not expire.
async fn stay(engine: &Engine, who: &Caller) {
    presence::say(engine, who, PresenceState::Online, BTreeMap::new()).await.unwrap();
}

fn id_of(who: &Caller) -> UserId {
    who.user_id().unwrap()
}

async fn now(world: &World<'_>, id: DialogId) -> Dialog {
    let mut tx = world.db.db.read().await.unwrap();
    tx.workspace(world.workspace).dialogs().find(id).await.unwrap().unwrap()
}

async fn holder(world: &World<'_>, id: DialogId) -> Option<UserId> {
    now(world, id).await.assignee.and_then(|holder| holder.user_id)
}

async fn give_out(world: &World<'_>, engine: &Engine) -> usize {
    assignment::give_out(engine, world.workspace).await.unwrap()
}

#[on_every_db]
async fn two_processes_never_give_somebody_more_than_they_have_room_for(db: &TestDb) {
    let world = world(db, Assignment::RoundRobin).await;
    let line = world.line().await;
    let one = world.engine().await;
    let other = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let first = waiting(&world, &one, &line, 7).await;
    let second = waiting(&world, &one, &line, 8).await;
    online(&one, &kim, 1).await;

    // Both have found Kim with room for one, and wait for the place.
    let mut held = world.db.db.begin().await.unwrap();
    held.workspace(world.workspace).operators().lock(id_of(&kim)).await.unwrap().unwrap();
    let give = |engine: &Arc<Engine>, dialog: &Dialog| {
        let engine = Arc::clone(engine);
        let workspace = world.workspace;
        let id = dialog.id;
        tokio::spawn(async move { assignment::give(&engine, workspace, id).await.unwrap() })
    };
    let giving = [give(&one, &first), give(&other, &second)];
    world.held_up(2).await;
    drop(held);

    let mut outcomes = Vec::new();
    for given in giving {
        outcomes.push(given.await.unwrap());
    }
    outcomes.sort_by_key(|given| *given == AssignmentOutcome::Full);
    assert_eq!(
        outcomes,
        [AssignmentOutcome::To(id_of(&kim), AssignReason::RoundRobin), AssignmentOutcome::Full]
    );
    let has = [holder(&world, first.id).await, holder(&world, second.id).await];
    assert_eq!(has.iter().flatten().count(), 1);

    // A closed dialog makes room for the other one.
    let held = if has[0].is_some() { (first.id, second.id) } else { (second.id, first.id) };
    assert_eq!(give_out(&world, &one).await, 0);
    control::close(&one, &kim, held.0).await.unwrap();
    assert_eq!(give_out(&world, &one).await, 1);
    assert_eq!(holder(&world, held.1).await, Some(id_of(&kim)));
}

#[on_every_db]
async fn the_oldest_is_given_first_to_the_last_operator_or_in_turn(db: &TestDb) {
    let world = world(db, Assignment::RoundRobin).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let lee = world.member("Lee", Role::Operator).await;
    let away = world.member("Ann", Role::Operator).await;
    let looks = world.member("Bob", Role::Viewer).await;
    presence::say(&engine, &away, PresenceState::Away, BTreeMap::new()).await.unwrap();
    online(&engine, &looks, 5).await;

    // Lee has answered the second customer before.
    let old = waiting(&world, &engine, &line, 8).await;
    let reply = NewReply {
        client_id: "1".to_owned(),
        text: "Hello".to_owned(),
        files: Vec::new(),
        documents: Vec::new(),
        epoch: None,
        seen_seq: None,
    };
    replies::reply(&engine, &lee, old.id, &reply).await.unwrap();
    control::close(&engine, &lee, old.id).await.unwrap();
    world.clock.advance(Duration::from_hours(48));

    let mut dialogs = Vec::new();
    for chat in [7, 8, 9, 10] {
        dialogs.push(waiting(&world, &engine, &line, chat).await);
    }
    assert_eq!(
        give_out(&world, &engine).await,
        0,
        "who is away, or may only look, is given nothing"
    );
    online(&engine, &kim, 2).await;
    online(&engine, &lee, 1).await;
    assert_eq!(give_out(&world, &engine).await, 3);

    let mut holders = Vec::new();
    for dialog in &dialogs {
        holders.push(holder(&world, dialog.id).await);
    }
    let in_turn = [Some(id_of(&kim)), Some(id_of(&lee)), Some(id_of(&kim)), None];
    let lee_first = [Some(id_of(&lee)), Some(id_of(&kim)), Some(id_of(&kim)), None];
    assert!(holders == in_turn || holders == lee_first, "{holders:?}");
    let events = world.events().await;
    let reasons: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::DialogControl { assigned_by, .. } => *assigned_by,
            _ => None,
        })
        .collect();
    let second =
        if holders == in_turn { AssignReason::LastOperator } else { AssignReason::RoundRobin };
    assert_eq!(reasons, [AssignReason::RoundRobin, second, AssignReason::RoundRobin]);
    assert_eq!(world.count("operator.presence").await, 4);
}

#[on_every_db]
async fn a_dialog_is_not_given_back_to_whoever_has_just_left_it(db: &TestDb) {
    let world = world(db, Assignment::LeastBusy).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let first = waiting(&world, &engine, &line, 7).await;
    let second = waiting(&world, &engine, &line, 8).await;
    online(&engine, &kim, 1).await;
    assert_eq!(give_out(&world, &engine).await, 1);

    control::hand_off(&engine, &kim, first.id, HandoffReason::Operator).await.unwrap();
    assert_eq!(give_out(&world, &engine).await, 1, "there is room for another one");
    assert_eq!(holder(&world, first.id).await, None);
    assert_eq!(holder(&world, second.id).await, Some(id_of(&kim)));

    let lee = world.member("Lee", Role::Operator).await;
    online(&engine, &lee, 1).await;
    assert_eq!(give_out(&world, &engine).await, 1);
    assert_eq!(holder(&world, first.id).await, Some(id_of(&lee)));
}

#[on_every_db]
async fn the_end_of_a_shift_returns_all_at_once_and_customers_keep_their_places(db: &TestDb) {
    let world = world(db, Assignment::None).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let first = waiting(&world, &engine, &line, 7).await;
    let second = waiting(&world, &engine, &line, 8).await;
    online(&engine, &kim, 5).await;
    assert_eq!(give_out(&world, &engine).await, 0, "the owner wants them taken over");
    for dialog in [&first, &second] {
        control::take_over(&engine, &kim, dialog.id, None).await.unwrap();
    }

    assert_eq!(presence::end_shift(&engine, &kim).await.unwrap(), 2);
    for dialog in [&first, &second] {
        let dialog_now = now(&world, dialog.id).await;
        assert_eq!(dialog_now.waiting_since(), dialog.waiting_since());
        assert_eq!(dialog_now.handoff_reason, Some(HandoffReason::ShiftEnded));
    }
    assert_eq!(presence::end_shift(&engine, &kim).await.unwrap(), 0);
}

#[on_every_db]
async fn what_operators_have_who_are_gone_waits_again_after_a_while(db: &TestDb) {
    let world = world(db, Assignment::LeastBusy).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let lee = world.member("Lee", Role::Operator).await;
    let mia = world.member("Mia", Role::Operator).await;
    let [of_kim, of_lee, of_mia] = [
        waiting(&world, &engine, &line, 7).await,
        waiting(&world, &engine, &line, 8).await,
        waiting(&world, &engine, &line, 9).await,
    ];
    for (who, dialog) in [(&kim, &of_kim), (&lee, &of_lee), (&mia, &of_mia)] {
        control::take_over(&engine, who, dialog.id, None).await.unwrap();
    }
    online(&engine, &kim, 0).await;
    online(&engine, &lee, 1).await;

    // Kim is not heard of any more; Mia, who never said that she is there, is no member any more.
    world.clock.advance(Duration::from_secs(91));
    stay(&engine, &lee).await;
    let mut tx = engine.db.begin().await.unwrap();
    let member = tx.workspace(world.workspace).members().find(id_of(&mia)).await.unwrap().unwrap();
    tx.apply(fixtures::unexplained(Deleted(member))).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(assignment::tend(&engine).await.unwrap(), 1);
    assert_eq!(now(&world, of_mia.id).await.handoff_reason, Some(HandoffReason::Absence));
    assert_eq!(holder(&world, of_kim.id).await, Some(id_of(&kim)), "she may come back");

    for _ in 0..5 {
        world.clock.advance(Duration::from_mins(1));
        stay(&engine, &lee).await;
    }
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(assignment::tend(&engine).await.unwrap(), 1);
    assert_eq!(holder(&world, of_kim.id).await, None);
    assert_eq!(holder(&world, of_lee.id).await, Some(id_of(&lee)));
    assert_eq!(assignment::tend(&engine).await.unwrap(), 0);
}

#[on_every_db]
async fn a_dialog_is_given_to_a_colleague_by_who_has_it_or_by_an_admin(db: &TestDb) {
    let world = world(db, Assignment::None).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let lee = world.member("Lee", Role::Operator).await;
    let boss = world.member("Boss", Role::Admin).await;
    let looks = world.member("Bob", Role::Viewer).await;
    let id = waiting(&world, &engine, &line, 7).await.id;
    let assign = async |who: &Caller, to: Option<&Caller>, epoch: Option<i64>| {
        let assignee = to.map_or(Patch::Clear, |to| Patch::Set(id_of(to)));
        let change = DialogChange { assignee, epoch, ..DialogChange::default() };
        update::dialog(&engine, who, id, &change).await
    };

    let given = assign(&kim, Some(&kim), None).await.unwrap();
    assert_eq!((given.control, given.assignee), (Control::Human, Some(kim.operator())));
    let refused = assign(&lee, Some(&lee), None).await.unwrap_err();
    assert!(matches!(
        refused,
        UpdateError::Control(ControlError::NotYours { holder: Some(holder) }) if holder == kim.operator()
    ));
    let refused = assign(&kim, Some(&looks), None).await.unwrap_err();
    assert!(matches!(
        refused,
        UpdateError::Assign(AssignError::NoOperator(user)) if user == id_of(&looks)
    ));
    let refused = assign(&kim, Some(&lee), Some(0)).await.unwrap_err();
    assert!(matches!(refused, UpdateError::Control(ControlError::NotYours { .. })));

    let transferred = assign(&kim, Some(&lee), Some(given.epoch)).await.unwrap();
    assert_eq!(transferred.assignee, Some(lee.operator()));
    let again = assign(&lee, Some(&lee), None).await.unwrap();
    assert_eq!(again.epoch, transferred.epoch, "nothing changes");
    let back = assign(&boss, None, None).await.unwrap();
    assert_eq!(
        (back.control, back.handoff_reason),
        (Control::Waiting, Some(HandoffReason::Operator))
    );
    control::close(&engine, &boss, id).await.unwrap();
    let refused = assign(&boss, Some(&lee), None).await.unwrap_err();
    assert!(matches!(refused, UpdateError::Assign(AssignError::Control(ControlError::Closed))));
}

#[on_every_db]
async fn a_snoozed_dialog_stays_out_of_sight_until_its_time_or_the_customers_words(db: &TestDb) {
    let world = world(db, Assignment::None).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    let lee = world.member("Lee", Role::Operator).await;
    let first = waiting(&world, &engine, &line, 7).await.id;
    let second = waiting(&world, &engine, &line, 8).await.id;
    let snooze = async |who: &Caller, id: DialogId, minutes: i64| {
        let until = engine.clock.now() + chrono::TimeDelta::minutes(minutes);
        let change = DialogChange { snoozed_until: Patch::Set(until), ..DialogChange::default() };
        update::dialog(&engine, who, id, &change).await
    };

    let refused = snooze(&kim, first, 60).await.unwrap_err();
    assert!(matches!(refused, UpdateError::Snooze(_)), "nobody has it: {refused:?}");
    for id in [first, second] {
        control::take_over(&engine, &kim, id, None).await.unwrap();
        snooze(&kim, id, 60).await.unwrap();
    }
    let refused = snooze(&lee, first, 60).await.unwrap_err();
    assert!(matches!(refused, UpdateError::Control(ControlError::NotYours { .. })));
    assert_eq!(snoozes::return_due(&engine).await.unwrap(), 0);

    // Kim is offline for longer than operators may be, and still has both.
    presence::say(&engine, &kim, PresenceState::Offline, BTreeMap::new()).await.unwrap();
    engine.clock.advance(Duration::from_mins(59));
    assert_eq!(assignment::tend(&engine).await.unwrap(), 0);
    assert_eq!(holder(&world, first).await, Some(id_of(&kim)));

    // The words of a customer bring one back, the time the other, and each is told once.
    world.say(&engine, &line, 7, "Are you there?").await;
    assert_eq!(assignment::tend(&engine).await.unwrap(), 1);
    assert_eq!(holder(&world, first).await, None);
    engine.clock.advance(Duration::from_mins(2));
    assert_eq!(assignment::tend(&engine).await.unwrap(), 1);
    assert_eq!(holder(&world, second).await, None);
    assert_eq!(snoozes::return_due(&engine).await.unwrap(), 0);

    let events = world.events().await;
    let returned = events.iter().filter_map(|event| match event {
        Event::DialogReturned { dialog_id, because } => Some((*dialog_id, *because)),
        _ => None,
    });
    let returned: Vec<_> = returned.collect();
    assert_eq!(returned, [(first, SnoozeEnd::Customer), (second, SnoozeEnd::Time)]);
}
