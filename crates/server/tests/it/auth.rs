//! Who gets in.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use replyx_api::auth::token::{LIFETIME, TokenSubject, Tokens};
use replyx_core::{clock::Clock, ids::SessionId, role::Role, secret::Keys};
use replyx_testkit::api::{Answer, Api};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::coverage::Gate;
use crate::harness::{EMAIL, Home, PASSWORD, SECRET, assert_problem, on_every_home};

/// The operations that need no token; every other one does.
const PUBLIC: [&str; 15] = [
    "confirm_user",
    "forgot_password",
    "login_user",
    "read_database_size",
    "read_health",
    "read_index",
    "read_liveness",
    "read_metrics",
    "read_problem",
    "read_readiness",
    "receive_telegram_update",
    "refresh_tokens",
    "register_user",
    "resend_confirmation",
    "reset_password",
];

/// An operation of the `OpenAPI` document.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) gate: Gate,
}

/// Every operation that the program says it has.
pub(crate) async fn operations(api: &Api) -> Vec<Operation> {
    let document = api.get("/api/openapi.json").await.expect(200).body;
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                gate: Gate::of(operation),
            });
        }
    }
    assert!(operations.len() > 20, "{operations:?}");
    operations
}

/// A token as the program made it at another time, or would have made it with another secret.
fn token(secret: &str, clock: Clock, like: &Value, session: SessionId) -> String {
    let keys = Keys::derive(&SecretString::from(secret)).unwrap();
    let workspace = like["workspace"]["id"].as_str().unwrap().parse().unwrap();
    let subject = TokenSubject {
        user: like["user"]["id"].as_str().unwrap().parse().unwrap(),
        session,
        place: Some((workspace, Role::Owner)),
    };
    Tokens::new(&keys, clock).issue(&subject).unwrap()
}

/// The session that a token speaks of.
pub(crate) fn session(token: &str) -> SessionId {
    let claims = token.split('.').nth(1).unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["sid"].as_str().unwrap().parse().unwrap()
}

/// The same person's token, as it was when it had so many seconds left.
pub(crate) fn ending_soon(of: &str, seconds: u64) -> String {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(of.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let made = Clock::system().now() + Duration::from_secs(seconds) - LIFETIME;
    let keys = Keys::derive(&SecretString::from(SECRET)).unwrap();
    let subject = TokenSubject {
        user: claims["sub"].as_str().unwrap().parse().unwrap(),
        session: session(of),
        place: None,
    };
    Tokens::new(&keys, Clock::manual(made)).issue(&subject).unwrap()
}

fn assert_unauthenticated(answer: &Answer, context: &str) {
    assert_eq!(answer.status, 401, "{context}: {}", answer.body);
    assert_eq!(answer.headers["www-authenticate"], "Bearer", "{context}");
    assert_problem(answer, 401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_that_needs_a_token_refuses_who_has_none() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    let me = shop.owner.get("/api/v1/me").await.expect(200).body;
    let now = Clock::system().now();
    let session = session(shop.owner.token().unwrap());
    let ours = |clock| token(SECRET, clock, &me, session);
    let expired = ours(Clock::manual(now - Duration::from_hours(1)));
    let early = ours(Clock::manual(now + Duration::from_mins(5)));
    let fresh = ours(Clock::manual(now));
    let forged = token(&SECRET.to_uppercase(), Clock::manual(now), &me, session);
    let ended = token(SECRET, Clock::manual(now), &me, Clock::system().id());
    shop.owner.with_token(fresh.clone()).get("/api/v1/me").await.expect(200);

    let credentials = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some("Bearer a.b.c".to_owned()),
        Some(format!("Basic {fresh}")),
        Some(fresh.clone()),
        Some(format!("Bearer {fresh}x")),
        Some(format!("Bearer {expired}")),
        Some(format!("Bearer {early}")),
        Some(format!("Bearer {forged}")),
        Some(format!("Bearer {ended}")),
    ];
    let stranger = Api::new(shop.program.base());
    let mut public = Vec::new();
    for operation in operations(&stranger).await {
        if operation.gate == Gate::Public {
            public.push(operation.id);
            continue;
        }
        let path = operation.path.replace("{id}", &shop.assistant);
        for header in &credentials {
            let mut request = stranger.request(operation.method.clone(), &path);
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            let answer = stranger.send(request).await;
            assert_unauthenticated(&answer, &format!("{} with {header:?}", operation.id));
        }
    }
    public.sort();
    assert_eq!(public, PUBLIC, "a new operation without a token must be meant to be public");
}

#[on_every_home]
async fn an_account_cannot_be_made_twice(home: &Home) {
    let shop = home.open().await;
    for email in [EMAIL, "OWNER@example.ORG"] {
        let body = json!({"email": email, "password": "another lantern 8"});
        let answer = shop.owner.post("/api/v1/auth/register", &body).await;
        assert_problem(&answer, 409, "email_taken");
    }
    let body = json!({"email": EMAIL, "password": "another lantern 8"});
    shop.owner.post("/api/v1/auth/login", &body).await.expect(401);
    let body = json!({"email": EMAIL, "password": PASSWORD});
    shop.owner.post("/api/v1/auth/login", &body).await.expect(200);
}

#[on_every_home]
async fn of_many_who_want_the_same_address_at_once_one_gets_it(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let body = json!({"email": "race@example.org", "password": PASSWORD});
    let attempts = (0..4).map(|_| api.post("/api/v1/auth/register", &body));
    let mut statuses: Vec<u16> =
        futures::future::join_all(attempts).await.iter().map(|a| a.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weak_passwords_and_strange_addresses_are_refused_and_not_repeated() {
    let home = Home::sqlite().await;
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let long = format!("{}1", "a".repeat(128));
    for password in ["", "short 1", "nodigitshere", "1234567890", "password1", "Qwerty123", &long] {
        let body = json!({"email": EMAIL, "password": password});
        let answer = api.post("/api/v1/auth/register", &body).await;
        assert_problem(&answer, 422, "invalid");
        assert_eq!(answer.body["errors"][0]["field"], "password", "{password}: {}", answer.body);
        assert!(
            password.is_empty() || !answer.body.to_string().contains(password),
            "{}",
            answer.body
        );
    }
    let long = format!("{}@example.org", "a".repeat(250));
    for email in
        ["", "nobody", "@example.org", "a b@example.org", "a@", "a\u{0}@example.org", &long]
    {
        let body = json!({"email": email, "password": PASSWORD});
        let answer = api.post("/api/v1/auth/register", &body).await;
        assert_problem(&answer, 422, "invalid");
        assert_eq!(answer.body["errors"][0]["field"], "email", "{email}: {}", answer.body);
    }
    assert!(!program.log().contains(PASSWORD));
}

#[on_every_home]
async fn who_does_not_know_the_password_does_not_learn_whether_there_is_an_account(home: &Home) {
    let shop = home.open().await;
    let mut answers = Vec::new();
    for email in [EMAIL, "nobody@example.org", "", "\u{0}"] {
        let body = json!({"email": email, "password": "wrong lantern 7"});
        let answer = shop.owner.post("/api/v1/auth/login", &body).await;
        if email == "\u{0}" {
            assert_problem(&answer, 422, "invalid");
        } else {
            assert_problem(&answer, 401, "wrong_credentials");
            answers.push(answer.body.to_string());
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}
