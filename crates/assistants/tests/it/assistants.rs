use std::time::Duration;

use replyx_assistants::{
    assistants::{self, DraftChange, GateClosed, PublishError, UpdateError},
    evaluation::{self, Measure, MeasuredSettings, NewRun},
};
use replyx_core::{
    actor::Caller,
    assistant::{Assistant, Gate},
    evaluation::{Metrics, Question},
    ids::{QuestionSetId, RunId},
    patch::Patch,
};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::World;

#[on_every_db]
async fn a_draft_is_published_and_rolled_back_and_the_log_tells_it(home: &TestDb) {
    let world = World::on(home);
    let caller = world.caller().await;
    let ada = world.assistant(&caller).await;
    let change = DraftChange { greeting: Patch::Set("Hi".to_owned()), ..DraftChange::default() };
    let draft = assistants::update(world.cx(), &caller, ada.id, change, |_| true).await.unwrap();
    assert_eq!((draft.version, draft.published), (2, 1));

    let version = assistants::publish(world.cx(), &caller, ada.id, "new words").await.unwrap();
    assert_eq!((version.number, version.note.as_str()), (2, "new words"));
    assert_eq!(version.settings.greeting.as_deref(), Some("Hi"));
    assert_eq!(version.created_by, "the shop's key");
    let first = assistants::roll_back(world.cx(), &caller, ada.id, 1).await.unwrap();
    assert_eq!((first.number, first.settings.greeting), (1, None));
    // It answers already: nothing is done.
    assistants::roll_back(world.cx(), &caller, ada.id, 1).await.unwrap();

    let acts = ["created", "updated", "published", "rolled_back"];
    assert_eq!(world.acts(&caller).await, acts.map(|act| format!("assistant.{act}")));
}

#[on_every_db]
async fn a_draft_that_somebody_else_has_changed_stays_as_it_is(home: &TestDb) {
    let world = World::on(home);
    let caller = world.caller().await;
    let ada = world.assistant(&caller).await;
    let change = DraftChange { name: Some("Bob".to_owned()), ..DraftChange::default() };
    let refused =
        assistants::update(world.cx(), &caller, ada.id, change, |draft| draft.version != 1).await;

    assert!(matches!(refused, Err(UpdateError::Changed)), "{refused:?}");
    let mut tx = world.db.read().await.unwrap();
    let found = tx.workspace(caller.workspace_id).assistants().find(ada.id).await.unwrap();
    assert_eq!(found, Some(ada));
}

#[on_every_db]
async fn a_gate_opens_for_a_draft_that_was_measured_and_is_no_worse(home: &TestDb) {
    let world = World::on(home);
    let caller = world.caller().await;
    let ada = world.assistant(&caller).await;
    let question = Question {
        question: "How long may I return an item?".to_owned(),
        documents: Vec::new(),
        document_names: Vec::new(),
        passages: Vec::new(),
        answers: vec!["30 days".to_owned()],
    };
    let set =
        evaluation::create_set(world.cx(), &caller, ada.id, "Returns", &[question]).await.unwrap();
    let gate = Patch::Set(Gate { set_id: set.id, tolerance: 0.0 });
    let gated = DraftChange { gate, ..DraftChange::default() };
    assistants::update(world.cx(), &caller, ada.id, gated, |_| true).await.unwrap();
    let greeted = DraftChange { greeting: Patch::Set("Hi".to_owned()), ..DraftChange::default() };
    assistants::update(world.cx(), &caller, ada.id, greeted, |_| true).await.unwrap();
    assert!(matches!(publish(&world, &caller, &ada).await, Err(GateClosed::Unmeasured(_))));

    measured(&world, &caller, set.id, MeasuredSettings::Draft, 0.5).await;
    assert!(matches!(publish(&world, &caller, &ada).await, Err(GateClosed::Unmeasured(_))));
    measured(&world, &caller, set.id, MeasuredSettings::Version(1), 0.6).await;
    let Err(GateClosed::Regressed(worse)) = publish(&world, &caller, &ada).await else {
        panic!("a draft that does worse was published")
    };
    assert!(worse.contains("fell from 0.600 to 0.500"), "{worse}");

    let run = measured(&world, &caller, set.id, MeasuredSettings::Draft, 0.6).await;
    assert_eq!(publish(&world, &caller, &ada).await, Ok(Some(run)));
}

async fn publish(
    world: &World<'_>,
    caller: &Caller,
    assistant: &Assistant,
) -> Result<Option<RunId>, GateClosed> {
    match assistants::publish(world.cx(), caller, assistant.id, "").await {
        Ok(version) => Ok(version.run_id),
        Err(PublishError::Gate(closed)) => Err(closed),
        Err(other) => panic!("{other}"),
    }
}

/// A run that has ended, with this recall.
async fn measured(
    world: &World<'_>,
    caller: &Caller,
    set: QuestionSetId,
    subject: MeasuredSettings,
    recall: f64,
) -> RunId {
    world.clock.advance(Duration::from_secs(1));
    let new = NewRun { subject, measure: Measure::SearchAndAnswers };
    let run = evaluation::start_run(world.cx(), caller, set, new).await.unwrap();
    let id = run.id;
    let metrics = Metrics { recall_1: Some(recall), searchable: 10, ..Metrics::default() };
    let change = run.finish(metrics, Vec::new(), world.clock.now()).unwrap();
    let mut tx = world.db.begin().await.unwrap();
    tx.apply(change).await.unwrap();
    tx.commit().await.unwrap();
    id
}
