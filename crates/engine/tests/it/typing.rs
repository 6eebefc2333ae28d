use std::time::Duration;

use replyx_storage::{on_every_db, testing::TestDb};
use replyx_testkit::{Hold, openai::ModelFault};

use crate::given::{World, eventually};

#[on_every_db]
async fn only_who_waits_sees_the_assistant_typing(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let patient = world.engine().await;
    world.say(&patient, &line, 7, "quick").await;
    world.answer(&patient).await;
    assert!(line.chat(7).chat_actions().is_empty(), "typing for a quick answer");

    let engine =
        world.engine_with(|settings| settings.typing_after = Duration::from_millis(300)).await;
    let hold = Hold::default();
    world.model.inject(ModelFault::Hold(hold.clone()));
    world.say(&engine, &line, 8, "slow").await;
    let turn = world.claim_one(&engine).await;
    let running = world.begin_turn(&engine, turn).await;
    eventually("typing", async || (!line.chat(8).chat_actions().is_empty()).then_some(())).await;
    hold.release();
    running.await.unwrap();
    let seen = line.chat(8).chat_actions();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].action, "typing");
    assert!(line.chat(7).chat_actions().is_empty());
    world.assert_manners();
}

#[on_every_db]
async fn a_failure_to_show_typing_fails_nothing(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine_with(|settings| settings.typing_after = Duration::ZERO).await;
    let hang = replyx_testkit::telegram::TelegramFault::Hang;
    world.telegram.inject(hang.on("sendChatAction"));
    world.model.inject(ModelFault::DelayFirst(Duration::from_millis(200)));
    world.say(&engine, &line, 7, "hello").await;
    world.answer(&engine).await;
    assert_eq!(world.said().await, ["customer: hello", "assistant: You said: hello"]);
}
