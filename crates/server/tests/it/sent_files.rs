//! Files that operators send: uploaded or taken from the knowledge base, sent once, refused whole.

use replyx_testkit::{
    Hold,
    api::{Answer, Api},
    s3::FakeS3,
    telegram::{Chat, TelegramFault},
};
use reqwest::{Method, multipart};
use serde_json::{Value, json};

use crate::harness::{
    Home, PASSWORD, PATIENCE, Shop, assert_problem, on_every_home, sample, until,
};

const QUESTION: &str = "How many days do I have to return an item?";

/// Uploads a file that is going to be sent.
async fn upload(who: &Api, name: &str, bytes: Vec<u8>) -> Answer {
    let part = multipart::Part::bytes(bytes).file_name(name.to_owned());
    let form = multipart::Form::new().part("file", part);
    who.send(who.request(Method::POST, "/api/v1/attachments").multipart(form)).await
}

/// A customer who has been answered, and the path of the messages of the dialog.
async fn talk(home: &Home, shop: &Shop) -> (Chat, String) {
    let bot = home.bot();
    shop.connect().await;
    let ann = bot.customer(7);
    ann.ask(QUESTION, PATIENCE).await.unwrap();
    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    let id = dialogs["items"][0]["id"].as_str().unwrap();
    (ann, format!("/api/v1/dialogs/{id}/messages"))
}

/// What the customer got after the answer of the assistant: words, or the name of a file.
fn received(chat: &Chat) -> Vec<String> {
    let sent = chat.sent().into_iter().skip(1);
    sent.map(|sent| sent.file.as_ref().map_or(sent.text.clone(), |file| file.name.clone()))
        .collect()
}

async fn delivered(shop: &Shop, status: &str) -> Value {
    until(&format!("the reply is {status}"), async || {
        let last = shop.messages().await.pop()?;
        (last["author"] == "operator" && last["delivery"] == status).then_some(last)
    })
    .await
}

#[on_every_home]
async fn a_reply_brings_its_files_and_documents_once_and_in_order(home: &Home) {
    let shop = home.open().await;
    let document = shop.learn("returns.en.md").await;
    let (ann, path) = talk(home, &shop).await;
    let mut bytes = b"%PDF-1.7 ".to_vec();
    bytes.resize(100_000, b'x');
    let uploaded = upload(&shop.owner, "../Счёт 17.pdf", bytes.clone()).await.expect(201).body;
    assert_eq!(uploaded["name"], "Счёт 17.pdf");
    assert_eq!(uploaded["media_type"], "application/pdf");
    assert_eq!(uploaded["size"], 100_000);

    let reply = json!({
        "client_id": "r-1", "text": "Your **invoice** and our rules.",
        "attachments": [uploaded["id"], uploaded["id"]], "documents": [document],
    });
    let stored = shop.owner.post(&path, &reply).await.expect(201).body;
    let again = shop.owner.post(&path, &reply).await.expect(201).body;
    assert_eq!(again["id"], stored["id"]);
    let last = delivered(&shop, "delivered").await;

    assert_eq!(
        received(&ann),
        ["Your <b>invoice</b> and our rules.", "Счёт 17.pdf", "returns.en.md",]
    );
    let sent = ann.sent();
    let files: Vec<_> = sent.iter().filter_map(|sent| sent.file.as_ref()).collect();
    assert_eq!(files[0].bytes, bytes);
    assert_eq!(files[0].media_type.as_deref(), Some("application/pdf"));
    assert_eq!(files[1].bytes, sample("returns.en.md"));

    let listed = last["attachments"].as_array().unwrap();
    assert_eq!(listed.len(), 2, "{last}");
    assert_eq!(listed[0]["id"], uploaded["id"]);
    assert_eq!(stored["attachments"], last["attachments"]);
    let file = format!("/api/v1/attachments/{}", uploaded["id"].as_str().unwrap());
    let response = shop.owner.request(Method::GET, &file).send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), bytes);

    // It has been sent.
    let twice = json!({"client_id": "r-2", "attachments": [uploaded["id"]]});
    assert_problem(&shop.owner.post(&path, &twice).await, 404, "not_found");
    // A file says enough.
    let uploaded = upload(&shop.owner, "photo.jpg", b"\xff\xd8\xff\xe0".to_vec()).await.expect(201);
    let alone = json!({"client_id": "r-3", "attachments": [uploaded.body["id"]]});
    shop.owner.post(&path, &alone).await.expect(201);
    assert!(ann.wait_until(5, PATIENCE).await);
    assert_eq!(received(&ann)[3], "photo.jpg");
}

#[on_every_home]
async fn a_reply_with_a_file_that_is_not_there_sends_nothing(home: &Home) {
    let shop = home.open().await;
    let (ann, path) = talk(home, &shop).await;
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    let theirs = upload(&stranger, "theirs.txt", b"theirs".to_vec()).await.expect(201).text("id");
    let own = stranger.assistant(&json!({"name": "Own"})).await;
    let document = stranger.knowledge(&own, "a.txt", b"We open at nine.").await;
    let ours = upload(&shop.owner, "ours.txt", b"ours".to_vec()).await.expect(201).text("id");

    let missing = json!({"client_id": "r-1", "text": "Here.", "attachments": [ours, theirs]});
    assert_problem(&shop.owner.post(&path, &missing).await, 404, "not_found");
    let missing = json!({"client_id": "r-2", "text": "Here.", "documents": [document]});
    assert_problem(&shop.owner.post(&path, &missing).await, 404, "not_found");
    for bad in [
        json!({"client_id": "r-3", "text": " "}),
        json!({"client_id": "r-4", "text": "For us.", "kind": "note", "attachments": [ours]}),
        json!({"client_id": "r-5", "attachments": vec![ours.clone(); 11]}),
    ] {
        assert_problem(&shop.owner.post(&path, &bad).await, 422, "invalid");
    }
    let answers = format!("/api/v1/assistants/{}/answers", shop.assistant);
    let answer = json!({"question": "Where are you?", "answer": "In Riga."});
    let answer = shop.owner.post(&answers, &answer).await.text("id");
    let written = json!({"client_id": "r-6", "text": "Here.", "documents": [answer]});
    assert_problem(&shop.owner.post(&path, &written).await, 404, "no_original");

    // Nothing of it was stored, so the file is still to be sent.
    let reply = json!({"client_id": "r-1", "text": "Here.", "attachments": [ours]});
    shop.owner.post(&path, &reply).await.expect(201);
    delivered(&shop, "delivered").await;
    assert_eq!(received(&ann), ["Here.", "ours.txt"]);
}

#[on_every_home]
async fn files_over_a_limit_are_refused(home: &Home) {
    let launch = home.launch().with("UPLOAD_LIMIT_MB", 60).with("WORKSPACE_FILES_MB", 1);
    let shop = home.open_with(launch).await;
    let huge = upload(&shop.owner, "film.mp4", vec![b'x'; 50_000_001]).await;
    assert_problem(&huge, 413, "too_large");
    assert_problem(&upload(&shop.owner, "empty", Vec::new()).await, 422, "invalid");

    upload(&shop.owner, "a.bin", vec![1; 700_000]).await.expect(201);
    let full = upload(&shop.owner, "b.bin", vec![1; 700_000]).await;
    assert_problem(&full, 409, "workspace_full");
    upload(&shop.owner, "c.bin", vec![1; 100_000]).await.expect(201);
}

#[on_every_home]
async fn a_blocked_customer_is_told_of_before_and_after_a_file_is_sent(home: &Home) {
    let shop = home.open().await;
    let (ann, path) = talk(home, &shop).await;
    let file = upload(&shop.owner, "a.txt", b"a".to_vec()).await.expect(201).text("id");
    let hold = Hold::default();
    home.telegram.inject(TelegramFault::Hold(hold.clone()).on("sendDocument"));
    let reply = json!({"client_id": "r-1", "attachments": [file]});
    shop.owner.post(&path, &reply).await.expect(201);
    hold.reached().await;
    ann.block();
    hold.release();
    delivered(&shop, "failed").await;

    let file = upload(&shop.owner, "b.txt", b"b".to_vec()).await.expect(201).text("id");
    let reply = json!({"client_id": "r-2", "attachments": [file]});
    until("the block is known", async || {
        let answer = shop.owner.post(&path, &reply).await;
        (answer.status == 409).then(|| assert_problem(&answer, 409, "contact_blocked"))
    })
    .await;
    assert_eq!(received(&ann), [""; 0]);
}

/// The store is away at first, and the process is killed before it hears that Telegram took the
/// file: it arrives whole, and what may have arrived twice is counted.
#[on_every_home]
async fn a_file_outlives_a_kill_and_a_store_that_is_away(home: &Home) {
    let store = FakeS3::start().await.unwrap();
    let shop = home.open_with(home.launch().with("FILES_URL", store.url(""))).await;
    let (ann, path) = talk(home, &shop).await;
    let bytes = vec![7; 100_000];
    let file = upload(&shop.owner, "a.bin", bytes.clone()).await.expect(201).text("id");
    // Each attempt to read it asks the store three times.
    store.fail(3, 503);
    home.telegram.inject(TelegramFault::HangAfter.on("sendDocument"));
    let reply = json!({"client_id": "r-1", "attachments": [file]});
    let message = shop.owner.post(&path, &reply).await.expect(201).text("id");
    assert!(ann.wait_until(2, PATIENCE).await);

    let shop = shop.crash().await;
    let last = delivered(&shop, "delivered").await;
    assert_eq!(last["id"], message.as_str());
    let files: Vec<_> = ann.sent().iter().filter_map(|sent| sent.file.clone()).collect();
    assert!(files.iter().all(|file| file.bytes == bytes), "whole or not at all");
    let deliveries = format!("/api/v1/messages/{message}/deliveries");
    let parts = shop.owner.get(&deliveries).await.expect(200).body;
    let uncertain = parts["items"][0]["uncertain"].as_u64().unwrap();
    assert_eq!((uncertain, files.len()), (1, 2), "{parts}");
}
