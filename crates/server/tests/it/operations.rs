//! What an operator relies on.

use std::{net::SocketAddr, time::Duration};

use replyx_testkit::{
    openai::{FakeOpenAi, ModelFault},
    proxy::BreakingProxy,
};
use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

use crate::harness::{
    EMAIL, Home, PASSWORD, PATIENCE, Shop, TOKEN, a_moment, assert_problem, on_every_home, until,
    with_model,
};

const QUESTION: &str = "How many days do I have to return an item?";

/// An address where nothing listens.
fn nowhere() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[on_every_home]
async fn the_program_tells_how_it_is_and_what_it_has_done(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    bot.customer(7).ask(QUESTION, PATIENCE).await.unwrap();
    shop.replies().await;

    for path in ["/health", "/health/ready"] {
        let report = shop.owner.get(path).await.expect(200).body;
        assert_eq!(report["status"], "ok", "{report}");
        assert_eq!((&report["database"], &report["live"]), (&json!("ok"), &json!("ok")));
    }
    shop.owner.get("/health/live").await.expect(200);
    for (name, labels, least) in [
        (
            "http_requests_total",
            ["method=\"POST\"", "path=\"/api/v1/assistants\"", "status=\"201\""].as_slice(),
            1.0,
        ),
        ("http_request_duration_seconds_count", &["path=\"/api/v1/me\""], 0.0),
        ("turns_total", &["outcome=\"answered\""], 1.0),
        ("turn_duration_seconds_count", &[], 1.0),
        ("model_requests_total", &["extractive"], 1.0),
        ("deliveries_total", &["outcome=\"delivered\""], 1.0),
        ("telegram_bot_sends_total", &["outcome=\"sent\""], 1.0),
        ("updates_total", &["outcome=\"stored\""], 1.0),
        ("jobs_total", &["outcome=\"done\""], 1.0),
        ("telegram_total_bots", &[], 1.0),
        ("telegram_bots_running", &[], 1.0),
        ("db_pool_size", &[], 1.0),
    ] {
        let value = shop.metric(name, labels).await;
        assert!(value >= least, "{name} {labels:?} is {value}");
    }
    // Labels do not grow with what clients ask for.
    shop.owner.get("/api/v1/assistants/019a0000-0000-7000-8000-000000000000").await.expect(404);
    shop.owner.get("/some/invented/path").await.expect(404);
    let odd = Method::from_bytes(b"BREW").unwrap();
    shop.owner.send(shop.owner.request(odd, "/health")).await.expect(405);
    let metrics = shop.text("/metrics").await;
    for invented in ["019a0000", "invented", "BREW"] {
        assert!(!metrics.contains(invented), "{invented}");
    }
    assert!(
        shop.metric("http_requests_total", &["path=\"unmatched\"", "status=\"404\""]).await >= 1.0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_for_who_shows_the_token() {
    let home = Home::sqlite().await;
    let file = home.folder.path().join("metrics-token");
    std::fs::write(&file, "let-me-see\n").unwrap();
    let shop = home.open_with(home.launch().with("METRICS_TOKEN_FILE", file.display())).await;
    let ask = async |header: Option<&str>| {
        let stranger = replyx_testkit::api::Api::new(shop.program.base());
        let mut request = stranger.request(Method::GET, "/metrics");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        stranger.send(request).await
    };
    let owner = format!("Bearer {}", shop.owner.token().unwrap());
    for wrong in
        [None, Some("Bearer "), Some("Bearer let-me"), Some("Basic let-me-see"), Some(&*owner)]
    {
        assert_problem(&ask(wrong).await, 401, "unauthenticated");
    }
    ask(Some("Bearer let-me-see")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_customers_are_still_answered() {
    let mut home = Home::postgres().await;
    home.redis = Some(format!("redis://{}", nowhere()));
    let bot = home.bot();
    let shop = home.open().await;
    until("the program says that it is degraded", async || {
        let report = shop.owner.get("/health/ready").await.expect(200).body;
        (report["status"] == "degraded").then_some(())
    })
    .await;
    shop.owner.get("/health").await.expect(200);
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let ann = bot.customer(7);
    for _ in 0..2 {
        assert!(ann.ask(QUESTION, PATIENCE).await.unwrap().plain.contains("30 days"));
    }
    let mut stream = crate::events::Events::open(&shop.owner, Some(0)).await;
    stream.until("message.delivered").await;
    let (status, log) = shop.program.terminate().await;
    assert!(status.success(), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_redis_goes_and_returns_nothing_is_lost() {
    let mut home = Home::postgres().await;
    let redis = home.redis.take().unwrap();
    let address = redis.trim_start_matches("redis://").trim_end_matches('/');
    let address = address.split('/').next().unwrap().parse().unwrap();
    let proxy = BreakingProxy::to(address).unwrap();
    home.redis = Some(format!("redis://{}", proxy.addr()));
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let ann = bot.customer(7);
    ann.ask(QUESTION, PATIENCE).await.unwrap();
    let mut stream = crate::events::Events::open(&shop.owner, Some(0)).await;
    let mut seen = stream.until("message.delivered").await;

    proxy.refuse().await;
    proxy.cut_all();
    ann.ask(QUESTION, PATIENCE).await.unwrap();
    seen.extend(stream.until("message.delivered").await);
    proxy.restore().await;
    ann.ask(QUESTION, PATIENCE).await.unwrap();
    seen.extend(stream.until("message.delivered").await);
    let ids: Vec<i64> = seen.iter().map(|event| event.id).collect();
    assert_eq!(ids, (1..=i64::try_from(ids.len()).unwrap()).collect::<Vec<_>>());
    until("all is well again", async || {
        let report = shop.owner.get("/health/ready").await.expect(200).body;
        (report["status"] == "ok").then_some(())
    })
    .await;
    assert_eq!(ann.sent_total(), 3);
}

#[on_every_home]
async fn sigterm_in_the_middle_of_an_answer_ends_the_program_and_not_the_conversation(home: &Home) {
    let model = FakeOpenAi::start().await;
    let bot = home.bot();
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let ann = bot.customer(7);
    model.inject(ModelFault::DelayFirst(Duration::from_secs(30)));
    ann.say(QUESTION);
    until("the model is asked", async || (model.request_count() == 1).then_some(())).await;

    let Shop { launch, program, owner, assistant } = shop;
    let begun = Instant::now();
    let (status, log) = program.terminate().await;
    assert!(status.success(), "{status}: {log}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(ann.sent_total(), 0);

    let shop = Shop::again(launch, &owner, assistant).await;
    let reply = ann.wait_for_reply(0, PATIENCE).await.unwrap();
    assert!(!reply.plain.is_empty());
    a_moment().await;
    assert_eq!(ann.sent_total(), 1);
    assert_eq!(shop.replies().await.len(), 1);
    assert_eq!(shop.messages().await.len(), 2);
}

#[on_every_home]
async fn sigterm_lets_a_turn_that_is_nearly_done_finish(home: &Home) {
    let model = FakeOpenAi::start().await;
    let bot = home.bot();
    let shop = home.open_with(with_model(home.launch(), &model)).await;
    shop.connect().await;
    let ann = bot.customer(7);
    model.inject(ModelFault::DelayFirst(Duration::from_secs(2)));
    ann.say(QUESTION);
    until("the model is asked", async || (model.request_count() == 1).then_some(())).await;
    let (status, _) = shop.program.terminate().await;
    assert!(status.success());
    assert_eq!(ann.sent_total(), 1, "answered before the end");
}

#[on_every_home]
async fn logs_tell_which_request_and_not_what_was_said(home: &Home) {
    let bot = home.bot();
    let shop = home.open_with(home.launch().with("LOG_FORMAT", "json")).await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let request =
        shop.owner.request(Method::GET, "/api/v1/me").header("x-request-id", "req-42.a_b");
    let answer = shop.owner.send(request).await.expect(200);
    assert_eq!(answer.headers["x-request-id"], "req-42.a_b");
    for strange in ["", "a b", "<script>", &"x".repeat(65)] {
        let request = shop.owner.request(Method::GET, "/api/v1/me").header("x-request-id", strange);
        let answer = shop.owner.send(request).await.expect(200);
        let id = answer.headers["x-request-id"].to_str().unwrap();
        assert!(id != strange && id.len() == 32, "{id}");
    }
    let reply = bot.customer(7).ask(QUESTION, PATIENCE).await.unwrap();
    let path = format!("/api/v1/assistants/{}/search", shop.assistant);
    shop.owner.post(&path, &json!({"query": "return an item"})).await.expect(200);
    let body = json!({"email": EMAIL, "password": PASSWORD});
    shop.owner.post("/api/v1/auth/login", &body).await.expect(200);
    shop.replies().await;
    let token = shop.owner.token().unwrap().to_owned();
    let (_, log) = shop.program.terminate().await;

    for secret in [
        QUESTION,
        "return an item",
        &reply.plain[..20],
        TOKEN,
        "first-token",
        &token,
        EMAIL,
        PASSWORD,
        "Customer 7",
        crate::harness::SECRET,
    ] {
        assert!(!log.contains(secret), "`{secret}` is in the log:\n{log}");
    }
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert!(lines.iter().all(|line| line["level"] == "INFO"), "{log}");
    assert!(log.contains("req-42.a_b"), "{log}");
    let turn = lines.iter().find(|line| line["turn.outcome"] == "answered");
    let turn = turn.unwrap_or_else(|| panic!("{log}"));
    assert!(turn["span"]["dialog.id"].is_string(), "{turn}");
}

#[on_every_home]
async fn a_message_of_unknown_outcome_is_repeated_once_and_counted(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let ann = bot.customer(7);
    home.telegram.inject(replyx_testkit::telegram::TelegramFault::BreakAfter.on("sendMessage"));
    ann.say(QUESTION);
    assert!(ann.wait_until(2, PATIENCE).await, "sent, and once more");
    a_moment().await;
    assert_eq!(ann.sent_total(), 2);
    assert!(shop.metric("telegram_bot_uncertain_sends_total", &[]).await >= 1.0);
    let mut stream = crate::events::Events::open(&shop.owner, Some(0)).await;
    let delivered = stream.until("message.delivered").await.pop().unwrap();
    assert_eq!(delivered.data["uncertain"], 1);

    // Certainly not sent: repeated as often as it takes, and not uncertain.
    for _ in 0..2 {
        home.telegram
            .inject(replyx_testkit::telegram::TelegramFault::Status(502).on("sendMessage"));
    }
    ann.ask(QUESTION, PATIENCE).await.unwrap();
    a_moment().await;
    assert_eq!(ann.sent_total(), 3);
}

/// What `promtool check metrics` holds against a page of metrics, and the samples of each family.
fn families(page: &str) -> std::collections::BTreeMap<String, (String, Vec<String>)> {
    let mut families = std::collections::BTreeMap::new();
    let mut helped = std::collections::BTreeSet::new();
    for line in page.lines().filter(|line| !line.is_empty()) {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').expect("a text");
            assert!(text.len() > 5 && helped.insert(name.to_owned()), "{line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a type");
            assert!(helped.contains(name), "{name} has no HELP before its TYPE");
            let twice = families.insert(name.to_owned(), (kind.to_owned(), Vec::new()));
            assert!(twice.is_none(), "{name} is described twice");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let name = line.split(['{', ' ']).next().expect("a name");
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let base = base.filter(|base| families.contains_key(*base)).unwrap_or(name);
            let family = families.get_mut(base).unwrap_or_else(|| panic!("{line} has no TYPE"));
            let value = line.rsplit(' ').next().expect("a value");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            family.1.push(line.to_owned());
        }
    }
    families
}

#[on_every_home]
async fn every_metric_is_explained_and_the_process_tells_of_itself(home: &Home) {
    let shop = home.open().await;
    home.bot();
    shop.connect().await;
    shop.learn("returns.en.md").await;
    home.bot().customer(7).ask(QUESTION, PATIENCE).await.expect("an answer");
    let page = shop.text("/metrics").await;
    let families = families(&page);
    for (name, kind) in [
        ("http_requests_total", "counter"),
        ("http_request_duration_seconds", "histogram"),
        ("db_pool_size", "gauge"),
        ("turns_total", "counter"),
        ("replyx_build_info", "gauge"),
        ("process_start_time_seconds", "gauge"),
        ("process_cpu_seconds_total", "counter"),
        ("process_resident_memory_bytes", "gauge"),
        ("process_open_fds", "gauge"),
        ("process_max_fds", "gauge"),
    ] {
        let (found, samples) = families.get(name).unwrap_or_else(|| panic!("{name}: {page}"));
        assert!(found == kind && !samples.is_empty(), "{name}: {found} {samples:?}");
    }
    let resident = shop.metric("process_resident_memory_bytes", &[]).await;
    let by_kernel = f64::from(u32::try_from(shop.program.resident_kb()).unwrap()) * 1024.0;
    assert!((0.5..2.0).contains(&(resident / by_kernel)), "{resident} {by_kernel}");
    // A histogram for each route, method and status: its buckets must be few.
    let buckets = &families["http_request_duration_seconds"].1;
    let one = |line: &&String| {
        line.contains("_bucket{")
            && line.contains("path=\"/api/v1/assistants\"")
            && line.contains("status=\"201\"")
    };
    assert_eq!(buckets.iter().filter(one).count(), 7, "{buckets:?}");
}
