use std::time::Duration;

use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{Working, World, received};

/// The processes cannot hear each other: nobody talks to the bus.
#[on_every_db]
async fn a_lost_hint_costs_time_and_nothing_else(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let door = world.engine().await;
    let worker = world.engine().await;
    let working = [Working::turns(&worker), Working::sends(&worker)];
    for number in 0..2 {
        world.say(&door, &line, 7, &format!("{number}")).await;
        let chat = line.chat(7);
        assert!(chat.wait_until(number + 1, Duration::from_secs(5)).await, "never looked");
    }
    assert_eq!(received(&line.chat(7)), ["You said: 0", "You said: 1"]);
    for work in working {
        work.stop().await;
    }
}
