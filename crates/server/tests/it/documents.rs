//! Files of an owner: replaced, given back, many at once, within the bounds of a day, with what was
//! not read of them.

use replyx_testkit::api::{Answer, Api};
use reqwest::{Method, multipart};
use serde_json::{Value, json};

use crate::{
    events::Events,
    harness::{Home, PASSWORD, PATIENCE, Shop, assert_problem, on_every_home, until},
};

const OLD: &[u8] = b"# Sharpening\n\nSharpening of skates costs 450 roubles.";
const NEW: &[u8] = b"# Sharpening\n\nSharpening of skates costs 300 roubles.";

fn part(name: &str, bytes: &[u8]) -> multipart::Part {
    multipart::Part::bytes(bytes.to_vec()).file_name(name.to_owned())
}

/// Sends a form of files, and of fields beside them.
async fn form(
    who: &Api,
    method: Method,
    path: &str,
    files: &[(&str, &[u8])],
    fields: &[(&str, &str)],
) -> Answer {
    let mut form = multipart::Form::new();
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    for (name, bytes) in files {
        form = form.part("file", part(name, bytes));
    }
    who.send(who.request(method, path).multipart(form)).await
}

async fn replace(who: &Api, document: &str, name: &str, bytes: &[u8]) -> Answer {
    form(who, Method::PUT, &format!("/api/v1/documents/{document}/file"), &[(name, bytes)], &[])
        .await
}

fn uploads(shop: &Shop) -> String {
    format!("/api/v1/assistants/{}/documents", shop.assistant)
}

/// What search finds, word for word.
async fn found(shop: &Shop, assistant: &str) -> Vec<String> {
    let path = format!("/api/v1/assistants/{assistant}/search");
    let query = json!({"query": "How much is sharpening of skates?"});
    let found = shop.owner.post(&path, &query).await.expect(200).body;
    let hits = found["hits"].as_array().unwrap().iter();
    hits.map(|hit| hit["text"].as_str().unwrap().to_owned()).collect()
}

#[on_every_home]
async fn a_new_file_takes_the_place_of_the_old_one_and_of_nothing_else(home: &Home) {
    let shop = home.open().await;
    let document = shop.owner.knowledge(&shop.assistant, "price.md", OLD).await;
    let other = shop.owner.assistant(&json!({"name": "Other"})).await;
    let link = format!("/api/v1/assistants/{other}/documents/{document}");
    shop.owner.send(shop.owner.request(Method::PUT, &link)).await.expect(204);

    let same = replace(&shop.owner, &document, "price.md", OLD).await.expect(200).body;
    assert_eq!((&same["unchanged"], &same["status"]), (&json!(true), &json!("ready")));

    let mut stream = Events::open(&shop.owner, None).await;
    let answer = replace(&shop.owner, &document, "price 2027.md", NEW).await.expect(202).body;
    assert_eq!((&answer["id"], &answer["unchanged"]), (&json!(document), &json!(false)));
    let ready = until("the new file is read", async || {
        let found = shop.owner.get(&format!("/api/v1/documents/{document}")).await.expect(200).body;
        (found["status"] == "ready" && found["name"] == "price 2027.md").then_some(found)
    })
    .await;
    assert_eq!(ready["assistant_ids"].as_array().unwrap().len(), 2, "{ready}");
    for assistant in [&shop.assistant, &other] {
        let texts = found(&shop, assistant).await;
        assert_eq!(texts.len(), 1, "{texts:?}");
        assert!(texts[0].contains("300"), "{texts:?}");
    }
    assert_eq!(
        shop.owner.get("/api/v1/documents").await.body["items"].as_array().unwrap().len(),
        1
    );

    let mut statuses = Vec::new();
    while statuses.last() != Some(&json!("ready")) {
        let event = stream.until("document.status").await.pop().unwrap();
        assert_eq!(event.data["document_id"], json!(document), "{event:?}");
        statuses.push(event.data["status"].clone());
    }
    assert_eq!(statuses.first(), Some(&json!("queued")));
    let audit = shop.owner.get("/api/v1/audit").await.expect(200).body;
    let replaced = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["action"] == "document.replaced");
    assert_eq!(replaced.unwrap()["details"]["before"], "price.md");
}

#[on_every_home]
async fn a_new_file_replaces_nothing_until_it_has_been_read(home: &Home) {
    let shop = home.open().await;
    let document = shop.owner.knowledge(&shop.assistant, "price.md", OLD).await;
    let Shop { launch, program, owner, assistant } = shop;
    program.terminate().await;
    // It serves requests only, so nobody reads the new file.
    let only_requests = launch.clone().arg("--role").arg("http");
    let shop = Shop::again(only_requests, &owner, assistant).await;

    let answer = replace(&shop.owner, &document, "price 2027.md", NEW).await.expect(202).body;
    assert_eq!((&answer["name"], &answer["status"]), (&json!("price.md"), &json!("queued")));
    let path = format!("/api/v1/documents/{document}");
    let waiting = shop.owner.get(&path).await.expect(200).body;
    assert_eq!((&waiting["name"], &waiting["status"]), (&json!("price.md"), &json!("queued")));
    assert_eq!(waiting["size"], OLD.len());
    assert_eq!(shop.text(&format!("{path}/file")).await.as_bytes(), OLD);
    let text = shop.owner.get(&format!("{path}/text")).await.expect(200).text("text");
    assert!(text.contains("450") && !text.contains("300"), "{text}");
    let texts = found(&shop, &shop.assistant).await;
    assert!(texts.len() == 1 && texts[0].contains("450"), "{texts:?}");

    let Shop { program, owner, assistant, .. } = shop;
    program.terminate().await;
    let shop = Shop::again(launch, &owner, assistant).await;
    let read = until("the new file is read", async || {
        let found = shop.owner.get(&path).await.expect(200).body;
        (found["status"] == "ready").then_some(found)
    })
    .await;
    assert_eq!((&read["name"], &read["size"]), (&json!("price 2027.md"), &json!(NEW.len())));
    assert_eq!(shop.text(&format!("{path}/file")).await.as_bytes(), NEW);
    let texts = found(&shop, &shop.assistant).await;
    assert!(texts.len() == 1 && texts[0].contains("300"), "{texts:?}");
}

#[on_every_home]
async fn a_file_is_replaced_also_when_the_program_dies_in_the_middle(home: &Home) {
    let mut shop = home.open().await;
    let document = shop.owner.knowledge(&shop.assistant, "price.md", OLD).await;
    // Long enough that the death falls into the reading of it.
    let long = [NEW, "\n\nMore words about skis. ".repeat(40_000).as_bytes()].concat();
    replace(&shop.owner, &document, "price.md", &long).await.expect(202);
    shop = shop.crash().await;

    let path = format!("/api/v1/documents/{document}");
    until("the new file is read", async || {
        let texts = found(&shop, &shop.assistant).await;
        let old = texts.iter().any(|text| text.contains("450"));
        let new = texts.iter().any(|text| text.contains("300"));
        assert!(old != new, "one of the two at any time: {texts:?}");
        let ready = shop.owner.get(&path).await.expect(200).body["status"] == "ready";
        (new && ready).then_some(())
    })
    .await;
    let text = shop.owner.get(&format!("{path}/text")).await.expect(200).text("text");
    assert!(text.contains("300") && !text.contains("450"));
}

#[on_every_home]
async fn the_last_of_many_files_in_a_row_is_the_one_that_stays(home: &Home) {
    let shop = home.open().await;
    let document = shop.owner.knowledge(&shop.assistant, "price.md", OLD).await;
    for number in 0..8 {
        let text = format!("# Sharpening\n\nSharpening of skates costs 1{number} roubles.");
        replace(&shop.owner, &document, "price.md", text.as_bytes()).await.expect(202);
    }
    until("the last file is read", async || {
        let texts = found(&shop, &shop.assistant).await;
        assert_eq!(texts.len(), 1, "one version at a time: {texts:?}");
        texts[0].contains(" 17 ").then_some(())
    })
    .await;
}

#[on_every_home]
async fn a_file_that_cannot_be_read_does_not_take_the_place_of_one_that_could(home: &Home) {
    let shop = home.open().await;
    let document = shop.owner.knowledge(&shop.assistant, "price.md", OLD).await;
    replace(&shop.owner, &document, "price.pdf", b"%PDF-1.7\ngarbage").await.expect(202);
    let path = format!("/api/v1/documents/{document}");
    let kept = until("the file has been looked at", async || {
        let found = shop.owner.get(&path).await.expect(200).body;
        (found["warnings"] != json!([])).then_some(found)
    })
    .await;
    assert_eq!((&kept["status"], &kept["name"]), (&json!("ready"), &json!("price.md")));
    assert_eq!(kept["warnings"][0]["code"], "replacement_failed");
    assert!(found(&shop, &shop.assistant).await[0].contains("450"));
    assert_eq!(shop.text(&format!("{path}/file")).await.as_bytes(), OLD);

    let refused = replace(&shop.owner, &document, "a.png", b"\x89PNG\r\n\x1A\n").await;
    assert_problem(&refused, 415, "unsupported_media_type");
}

#[on_every_home]
async fn a_known_name_is_told_and_a_file_may_say_what_it_replaces(home: &Home) {
    let shop = home.open().await;
    let first = shop.owner.upload(&shop.assistant, "price.md", OLD.to_vec()).await.expect(202).body;
    assert_eq!((&first["same_name"], &first["unchanged"]), (&json!([]), &json!(false)));
    let again = shop.owner.upload(&shop.assistant, "price.md", OLD.to_vec()).await.expect(202).body;
    assert_eq!((&again["id"], &again["unchanged"]), (&first["id"], &json!(true)));
    let second =
        shop.owner.upload(&shop.assistant, "price.md", NEW.to_vec()).await.expect(202).body;
    assert_ne!(second["id"], first["id"]);
    assert_eq!(second["same_name"][0]["id"], first["id"], "{second}");
    assert!(second["same_name"][0]["created_at"].is_string());

    let id = first["id"].as_str().unwrap();
    shop.owner.processed(id, PATIENCE).await;
    let newest = b"# Sharpening\n\nSharpening of skates costs 500 roubles.";
    let answer =
        form(&shop.owner, Method::POST, &uploads(&shop), &[("c.md", newest)], &[("replaces", id)])
            .await;
    assert_eq!(answer.expect(202).body["id"], first["id"]);
    until("it is read", async || {
        let found = shop.owner.get(&format!("/api/v1/documents/{id}")).await.expect(200).body;
        (found["status"] == "ready" && found["name"] == "c.md").then_some(())
    })
    .await;
    let two = form(
        &shop.owner,
        Method::POST,
        &uploads(&shop),
        &[("a.md", OLD), ("b.md", NEW)],
        &[("replaces", id)],
    )
    .await;
    assert_problem(&two, 422, "invalid");
    let nobodys = form(
        &shop.owner,
        Method::POST,
        &uploads(&shop),
        &[("a.md", OLD)],
        &[("replaces", "01890a5d-ac96-774b-bcce-b302099a8057")],
    )
    .await;
    assert_problem(&nobodys, 404, "not_found");
}

#[on_every_home]
async fn an_original_comes_back_as_a_download(home: &Home) {
    let shop = home.open().await;
    let name = "Цены \"2026\"; a.md";
    let id = shop.owner.upload(&shop.assistant, name, OLD.to_vec()).await.expect(202).text("id");
    let request = shop.owner.request(Method::GET, &format!("/api/v1/documents/{id}/file"));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/markdown");
    assert_eq!(header("x-content-type-options"), "nosniff");
    let disposition = header("content-disposition");
    assert!(disposition.starts_with("attachment; filename=\""), "{disposition}");
    assert!(disposition.contains("filename*=UTF-8''%D0%A6%D0%B5%D0%BD%D1%8B%20"), "{disposition}");
    assert_eq!(response.bytes().await.unwrap(), OLD);

    let pair = json!({"question": "Open on Sundays?", "answer": "Yes, from 10 to 16."});
    let path = format!("/api/v1/assistants/{}/answers", shop.assistant);
    let answer = shop.owner.post(&path, &pair).await.expect(201).text("id");
    let none = shop.owner.get(&format!("/api/v1/documents/{answer}/file")).await;
    assert_problem(&none, 404, "no_original");

    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    assert_problem(&stranger.get(&format!("/api/v1/documents/{id}/file")).await, 404, "not_found");
    assert_problem(&replace(&stranger, &id, "a.md", NEW).await, 404, "not_found");
    let theirs = stranger.assistant(&json!({"name": "Own"})).await;
    let path = format!("/api/v1/assistants/{theirs}/documents");
    let stolen = form(&stranger, Method::POST, &path, &[("a.md", NEW)], &[("replaces", &id)]).await;
    assert_problem(&stolen, 404, "not_found");
    let renamed = stranger.patch(&format!("/api/v1/documents/{id}"), &json!({"name": "x"})).await;
    assert_problem(&renamed, 404, "not_found");
}

#[on_every_home]
async fn a_document_is_found_by_its_new_name(home: &Home) {
    let shop = home.open().await;
    let id = shop.owner.knowledge(&shop.assistant, "a.md", b"It costs 450 roubles.").await;
    let path = format!("/api/v1/documents/{id}");
    let renamed =
        shop.owner.patch(&path, &json!({"name": "../Sharpening\u{7}.md"})).await.expect(200).body;
    assert_eq!(renamed["name"], "Sharpening.md");
    until("search goes by the new name", async || {
        (!found(&shop, &shop.assistant).await.is_empty()).then_some(())
    })
    .await;
    assert_problem(&shop.owner.patch(&path, &json!({"name": ""})).await, 422, "invalid");
}

#[on_every_home]
async fn one_bad_file_of_many_does_not_spoil_the_others(home: &Home) {
    let shop = home.open_with(home.launch().with("UPLOAD_LIMIT_MB", 1)).await;
    let large = vec![b'a'; (1 << 20) + 1];
    let files: &[(&str, &[u8])] =
        &[("a.md", OLD), ("b.png", b"\x89PNG\r\n\x1A\n...."), ("c.txt", &large), ("d.md", NEW)];
    let answer = form(&shop.owner, Method::POST, &uploads(&shop), files, &[]).await;
    assert_eq!(answer.status, 207, "{}", answer.body);
    let items = answer.body["items"].as_array().unwrap();
    let told: Vec<(&str, u64)> = items
        .iter()
        .map(|item| (item["name"].as_str().unwrap(), item["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(told, [("a.md", 202), ("b.png", 415), ("c.txt", 413), ("d.md", 202)]);
    assert_eq!(items[1]["problem"]["code"], "unsupported_media_type");
    assert_eq!(items[0]["document"]["status"], "queued");
    let list = shop.owner.get("/api/v1/documents").await.expect(200).body;
    assert_eq!(list["items"].as_array().unwrap().len(), 2);

    // Each file counts, not each form.
    let limited = shop.launch.clone().with("RATE_UPLOAD", "2/1h");
    shop.program.kill().await;
    let again = limited.start().await;
    let owner = shop.owner.at(again.base());
    let path = format!("/api/v1/assistants/{}/documents", shop.assistant);
    let files: &[(&str, &[u8])] = &[("e.md", b"one"), ("f.md", b"two"), ("g.md", b"three")];
    let answer = form(&owner, Method::POST, &path, files, &[]).await;
    let refused = answer.body["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&refused["status"], &refused["problem"]["code"]),
        (&json!(429), &json!("too_many_requests"))
    );
}

async fn me_workspace(api: &Api) -> String {
    let me = api.get("/api/v1/me").await.expect(200).body;
    me["workspace"]["id"].as_str().unwrap().to_owned()
}

#[on_every_home]
async fn a_workspace_uploads_so_much_a_day_and_no_more(home: &Home) {
    let store = tempfile::tempdir().unwrap();
    let address = format!("file://{}", store.path().display());
    let launch = home.launch().with("UPLOAD_MB_PER_DAY", 1).with("FILES_URL", address);
    let shop = home.open_with(launch).await;
    let half = "Words and words. ".repeat(40_000).into_bytes();
    let first =
        shop.owner.upload(&shop.assistant, "a.md", half.clone()).await.expect(202).text("id");
    let mut other = half.clone();
    other.push(b'!');
    for refused in [
        shop.owner.upload(&shop.assistant, "b.md", other.clone()).await,
        replace(&shop.owner, &first, "a.md", &other).await,
    ] {
        assert_problem(&refused, 429, "too_many_requests");
        assert!(refused.text("detail").contains("upload_mb_per_day"), "{}", refused.body);
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=86_400).contains(&wait), "{wait}");
    }
    // What is refused is not kept, and small files still fit.
    let list = shop.owner.get("/api/v1/documents").await.expect(200).body;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let workspace = me_workspace(&shop.owner).await;
    let kept = std::fs::read_dir(store.path().join(workspace)).unwrap().count();
    assert_eq!(kept, 1, "what is refused leaves nothing in the store");
    shop.owner.upload(&shop.assistant, "c.md", OLD.to_vec()).await.expect(202);
    // Another workspace has a day of its own.
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    let own = stranger.assistant(&json!({"name": "Own"})).await;
    stranger.upload(&own, "a.md", half).await.expect(202);
}

#[on_every_home]
async fn what_was_not_read_is_told_with_the_document_and_in_the_log(home: &Home) {
    let shop = home.open().await;
    let mut stream = Events::open(&shop.owner, Some(0)).await;
    let table = b"lamp;19,90\nbulb;2,50\ncord;1 990\n".to_vec();
    let id = shop.owner.upload(&shop.assistant, "price.csv", table).await.expect(202).text("id");
    let document = shop.owner.processed(&id, PATIENCE).await;
    assert_eq!(document["status"], "ready", "{document}");
    assert_eq!(document["warnings"][0]["code"], "rows_without_header");
    assert_eq!(document["warnings"][0]["count"], 3);
    let told: Value = loop {
        let event = stream.until("document.status").await.pop().unwrap();
        if event.data["status"] == "ready" {
            break event.data["warnings"].clone();
        }
    };
    assert_eq!(told[0]["code"], "rows_without_header");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_says_that_its_children_are_confined() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    for part in ["privileges", "parent", "files", "calls"] {
        shop.metric_reaches("extract_confinement", &[part], 1.0).await;
    }
}

#[on_every_home]
async fn files_come_with_the_tags_of_their_documents(home: &Home) {
    let shop = home.open().await;
    let path = uploads(&shop);
    let files: [(&str, &[u8]); 2] = [("old.md", OLD), ("new.md", NEW)];
    let tags = [("tags", " B2B"), ("tags", "prices")];
    let answer = form(&shop.owner, Method::POST, &path, &files, &tags).await.expect(207).body;
    for item in answer["items"].as_array().unwrap() {
        assert_eq!(item["document"]["tags"], json!(["b2b", "prices"]), "{item}");
    }

    // Without tags those that it has stay; other ones replace them, also of the same file.
    let old = [("old.md", OLD)];
    let same = form(&shop.owner, Method::POST, &path, &old, &[]).await.expect(202).body;
    assert_eq!((&same["unchanged"], &same["tags"]), (&json!(true), &json!(["b2b", "prices"])));
    let other = [("tags", "members")];
    let same = form(&shop.owner, Method::POST, &path, &old, &other).await.expect(202).body;
    assert_eq!((&same["unchanged"], &same["tags"]), (&json!(true), &json!(["members"])));
    let id = same["id"].as_str().unwrap();
    let replaced = form(
        &shop.owner,
        Method::POST,
        &path,
        &[("x.md", b"Skates are sharp.")],
        &[("replaces", id), ("tags", "skates")],
    )
    .await
    .expect(202)
    .body;
    assert_eq!((&replaced["id"], &replaced["tags"]), (&json!(id), &json!(["skates"])));

    let too_many: Vec<(&str, &str)> = vec![("tags", "a"); 21];
    for bad in [&[("tags", " ")][..], &too_many] {
        let answer = form(&shop.owner, Method::POST, &path, &old, bad).await;
        assert_problem(&answer, 422, "invalid");
        assert_eq!(answer.body["errors"][0]["field"], "tags");
    }
    let late = multipart::Form::new()
        .part("file", part("a.md", b"Skates are sharp."))
        .part("file", part("b.md", b"Skates are long."))
        .part("file", part("c.md", b"Skates are short."))
        .text("tags", "late");
    let answer = shop.owner.send(shop.owner.request(Method::POST, &path).multipart(late)).await;
    let items = answer.expect(207).body["items"].clone();
    assert_eq!(items[3]["problem"]["errors"][0]["field"], "tags", "{items}");
}

#[on_every_home]
async fn an_assistant_finds_what_has_its_tags(home: &Home) {
    let shop = home.open().await;
    shop.owner.knowledge(&shop.assistant, "price.md", OLD).await;
    let new = shop.owner.knowledge(&shop.assistant, "price of members.md", NEW).await;
    let path = format!("/api/v1/documents/{new}");
    let tagged = shop.owner.patch(&path, &json!({"tags": [" Members", "prices", "prices"]})).await;
    let tagged = tagged.expect(200).body;
    assert_eq!(tagged["tags"], json!(["members", "prices"]));
    assert_eq!(
        (&tagged["name"], &tagged["status"]),
        (&json!("price of members.md"), &json!("ready"))
    );
    let log = shop.owner.get("/api/v1/audit").await.expect(200).body;
    assert_eq!(log["items"][0]["action"], "document.tagged");

    let listed = async |query: &str| {
        let page = shop.owner.get(&format!("/api/v1/documents?{query}")).await.expect(200).body;
        let ids = page["items"].as_array().unwrap().iter().map(|item| item["id"].clone());
        ids.collect::<Vec<Value>>()
    };
    assert_eq!(listed("tag=Members").await, [json!(new)]);
    assert_eq!(listed("tag=member").await, [json!(null); 0]);
    assert_eq!(found(&shop, &shop.assistant).await.len(), 2);

    let assistant = format!("/api/v1/assistants/{}", shop.assistant);
    let draft = shop.owner.patch(&assistant, &json!({"tags": ["Members"]})).await.expect(200).body;
    assert_eq!(draft["tags"], json!(["members"]));
    let texts = found(&shop, &shop.assistant).await;
    assert!(texts.len() == 1 && texts[0].contains("300"), "{texts:?}");
    let all = json!({"query": "sharpening of skates", "tags": []});
    let all = shop.owner.post(&format!("{assistant}/search"), &all).await.expect(200).body;
    assert_eq!((all["hits"].as_array().unwrap().len(), &all["tags"]), (2, &json!([])));

    // Customers meet the published version, which has no tags yet.
    let preview = async |version: &str| {
        let asked = json!({"text": "How much is sharpening of skates?", "version": version});
        shop.owner.post(&format!("{assistant}/preview"), &asked).await.expect(200).body
    };
    let shown = preview("draft").await;
    assert_eq!((&shown["tags"], shown["hits"].as_array().unwrap().len()), (&json!(["members"]), 1));
    let shown = preview("published").await;
    assert_eq!((&shown["tags"], shown["hits"].as_array().unwrap().len()), (&json!([]), 2));

    let untagged = shop.owner.patch(&path, &json!({"tags": []})).await.expect(200).body;
    assert_eq!(untagged["tags"], json!([]));
    assert_eq!(found(&shop, &shop.assistant).await, [""; 0]);
    for bad in
        [json!({"tags": [""]}), json!({"tags": ["a".repeat(51)]}), json!({"tags": vec!["a"; 21]})]
    {
        for path in [&path, &assistant] {
            assert_eq!(shop.owner.patch(path, &bad).await.status, 422, "{bad}");
        }
    }
}
