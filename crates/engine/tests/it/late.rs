//! No model answers, and is back later: the customer gets the fallback text once, and the answer
//! once, if they still wait for it. Two engines are two processes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use replyx_core::{
    clock::Clock,
    dialog::Control,
    fixtures,
    message::{AnswerMeta, Outcome},
    role::Role,
    rules::workspace::ResumedWorkspace,
    workspace::Workspace,
};
use replyx_engine::{
    Engine, control,
    replies::{self, NewReply},
    turn,
};
use replyx_llm::AdmissionLimits;
use replyx_storage::{on_every_db, testing::TestDb};
use replyx_testkit::{Hold, openai::ModelFault};

use crate::given::{Line, World, eventually, start};

const FALLBACK: &str = "assistant: Something is broken.";

/// A world whose assistant answers late for so many minutes.
async fn patient(db: &TestDb, minutes: i64) -> World<'_> {
    let world = World::with_clock(db, Clock::manual(start())).await;
    world.publish(|settings| settings.late_answer_minutes = minutes).await;
    world
}

impl World<'_> {
    /// The provider fails from now on.
    fn fail(&self) {
        for _ in 0..100 {
            self.model.inject(ModelFault::status(500));
        }
    }

    /// A customer asks while no model answers.
    async fn ask_in_vain(&self, engine: &Engine, line: &Line) {
        self.fail();
        self.say(engine, line, 7, "hello").await;
        assert_eq!(self.answer(engine).await, 1);
        assert_eq!(self.said().await, ["customer: hello", FALLBACK]);
    }

    /// Some minutes pass, and what became due is run.
    async fn pass(&self, engine: &Engine, minutes: u32) -> usize {
        let mut turns = 0;
        for _ in 0..minutes * 2 {
            self.clock.advance(Duration::from_secs(30));
            turns += self.answer(engine).await;
        }
        turns
    }

    async fn suspend(&self, since: Option<DateTime<Utc>>) {
        let mut tx = self.db.db.begin().await.unwrap();
        let found = tx.system().workspaces().lock(self.workspace).await.unwrap();
        let workspace = Workspace { suspended_at: since, ..found.unwrap() };
        if since.is_some() {
            tx.apply(fixtures::unexplained(workspace)).await.unwrap();
        } else {
            tx.apply(fixtures::unexplained(ResumedWorkspace(workspace))).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// How the last reply was made.
    async fn last(&self) -> AnswerMeta {
        self.messages().await.pop().unwrap().answer.unwrap()
    }

    /// How many answers of today count towards the customer's limit.
    async fn counted(&self) -> i64 {
        let contact = self.dialog().await.contact_id;
        let mut tx = self.db.db.read().await.unwrap();
        let today = self.clock.now().date_naive();
        tx.workspace(self.workspace).contacts().day(contact, today).await.unwrap().answers
    }
}

#[on_every_db]
async fn a_model_that_is_back_answers_what_it_was_asked_once(db: &TestDb) {
    let world = patient(db, 10).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.ask_in_vain(&engine, &line).await;
    assert!(world.pass(&engine, 2).await > 0, "it was not asked again");
    assert_eq!(world.said().await, ["customer: hello", FALLBACK], "something was said again");

    world.model.clear_faults();
    // The first process leaves the provider alone for a while, by the machine's clock.
    let engine = world.engine().await;
    world.pass(&engine, 4).await;
    assert_eq!(world.said().await, ["customer: hello", FALLBACK, "assistant: You said: hello"]);
    let last = world.last().await;
    assert_eq!((last.outcome, last.late), (Outcome::Answered, true));
    assert_eq!((world.turns().await, world.waiting().await), (0, 2));
    assert_eq!(world.count("reply.settled").await, 2);
    assert_eq!(world.counted().await, 1, "it was counted twice");

    assert_eq!(world.pass(&engine, 10).await, 0);
    world.say(&engine, &line, 7, "more").await;
    world.answer(&engine).await;
    assert_eq!(world.said().await.last().unwrap(), "assistant: You said: more");
    assert!(!world.last().await.late);
}

#[on_every_db]
async fn a_model_that_is_away_too_long_is_not_asked_any_more(db: &TestDb) {
    let world = patient(db, 3).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.ask_in_vain(&engine, &line).await;
    assert!(world.pass(&engine, 3).await > 0, "it was not asked again");
    assert_eq!(world.turns().await, 0, "it still waits");

    world.model.clear_faults();
    assert_eq!(world.pass(&engine, 10).await, 0);
    assert_eq!(world.said().await, ["customer: hello", FALLBACK]);
}

/// The process was away, too: the turn is claimed when its time is over.
#[on_every_db]
async fn an_answer_that_would_come_too_late_is_not_asked_for(db: &TestDb) {
    let world = patient(db, 3).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.ask_in_vain(&engine, &line).await;
    world.model.clear_faults();
    let asked = world.model.request_count();

    world.clock.advance(Duration::from_mins(3));
    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!((world.turns().await, world.model.request_count()), (0, asked));
    assert_eq!(world.said().await, ["customer: hello", FALLBACK]);
}

#[on_every_db]
async fn what_the_customer_writes_in_the_meantime_is_answered_instead(db: &TestDb) {
    let world = patient(db, 10).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.ask_in_vain(&engine, &line).await;
    world.model.clear_faults();
    world.clock.advance(Duration::from_secs(1));
    world.say(&engine, &line, 7, "anybody?").await;

    assert_eq!(world.answer(&engine).await, 1, "it waits for the late answer");
    let said = ["customer: hello", FALLBACK, "customer: anybody?", "assistant: You said: anybody?"];
    assert_eq!(world.said().await, said);
    assert_eq!(world.turns().await, 0);
    assert_eq!(world.pass(&engine, 10).await, 0);
    assert_eq!(world.said().await, said);
}

#[on_every_db]
async fn a_late_answer_that_the_customer_did_not_wait_for_is_discarded(db: &TestDb) {
    let world = patient(db, 10).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.ask_in_vain(&engine, &line).await;
    world.model.clear_faults();
    let hold = Hold::default();
    world.model.inject(ModelFault::Hold(hold.clone()));
    world.clock.advance(Duration::from_mins(1));
    let turn = world.claim_one(&engine).await;
    let running = world.begin_turn(&engine, turn).await;

    world.say(&engine, &line, 7, "anybody?").await;
    hold.release();
    running.await.unwrap();
    assert_eq!(world.count("turn.discarded").await, 1);
    assert_eq!(world.answer(&engine).await, 1, "the customer's words are not answered");
    assert_eq!(
        world.said().await,
        ["customer: hello", FALLBACK, "customer: anybody?", "assistant: You said: anybody?"]
    );
    assert_eq!(world.turns().await, 0);
}

#[on_every_db]
async fn nothing_follows_what_an_operator_has_answered(db: &TestDb) {
    let world = patient(db, 10).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let kim = world.member("Kim", Role::Operator).await;
    world.ask_in_vain(&engine, &line).await;
    world.model.clear_faults();
    let asked = world.model.request_count();
    let dialog = world.dialog().await.id;
    let words = NewReply {
        client_id: "1".to_owned(),
        text: "Hello, this is Kim.".to_owned(),
        epoch: None,
        seen_seq: None,
        files: Vec::new(),
        documents: Vec::new(),
    };
    replies::reply(&engine, &kim, dialog, &words).await.unwrap();
    control::release(&engine, &kim, dialog).await.unwrap();

    assert_eq!(world.pass(&engine, 2).await, 1);
    assert_eq!((world.turns().await, world.model.request_count()), (0, asked));
    assert_eq!(world.said().await, ["customer: hello", FALLBACK, "operator: Hello, this is Kim."]);
}

#[on_every_db]
async fn a_takeover_ends_the_wait_and_one_without_words_that_is_over_does_not(db: &TestDb) {
    for back in [false, true] {
        let world = patient(db, 10).await;
        let line = world.line().await;
        let engine = world.engine().await;
        world.ask_in_vain(&engine, &line).await;
        world.model.clear_faults();
        world.give_control(Control::Human).await;
        if back {
            world.give_control(Control::Ai).await;
        }

        world.pass(&engine, 2).await;
        let said = world.said().await;
        assert_eq!(said.contains(&"assistant: You said: hello".to_owned()), back, "{said:?}");
        assert_eq!(world.turns().await, 0);
    }
}

#[on_every_db]
async fn a_takeover_while_a_late_answer_is_written_silences_it(db: &TestDb) {
    let world = patient(db, 10).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.ask_in_vain(&engine, &line).await;
    world.model.clear_faults();
    let hold = Hold::default();
    world.model.inject(ModelFault::Hold(hold.clone()));
    world.clock.advance(Duration::from_mins(1));
    let turn = world.claim_one(&engine).await;
    let running = world.begin_turn(&engine, turn).await;

    world.give_control(Control::Human).await;
    hold.release();
    running.await.unwrap();
    assert_eq!(world.said().await, ["customer: hello", FALLBACK]);
    assert_eq!((world.turns().await, world.count("turn.discarded").await), (0, 1));
}

#[on_every_db]
async fn another_process_answers_late_for_one_that_died(db: &TestDb) {
    let world = patient(db, 10).await;
    let line = world.line().await;
    let dead = world.engine().await;
    let alive = world.engine().await;
    world.ask_in_vain(&dead, &line).await;
    world.model.clear_faults();
    world.clock.advance(Duration::from_mins(1));
    let hold = Hold::default();
    world.model.inject(ModelFault::Hold(hold.clone()));
    let turn = world.claim_one(&dead).await;
    let running = world.begin_turn(&dead, turn).await;
    assert_eq!(world.answer(&alive).await, 0, "a turn was taken from the living");

    world.bury(&dead).await;
    assert_eq!(world.answer(&alive).await, 1);
    let said = ["customer: hello", FALLBACK, "assistant: You said: hello"];
    assert_eq!(world.said().await, said);
    // It was only slow, and comes too late.
    hold.release();
    running.await.unwrap();
    assert_eq!(world.said().await, said);
    assert_eq!((world.turns().await, world.waiting().await), (0, 2));
    assert!(world.last().await.late);
}

#[on_every_db]
async fn a_question_that_ends_processes_is_not_asked_without_end(db: &TestDb) {
    let world = patient(db, 1_440).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.ask_in_vain(&engine, &line).await;
    world.clock.advance(Duration::from_mins(1));
    for _ in 0..3 {
        let dead = world.engine().await;
        assert!(world.claim_one(&dead).await.late.is_some());
        world.bury(&dead).await;
    }

    let asked = world.model.request_count();
    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!((world.turns().await, world.model.request_count()), (0, asked));
}

#[on_every_db]
async fn what_no_model_was_free_for_is_answered_late_as_well(db: &TestDb) {
    let mut world = patient(db, 10).await;
    world.admission = AdmissionLimits {
        provider: 1,
        workspace: 1,
        wait: Duration::ZERO,
        queue: 1,
        workspace_queue: 1,
    };
    let line = world.line().await;
    let engine = world.engine_with(|settings| settings.turn_attempts = 1).await;
    world.model.inject(ModelFault::Hang);
    world.say(&engine, &line, 8, "occupied").await;
    let turn = world.claim_one(&engine).await;
    let occupied = world.begin_turn(&engine, turn).await;
    world.say(&engine, &line, 7, "hello").await;
    assert_eq!(world.pass(&engine, 1).await, 2, "one try, and the fallback text");
    assert_eq!(world.waiting().await, 1);

    occupied.abort();
    occupied.await.unwrap_err();
    eventually("the late answer", async || {
        world.pass(&engine, 1).await;
        (world.waiting().await == 2).then_some(())
    })
    .await;
}

#[on_every_db]
async fn without_the_setting_nothing_follows_the_fallback_text(db: &TestDb) {
    let world = patient(db, 0).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.ask_in_vain(&engine, &line).await;
    world.model.clear_faults();
    assert_eq!(world.turns().await, 0);
    assert_eq!(world.pass(&engine, 20).await, 0);
}

#[on_every_db]
async fn a_suspended_workspace_keeps_what_is_to_be_answered_late(db: &TestDb) {
    let world = patient(db, 10).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.ask_in_vain(&engine, &line).await;
    world.model.clear_faults();
    world.clock.advance(Duration::from_mins(1));
    let claimed = world.claim_one(&engine).await;
    world.suspend(Some(start())).await;
    turn::run(&engine, claimed).await;
    assert_eq!((world.turns().await, world.waiting().await), (1, 1));

    world.suspend(None).await;
    assert_eq!(world.pass(&engine, 1).await, 1);
    assert!(world.last().await.late);
}
