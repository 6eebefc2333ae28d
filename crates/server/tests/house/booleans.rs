//! No `true` and `false` between brackets: what a function of more than one module is told to do
//! has a name.

use std::path::Path;

use crate::assert_none;
use crate::code::without_comment;
use crate::workspace::{Source, Workspace};

/// Functions that take a `bool`: a file, and the function in it.
///
/// The list may only get shorter: an entry without such a function is a fault, too.
const TOLERATED: &[(&str, &str)] = &[
    // The value itself is stored, sent or set.
    ("crates/server/src/cli/knowledge/saved.rs", "new"),
    ("crates/testkit/src/telegram/inbox.rs", "set_webhook"),
    // What was found out is passed on.
    ("crates/api/src/auth/sign_in.rs", "asked"),
    ("crates/api/src/openapi/headers.rs", "add_headers"),
    ("crates/channels/src/telegram/format/table.rs", "write"),
    ("crates/extract/src/html/sign.rs", "shown"),
    ("crates/extract/src/rtf/body/groups.rs", "begin_part"),
    ("crates/extractive/src/evidence.rs", "new"),
    ("crates/storage/src/outbox.rs", "failed"),
    ("crates/storage/src/outbox.rs", "put_back"),
    ("crates/testkit/src/telegram/methods.rs", "call"),
];

fn faults(workspace: &Workspace, tolerated: &[(&str, &str)]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut used = Vec::new();

    for (_, source) in workspace.sources() {
        for (number, name) in told_by_bool(source) {
            let is_it = |(file, function): &&(&str, &str)| {
                source.path == Path::new(file) && name == *function
            };
            if let Some(entry) = tolerated.iter().find(is_it) {
                used.push(entry);
            } else {
                let place = format!("{}:{number}", source.path.display());
                faults.push(format!("{place} `{name}` takes a `bool`; give its values names"));
            }
        }
    }

    let unused = tolerated.iter().filter(|entry| !used.contains(entry));
    faults.extend(unused.map(|(file, name)| {
        format!("`{name}` of `{file}` takes no `bool`; remove it from the list")
    }));
    faults
}

/// The functions that others can call and that take a `bool`, with the numbers of their lines.
fn told_by_bool(source: &Source) -> Vec<(usize, &str)> {
    let lines: Vec<(usize, &str)> =
        source.production_lines().map(|(number, line)| (number, without_comment(line))).collect();

    (0..lines.len())
        .filter_map(|at| {
            let (number, line) = lines[at];
            let declaration = line.trim_start();
            if !declaration.starts_with("pub") {
                return None;
            }
            let name = declaration.split_once("fn ")?.1.split(['(', '<']).next()?;

            let mut signature = String::new();
            for (_, line) in &lines[at..] {
                signature.push_str(line);
                signature.push('\n');
                if line.ends_with(['{', ';', '}']) {
                    break;
                }
            }
            let parameters = signature.split(") -> ").next()?;
            let takes = [": bool,", ": bool)"].iter().any(|form| parameters.contains(form))
                || parameters.ends_with(": bool");
            takes.then_some((number, name))
        })
        .collect()
}

fn with(text: &str) -> Workspace {
    let mut workspace = Workspace::read();
    workspace.packages.retain(|package| package.short_name() == "core");
    let source = Source { path: "crates/core/src/a.rs".into(), text: text.to_owned() };
    workspace.package("core").sources = vec![source];
    workspace
}

#[test]
fn what_a_function_is_told_to_do_has_a_name() {
    assert_none(&faults(&Workspace::read(), TOLERATED));
}

#[test]
fn a_function_that_takes_a_bool_is_a_fault_and_one_that_returns_it_is_not() {
    let found = faults(
        &with(
            "pub fn is_open(a: u8) -> bool {\n}\nfn own(a: bool) {}\n\
             pub(crate) async fn lock(id: u8, wait: bool) -> u8 {\n}\n\
             pub fn begin(\n    a: u8, // : bool,\n    again: bool,\n) {\n}\n",
        ),
        &[],
    );
    assert_eq!(
        found,
        [
            "crates/core/src/a.rs:4 `lock` takes a `bool`; give its values names",
            "crates/core/src/a.rs:6 `begin` takes a `bool`; give its values names",
        ]
    );
}

#[test]
fn a_place_on_the_list_without_such_a_function_is_a_fault() {
    let found = faults(&with("pub fn open() {}\n"), &[("crates/core/src/a.rs", "open")]);
    assert_eq!(
        found,
        ["`open` of `crates/core/src/a.rs` takes no `bool`; remove it from the list"]
    );
}
