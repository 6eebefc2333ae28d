//! What a package, a container and a supervisor need of the program.

use std::fs;

use replyx_testkit::api::Api;
use reqwest::Method;

use crate::harness::{Home, run, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_health_of_a_program_is_asked_on_its_own_machine() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    let base = shop.owner.base().to_owned();
    let port = base.rsplit_once(':').unwrap().1;
    let folder = home.folder.path().display().to_string();
    // As in a container: it listens on every address.
    let asked = [("PORT", port), ("HOST", "0.0.0.0"), ("DATA_DIR", &*folder)];

    let (good, out, err) = run(&["health"], &asked).await;
    assert!(good && out.contains(&format!("http://127.0.0.1:{port}/health/live")), "{out}{err}");

    shop.program.kill().await;
    let (good, out, err) = run(&["health"], &asked).await;
    assert!(!good && err.contains("does not answer"), "{out}{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_of_every_role_serves_its_health_and_its_metrics_and_nothing_else() {
    let home = Home::sqlite().await;
    for role in ["worker", "bots"] {
        let launch = home.launch().with("PROBE_PORT", 0).with("PORT", 1);
        let program = launch.arg("--role").arg(role).start().await;
        let api = Api::new(program.base());
        api.get("/health/live").await.expect(200);
        until("the first look", async || {
            let report = api.get("/health/ready").await.expect(200).body;
            (report["database"] == "ok" && report["disk_free_bytes"].is_u64()).then_some(())
        })
        .await;
        let metrics = api.request(Method::GET, "/metrics").send().await.unwrap();
        let metrics = metrics.text().await.unwrap();
        assert!(metrics.contains("replyx_build_info"), "{role}: {metrics}");
        assert!(metrics.contains("path=\"/health/live\""), "{role}: {metrics}");
        for path in ["/api/v1/me", "/api/openapi.json", "/api/docs", "/app/", "/"] {
            api.get(path).await.expect(404);
        }

        let port = program.base().rsplit_once(':').unwrap().1.to_owned();
        let asked = [("PROBE_PORT", &*port), ("PORT", "1")];
        let (good, out, err) = run(&["health"], &asked).await;
        assert!(good && out.contains(&format!(":{port}/health/live")), "{out}{err}");
        program.terminate().await;
    }

    // Without the setting it does not listen; that it works is seen in its log.
    let program = home.launch().arg("--role").arg("worker").start_silent();
    until("it has started", async || program.log().contains("started").then_some(())).await;
    assert!(!program.log().contains("listening"), "{}", program.log());
}

#[tokio::test]
async fn shells_complete_every_command_and_each_has_a_manual_page() {
    let commands = ["serve", "migrate", "admin", "knowledge", "doctor", "config", "health"];
    for shell in ["bash", "zsh", "fish"] {
        let (good, script, err) = run(&["completions", shell], &[]).await;
        assert!(good, "{err}");
        for command in commands {
            assert!(script.contains(command), "{shell}: {command}");
        }
        assert!(!script.contains("--probe"), "{shell}: `extract` is for the program itself");
    }

    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("man");
    let (good, _, err) = run(&["man", folder.to_str().unwrap()], &[]).await;
    assert!(good, "{err}");
    let page = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    assert!(page("replyx.1").starts_with(".ie"), "{}", page("replyx.1"));
    for command in commands {
        assert!(page(&format!("replyx-{command}.1")).contains(command));
    }
    assert!(page("replyx-serve.1").contains("The roles to run"));
}
