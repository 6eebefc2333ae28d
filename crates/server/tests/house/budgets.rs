//! How long a file may be. Functions are clippy's: `too-many-lines-threshold`.

use crate::assert_none;
use crate::workspace::{Source, Workspace};

/// Lines of one file that are not tests.
const FILE: usize = 500;

fn faults(workspace: &Workspace) -> Vec<String> {
    let mut long: Vec<_> = workspace
        .sources()
        .map(|(_, source)| (source.production_lines().count(), &source.path))
        .filter(|(lines, _)| *lines > FILE)
        .collect();
    long.sort_by(|a, b| b.cmp(a));
    long.into_iter()
        .map(|(lines, path)| {
            format!("{} has {lines} production lines, {FILE} are allowed", path.display())
        })
        .collect()
}

fn file_of(production: usize, tests: usize) -> Source {
    let text = "//! A line.\n".repeat(production)
        + "#[cfg(test)]\nmod tests {\n"
        + &"    // A line.\n".repeat(tests)
        + "}\n";
    Source { path: "crates/api/src/long.rs".into(), text }
}

#[test]
fn no_file_is_longer_than_the_budget() {
    assert_none(&faults(&Workspace::read()));
}

#[test]
fn a_file_of_501_lines_is_a_fault_that_names_its_size() {
    let mut workspace = Workspace::read();
    workspace.package("api").sources.push(file_of(501, 0));
    assert_eq!(
        faults(&workspace),
        ["crates/api/src/long.rs has 501 production lines, 500 are allowed"]
    );
}

#[test]
fn tests_in_a_file_are_free() {
    let mut workspace = Workspace::read();
    workspace.package("api").sources.push(file_of(500, 400));
    assert_none(&faults(&workspace));
}

#[test]
fn what_follows_the_tests_counts_again() {
    let mut file = file_of(0, 10);
    file.text += &"//! A line.\n".repeat(3);
    assert_eq!(file.production_lines().count(), 3);

    let text = "#[cfg(test)]\n#[path = \"other.rs\"]\nmod tests;\n\nfn real() {}\n".to_owned();
    let declared = Source { path: "crates/api/src/short.rs".into(), text };
    assert_eq!(declared.production_lines().count(), 2);
}
