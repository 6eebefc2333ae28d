use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{JobId, ProcessId},
    job::{Kind, Lane},
};
use replyx_storage::{
    Db,
    fair::Places,
    jobs::ClaimedJob,
    on_every_db,
    testing::{self, TestDb},
};
use serde_json::json;

use crate::given::{self, at, id};

const INDEX: Kind = Kind::light("index");

async fn claim(db: &Db, by: ProcessId, now: DateTime<Utc>, limit: u32) -> Vec<ClaimedJob> {
    commit!(db, |tx| tx.system().jobs().claim(by, now, Lane::Light, Places::of(limit)))
}

async fn given_jobs(db: &Db, count: i64) -> Vec<JobId> {
    let tenant = given::tenant(db).await;
    let mut jobs = Vec::new();
    for number in 0..count {
        let job: JobId = id();
        let payload = json!({ "number": number, "words": ["\"", "ё"] });
        commit!(db, |tx| tx.workspace(tenant.id).jobs().enqueue(job, INDEX, &payload, at(number)));
        jobs.push(job);
    }
    jobs
}

#[on_every_db]
async fn a_job_is_claimed_when_due_and_deleted_when_done(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let job = given_jobs(db, 1).await[0];
    assert!(!read!(db, |tx| tx.system().jobs().any_due(at(-1), Lane::Light)));
    assert!(read!(db, |tx| tx.system().jobs().any_due(at(0), Lane::Light)));
    assert_eq!(claim(db, by, at(-1), 9).await, []);
    let claimed = claim(db, by, at(0), 9).await;
    let payload = json!({ "number": 0, "words": ["\"", "ё"] });
    assert_eq!(
        claimed,
        [ClaimedJob {
            id: job,
            share: claimed[0].share,
            kind: "index".to_owned(),
            payload,
            attempts: 1
        }]
    );
    assert_eq!(claim(db, by, at(99), 9).await, []);
    assert!(!read!(db, |tx| tx.system().jobs().any_due(at(99), Lane::Light)));
    assert_eq!(read!(db, |tx| tx.system().jobs().count(INDEX)), 1);
    commit!(db, |tx| tx.system().jobs().finish(job, by));
    assert_eq!(read!(db, |tx| tx.system().jobs().count(INDEX)), 0);
}

#[on_every_db]
async fn a_failed_job_comes_back_until_it_is_given_up(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let job = given_jobs(db, 1).await[0];
    claim(db, by, at(0), 9).await;
    commit!(db, |tx| tx.system().jobs().fail(job, by, "the disk was full", Some(at(30))));
    assert_eq!(claim(db, by, at(29), 9).await, []);
    assert_eq!(claim(db, by, at(30), 9).await[0].attempts, 2);
    commit!(db, |tx| tx.system().jobs().fail(job, by, "the file is empty", None));
    assert_eq!(claim(db, by, at(9999), 9).await, []);
    let rows = &given::rows(&home.url, None).await["jobs"];
    assert!(rows[0].contains("dead") && rows[0].contains("the file is empty"), "{rows:?}");
    assert_eq!(read!(db, |tx| tx.system().jobs().count(INDEX)), 1);

    // It is forgotten in the end, and those that wait are not.
    given_jobs(db, 2).await;
    assert_eq!(commit!(db, |tx| tx.system().jobs().forget_dead(at(-60))), 0);
    assert_eq!(commit!(db, |tx| tx.system().jobs().forget_dead(at(9_999))), 1);
    assert_eq!(read!(db, |tx| tx.system().jobs().count(INDEX)), 2);
}

#[on_every_db]
async fn only_who_claimed_a_job_ends_it(home: &TestDb) {
    let db = &home.db;
    let ours = id();
    let theirs = id();
    let job = given_jobs(db, 1).await[0];
    claim(db, ours, at(0), 9).await;
    let before = given::rows(&home.url, None).await;
    commit!(db, |tx| tx.system().jobs().finish(job, theirs));
    commit!(db, |tx| tx.system().jobs().fail(job, theirs, "x", None));
    commit!(db, |tx| tx.system().jobs().fail(job, theirs, "x", Some(at(0))));
    commit!(db, |tx| tx.system().jobs().hand_back(job, theirs, at(0)));
    assert_eq!(given::rows(&home.url, None).await, before);
}

#[on_every_db]
async fn a_job_that_could_not_be_tried_keeps_its_attempts(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let job = given_jobs(db, 1).await[0];
    for round in 0..20 {
        let claimed = claim(db, by, at(round), 9).await;
        assert_eq!((claimed.len(), claimed[0].attempts), (1, 1));
        commit!(db, |tx| tx.system().jobs().hand_back(job, by, at(round + 1)));
        assert_eq!(claim(db, by, at(round), 9).await, [], "it is not due yet");
    }
}

#[on_every_db]
async fn a_claim_takes_no_more_than_its_limit_and_the_longest_waiting(home: &TestDb) {
    let jobs = given_jobs(&home.db, 12).await;
    let claimed: BTreeSet<_> =
        claim(&home.db, id(), at(60), 5).await.into_iter().map(|job| job.id).collect();
    assert_eq!(claimed, jobs[..5].iter().copied().collect());
}

#[tokio::test]
async fn a_claim_passes_over_what_another_one_holds_on_postgres() {
    let home = testing::postgres().await;
    let jobs = given_jobs(&home.db, 2).await;
    let mut first = home.db.begin().await.unwrap();
    let held = first.system().jobs().claim(id(), at(60), Lane::Light, Places::of(1)).await;
    assert_eq!(held.unwrap()[0].id, jobs[0]);
    let others = claim(&home.db, id(), at(60), 9).await;
    assert_eq!(others.into_iter().map(|job| job.id).collect::<Vec<_>>(), [jobs[1]]);
}

const SCHEDULED: Kind = Kind { name: "forget_x", lane: Lane::Scheduled };

async fn claim_scheduled(db: &Db, by: ProcessId, now: DateTime<Utc>) -> Vec<ClaimedJob> {
    commit!(db, |tx| tx.system().jobs().claim(by, now, Lane::Scheduled, Places::of(9)))
}

#[on_every_db]
async fn what_runs_by_the_clock_has_one_row_however_many_processes_schedule_it(home: &TestDb) {
    let db = &home.db;
    let by = id();
    for second in 0..3 {
        commit!(db, |tx| tx.system().jobs().schedule(id(), SCHEDULED, at(second)));
    }
    let claimed = claim_scheduled(db, by, at(0)).await;
    assert_eq!(claimed.len(), 1, "due since it was scheduled first");
    commit!(db, |tx| tx.system().jobs().schedule(id(), SCHEDULED, at(5)));
    assert_eq!(claim_scheduled(db, id(), at(9)).await, [], "one process runs it at a time");

    let job = claimed[0].id;
    commit!(db, |tx| tx.system().jobs().reschedule(job, id(), None, at(10)));
    assert_eq!(claim_scheduled(db, id(), at(10)).await, [], "only who holds it ends its run");
    commit!(db, |tx| tx.system().jobs().reschedule(job, by, Some("it failed"), at(600)));
    assert_eq!(claim_scheduled(db, id(), at(599)).await, []);

    let again = claim_scheduled(db, by, at(600)).await;
    assert_eq!((again[0].id, again[0].attempts), (job, 1), "a new run has all attempts");
    commit!(db, |tx| tx.system().jobs().reschedule(job, by, None, at(1_200)));
    commit!(db, |tx| tx.system().jobs().schedule(id(), SCHEDULED, at(700)));
    assert_eq!(claim_scheduled(db, by, at(700)).await.len(), 1, "a process that starts runs it");
}
