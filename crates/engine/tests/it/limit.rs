//! A customer's limit: beyond it they are told once, and nothing that they write is lost.

use std::{sync::Arc, time::Duration};

use replyx_core::{
    clock::Clock,
    event::{Event, LimitBound},
    message::{Author, Message, Outcome},
};
use replyx_engine::Engine;
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{Line, World, start};

impl World<'_> {
    /// Sets what an admin would.
    pub(crate) async fn tune(&self, engine: &Engine, name: &str, value: &str) {
        let mut tx = engine.db.begin().await.unwrap();
        tx.system().settings().set(name, value, None, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        engine.tuning.reload(&engine.db).await.unwrap();
    }

    /// Says one thing after the other, each when the one before it has been dealt with.
    async fn talk(&self, engine: &Arc<Engine>, line: &Line, chat: i64, texts: &[&str]) {
        for text in texts {
            self.say(engine, line, chat, text).await;
            assert_eq!(self.answer(engine).await, 1, "there is a turn for `{text}`");
        }
        assert_eq!(self.turns().await, 0, "every turn has ended");
    }

    /// What the log says of turns that were not answered: the last message and the bound.
    async fn limited(&self) -> Vec<(i64, LimitBound)> {
        let events = self.events().await.into_iter();
        events
            .filter_map(|event| match event {
                Event::TurnLimited { seq, bound, .. } => Some((seq, bound)),
                _ => None,
            })
            .collect()
    }

    /// What was said in all dialogs.
    async fn all_messages(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        for dialog in self.dialogs().await {
            messages.extend(self.messages_of(&dialog).await);
        }
        messages
    }

    /// How often the assistant told a customer of a bound.
    async fn told(&self) -> usize {
        let replies = self.messages().await.into_iter();
        let outcomes = replies.filter_map(|message| message.answer).map(|answer| answer.outcome);
        outcomes.filter(|outcome| *outcome == Outcome::Limited).count()
    }
}

#[on_every_db]
async fn after_the_answers_of_a_day_a_customer_is_told_once_and_answered_the_next_day(db: &TestDb) {
    let world = World::with_clock(db, Clock::manual(start())).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.tune(&engine, "contact_answers_per_day", "2").await;

    world.talk(&engine, &line, 7, &["one", "two", "three", "four", "five"]).await;

    assert_eq!(world.model.request_count(), 2, "the model was asked beyond the bound");
    let said = world.said().await;
    assert_eq!(
        said[..4],
        ["customer: one", "assistant: You said: one", "customer: two", "assistant: You said: two"]
    );
    assert_eq!(said[4], "customer: three");
    assert!(said[5].starts_with("assistant: You have had all the answers"), "{said:?}");
    assert_eq!(said[6..], ["customer: four", "customer: five"], "told once, and nothing is lost");
    assert_eq!(
        world.limited().await,
        [(5, LimitBound::Day), (7, LimitBound::Day), (8, LimitBound::Day)]
    );

    // A process that has just begun knows it from the database, and others have a day of their own.
    let again = world.engine().await;
    world.tune(&again, "contact_answers_per_day", "2").await;
    world.talk(&again, &line, 7, &["six"]).await;
    assert_eq!((world.model.request_count(), world.told().await), (2, 1));
    world.talk(&again, &line, -8, &["a group"]).await;
    assert_eq!(world.model.request_count(), 3);

    world.clock.advance(Duration::from_hours(24));
    world.talk(&again, &line, 7, &["seven"]).await;
    let said = world.all_messages().await;
    let together = "You said: three\nfour\nfive\nsix\nseven";
    assert!(said.iter().any(|message| message.text == together), "{said:?}");
    world.assert_manners();
}

#[on_every_db]
async fn who_writes_too_fast_is_told_once_and_an_admin_can_change_that_at_any_time(db: &TestDb) {
    let world = World::with_clock(db, Clock::manual(start())).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.tune(&engine, "rate_contact", "3/1h").await;

    world.talk(&engine, &line, 7, &["1", "2", "3", "4", "5", "6"]).await;
    assert_eq!((world.model.request_count(), world.told().await), (3, 1));
    assert!(world.limited().await.iter().all(|(_, bound)| *bound == LimitBound::Rate));
    assert_eq!(world.limited().await.len(), 3);
    let messages = world.messages().await;
    let kept = messages.iter().filter(|message| message.author == Author::Customer).count();
    assert_eq!(kept, 6);

    // Also in another process, with the shared counter.
    let other = world.engine().await;
    world.tune(&other, "rate_contact", "3/1h").await;
    world.talk(&other, &line, 7, &["7"]).await;
    assert_eq!((world.model.request_count(), world.told().await), (3, 1));
    world.talk(&other, &line, 8, &["another customer"]).await;
    assert_eq!(world.model.request_count(), 4);

    world.tune(&other, "rate_contact", "100/1h").await;
    world.talk(&other, &line, 7, &["8"]).await;
    let said = world.all_messages().await;
    assert!(said.iter().any(|message| message.text == "You said: 4\n5\n6\n7\n8"), "{said:?}");
}

#[on_every_db]
async fn a_turn_that_is_tried_again_counts_once(db: &TestDb) {
    let world = World::with_clock(db, Clock::manual(start())).await;
    let line = world.line().await;
    let dead = world.engine().await;
    world.tune(&dead, "rate_contact", "1/1h").await;
    world.say(&dead, &line, 7, "hello").await;
    world.model.inject(replyx_testkit::openai::ModelFault::DelayFirst(Duration::from_secs(5)));
    let turn = world.claim_one(&dead).await;
    let running = world.begin_turn(&dead, turn).await;
    running.abort();
    world.bury(&dead).await;

    let engine = world.engine().await;
    world.tune(&engine, "rate_contact", "1/1h").await;
    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!(world.said().await, ["customer: hello", "assistant: You said: hello"]);
}
