//! The command line, and what a start refuses.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Home, SECRET, Shop, run};

#[tokio::test]
async fn alone_it_prints_help() {
    let (_, out, err) = run(&[], &[]).await;
    let text = out + &err;
    for command in ["serve", "demo", "migrate", "openapi"] {
        assert!(text.contains(command), "{text}");
    }
    assert!(!text.contains("extract"), "that one is for itself: {text}");
    let (good, out, _) = run(&["--version"], &[]).await;
    let told = format!("replyx {} (", env!("CARGO_PKG_VERSION"));
    assert!(good && out.starts_with(&told), "{out}");
    assert!(out.contains("commit") && out.contains("build"), "{out}");
    let (good, _, err) = run(&["fly"], &[]).await;
    assert!(!good && err.contains("fly"), "{err}");
}

#[tokio::test]
async fn the_openapi_document_is_valid_unambiguous_and_the_committed_one() {
    let (good, out, err) = run(&["openapi"], &[]).await;
    assert!(good, "{err}");
    let document: Value = serde_json::from_str(&out).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "`{id}` is used twice");
            assert!(
                operation["responses"].as_object().is_some_and(|some| !some.is_empty()),
                "{path}"
            );
        }
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for vague in ["Request", "Response", "Query"] {
        assert!(!schemas.contains_key(vague), "`{vague}` says nothing to a client");
    }
    for wanted in ["RegisterUser", "CreateAssistant", "UpdateAssistant", "SearchResults", "Me"] {
        assert!(schemas.contains_key(wanted), "{wanted}: {:?}", schemas.keys());
    }
    let mut references = Vec::new();
    collect(&document, &mut references);
    for reference in references {
        let place = reference.strip_prefix('#').and_then(|place| document.pointer(place));
        assert!(place.is_some(), "{reference} leads nowhere");
    }
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    let committed = std::fs::read_to_string(committed).expect("openapi.json is committed");
    let committed: Value = serde_json::from_str(&committed).unwrap();
    assert_eq!(committed, document, "renew it: replyx openapi > openapi.json");
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                references.push(reference.to_owned());
            }
            fields.values().for_each(|field| collect(field, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

#[tokio::test]
async fn a_start_that_cannot_be_right_is_refused_with_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let production = ("ENVIRONMENT", "production");
    let key = ("SECRET_KEY", SECRET);
    let remote = ("DATABASE_URL", "postgres://replyx:s3cret@db.example.org/replyx");
    for (variables, names) in [
        ([production, ("HOST", "127.0.0.1"), ("LOG_LEVEL", "info")], "SECRET_KEY"),
        ([production, key, ("LOG_LEVEL", "info")], "DATABASE_URL"),
        ([production, key, remote], "sslmode"),
        ([production, remote, ("LOG_LEVEL", "info")], "SECRET_KEY"),
        ([key, ("PORT", "eighty"), ("LOG_LEVEL", "info")], "port"),
        ([key, ("ENVIRONMENT", "staging"), ("LOG_LEVEL", "info")], "environment"),
        ([key, ("DATABASE_URL", "mysql://x:s3cret@y/z"), ("LOG_LEVEL", "info")], "DATABASE_URL"),
        ([key, ("PUBLIC_URL", "nowhere"), ("LOG_LEVEL", "info")], "PUBLIC_URL"),
        ([("SECRET_KEY", "s3cret"), ("PORT", "0"), ("LOG_LEVEL", "info")], "SECRET_KEY"),
        ([key, ("PORT", "0"), ("LOG_LEVEL", "a=b=c")], "LOG_LEVEL"),
        ([key, ("PORT", "0"), ("METRICS_TOKEN_FILE", "/nonexistent/file")], "METRICS_TOKEN_FILE"),
        (
            [key, ("PORT", "0"), ("DATABASE_URL", "postgres://replyx:s3cret@127.0.0.1:1/x")],
            "database",
        ),
        ([key, ("PORT", "0"), ("REDIS_URL", "http://x:s3cret@y")], "edis"),
    ] {
        let variables =
            [&variables[..], &[("DATA_DIR", &data), ("TELEGRAM_API_URL", "http://127.0.0.1:1")]];
        let (good, out, err) = run(&["serve"], &variables.concat()).await;
        assert!(!good, "{names}: {out}{err}");
        let said: Vec<&str> = err.lines().filter(|line| line.starts_with("replyx: ")).collect();
        assert_eq!(said.len(), 1, "{err}");
        assert!(said[0].to_lowercase().contains(&names.to_lowercase()), "{names}: {err}");
        assert!(!err.contains("s3cret") && !err.contains("panicked"), "{err}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_program_on_the_same_folder_or_port_is_refused() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    let (status, text) = home.launch().run().await;
    assert!(!status.success() && text.contains("another replyx runs on the data folder"), "{text}");

    let other = Home::sqlite().await;
    let port = shop.program.base().rsplit_once(':').unwrap().1.to_owned();
    let (status, text) = other.launch().with("PORT", &port).run().await;
    assert!(
        !status.success() && text.contains(&format!("cannot listen on `127.0.0.1:{port}`")),
        "{text}"
    );
    shop.owner.get("/health").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_go_down_and_up_again() {
    for home in [Home::sqlite().await, Home::postgres().await] {
        let folder = home.folder.path().display().to_string();
        let variables = [("DATABASE_URL", &*home.db.url), ("DATA_DIR", &*folder)];
        let migrate = async |arguments: &[&str]| {
            let (good, out, err) = run(&[&["migrate"], arguments].concat(), &variables).await;
            assert!(good, "{out}{err}");
            out
        };
        let status = migrate(&["status"]).await;
        let count = status.lines().count();
        assert!(count >= 1 && status.lines().all(|line| line.starts_with("applied")), "{status}");
        let down = migrate(&["down", "100", "--yes"]).await;
        let pending = down.lines().filter(|line| line.starts_with("pending")).count();
        assert_eq!(pending, count, "{down}");
        assert_eq!(migrate(&["up"]).await, status);
        assert_eq!(migrate(&["up"]).await, status, "once more changes nothing");
        let down = migrate(&["down", "--yes"]).await;
        assert_eq!(down.lines().filter(|line| line.starts_with("pending")).count(), 1, "{down}");
        // A start brings it up to date.
        home.open().await;
        assert_eq!(migrate(&["status"]).await, status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_are_not_taken_back_under_a_running_program_nor_without_being_asked() {
    for home in [Home::sqlite().await, Home::postgres().await] {
        let shop = home.open().await;
        let folder = home.folder.path().display().to_string();
        let elsewhere = tempfile::tempdir().unwrap();
        let elsewhere = elsewhere.path().display().to_string();
        let down = async |folder: &str, arguments: &[&str]| {
            let variables = [("DATABASE_URL", &*home.db.url), ("DATA_DIR", folder)];
            let (good, out, err) =
                run(&[&["migrate", "down"], arguments].concat(), &variables).await;
            (good, format!("{out}{err}"))
        };
        // Nor from another folder, which has another lock.
        for folder in [&folder, &elsewhere] {
            for arguments in [&["--yes"][..], &["99", "--yes"]] {
                let (good, said) = down(folder, arguments).await;
                assert!(!good && said.contains("needs the program to be stopped"), "{said}");
            }
        }
        shop.owner.get("/api/v1/me").await.expect(200);

        let Shop { launch, program, owner, assistant } = shop;
        program.terminate().await;
        let (good, said) = down(&folder, &["99"]).await;
        assert!(!good && said.contains("nothing was changed") && said.contains("--yes"), "{said}");
        for lost in ["deletes the table `users` with 1 rows", "`assistants` with 1 rows"] {
            assert!(said.contains(lost), "{said}");
        }
        let shop = Shop::again(launch, &owner, assistant).await;
        shop.owner.get("/api/v1/me").await.expect(200);
        shop.program.terminate().await;
        let (good, said) = down(&folder, &["0", "--yes"]).await;
        assert!(good && said.contains("no migration to take back"), "{said}");
        assert!(down(&folder, &["99", "--yes"]).await.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_says_that_the_schema_is_not_the_programs() {
    for home in [Home::sqlite().await, Home::postgres().await] {
        let shop = home.open().await;
        home.db.db.migrate_down(1).await.unwrap();
        for path in ["/health", "/health/ready"] {
            let report = crate::harness::until("the schema is missed", async || {
                let answer = shop.owner.get(path).await;
                (answer.status == 503).then_some(answer.body)
            })
            .await;
            assert_eq!(report["status"], "down", "{report}");
            assert!(report["database"].as_str().unwrap().contains("migrate up"), "{report}");
        }
        home.db.db.migrate().await.unwrap();
        crate::harness::until("it is there again", async || {
            (shop.owner.get("/health/ready").await.status == 200).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_come_from_a_file_and_secrets_from_files_of_their_own() {
    let home = Home::sqlite().await;
    let folder = home.folder.path();
    std::fs::write(folder.join("key"), SECRET).unwrap();
    let settings =
        format!("upload_limit_mb = 1\nsecret_key_file = '{}'\n", folder.join("key").display());
    let file = folder.join("replyx.toml");
    std::fs::write(&file, settings).unwrap();
    let launch = home.launch().with("SECRET_KEY", "").with("REPLYX_CONFIG", file.display());
    let shop = home.open_with(launch).await;
    let large = vec![b'a'; 1024 * 1024 + 1];
    shop.owner.upload(&shop.assistant, "a.txt", large).await.expect(413);
    assert!(!folder.join("secret.key").exists(), "the given one is used");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_development_a_secret_is_made_and_kept() {
    let home = Home::sqlite().await;
    let shop = home.open_with(home.launch().with("SECRET_KEY", "")).await;
    home.bot();
    shop.connect().await;
    let shop = shop.crash().await;
    shop.owner.get("/api/v1/me").await.expect(200);
    let bot = home.bot().customer(7).ask("/start", crate::harness::PATIENCE).await;
    assert!(bot.is_some(), "its token can still be opened");
    use std::os::unix::fs::PermissionsExt;
    let file = std::fs::metadata(home.folder.path().join("secret.key")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);

    // With another secret the bot says what is wrong instead of failing silently.
    let Shop { launch, program, owner, assistant } = shop;
    program.kill().await;
    let launch = launch.with("SECRET_KEY", SECRET);
    let shop = Shop::again(launch, &owner, assistant).await;
    shop.owner.get("/api/v1/me").await.expect(401);
    let login =
        serde_json::json!({"email": crate::harness::EMAIL, "password": crate::harness::PASSWORD});
    let token =
        shop.owner.post("/api/v1/auth/login", &login).await.expect(200).text("access_token");
    let owner = shop.owner.with_token(token);
    let failed = crate::harness::until("the bot has failed", async || {
        let list = owner.get("/api/v1/bots").await.expect(200).body;
        let bot = list["items"][0].clone();
        (bot["status"] == "failed").then_some(bot)
    })
    .await;
    assert!(failed["error"].as_str().unwrap().contains("SECRET_KEY"), "{failed}");
}
