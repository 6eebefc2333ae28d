//! What clients must not send, and what they are told.

use std::{fmt::Write, time::Duration};

use replyx_testkit::{api::Answer, telegram::TelegramFault};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::harness::{
    Home, PATIENCE, REPLYX, Shop, TOKEN, a_moment, assert_problem, on_every_home,
};

/// A PDF of one page with this content, well-formed.
fn pdf(content: &str) -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut offsets = Vec::new();
    for (object, number) in objects.iter().zip(1..) {
        offsets.push(file.len());
        write!(file, "{number} 0 obj\n{object}\nendobj\n").unwrap();
    }
    let start = file.len();
    file += "xref\n0 5\n0000000000 65535 f \n";
    for offset in offsets {
        writeln!(file, "{offset:010} 00000 n ").unwrap();
    }
    write!(file, "trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").unwrap();
    file.into_bytes()
}

/// Sends raw bytes to the program and returns the head of its answer.
pub(crate) async fn raw(shop: &Shop, parts: &[&[u8]]) -> String {
    let address = shop.program.base().trim_start_matches("http://");
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let parts: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
    let writing = tokio::spawn(async move {
        for part in parts {
            // The program may refuse in the middle.
            if write.write_all(&part).await.is_err() {
                break;
            }
        }
        write
    });
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    let reading = async {
        while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
            match read.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(length) => answer.extend_from_slice(&buffer[..length]),
            }
        }
    };
    timeout(Duration::from_secs(5), reading).await.expect("an answer comes promptly");
    writing.abort();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn send_json(shop: &Shop, method: Method, path: &str, body: &Value) -> Answer {
    shop.owner.send(shop.owner.request(method, path).json(body)).await
}

#[on_every_home]
async fn a_file_of_a_kind_that_is_not_read_is_refused_by_its_content(home: &Home) {
    let shop = home.open().await;
    let archive = b"PK\x03\x04\x14\0\0\0\x08\0....................holiday/photo.jpg";
    for (name, bytes, what) in [
        ("photo.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), "PNG"),
        ("letter.md", archive, "ZIP"),
        ("drawing.svg", b"<svg onload=alert(1)>", "SVG"),
        ("old.doc", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "Office"),
    ] {
        let answer = shop.owner.upload(&shop.assistant, name, bytes.to_vec()).await;
        assert_problem(&answer, 415, "unsupported_media_type");
        assert!(answer.text("detail").contains(what), "{}", answer.body);
    }
    let list = shop.owner.get("/api/v1/documents").await.expect(200).body;
    assert_eq!(list["items"], json!([]), "nothing was kept");
}

#[on_every_home]
async fn a_document_without_a_readable_text_fails_with_a_sentence(home: &Home) {
    let shop = home.open().await;
    let mut broken = crate::harness::sample("rental.en.pdf");
    broken.truncate(300);
    for (name, bytes, sentence) in [
        ("empty.txt", Vec::new(), "the file is empty"),
        ("blank.md", b" \n\t\n".to_vec(), "the file is empty"),
        ("dots.txt", b"... --- ...".to_vec(), "the file has no readable text"),
        (
            "garbage.pdf",
            b"%PDF-1.7\n\xff\xfe\x00garbage".to_vec(),
            "the file is damaged and cannot be read",
        ),
        ("broken.pdf", broken, "the file is damaged and cannot be read"),
        ("scan.pdf", pdf("0 0 100 100 re f"), "the PDF has no text layer; it seems to be a scan"),
    ] {
        let id = shop.owner.upload(&shop.assistant, name, bytes).await.expect(202).text("id");
        let document = shop.owner.processed(&id, PATIENCE).await;
        assert_eq!(document["status"], "failed", "{document}");
        assert_eq!(document["error"], sentence, "{name}");
        let text = shop.owner.get(&format!("/api/v1/documents/{id}/text")).await;
        assert_problem(&text, 409, "not_ready");
        assert_eq!(text.text("detail"), sentence);
    }
    // The one that reads them has survived.
    shop.learn("rental.en.pdf").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_past_the_limit_is_refused_before_it_is_read() {
    let home = Home::sqlite().await;
    let shop = home.open_with(home.launch().with("UPLOAD_LIMIT_MB", 1)).await;
    let head = |length: &str| {
        format!(
            "POST /api/v1/assistants/{}/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Content-Type: multipart/form-data; boundary=x\r\n{length}\r\n\r\n",
            shop.assistant,
            shop.owner.token().unwrap(),
        )
    };
    // A gigabyte is announced, and not a byte of it sent.
    let answer = raw(&shop, &[head("Content-Length: 1000000000").as_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");

    // Nothing is announced, and too much sent.
    let part = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n";
    let begin = format!("{:x}\r\n{part}\r\n", part.len());
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    let head = head("Transfer-Encoding: chunked");
    let mut parts = vec![head.as_bytes(), begin.as_bytes()];
    parts.extend(std::iter::repeat_n(chunk.as_bytes(), 17));
    let answer = raw(&shop, &parts).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");

    let fits = vec![b'a'; 1024 * 1024];
    shop.owner.upload(&shop.assistant, "a.txt", fits).await.expect(202);
    let one_more = vec![b'a'; 1024 * 1024 + 1];
    let answer = shop.owner.upload(&shop.assistant, "a.txt", one_more).await;
    assert_problem(&answer, 413, "too_large");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_json_body_past_the_limit_is_refused() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    let body = json!({"name": "a".repeat(300 * 1024)});
    let answer = shop.owner.post("/api/v1/assistants", &body).await;
    assert_problem(&answer, 413, "too_large");
    let head = format!(
        "POST /api/v1/assistants HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n",
        shop.owner.token().unwrap(),
    );
    let answer = raw(&shop, &[head.as_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_json_is_told_from_json_that_is_not_acceptable() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    let send = async |kind: Option<&str>, body: String| {
        let mut request = shop.owner.request(Method::POST, "/api/v1/assistants").body(body);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        shop.owner.send(request).await
    };
    let deep = format!("{{\"name\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    for body in ["", "{", "{\"name\":}", "{\"name\":\"a\"", "{'name':'a'}", "\u{0}", &deep] {
        let answer = send(Some("application/json"), body.to_owned()).await;
        assert_problem(&answer, 400, "malformed");
    }
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("json")]
    {
        let answer = send(kind, "{\"name\":\"a\"}".to_owned()).await;
        assert_problem(&answer, 415, "unsupported_media_type");
    }
    for (body, field) in [
        ("{}", "name"),
        ("{\"name\":null}", "name"),
        ("{\"name\":5}", "name"),
        ("{\"name\":\"\"}", "name"),
        ("{\"name\":\"a\",\"color\":\"s3cret\"}", "color"),
        ("{\"name\":\"a\",\"temperature\":\"s3cret\"}", "temperature"),
        ("{\"name\":\"a\",\"temperature\":2.1}", "temperature"),
        ("{\"name\":\"a\",\"language\":\"s3cret\"}", "language"),
        ("{\"name\":\"a\",\"greeting\":{\"s3cret\":1}}", "greeting"),
        ("[\"s3cret\"]", ""),
    ] {
        let answer = send(Some("application/json; charset=utf-8"), body.to_owned()).await;
        assert_problem(&answer, 422, "invalid");
        assert_eq!(answer.body["errors"][0]["field"], field, "{body}: {}", answer.body);
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert!(!message.is_empty());
        assert!(!answer.body.to_string().contains("s3cret"), "{}", answer.body);
    }
}

#[on_every_home]
async fn a_nul_is_refused_wherever_a_text_is_taken(home: &Home) {
    let shop = home.open().await;
    let assistant = format!("/api/v1/assistants/{}", shop.assistant);
    for (method, path, body, field) in [
        (Method::POST, "/api/v1/assistants".to_owned(), json!({"name": "a\0b"}), "name"),
        (Method::PATCH, assistant.clone(), json!({"system_prompt": "\0"}), "system_prompt"),
        (Method::PATCH, assistant.clone(), json!({"greeting": "a\0"}), "greeting"),
        (Method::POST, format!("{assistant}/search"), json!({"query": "a\0b"}), "query"),
        (Method::POST, format!("{assistant}/bots"), json!({"token": "1:\0"}), "token"),
        (
            Method::POST,
            "/api/v1/auth/login".to_owned(),
            json!({"email": "\0", "password": "x"}),
            "email",
        ),
        (
            Method::POST,
            "/api/v1/auth/register".to_owned(),
            json!({"email": "b@example.org", "password": "green lantern 7", "name": "\0"}),
            "name",
        ),
    ] {
        let answer = send_json(&shop, method, &path, &body).await;
        assert_problem(&answer, 422, "invalid");
        assert_eq!(answer.body["errors"][0]["field"], field, "{path}: {}", answer.body);
    }
    for path in [
        "/api/v1/documents/%00",
        "/api/v1/documents/%FF",
        "/hooks/telegram/%00",
        "/hooks/telegram/%FF",
    ] {
        let method = if path.starts_with("/hooks") { Method::POST } else { Method::GET };
        let answer = shop.owner.send(shop.owner.request(method, path)).await;
        assert_problem(&answer, 404, "not_found");
    }
    // In a file they are dropped.
    let id = shop
        .owner
        .knowledge(&shop.assistant, "a.txt", &[&b"We open\0 at nine. "[..], &[b'.'; 100]].concat())
        .await;
    let text = shop.owner.get(&format!("/api/v1/documents/{id}/text")).await.expect(200);
    assert!(!text.text("text").contains('\0'));
    let bot = home.bot();
    shop.connect().await;
    let reply = bot.customer(7).ask("When do you\0 open?", PATIENCE).await.unwrap();
    assert!(reply.plain.contains("nine"), "{}", reply.plain);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strange_words_in_a_search_find_nothing_or_something_and_never_fail() {
    for home in [Home::sqlite().await, Home::postgres().await] {
        let shop = home.open().await;
        shop.learn("returns.en.md").await;
        let path = format!("/api/v1/assistants/{}/search", shop.assistant);
        for query in [
            "'",
            "\"",
            "\"unclosed",
            "AND OR NOT",
            "NEAR(a b)",
            "a*",
            "*",
            "(",
            ")",
            "a:b",
            "-",
            "^",
            "\\",
            "%",
            "{}",
            "'; DROP TABLE passages; --",
            "return & | ! <-> item",
            "🎒",
            "\u{202e}",
            "ё",
            "a\u{301}",
            &"слово ".repeat(600),
            &"x".repeat(4000),
        ] {
            let answer = shop.owner.post(&path, &json!({"query": query})).await;
            assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        }
        let found = shop.owner.post(&path, &json!({"query": "return \" item"})).await.expect(200);
        assert!(!found.body["hits"].as_array().unwrap().is_empty());
    }
}

#[on_every_home]
async fn a_wrong_token_of_a_bot_is_named_and_never_shown(home: &Home) {
    let shop = home.open().await;
    let path = format!("/api/v1/assistants/{}/bots", shop.assistant);
    let unknown = "4009:unknown-token-of-thirty-characters-or-so";
    for token in [unknown, "nonsense-token", "4009:../../getMe", ""] {
        let answer = shop.owner.post(&path, &json!({"token": token})).await;
        assert_problem(&answer, 422, "invalid");
        assert_eq!(answer.body["errors"][0]["field"], "token", "{}", answer.body);
        assert!(token.is_empty() || !answer.body.to_string().contains(token), "{}", answer.body);
    }
    let answer = shop.owner.post(&path, &json!({"token": {"nested-token": 1}})).await;
    assert_eq!(answer.expect(422).body["errors"][0]["field"], "token");

    home.bot();
    home.telegram.inject(TelegramFault::BreakBefore.on("getMe"));
    let answer = shop.owner.post(&path, &json!({"token": TOKEN})).await;
    assert_problem(&answer, 502, "bad_gateway");
    assert!(!answer.body.to_string().contains(TOKEN), "{}", answer.body);
    let bot = shop.owner.post(&path, &json!({"token": TOKEN, "mode": "sometimes"})).await;
    assert_eq!(bot.expect(422).body["errors"][0]["field"], "mode");

    let created = shop.owner.post(&path, &json!({"token": TOKEN})).await.expect(201);
    home.telegram.revoke(TOKEN);
    let failed = shop.bot_is(&created.text("id"), "failed").await;
    let events = shop.owner.request(Method::GET, "/api/v1/bots");
    let list = shop.owner.send(events).await.expect(200).body;
    let log = shop.program.log();
    for shown in [created.body.to_string(), failed.to_string(), list.to_string(), log] {
        for secret in [TOKEN, unknown, "first-token", "nonsense-token"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_is_not_logged_even_when_everything_is() {
    let home = Home::sqlite().await;
    let bot = home.bot();
    let shop = home.open_with(home.launch().with("LOG_LEVEL", "replyx=trace,trace")).await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    bot.customer(7).ask("How many days do I have?", PATIENCE).await.unwrap();
    home.telegram.inject(TelegramFault::BreakAfter.on("sendMessage"));
    bot.customer(7).ask("And for sale items?", PATIENCE).await.unwrap();
    a_moment().await;
    let log = shop.program.log();
    let owned: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("first-token"))
        // What libraries write at TRACE is theirs; nobody runs with it.
        .filter(|line| line.contains("replyx"))
        .collect();
    assert!(owned.is_empty(), "{owned:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_exist_is_a_problem_like_any_other() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    let missing = "019a0000-0000-7000-8000-000000000000";
    for path in [
        "/nothing".to_owned(),
        "/api".to_owned(),
        "/api/v1/nothing".to_owned(),
        "/api/v2/me".to_owned(),
        "/hooks/telegram/0123".to_owned(),
        format!("/api/v1/assistants/{missing}"),
        "/api/v1/assistants/not-an-id".to_owned(),
        format!("/api/v1/documents/{missing}/text"),
        format!("/api/v1/dialogs/{missing}/messages"),
    ] {
        let method = if path.starts_with("/hooks") { Method::POST } else { Method::GET };
        let answer = shop.owner.send(shop.owner.request(method, &path)).await;
        assert_problem(&answer, 404, "not_found");
    }
    for (method, path) in [
        (Method::PUT, "/api/v1/me"),
        (Method::PUT, "/api/v1/assistants"),
        (Method::GET, "/api/v1/auth/login"),
        (Method::GET, "/hooks/telegram/0123"),
        (Method::POST, "/health"),
    ] {
        let answer = shop.owner.send(shop.owner.request(method, path)).await;
        assert_problem(&answer, 405, "method_not_allowed");
        assert!(answer.headers.contains_key("allow"), "{path}");
    }
    let bad = shop.owner.request(Method::GET, "/api/v1/events").header("last-event-id", "x");
    assert_problem(&shop.owner.send(bad).await, 400, "malformed");
}

#[on_every_home]
async fn an_update_that_is_not_understood_is_acknowledged_and_counted(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let ann = bot.customer(7);
    ann.ask("How many days do I have to return an item?", PATIENCE).await.unwrap();

    for (update, number) in [
        json!({"hologram": {"from": 7}}),
        json!({"message": 5}),
        json!({"message": {"message_id": "x", "chat": {}}}),
        json!({"message": {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}, "text": "x"}}),
        json!({"edited_message": {"text": "x"}}),
        json!({"callback_query": {"data": "x"}}),
        json!({}),
    ].into_iter().zip(900_000..) {
        let mut update = update;
        update["update_id"] = json!(number);
        bot.send_odd_update(update);
    }
    let reply = ann.ask("How many days do I have to return an item?", PATIENCE).await;
    assert!(reply.unwrap().plain.contains("30 days"));
    assert!(bot.wait_until_confirmed(PATIENCE).await, "all are acknowledged");
    // Telegram does not give what was not asked for: some of them never arrive.
    let ignored = shop.metric("updates_total", &["outcome=\"ignored\""]).await;
    let reasons = shop.metric("updates_ignored_total", &[]).await;
    assert!(ignored >= 3.0, "{ignored}");
    assert!((ignored - reasons).abs() < 0.5, "{ignored} {reasons}");
    assert_eq!(ann.sent_total(), 2);
}

#[test]
fn the_program_under_test_exists() {
    assert!(std::path::Path::new(REPLYX).is_file());
}

#[on_every_home]
async fn a_query_parameter_that_an_operation_does_not_have_is_refused_by_name(home: &Home) {
    let shop = home.open().await;
    let assistant = format!("/api/v1/assistants/{}", shop.assistant);
    for (method, path, name) in [
        (Method::GET, "/api/v1/dialogs?status=open&limit=5".to_owned(), "status"),
        (Method::GET, "/api/v1/bots?limt=5".to_owned(), "limt"),
        (Method::GET, format!("{assistant}?fields=name"), "fields"),
        (Method::PATCH, format!("{assistant}?dry_run=true"), "dry_run"),
        (Method::POST, "/api/v1/assistants?dry%5Frun=true".to_owned(), "dry_run"),
        (Method::DELETE, format!("{assistant}?force"), "force"),
        (Method::GET, "/api/v1/events?since=0".to_owned(), "since"),
        (Method::GET, "/api/v1/me?&=1".to_owned(), ""),
    ] {
        let answer = send_json(&shop, method.clone(), &path, &json!({"name": "x"})).await;
        assert_problem(&answer, 400, "unknown_parameter");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("`{name}`")), "{path}: {detail}");
    }
    let typo = shop.owner.get("/api/v1/bots?limt=5").await;
    let detail = typo.body["detail"].as_str().unwrap();
    assert!(detail.contains("did you mean `limit`") && detail.contains("`cursor`"), "{detail}");

    let list = shop.owner.get("/api/v1/assistants?limit=5").await.expect(200).body;
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "nothing was done: {list}");
    assert_eq!(list["items"][0]["name"], "Support");
    shop.owner.get("/api/v1/me?").await.expect(200);
    // Monitors add parameters of their own.
    shop.owner.get("/health?t=1").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_may_be_sent_as_a_merge_patch_and_nothing_else_may() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    let send = async |method: Method, path: &str, body: &str| {
        let request = shop.owner.request(method, path).body(body.to_owned());
        shop.owner.send(request.header("content-type", "application/merge-patch+json")).await
    };
    let path = format!("/api/v1/assistants/{}", shop.assistant);
    let changed = send(Method::PATCH, &path, r#"{"name": "Merged"}"#).await.expect(200);
    assert_eq!(changed.body["name"], "Merged");
    let made = send(Method::POST, "/api/v1/assistants", r#"{"name": "x"}"#).await;
    assert_problem(&made, 415, "unsupported_media_type");
}
