//! Large files: kept outside the database, given back as they were, bounded, and never half there.

use std::{fs, path::Path};

use replyx_testkit::{api::Answer, s3::FakeS3};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{Home, PATIENCE, SECRET, Shop, assert_problem, on_every_home, run, until};

/// A document of more than 64 KiB.
fn large() -> Vec<u8> {
    let mut text = b"# Sharpening\n\nSharpening of skates costs 450 roubles.\n\n".to_vec();
    for number in 0..4_000 {
        text.extend_from_slice(format!("Skate number {number} is blue.\n\n").as_bytes());
    }
    text
}

async fn original(shop: &Shop, id: &str) -> (String, Vec<u8>) {
    let request = shop.owner.request(Method::GET, &format!("/api/v1/documents/{id}/file"));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    (disposition, response.bytes().await.unwrap().to_vec())
}

/// The objects of a bucket: keys and sizes, without the mark that says whose bucket it is.
pub(crate) fn objects(store: &FakeS3) -> Vec<(String, usize)> {
    let mut objects = store.objects();
    objects.retain(|(key, _)| !is_mark(key));
    objects
}

/// A file under the id of no workspace says whose the store is.
fn is_mark(path: &str) -> bool {
    path.contains(&Uuid::nil().to_string())
}

/// The files below a folder, without the mark that says whose folder it is.
fn below(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found.retain(|path| !is_mark(path));
    found
}

#[on_every_home]
async fn a_large_original_is_kept_in_the_folder_and_outlives_a_kill(home: &Home) {
    let folder = home.folder.path().join("own files");
    fs::create_dir(&folder).unwrap();
    let url = format!("file://{}", folder.display().to_string().replace(' ', "%20"));
    let shop = home.open_with(home.launch().with("FILES_URL", url)).await;

    let id = shop.owner.upload(&shop.assistant, "big.md", large()).await.expect(202).text("id");
    assert_eq!(below(&folder).len(), 1);
    assert_eq!(shop.owner.processed(&id, PATIENCE).await["status"], "ready");
    // The same file again is the same document, and leaves nothing behind.
    let again = shop.owner.upload(&shop.assistant, "big.md", large()).await;
    assert_eq!((again.status.as_u16(), again.text("id")), (202, id.clone()));
    assert_eq!(below(&folder).len(), 1);

    let shop = shop.crash().await;
    let (disposition, bytes) = original(&shop, &id).await;
    assert!(disposition.starts_with("attachment; "), "{disposition}");
    assert_eq!(bytes, large());
    shop.owner.post(&format!("/api/v1/documents/{id}/reindex"), &json!({})).await.expect(202);
    assert_eq!(shop.owner.processed(&id, PATIENCE).await["status"], "ready");
}

#[on_every_home]
async fn a_large_original_is_kept_in_a_bucket_and_what_fails_there_is_told(home: &Home) {
    let store = FakeS3::start().await.unwrap();
    let shop = home.open_with(home.launch().with("FILES_URL", store.url("/shop"))).await;
    let id = shop.owner.upload(&shop.assistant, "big.md", large()).await.expect(202).text("id");
    let (key, size) = objects(&store).remove(0);
    assert!(key.starts_with("shop/"), "{key}");
    assert_eq!(size, large().len());
    assert_eq!(shop.owner.processed(&id, PATIENCE).await["status"], "ready");
    assert_eq!(original(&shop, &id).await.1, large());

    store.fail(1_000, 503);
    let mut other = large();
    other.push(b'!');
    let refused = shop.owner.upload(&shop.assistant, "other.md", other.clone()).await;
    assert_problem(&refused, 503, "busy");
    assert!(refused.headers.contains_key("retry-after"));
    until("health tells of the store", async || {
        let health = shop.owner.get("/health/ready").await.body;
        (health["status"] == "degraded" && health["files"] == "the store failed").then_some(())
    })
    .await;
    // What needs no store goes on.
    shop.owner.upload(&shop.assistant, "small.md", b"Small.".to_vec()).await.expect(202);

    store.fail(0, 503);
    shop.owner.upload(&shop.assistant, "other.md", other).await.expect(202);
    assert_eq!(objects(&store).len(), 2);
}

#[on_every_home]
async fn a_workspace_keeps_so_much_and_no_more(home: &Home) {
    let shop = home.open_with(home.launch().with("WORKSPACE_FILES_MB", 1)).await;
    let half = "Words and words. ".repeat(40_000).into_bytes();
    let first =
        shop.owner.upload(&shop.assistant, "a.md", half.clone()).await.expect(202).text("id");
    let mut other = half;
    other.push(b'!');

    let full = |answer: Answer| {
        assert_problem(&answer, 409, "workspace_full");
        assert!(answer.text("detail").contains("workspace_files_mb"), "{}", answer.body);
    };
    full(shop.owner.upload(&shop.assistant, "b.md", other.clone()).await);
    let list = shop.owner.get("/api/v1/documents").await.expect(200).body;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);

    shop.owner.delete(&format!("/api/v1/documents/{first}")).await.expect(204);
    shop.owner.upload(&shop.assistant, "b.md", other).await.expect(202);
}

#[tokio::test]
async fn the_doctor_tries_the_store() {
    let home = Home::sqlite().await;
    let store = FakeS3::start().await.unwrap();
    let folder = home.folder.path().display().to_string();
    let url = store.url("");
    let doctor = async |url: &str| {
        let variables = [
            ("DATABASE_URL", home.db.url.as_str()),
            ("DATA_DIR", &folder),
            ("SECRET_KEY", SECRET),
            ("FILES_URL", url),
        ];
        run(&["doctor"], &variables).await.1
    };

    let said = doctor(&url).await;
    assert!(
        said.lines().any(|line| line.starts_with("ok") && line.contains("large files")),
        "{said}"
    );
    assert_eq!(store.objects(), []);
    let wrong = url.replace("replyx-test", "another");
    let said = doctor(&wrong).await;
    assert!(said.contains("NoSuchBucket"), "{said}");
    assert!(!said.contains("fake%2F"), "{said}");
}
