use replyx_core::{
    change::{Deleted, New},
    evaluation::{Metrics, QuestionResult, QuestionSet, Run, RunStatus},
    fixtures::unexplained,
    money::Money,
    page::PageRequest,
    rules::{assistant::QuestionSetContent, run::MeasuredRun},
};
use replyx_storage::{Db, on_every_db, testing::TestDb};

use crate::given::{self, Tenant, at};

/// A run of the tenant's set that has this status.
fn a_run(tenant: &Tenant, hash: &str, answers: bool, status: RunStatus) -> Run {
    Run { settings_hash: hash.to_owned(), answers, status, ..given::run(&tenant.set) }
}

/// Runs of these kinds, oldest first: ids of one millisecond have no order.
fn in_order(mut runs: Vec<Run>) -> Vec<Run> {
    let mut ids: Vec<_> = runs.iter().map(|run| run.id).collect();
    ids.sort_unstable();
    runs.iter_mut().zip(ids).for_each(|(run, id)| run.id = id);
    runs
}

async fn store(db: &Db, run: &Run) {
    commit!(db, |tx| tx.apply(unexplained(New(run.clone()))));
}

async fn with_set(db: &Db) -> Tenant {
    let tenant = given::tenant(db).await;
    let set = &tenant.set;
    let questions = given::questions();
    let content = QuestionSetContent { set: set.clone(), questions: Some(&questions) };
    commit!(db, |tx| tx.apply(unexplained(New(content))));
    tenant
}

async fn left(db: &Db, tenant: &Tenant) -> Vec<Run> {
    let page = PageRequest::new(Some(200), None);
    read!(db, |tx| tx.workspace(tenant.id).runs().list(tenant.set.id, page)).items
}

#[on_every_db]
async fn a_run_comes_back_as_it_was_stored_with_what_it_measured(home: &TestDb) {
    let db = &home.db;
    let tenant = with_set(&home.db).await;
    let mut run = a_run(&tenant, "a", true, RunStatus::Queued);
    store(db, &run).await;
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).runs().find(run.id)), Some(run.clone()));
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).runs().results(run.id)), None);
    let results = [QuestionResult {
        question: "Сколько?".to_owned(),
        rank: Some(2),
        found: vec!["цены.md".to_owned()],
        answer: Some("300 ₽".to_owned()),
        contained: Some(true),
        declined: Some(false),
        right: Some(true),
    }];
    run.status = RunStatus::Done;
    run.done = 1;
    run.metrics = Some(Metrics {
        questions: 1,
        recall_1: Some(1.0 / 3.0),
        cost: Money::from_micros(7),
        ..Metrics::default()
    });
    run.finished_at = Some(at(9));
    let measured = MeasuredRun { run: run.clone(), results: results.to_vec() };
    commit!(db, |tx| tx.apply(unexplained(measured)));
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).runs().find(run.id)), Some(run.clone()));
    let saved = read!(db, |tx| tx.workspace(tenant.id).runs().results(run.id)).unwrap();
    assert_eq!(saved, results);
    // A process that was taken for dead and wakes up changes nothing.
    let late = Run {
        status: RunStatus::Running,
        done: 0,
        metrics: None,
        finished_at: None,
        ..run.clone()
    };
    let mut tx = db.begin().await.unwrap();
    assert!(tx.apply(unexplained(late)).await.is_err());
    drop(tx);
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).runs().find(run.id)), Some(run.clone()));
    let kept = read!(db, |tx| tx.workspace(tenant.id).runs().results(run.id));
    assert_eq!(kept.unwrap(), results);
}

#[on_every_db]
async fn the_gate_finds_the_newest_run_of_its_settings_behind_any_number_of_others(home: &TestDb) {
    let db = &home.db;
    let tenant = with_set(&home.db).await;
    let kinds = [true, false, true, false];
    let runs = kinds.map(|answers| a_run(&tenant, "a", answers, RunStatus::Done));
    let runs = in_order(runs.into());
    for run in &runs {
        store(db, run).await;
    }
    let mut tx = db.begin().await.unwrap();
    for number in 0..250 {
        let status = [RunStatus::Done, RunStatus::Failed][number % 2];
        let other = a_run(&tenant, "b", true, status);
        tx.apply(unexplained(New(other))).await.unwrap();
    }
    for status in [RunStatus::Queued, RunStatus::Running, RunStatus::Failed] {
        let unfit = a_run(&tenant, "a", true, status);
        tx.apply(unexplained(New(unfit))).await.unwrap();
    }
    tx.commit().await.unwrap();
    let set = tenant.set.id;
    let newest = async |workspace, hash: &str| {
        read!(db, |tx| tx.workspace(workspace).runs().newest_with_answers(set, hash))
    };
    // The one after it has no answers.
    assert_eq!(newest(tenant.id, "a").await.map(|run| run.id), Some(runs[2].id));
    let none = newest(tenant.id, "c").await;
    assert_eq!(none, None);
    let other = given::tenant(db).await;
    let none = newest(other.id, "a").await;
    assert_eq!(none, None, "of another workspace");
}

#[on_every_db]
async fn the_oldest_runs_that_have_ended_make_room(home: &TestDb) {
    let db = &home.db;
    let tenant = with_set(&home.db).await;
    let statuses = [
        RunStatus::Running,
        RunStatus::Done,
        RunStatus::Queued,
        RunStatus::Failed,
        RunStatus::Done,
        RunStatus::Done,
    ];
    let runs = in_order(statuses.map(|status| a_run(&tenant, "a", true, status)).into());
    for run in &runs {
        store(db, run).await;
    }
    let other = with_set(db).await;
    store(db, &a_run(&other, "a", true, RunStatus::Done)).await;
    let set = tenant.set.id;
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).runs().unfinished(set)), 2);
    assert_eq!(commit!(db, |tx| tx.workspace(other.id).runs().prune(set, 0)), 0, "not theirs");
    assert_eq!(commit!(db, |tx| tx.workspace(tenant.id).runs().prune(set, 6)), 0);
    assert_eq!(commit!(db, |tx| tx.workspace(tenant.id).runs().prune(set, 4)), 2);
    let ids: Vec<_> = left(db, &tenant).await.iter().map(|run| run.id).collect();
    assert_eq!(ids, [5, 4, 2, 0].map(|at| runs[at].id));
    assert_eq!(
        commit!(db, |tx| tx.workspace(tenant.id).runs().prune(set, 0)),
        2,
        "two have not ended"
    );
    let ids: Vec<_> = left(db, &tenant).await.iter().map(|run| run.id).collect();
    assert_eq!(ids, [2, 0].map(|at| runs[at].id));
    assert_eq!(left(db, &other).await.len(), 1);
}

#[on_every_db]
async fn a_set_goes_with_its_runs_and_nothing_is_written_of_a_run_that_is_gone(home: &TestDb) {
    let db = &home.db;
    let tenant = with_set(&home.db).await;
    let run = a_run(&tenant, "a", true, RunStatus::Running);
    store(db, &run).await;
    let stranger = given::tenant(db).await;
    let elsewhere = QuestionSet { workspace_id: stranger.id, ..tenant.set.clone() };
    let mut tx = db.begin().await.unwrap();
    assert!(tx.apply(unexplained(Deleted(elsewhere))).await.is_err());
    drop(tx);
    commit!(db, |tx| tx.apply(unexplained(Deleted(tenant.set.clone()))));
    let mut tx = db.begin().await.unwrap();
    assert!(tx.apply(unexplained(Deleted(tenant.set.clone()))).await.is_err(), "it is gone");
    drop(tx);
    assert_eq!(left(db, &tenant).await, []);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(tx.workspace(tenant.id).runs().lock(run.id).await.unwrap(), None);
    assert!(tx.apply(unexplained(MeasuredRun { run, results: Vec::new() })).await.is_err());
    drop(tx);
    let questions =
        read!(db, |tx| tx.workspace(tenant.id).question_sets().questions(tenant.set.id));
    assert_eq!(questions, []);
}
