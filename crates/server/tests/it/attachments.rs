//! Files that customers send in Telegram: received, stored, shown, and never half there.

use replyx_testkit::{api::Api, s3::FakeS3, telegram::TelegramFault};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    files::objects,
    harness::{Home, PASSWORD, Shop, assert_problem, on_every_home, until},
};

/// The only attachment of the only dialog, once it has this status.
async fn attachment(shop: &Shop, status: &str) -> Value {
    until(&format!("the file is {status}"), async || {
        let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
        dialogs["items"].as_array()?.first()?;
        let messages = shop.messages().await;
        let files = messages.iter().filter_map(|message| message["attachments"].as_array());
        let file = files.flatten().next()?.clone();
        (file["status"] == status).then_some(file)
    })
    .await
}

async fn open(home: &Home) -> Shop {
    let shop = home.open().await;
    shop.connect().await;
    shop
}

#[on_every_home]
async fn a_file_of_a_customer_is_stored_and_given_back_as_a_download(home: &Home) {
    let bot = home.bot();
    let shop = open(home).await;
    let customer = bot.customer(7);
    let mut bytes = b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>".to_vec();
    bytes.resize(200_000, b' ');
    let fields = json!({"caption": "My receipt. How long is delivery?"});
    customer.send_file("document", "receipt.svg", bytes.clone(), fields);

    let file = attachment(&shop, "stored").await;
    assert_eq!((&file["what"], &file["name"]), (&json!("document"), &json!("receipt.svg")));
    assert_eq!((&file["media_type"], &file["size"]), (&json!("text/plain"), &json!(200_000)));
    let messages = shop.messages().await;
    assert_eq!(messages[0]["text"], "My receipt. How long is delivery?");

    let path = format!("/api/v1/attachments/{}", file["id"].as_str().unwrap());
    let response = shop.owner.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/plain");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let disposition = response.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename=\"receipt.svg\""), "{disposition}");
    assert_eq!(response.bytes().await.unwrap(), bytes);

    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    assert_problem(&stranger.get(&path).await, 404, "not_found");
}

#[on_every_home]
async fn photos_and_voices_are_files_too_and_what_is_too_large_says_so(home: &Home) {
    let bot = home.bot();
    let shop = open(home).await;
    let customer = bot.customer(7);
    customer.send_huge_file("video", "film.mp4", 20_000_001);
    let file = attachment(&shop, "too_large").await;
    let path = format!("/api/v1/attachments/{}", file["id"].as_str().unwrap());
    assert_problem(&shop.owner.get(&path).await, 404, "not_stored");

    customer.send_file("photo", "", b"\xff\xd8\xff\xe0 a photo".to_vec(), json!({}));
    customer.send_file("voice", "", b"OggS a voice".to_vec(), json!({}));
    until("both are stored", async || {
        let messages = shop.messages().await;
        let files: Vec<&Value> = messages
            .iter()
            .flat_map(|message| message["attachments"].as_array().unwrap())
            .collect();
        let stored = files.iter().filter(|file| file["status"] == "stored");
        let types: Vec<&str> = stored.filter_map(|file| file["media_type"].as_str()).collect();
        (types == ["image/jpeg", "audio/ogg"]).then_some(())
    })
    .await;
}

/// Killed while Telegram is being asked: the job runs again, and the file is there once.
#[on_every_home]
async fn a_file_whose_fetching_was_killed_is_fetched_again(home: &Home) {
    let store = FakeS3::start().await.unwrap();
    let bot = home.bot();
    let shop = home.open_with(home.launch().with("FILES_URL", store.url(""))).await;
    shop.connect().await;
    home.telegram.inject(TelegramFault::Hang.on("getFile"));
    bot.customer(7).send_file("document", "a.bin", vec![7; 100_000], json!({}));
    attachment(&shop, "waiting").await;
    until("Telegram is asked", async || (home.telegram.faults_left() == 0).then_some(())).await;

    let shop = shop.crash().await;
    let file = attachment(&shop, "stored").await;
    assert_eq!(file["size"], 100_000);
    assert_eq!(objects(&store).len(), 1);
}
