//! What somebody tries who reads how such systems were broken before.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use replyx_core::secret::{Keys, sha256_hex};
use replyx_testkit::api::Api;
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::harness::{Home, PASSWORD, SECRET, Shop, admin, assert_problem};

/// The signing key of the programs under test, as only they can know it.
fn key() -> Vec<u8> {
    Keys::derive(&SecretString::from(SECRET)).unwrap().key("access-token").to_vec()
}

fn signed(key: &[u8], header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_differs_from_ours_in_anything_opens_nothing() {
    let shop = Home::sqlite().await.open().await;
    let token = shop.owner.token().unwrap().to_owned();
    let header = part(&token, 0);
    let claims = part(&token, 1);
    assert_eq!(header["alg"], "HS256");
    assert_eq!(header["kid"], sha256_hex(&key())[..16]);
    for claim in ["iss", "aud", "sub", "sid", "wid", "role", "iat", "exp"] {
        assert!(!claims[claim].is_null(), "{claims}");
    }
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    let opens = async |token: String| {
        let answer = shop.owner.with_token(token).get("/api/v1/me").await;
        if answer.status != 200 {
            assert_problem(&answer, 401, "unauthenticated");
        }
        answer.status == 200
    };
    // Made here with the right key, it opens: so each refusal below is about what was changed.
    assert!(opens(signed(&key(), &header, &claims)).await);

    let with = |of: &Value, name: &str, value: Value| {
        let mut changed = of.clone();
        if value.is_null() {
            changed.as_object_mut().unwrap().remove(name);
        } else {
            changed[name] = value;
        }
        changed
    };
    let now = claims["iat"].as_i64().unwrap();
    let other = "01890000-0000-7000-8000-000000000000";
    for (name, value) in [
        ("iss", json!("somebody")),
        ("iss", Value::Null),
        ("aud", json!("another-api")),
        ("aud", Value::Null),
        ("exp", json!(now - 1)),
        ("exp", Value::Null),
        ("iat", json!(now + 3600)),
        ("sub", json!(other)),
        ("sub", Value::Null),
        ("sid", json!(other)),
        ("sid", Value::Null),
    ] {
        let changed = with(&claims, name, value.clone());
        assert!(!opens(signed(&key(), &header, &changed)).await, "{name}: {value}");
    }
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("None")),
        ("alg", json!("HS384")),
        ("alg", json!("RS256")),
        ("alg", json!("ES256")),
        ("typ", json!("JWT")),
        ("typ", Value::Null),
        ("kid", json!("0000000000000000")),
        ("kid", json!("../../etc/passwd")),
        ("kid", Value::Null),
    ] {
        let changed = with(&header, name, value.clone());
        assert!(!opens(signed(&key(), &changed, &claims)).await, "{name}: {value}");
    }
    // Signed with what is public, or with nothing.
    for wrong in [Vec::new(), b"secret".to_vec(), header["kid"].to_string().into_bytes()] {
        assert!(!opens(signed(&wrong, &header, &claims)).await);
    }
    let unsigned: Vec<&str> = token.rsplitn(2, '.').collect();
    assert!(!opens(format!("{}.", unsigned[1])).await);

    // A role in the token is not trusted: the caller is the owner, whatever it says.
    let viewer = signed(&key(), &header, &with(&claims, "role", json!("viewer")));
    let viewer = shop.owner.with_token(viewer);
    assert_eq!(viewer.get("/api/v1/me").await.expect(200).body["role"], "owner");
}

/// Writes bytes to the program and returns what it answers, as far as it answers.
async fn raw(shop: &Shop, request: &[u8]) -> String {
    let address = shop.program.base().trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 8192];
    while let Ok(Ok(read @ 1..)) =
        timeout(Duration::from_secs(2), connection.read(&mut buffer)).await
    {
        answer.extend_from_slice(&buffer[..read]);
        if answer.windows(4).any(|window| window == b"\r\n\r\n") {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_header_can_be_smuggled_in_or_out() {
    let shop = Home::sqlite().await.open().await;
    for line in [
        "x-request-id: abc\r\nset-cookie: stolen=1",
        "x-request-id: abc%0d%0aset-cookie: stolen=1",
        "x-request-id: abc\rset-cookie: stolen=1",
        "x-request-id: abc\nset-cookie: stolen=1",
        "x-workspace: abc\r\n set-cookie: stolen=1",
        "origin: https://evil.example\r\nset-cookie: stolen=1",
    ] {
        let request = format!("GET /api/v1/me HTTP/1.1\r\nhost: localhost\r\n{line}\r\n\r\n");
        let answer = raw(&shop, request.as_bytes()).await.to_lowercase();
        assert!(answer.starts_with("http/1.1 4"), "{line:?}: {answer}");
        assert!(!answer.contains("stolen"), "{line:?}: {answer}");
    }
    for framing in [
        "content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "content-length: +5\r\n\r\nhello",
        "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v1/me HTTP/1.1\r\n\r\n",
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    ] {
        let head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
        let answer = raw(&shop, format!("{head}{framing}").as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{framing:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count().max(1), 1, "{framing:?}: {answer}");
    }
    shop.owner.get("/api/v1/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_leads_around_a_check() {
    let shop = Home::sqlite().await.open().await;
    let key = json!({"name": "Key", "scopes": ["bots:read"]});
    let key = shop.owner.post("/api/v1/api-keys", &key).await.expect(201).text("key");
    for path in [
        "/api/v1/bots/../members",
        "/api/v1/bots/%2e%2e/members",
        "/api/v1//members",
        "//api/v1/members",
        "/api/v1/members/",
        "/API/V1/members",
        "/api/v1/Members",
        "/api/v1/members;a=b",
        "/api/v1/members%00",
        "/api/v1/members%2f",
        "/api/v1/bots/..%2fmembers",
        "/api/v1/%6dembers",
        "/./api/v1/members",
        "/api/v1/bots/%ff",
        "/api/docs/../v1/members",
        "/api/docs/%2e%2e/v1/members",
        "http://localhost/api/v1/members",
    ] {
        for credentials in ["", &format!("authorization: Bearer {key}\r\n")] {
            let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{credentials}\r\n");
            let answer = raw(&shop, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_cannot_be_given_more_than_its_request_may_ask_for() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    let stranger = Api::new(shop.program.base());
    for extra in [
        json!({"is_admin": true}),
        json!({"role": "admin"}),
        json!({"user": {"is_admin": true}}),
        json!({"id": "01890000-0000-7000-8000-000000000000"}),
        json!({"confirmed_at": "2026-01-01T00:00:00Z"}),
    ] {
        let mut body = json!({"email": "more@example.org", "password": PASSWORD});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        assert_problem(&stranger.post("/api/v1/auth/register", &body).await, 422, "invalid");
    }
    for extra in [
        json!({"is_admin": true}),
        json!({"email": "root@example.org"}),
        json!({"second_factor": false}),
        json!({"delete_at": null}),
    ] {
        assert_problem(&shop.owner.patch("/api/v1/me", &extra).await, 422, "invalid");
    }
    for extra in [json!({"suspended_at": null}), json!({"id": "x"}), json!({"balance": "5.00"})] {
        assert_problem(&shop.owner.patch("/api/v1/workspace", &extra).await, 422, "invalid");
    }
    assert_eq!(shop.owner.get("/api/v1/me").await.expect(200).body["user"]["is_admin"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_side_is_for_admins_and_cannot_be_turned_against_them() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    admin(&home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let id = async |who: &Api| {
        who.get("/api/v1/me").await.expect(200).body["user"]["id"].as_str().unwrap().to_owned()
    };
    let own = id(&root).await;
    let other = id(&shop.owner).await;
    for (method, path) in [
        (reqwest::Method::POST, format!("/api/v1/admin/users/{own}/block")),
        (reqwest::Method::DELETE, format!("/api/v1/admin/users/{own}")),
    ] {
        let answer = root.send(root.request(method, &path)).await;
        assert_problem(&answer, 409, "yourself");
    }
    // An admin has no power in a workspace: only over it.
    let workspace = shop.owner.get("/api/v1/workspace").await.expect(200).text("id");
    let inside = root.in_workspace(&workspace);
    assert_problem(&inside.get("/api/v1/dialogs").await, 404, "not_found");

    let found = root.get("/api/v1/admin/users?q=OWNER%40").await.expect(200).body;
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["items"][0]["id"], other.as_str());
    assert!(!found.to_string().contains("argon2"), "{found}");
    for hostile in ["%25", "_", "%5C", "%27%20OR%201%3D1--"] {
        let found = root.get(&format!("/api/v1/admin/users?q={hostile}")).await.expect(200).body;
        assert_eq!(found["items"], json!([]), "{hostile}");
    }
    let nul = root.get("/api/v1/admin/users?q=%00").await;
    assert_problem(&nul, 400, "malformed");

    root.post(&format!("/api/v1/admin/users/{other}/block"), &json!({})).await.expect(200);
    assert_problem(&shop.owner.get("/api/v1/me").await, 401, "unauthenticated");
    let body = json!({"email": crate::harness::EMAIL, "password": PASSWORD});
    let refused = shop.owner.post("/api/v1/auth/login", &body).await;
    assert_problem(&refused, 403, "account_blocked");
    root.post(&format!("/api/v1/admin/users/{other}/unblock"), &json!({})).await.expect(200);
    let owner = Api::new(shop.program.base()).login(crate::harness::EMAIL, PASSWORD).await;

    // A setting of the wrong kind is refused, of the right one obeyed, and gone when it is reset.
    let path = "/api/v1/admin/settings/rate_user";
    let put = async |value: Value| {
        let request = root.request(reqwest::Method::PUT, path).json(&json!({"value": value}));
        root.send(request).await
    };
    for wrong in [json!("often"), json!(5), json!(null), json!([1]), json!("0/1s")] {
        assert_problem(&put(wrong).await, 422, "invalid");
    }
    assert_eq!(put(json!("2/1h")).await.expect(200).body["overridden"], true);
    owner.get("/api/v1/me").await.expect(200);
    owner.get("/api/v1/me").await.expect(200);
    assert_problem(&owner.get("/api/v1/me").await, 429, "too_many_requests");

    let log = root.get("/api/v1/admin/audit?action=user").await;
    // The admin is a user too.
    let log = if log.status == 429 { None } else { Some(log.expect(200).body) };
    if let Some(log) = log {
        let acts: Vec<&str> = log["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|act| act["action"].as_str().unwrap())
            .collect();
        assert_eq!(acts, ["user.unblocked", "user.blocked"]);
    }
    let (sound, report, _) = crate::harness::run(
        &["admin", "audit", "verify"],
        &[("DATABASE_URL", &home.db.url), ("SECRET_KEY", SECRET)],
    )
    .await;
    assert!(sound && report.contains("unbroken"), "{report}");
}
