//! What a package, a container and a supervisor need of the program.

use std::fs;

use crate::harness::{Home, run};

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
