//! Sessions of browsers: cookies, and the proof that a change was meant.

use replyx_testkit::api::{Answer, Api};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{EMAIL, Home, PASSWORD, assert_problem, on_every_home};

const ACCESS: &str = "__Host-rx_access";
const REFRESH: &str = "__Host-rx_refresh";
const CSRF: &str = "__Host-rx_csrf";
const CHANGE: &str = "/api/v1/assistants";

/// What a browser keeps of a session.
#[derive(Clone, Debug)]
struct Browser {
    api: Api,
    access: String,
    refresh: String,
    csrf: String,
}

/// A cookie that an answer sets: its value, and its attributes in order.
fn cookie(answer: &Answer, name: &str) -> (String, Vec<String>) {
    let set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let mut found = set.filter_map(|text| text.strip_prefix(&format!("{name}=")));
    let text = found.next().unwrap_or_else(|| panic!("{name} is not set: {:?}", answer.headers));
    assert!(found.next().is_none(), "{name} is set twice");
    let mut parts = text.split("; ").map(str::to_owned);
    let value = parts.next().unwrap();
    let mut attributes: Vec<String> = parts.collect();
    attributes.sort();
    (value, attributes)
}

impl Browser {
    async fn open(api: &Api, email: &str) -> Self {
        let body = json!({"email": email, "password": PASSWORD, "cookies": true});
        let answer = api.post("/api/v1/auth/login", &body).await.expect(200);
        Self::of(api, &answer)
    }

    fn of(api: &Api, answer: &Answer) -> Self {
        let value = |name| cookie(answer, name).0;
        let access = value(ACCESS);
        let refresh = value(REFRESH);
        let csrf = value(CSRF);
        Self { api: api.clone(), access, refresh, csrf }
    }

    fn cookies(&self) -> String {
        let Self { access, refresh, csrf, .. } = self;
        format!("theme=dark; {ACCESS}={access}; {REFRESH}={refresh}; {CSRF}={csrf}")
    }

    /// A request as a page of ours sends it, without the CSRF header.
    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.api.request(method, path).header("cookie", self.cookies())
    }

    /// A request as a page of ours sends it.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header("x-csrf-token", &self.csrf)
    }

    async fn get(&self, path: &str) -> Answer {
        self.api.send(self.bare(Method::GET, path)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.api.send(self.request(Method::POST, path).json(body)).await
    }
}

fn change() -> Value {
    json!({"name": "Support"})
}

#[on_every_home]
async fn tokens_are_cookies_that_scripts_cannot_read(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let body = json!({"email": EMAIL, "password": PASSWORD, "cookies": true});
    let registered = api.post("/api/v1/auth/register", &body).await.expect(201);
    let signed_in = api.post("/api/v1/auth/login", &body).await.expect(200);
    for answer in [registered, signed_in] {
        for field in ["access_token", "refresh_token"] {
            assert!(answer.body.get(field).is_none(), "{}", answer.body);
        }
        let expected = |age: &str, hidden: bool| {
            let mut all = vec![format!("Max-Age={age}"), "Path=/".to_owned()];
            all.extend(["SameSite=Lax".to_owned(), "Secure".to_owned()]);
            if hidden {
                all.insert(0, "HttpOnly".to_owned());
            }
            all
        };
        assert_eq!(cookie(&answer, ACCESS).1, expected("3600", true));
        assert_eq!(cookie(&answer, REFRESH).1, expected("2592000", true));
        let (csrf, attributes) = cookie(&answer, CSRF);
        assert_eq!(attributes, expected("2592000", false));
        assert_eq!(answer.text("csrf_token"), csrf);
        let browser = Browser::of(&api, &answer);
        assert!(!answer.body.to_string().contains(&browser.access));
        browser.get("/api/v1/me").await.expect(200);
        browser.post(CHANGE, &change()).await.expect(201);
    }
}

#[on_every_home]
async fn a_change_by_cookie_must_prove_that_it_was_meant(home: &Home) {
    let program = home.launch().with("CORS_ORIGINS", "https://console.example").start().await;
    let api = Api::new(program.base());
    let owner = api.register(EMAIL, PASSWORD).await;
    let _ = api.register("thief@example.org", PASSWORD).await;
    let browser = Browser::open(&api, EMAIL).await;
    let again = Browser::open(&api, EMAIL).await;
    let thief = Browser::open(&api, "thief@example.org").await;
    let send = async |request: RequestBuilder| api.send(request.json(&change())).await;
    let post = || browser.bare(Method::POST, CHANGE);

    // Reading needs no proof, wherever the link was.
    let read = browser.bare(Method::GET, "/api/v1/me").header("sec-fetch-site", "cross-site");
    api.send(read).await.expect(200);

    assert_problem(&send(post()).await, 403, "csrf_failed");
    let (chance, signature) = browser.csrf.split_once('.').unwrap();
    for forged in [
        String::new(),
        ".".to_owned(),
        chance.to_owned(),
        format!("{chance}."),
        format!(".{signature}"),
        format!("{chance}x.{signature}"),
        format!("{chance}.{}", signature.replace(char::is_numeric, "0")),
        again.csrf.clone(),
        thief.csrf.clone(),
    ] {
        // In the header alone, and planted as a cookie too.
        let answer = send(post().header("x-csrf-token", &forged)).await;
        assert_problem(&answer, 403, "csrf_failed");
        let cookies = format!("{ACCESS}={}; {CSRF}={forged}", browser.access);
        let planted = api.request(Method::POST, CHANGE).header("cookie", cookies);
        let answer = send(planted.header("x-csrf-token", &forged)).await;
        assert_problem(&answer, 403, "csrf_failed");
    }
    let without_cookie = format!("{ACCESS}={}", browser.access);
    let request = api.request(Method::POST, CHANGE).header("cookie", without_cookie);
    let answer = send(request.header("x-csrf-token", &browser.csrf)).await;
    assert_problem(&answer, 403, "csrf_failed");

    let proved = || browser.request(Method::POST, CHANGE);
    for (header, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", ""),
        ("origin", "https://console.example.evil"),
        ("origin", "http://console.example"),
        ("origin", "http://127.0.0.1:1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let answer = send(proved().header(header, value)).await;
        assert_problem(&answer, 403, "csrf_failed");
    }
    send(proved().header("origin", program.base())).await.expect(201);
    send(proved().header("origin", "https://console.example")).await.expect(201);
    send(proved().header("sec-fetch-site", "same-origin")).await.expect(201);
    send(proved()).await.expect(201);
    // Who shows a token of their own accord needs no other proof, whatever cookies come along.
    let bearer = owner.request(Method::POST, CHANGE).header("origin", "https://evil.example");
    send(bearer.header("cookie", thief.cookies())).await.expect(201);
    let others = thief.get(CHANGE).await.expect(200);
    assert_eq!(others.body["items"], json!([]));
}

#[on_every_home]
async fn a_cookie_that_comes_twice_is_not_believed(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    let browser = Browser::open(&api, EMAIL).await;
    let other = Browser::open(&api, EMAIL).await;
    let twice = |name: &str, value: &str| format!("{}; {name}={value}", browser.cookies());
    for value in [&browser.access, &other.access, &String::new()] {
        let request = api.request(Method::GET, "/api/v1/me");
        let answer = api.send(request.header("cookie", twice(ACCESS, value))).await;
        assert_problem(&answer, 401, "unauthenticated");
    }
    let request = api.request(Method::POST, CHANGE).json(&change());
    let request = request.header("x-csrf-token", &browser.csrf);
    let answer = api.send(request.header("cookie", twice(CSRF, &browser.csrf))).await;
    assert_problem(&answer, 403, "csrf_failed");
    let request = api.request(Method::POST, "/api/v1/auth/refresh").json(&json!({}));
    let request = request.header("x-csrf-token", &browser.csrf);
    let answer = api.send(request.header("cookie", twice(REFRESH, &other.refresh))).await;
    assert_problem(&answer, 401, "unauthenticated");
}

#[on_every_home]
async fn cookies_are_renewed_only_for_pages_of_ours(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    let browser = Browser::open(&api, EMAIL).await;
    let other = Browser::open(&api, EMAIL).await;
    let path = "/api/v1/auth/refresh";
    let send = async |request: RequestBuilder| api.send(request.json(&json!({}))).await;

    for request in [
        browser.bare(Method::POST, path),
        browser.bare(Method::POST, path).header("x-csrf-token", &other.csrf),
        browser.request(Method::POST, path).header("origin", "https://evil.example"),
        browser.request(Method::POST, path).header("sec-fetch-site", "cross-site"),
    ] {
        assert_problem(&send(request).await, 403, "csrf_failed");
    }
    // With the right pair of another session: the signature tells.
    let cookies = format!("{REFRESH}={}; {CSRF}={}", browser.refresh, other.csrf);
    let request = api.request(Method::POST, path).header("cookie", cookies);
    let answer = send(request.header("x-csrf-token", &other.csrf)).await;
    assert_problem(&answer, 403, "csrf_failed");

    // Nothing of that used the token up; the access cookie may have ended.
    let cookies = format!("{REFRESH}={}; {CSRF}={}", browser.refresh, browser.csrf);
    let request = api.request(Method::POST, path).header("cookie", cookies);
    let answer = send(request.header("x-csrf-token", &browser.csrf)).await.expect(200);
    let renewed = Browser::of(&api, &answer);
    assert!(answer.body.get("refresh_token").is_none(), "{}", answer.body);
    assert!(answer.body.get("access_token").is_none(), "{}", answer.body);
    assert_ne!(renewed.refresh, browser.refresh);
    assert_eq!(renewed.csrf, browser.csrf, "pages that are open know it already");
    renewed.post(CHANGE, &change()).await.expect(201);
}

#[on_every_home]
async fn who_signs_out_in_a_browser_is_out_at_once(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    let browser = Browser::open(&api, EMAIL).await;
    browser.get("/api/v1/me").await.expect(200);
    let path = "/api/v1/auth/logout";
    let unmeant = api.send(browser.bare(Method::POST, path)).await;
    assert_problem(&unmeant, 403, "csrf_failed");
    browser.get("/api/v1/me").await.expect(200);

    let answer = api.send(browser.request(Method::POST, path)).await.expect(204);
    for name in [ACCESS, REFRESH, CSRF] {
        let (value, attributes) = cookie(&answer, name);
        assert_eq!(value, "");
        assert!(attributes.contains(&"Max-Age=0".to_owned()), "{attributes:?}");
    }
    assert_problem(&browser.get("/api/v1/me").await, 401, "unauthenticated");
    let answer = browser.post("/api/v1/auth/refresh", &json!({})).await;
    assert_problem(&answer, 401, "unauthenticated");
}

#[on_every_home]
async fn a_strangers_page_cannot_sign_its_visitor_in(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    let body = json!({"email": EMAIL, "password": PASSWORD, "cookies": true});
    for path in ["/api/v1/auth/login", "/api/v1/auth/register"] {
        for (header, value) in
            [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]
        {
            let request = api.request(Method::POST, path).header(header, value).json(&body);
            let answer = api.send(request).await;
            assert_problem(&answer, 403, "csrf_failed");
            assert!(answer.headers.get("set-cookie").is_none());
        }
    }
    // Nor by a form, which cannot say that it sends JSON.
    let form = api.request(Method::POST, "/api/v1/auth/login").body(body.to_string());
    let answer = api.send(form.header("content-type", "text/plain")).await;
    assert_problem(&answer, 415, "unsupported_media_type");
}
