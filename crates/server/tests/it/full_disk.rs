//! A database that answers and takes no writes: balancers must send requests elsewhere.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use replyx_storage::testing::tamper;
use replyx_testkit::{api::Api, program::Launch};
use serde_json::json;

use crate::harness::{Home, PASSWORD, REPLYX, until};

/// The program, which may make no file longer than so many kB. What a full disk does to it, a bound
/// does as well.
fn bounded(folder: &Path, kilobytes: u32) -> String {
    let path = folder.join("bounded");
    let script =
        format!("#!/bin/sh\ntrap '' XFSZ\nulimit -f $(({kilobytes} * 2))\nexec {REPLYX} \"$@\"\n");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_seen_by_health() {
    let home = Home::sqlite().await;
    let file = home.folder.path().join("full.db");
    let launch = |program: &str| {
        let url = format!("sqlite:{}", file.display());
        let launch = Launch::serve(program).unlimited().data(home.folder.path());
        launch.with("PATH", "/usr/bin:/bin").with("DATABASE_URL", url)
    };
    // However large the empty tables are, there is room for some megabytes more.
    let (ended, log) = launch(REPLYX).start().await.terminate().await;
    assert!(ended.success(), "{log}");
    let kilobytes = u32::try_from(fs::metadata(&file).unwrap().len() / 1024).unwrap() + 3_000;
    let launch = launch(&bounded(home.folder.path(), kilobytes));
    let running = launch.start().await;
    let owner = Api::new(running.base()).register("ann@example.org", PASSWORD).await;
    let ready = owner.get("/health/ready").await.expect(200).body;
    assert_eq!((&ready["database"], &ready["disk"]), (&json!("ok"), &json!("ok")), "{ready}");
    assert!(ready["disk_free_bytes"].as_u64().is_some_and(|free| free > 0), "{ready}");

    let assistant = owner.assistant(&json!({"name": "Support"})).await;
    let text = "All about lanterns. ".repeat(20_000);
    until("there is no room left", async || {
        let name = format!("{}.txt", replyx_core::clock::random_hex::<8>());
        let text = format!("{name} {text}");
        let answer = owner.upload(&assistant, &name, text.into_bytes()).await;
        (answer.status.as_u16() == 500).then_some(())
    })
    .await;
    for path in ["/health", "/health/ready"] {
        until("health says so", async || {
            let report = owner.get(path).await;
            (report.status.as_u16() == 503).then_some(())
        })
        .await;
        let report = owner.get(path).await.expect(503).body;
        assert_eq!(report["status"], "down", "{report}");
        assert!(report["database"].as_str().unwrap().starts_with("takes no writes"), "{report}");
    }
    owner.get("/health/live").await.expect(200);
    let metrics = owner.request(reqwest::Method::GET, "/metrics").send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("database_takes_writes 0"), "{metrics}");
    assert!(metrics.contains("data_dir_free_bytes "), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_has_become_a_replica_is_seen_by_health() {
    let home = Home::postgres().await;
    let shop = home.open().await;
    shop.owner.get("/health").await.expect(200);
    let (_, name) = home.db.url.rsplit_once('/').unwrap();
    let name = name.split('?').next().unwrap();
    let set = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    tamper(&home.db.url, &set).await;
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
    tamper(&home.db.url, others).await;
    until("health says so", async || {
        let report = shop.owner.get("/health").await;
        let said = report.body["database"].as_str().unwrap_or_default();
        (report.status.as_u16() == 503 && said.contains("may only be read")).then_some(())
    })
    .await;
}
