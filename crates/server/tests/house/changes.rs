//! One room writes to the logs: storage's `Tx::apply`, with what a rule of `core` says. Nothing
//! else records an event or enters an act, and no production code uses the fixtures of tests.
//!
//! The same room alone writes what people, members, invitations, keys, sessions and workspaces are:
//! other crates cannot call the statements that do.

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

/// The files of storage with the statements of accounts, and what others may write there all the
/// same: uses, tries and codes that are spent, and what is deleted in steps or by the clock.
const ACCOUNTS: &[(&str, &[&str])] = &[
    ("crates/storage/src/api_keys.rs", &["touch"]),
    ("crates/storage/src/members.rs", &[]),
    (
        "crates/storage/src/registrations.rs",
        &["begin", "clear", "delete", "renew", "spend_try", "take"],
    ),
    ("crates/storage/src/second_factors.rs", &["spend_recovery_code", "spend_step"]),
    ("crates/storage/src/sessions.rs", &["rotate"]),
    ("crates/storage/src/users.rs", &[]),
    ("crates/storage/src/workspaces.rs", &["empty"]),
];

/// The functions of accounts that other crates can call, and that write.
fn open_pens(workspace: &Workspace) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, spared) in ACCOUNTS {
        let found = workspace.sources().find(|(_, source)| source.path.to_string_lossy() == *path);
        let Some((_, source)) = found else {
            faults.push(format!("{path} is not there"));
            continue;
        };
        let writing: Vec<&str> = writing_functions(&source.text).collect();

        let open = writing.iter().filter(|name| !spared.contains(name));
        faults.extend(open.map(|name| format!("{path}: `{name}` writes beside `Tx::apply`")));
        let unused = spared.iter().filter(|name| !writing.contains(name));
        faults.extend(unused.map(|name| format!("{path}: `{name}` writes nothing")));
    }
    faults
}

/// The public functions with a statement that writes.
fn writing_functions(text: &str) -> impl Iterator<Item = &str> {
    text.split("    pub async fn ").skip(1).filter_map(|function| {
        let body = function.split("\n    }\n").next()?;
        let name = function.split('(').next()?;
        let updates = body.contains("UPDATE ") && body.contains(" SET ");
        let writes = updates || body.contains("INSERT INTO ") || body.contains("DELETE FROM ");
        writes.then_some(name)
    })
}

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

#[test]
fn only_one_room_writes_what_rules_decide_of_accounts() {
    assert_none(&open_pens(&Workspace::read()));
}

#[test]
fn a_statement_of_accounts_that_others_can_call_is_a_fault() {
    let mut workspace = Workspace::read();
    let path = "crates/storage/src/members.rs";
    let sources = &mut workspace.package("storage").sources;
    sources.retain(|source| source.path != std::path::Path::new(path));
    let text = "impl Members<'_> {\n    pub async fn find(self) {\n        \"SELECT 1 FOR UPDATE\"\n    }\n\n    \
                pub(crate) async fn save(self) {\n        \"UPDATE members SET role = $1\"\n    }\n\n    \
                pub async fn set_role(self) {\n        \"UPDATE members SET role = $1\"\n    }\n}\n";
    sources.push(Source { path: path.into(), text: text.to_owned() });
    let expected = format!("{path}: `set_role` writes beside `Tx::apply`");
    assert_eq!(open_pens(&workspace), [expected]);
}
