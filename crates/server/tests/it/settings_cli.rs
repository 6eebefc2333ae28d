//! Settings as an operator meets them: names that are none, values that cannot be, and what is in
//! force.

use std::fs;

use replyx_testkit::{api::Api, program::Launch};
use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

use crate::harness::{Home, PASSWORD, PATIENCE, REPLYX, SECRET, admin, on_every_home, run, until};

/// The line of `replyx config` about a setting: its value and from where it is.
fn line<'a>(out: &'a str, name: &str) -> &'a str {
    out.lines()
        .find(|line| line.split_whitespace().next() == Some(name))
        .unwrap_or_else(|| panic!("nothing about {name}: {out}"))
}

#[tokio::test]
async fn what_is_in_force_is_shown_with_its_origin_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("replyx.toml");
    let key = folder.path().join("key");
    fs::write(&key, SECRET).unwrap();
    fs::write(
        &file,
        "upload_limit_mb = 7\nport = 1\nopenai_base_url = 'https://ann:hunter2@api.example.org/v1'\n\
         [[providers]]\nname = 'own'\nbase_url = 'http://127.0.0.1:9/v1'\napi_key = 'hunter2'\n",
    )
    .unwrap();
    let variables = [
        ("REPLYX_CONFIG", file.to_str().unwrap()),
        ("SECRET_KEY_FILE", key.to_str().unwrap()),
        ("PORT", "9001"),
        ("SMTP_URL", "smtp://ann:hunter2@mail.example.org"),
        ("OPENAI_API_KEY", "hunter2-key"),
        ("RATE_UPLOD", "1/1s"),
    ];
    // The address with a password is a fault, and is shown as far as it may be all the same.
    let (good, out, err) = run(&["config"], &variables).await;
    assert!(!good, "{out}{err}");
    for (name, value, origin) in [
        ("UPLOAD_LIMIT_MB", "7", format!("file {}", file.display())),
        ("PORT", "9001", "variable PORT".to_owned()),
        ("HOST", "127.0.0.1", "default".to_owned()),
        ("SECRET_KEY", "(secret)", "file named by SECRET_KEY_FILE".to_owned()),
        ("SMTP_URL", "(secret)", "variable SMTP_URL".to_owned()),
        ("REDIS_URL", "(unset)", "default".to_owned()),
        ("RATE_USER", "1200/1m", "default".to_owned()),
        ("OPENAI_BASE_URL", "https://***@api.example.org/v1", format!("file {}", file.display())),
    ] {
        let line = line(&out, name);
        let rest = line.strip_prefix(name).unwrap().trim();
        assert!(rest.starts_with(value) && rest.ends_with(&origin), "{line}");
    }
    assert!(out.contains("provider `own`") && out.contains("127.0.0.1:9"), "{out}");
    assert!(out.contains("`RATE_UPLOD` is not a setting: did you mean `RATE_UPLOAD`?"), "{out}");
    assert!(!out.contains("hunter2") && !err.contains("hunter2"), "{out}{err}");
    assert!(!out.contains(SECRET), "{out}");

    let (good, out, err) = run(&["config"], &[("DATA_DIR", "/nowhere")]).await;
    assert!(good, "looking needs nothing: {out}{err}");
    assert!(line(&out, "DATA_DIR").contains("/nowhere"), "{out}");
}

/// Beside the running program: nothing is locked, and nothing is made.
#[on_every_home]
async fn what_an_admin_has_set_is_what_is_in_force(home: &Home) {
    let shop = home.open_with(home.launch().with("RATE_LOGIN", "90/5m")).await;
    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let request = root.request(Method::PUT, "/api/v1/admin/settings/rate_login");
    root.send(request.json(&json!({"value": "70/5m"}))).await.expect(200);

    let folder = home.folder.path().display().to_string();
    let variables = [
        ("DATABASE_URL", home.db.url.as_str()),
        ("DATA_DIR", &folder),
        ("RATE_LOGIN", "90/5m"),
        ("SESSION_DAYS", "29"),
    ];
    let (good, out, err) = run(&["config"], &variables).await;
    assert!(good, "{out}{err}");
    let shown = line(&out, "RATE_LOGIN");
    assert!(shown.contains("70/5m") && shown.ends_with("platform admin"), "{shown}");
    let shown = line(&out, "SESSION_DAYS");
    assert!(shown.contains("29") && shown.ends_with("variable SESSION_DAYS"), "{shown}");

    let nowhere = [("DATABASE_URL", "postgres://replyx@127.0.0.1:9/replyx")];
    let (_, out, _) = run(&["config"], &nowhere).await;
    assert!(out.contains("the database cannot tell what admins have set"), "{out}");
    assert!(line(&out, "RATE_LOGIN").ends_with("default"), "{out}");
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("replyx.toml");
    fs::write(&file, "rate_uplod = '1/1s'\ncolour = 'red'\ndatabase_pool = 'many'\n").unwrap();
    let variables = [
        ("REPLYX_CONFIG", file.to_str().unwrap()),
        ("ENVIRONMENT", "prod"),
        ("PORT", "70000"),
        ("HOST", "localhost"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "a=b=c"),
        ("OPENAI_PROTOCOL", "telepathy"),
        ("DATABASE_TLS", "of"),
        ("DATABASE_SYNC", "maybe"),
        ("CRAWL_PRIVATE_ADDRESSES", "yes"),
        ("EMAIL_CONFIRMATION", "maybe"),
        ("REGISTRATION_OPEN", "perhaps"),
        ("RATE_LOGIN", "often"),
        ("PUBLIC_URL", "not a url"),
        ("SMTP_URL", "https://ann:hunter2@mail.example.org"),
        ("METRICS_TOKEN_FILE", "/nowhere/at/all"),
    ];
    let (good, out, err) = run(&["config", "check"], &variables).await;
    assert!(!good, "{out}{err}");
    for sentence in [
        "`rate_uplod` is not a setting: did you mean `rate_upload`?",
        "`colour` is not a setting",
        "database_pool must be a whole number, 0 or more, not `many`",
        "ENVIRONMENT must be `development` or `production`, not `prod`",
        "PORT must be a whole number from 0 to 65535, not `70000`",
        "HOST must be an IP address such as `127.0.0.1` or `::`, not `localhost`",
        "LOG_FORMAT must be `text` or `json`, not `xml`",
        "LOG_LEVEL `a=b=c` is not understood",
        "OPENAI_PROTOCOL must be",
        "DATABASE_TLS must be `require` or `off`, not `of`",
        "DATABASE_SYNC must be `full` or `normal`, not `maybe`",
        "CRAWL_PRIVATE_ADDRESSES must be `refuse` or `allow`, not `yes`",
        "EMAIL_CONFIRMATION must be one of",
        "REGISTRATION_OPEN must be `true` or `false`, not `perhaps`",
        "RATE_LOGIN must be",
        "PUBLIC_URL `not a url` is not a URL",
        "SMTP_URL",
        "METRICS_TOKEN_FILE cannot be read",
    ] {
        assert!(out.contains(sentence), "{sentence}\n{out}{err}");
    }
    assert!(!out.contains("hunter2") && !err.contains("hunter2"), "{out}{err}");
    let faults = out.lines().filter(|line| line.starts_with("FAULT")).count();
    assert_eq!(faults, 18, "each is said once: {out}");

    // A start says the first, and where to find the others.
    let (good, _, err) = run(&["serve"], &variables).await;
    assert!(!good && err.contains("and 17 more faults: `replyx config check` lists all"), "{err}");
    assert_eq!(err.lines().filter(|line| line.starts_with("replyx: ")).count(), 1, "{err}");

    let (good, out, err) = run(&["config", "check"], &[("SECRET_KEY", "short")]).await;
    assert!(!good && out.contains("SECRET_KEY"), "{out}{err}");
    let (good, out, err) = run(&["config", "check"], &[]).await;
    assert!(good && out.contains("the settings can be used"), "{out}{err}");
}

#[tokio::test]
async fn a_file_with_an_unknown_name_or_broken_toml_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("replyx.toml");
    for (text, says) in [
        ("rate_uplod = '1/1s'\n", "did you mean `rate_upload`?"),
        ("PORT = 9000\n", "`PORT` is not a setting: did you mean `port`?"),
        ("[server]\nport = 9000\n", "`server` is not a setting"),
        ("secret_key = 'hunter2-in-an-open-string\n", "is not valid TOML"),
        ("secret_key = ['hunter2']\n", "must be a text"),
        ("[[providers]]\nname = 'x'\nbase_url = 'http://x'\napi_keys = 'hunter2'\n", "api_keys"),
    ] {
        fs::write(&file, text).unwrap();
        let data = folder.path().join("data");
        let variables = [("DATA_DIR", data.to_str().unwrap()), ("PORT", "0")];
        let (good, out, err) =
            run(&["--config", file.to_str().unwrap(), "serve"], &variables).await;
        assert!(!good && err.contains(says), "{text}: {out}{err}");
        assert!(!err.contains("hunter2"), "{err}");
        assert!(!data.exists(), "nothing was begun");
    }
    let nowhere = folder.path().join("nowhere.toml");
    let (good, _, err) = run(&["--config", nowhere.to_str().unwrap(), "doctor"], &[]).await;
    assert!(!good, "{err}");
}

#[tokio::test]
async fn a_variable_that_is_nearly_a_setting_is_warned_of_and_one_of_another_program_is_not() {
    let home = Home::sqlite().await;
    let launch = home.launch().with("RATE_UPLOD", "1/1s").with("DATABASE_POOL_SIZE", 5);
    let program = launch.with("PGHOST", "x").with("REDIS_SERVICE_HOST", "x").start().await;
    let warned = |log: &str, meant: &str| {
        let meant = format!("`{meant}`");
        log.lines().any(|line| line.contains("WARN") && line.contains(&meant))
    };
    let log = until("both are warned of", async || {
        let log = program.log();
        (warned(&log, "RATE_UPLOAD") && warned(&log, "DATABASE_POOL")).then_some(log)
    })
    .await;
    assert!(!log.contains("PGHOST") && !log.contains("SERVICE_HOST"), "{log}");
    let (good, out, _) =
        run(&["doctor"], &[("RATE_UPLOD", "1/1s"), ("DATA_DIR", "/nowhere")]).await;
    assert!(good, "it is no fault: {out}");
    let note = |line: &str| line.starts_with("note") && line.contains("`RATE_UPLOAD`");
    assert!(out.lines().any(note), "{out}");
}

#[tokio::test]
async fn flags_win_over_variables_and_the_start_says_where_everything_is() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("by-flag");
    let launch = Launch::serve(REPLYX)
        .with("PORT", 1)
        .with("HOST", "203.0.113.1")
        .with("DATA_DIR", "/nowhere/at/all")
        .with("TELEGRAM_API_URL", "http://127.0.0.1:1");
    let launch = ["--port", "0", "--host", "::1", "--data", data.to_str().unwrap()]
        .into_iter()
        .fold(launch, Launch::arg);
    let program = launch.start().await;
    assert!(program.base().starts_with("http://[::1]:"), "{}", program.base());
    assert!(data.join("replyx.db").exists());
    // What is logged comes by another pipe than the address.
    let log = until("the first step is logged", async || {
        let log = program.log();
        log.contains("there is no account yet").then_some(log)
    })
    .await;
    let told =
        log.lines().find(|line| line.contains("ready to use")).unwrap_or_else(|| panic!("{log}"));
    let docs = format!("{}/api/docs", program.base());
    for what in [docs.as_str(), data.to_str().unwrap(), "extractive", "mail"] {
        assert!(told.contains(what), "{what}: {told}");
    }
    let (good, _, err) = run(&["serve", "--port", "harbour"], &[("DATA_DIR", "/nowhere")]).await;
    assert!(
        !good && err.contains("--port must be a whole number, 0 or more, not `harbour`"),
        "{err}"
    );
}

#[tokio::test]
async fn a_database_that_is_away_is_told_by_its_cause_and_without_a_long_silence() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("DATA_DIR", folder.path().to_str().unwrap()),
        ("DATABASE_URL", "postgres://replyx:hunter2@127.0.0.1:1/replyx"),
    ];
    for command in [&["migrate", "status"][..], &["doctor"], &["serve"]] {
        let begun = Instant::now();
        let (good, out, err) = run(command, &variables).await;
        let said = format!("{out}{err}");
        assert!(!good && said.contains("Connection refused"), "{command:?}: {said}");
        assert!(!said.contains("timed out") && !said.contains("hunter2"), "{command:?}: {said}");
        assert!(begun.elapsed() < PATIENCE, "{command:?}");
    }
    // A start waits some seconds for a database that starts at the same time, and says so.
    let launch = Launch::serve(REPLYX).data(folder.path()).with("DATABASE_URL", variables[1].1);
    let (_, log) = launch.run().await;
    let warned = |line: &str| line.contains("WARN") && line.contains("Connection refused");
    assert!(log.lines().any(warned), "{log}");
}

#[tokio::test]
async fn an_embedding_model_that_is_named_and_cannot_be_had_ends_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["nonsense", "multilingual-e5-small"] {
        let variables = [
            ("DATA_DIR", folder.path().to_str().unwrap()),
            ("EMBEDDING_MODEL", name),
            ("PORT", "0"),
        ];
        let (good, out, err) = run(&["serve"], &variables).await;
        let says = format!("EMBEDDING_MODEL `{name}` cannot be used");
        assert!(!good && err.contains(&says), "{out}{err}");
        let (good, out, _) = run(&["config", "check"], &variables).await;
        assert!(!good && out.contains(&says), "{out}");
    }
}
