//! Mail to the people who answer customers.

use std::time::Duration;

use replyx_core::{
    actor::Caller,
    change::Deleted,
    clock::Clock,
    dialog::{Control, Dialog},
    fixtures,
    ids::UserId,
    job::Lane,
    mail::{self, Letter, Mail},
    patch::Patch,
    presence::PresenceState,
    role::Role,
    sla::SlaPolicy,
    user::Notifications,
};
use replyx_engine::{
    Engine, control, member_mail, presence, reads,
    replies::{self, NewNote},
    sla,
};
use replyx_storage::{fair::Places, on_every_db, testing::TestDb};

use crate::given::{Line, World, start};

const BASE: &str = "https://bots.example.org";
/// After that, what nobody looked after is told.
const GRACE: Duration = Duration::from_secs(61);

async fn world(db: &TestDb) -> World<'_> {
    let world = World::with_clock(db, Clock::manual(start())).await;
    world.publish(|settings| settings.model = Some("extractive".to_owned())).await;
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

async fn note(engine: &Engine, by: &Caller, dialog: &Dialog, to: &Caller, text: &str) {
    let mentions = vec![id_of(to)];
    let note = NewNote { client_id: text.to_owned(), text: text.to_owned(), mentions };
    replies::note(engine, by, dialog.id, &note).await.unwrap();
}

fn id_of(who: &Caller) -> UserId {
    who.user_id().unwrap()
}

/// What one sweep writes: to whom, and what.
async fn letters(world: &World<'_>, engine: &Engine) -> Vec<(String, Letter)> {
    member_mail::sweep(engine, Some(BASE)).await.unwrap();
    let mut tx = world.db.db.begin().await.unwrap();
    let now = world.clock.now();
    let jobs = tx.system().jobs();
    let queued = jobs.claim(engine.process, now, Lane::Light, Places::of(99)).await.unwrap();
    tx.commit().await.unwrap();
    let mails = queued.into_iter().filter(|job| job.kind == mail::KIND.name);
    let mut letters: Vec<_> = mails
        .map(|job| {
            let Mail { to, letter, .. } =
                mail::open_payload(&engine.keys, job.id, &job.payload).unwrap();
            (to, letter)
        })
        .collect();
    letters.sort_by(|one, other| one.0.cmp(&other.0));
    letters
}

fn news(
    world: &World<'_>,
    (requests, late, mentions): (usize, usize, usize),
    of: Option<&Dialog>,
) -> Letter {
    let page = of.map_or_else(String::new, |dialog| format!("/{}", dialog.id));
    Letter::InboxNews {
        workspace: fixtures::workspace(&world.clock).name,
        requests,
        late,
        mentions,
        link: Some(format!("{BASE}/app/w/{}/inbox/waiting{page}", world.workspace)),
    }
}

/// The letters, to whomever they go.
async fn told(world: &World<'_>, engine: &Engine) -> Vec<Letter> {
    letters(world, engine).await.into_iter().map(|(_, letter)| letter).collect()
}

#[on_every_db]
async fn who_answers_gets_one_letter_in_five_minutes_for_all_dialogs(db: &TestDb) {
    let world = world(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.member("Kim", Role::Operator).await;
    world.member("Bob", Role::Viewer).await;
    let first = waiting(&world, &engine, &line, 7).await;
    assert_eq!(told(&world, &engine).await, [], "somebody may look after it");

    world.clock.advance(GRACE);
    assert_eq!(told(&world, &engine).await, [news(&world, (1, 0, 0), Some(&first))]);
    assert_eq!(told(&world, &engine).await, []);

    waiting(&world, &engine, &line, 8).await;
    waiting(&world, &engine, &line, 9).await;
    world.clock.advance(Duration::from_mins(3));
    assert_eq!(told(&world, &engine).await, [], "too soon");
    world.clock.advance(GRACE * 2);
    assert_eq!(told(&world, &engine).await, [news(&world, (2, 0, 0), None)]);
}

#[on_every_db]
async fn the_same_dialog_is_told_again_after_ten_minutes_at_the_earliest(db: &TestDb) {
    let world = world(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Admin).await;
    let dialog = waiting(&world, &engine, &line, 7).await;
    world.clock.advance(GRACE);
    assert_eq!(told(&world, &engine).await.len(), 1);

    // Back to the queue, within the ten minutes and after them.
    for (passed, expected) in [(Duration::from_mins(6), 0), (Duration::from_mins(5), 1)] {
        world.clock.advance(passed);
        control::take_over(&engine, &kim, dialog.id, None).await.unwrap();
        let reason = replyx_core::dialog::HandoffReason::Operator;
        control::hand_off(&engine, &kim, dialog.id, reason).await.unwrap();
        assert_eq!(told(&world, &engine).await.len(), 0);
        world.clock.advance(GRACE);
        assert_eq!(told(&world, &engine).await.len(), expected, "{passed:?}");
    }
}

#[on_every_db]
async fn what_no_longer_holds_or_was_looked_at_is_not_told(db: &TestDb) {
    let world = world(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Admin).await;
    let lee = world.member("Lee", Role::Operator).await;
    // One is taken over before the sweep has noted it, the other one afterwards.
    let before = waiting(&world, &engine, &line, 9).await;
    control::take_over(&engine, &kim, before.id, None).await.unwrap();
    let after = waiting(&world, &engine, &line, 7).await;
    assert_eq!(told(&world, &engine).await, []);
    control::take_over(&engine, &kim, after.id, None).await.unwrap();
    let seen = waiting(&world, &engine, &line, 8).await;
    for who in [&kim, &lee] {
        reads::mark(&engine, who, seen.id, 1_000).await.unwrap();
    }
    // Kim has looked and is there; Lee has looked and gone.
    world.clock.advance(GRACE);
    presence::say(&engine, &kim, PresenceState::Online, [].into()).await.unwrap();
    let told = letters(&world, &engine).await;
    let lee_reads = lee.name();
    assert_eq!(told, [(lee_reads, news(&world, (1, 0, 0), Some(&seen)))]);

    // A mention that was read is known, wherever its reader is; a newer one is not.
    world.clock.advance(Duration::from_mins(10));
    note(&engine, &kim, &seen, &lee, "look").await;
    reads::mark(&engine, &lee, seen.id, 1_000).await.unwrap();
    note(&engine, &kim, &seen, &lee, "and this").await;
    note(&engine, &kim, &seen, &kim, "to myself").await;
    world.clock.advance(GRACE);
    let told = letters(&world, &engine).await;
    assert_eq!(told, [(lee.name(), news(&world, (0, 0, 1), Some(&seen)))]);
    note(&engine, &kim, &seen, &lee, "once more").await;
    reads::mark(&engine, &lee, seen.id, 1_000).await.unwrap();
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(letters(&world, &engine).await, []);
}

#[on_every_db]
async fn each_kind_can_be_switched_off_and_former_members_get_nothing(db: &TestDb) {
    let world = world(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Admin).await;
    let lee = world.member("Lee", Role::Operator).await;
    let ann = world.member("Ann", Role::Operator).await;
    let mut tx = world.db.db.begin().await.unwrap();
    let user = tx.system().users().find(id_of(&kim)).await.unwrap().unwrap();
    let off = Notifications { request: false, ..Notifications::default() };
    let change = user.update_profile(&Patch::Keep, None, Some(off), &kim.actor(), start());
    tx.apply(change.unwrap()).await.unwrap();
    tx.commit().await.unwrap();

    let dialog = waiting(&world, &engine, &line, 7).await;
    note(&engine, &lee, &dialog, &kim, "look").await;
    note(&engine, &lee, &dialog, &ann, "and you").await;
    assert_eq!(letters(&world, &engine).await, []);
    let mut tx = world.db.db.begin().await.unwrap();
    let gone = tx.workspace(world.workspace).members().find(id_of(&ann)).await.unwrap().unwrap();
    tx.apply(fixtures::unexplained(Deleted(gone))).await.unwrap();
    tx.commit().await.unwrap();

    world.clock.advance(GRACE);
    let mut expected = vec![
        (kim.name(), news(&world, (0, 0, 1), Some(&dialog))),
        (lee.name(), news(&world, (1, 0, 0), Some(&dialog))),
    ];
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(letters(&world, &engine).await, expected);
}

#[on_every_db]
async fn a_late_reply_is_told_to_who_has_the_dialog(db: &TestDb) {
    let world = world(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Admin).await;
    world.member("Lee", Role::Operator).await;
    let mut tx = world.db.db.begin().await.unwrap();
    let assistants = tx.workspace(world.workspace).assistants();
    let assistant = assistants.lock(world.assistant).await.unwrap().unwrap();
    let policy = SlaPolicy { first_reply: Some(Duration::from_mins(30)), next_reply: None };
    tx.apply(assistant.promise(policy, &kim.actor(), start())).await.unwrap();
    tx.commit().await.unwrap();

    let dialog = waiting(&world, &engine, &line, 7).await;
    control::take_over(&engine, &kim, dialog.id, None).await.unwrap();
    sla::sweep(&engine).await.unwrap();
    world.clock.advance(Duration::from_mins(31));
    sla::sweep(&engine).await.unwrap();
    assert_eq!(letters(&world, &engine).await, []);
    world.clock.advance(GRACE);
    let told = letters(&world, &engine).await;
    assert_eq!(told, [(kim.name(), news(&world, (0, 1, 0), Some(&dialog)))]);
}

#[on_every_db]
async fn two_processes_write_the_same_letter_once(db: &TestDb) {
    let world = world(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    waiting(&world, &engine, &line, 7).await;
    assert_eq!(letters(&world, &engine).await, []);
    world.clock.advance(GRACE);

    // Both have found that Kim is to be written to.
    let workspace = world.workspace;
    let now = world.clock.now();
    let mut first = world.db.db.begin().await.unwrap();
    let user = id_of(&kim);
    let items = first.workspace(workspace).member_mail().take(user, now, now).await.unwrap();
    assert_eq!(items.len(), 1);
    let second = tokio::spawn({
        let engine = std::sync::Arc::clone(&engine);
        async move { member_mail::sweep(&engine, None).await.unwrap() }
    });
    world.held_up(1).await;
    assert!(first.workspace(workspace).member_mail().begin(user, now, start()).await.unwrap());
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), 0);
}
