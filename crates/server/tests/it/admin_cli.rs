//! `replyx admin`: what has to work when nobody can sign in.

use std::process::Stdio;

use replyx_testkit::api::Api;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

use crate::harness::{
    EMAIL, Home, PASSWORD, PATIENCE, REPLYX, SECRET, admin, assert_problem, on_every_home, until,
};

/// Runs `replyx admin ...` on a home; `input` is what is typed. Whether it succeeded, and what it
/// said.
async fn replyx(home: &Home, arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new(REPLYX)
        .arg("admin")
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", &home.db.url)
        .env("DATA_DIR", home.folder.path())
        .env("SECRET_KEY", SECRET)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It may have ended without asking.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[on_every_home]
async fn the_first_admin_is_made_on_the_machine_and_nowhere_else(home: &Home) {
    let program = home.launch().start().await;
    until("the first step is logged", async || {
        program.log().contains("replyx admin create").then_some(())
    })
    .await;
    for (email, password, reason) in [
        ("root@example.org", "short 1\n", "8 to 128"),
        ("root@example.org", "\n", "8 to 128"),
        ("root@example.org", "", "8 to 128"),
        ("not an address", "green lantern 7\n", "not an e-mail address"),
    ] {
        let (made, said) = replyx(home, &["create", email], password).await;
        assert!(!made && said.contains(reason), "{email} {password:?}: {said}");
    }
    let (made, said) = replyx(home, &["create", " Root@Example.org "], "green lantern 7\n").await;
    assert!(made && said.contains("`root@example.org` is an admin"), "{said}");
    let (made, said) = replyx(home, &["create", "root@example.org"], "green lantern 7\n").await;
    assert!(!made && said.contains("admin role"), "{said}");
    assert!(!said.contains("green lantern"), "{said}");

    let root = Api::new(program.base()).login("root@example.org", PASSWORD).await;
    let me = root.get("/api/v1/me").await.expect(200).body;
    assert_eq!((&me["user"]["is_admin"], &me["workspace"]), (&json!(true), &Value::Null));
    root.get("/api/v1/admin/users").await.expect(200);
}

#[on_every_home]
async fn a_new_password_and_power_are_obeyed_by_a_program_that_runs(home: &Home) {
    let shop = home.open().await;
    let admins = "/api/v1/admin/users";
    assert_problem(&shop.owner.get(admins).await, 403, "forbidden");
    let (done, said) = replyx(home, &["role", EMAIL, "admin"], "").await;
    assert!(done, "{said}");
    until("power is given", async || (shop.owner.get(admins).await.status == 200).then_some(()))
        .await;
    let (done, said) = replyx(home, &["role", EMAIL, "user"], "").await;
    assert!(done, "{said}");
    until("power is taken", async || (shop.owner.get(admins).await.status == 403).then_some(()))
        .await;

    let (done, said) = replyx(home, &["password", EMAIL], "blue lantern 8\n").await;
    assert!(done && !said.contains("blue lantern"), "{said}");
    until("its sessions end", async || {
        (shop.owner.get("/api/v1/me").await.status == 401).then_some(())
    })
    .await;
    let old = json!({"email": EMAIL, "password": PASSWORD});
    shop.owner.post("/api/v1/auth/login", &old).await.expect(401);
    let new = json!({"email": EMAIL, "password": "blue lantern 8"});
    shop.owner.post("/api/v1/auth/login", &new).await.expect(200);
    for command in [["password", "nobody@example.org"], ["role", "nobody@example.org"]] {
        let mut command = command.to_vec();
        if command[0] == "role" {
            command.push("admin");
        }
        let (done, said) = replyx(home, &command, "blue lantern 8\n").await;
        assert!(!done && said.contains("no account"), "{said}");
    }
}

#[on_every_home]
async fn whoever_changes_an_audit_log_is_found_out(home: &Home) {
    let shop = home.open().await;
    admin(home, "root@example.org").await;
    shop.owner.patch("/api/v1/workspace", &json!({"name": "Renamed"})).await.expect(200);
    let (sound, said) = replyx(home, &["audit", "verify"], "").await;
    assert!(sound && said.contains("platform: ") && said.contains("unbroken"), "{said}");

    // The same acts are in a file of their own.
    let folder = home.folder.path().join("logs");
    let lines = until("the acts are written", async || {
        let file = std::fs::read_dir(&folder).ok()?.next()?.ok()?.path();
        let name = file.file_name()?.to_str()?.to_owned();
        let date = name.strip_prefix("audit.").and_then(|rest| rest.strip_suffix(".log"));
        assert!(date.is_some_and(|date| date.len() == 10), "{name}");
        let text = std::fs::read_to_string(file).ok()?;
        text.contains("workspace.updated").then_some(text)
    })
    .await;
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["target"], "audit", "{line}");
        assert!(line["hash"].as_str().is_some_and(|hash| hash.len() == 64), "{line}");
    }

    let change =
        "UPDATE audit_entries SET actor_name = 'somebody' WHERE action = 'workspace.updated'";
    let changed = replyx_storage::testing::tamper(&home.db.url, change).await;
    assert_eq!(changed, 1);
    let (sound, said) = replyx(home, &["audit", "verify"], "").await;
    assert!(!sound && said.contains("BROKEN") && said.contains("was changed"), "{said}");
}
