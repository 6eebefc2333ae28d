use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::poll;
use replyx_core::{
    dialog::Control,
    event::Event,
    fixtures,
    ids::DialogId,
    message::{Author, Message, Outcome},
    rules::workspace::ResumedWorkspace,
    workspace::Workspace,
};
use replyx_engine::turn;
use replyx_storage::{on_every_db, testing::TestDb};
use replyx_testkit::{
    Hold,
    openai::{Answer, ModelFault},
};
use tokio::time::sleep;

use crate::given::{Working, World, eventually};

#[on_every_db]
async fn a_dialog_has_one_turn_at_a_time_though_two_processes_work(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let one = world.engine().await;
    let other = world.engine().await;
    world.model.answer(|request| {
        Answer::text(format!("You said: {}", request.question())).paced(Duration::from_millis(15))
    });
    let working = [Working::start(&one), Working::start(&other)];

    for number in 0..8 {
        for chat in [7, 8, 9] {
            let engine = if (number + chat) % 2 == 0 { &one } else { &other };
            world.say(engine, &line, chat, &format!("{chat}.{number}")).await;
        }
        sleep(Duration::from_millis(20)).await;
    }
    eventually("all turns to end", async || (world.turns().await == 0).then_some(())).await;

    let mut running = HashMap::<DialogId, bool>::new();
    for event in world.events().await {
        match event {
            Event::TurnStarted { dialog_id, .. } => {
                let before = running.insert(dialog_id, true);
                assert_ne!(before, Some(true), "two turns of one dialog at once");
            }
            Event::ReplySettled { dialog_id, .. } => {
                assert_eq!(running.insert(dialog_id, false), Some(true));
            }
            _ => {}
        }
    }
    for dialog in world.dialogs().await {
        assert_answered_in_order(&world.messages_of(&dialog).await);
    }
    for worker in working {
        worker.stop().await;
    }
    world.assert_manners();
}

/// Each message of the customer is in exactly one reply, in the order in which they were said.
fn assert_answered_in_order(messages: &[Message]) {
    let by = |author| messages.iter().filter(move |message| message.author == author);
    let asked: Vec<&str> = by(Author::Customer).map(|message| message.text.as_str()).collect();
    let answered: Vec<&str> = by(Author::Assistant)
        .flat_map(|message| message.text.trim_start_matches("You said: ").lines())
        .collect();
    assert_eq!(answered, asked);
}

#[on_every_db]
async fn a_process_takes_no_more_turns_than_it_has_room_for(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let small = world.engine_with(|settings| settings.turns = 1).await;
    for _ in 0..3 {
        world.model.inject(ModelFault::DelayFirst(Duration::from_millis(400)));
    }
    for chat in [7, 8, 9] {
        world.say(&small, &line, chat, "hello").await;
    }
    let working = Working::turns(&small);
    eventually("a turn to begin", async || (world.model.request_count() > 0).then_some(())).await;
    assert_eq!(world.count("turn.started").await, 1, "turns were hoarded");

    let idle = world.engine().await;
    let helping = Working::turns(&idle);
    eventually("the other process to take the rest", async || {
        (world.count("turn.started").await == 3).then_some(())
    })
    .await;
    eventually("all turns to end", async || (world.turns().await == 0).then_some(())).await;
    working.stop().await;
    helping.stop().await;
    assert_eq!(world.count("reply.settled").await, 3);
}

#[on_every_db]
async fn what_is_said_while_a_turn_runs_is_answered_by_the_next_one_together(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "one").await;
    world.model.inject(ModelFault::DelayFirst(Duration::from_millis(400)));
    let turn = world.claim_one(&engine).await;
    let running = world.begin_turn(&engine, turn).await;
    world.say(&engine, &line, 7, "two").await;
    world.say(&engine, &line, 7, "three").await;
    assert_eq!(world.answer(&engine).await, 0, "a second turn of the dialog began");
    running.await.unwrap();

    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!(
        world.said().await,
        [
            "customer: one",
            "customer: two",
            "customer: three",
            "assistant: You said: one",
            "assistant: You said: two\nthree"
        ]
    );
    assert_eq!(world.turns().await, 0);
}

#[on_every_db]
async fn the_turn_of_a_dead_process_is_run_by_another(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let dead = world.engine().await;
    let alive = world.engine().await;
    world.say(&dead, &line, 7, "hello").await;
    world.claim_one(&dead).await;
    assert_eq!(world.answer(&alive).await, 0, "a turn was taken from the living");

    world.bury(&dead).await;
    assert_eq!(world.answer(&alive).await, 1);
    assert_eq!(world.said().await, ["customer: hello", "assistant: You said: hello"]);
    assert_eq!((world.turns().await, world.waiting().await), (0, 1));
}

#[on_every_db]
async fn whoever_comes_late_has_lost_and_nothing_of_it_lasts(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let slow = world.engine().await;
    let quick = world.engine().await;
    world.say(&slow, &line, 7, "hello").await;
    world.model.inject(ModelFault::DelayFirst(Duration::from_millis(500)));
    let turn = world.claim_one(&slow).await;
    let running = world.begin_turn(&slow, turn).await;

    world.bury(&slow).await;
    assert_eq!(world.answer(&quick).await, 1);
    // The next turn runs when the late one ends.
    world.say(&quick, &line, 7, "more").await;
    let next = world.claim_one(&quick).await;
    let before = (world.said().await, world.events().await, world.dialog().await);
    running.await.unwrap();

    assert_eq!((world.said().await, world.events().await, world.dialog().await), before);
    assert_eq!((world.turns().await, world.waiting().await), (1, 1));
    turn::run(&quick, next).await;
    assert_eq!(world.said().await.last().unwrap(), "assistant: You said: more");
}

/// The process was thought dead, and has taken the same turn on again.
#[on_every_db]
async fn of_two_runs_in_one_process_only_one_settles(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "hello").await;
    world.model.inject(ModelFault::DelayFirst(Duration::from_millis(500)));
    let turn = world.claim_one(&engine).await;
    let first = world.begin_turn(&engine, turn).await;
    world.bury(&engine).await;
    assert_eq!(world.answer(&engine).await, 1);
    world.say(&engine, &line, 7, "more").await;
    let next = world.claim_one(&engine).await;
    first.await.unwrap();
    turn::run(&engine, next).await;

    let said = world.said().await;
    let replies = ["assistant: You said: hello", "assistant: You said: more"];
    assert_eq!(said, ["customer: hello", replies[0], "customer: more", replies[1]]);
}

#[on_every_db]
async fn a_takeover_while_the_model_writes_silences_it(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "hello").await;
    world.model.inject(ModelFault::DelayFirst(Duration::from_millis(300)));
    let turn = world.claim_one(&engine).await;
    let running = world.begin_turn(&engine, turn).await;
    world.give_control(Control::Human).await;
    running.await.unwrap();

    assert_eq!(world.said().await, ["customer: hello"]);
    assert_eq!((world.turns().await, world.waiting().await), (0, 0));
    assert_eq!(world.count("turn.discarded").await, 1);
    assert_eq!(world.count("reply.settled").await, 0);
}

#[on_every_db]
async fn handing_back_does_not_revive_an_old_answer_but_brings_a_new_one(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "hello").await;
    world.model.inject(ModelFault::DelayFirst(Duration::from_millis(300)));
    let turn = world.claim_one(&engine).await;
    let running = world.begin_turn(&engine, turn).await;
    world.give_control(Control::Human).await;
    world.give_control(Control::Ai).await;
    running.await.unwrap();

    assert_eq!(world.said().await, ["customer: hello"], "the old answer was stored");
    assert_eq!(world.count("turn.discarded").await, 1);
    assert_eq!(world.answer(&engine).await, 1, "the customer waits for ever");
    assert_eq!(world.said().await, ["customer: hello", "assistant: You said: hello"]);
    assert_eq!((world.turns().await, world.model.request_count()), (0, 2));
}

#[on_every_db]
async fn a_human_who_has_taken_over_before_the_turn_costs_no_model(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "hello").await;
    world.give_control(Control::Waiting).await;
    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!((world.turns().await, world.model.request_count()), (0, 0));
    assert_eq!(world.said().await, ["customer: hello"]);
}

#[on_every_db]
async fn a_model_that_fails_is_apologised_for(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    for fault in [ModelFault::status(500), ModelFault::BreakAfter(1)] {
        world.model.inject(fault);
    }
    world.say(&engine, &line, 7, "hello").await;
    world.answer(&engine).await;

    let reply = world.messages().await.pop().unwrap();
    assert_eq!(reply.text, "Something is broken.");
    assert_eq!(reply.answer.unwrap().outcome, Outcome::Fallback);
    assert_eq!((world.turns().await, world.waiting().await), (0, 1));
}

#[on_every_db]
async fn what_is_no_answer_becomes_the_text_for_the_unknown(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    for nothing in ["[[no-answer]]", "\"[[No-answer]].\"", "\u{200b}\u{200b}", "\u{1}\u{2}"] {
        world.model.answer(move |_| Answer::text(nothing));
        world.say(&engine, &line, 7, "hello").await;
        assert_eq!(world.answer(&engine).await, 1, "{nothing:?}");
        let reply = world.messages().await.pop().unwrap();
        assert_eq!(reply.text, "I do not know.", "{nothing:?}");
        assert_eq!(reply.answer.unwrap().outcome, Outcome::Unknown, "{nothing:?}");
    }
    assert_eq!((world.turns().await, world.waiting().await), (0, 4));
}

#[on_every_db]
async fn a_character_that_no_database_takes_does_not_lose_the_answer(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.model.answer(|_| Answer::text("We open at 9\0.\r\n\tDaily."));
    world.say(&engine, &line, 7, "hello").await;
    world.answer(&engine).await;

    let reply = world.messages().await.pop().unwrap();
    assert_eq!(reply.text, "We open at 9.\n\tDaily.");
    assert_eq!(world.model.request_count(), 1);
}

#[on_every_db]
async fn after_too_many_attempts_the_customer_gets_an_apology(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine_with(|settings| settings.turn_attempts = 2).await;
    world.say(&engine, &line, 7, "hello").await;
    for _ in 0..2 {
        let dead = world.engine().await;
        world.claim_one(&dead).await;
        world.bury(&dead).await;
    }
    assert_eq!(world.claim_and_count(&engine).await, 3);

    let reply = world.messages().await.pop().unwrap();
    assert_eq!(reply.text, "Something is broken.");
    assert_eq!(reply.answer.unwrap().outcome, Outcome::Fallback);
    assert_eq!((world.turns().await, world.model.request_count()), (0, 0));

    world.say(&engine, &line, 7, "again").await;
    assert_eq!(world.claim_and_count(&engine).await, 1, "the next turn begins anew");
    assert_eq!(world.said().await.last().unwrap(), "assistant: You said: again");
}

/// The window reaches beyond the end of time, which panics when the turn is handed back for more.
#[on_every_db]
async fn a_turn_that_panics_is_handed_back(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let sane = world.engine().await;
    let broken = world.engine_with(|settings| settings.window = Duration::MAX).await;
    world.say(&sane, &line, 7, "one").await;
    world.model.inject(ModelFault::DelayFirst(Duration::from_millis(300)));
    let working = Working::turns(&broken);
    eventually("the model to be asked", async || (world.model.request_count() > 0).then_some(()))
        .await;
    world.say(&sane, &line, 7, "two").await;
    eventually("the turn to be run again", async || (world.turns().await == 0).then_some(())).await;

    working.stop().await;
    let said = ["customer: one", "customer: two", "assistant: You said: one\ntwo"];
    assert_eq!(world.said().await, said);
    assert_eq!(world.count("turn.started").await, 2);
}

#[on_every_db]
async fn a_deleted_bot_ends_its_turns_in_silence(db: &TestDb) {
    let world = World::open(db).await;
    let engine = world.engine().await;
    let early = world.line().await;
    let late = world.line().await;
    world.say(&engine, &early, 7, "before").await;
    delete(&world, &early).await;
    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!(world.model.request_count(), 0);

    world.say(&engine, &late, 8, "meanwhile").await;
    world.model.inject(ModelFault::DelayFirst(Duration::from_millis(300)));
    let turn = world.claim_one(&engine).await;
    let running = world.begin_turn(&engine, turn).await;
    delete(&world, &late).await;
    running.await.unwrap();

    assert_eq!((world.turns().await, world.waiting().await), (0, 0));
    assert_eq!(world.count("reply.settled").await, 0, "a reply that can never be sent");
}

async fn delete(world: &World<'_>, line: &crate::given::Line) {
    let mut tx = world.db.db.begin().await.unwrap();
    let channel = fixtures::channel_of(&line.bot);
    let by = replyx_core::act::Actor::command_line();
    tx.apply(channel.delete(&by, world.clock.now())).await.unwrap();
    tx.commit().await.unwrap();
}

#[on_every_db]
async fn an_answer_rests_on_the_passages_of_a_document(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let (document, passage) =
        world.learn("delivery.md", "Delivery > Abroad", "Delivery to Norway takes 5 days.").await;
    world.say(&engine, &line, 7, "How long is delivery to Norway?").await;
    world.answer(&engine).await;
    world.say(&engine, &line, 7, "Who won the cup?").await;
    world.answer(&engine).await;

    let messages = world.messages().await;
    assert_eq!(messages[1].text, "Delivery to Norway takes 5 days.");
    let cited = &messages[1].answer.as_ref().unwrap().citations;
    assert_eq!(cited.len(), 1);
    assert_eq!((cited[0].document_id, cited[0].passage_id), (document, passage));
    assert_eq!(cited[0].title, "delivery.md > Delivery > Abroad");
    assert!(messages[3].answer.as_ref().unwrap().citations.is_empty());
    let requests = world.model.requests();
    let roles: Vec<_> = requests[1].messages.iter().map(|m| m.role.as_str()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"], "the dialog is remembered");
    world.assert_manners();
}

#[on_every_db]
async fn a_stop_waits_for_the_turns_that_run_and_begins_no_others(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let hold = Hold::default();
    world.model.inject(ModelFault::Hold(hold.clone()));
    world.say(&engine, &line, 7, "one").await;
    let working = Working::turns(&engine);
    hold.reached().await;
    let mut stopping = Box::pin(working.stop());
    assert!(poll!(&mut stopping).is_pending(), "the turn was not waited for");
    world.say(&engine, &line, 7, "two").await;
    hold.release();
    stopping.await;

    let said = ["customer: one", "customer: two", "assistant: You said: one"];
    assert_eq!(world.said().await, said);
    assert_eq!(world.answer(&engine).await, 1, "the next turn is nobody's yet");
}

impl World<'_> {
    /// Runs the only turn that is due, and says how often it has been taken on.
    async fn claim_and_count(&self, engine: &Arc<replyx_engine::Engine>) -> i64 {
        let turn = self.claim_one(engine).await;
        turn::run(engine, turn).await;
        turn.attempts
    }
}

#[on_every_db]
async fn a_turn_taken_on_before_its_workspace_was_suspended_answers_nobody_until_it_is_resumed(
    db: &TestDb,
) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let suspend = async |since| {
        let mut tx = db.db.begin().await.unwrap();
        let found = tx.system().workspaces().lock(world.workspace).await.unwrap();
        let workspace = Workspace { suspended_at: since, ..found.unwrap() };
        if since.is_some() {
            tx.apply(fixtures::unexplained(workspace)).await.unwrap();
        } else {
            tx.apply(fixtures::unexplained(ResumedWorkspace(workspace))).await.unwrap();
        }
        tx.commit().await.unwrap();
    };
    world.say(&engine, &line, 7, "When do you open?").await;
    let turn = world.claim_one(&engine).await;

    suspend(Some(world.clock.now())).await;
    turn::run(&engine, turn).await;
    assert_eq!(world.model.request_count(), 0);
    assert_eq!(world.messages().await.len(), 1);
    assert_eq!(world.turns().await, 1, "it waits");
    assert_eq!(world.answer(&engine).await, 0);

    suspend(None).await;
    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!(world.model.request_count(), 1);
    assert_eq!(world.messages().await.len(), 2);
}
