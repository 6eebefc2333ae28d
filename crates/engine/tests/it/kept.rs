//! Answers kept: the same first question of another customer costs no model, and whatever differs
//! does.

use std::time::Duration;

use replyx_core::{
    assistant::Unverified,
    clock::Clock,
    ids::{DocumentId, MessageId},
    message::{AnswerMeta, CheckOutcome, Outcome},
    money::Money,
};
use replyx_engine::{
    Engine,
    preview::{self, PreviewRequest, PreviewVersion},
};
use replyx_storage::{on_every_db, testing::TestDb};
use replyx_testkit::openai::Answer;

use crate::given::{Line, World, start};

const FACT: &str = "Delivery to Norway takes 5 days and costs 20 euros.";
const QUESTION: &str = "How long is delivery to Norway?";

/// A world whose answers are checked, and rest on one document.
async fn founded(db: &TestDb) -> (World<'_>, DocumentId) {
    let world = World::with_clock(db, Clock::manual(start())).await;
    world
        .publish(|settings| {
            settings.check_answers = true;
            settings.unverified = Unverified::Unknown;
        })
        .await;
    let (document, _) = world.learn("delivery.md", "", FACT).await;
    world.model.answer(|_| Answer::text("It takes 5 days [1].").costing(1_000, 100));
    (world, document)
}

impl World<'_> {
    /// The replies to all customers.
    async fn replies(&self) -> Vec<(MessageId, String, AnswerMeta)> {
        let mut replies = Vec::new();
        for dialog in self.dialogs().await {
            let messages = self.messages_of(&dialog).await.into_iter();
            replies.extend(
                messages.filter_map(|message| Some((message.id, message.text, message.answer?))),
            );
        }
        replies
    }

    /// A customer asks, and is answered: how, and with how many calls of the model.
    async fn ask(&self, engine: &Engine, line: &Line, chat: i64, text: &str) -> (AnswerMeta, u64) {
        let before = self.model.request_count();
        let known: Vec<MessageId> = self.replies().await.into_iter().map(|(id, ..)| id).collect();
        self.say(engine, line, chat, text).await;
        assert_eq!(self.answer(engine).await, 1);

        let mut replies = self.replies().await;
        replies.retain(|(id, ..)| !known.contains(id));
        assert_eq!(replies.len(), 1, "{replies:?}");
        let (_, said, meta) = replies.remove(0);
        if meta.kept {
            assert_eq!(said, "It takes 5 days.");
        }
        (meta, self.model.request_count() - before)
    }

    /// What the assistant knows has changed.
    async fn change(&self, document: DocumentId) {
        let mut tx = self.db.db.begin().await.unwrap();
        tx.workspace(self.workspace).knowledge().changed(document).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[on_every_db]
async fn the_same_first_question_is_answered_without_a_model(db: &TestDb) {
    let (world, _) = founded(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let (first, calls) = world.ask(&engine, &line, 7, QUESTION).await;
    assert_eq!((first.kept, first.check, calls), (false, CheckOutcome::Passed, 1));

    let (again, calls) = world.ask(&engine, &line, 8, "how long is delivery to norway").await;
    assert_eq!((again.kept, again.outcome, calls), (true, Outcome::Answered, 0));
    assert_eq!((again.citations, again.cost), (first.citations, Money::default()));
    assert_eq!((again.check, again.model), (first.check, first.model));
    assert_eq!((again.attempts, again.prompt_tokens), (0, 0));
    assert_eq!(world.spent().await[0].1, 1, "a call that was not made was stored");

    // Another process has it as well, and a second question of a dialog does not ask for it.
    let other = world.engine().await;
    assert_eq!(world.ask(&other, &line, 9, QUESTION).await.1, 0);
    let (second, calls) = world.ask(&engine, &line, 8, QUESTION).await;
    assert_eq!((second.kept, calls > 0), (false, true));
}

#[on_every_db]
async fn other_knowledge_versions_and_words_have_answers_of_their_own(db: &TestDb) {
    let (world, document) = founded(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.ask(&engine, &line, 7, QUESTION).await;
    assert_eq!(world.ask(&engine, &line, 8, "How long does delivery to Norway take?").await.1, 1);

    world.change(document).await;
    assert_eq!(world.ask(&engine, &line, 9, QUESTION).await.1, 1, "of earlier knowledge");
    assert_eq!(world.ask(&engine, &line, 10, QUESTION).await.1, 0);
    world.publish(|settings| "Be brief.".clone_into(&mut settings.system_prompt)).await;
    assert_eq!(world.ask(&engine, &line, 11, QUESTION).await.1, 1, "of an earlier version");
    assert_eq!(world.ask(&engine, &line, 12, QUESTION).await.1, 0);
}

#[on_every_db]
async fn another_workspace_gets_none_of_it(db: &TestDb) {
    let (world, _) = founded(db).await;
    let (stranger, _) = founded(db).await;
    let engine = world.engine().await;
    let theirs = stranger.engine().await;
    world.ask(&engine, &world.line().await, 7, QUESTION).await;
    let line = stranger.line().await;
    let (answer, calls) = stranger.ask(&theirs, &line, 7, QUESTION).await;
    assert_eq!((answer.kept, calls), (false, 1));
}

#[on_every_db]
async fn what_is_declined_unchecked_personal_or_of_the_moment_is_not_kept(db: &TestDb) {
    let (world, _) = founded(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let mut chat = 7;
    for question in [
        "I am Anna, how long is delivery to Norway?",
        "How long is delivery of order 10482 to Norway?",
        "How long is delivery to Norway today?",
    ] {
        for _ in 0..2 {
            chat += 1;
            assert_eq!(world.ask(&engine, &line, chat, question).await.1, 1, "{question}");
        }
    }

    world.model.answer(|_| Answer::text("[[no-answer]]"));
    for _ in 0..2 {
        chat += 1;
        let (declined, calls) = world.ask(&engine, &line, chat, QUESTION).await;
        assert_eq!((declined.outcome, calls), (Outcome::Unknown, 1));
    }

    world.model.answer(|_| Answer::text("It takes 5 days [1]."));
    world.publish(|settings| settings.check_answers = false).await;
    for _ in 0..2 {
        chat += 1;
        assert_eq!(world.ask(&engine, &line, chat, QUESTION).await.1, 1, "it was not checked");
    }
}

#[on_every_db]
async fn an_answer_is_kept_as_long_as_admins_say(db: &TestDb) {
    let (world, _) = founded(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.ask(&engine, &line, 7, QUESTION).await;
    world.clock.advance(Duration::from_hours(23));
    assert_eq!(world.ask(&engine, &line, 8, QUESTION).await.1, 0);
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(world.ask(&engine, &line, 9, QUESTION).await.1, 1, "a day is over");

    world.tune(&engine, "answer_cache_hours", "0").await;
    assert_eq!(world.ask(&engine, &line, 10, QUESTION).await.1, 1, "it is switched off");
    world.tune(&engine, "answer_cache_hours", "1").await;
    assert_eq!(world.ask(&engine, &line, 11, QUESTION).await.1, 0);

    world.clock.advance(Duration::from_hours(25));
    let mut tx = engine.db.begin().await.unwrap();
    let forgotten = tx.system().kept_answers().forget(world.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(forgotten, 1);
}

#[on_every_db]
async fn a_preview_tells_that_the_answer_was_kept_and_keeps_none(db: &TestDb) {
    let (world, _) = founded(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let previewed = async |version: PreviewVersion| {
        let text = QUESTION.to_owned();
        let request = PreviewRequest { text, history: Vec::new(), version };
        let workspace = world.workspace;
        let answered =
            preview::run(&engine, workspace, world.assistant, request, &mut |_| {}).await;
        let answered = answered.unwrap().unwrap();
        assert_eq!(answered.reply.text, "It takes 5 days.");
        (answered.reply.meta.kept, answered.ledger.calls().len())
    };
    assert_eq!(previewed(PreviewVersion::Published).await, (false, 1));
    assert_eq!(world.ask(&engine, &line, 7, QUESTION).await.1, 1, "a preview was kept");

    assert_eq!(previewed(PreviewVersion::Published).await, (true, 0));
    assert_eq!(previewed(PreviewVersion::Draft).await, (false, 1));
}
