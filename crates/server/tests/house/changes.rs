//! One room writes to the logs: storage's `Tx::apply`, with what a rule of `core` says. Nothing
//! else records an event or enters an act, and no production code uses the fixtures of tests.

use crate::assert_none;
use crate::code::without_comment;
use crate::workspace::{Source, Workspace};

/// What writes to a log, and the files in which it may stand.
const PENS: &[(&str, &[&str])] = &[
    ("self.record(", &["crates/storage/src/apply.rs"]),
    ("tx.record(", &[]),
    ("tx.enter(", &[]),
    ("events::append(", &["crates/storage/src/commit.rs"]),
    ("audit::append(", &["crates/storage/src/commit.rs", "crates/storage/src/testing.rs"]),
    ("audit().append(", &[]),
    (").record(act", &[]),
    ("INTO events", &["crates/storage/src/events.rs"]),
    ("INTO audit_entries", &["crates/storage/src/audit.rs"]),
    ("unexplained(", &["crates/core/src/fixtures.rs", "crates/core/src/change.rs"]),
    ("fixtures::event(", &[]),
];

fn faults(workspace: &Workspace) -> Vec<String> {
    let mut faults = Vec::new();
    for (_, source) in workspace.sources() {
        let path = source.path.to_string_lossy();
        for (pen, number) in pens(source) {
            faults.push(format!("{path}:{number} writes to a log: `{pen}`"));
        }
    }
    faults
}

/// The pens that a file has and may not have.
fn pens(source: &Source) -> impl Iterator<Item = (&'static str, usize)> {
    let path = source.path.to_string_lossy();
    source.production_lines().flat_map(move |(number, line)| {
        let code = without_comment(line);
        let found = PENS
            .iter()
            .filter(|(pen, rooms)| code.contains(pen) && !rooms.iter().any(|room| *room == path));
        found.map(|(pen, _)| (*pen, number)).collect::<Vec<_>>()
    })
}

#[test]
fn only_one_room_writes_to_the_logs() {
    assert_none(&faults(&Workspace::read()));
}

#[test]
fn an_event_recorded_by_a_use_case_is_a_fault_and_in_a_test_it_is_not() {
    let mut workspace = Workspace::read();
    workspace.packages.retain(|package| package.short_name() == "live");
    workspace.package("live").sources.push(Source {
        path: "crates/live/src/turn.rs".into(),
        text: "// Not `tx.record(`.\n\
               fn turn(tx: &mut Tx) {\n    tx.record(workspace, event, now);\n}\n\
               #[cfg(test)]\nmod tests {\n    fixtures::event(a, b, c);\n}\n"
            .to_owned(),
    });
    assert_eq!(faults(&workspace), ["crates/live/src/turn.rs:3 writes to a log: `tx.record(`"]);
}
