//! Of the answers that are wrong at most a fifth is let through, of those that are right at most a
//! tenth is refused.

use std::{fs, path::Path};

use replyx_grounding::{Grounds, objections};

/// An answer to a question, and whether it may be said.
#[derive(serde::Deserialize)]
struct Check {
    id: u32,
    business: String,
    question: String,
    answer: String,
    ok: u8,
    kind: String,
}

fn read(name: &str) -> String {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    fs::read_to_string(data.join(name)).unwrap()
}

/// The passages of a business: each section of its documents, under the document's title.
fn passages(business: &str) -> Vec<String> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/docs");
    let mut names: Vec<String> = fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(business))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "{business} has no documents");
    names.iter().flat_map(|name| sections(&read(&format!("docs/{name}")))).collect()
}

fn sections(document: &str) -> Vec<String> {
    let title = document.lines().next().unwrap_or_default().trim_start_matches(['#', ' ']);
    let parts = document.split("\n## ").map(|part| {
        let heading = part.lines().next().unwrap_or_default().trim_start_matches(['#', ' ']);
        let body = part.split_once('\n').map_or("", |(_, body)| body);
        if heading == title {
            format!("{title}\n{body}")
        } else {
            format!("{title} > {heading}\n{body}")
        }
    });
    parts.collect()
}

/// How many of the right ones were refused and of the wrong ones let through, and which.
fn judge(checks: &[Check]) -> (Vec<String>, Vec<String>) {
    let mut refused = Vec::new();
    let mut passed = Vec::new();
    for check in checks {
        let passages = passages(&check.business);
        let grounds = Grounds { passages, customer: vec![&check.question], ..Grounds::default() };
        let found = objections(&check.answer, &grounds);
        let told = format!("{} {}: {} {found:?}", check.id, check.kind, check.answer);
        match (check.ok, found.is_empty()) {
            (1, false) => refused.push(told),
            (0, true) => passed.push(told),
            _ => {}
        }
    }
    (refused, passed)
}

fn bars(name: &str) {
    let checks: Vec<Check> = serde_json::from_str(&read(name)).unwrap();
    let right = checks.iter().filter(|check| check.ok == 1).count();
    let wrong = checks.len() - right;
    assert!(right > 0 && wrong > 0, "{name} holds both kinds");

    let (refused, passed) = judge(&checks);
    println!("{name}: refused {} of {right}, passed {} of {wrong}", refused.len(), passed.len());
    let told = || [refused.join("\n"), passed.join("\n")].join("\n\n");
    assert!(refused.len() * 10 <= right, "of {right} right ones were refused:\n{}", told());
    assert!(passed.len() * 5 <= wrong, "of {wrong} wrong ones passed:\n{}", told());
}

#[test]
fn answers_as_a_script_meet_the_bars() {
    bars("checks.json");
}

#[test]
fn answers_of_our_own_meet_the_bars() {
    bars("own.json");
}
