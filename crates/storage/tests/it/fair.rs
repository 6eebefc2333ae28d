//! Work is taken on in turns: who queues much does not make others wait, and who is alone gets
//! everything.

use std::time::Instant;

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{JobId, OutboxId, ProcessId, WorkspaceId},
    job::{Kind, Lane},
};
use replyx_storage::{
    Db,
    fair::{Places, Round},
    jobs::ClaimedJob,
    on_every_db,
    testing::TestDb,
    testing::{plans, tamper},
};
use serde_json::json;

use crate::given::{self, Tenant, at, id, sendable};

const INDEX: Kind = Kind::heavy("index_document");
const MAIL: Kind = Kind::light("mail");

/// Queues so many documents of a workspace, due one second after the other.
async fn documents(db: &Db, workspace: WorkspaceId, count: i64, first: i64) {
    let mut tx = db.begin().await.unwrap();
    for number in 0..count {
        let job = id::<JobId>();
        let payload = json!({ "n": number });
        let due = at(first + number);
        let jobs = tx.workspace(workspace).jobs();
        jobs.enqueue(job, INDEX, &payload, due).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn claim(db: &Db, by: ProcessId, now: DateTime<Utc>, places: Places) -> Vec<ClaimedJob> {
    commit!(db, |tx| tx.system().jobs().claim(by, now, Lane::Heavy, places))
}

fn whose(jobs: &[ClaimedJob]) -> Vec<WorkspaceId> {
    let mut shares: Vec<_> = jobs.iter().map(|job| WorkspaceId::from(job.share)).collect();
    shares.sort_unstable();
    shares
}

#[on_every_db]
async fn who_has_a_job_running_comes_after_who_has_none(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let many = given::tenant(db).await.id;
    let one = given::tenant(db).await.id;
    documents(db, many, 50, 0).await;
    let held = claim(db, by, at(100), Places::of(1)).await;
    assert_eq!(whose(&held), [many]);
    documents(db, one, 1, 90).await;

    assert_eq!(whose(&claim(db, by, at(100), Places::of(1)).await), [one]);
    assert_eq!(
        whose(&claim(db, id(), at(100), Places::of(1)).await),
        [many],
        "and the first goes on"
    );
}

#[on_every_db]
async fn what_runs_in_another_process_counts(home: &TestDb) {
    let db = &home.db;
    let many = given::tenant(db).await.id;
    let one = given::tenant(db).await.id;
    documents(db, many, 50, 0).await;
    documents(db, one, 50, 0).await;
    // Wherever the round begins: the first process holds two of each, then two more of the one.
    claim(db, id(), at(100), Places::of(4)).await;
    let sql = format!("UPDATE jobs SET share = {} WHERE status = 'running'", literal(home, many));
    assert_eq!(tamper(&home.url, &sql).await, 4);

    let claimed = claim(db, id(), at(100), Places::of(4)).await;
    assert_eq!(whose(&claimed), [one; 4], "until both have as many");
}

/// An id as it is written in a statement.
fn literal(home: &TestDb, workspace: WorkspaceId) -> String {
    if home.url.starts_with("sqlite:") {
        format!("x'{}'", workspace.into_uuid().simple())
    } else {
        format!("'{workspace}'")
    }
}

#[on_every_db]
async fn who_is_alone_gets_every_place_and_never_more_than_one_share_may_have(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let many = given::tenant(db).await.id;
    documents(db, many, 50, 0).await;
    assert_eq!(claim(db, by, at(100), Places::of(8)).await.len(), 8);

    let places = Places { each: 11, ..Places::of(8) };
    assert_eq!(claim(db, by, at(100), places).await.len(), 3, "those that run here count");
    assert_eq!(claim(db, by, at(100), places).await, []);
    assert_eq!(claim(db, id(), at(100), places).await.len(), 8, "another process has its own");

    let other = given::tenant(db).await.id;
    documents(db, other, 50, 0).await;
    assert_eq!(whose(&claim(db, by, at(100), places).await), [other; 8]);
}

#[on_every_db]
async fn places_are_shared_out_evenly_and_the_longest_waiting_of_each_go_first(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let mut tenants = Vec::new();
    // What the first has queued has waited longer than all that the others have.
    for (count, first) in [(50, 0), (50, 100), (1, 200)] {
        let tenant = given::tenant(db).await.id;
        documents(db, tenant, count, first).await;
        tenants.push(tenant);
    }
    let claimed = claim(db, by, at(9_999), Places::of(7)).await;
    let mut expected = [vec![tenants[0]; 3], vec![tenants[1]; 3], vec![tenants[2]; 1]].concat();
    expected.sort_unstable();
    assert_eq!(whose(&claimed), expected);
    assert!(claimed.iter().all(|job| job.payload["n"].as_i64().unwrap() < 3), "{claimed:?}");
}

#[on_every_db]
async fn with_one_place_everybody_has_a_turn_whoever_came_first(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let mut tenants = Vec::new();
    for number in 0..4 {
        let tenant = given::tenant(db).await.id;
        // Whoever comes later has waited least, all the time.
        documents(db, tenant, 20, number * 100).await;
        tenants.push(tenant);
    }
    tenants.sort_unstable();
    let mut round = Round::default();
    for _ in 0..3 {
        let mut served = Vec::new();
        for _ in 0..4 {
            let claimed = claim(db, by, at(9_999), Places { round, ..Places::of(1) }).await;
            commit!(db, |tx| tx.system().jobs().finish(claimed[0].id, by));
            round = round.after(claimed.iter().map(|job| job.share));
            served.extend(whose(&claimed));
        }
        assert_eq!(served, tenants);
    }
}

#[on_every_db]
async fn a_lane_does_not_wait_for_another_and_mail_of_a_workspace_not_for_a_code(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let many = given::tenant(db).await.id;
    documents(db, many, 3, 0).await;
    let code: JobId = id();
    let mut tx = db.begin().await.unwrap();
    for number in 0..20 {
        let jobs = tx.system().jobs();
        jobs.enqueue(id(), MAIL, &json!({}), Some(many), at(number)).await.unwrap();
    }
    tx.system().jobs().enqueue(code, MAIL, &json!({}), None, at(50)).await.unwrap();
    tx.commit().await.unwrap();

    let claimed =
        commit!(db, |tx| tx.system().jobs().claim(by, at(100), Lane::Light, Places::of(2)));
    assert_eq!(claimed.len(), 2);
    assert!(claimed.iter().any(|job| job.id == code), "{claimed:?}");
    assert!(!commit!(db, |tx| tx.system().jobs().others_wait(
        at(100),
        Lane::Heavy,
        many.into_uuid()
    )));
    assert!(commit!(db, |tx| tx.system().jobs().others_wait(
        at(100),
        Lane::Heavy,
        code.into_uuid()
    )));
}

#[on_every_db]
async fn a_job_that_is_handed_back_has_not_been_attempted(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let tenant = given::tenant(db).await.id;
    documents(db, tenant, 1, 0).await;
    for _ in 0..3 {
        let claimed = claim(db, by, at(9), Places::of(1)).await;
        assert_eq!(claimed[0].attempts, 1);
        commit!(db, |tx| tx.system().jobs().hand_back(claimed[0].id, id(), at(9)));
        assert_eq!(
            claim(db, by, at(9), Places::of(1)).await,
            [],
            "only who holds it hands it back"
        );
        commit!(db, |tx| tx.system().jobs().hand_back(claimed[0].id, by, at(9)));
    }
    let jobs = read!(db, |tx| tx.workspace(tenant).jobs().waiting(INDEX, 5));
    assert_eq!(jobs, 1);
}

#[on_every_db]
async fn turns_of_a_thousand_dialogs_do_not_delay_another_workspace(home: &TestDb) {
    let db = &home.db;
    let by = id();
    let many = given::tenant(db).await;
    for number in 0..40 {
        let chat = given::chat(db, &many, 1_000 + number).await;
        commit!(db, |tx| tx.workspace(many.id).turns().request(chat.dialog.id, at(number), at(99)));
    }
    let held = commit!(db, |tx| tx.system().turns().claim(by, at(50), Places::of(8)));
    assert_eq!(held.len(), 8, "who is alone gets every place");
    let one = given::tenant(db).await;
    commit!(db, |tx| tx.workspace(one.id).turns().request(one.dialog.id, at(49), at(99)));

    let next = commit!(db, |tx| tx.system().turns().claim(by, at(50), Places::of(1)));
    assert_eq!(next[0].workspace_id, one.id);
    let bounded = Places { each: 8, ..Places::of(8) };
    assert_eq!(commit!(db, |tx| tx.system().turns().claim(by, at(50), bounded)), []);
    assert_eq!(commit!(db, |tx| tx.system().turns().claim(id(), at(50), bounded)).len(), 8);
}

/// Queues a reply of one part into each of so many chats.
async fn replies(db: &Db, tenant: &Tenant, count: i64) -> Vec<OutboxId> {
    let mut parts = Vec::new();
    for number in 0..count {
        let chat = given::chat(db, tenant, 1_000 + number).await;
        let (_, [part]) = chat.reply(db, 1).await;
        parts.push(part);
    }
    parts
}

#[on_every_db]
async fn replies_of_a_thousand_chats_do_not_delay_another_workspace(home: &TestDb) {
    let db = &home.db;
    let many = given::tenant(db).await;
    let one = given::tenant(db).await;
    replies(db, &many, 30).await;
    let (_, [part]) = one.reply(db, 1).await;
    // Theirs have waited longer.
    let past = format!(
        "UPDATE outbox SET due_at = created_at WHERE workspace_id <> {}",
        literal(home, one.id)
    );
    tamper(&home.url, &past).await;

    let few = read!(db, |tx| tx.system().outbox().sendable(at(9_999), 4));
    assert_eq!(few.len(), 4, "no place is left free");
    assert!(few[..2].iter().any(|send| send.id == part), "{few:?}");
    assert_eq!(sendable(db, at(9_999)).await.len(), 31, "who is alone in the rest gets it");
}

#[on_every_db]
async fn a_bot_that_is_stopped_hides_nobody_else(home: &TestDb) {
    let db = &home.db;
    let mut parts = Vec::new();
    for _ in 0..3 {
        let mut tenant = given::tenant(db).await;
        replies(db, &tenant, 3).await;
        tenant.bot.status = replyx_core::channel::ChannelStatus::Stopped;
        commit!(db, |tx| tx.apply(replyx_core::fixtures::unexplained(tenant.bot.clone())));
    }
    let one = given::tenant(db).await;
    let (_, [part]) = one.reply(db, 1).await;
    parts.push(part);
    let found = read!(db, |tx| tx.system().outbox().sendable(at(9_999), 1));
    assert_eq!(found.iter().map(|send| send.id).collect::<Vec<_>>(), parts);
}

/// So many queued jobs of each of so many workspaces, without asking the program for each.
async fn flood(home: &TestDb, shares: i64, each: i64) {
    let sqlite = format!(
        "WITH RECURSIVE shares (n, share) AS (
             SELECT 1, randomblob(16) UNION ALL SELECT n + 1, randomblob(16) FROM shares WHERE n < {shares}
         ), jobs_of (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM jobs_of WHERE n < {each})
         INSERT INTO jobs (id, share, kind, payload, status, lane, due_at, created_at)
         SELECT randomblob(16), share, 'index_document', '{{}}', 'queued', 'heavy',
                '2026-01-01T00:00:00.000000+00:00', '2026-01-01T00:00:00.000000+00:00'
           FROM shares CROSS JOIN jobs_of"
    );
    let postgres = format!(
        "INSERT INTO jobs (id, share, kind, payload, status, lane, due_at, created_at)
         SELECT gen_random_uuid(), shares.share, 'index_document', '{{}}', 'queued', 'heavy',
                '2026-01-01', '2026-01-01'
           FROM (SELECT gen_random_uuid() AS share FROM generate_series(1, {shares})) shares
          CROSS JOIN generate_series(1, {each})"
    );
    let sql = if home.url.starts_with("sqlite:") { sqlite } else { postgres };
    assert_eq!(tamper(&home.url, &sql).await, u64::try_from(shares * each).unwrap());
    tamper(&home.url, "ANALYZE").await;
}

#[on_every_db]
async fn a_claim_looks_at_the_heads_of_lines_and_not_at_their_length(home: &TestDb) {
    let db = &home.db;
    flood(home, 10, 10_000).await;
    for plan in plans(&home.url).await {
        for table in ["jobs", "turns", "outbox"] {
            // A table without rows is read whole for want of anything cheaper; this one has rows.
            let whole = table == "jobs" && plan.contains("Seq Scan on jobs");
            assert!(!whole && !plan.contains(&format!("SCAN {table}\n")), "{plan}");
        }
    }
    let by = id();
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(claim(db, by, at(0), Places::of(2)).await.len(), 2);
    }
    // For the report; how fast it is depends on the machine.
    println!("a claim of 100,000: {:?}", begun.elapsed() / 20);
}
