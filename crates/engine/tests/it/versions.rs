//! Which version of an assistant answers.

use replyx_core::act::Actor;
use replyx_engine::{Engine, context};
use replyx_storage::{
    on_every_db,
    testing::{self, TestDb},
    turns::ClaimedTurn,
};

use crate::given::{World, loaded};

/// What reads the settings of a version.
const SETTINGS: &str = "versions.settings";

/// The version by which a process answers, and its greeting.
async fn met(engine: &Engine, turn: &ClaimedTurn) -> (i64, String) {
    let context = loaded(context::load(engine, turn).await.unwrap());
    let greeting = context.ask.settings.greeting.clone();
    (context.ask.version.unwrap(), greeting.unwrap())
}

#[on_every_db]
async fn every_process_answers_by_what_was_published_last(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let processes = [world.engine().await, world.engine().await];
    world.say(&processes[0], &line, 7, "hello").await;
    let turn = world.claim_one(&processes[0]).await;
    let first = (1, "Welcome!".to_owned());
    let second = (2, "Good day.".to_owned());
    for engine in &processes {
        assert_eq!(met(engine, &turn).await, first);
    }

    world.publish(|settings| settings.greeting = Some(second.1.clone())).await;
    for engine in &processes {
        assert_eq!(met(engine, &turn).await, second, "after a publication");
    }

    let mut tx = db.db.begin().await.unwrap();
    let assistant = tx.workspace(world.workspace).assistants().find(world.assistant).await.unwrap();
    let actor = Actor::command_line();
    let rolled = assistant.unwrap().roll_back(1, &actor, world.clock.now()).unwrap();
    tx.apply(rolled).await.unwrap();
    tx.commit().await.unwrap();
    for engine in &processes {
        assert_eq!(met(engine, &turn).await, first, "after a rollback");
    }
}

#[on_every_db]
async fn the_settings_of_a_version_are_read_once(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "hello").await;
    let turn = world.claim_one(&engine).await;
    let mut read = Vec::new();
    for _ in 0..3 {
        testing::take_sent(&engine.db);
        met(&engine, &turn).await;
        let sent = testing::take_sent(&engine.db);
        read.push(sent.iter().filter(|(text, _)| text.contains(SETTINGS)).count());
    }
    assert_eq!(read, [1, 0, 0]);
}
