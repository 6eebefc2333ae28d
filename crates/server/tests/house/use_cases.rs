//! Rules live in use cases: a handler of `api` parses, calls and shows. It opens no transaction
//! that writes, and records no act by itself.

use crate::assert_none;
use crate::code::without_comment;
use crate::workspace::{Source, Workspace};

/// What only a use case does: an act is recorded under the name of an actor.
const RULES: &[&str] = &[".begin()", ".actor()"];

/// Where `api` writes all the same.
///
/// The answers that are kept for repeated requests are HTTP itself: no rule of the product decides
/// about them, and nobody but the layer around the handlers reads them.
const EXEMPT: &[&str] = &["crates/api/src/idempotency"];

fn faults(workspace: &Workspace) -> Vec<String> {
    let mut faults = Vec::new();
    let mut used = Vec::new();

    for (_, source) in workspace.sources().filter(|(name, _)| *name == "api") {
        let path = source.path.to_string_lossy();
        for (rule, number) in broken(source) {
            match EXEMPT.iter().find(|place| path.starts_with(**place)) {
                Some(place) => used.push(*place),
                None => faults.push(format!("{path}:{number} has `{rule}`, which is a use case's")),
            }
        }
    }

    for place in EXEMPT.iter().filter(|place| !used.contains(place)) {
        faults.push(format!("`{place}` writes nothing; remove it from the list"));
    }
    faults
}

fn broken(source: &Source) -> impl Iterator<Item = (&'static str, usize)> {
    source.production_lines().filter_map(|(number, line)| {
        let code = without_comment(line);
        let rule = RULES.iter().find(|rule| code.contains(**rule))?;
        Some((*rule, number))
    })
}

#[test]
fn no_handler_opens_a_transaction_that_writes() {
    assert_none(&faults(&Workspace::read()));
}

#[test]
fn a_handler_that_writes_is_a_fault_and_one_that_reads_is_not() {
    let mut workspace = Workspace::read();
    let api = workspace.package("api");
    api.sources.retain(|source| source.path.ends_with("idempotency.rs"));
    api.sources.push(Source {
        path: "crates/api/src/bots.rs".into(),
        text: "let mut tx = state.db().read().await?;\n\
               let mut tx = state.db().begin().await?;\n\
               tx.apply(Change::act(id, &caller.actor(), &act, now)).await?;\n"
            .to_owned(),
    });
    let expected = [
        "crates/api/src/bots.rs:2 has `.begin()`, which is a use case's",
        "crates/api/src/bots.rs:3 has `.actor()`, which is a use case's",
    ];
    assert_eq!(faults(&workspace), expected);
}

#[test]
fn an_exempt_place_that_writes_nothing_is_a_fault() {
    let mut workspace = Workspace::read();
    workspace.package("api").sources.clear();
    let expected = ["`crates/api/src/idempotency` writes nothing; remove it from the list"];
    assert_eq!(faults(&workspace), expected);
}
