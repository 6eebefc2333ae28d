//! Backups of a running program, restored into homes of either kind.

use std::path::Path;

use replyx_testkit::api::Api;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{EMAIL, Home, PASSWORD, PATIENCE, SECRET, TOKEN, run, until};

/// A document of more than 64 KiB, which is kept outside the database beside `SQLite`.
fn large() -> Vec<u8> {
    let mut text = b"# Skates\n\nSharpening of skates costs 450 roubles.\n\n".to_vec();
    for number in 0..4_000 {
        text.extend_from_slice(format!("Skate number {number} is blue.\n\n").as_bytes());
    }
    text
}

/// Runs a command on a home.
async fn on(home: &Home, arguments: &[&str]) -> (bool, String) {
    let folder = home.folder.path().display().to_string();
    let variables =
        [("DATABASE_URL", &*home.db.url), ("DATA_DIR", &*folder), ("SECRET_KEY", SECRET)];
    let (good, out, err) = run(arguments, &variables).await;
    (good, out + &err)
}

async fn original(api: &Api, document: &str) -> Vec<u8> {
    let request = api.request(Method::GET, &format!("/api/v1/documents/{document}/file"));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().to_vec()
}

/// What an owner sees.
async fn seen(api: &Api) -> Value {
    let mut seen = json!({});
    for path in ["assistants", "documents", "dialogs", "bots", "members"] {
        seen[path] = api.get(&format!("/api/v1/{path}")).await.expect(200).body;
    }
    let dialog = seen["dialogs"]["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/dialogs/{dialog}/messages");
    seen["messages"] = api.get(&path).await.expect(200).body;
    seen
}

async fn moves(from: Home, to: Home) {
    let shop = from.open().await;
    let document =
        shop.owner.upload(&shop.assistant, "big.md", large()).await.expect(202).text("id");
    assert_eq!(shop.owner.processed(&document, PATIENCE).await["status"], "ready");
    let bot = from.bot();
    shop.owner.bot(&shop.assistant, TOKEN).await;
    let chat = bot.customer(7);
    let answer = chat.ask("How much does sharpening of skates cost?", PATIENCE).await;
    assert!(answer.expect("an answer").plain.contains("450"));
    until("the reply is delivered", async || {
        let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
        let dialog = dialogs["items"][0]["id"].as_str()?.to_owned();
        let path = format!("/api/v1/dialogs/{dialog}/messages");
        let messages = shop.owner.get(&path).await.expect(200).body;
        let items = messages["items"].as_array().unwrap();
        items.iter().any(|message| message["delivery"] == "delivered").then_some(())
    })
    .await;

    // Beside the running program.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.backup");
    let name = file.to_str().unwrap();
    let (good, told) = on(&from, &["backup", name]).await;
    assert!(good && told.contains("Keep a copy of SECRET_KEY"), "{told}");
    let before = seen(&shop.owner).await;
    let (good, told) = on(&from, &["restore", name]).await;
    assert!(!good && told.contains("to be stopped"), "a running home is not restored into: {told}");
    shop.program.terminate().await;
    let sent = bot.sent_total();

    let (good, told) = run_alone(&["backup", "verify", name]).await;
    assert!(good && told.contains("is whole"), "{told}");
    let (good, told) = with_another_key(&to, name).await;
    assert!(!good && told.contains("needs the SECRET_KEY with the id"), "{told}");
    let (good, told) = on(&to, &["restore", name]).await;
    assert!(good && told.contains("paused"), "{told}");
    let (good, told) = on(&to, &["restore", name]).await;
    assert!(!good && told.contains("in use"), "{told}");

    // Paused: everything can be seen, and nothing leaves. The bot's customer is not heard.
    let launch = to.launch().with("TELEGRAM_API_URL", from.telegram.url());
    let program = launch.start().await;
    until("it says that it is paused", async || {
        program.log().contains("restored from a backup and is paused").then_some(())
    })
    .await;
    let owner = Api::new(program.base()).login(EMAIL, PASSWORD).await;
    assert_eq!(seen(&owner).await, before);
    assert_eq!(original(&owner, &document).await, large());
    chat.say("And how much does it cost for a child?");
    assert_eq!(bot.pending_updates(), 1);
    program.terminate().await;
    assert_eq!((bot.sent_total(), bot.pending_updates()), (sent, 1), "nobody asked");
    let (_, told) = on(&to, &["doctor"]).await;
    assert!(told.contains("restored from a backup and paused"), "{told}");
    let (status, log) = launch.arg("--role").arg("worker").run().await;
    assert!(!status.success() && log.contains("replyx resume"), "{log}");

    let (good, told) = on(&to, &["resume"]).await;
    assert!(good && told.contains("0 parts of replies"), "{told}");
    let (good, told) = on(&to, &["resume"]).await;
    assert!(!good && told.contains("not paused"), "{told}");
    let program = to.launch().with("TELEGRAM_API_URL", from.telegram.url()).start().await;
    assert!(chat.wait_until(2, PATIENCE).await, "{}", program.log());
}

async fn run_alone(arguments: &[&str]) -> (bool, String) {
    let (good, out, err) = run(arguments, &[]).await;
    (good, out + &err)
}

async fn with_another_key(home: &Home, name: &str) -> (bool, String) {
    let folder = home.folder.path().display().to_string();
    let other = "another-master-secret-of-more-than-32-characters";
    let variables =
        [("DATABASE_URL", &*home.db.url), ("DATA_DIR", &*folder), ("SECRET_KEY", other)];
    let (good, out, err) = run(&["restore", name], &variables).await;
    (good, out + &err)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_moves_from_a_file_to_a_server() {
    moves(Home::sqlite().await, Home::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_moves_from_a_server_to_a_file() {
    moves(Home::postgres().await, Home::sqlite().await).await;
}

#[tokio::test]
async fn where_there_is_nothing_nothing_is_backed_up() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("backup");
    let variables = [("DATA_DIR", data.to_str().unwrap())];
    let (good, out, err) = run(&["backup", file.to_str().unwrap()], &variables).await;
    assert!(!good && err.contains("there is no database yet"), "{out}{err}");
    assert!(!Path::new(&file).exists());
}
