//! How the databases go about the statements of an answer, of the process that gives it and of what
//! follows it in the log: whatever reads a table from end to end, or sorts what it has read, takes
//! longer with every day of an installation.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use replyx_core::job::{Kind, Lane};
use replyx_engine::{Engine, intake};
use replyx_storage::{
    fair::Places,
    on_every_db,
    testing::{self, TestDb},
};
use replyx_testkit::telegram::TelegramFault;
use serde_json::Value;

use crate::given::{Line, Working, World, eventually};

/// Into how many workspaces everything is copied.
const COPIES: usize = 500;

/// What may be read from end to end: it holds only what waits, runs or is the exception, however
/// old the installation is. Indexes, and tables.
const SHORT: &[&str] = &[
    "outbox_due",
    "outbox_sending",
    "outbox_shares",
    "processes",
    "processes_pkey",
    "turns_due",
    "turns_running",
    "turns_shares",
    "workspaces_suspended",
];

/// Statements that may sort: a part of each, and why what it sorts is never long.
const SORTED: &[(&str, &str)] = &[
    (
        "ORDER BY running, lap, share LIMIT $3",
        "a claim sorts the heads of the lines that wait, and as many pieces as there are places",
    ),
    (
        "ORDER BY place, due_at LIMIT $2",
        "as many parts as there are places, of each workspace that has something to send",
    ),
    ("GROUP BY vectors.model", "what one assistant knows, once for each revision of it"),
];

#[on_every_db]
async fn no_statement_of_an_answer_reads_a_table_from_end_to_end(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.learn("hours", "Hours", "We are open from 9 to 18, on Sunday from 10 to 14.").await;

    converse(&world, &line, &engine).await;
    keep_house(&world, &engine).await;
    let texts = testing::statements(&db.db);
    assert!(texts.len() > 40, "{texts:?}");

    leave_work(&world, &line, &engine).await;
    testing::age(&db.url, COPIES).await;

    let mut faults = Vec::new();
    for text in texts {
        let steps = testing::explain(&db.url, &text).await;
        for step in long(&steps) {
            if reason(step, &text).is_none() {
                faults.push(format!("{step}\n    of {text}\n    {}\n", steps.join("\n    ")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Why a step may take longer the more rows there are: it reads what is short, or sorts what is.
fn reason(step: &str, text: &str) -> Option<&'static str> {
    if step.contains("Sort") || step.contains("TEMP B-TREE") {
        return SORTED.iter().find(|(about, _)| text.contains(about)).map(|(_, why)| *why);
    }
    SHORT.iter().find(|name| step.split(' ').any(|word| word == **name)).copied()
}

/// Customers ask, by polled batch and one by one, and are answered; one send fails at first.
async fn converse(world: &World<'_>, line: &Line, engine: &Arc<Engine>) {
    let working = Working::start(engine);
    world.telegram.inject(TelegramFault::Status(500).on("sendMessage").times(1));
    for chat in [7, 8] {
        for question in ["When are you open?", "And on Sunday?"] {
            line.chat(chat);
            let batch = [(line.door, world.text(chat, question))];
            intake::accept_all(engine, &batch, Some((line.door, 1))).await.unwrap();
            eventually("all turns to end", async || (world.turns().await == 0).then_some(())).await;
        }
    }
    eventually("all sends to end", async || (world.waiting().await == 0).then_some(())).await;
    working.stop().await;
}

/// What a process does beside answering: it beats, looks after the others, looks for jobs, and
/// shows what happened to streams.
async fn keep_house(world: &World<'_>, engine: &Arc<Engine>) {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await.unwrap();
    tx.system().processes().beat(engine.process, now).await.unwrap();
    tx.system().processes().reap(Duration::from_mins(1), now).await.unwrap();
    for lane in Lane::ALL {
        tx.system().jobs().any_due(now, lane).await.unwrap();
        tx.system().jobs().claim(engine.process, now, lane, Places::of(2)).await.unwrap();
    }
    tx.workspace(world.workspace).events().head().await.unwrap();
    tx.workspace(world.workspace).events().after(0, 64).await.unwrap();
    tx.commit().await.unwrap();
}

/// Leaves what waits: a question that nobody answers, a reply that nobody sends, a job.
async fn leave_work(world: &World<'_>, line: &Line, engine: &Arc<Engine>) {
    world.say(engine, line, 9, "Is anybody there?").await;
    world.reply(line, 9, "Not yet.").await;
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await.unwrap();
    let jobs = tx.workspace(world.workspace).jobs();
    let kind = Kind { name: "index_document", lane: Lane::Heavy };
    jobs.enqueue(engine.clock.id(), kind, &Value::Null, now).await.unwrap();
    tx.commit().await.unwrap();
}

/// The steps that take longer the more rows there are.
fn long(steps: &[String]) -> Vec<&str> {
    // What a statement has made itself is as short as it made it.
    let made: BTreeSet<&str> = steps
        .iter()
        .filter_map(|step| {
            step.strip_prefix("MATERIALIZE ").or_else(|| step.strip_prefix("CO-ROUTINE "))
        })
        .collect();
    let following = steps.iter().skip(1).map(String::as_str).chain([""]);
    let is_long = |(step, next): &(&str, &str)| {
        let step = step.trim_start().trim_start_matches("->").trim_start();
        let is_scan = step.strip_prefix("SCAN ").is_some_and(|what| {
            let name = what.split(' ').next().unwrap_or_default();
            !made.contains(&name)
                && !name.starts_with('(')
                && what != "CONSTANT ROW"
                && !what.contains("VIRTUAL TABLE")
        });
        // An index that is read without a condition is read from its beginning.
        let is_walk = (step.starts_with("Index Scan") || step.starts_with("Index Only Scan"))
            && !next.trim_start().starts_with("Index Cond");
        is_scan
            || is_walk
            || step.starts_with("USE TEMP B-TREE")
            || step.starts_with("Seq Scan")
            || step == "Sort"
            || step.starts_with("Incremental Sort")
    };
    steps.iter().map(String::as_str).zip(following).filter(is_long).map(|(step, _)| step).collect()
}
