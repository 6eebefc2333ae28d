//! `replyx doctor`: what is wrong is said with its remedy, and nothing is made by looking.

use std::fs;

use replyx_testkit::openai::{FakeOpenAi, Fault};

use crate::harness::{self, SECRET, on_every_home};

/// The line about something.
fn line<'a>(out: &'a str, about: &str) -> &'a str {
    out.lines()
        .find(|line| line.get(6..).is_some_and(|rest| rest.starts_with(about)))
        .unwrap_or_else(|| panic!("nothing about {about}: {out}"))
}

#[tokio::test]
async fn where_nothing_is_configured_there_are_notes_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (good, out, err) = harness::run(&["doctor"], &[("DATA_DIR", data.to_str().unwrap())]).await;
    assert!(good, "{out}{err}");
    for about in ["data folder", "secret key", "database", "models", "embeddings", "mail"] {
        assert!(line(&out, about).starts_with("note"), "{out}");
    }
    assert!(line(&out, "embeddings").contains("scripts/setup model"), "{out}");
    assert!(line(&out, "configuration").starts_with("ok"), "{out}");
    assert!(line(&out, "documents").starts_with("ok"), "{out}");
    assert!(!data.exists(), "looking makes nothing");
}

#[tokio::test]
async fn what_is_configured_and_does_not_work_is_a_fault_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("models")).unwrap();
    fs::write(folder.path().join("models/e5-small-q4.bin"), b"short").unwrap();
    let variables = [
        ("DATA_DIR", folder.path().to_str().unwrap()),
        ("SECRET_KEY", "short"),
        ("DATABASE_URL", "postgres://replyx:hunter2@127.0.0.1:9/replyx"),
        ("REDIS_URL", "redis://:hunter2@127.0.0.1:9"),
    ];
    let (good, out, err) = harness::run(&["doctor"], &variables).await;
    assert!(!good, "{out}");
    for (about, remedy) in [
        ("secret key", "32 characters"),
        ("database", "check DATABASE_URL"),
        ("live state", "check REDIS_URL"),
        ("embeddings", "scripts/setup model"),
    ] {
        let line = line(&out, about);
        assert!(line.starts_with("FAULT") && line.contains(remedy), "{line}");
    }
    assert!(out.contains("4 faults"), "{out}");
    assert!(!out.contains("hunter2") && !err.contains("hunter2"), "{out}{err}");
    let (good, out, _) = harness::run(&["doctor"], &[("PORT", "a harbour")]).await;
    assert!(!good && line(&out, "configuration").starts_with("FAULT"), "{out}");
    let wished = [("DATA_DIR", "/nowhere"), ("EMBEDDING_MODEL", "multilingual-e5-small")];
    let (good, out, _) = harness::run(&["doctor"], &wished).await;
    assert!(!good && line(&out, "embeddings").starts_with("FAULT"), "{out}");
}

#[tokio::test]
async fn providers_are_asked_only_online_and_a_refused_key_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let server = FakeOpenAi::start().await;
    let url = server.base_url();
    let data = folder.path().to_str().unwrap();
    let of = |key| [("DATA_DIR", data), ("OPENAI_BASE_URL", url.as_str()), ("OPENAI_API_KEY", key)];
    let (good, out, _) = harness::run(&["doctor"], &of("sk-wrong")).await;
    assert!(good && line(&out, "models").contains("--online"), "{out}");
    assert!(server.embedding_requests().is_empty());
    let (good, out, _) = harness::run(&["doctor", "--online"], &of("sk-test")).await;
    assert!(good, "{out}");
    assert!(line(&out, "embeddings").contains("1536 dimensions"), "{out}");
    server.inject_embedding(Fault::status(401));
    let (good, out, err) = harness::run(&["doctor", "--online"], &of("sk-test")).await;
    assert!(!good && line(&out, "embeddings").starts_with("FAULT"), "{out}");
    assert!(!out.contains("sk-test") && !err.contains("sk-test"), "{out}{err}");
}

on_every_home! {
    async fn a_home_in_use_is_found_in_order(home: &Home) {
        let program = home.launch().start().await;
        drop(program);
        let mut variables = vec![
            ("DATABASE_URL", home.db.url.as_str()),
            ("DATA_DIR", home.folder.path().to_str().unwrap()),
            ("SECRET_KEY", SECRET),
        ];
        let redis = home.redis.clone();
        if let Some(redis) = &redis {
            variables.push(("REDIS_URL", redis));
        }
        let (good, out, err) = harness::run(&["doctor"], &variables).await;
        assert!(good, "{out}{err}");
        for about in ["configuration", "data folder", "secret key", "database", "live state"] {
            assert!(line(&out, about).starts_with("ok"), "{out}");
        }
        assert!(line(&out, "database").contains("migrations applied"), "{out}");
    }
}
