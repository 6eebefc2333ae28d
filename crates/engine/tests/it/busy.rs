//! No model is free: nothing is said to the customer for it, and nothing is paid.

use std::{sync::Arc, time::Duration};

use replyx_core::{clock::Clock, message::Outcome};
use replyx_engine::Engine;
use replyx_llm::AdmissionLimits;
use replyx_storage::{on_every_db, testing::TestDb};
use replyx_testkit::openai::ModelFault;
use tokio::task::JoinHandle;

use crate::given::{Line, World, eventually, start};

/// One call at a time, and nobody waits for it.
const ONE: AdmissionLimits = AdmissionLimits {
    provider: 1,
    workspace: 1,
    wait: Duration::ZERO,
    queue: 1,
    workspace_queue: 1,
};

impl World<'_> {
    /// Has somebody else ask the model without an end.
    async fn occupy(&self, engine: &Arc<Engine>, line: &Line) -> JoinHandle<()> {
        self.model.inject(ModelFault::Hang);
        self.say(engine, line, 8, "occupied").await;
        let turn = self.claim_one(engine).await;
        self.begin_turn(engine, turn).await
    }
}

#[on_every_db]
async fn a_turn_that_finds_no_model_free_is_answered_later_and_not_apologized_for(db: &TestDb) {
    let mut world = World::with_clock(db, Clock::manual(start())).await;
    world.admission = ONE;
    let line = world.line().await;
    let engine = world.engine().await;
    world.tune(&engine, "rate_contact", "1/1h").await;
    let occupied = world.occupy(&engine, &line).await;

    world.say(&engine, &line, 7, "hello").await;
    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!(world.waiting().await, 0, "something was said");
    assert_eq!((world.turns().await, world.model.request_count()), (2, 1));
    assert_eq!(world.answer(&engine).await, 0, "it is tried again at once");

    // Its place is free once the task is gone.
    occupied.abort();
    occupied.await.unwrap_err();
    eventually("the question to be answered", async || {
        world.clock.advance(Duration::from_secs(30));
        world.answer(&engine).await;
        (world.waiting().await == 1).then_some(())
    })
    .await;
    let mut said = Vec::new();
    for dialog in world.dialogs().await {
        said.extend(world.messages_of(&dialog).await.into_iter().map(|message| message.text));
    }
    assert!(said.contains(&"You said: hello".to_owned()), "charged twice, or lost: {said:?}");
}

#[on_every_db]
async fn a_model_that_is_never_free_is_apologized_for_in_the_end(db: &TestDb) {
    let mut world = World::with_clock(db, Clock::manual(start())).await;
    world.admission = ONE;
    let line = world.line().await;
    let engine = world.engine_with(|settings| settings.turn_attempts = 3).await;
    let occupied = world.occupy(&engine, &line).await;

    world.say(&engine, &line, 7, "hello").await;
    let mut tries = 0;
    while world.waiting().await == 0 {
        tries += world.answer(&engine).await;
        world.clock.advance(Duration::from_secs(30));
    }
    occupied.abort();
    assert_eq!((tries, world.model.request_count()), (4, 1));
    let outcomes = async {
        let mut outcomes = Vec::new();
        for dialog in world.dialogs().await {
            let messages = world.messages_of(&dialog).await;
            let answers = messages.into_iter().filter_map(|message| message.answer);
            outcomes.extend(answers.map(|answer| answer.outcome));
        }
        outcomes
    };
    assert_eq!(outcomes.await, [Outcome::Fallback]);
}
