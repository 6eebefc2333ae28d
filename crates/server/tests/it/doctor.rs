//! `replyx doctor`: what is wrong is said with its remedy, and nothing is made by looking.

use std::fs;

use replyx_testkit::{
    openai::{FakeOpenAi, ModelFault},
    smtp::{self, FakeSmtp, SmtpStep},
    telegram::FakeTelegram,
};

use crate::harness::{self, Home, SECRET, TOKEN, on_every_home};

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
    server.inject_embedding(ModelFault::status(401));
    let (good, out, err) = harness::run(&["doctor", "--online"], &of("sk-test")).await;
    assert!(!good && line(&out, "embeddings").starts_with("FAULT"), "{out}");
    assert!(!out.contains("sk-test") && !err.contains("sk-test"), "{out}{err}");
}

#[on_every_home]
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

/// A port where nobody listens.
fn dead_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn the_mail_server_is_asked_and_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let smtp = FakeSmtp::start_with_login("ann", "hunter2").await;
    let look = async |url: &str| {
        let variables = [("DATA_DIR", data), ("SMTP_URL", url), ("MAIL_FROM", "a@shop.example")];
        let (good, out, err) = harness::run(&["doctor"], &variables).await;
        assert!(!out.contains("hunter2") && !err.contains("hunter2"), "{out}{err}");
        (good, line(&out, "mail").to_owned())
    };
    let (good, said) = look(&smtp.url()).await;
    assert!(good && said.starts_with("ok") && said.contains("nothing was sent"), "{said}");
    assert_eq!(smtp.connections(), 1);
    assert!(smtp.received().is_empty() && smtp.violations().is_empty(), "{:?}", smtp.violations());

    let wrong = smtp.url().replace("hunter2", "hunter2x");
    for (url, remedy) in [
        (format!("smtp://ann:hunter2@127.0.0.1:{}?tls=none", dead_port()), "host and port"),
        (wrong, "check user and password"),
        (smtp.url().replace("tls=none", "tls=required"), "?tls=none"),
    ] {
        let (good, said) = look(&url).await;
        assert!(!good && said.starts_with("FAULT") && said.contains(remedy), "{remedy}: {said}");
    }
    smtp.fail(SmtpStep::Connect, smtp::SmtpFault::Garble);
    let (good, said) = look(&smtp.url()).await;
    assert!(!good && said.starts_with("FAULT"), "{said}");
    assert!(smtp.received().is_empty());
}

#[tokio::test]
async fn telegram_is_asked_and_a_dead_or_wrong_server_is_a_fault_when_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let telegram = FakeTelegram::start().await;
    let other = FakeOpenAi::start().await;
    let look = async |url: &str| {
        let variables = [("DATA_DIR", data), ("TELEGRAM_API_URL", url)];
        let (good, out, _) = harness::run(&["doctor"], &variables).await;
        assert!(!out.contains("hunter2"), "{out}");
        (good, line(&out, "telegram").to_owned())
    };
    let (good, said) = look(&telegram.url()).await;
    assert!(good && said.starts_with("ok"), "{said}");
    let dead = format!("http://ann:hunter2@127.0.0.1:{}", dead_port());
    for url in [dead.as_str(), &other.base_url(), "telegram"] {
        let (good, said) = look(url).await;
        assert!(!good && said.starts_with("FAULT"), "{url}: {said}");
        assert!(said.contains("check TELEGRAM_API_URL"), "{said}");
    }
}

#[on_every_home]
async fn the_tokens_of_bots_are_asked_about_online(home: &Home) {
    let shop = home.open().await;
    home.bot();
    let bot = shop.connect().await;
    shop.bot_is(&bot, "running").await;
    drop(shop);
    let look = async |arguments: &[&str]| {
        let url = home.telegram.url();
        let variables = [
            ("DATABASE_URL", home.db.url.as_str()),
            ("DATA_DIR", home.folder.path().to_str().unwrap()),
            ("SECRET_KEY", SECRET),
            ("TELEGRAM_API_URL", &url),
        ];
        let (good, out, err) = harness::run(arguments, &variables).await;
        assert!(!out.contains("first-token") && !err.contains("first-token"), "{out}{err}");
        (good, out)
    };
    let (good, out) = look(&["doctor", "--online"]).await;
    assert!(good && out.contains("takes the token of 1 bot"), "{out}");
    home.telegram.revoke(TOKEN);
    let (good, out) = look(&["doctor"]).await;
    assert!(good, "not asked about without --online: {out}");
    let (good, out) = look(&["doctor", "--online"]).await;
    assert!(!good && out.contains("@first_bot") && out.contains("/token`"), "{out}");
}

#[tokio::test]
async fn a_list_of_models_that_leaves_out_what_is_configured_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let look = async |allowed: &str| {
        let variables = [
            ("DATA_DIR", data),
            ("OPENAI_API_KEY", "sk-x"),
            ("DEFAULT_MODEL", "gpt-4o"),
            ("FALLBACK_MODELS", "gpt-4o-mini,extractive"),
            ("ALLOWED_MODELS", allowed),
        ];
        let (good, out, err) = harness::run(&["doctor"], &variables).await;
        assert!(good, "it starts all the same: {out}{err}");
        let notes = out.lines().filter(|line| line.contains("ALLOWED_MODELS")).map(str::to_owned);
        notes.collect::<Vec<_>>()
    };

    let notes = look("gpt-4o-mini").await;
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes.iter().all(|note| note.starts_with("note")), "{notes:?}");
    assert!(notes[0].contains("DEFAULT_MODEL `gpt-4o`") && notes[0].contains("use `gpt-4o-mini`"));
    assert!(notes[1].contains("`extractive` of FALLBACK_MODELS"), "{notes:?}");

    let notes = look("anthropic:claude-of-a-provider-without-a-key").await;
    assert!(notes.len() == 3 && notes[0].contains("fallback text"), "{notes:?}");
    // Another spelling is the same model; unset, all of them are allowed.
    for all in ["openai:gpt-4o,gpt-4o-mini,extractive", ""] {
        assert_eq!(look(all).await, [""; 0], "{all}");
    }
}
