//! The workspace's log as a stream.

use std::time::Duration;

use replyx_testkit::{
    api::Api,
    openai::{Answer, FakeOpenAi},
};
use reqwest::Method;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

use crate::harness::{
    Home, PASSWORD, PATIENCE, Shop, TOKEN, assert_problem, on_every_home, with_model,
};

/// One event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

/// A stream of events, as a browser reads it.
#[derive(Debug)]
pub(crate) struct Events {
    response: reqwest::Response,
    buffer: Vec<u8>,
}

impl Events {
    /// Opens a stream that begins after an event, or now.
    pub(crate) async fn open(api: &Api, after: Option<i64>) -> Self {
        Self::open_at(api, "/api/v1/events", after).await
    }

    /// Opens the stream at a path.
    async fn open_at(api: &Api, path: &str, after: Option<i64>) -> Self {
        let mut request = api.request(Method::GET, path);
        if let Some(after) = after {
            request = request.header("last-event-id", after.to_string());
        }
        let response = request.send().await.expect("the stream begins");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, buffer: Vec::new() }
    }

    /// The next event; nothing when none comes in time, or the stream has ended.
    pub(crate) async fn next(&mut self, patience: Duration) -> Option<Event> {
        let deadline = Instant::now() + patience;
        loop {
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                if let Some(event) = parse(std::str::from_utf8(&block).expect("it is UTF-8")) {
                    return Some(event);
                }
            }
            let chunk = timeout_at(deadline, self.response.chunk()).await.ok()?.ok()??;
            self.buffer.extend_from_slice(&chunk);
        }
    }

    /// What the next event of this kind says that is in no log and has no number.
    pub(crate) async fn passing(&mut self, kind: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let block = String::from_utf8(block).expect("it is UTF-8");
                if !block.contains(&format!("event: {kind}\n")) {
                    continue;
                }
                assert!(!block.contains("id: "), "{block}");
                let data = block.lines().find_map(|line| line.strip_prefix("data: "));
                return serde_json::from_str(data.expect("it has data")).expect("data is JSON");
            }
            let chunk = timeout_at(deadline, self.response.chunk()).await;
            let chunk = chunk.unwrap_or_else(|_| panic!("no `{kind}`")).expect("it goes on");
            self.buffer.extend_from_slice(&chunk.expect("it goes on"));
        }
    }

    /// All events up to one of this kind.
    pub(crate) async fn until(&mut self, kind: &str) -> Vec<Event> {
        let mut seen = Vec::new();
        loop {
            let event = self.next(PATIENCE).await;
            let event = event.unwrap_or_else(|| panic!("no `{kind}` after {seen:#?}"));
            seen.push(event);
            if seen.last().is_some_and(|last| last.kind == kind) {
                return seen;
            }
        }
    }

    /// So many events.
    async fn take(&mut self, count: usize) -> Vec<Event> {
        let mut seen = Vec::new();
        while seen.len() < count {
            let event = self.next(PATIENCE).await;
            seen.push(event.unwrap_or_else(|| panic!("{count} expected: {seen:#?}")));
        }
        seen
    }
}

/// A block of lines; nothing when it is a comment or a setting.
fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| {
        let lines: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix(name)).collect();
        assert!(lines.len() <= 1, "{block}");
        lines.first().map(|line| (*line).to_owned())
    };
    let id = field("id: ")?.parse().expect("an id is a number");
    let data: Value = serde_json::from_str(&field("data: ")?).expect("data is JSON");
    let kind = field("event: ")?;
    assert_eq!((&data["id"], &data["type"]), (&Value::from(id), &Value::from(kind.as_str())));
    Some(Event { id, kind, data })
}

fn assert_contiguous(events: &[Event], first: i64) {
    let ids: Vec<i64> = events.iter().map(|event| event.id).collect();
    let expected: Vec<i64> = (first..).take(ids.len()).collect();
    assert_eq!(ids, expected, "without gap or repeat");
}

const QUESTION: &str = "How many days do I have to return an item?";

#[on_every_home]
async fn a_stream_of_a_dialog_has_the_events_of_that_dialog_alone(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let owner = &shop.owner;
    let mut all = Events::open(owner, Some(0)).await;
    let mut seen = Vec::new();
    for customer in [7, 8] {
        bot.customer(customer).ask("Hello?", PATIENCE).await.unwrap();
        seen.extend(all.until("message.delivered").await);
    }
    let opened = seen.iter().find(|event| event.kind == "dialog.opened").unwrap();
    let dialog = opened.data["dialog_id"].clone();
    let own = |event: &Event| event.data["dialog_id"] == dialog;
    let of_other = |event: &&Event| event.kind == "dialog.opened" && !own(event);
    let other = seen.iter().find(of_other).unwrap().data["dialog_id"].clone();
    let expected: Vec<Event> = seen.into_iter().filter(own).collect();
    assert!(expected.len() >= 5, "{expected:#?}");

    // What was told before is told again, and what is said then as it happens.
    let path = format!("/api/v1/dialogs/{}/events", dialog.as_str().unwrap());
    let mut stream = Events::open_at(owner, &path, Some(0)).await;
    assert_eq!(stream.take(expected.len()).await, expected);
    let mut new = Events::open_at(owner, &path, None).await;
    for customer in [8, 7] {
        bot.customer(customer).ask("And now?", PATIENCE).await.unwrap();
    }
    let told = stream.until("message.delivered").await;
    assert!(told.iter().all(own), "{told:#?}");
    assert_eq!(new.until("message.delivered").await, told);
    for looked_at in [&other, &dialog] {
        let typing = format!("/api/v1/dialogs/{}/typing", looked_at.as_str().unwrap());
        owner.post(&typing, &json!({"state": "viewing"})).await.expect(200);
    }
    assert_eq!(new.passing("dialog.attention").await["dialog_id"], dialog);

    let beyond = owner.request(Method::GET, &path).header("last-event-id", "x");
    assert_problem(&owner.send(beyond).await, 400, "malformed");
    let stranger = Api::new(shop.program.base()).register("eve@example.org", PASSWORD).await;
    assert_problem(&stranger.get(&path).await, 404, "not_found");
    let nobody = Api::new(shop.program.base());
    assert_problem(&nobody.get(&path).await, 401, "unauthenticated");
}

#[on_every_home]
async fn a_stream_replays_from_any_event_without_gap_or_repeat(home: &Home) {
    let shop = home.open().await;
    let mut live = Events::open(&shop.owner, Some(0)).await;
    shop.learn("returns.en.md").await;
    let bot = home.bot();
    let id = shop.connect().await;
    bot.customer(7).ask(QUESTION, PATIENCE).await.unwrap();
    let mut all = live.until("message.delivered").await;
    shop.owner.post(&format!("/api/v1/bots/{id}/stop"), &Value::Null).await.expect(200);
    all.extend(live.until("bot.status").await);
    assert_contiguous(&all, 1);

    let kinds: Vec<&str> = all.iter().map(|event| event.kind.as_str()).collect();
    let place = |kind: &str| {
        kinds.iter().position(|seen| *seen == kind).unwrap_or_else(|| panic!("{kind}: {kinds:?}"))
    };
    let order = [
        "document.status",
        "bot.status",
        "message.stored",
        "turn.started",
        "reply.settled",
        "message.delivered",
    ];
    assert!(order.map(place).is_sorted(), "{kinds:?}");
    let statuses: Vec<_> = all
        .iter()
        .filter(|event| event.kind == "document.status")
        .map(|event| event.data["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["queued", "extracting", "chunking", "ready"]);
    let stored = &all[place("message.stored")].data;
    assert_eq!(stored["text"], QUESTION);
    let settled = &all[place("reply.settled")].data;
    assert_eq!(settled["message_id"], all[place("message.delivered")].data["message_id"]);
    assert_eq!(settled["outcome"], "answered");

    for after in 0..all.len() {
        let mut again = Events::open(&shop.owner, Some(i64::try_from(after).unwrap())).await;
        assert_eq!(again.take(all.len() - after).await, all[after..], "after {after}");
    }
    // A number that the log has not reached yet is not waited for: who has seen it reads everything
    // again.
    let last = all.last().unwrap().id;
    let mut ahead = Events::open(&shop.owner, Some(last + 1000)).await;
    let reset = ahead.take(1).await.remove(0);
    assert_eq!((reset.kind.as_str(), reset.id), ("reset", last));
    let mut now = Events::open(&shop.owner, None).await;
    shop.owner.post(&format!("/api/v1/bots/{id}/start"), &Value::Null).await.expect(200);
    for stream in [&mut ahead, &mut now] {
        assert_eq!(stream.take(1).await[0].id, last + 1);
    }
}

#[on_every_home]
async fn a_stream_goes_on_where_it_was_when_the_program_comes_back(home: &Home) {
    let bot = home.bot();
    let mut shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let mut seen: Vec<Event> = Vec::new();
    for round in 0..3 {
        let last = seen.last().map_or(0, |event| event.id);
        let mut stream = Events::open(&shop.owner, Some(last)).await;
        let customer = bot.customer(10 + round);
        customer.say(QUESTION);
        seen.extend(stream.until("reply.settled").await);
        // Killed with the delivery under way, or just done.
        shop = shop.crash().await;
        assert!(stream.next(PATIENCE).await.is_none() || round < 3);
    }
    let last = seen.last().unwrap().id;
    let mut stream = Events::open(&shop.owner, Some(last)).await;
    bot.customer(99).say(QUESTION);
    seen.extend(stream.until("message.stored").await);
    assert_contiguous(&seen, 1);
    let mut whole = Events::open(&shop.owner, Some(0)).await;
    assert_eq!(whole.take(seen.len()).await, seen, "the log is what was seen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_one_process_shows_what_happens_in_another() {
    let home = Home::postgres().await;
    let bot = home.bot();
    let http = home.launch().arg("--role").arg("http");
    let work = home.launch().arg("--role").arg("worker").arg("--role").arg("bots");
    let worker = work.start_silent();
    let shop = home.open_with(http.clone()).await;
    let second = http.start().await;
    let other = shop.owner.at(second.base());

    let mut streams =
        [Events::open(&shop.owner, Some(0)).await, Events::open(&other, Some(0)).await];
    shop.learn("returns.en.md").await;
    shop.connect().await;
    bot.customer(7).say(QUESTION);
    let mut seen = Vec::new();
    let begun = Instant::now();
    for stream in &mut streams {
        seen.push(stream.until("message.delivered").await);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "told, not found: {:?}", begun.elapsed());
    assert_eq!(seen[0], seen[1]);
    assert_contiguous(&seen[0], 1);

    // The worker dies; another takes over; the streams go on.
    worker.kill().await;
    bot.customer(7).say("And for sale items?");
    let _worker = work.start_silent();
    for (stream, seen) in streams.iter_mut().zip(&mut seen) {
        seen.extend(stream.until("message.delivered").await);
        assert_contiguous(seen, 1);
    }
    assert_eq!(seen[0], seen[1]);
    // A stream that moves from one process to the other.
    shop.program.kill().await;
    let mut moved = Events::open(&other, Some(3)).await;
    assert_eq!(moved.take(seen[1].len() - 3).await, seen[1][3..]);
}

/// A log of some megabytes.
async fn long_log(home: &Home) -> (Shop, FakeOpenAi) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Answer::text("Noted."));
    let bot = home.bot();
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.connect().await;
    // Three bytes a character.
    let text = "長".repeat(4096);
    for customer in 1..=20 {
        for _ in 0..30 {
            bot.customer(customer).say(&text);
        }
    }
    shop.metric_reaches("updates_total", &["outcome=\"stored\""], 600.0).await;
    (shop, model)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_is_cut_off() {
    let home = Home::sqlite().await;
    let (shop, _model) = long_log(&home).await;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let address: std::net::SocketAddr =
        shop.program.base().trim_start_matches("http://").parse().unwrap();
    socket.connect(&address.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut stream = TcpStream::from_std(socket.into()).unwrap();
    let head = format!(
        "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 0\r\nAuthorization: Bearer {}\r\n\r\n",
        shop.owner.token().unwrap(),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(shop.metric("sse_slow_readers_total", &[]).await < 0.5);
    shop.metric_reaches("sse_slow_readers_total", &[], 1.0).await;
    assert!(shop.metric("sse_connections", &[]).await < 0.5);

    // What was already on its way still comes, and then the end.
    let mut received = 0;
    let mut buffer = vec![0; 64 * 1024];
    let reading = async {
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            received += length;
        }
    };
    timeout(PATIENCE, reading).await.expect("the connection ends");
    assert!((1..7_000_000).contains(&received), "{received}");

    // One that does read gets everything.
    let mut whole = Events::open(&shop.owner, Some(0)).await;
    let all = whole.take(600).await;
    assert_contiguous(&all, 1);
    assert_eq!(home.bot().token(), TOKEN);
}

#[on_every_home]
async fn streams_end_when_the_program_stops(home: &Home) {
    let shop = home.open().await;
    let mut stream = Events::open(&shop.owner, None).await;
    let begun = Instant::now();
    let (status, _) = shop.program.terminate().await;
    assert!(status.success());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(stream.next(PATIENCE).await.is_none());
}
