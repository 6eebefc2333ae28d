//! How answers travel (compressed, or not at all to who has them), and where one is told to go on.

use std::io::Read;

use flate2::read::GzDecoder;
use replyx_testkit::api::Api;
use reqwest::{
    Client, Method, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use serde_json::{Value, json};

use crate::harness::{Home, PASSWORD, PATIENCE, Shop, TOKEN, admin, assert_problem, on_every_home};

/// What came over the wire: nothing is decompressed on the way.
#[derive(Debug)]
struct Wire {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Wire {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn is_gzip(&self) -> bool {
        self.header("content-encoding") == "gzip"
    }

    fn is_brotli(&self) -> bool {
        self.header("content-encoding") == "br"
    }

    fn plain(&self) -> Vec<u8> {
        let mut plain = Vec::new();
        if self.is_brotli() {
            brotli::Decompressor::new(&*self.bytes, 4096).read_to_end(&mut plain).unwrap();
        } else {
            GzDecoder::new(&*self.bytes).read_to_end(&mut plain).unwrap();
        }
        plain
    }
}

async fn get(base: &str, path: &str, headers: &[(&'static str, &str)]) -> Wire {
    let client = Client::builder().no_gzip().redirect(redirect::Policy::none()).build().unwrap();
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    let response = client.get(format!("{base}{path}")).headers(headers).send().await.unwrap();
    let status = response.status();
    let headers = response.headers().clone();
    Wire { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

const GZIP: (&str, &str) = ("accept-encoding", "gzip");
const BROTLI: (&str, &str) = ("accept-encoding", "gzip, deflate, br");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_and_its_page_are_small_and_sent_once() {
    let home = Home::sqlite().await;
    let program = home.launch().start().await;
    let base = program.base();
    for (path, cached, at_most) in [
        ("/api/openapi.json", "public, no-cache", 5),
        ("/api/docs/swagger-ui-bundle.js", "public, max-age=3600", 2),
        ("/api/docs/swagger-ui.css", "public, max-age=3600", 4),
    ] {
        let plain = get(base, path, &[]).await;
        let small = get(base, path, &[GZIP]).await;
        assert_eq!((plain.status, small.status), (StatusCode::OK, StatusCode::OK), "{path}");
        assert!(small.is_gzip() && !plain.is_gzip(), "{path}: {:?}", small.headers);
        assert!(small.plain() == plain.bytes, "{path} is the same in both forms");
        assert!(
            small.bytes.len() * at_most < plain.bytes.len() * 2,
            "{path}: {}",
            small.bytes.len()
        );
        assert_eq!(small.header("cache-control"), cached, "{path}");
        assert!(small.header("vary").contains("accept-encoding"), "{path}");
        let tags = (plain.header("etag").to_owned(), small.header("etag").to_owned());
        assert!(tags.0.len() > 10 && tags.0 != tags.1, "{path}: each form has a tag: {tags:?}");

        for (tag, more) in [(&tags.0, None), (&tags.1, Some(GZIP))] {
            let named = format!("\"other\", {tag}");
            let asked = [("if-none-match", &*named)].into_iter().chain(more).collect::<Vec<_>>();
            let known = get(base, path, &asked).await;
            assert_eq!(known.status, StatusCode::NOT_MODIFIED, "{path}");
            assert!(known.bytes.is_empty() && known.header("etag") == tag, "{path}");
        }
        let other = get(base, path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!(other.status, StatusCode::OK, "{path}");

        let smallest = get(base, path, &[BROTLI]).await;
        assert!(smallest.is_brotli() && smallest.plain() == plain.bytes, "{path}");
        assert!(smallest.bytes.len() < small.bytes.len(), "{path}: {}", smallest.bytes.len());
        assert!(![&*tags.0, &*tags.1].contains(&smallest.header("etag")), "{path}: its own tag");
    }
}

async fn with_documents(home: &Home) -> Shop {
    let shop = home.open().await;
    let mut uploaded = Vec::new();
    for number in 0..12 {
        let name = format!("a document with a name of some length {number}.txt");
        let text = format!("text {number}").into();
        let document = shop.owner.upload(&shop.assistant, &name, text).await.expect(202);
        uploaded.push(document.text("id"));
    }
    // From then on two looks at them are alike.
    for document in uploaded {
        shop.owner.processed(&document, PATIENCE).await;
    }
    shop
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_answers_are_compressed_except_where_a_strangers_page_could_measure_a_secret() {
    let home = Home::sqlite().await;
    let shop = with_documents(&home).await;
    let base = shop.program.base();
    let bearer = format!("Bearer {}", shop.owner.token().unwrap());
    let authorized = ("authorization", &*bearer);
    let path = "/api/v1/documents";

    let plain = get(base, path, &[authorized]).await;
    let small = get(base, path, &[authorized, GZIP]).await;
    assert!(plain.bytes.len() > 2048 && !plain.is_gzip(), "{}", plain.bytes.len());
    assert!(small.is_gzip() && small.bytes.len() * 2 < plain.bytes.len(), "{:?}", small.headers);
    assert!(small.plain() == plain.bytes);
    for answer in [&plain, &small] {
        assert!(answer.header("vary").contains("accept-encoding"), "{:?}", answer.headers);
        assert_eq!(answer.header("content-length"), answer.bytes.len().to_string());
    }
    let smallest = get(base, path, &[authorized, BROTLI]).await;
    assert!(smallest.is_brotli() && smallest.plain() == plain.bytes, "{:?}", smallest.headers);
    let refused = get(base, path, &[authorized, ("accept-encoding", "gzip;q=0")]).await;
    assert!(!refused.is_gzip());
    // A browser's session: a page of a stranger may have it ask.
    let cookie = format!("__Host-rx_access={}", shop.owner.token().unwrap());
    for coding in [GZIP, BROTLI] {
        let by_cookie = get(base, path, &[("cookie", &*cookie), coding]).await;
        assert_eq!(by_cookie.status, StatusCode::OK);
        assert_eq!(by_cookie.header("content-encoding"), "", "{coding:?}");
    }
    let short = get(base, "/health", &[GZIP]).await;
    assert!(!short.is_gzip(), "too short to be worth it");
    let metrics = get(base, "/metrics", &[GZIP]).await;
    assert!(metrics.is_gzip());
    for path in ["/api/v1/auth/sessions", "/api/v1/api-keys"] {
        for coding in [GZIP, BROTLI] {
            let secret = get(base, path, &[authorized, coding]).await;
            assert_eq!(secret.header("content-encoding"), "", "{path}, {coding:?}");
        }
    }
}

#[on_every_home]
async fn an_assistant_that_has_not_changed_is_not_sent_again(home: &Home) {
    let shop = home.open().await;
    let path = format!("/api/v1/assistants/{}", shop.assistant);
    let tag = shop.owner.get(&path).await.expect(200).headers["etag"].to_str().unwrap().to_owned();
    let ask = async |tag: &str| {
        shop.owner.send(shop.owner.request(Method::GET, &path).header("if-none-match", tag)).await
    };
    let known = ask(&tag).await;
    assert_eq!((known.status.as_u16(), &known.body), (304, &Value::Null));
    assert_eq!(known.headers["etag"], tag.as_str());
    shop.owner.patch(&path, &json!({"name": "Other"})).await.expect(200);
    let changed = ask(&tag).await;
    assert_eq!((changed.status.as_u16(), &changed.body["name"]), (200, &json!("Other")));
    // Whoever may not read it is told so, whatever they name.
    let stranger = Api::new(shop.program.base());
    let refused =
        stranger.send(stranger.request(Method::GET, &path).header("if-none-match", "*")).await;
    assert_problem(&refused, 401, "unauthenticated");
}

#[on_every_home]
async fn what_is_created_says_where_it_is(home: &Home) {
    home.bot();
    let shop = home.open().await;
    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let stranger = Api::new(shop.program.base());
    let assistant = format!("/api/v1/assistants/{}", shop.assistant);
    let questions = json!([{"question": "Open?"}]);
    let person = json!({"email": "ann@example.org", "password": PASSWORD});
    for (who, path, body, readable) in [
        (&stranger, "/api/v1/auth/register".to_owned(), person, false),
        (&shop.owner, "/api/v1/assistants".to_owned(), json!({"name": "Other"}), true),
        (&shop.owner, format!("{assistant}/publish"), json!({}), true),
        (
            &shop.owner,
            format!("{assistant}/answers"),
            json!({"question": "Open?", "answer": "Yes."}),
            true,
        ),
        (
            &shop.owner,
            format!("{assistant}/question-sets"),
            json!({"name": "Set", "questions": questions}),
            true,
        ),
        (&shop.owner, format!("{assistant}/bots"), json!({"token": TOKEN}), true),
        (
            &shop.owner,
            "/api/v1/api-keys".to_owned(),
            json!({"name": "Key", "scopes": ["bots:read"]}),
            true,
        ),
        (
            &shop.owner,
            "/api/v1/invitations".to_owned(),
            json!({"email": "bo@example.org", "role": "viewer"}),
            false,
        ),
        (&shop.owner, "/api/v1/events/ticket".to_owned(), json!({}), false),
        (&shop.owner, "/api/v1/workspaces".to_owned(), json!({"name": "Second"}), true),
        (
            &root,
            "/api/v1/admin/model-keys".to_owned(),
            json!({"provider": "openai", "name": "Main", "secret": "sk-x"}),
            false,
        ),
    ] {
        let answer = who.post(&path, &body).await.expect(201);
        let location =
            answer.headers.get("location").unwrap_or_else(|| panic!("{path}")).to_str().unwrap();
        // A version has no address of its own, a workspace is named by a header.
        let shared = ["/api/v1/workspace", "/versions"].iter().any(|end| location.ends_with(end));
        if let Some(id) = answer.body["id"].as_str().filter(|_| !shared) {
            assert!(location.ends_with(id), "{path}: {location}");
        }
        if readable {
            who.get(location).await.expect(200);
        } else {
            assert!(location.starts_with("/api/v1/"), "{path}: {location}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_root_says_what_this_is_and_every_problem_is_explained_where_its_type_points() {
    let home = Home::sqlite().await;
    let program = home.launch().start().await;
    let base = program.base();
    let browser = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

    let page = get(base, "/", &[browser]).await;
    assert!(page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
    let text = String::from_utf8(page.bytes.clone()).unwrap();
    for link in ["/api/docs/", "/api/openapi.json", "/health/ready"] {
        assert!(text.contains(&format!("href=\"{link}\"")), "{text}");
        assert_eq!(get(base, link, &[]).await.status, StatusCode::OK, "{link}");
    }
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("style-src 'sha256-"),
        "{policy}"
    );
    let data = get(base, "/", &[]).await;
    let data: Value = serde_json::from_slice(&data.bytes).unwrap();
    assert_eq!((&data["name"], &data["documentation"]), (&json!("ReplyX"), &json!("/api/docs/")));

    let api = Api::new(base);
    let document = api.get("/api/openapi.json").await.expect(200).body;
    let examples = document["components"]["examples"].as_object().unwrap();
    assert!(examples.len() > 40, "{}", examples.len());
    for example in examples.values() {
        let problem = &example["value"];
        let kind = api.get(problem["type"].as_str().unwrap()).await.expect(200).body;
        assert_eq!(kind["code"], problem["code"]);
        let occurrences = kind["occurrences"].as_array().unwrap();
        let found = occurrences.iter().find(|one| one["status"] == problem["status"]);
        let found = found.unwrap_or_else(|| panic!("{problem}: {kind}"));
        assert_eq!(found["title"], problem["title"]);
        assert!(found["explanation"].as_str().is_some_and(|text| text.len() > 10), "{kind}");
    }
    // As a client meets it.
    let refused = api.get("/api/v1/me").await;
    let kind = refused.body["type"].as_str().unwrap();
    let page = get(base, kind, &[browser]).await;
    let text = String::from_utf8(page.bytes).unwrap();
    assert!(text.contains("401 Unauthorized") && text.contains("What to do"), "{text}");
    for unknown in ["/problems/nothing", "/problems/%3Cscript%3E", "/problems/%ff"] {
        let answer = api.get(unknown).await;
        assert_problem(&answer, 404, "not_found");
        assert!(!answer.body.to_string().contains("script"), "{}", answer.body);
    }
}
