//! How much an answer asks of the database.

use std::collections::BTreeMap;

use replyx_storage::{
    on_every_db,
    testing::{self, TestDb},
};

use crate::given::{LONG, Working, World, eventually};

/// How many answers are counted.
const ANSWERS: u64 = 8;

/// What a process asks now and then, however many answers there are: what is due.
const NOW_AND_THEN: &[&str] =
    &["SELECT due_at FROM turns", "SELECT due_at FROM outbox", "ranked AS"];

/// How much is sent for one answer at most while nobody else asks: statements and transactions.
const STATEMENTS: u64 = 32;
const TRANSACTIONS: u64 = 8;

/// One customer, whose questions are answered one after the other: nothing is shared.
#[on_every_db]
async fn an_answer_takes_no_more_statements_than_this(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.learn("hours", "Hours", "We are open from 9 to 18, on Sunday from 10 to 14.").await;
    let working = Working::start(&engine);

    let mut sent = BTreeMap::new();
    for number in 0..=ANSWERS {
        world.say(&engine, &line, 7, &format!("When are you open on day {number}?")).await;
        assert!(line.chat(7).wait_until(number + 1, LONG).await, "nothing was sent");
        let delivered = || async {
            let delivered = u64::try_from(world.count("message.delivered").await);
            (delivered == Ok(number + 1)).then_some(())
        };
        eventually("the outcome", delivered).await;
        // The first one loads what is kept in memory.
        if number == 0 {
            testing::take_sent(&engine.db);
        }
    }
    sent.append(&mut testing::take_sent(&engine.db));
    working.stop().await;

    let is_rare = |text: &String| NOW_AND_THEN.iter().any(|part| text.contains(part));
    let begun = sent.remove("BEGIN").unwrap_or_default();
    let rare: u64 = sent.iter().filter(|(text, _)| is_rare(text)).map(|(_, count)| count).sum();
    sent.retain(|text, _| !is_rare(text));
    let statements: u64 = sent.values().sum();
    let listed = sent.iter().map(|(text, count)| format!("{count:4} {}", short(text)));
    let listed = listed.collect::<Vec<_>>().join("\n");
    println!("{statements} statements, {begun} transactions, {rare} now and then\n{listed}");
    assert!(statements <= STATEMENTS * ANSWERS, "{statements} for {ANSWERS} answers:\n{listed}");
    assert!(begun <= TRANSACTIONS * ANSWERS + rare, "{begun} transactions, {rare} of them rare");
}

/// The beginning of a statement, in one line.
fn short(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").chars().take(150).collect()
}
