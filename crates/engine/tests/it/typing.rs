use std::time::Duration;

use replyx_storage::{on_every_db, testing::TestDb};
use replyx_testkit::openai::ModelFault;
use tokio::time::sleep;

use crate::given::World;

#[on_every_db]
async fn only_who_waits_sees_the_assistant_typing(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine =
        world.engine_with(|settings| settings.typing_after = Duration::from_millis(300)).await;

    world.say(&engine, &line, 7, "quick").await;
    world.answer(&engine).await;
    sleep(Duration::from_millis(400)).await;
    assert!(line.chat(7).chat_actions().is_empty(), "typing for a quick answer");

    world.model.inject(ModelFault::DelayFirst(Duration::from_millis(900)));
    world.say(&engine, &line, 8, "slow").await;
    world.answer(&engine).await;
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
