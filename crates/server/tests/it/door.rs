//! The door: what strangers, slow clients and clients that do not read may hold of the program,
//! over real sockets.

use std::{net::SocketAddr, time::Duration};

use replyx_testkit::api::Api;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use crate::{
    harness::{EMAIL, Home, PASSWORD, PATIENCE, Shop, assert_problem, on_every_home, until},
    webhooks::{call, hook_path, hooked, secret_of},
};

const ME: &str = "/api/v1/me";

/// A connection to the program from an address of this machine.
async fn connect(base: &str, from: &str) -> TcpStream {
    let to: SocketAddr = base.trim_start_matches("http://").parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

/// Sends the head of a request, with a body announced of which little comes.
async fn trickle(base: &str, from: &str, path: &str, more: &str) -> TcpStream {
    let mut stream = connect(base, from).await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{more}content-length: 1000\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// What the program says until it closes the connection; nothing if it says nothing.
async fn to_the_end(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let reading = stream.read_to_end(&mut text);
    // A reset is an end, too.
    let _ = timeout(PATIENCE, reading).await.expect("the connection is closed");
    String::from_utf8_lossy(&text).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

/// A request of its own connection, from an address of this machine.
async fn ask_from(base: &str, from: &str, path: &str) -> String {
    let mut stream = connect(base, from).await;
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    to_the_end(stream).await
}

async fn health(base: &str) -> u16 {
    Api::new(base).get("/health").await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_that_trickle_from_one_address_stop_nobody() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    let base = shop.program.base().to_owned();
    let mut strangers = JoinSet::new();
    for number in 0..1024 {
        let path = if number % 2 == 0 {
            "/hooks/telegram/ab".to_owned()
        } else {
            format!("/hooks/telegram/{number:048x}")
        };
        let stream = trickle(&base, "127.0.0.1", &path, "").await;
        strangers.spawn(async move {
            let (mut read, mut write) = stream.into_split();
            let mut text = Vec::new();
            let dripping = async {
                while write.write_all(b" ").await.is_ok() {
                    sleep(Duration::from_millis(500)).await;
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                _ = timeout(PATIENCE, read.read_to_end(&mut text)) => {}
                () = dripping => {}
            }
            String::from_utf8_lossy(&text).into_owned()
        });
        if number % 256 == 0 {
            assert_eq!(health(&base).await, 200, "after {number}");
        }
    }
    let owner = Api::new(&base).login(EMAIL, PASSWORD).await;
    owner.get(ME).await.expect(200);
    assert_eq!(health(&base).await, 200);
    let answers = strangers.join_all().await;
    let turned_away = answers.iter().filter(|answer| status(answer) == "404").count();
    // An answer may be lost to a client that goes on sending; the end of the connection may not.
    assert!(turned_away >= 1000, "{turned_away}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_trickle_hold_the_places_of_their_address_alone_and_not_for_long() {
    let home = Home::sqlite().await;
    let launch = home.launch().with("MAX_REQUESTS_PER_ADDRESS", 8).with("BODY_TIMEOUT_SECONDS", 12);
    let shop = home.open_with(launch).await;
    let base = shop.program.base().to_owned();
    let mut slow = Vec::new();
    for _ in 0..8 {
        slow.push(trickle(&base, "127.0.0.9", "/api/v1/auth/login", "").await);
    }
    let deadline = Instant::now() + PATIENCE;
    while status(&ask_from(&base, "127.0.0.9", ME).await) != "503" {
        assert!(Instant::now() < deadline, "the places of the address are never taken");
        slow.push(trickle(&base, "127.0.0.9", "/api/v1/auth/login", "").await);
    }
    assert_eq!(status(&ask_from(&base, "127.0.0.1", ME).await), "401", "others have theirs");
    assert_eq!(status(&ask_from(&base, "127.0.0.9", "/health").await), "200");
    assert_eq!(status(&ask_from(&base, "127.0.0.9", "/health/live").await), "200");
    assert_eq!(status(&ask_from(&base, "127.0.0.9", "/metrics").await), "200");
    let mut late = 0;
    for stream in slow {
        let answer = to_the_end(stream).await;
        if status(&answer) == "408" {
            assert!(answer.contains("\"code\":\"too_slow\""), "{answer}");
            late += 1;
        } else {
            assert_eq!(status(&answer), "503", "{answer}");
        }
    }
    assert!(late >= 8, "{late}");
    assert_eq!(status(&ask_from(&base, "127.0.0.9", ME).await), "401");
    assert!(shop.metric("refused_for_room_total", &["bound=\"one\"", "request"]).await >= 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_body_of_a_real_webhook_has_five_seconds() {
    let home = Home::sqlite().await;
    let (shop, _bot, id) = hooked(&home).await;
    let path = hook_path(&home).await;
    let secret = secret_of(&id);
    let more = format!("x-telegram-bot-api-secret-token: {secret}\r\n");
    let path = format!("/hooks/telegram/{path}");
    let stream = trickle(shop.program.base(), "127.0.0.1", &path, &more).await;
    let answer = to_the_end(stream).await;
    assert_eq!(status(&answer), "408", "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_ask_nothing_are_closed() {
    let home = Home::sqlite().await;
    let launch = home.launch().with("HEAD_TIMEOUT_SECONDS", 1).with("IDLE_TIMEOUT_SECONDS", 2);
    let program = launch.start().await;
    let base = program.base();
    let mut open = JoinSet::new();
    for number in 0..60 {
        let mut stream = connect(base, "127.0.0.1").await;
        let said: &[u8] = match number % 3 {
            0 => b"",
            1 => b"GET /health HTTP/1.1\r\nhost: x\r\nx-",
            _ => b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n",
        };
        stream.write_all(said).await.unwrap();
        open.spawn(async move { (number % 3, to_the_end(stream).await) });
    }
    assert_eq!(health(base).await, 200);
    for (kind, said) in open.join_all().await {
        // One that asked is answered, and closed when it asks nothing more.
        assert_eq!(status(&said), if kind == 2 { "200" } else { "" }, "{said}");
    }
    // A head that comes byte by byte has no more time than one that does not come.
    let mut stream = connect(base, "127.0.0.1").await;
    let dripping = async {
        for byte in b"GET / HTTP/1.1\r\nx-long: ".iter().chain(std::iter::repeat_n(&b'x', 10_000)) {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, dripping).await.expect("the connection is closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_has_so_many_connections_and_a_proxy_of_ours_any_number() {
    let home = Home::sqlite().await;
    let launch = home.launch().with("MAX_CONNECTIONS_PER_ADDRESS", 5);
    let program = launch.with("TRUSTED_PROXIES", "127.0.0.3").start().await;
    let base = program.base();
    let mut held = Vec::new();
    for from in ["127.0.0.2", "127.0.0.3"] {
        for _ in 0..5 {
            held.push(connect(base, from).await);
        }
    }
    until("a further connection is told so", async || {
        (status(&ask_from(base, "127.0.0.2", "/health").await) == "503").then_some(())
    })
    .await;
    let told = ask_from(base, "127.0.0.2", "/health").await;
    assert!(told.contains("retry-after: 1") && told.ends_with("\"code\":\"busy\"}"), "{told}");
    for from in ["127.0.0.1", "127.0.0.3"] {
        assert_eq!(status(&ask_from(base, from, "/health").await), "200", "{from}");
    }
    drop(held);
    until("the places are free again", async || {
        (status(&ask_from(base, "127.0.0.2", "/health").await) == "200").then_some(())
    })
    .await;
}

#[on_every_home]
async fn who_guesses_webhooks_is_turned_away_and_real_bots_are_not(home: &Home) {
    let (shop, bot, id) = hooked_with(home, "RATE_HOOK_GUESSES", "3/1h").await;
    let path = hook_path(home).await;
    let secret = secret_of(&id);
    let update = json!({"update_id": 1, "hologram": {}}).to_string();
    let unknown = format!("{:048x}", 7);
    assert_problem(&call(&shop, &unknown, Some(&secret), &update).await, 404, "not_found");
    assert_problem(&call(&shop, &unknown, Some(&secret), &update).await, 404, "not_found");
    assert_problem(&call(&shop, &path, Some("x"), &update).await, 401, "unauthenticated");
    for (path, secret) in [(&unknown, &secret), (&path, &"x".to_owned())] {
        let answer = call(&shop, path, Some(secret), &update).await;
        assert_problem(&answer, 429, "too_many_requests");
        assert!(answer.headers.contains_key("retry-after"));
    }
    // It was never called before.
    for _ in 0..5 {
        call(&shop, &path, Some(&secret), &update).await.expect(200);
    }
    drop(bot);
}

#[on_every_home]
async fn a_wrong_secret_of_a_real_bot_is_looked_up_once(home: &Home) {
    let (shop, bot, _) = hooked_with(home, "RATE_HOOK_GUESSES", "1000/1h").await;
    let path = hook_path(home).await;
    let update = json!({"update_id": 1, "hologram": {}}).to_string();
    let before = shop.metric("hook_lookups_total", &[]).await;
    for _ in 0..30 {
        let answer = call(&shop, &path, Some("wrong"), &update).await;
        assert_problem(&answer, 401, "unauthenticated");
    }
    let looked_up = shop.metric("hook_lookups_total", &[]).await - before;
    assert!((1.0..15.0).contains(&looked_up), "{looked_up} of 30");
    drop(bot);
}

async fn hooked_with(
    home: &Home,
    name: &str,
    value: &str,
) -> (Shop, replyx_testkit::telegram::Bot, String) {
    crate::webhooks::hooked_by(home, crate::webhooks::reachable(home).with(name, value)).await
}

fn invented_key(number: u32) -> String {
    format!("rx_live_{number:040x}")
}

#[on_every_home]
async fn invented_keys_are_limited_before_the_database_is_asked(home: &Home) {
    let shop = home.open_with(home.launch().with("RATE_ADDRESS", "12/1h")).await;
    let body = json!({"name": "Nightly", "scopes": ["assistants:read"]});
    let key = shop.owner.post("/api/v1/api-keys", &body).await.expect(201).text("key");
    let nightly = shop.owner.with_token(key);
    nightly.get("/api/v1/assistants").await.expect(200);
    let reads = async || shop.metric("access_reads_total", &[]).await;

    let before = reads().await;
    for _ in 0..3 {
        shop.owner.with_token(invented_key(1)).get(ME).await.expect(401);
    }
    assert!((reads().await - before - 1.0).abs() < 0.5, "what was bad a moment ago is bad");
    for number in 0..100 {
        let answer = shop.owner.with_token(invented_key(1000 + number)).get(ME).await;
        assert!(matches!(answer.status.as_u16(), 401 | 429), "{}", answer.status);
    }
    let asked = reads().await - before;
    assert!(asked <= 13.0, "{asked} reads");
    // A member cannot have workspaces looked up without end, either.
    for number in 0..20 {
        let elsewhere = shop.owner.in_workspace(&Uuid::from_u64_pair(7, number).to_string());
        let answer = elsewhere.get(ME).await;
        assert!(matches!(answer.status.as_u16(), 401 | 404 | 429), "{}", answer.status);
    }
    assert!(reads().await - before <= 14.0, "{}", reads().await - before);
    // Who was good goes on, at the same address.
    shop.owner.get(ME).await.expect(200);
    nightly.get("/api/v1/assistants").await.expect(200);
    // What does not even look like a key costs nothing.
    let before = reads().await;
    for odd in ["rx_live_", "rx_live_xyz", &"y".repeat(200)] {
        let answer = shop.owner.with_token(odd.to_owned()).get("/health").await;
        assert_eq!(answer.status, 200);
    }
    assert!((reads().await - before).abs() < 0.5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_cannot_have_workspaces_looked_up_without_end() {
    let home = Home::sqlite().await;
    let shop = home.open_with(home.launch().with("RATE_ADDRESS", "12/1h")).await;
    let reads = async || shop.metric("access_reads_total", &[]).await;
    let before = reads().await;
    for number in 0..50 {
        let elsewhere = shop.owner.in_workspace(&Uuid::from_u64_pair(7, number).to_string());
        let answer = elsewhere.get("/api/v1/assistants").await;
        assert!(matches!(answer.status.as_u16(), 403 | 404 | 429), "{}", answer.status);
    }
    let asked = reads().await - before;
    assert!(asked <= 14.0, "{asked} reads");
    shop.owner.get(ME).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leads_nowhere_is_counted_for_its_address() {
    let home = Home::sqlite().await;
    let program = home.launch().with("RATE_ADDRESS", "3/1h").start().await;
    let api = Api::new(program.base());
    assert_problem(&api.get("/nothing").await, 404, "not_found");
    assert_problem(&api.get("/api/v1/nothing").await, 404, "not_found");
    let wrong = api.send(api.request(Method::PUT, ME)).await;
    assert_problem(&wrong, 405, "method_not_allowed");
    for (method, path) in [(Method::GET, "/nothing"), (Method::PUT, ME), (Method::PATCH, "/health")]
    {
        let answer = api.send(api.request(method, path)).await;
        assert_problem(&answer, 429, "too_many_requests");
    }
    api.get("/health").await.expect(200);
}

/// A document whose text is this one.
async fn with_text(home: &Home, shop: &Shop, text: &str) -> String {
    let id = shop.learn("returns.en.md").await;
    let me = shop.owner.get(ME).await.expect(200).body;
    let workspace: Uuid = me["workspace"]["id"].as_str().unwrap().parse().unwrap();
    let mut tx = home.db.db.begin().await.unwrap();
    let documents = tx.workspace(workspace.into()).documents();
    documents.set_text(id.parse().unwrap(), Some(text)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

#[on_every_home]
async fn a_long_text_is_read_in_parts(home: &Home) {
    let shop = home.open().await;
    let text = "Доставка в Финляндию: 12 €. 🎻 ".repeat(20_000);
    let id = with_text(home, &shop, &text).await;
    let path = format!("/api/v1/documents/{id}/text");
    let mut whole = String::new();
    let mut start = json!(0);
    let mut parts = 0;
    while let Some(at) = start.as_u64() {
        let part =
            shop.owner.get(&format!("{path}?start={at}&limit=100001")).await.expect(200).body;
        assert_eq!((&part["start"], part["length"].as_u64()), (&start, Some(text.len() as u64)));
        let piece = part["text"].as_str().unwrap();
        assert!(piece.len() <= 100_001);
        whole.push_str(piece);
        start = part["next"].clone();
        parts += 1;
    }
    assert!(whole == text, "the parts are the text");
    assert_eq!(parts, text.len().div_ceil(100_001));
    let first = shop.owner.get(&path).await.expect(200).body;
    assert!(
        first["text"].as_str().unwrap().len() <= 262_144 && first["next"].is_u64(),
        "a part unless asked"
    );
    let beyond = shop.owner.get(&format!("{path}?start=900000000")).await.expect(200).body;
    assert_eq!((&beyond["text"], &beyond["next"]), (&json!(""), &Value::Null));
    for wrong in ["start=-1", "start=x", "start=9999999999", "limit=0", "limit=3", "limit=1048577"]
    {
        assert_problem(&shop.owner.get(&format!("{path}?{wrong}")).await, 400, "malformed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_holds_little_memory_and_not_for_long() {
    let home = Home::sqlite().await;
    let shop = home.open_with(home.launch().with("UNREAD_TIMEOUT_SECONDS", 15)).await;
    // More than the kernel takes off our hands for a client that reads nothing.
    let long = "All about lanterns. ".repeat(300_000).into_bytes();
    let document = shop.owner.upload(&shop.assistant, "long.txt", long).await.expect(202);
    let path = format!("/api/v1/documents/{}/file", document.text("id"));
    shop.owner.get(&path).await.expect(200);
    let before = shop.program.resident_kb();
    let token = shop.owner.token().unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    let mut unread = Vec::new();
    for _ in 0..150 {
        let to: SocketAddr = shop.program.base().trim_start_matches("http://").parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(to).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        unread.push(stream);
    }
    until("answers are refused", async || {
        (shop.metric("refused_for_room_total", &["what=\"answer\""]).await >= 1.0).then_some(())
    })
    .await;
    let grown = shop.program.resident_kb().saturating_sub(before);
    assert!(grown < 200_000, "{grown} kB more");
    let other = Api::new(shop.program.base()).register("other@example.org", PASSWORD).await;
    other.get(ME).await.expect(200);
    shop.metric_reaches("slow_readers_total", &[], 1.0).await;
    until("there is room again", async || {
        (shop.owner.get(&path).await.status.as_u16() == 200).then_some(())
    })
    .await;
    drop(unread);
}

/// An upload that begins and goes on very slowly.
async fn slow_upload(shop: &Shop, path: &str, more: &str) -> TcpStream {
    let token = shop.owner.token().unwrap();
    let more = format!("authorization: Bearer {token}\r\n{more}");
    let mut stream = connect(shop.program.base(), "127.0.0.1").await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\n{more}content-length: 100000\r\n\r\n\
         --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.md\"\r\n\r\n# A"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[on_every_home]
async fn uploads_that_come_slowly_keep_nobody_waiting(home: &Home) {
    // Long, so that it is not the end of the slow ones that lets the others in.
    let shop = home.open_with(home.launch().with("BODY_TIMEOUT_SECONDS", 55)).await;
    let documents = format!("/api/v1/assistants/{}/documents", shop.assistant);
    let import = format!("/api/v1/assistants/{}/answers/import", shop.assistant);
    let form = "content-type: multipart/form-data; boundary=x\r\n";
    let mut slow = Vec::new();
    for number in 0..20 {
        slow.push(slow_upload(&shop, &documents, form).await);
        let keyed = format!("{form}idempotency-key: slow-{number}\r\n");
        slow.push(slow_upload(&shop, &documents, &keyed).await);
        slow.push(slow_upload(&shop, &import, "content-type: text/csv\r\n").await);
    }
    let upload = shop.owner.upload(&shop.assistant, "x.txt", b"text".to_vec());
    timeout(PATIENCE, upload).await.expect("it does not wait").expect(202);
    let keyed = shop.owner.request(Method::POST, &documents)
        .header("idempotency-key", "quick")
        .header("content-type", "multipart/form-data; boundary=x")
        .body("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b.md\"\r\n\r\n# B\r\n--x--\r\n");
    timeout(PATIENCE, shop.owner.send(keyed)).await.expect("it does not wait").expect(202);
    let table = shop
        .owner
        .request(Method::POST, &import)
        .header("content-type", "text/csv")
        .body("question,answer\nOpen?,Yes.\n");
    timeout(PATIENCE, shop.owner.send(table)).await.expect("it does not wait").expect(200);
    drop(slow);
}
