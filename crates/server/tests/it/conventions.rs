//! What every answer keeps to: limits, the client's address, headers, other origins.

use replyx_testkit::{
    api::{Answer, Api},
    program::Program,
};
use reqwest::Method;
use serde_json::json;

use crate::harness::{EMAIL, Home, PASSWORD, admin, assert_problem, on_every_home, sample};

const ME: &str = "/api/v1/me";
const SHOP: &str = "https://shop.example.org";

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// How many goes are left, of the first limit that is told: the general one, or the one that
/// refused.
fn left(answer: &Answer) -> (String, u32) {
    lefts(answer).swap_remove(0)
}

/// How many goes are left, of each limit.
fn lefts(answer: &Answer) -> Vec<(String, u32)> {
    let one = |text: &str| {
        let (name, rest) = text.trim_start_matches('"').split_once("\";r=").expect(text);
        let (goes, seconds) = rest.split_once(";t=").expect(text);
        seconds.parse::<u32>().expect(text);
        (name.to_owned(), goes.parse().expect(text))
    };
    header(answer, "ratelimit").split(", ").map(one).collect()
}

/// Was it refused by this limit, and told so in every way?
fn assert_limited(answer: &Answer, name: &str, policy: &str) {
    assert_problem(answer, 429, "too_many_requests");
    assert_eq!(left(answer), (name.to_owned(), 0));
    assert_eq!(header(answer, "ratelimit-policy"), format!("\"{name}\";{policy}"));
    let detail = answer.body["detail"].as_str().unwrap();
    let (count, window) = policy.trim_start_matches("q=").split_once(";w=").unwrap();
    let window = match window {
        "3600" => "1 hour",
        "60" => "1 minute",
        other => other,
    };
    assert!(detail.contains(&format!("the limit `{name}` allows {count} request")), "{detail}");
    assert!(detail.contains(&format!(" in {window}; try again in ")), "{detail}");
    let wait: u64 = header(answer, "retry-after").parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
}

/// A request without credentials, with these lines of `X-Forwarded-For`.
async fn knock(api: &Api, lines: &[&str]) -> Answer {
    let request = api.request(Method::GET, ME);
    let request =
        lines.iter().fold(request, |request, line| request.header("x-forwarded-for", *line));
    api.send(request).await
}

#[on_every_home]
async fn a_user_has_so_many_requests_and_takes_none_of_anothers(home: &Home) {
    let shop = home.open_with(home.launch().with("RATE_USER", "4/1h")).await;
    // Making the assistant was the first.
    for expected in [2, 1, 0] {
        let answer = shop.owner.get(ME).await.expect(200);
        assert_eq!(left(&answer), ("user".to_owned(), expected));
        assert_eq!(header(&answer, "ratelimit-policy"), "\"user\";q=4;w=3600");
    }
    assert_limited(&shop.owner.get(ME).await, "user", "q=4;w=3600");
    assert_limited(
        &shop.owner.post("/api/v1/assistants", &json!({"name": "x"})).await,
        "user",
        "q=4;w=3600",
    );
    let again = Api::new(shop.program.base()).login(EMAIL, PASSWORD).await;
    assert_limited(&again.get(ME).await, "user", "q=4;w=3600");

    let other = Api::new(shop.program.base()).register("other@example.org", PASSWORD).await;
    assert_eq!(left(&other.get(ME).await.expect(200)).1, 3);
    assert!(shop.metric("rate_limited_total", &["user"]).await >= 3.0);
    shop.owner.get("/health").await.expect(200);
}

#[on_every_home]
async fn a_key_has_its_own_requests(home: &Home) {
    let launch = home.launch().with("RATE_KEY", "2/1h").with("RATE_USER", "100/1h");
    let shop = home.open_with(launch).await;
    let body = json!({"name": "Nightly", "scopes": ["assistants:read"]});
    let key = shop.owner.post("/api/v1/api-keys", &body).await.expect(201).text("key");
    let program = shop.owner.with_token(key);
    for expected in [1, 0] {
        let answer = program.get("/api/v1/assistants").await.expect(200);
        assert_eq!(left(&answer), ("key".to_owned(), expected));
    }
    assert_limited(&program.get("/api/v1/assistants").await, "key", "q=2;w=3600");
    assert_eq!(left(&shop.owner.get(ME).await.expect(200)).0, "user");
}

#[on_every_home]
async fn who_shows_nothing_or_nothing_good_is_counted_by_address(home: &Home) {
    let program = home.launch().with("RATE_ADDRESS", "3/1h").start().await;
    let api = Api::new(program.base());
    let forger = api.with_token("forged".to_owned());
    let owner = api.register(EMAIL, PASSWORD).await;
    assert_eq!(left(&knock(&api, &[]).await.expect(401)), ("address".to_owned(), 1));
    assert_eq!(left(&forger.get(ME).await.expect(401)), ("address".to_owned(), 0));
    for stranger in [&api, &forger] {
        assert_limited(&stranger.get(ME).await, "address", "q=3;w=3600");
    }
    let body = json!({"email": "other@example.org", "password": PASSWORD});
    let refused = api.post("/api/v1/auth/register", &body).await;
    assert_limited(&refused, "address", "q=3;w=3600");
    owner.get(ME).await.expect(200);
}

#[on_every_home]
async fn what_invites_guessing_is_limited_more(home: &Home) {
    let launch = home.launch().with("RATE_LOGIN", "2/1h").with("RATE_UPLOAD", "1/1h");
    let shop = home.open_with(launch.with("RATE_METRICS", "1/1h")).await;
    let stranger = Api::new(shop.program.base());
    for number in 0..2 {
        let guess = json!({"email": format!("a{number}@example.org"), "password": PASSWORD});
        let answer = stranger.post("/api/v1/auth/login", &guess).await;
        assert_problem(&answer, 401, "wrong_credentials");
        assert_eq!(left(&answer).0, "address", "the general limit is shown");
    }
    let right = json!({"email": EMAIL, "password": PASSWORD});
    for api in [&stranger, &shop.owner] {
        assert_limited(&api.post("/api/v1/auth/login", &right).await, "login", "q=2;w=3600");
    }
    let first = shop.owner.upload(&shop.assistant, "returns.en.md", sample("returns.en.md")).await;
    let told: Vec<String> =
        lefts(&first.clone().expect(202)).into_iter().map(|(name, _)| name).collect();
    assert_eq!(told, ["user", "upload"], "both limits are told before one of them refuses");
    assert!(header(&first, "ratelimit-policy").ends_with(", \"upload\";q=1;w=3600"));
    let second = shop.owner.upload(&shop.assistant, "x.txt", b"text".to_vec()).await;
    assert_limited(&second, "upload", "q=1;w=3600");
    let documents = shop.owner.get("/api/v1/documents").await.expect(200);
    assert_eq!(documents.body["items"].as_array().unwrap().len(), 1);

    stranger.get("/metrics").await.expect(200);
    assert_limited(&stranger.get("/metrics").await, "metrics", "q=1;w=3600");
}

#[on_every_home]
async fn an_admin_changes_a_limit_at_once(home: &Home) {
    let shop = home.open().await;
    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let set = async |value: &str| {
        let request = root.request(Method::PUT, "/api/v1/admin/settings/rate_key");
        root.send(request.json(&json!({"value": value}))).await
    };
    let body = json!({"name": "Nightly", "scopes": ["assistants:read"]});
    let key = shop.owner.post("/api/v1/api-keys", &body).await.expect(201).text("key");
    let program = shop.owner.with_token(key);
    program.get("/api/v1/assistants").await.expect(200);
    set("1/1h").await.expect(200);
    program.get("/api/v1/assistants").await.expect(200);
    assert_limited(&program.get("/api/v1/assistants").await, "key", "q=1;w=3600");
    // What was spent at the old rate does not hold back at the new one.
    set("5/1m").await.expect(200);
    assert_eq!(left(&program.get("/api/v1/assistants").await.expect(200)).1, 4);
    assert_problem(&set("often").await, 422, "invalid");
    assert_eq!(left(&program.get("/api/v1/assistants").await.expect(200)).1, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_cannot_choose_its_address() {
    let home = Home::sqlite().await;
    let program = home.launch().with("RATE_ADDRESS", "2/1h").start().await;
    let api = Api::new(program.base());
    for (expected, claim) in [(1, "198.51.100.1"), (0, "198.51.100.2")] {
        assert_eq!(left(&knock(&api, &[claim]).await.expect(401)).1, expected);
    }
    assert_limited(&knock(&api, &["198.51.100.3"]).await, "address", "q=2;w=3600");
    for name in ["x-real-ip", "forwarded", "cf-connecting-ip", "true-client-ip", "x-client-ip"] {
        let request = api.request(Method::GET, ME).header(name, "198.51.100.4");
        assert_limited(&api.send(request).await, "address", "q=2;w=3600");
    }
}

async fn behind_a_proxy(home: &Home, rate: &str) -> (Program, Api) {
    let launch = home.launch().with("TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8");
    let program = launch.with("RATE_ADDRESS", rate).start().await;
    let api = Api::new(program.base());
    (program, api)
}

#[on_every_home]
async fn behind_a_proxy_each_client_is_counted(home: &Home) {
    let (_program, api) = behind_a_proxy(home, "1/1h").await;
    let limited = async |lines: &[&str]| knock(&api, lines).await.status == 429;
    for client in ["198.51.100.1", "198.51.100.2", "2001:db8:1:1::1", "2001:db8:1:2::1"] {
        assert!(!limited(&[client]).await, "{client}");
        assert!(limited(&[client]).await, "{client}");
    }
    for (lines, same) in [
        (["203.0.113.1, 198.51.100.1"].as_slice(), "what a client wrote itself stands left"),
        (&["198.51.100.1, 10.0.0.7"], "through two of our proxies"),
        (&["203.0.113.1", "198.51.100.1, 10.0.0.7"], "in several lines"),
        (&["198.51.100.1:4711"], "with a port"),
        (&["::ffff:198.51.100.1"], "in IPv6 form"),
        (&["2001:db8:1:1:ffff::2"], "another address of the same /64"),
        (&["[2001:db8:1:2:1::]:443"], "with brackets and port"),
    ] {
        assert!(limited(lines).await, "{same}: {lines:?}");
    }
    assert!(!limited(&["2001:db8:1:3::1"]).await, "another /64");
    assert!(!limited(&["198.51.100.3"]).await, "another client");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_proxy_cannot_have_written_is_the_proxys() {
    let home = Home::sqlite().await;
    let (_program, api) = behind_a_proxy(&home, "1/1h").await;
    knock(&api, &[]).await.expect(401);
    let long = vec!["10.0.0.1"; 500].join(",");
    for junk in
        ["unknown", "", ",", "1.2.3.4.5", "1.2.3.4, _hidden", "\"", "10.0.0.0/8", "127.0.0.1"]
    {
        let answer = knock(&api, &[junk]).await;
        assert_limited(&answer, "address", "q=1;w=3600");
    }
    knock(&api, &[&long]).await.expect(401);
    knock(&api, &[&format!("198.51.100.1,{long}")]).await.expect(429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_of_a_client_is_written_down() {
    let home = Home::sqlite().await;
    let program = home.launch().with("TRUSTED_PROXIES", "127.0.0.0/8").start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    let login = api
        .request(Method::POST, "/api/v1/auth/login")
        .header("x-forwarded-for", "203.0.113.1, 2001:db8::7")
        .json(&json!({"email": EMAIL, "password": PASSWORD}));
    let token = api.send(login).await.expect(200).text("access_token");
    let sessions = api.with_token(token).get("/api/v1/auth/sessions").await.expect(200).body;
    let addresses: Vec<_> =
        sessions["items"].as_array().unwrap().iter().map(|one| &one["address"]).collect();
    assert!(addresses.contains(&&json!("2001:db8::7")), "{sessions}");
    assert!(!addresses.contains(&&json!("203.0.113.1")), "{sessions}");
}

/// One answer of every kind, with its path.
async fn answers(owner: &Api) -> Vec<(&'static str, Answer)> {
    let stranger = Api::new(owner.base());
    let ask =
        async |api: &Api, method: Method, path: &str| api.send(api.request(method, path)).await;
    let malformed = owner.request(Method::POST, "/api/v1/assistants").body("{");
    vec![
        (ME, owner.get(ME).await.expect(200)),
        (ME, stranger.get(ME).await.expect(401)),
        (
            "/api/v1/assistants",
            owner.post("/api/v1/assistants", &json!({"name": "x"})).await.expect(201),
        ),
        (
            "/api/v1/assistants",
            owner.send(malformed.header("content-type", "application/json")).await.expect(400),
        ),
        ("/api/v1/nothing", stranger.get("/api/v1/nothing").await.expect(404)),
        ("/nothing", stranger.get("/nothing").await.expect(404)),
        ("/health", ask(&stranger, Method::PATCH, "/health").await.expect(405)),
        ("/health", ask(&stranger, Method::HEAD, "/health").await.expect(200)),
        ("/health", stranger.get("/health").await.expect(200)),
        ("/metrics", stranger.get("/metrics").await.expect(200)),
        ("/api/openapi.json", stranger.get("/api/openapi.json").await.expect(200)),
        ("/api/docs", stranger.get("/api/docs").await),
    ]
}

fn assert_guarded(path: &str, answer: &Answer) {
    let context = format!("{path} {}: {:?}", answer.status, answer.headers);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(header(answer, name), value, "{name} of {context}");
    }
    assert!(header(answer, "permissions-policy").contains("camera=()"), "{context}");
    let policy = header(answer, "content-security-policy");
    let directives: Vec<&str> = policy.split("; ").collect();
    assert!(directives.contains(&"default-src 'none'"), "{context}");
    assert!(directives.contains(&"frame-ancestors 'none'"), "{context}");
    let scripts = directives.iter().find(|directive| directive.starts_with("script-src"));
    let expected = path.starts_with("/api/docs").then_some("script-src 'self'");
    assert_eq!(scripts.copied(), expected, "{context}");
    assert!(!policy.contains("unsafe-eval") && !policy.contains('*'), "{context}");
    if path.starts_with("/api/v1") {
        assert_eq!(header(answer, "cache-control"), "no-store", "{context}");
    }
    assert!(!header(answer, "x-request-id").is_empty(), "{context}");
    for name in ["server", "x-powered-by"] {
        assert!(!answer.headers.contains_key(name), "{context}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_guarded_against_what_browsers_would_do_with_it() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    for (path, answer) in answers(&shop.owner).await {
        assert_guarded(path, &answer);
        assert!(!answer.headers.contains_key("strict-transport-security"), "{path}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_production_browsers_are_told_to_use_tls_alone() {
    let home = Home::sqlite().await;
    let shop = home.open_with(home.launch().with("ENVIRONMENT", "production")).await;
    for (path, answer) in answers(&shop.owner).await {
        assert_guarded(path, &answer);
        let told = header(&answer, "strict-transport-security");
        assert_eq!(told, "max-age=63072000; includeSubDomains", "{path}");
    }
}

/// A request as a page of another origin sends it.
async fn from_origin(api: &Api, method: Method, path: &str, origin: &str) -> Answer {
    let request = api.request(method.clone(), path).header("origin", origin);
    let request = if method == Method::OPTIONS {
        request
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "authorization,if-match,x-workspace")
    } else {
        request
    };
    api.send(request).await
}

fn cors(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
    names.filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_configuration_no_other_origin_reads_anything() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    for method in [Method::GET, Method::OPTIONS] {
        for origin in [SHOP, shop.program.base(), "null", "*"] {
            let answer = from_origin(&shop.owner, method.clone(), ME, origin).await;
            assert_eq!(cors(&answer), [""; 0], "{method} {origin}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_origin_that_is_named_and_no_other_may_read() {
    let home = Home::sqlite().await;
    let origins = format!("{SHOP}, http://localhost:5173");
    let shop = home.open_with(home.launch().with("CORS_ORIGINS", origins)).await;
    for origin in [SHOP, "http://localhost:5173"] {
        let answer = from_origin(&shop.owner, Method::GET, ME, origin).await.expect(200);
        assert_eq!(header(&answer, "access-control-allow-origin"), origin);
        assert_eq!(header(&answer, "access-control-allow-credentials"), "true");
        assert!(header(&answer, "vary").contains("origin"), "{:?}", answer.headers);
        let exposed = header(&answer, "access-control-expose-headers");
        for name in
            ["etag", "location", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"]
        {
            assert!(exposed.split(',').any(|one| one == name), "{name} in {exposed}");
        }
        // A page must be able to read why it was refused.
        let stranger = Api::new(shop.program.base());
        let refused = from_origin(&stranger, Method::GET, ME, origin).await.expect(401);
        assert_eq!(header(&refused, "access-control-allow-origin"), origin);

        let asked = from_origin(&stranger, Method::OPTIONS, ME, origin).await.expect(200);
        assert_eq!(header(&asked, "access-control-allow-origin"), origin);
        assert_guarded(ME, &asked);
        let methods = header(&asked, "access-control-allow-methods");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            assert!(methods.split(',').any(|one| one == method), "{method} in {methods}");
        }
        let allowed = header(&asked, "access-control-allow-headers");
        for name in [
            "authorization",
            "content-type",
            "idempotency-key",
            "if-match",
            "last-event-id",
            "x-api-key",
            "x-csrf-token",
            "x-request-id",
            "x-workspace",
        ] {
            assert!(allowed.split(',').any(|one| one == name), "{name} in {allowed}");
        }
    }
    for origin in [
        "http://shop.example.org",
        "https://shop.example.org:8443",
        "https://www.shop.example.org",
        "https://shop.example.org.evil.example",
        "https://evil-shop.example.org",
        "https://SHOP.example.org",
        "http://localhost:5174",
        "null",
        "*",
    ] {
        for method in [Method::GET, Method::OPTIONS] {
            let answer = from_origin(&shop.owner, method.clone(), ME, origin).await;
            let granted = answer.headers.get("access-control-allow-origin");
            assert!(granted.is_none(), "{method} {origin}: {granted:?}");
            assert!(header(&answer, "vary").contains("origin"), "{:?}", answer.headers);
        }
    }
}
