//! Previews show what a turn would say, and touch no customer.

use std::time::Duration;

use replyx_core::{
    assistant::Language,
    message::{CheckOutcome, Outcome},
    usage::Purpose,
};
use replyx_engine::{
    context::EarlierMessage,
    preview::{self, PreviewRequest, PreviewVersion},
    turn::Step,
};
use replyx_storage::{on_every_db, testing::TestDb};
use replyx_testkit::openai::{Answer, ModelFault};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use crate::given::{World, assistant};

fn request(text: &str, version: PreviewVersion) -> PreviewRequest {
    PreviewRequest { text: text.to_owned(), history: Vec::new(), version }
}

#[on_every_db]
async fn every_step_of_a_preview_is_shown_and_only_the_cost_is_stored(db: &TestDb) {
    let world = World::open(db).await;
    let engine = world.engine().await;
    world.publish(|settings| settings.check_answers = true).await;
    world.learn("delivery.md", "", "Delivery to Norway takes 5 days.").await;
    world.model.answer(|request| {
        let second = request.messages[0].content.contains("# The answer before");
        let days = if second { 5 } else { 6 };
        Answer::text(format!("It takes {days} days [1].")).costing(1_000, 10)
    });
    let mut shown = Vec::new();
    let mut text = String::new();
    let request = request("How long is delivery to Norway?", PreviewVersion::Published);
    let answered =
        preview::run(&engine, world.workspace, world.assistant, request, &mut |step| match step {
            Step::Text(more) => text.push_str(more),
            Step::Retrieved { found, searched } => {
                assert_eq!(searched, "How long is delivery to Norway?");
                assert!(found.hits[0].score > 0.0);
                shown.push("retrieved".to_owned());
            }
            Step::Prompt(request) => {
                assert!(request.messages[0].content.contains("takes 5 days"));
                shown.push("prompt".to_owned());
            }
            Step::Restarted => {
                text.clear();
                shown.push("restarted".to_owned());
            }
            Step::Checked(outcome, objections) => {
                shown.push(format!("{outcome} {}", objections[0]));
            }
        })
        .await
        .unwrap()
        .unwrap();

    let steps = ["retrieved", "prompt", "restarted", "prompt", "regenerated number: 6 days"];
    assert_eq!(shown, steps);
    assert_eq!(text, "It takes 5 days [1].");
    assert_eq!(answered.reply.text, "It takes 5 days.");
    assert_eq!(answered.reply.meta.check, CheckOutcome::Regenerated);
    assert_eq!(answered.reply.meta.version, Some(2));
    assert_eq!((answered.hits.len(), answered.ledger.calls().len()), (1, 2));
    let spent = world.spent().await;
    assert_eq!(spent, [(Purpose::Preview, 2, 0, answered.ledger.cost().micros())]);
    assert_eq!(world.dialogs().await, []);
    assert_eq!((world.turns().await, world.waiting().await), (0, 0));
    assert_eq!(world.count("reply.settled").await, 0);
}

#[on_every_db]
async fn what_a_preview_cost_is_kept_when_nobody_waits_for_its_end(db: &TestDb) {
    let world = World::open(db).await;
    let engine = world.engine().await;
    world.publish(|settings| settings.check_answers = true).await;
    world.learn("delivery.md", "", "Delivery to Norway takes 5 days.").await;
    world.model.answer(|_| Answer::text("It takes 6 days [1].").costing(1_000, 100));
    let asked = request("How long is delivery to Norway?", PreviewVersion::Published);
    let mut prompts = 0;
    let refused = Notify::new();
    let mut show = |step: Step<'_>| {
        if let Step::Prompt(_) = step {
            prompts += 1;
            if prompts == 2 {
                world.model.inject(ModelFault::Hang);
                refused.notify_one();
            }
        }
    };
    let answer = preview::run(&engine, world.workspace, world.assistant, asked, &mut show);
    tokio::select! {
        _ = answer => panic!("it was not dropped"),
        () = refused.notified() => {}
    }
    let spent = async {
        loop {
            let spent = world.spent().await;
            if !spent.is_empty() {
                return spent;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let spent = timeout(Duration::from_secs(10), spent).await.expect("the costs are kept");
    assert!(matches!(spent[..], [(Purpose::Preview, 1, 0, cost)] if cost > 0), "{spent:?}");
}

#[on_every_db]
async fn a_preview_answers_by_the_version_that_is_asked_for(db: &TestDb) {
    let world = World::open(db).await;
    let engine = world.engine().await;
    world.publish(|settings| settings.unknown_text = Some("Second.".to_owned())).await;
    let mut tx = world.db.db.begin().await.unwrap();
    let found = tx.workspace(world.workspace).assistants().lock(world.assistant).await.unwrap();
    let mut draft = found.unwrap();
    draft.settings.unknown_text = Some("Draft.".to_owned());
    draft.version += 1;
    tx.apply(replyx_core::fixtures::unexplained(draft)).await.unwrap();
    tx.commit().await.unwrap();
    world.model.answer(|_| Answer::text("[[no-answer]]"));

    for (version, said) in [
        (PreviewVersion::Draft, "Draft."),
        (PreviewVersion::Published, "Second."),
        (PreviewVersion::Number(1), "I do not know."),
        (PreviewVersion::Number(2), "Second."),
    ] {
        let request = PreviewRequest {
            history: vec![EarlierMessage {
                seq: 1,
                ours: false,
                text: "Good day to you".to_owned(),
            }],
            ..request("Who won the cup?", version)
        };
        let answered =
            preview::run(&engine, world.workspace, world.assistant, request, &mut |_| {})
                .await
                .unwrap()
                .unwrap();
        assert_eq!(answered.reply.text, said, "{version:?}");
        assert_eq!(answered.reply.meta.outcome, Outcome::Unknown);
    }
    let none = request("x", PreviewVersion::Number(9));
    let none = preview::run(&engine, world.workspace, world.assistant, none, &mut |_| {}).await;
    assert!(none.unwrap().is_none());
    let stranger = world.clock.id();
    let draft = request("x", PreviewVersion::Draft);
    let strange = preview::run(&engine, stranger, world.assistant, draft, &mut |_| {}).await;
    assert!(strange.unwrap().is_none(), "another workspace's assistant");
}

#[on_every_db]
async fn an_evaluation_asks_one_question_by_any_settings(db: &TestDb) {
    let world = World::open(db).await;
    let engine = world.engine().await;
    world.learn("delivery.md", "", "Delivery to Norway takes 5 days.").await;
    let mut settings = assistant();
    settings.language = Language::Russian;
    let answered = preview::answer_once(
        &engine,
        world.workspace,
        world.assistant,
        &settings,
        "How long is delivery to Norway?",
    )
    .await
    .unwrap();
    assert_eq!(answered.reply.text, "Delivery to Norway takes 5 days.");
    assert_eq!(answered.hits.len(), 1);
    let spent = world.spent().await;
    assert_eq!((spent[0].0, spent[0].1), (Purpose::Evaluation, 1));
}
