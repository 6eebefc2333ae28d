//! `replyx demo`: the sample shop judges itself.

use std::fs;

use crate::harness::{run, samples};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_succeeds_when_every_answer_is_right() {
    let (good, out, err) = run(&["demo", "--once"], &[]).await;
    assert!(good, "{out}{err}");
    assert!(out.contains("10 of 10 answers are right"), "{out}");
    assert!(!out.contains("WRONG"), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_fails_when_a_document_says_something_else() {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(samples()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let returns = folder.path().join("returns.en.md");
    let text = fs::read_to_string(&returns).unwrap();
    assert!(text.contains("30 days"));
    fs::write(&returns, text.replace("30 days", "45 days")).unwrap();

    let documents = folder.path().display().to_string();
    let (good, out, err) = run(&["demo", "--once", "--documents", &documents], &[]).await;
    assert!(!good, "{out}{err}");
    assert!(out.contains("45 days") && out.contains("[WRONG]"), "{out}");
    assert!(out.contains("9 of 10 answers are right"), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_fails_with_a_sentence_when_there_are_no_documents() {
    let missing = ["demo", "--once", "--documents", "/nonexistent/folder"];
    let (good, _, err) = run(&missing, &[]).await;
    assert!(!good && err.contains("/nonexistent/folder"), "{err}");
}
