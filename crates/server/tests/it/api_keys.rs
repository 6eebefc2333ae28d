//! Programs' keys: what they open, and for how long.

use chrono::{DateTime, SecondsFormat, Utc};
use replyx_core::{
    change::New,
    clock::{Clock, random_hex},
    fixtures,
    permission::Permission,
    role::Role,
    rules::key::HashedKey,
    secret::sha256_hex,
    workspace::{ApiKey, KeyOwner},
};
use replyx_testkit::api::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    harness::{Home, PASSWORD, Shop, admin, assert_problem, on_every_home, until},
    workspaces::{Person, workspace},
};

const KEYS: &str = "/api/v1/api-keys";

async fn make(who: &Api, scopes: &[&str]) -> Answer {
    who.post(KEYS, &json!({"name": "A program", "scopes": scopes})).await
}

/// A program with a new key.
async fn program(shop: &Shop, scopes: &[&str]) -> (Api, Value) {
    let made = make(&shop.owner, scopes).await.expect(201);
    (Api::new(shop.program.base()).with_token(made.text("key")), made.body)
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[on_every_home]
async fn a_key_opens_what_its_scopes_name_and_is_shown_once(home: &Home) {
    let shop = home.open().await;
    let (program, made) = program(&shop, &["bots:read", "assistants:read"]).await;
    let key = made["key"].as_str().unwrap();
    assert!(key.len() == 48 && key.starts_with("rx_live_"), "{key}");
    assert_eq!(made["prefix"], key[..12]);
    program.get("/api/v1/bots").await.expect(200);
    program.get("/api/v1/assistants").await.expect(200);
    for path in ["/api/v1/documents", "/api/v1/members", "/api/v1/audit", KEYS] {
        assert_problem(&program.get(path).await, 403, "forbidden");
    }
    let answer = program.post("/api/v1/assistants", &json!({"name": "Other"})).await;
    assert_problem(&answer, 403, "forbidden");
    assert_problem(&program.get("/api/v1/me").await, 403, "session_required");

    let nobody = Api::new(shop.program.base());
    let by = async |name: &str, value: &str| {
        nobody.send(nobody.request(Method::GET, "/api/v1/bots").header(name, value)).await
    };
    by("x-api-key", key).await.expect(200);
    by("authorization", &format!("bearer {key}")).await.expect(200);
    let last = if key.ends_with('0') { "1" } else { "0" };
    for wrong in
        [&key[..47], &format!("{}{last}", &key[..47]), &key[8..], &format!("{key}0"), "rx_live_"]
    {
        assert_problem(&by("x-api-key", wrong).await, 401, "unauthenticated");
    }

    let path = format!("{KEYS}/{}", made["id"].as_str().unwrap());
    shop.owner.patch(&path, &json!({"name": "Renamed"})).await.expect(200);
    for path in [path.as_str(), KEYS] {
        let shown = shop.owner.get(path).await.expect(200).body.to_string();
        assert!(shown.contains("Renamed") && shown.contains(&key[..12]) && !shown.contains(key));
    }
    for body in
        [json!({"scopes": ["keys:write"]}), json!({"expires_at": null}), json!({"name": ""})]
    {
        assert_problem(&shop.owner.patch(&path, &body).await, 422, "invalid");
    }
    let stranger = Person::new(&shop, "stranger@example.org").await;
    let theirs = stranger.api.get("/api/v1/workspace").await.expect(200).text("id");
    assert_problem(&program.in_workspace(&theirs).get("/api/v1/bots").await, 404, "not_found");
    assert_problem(&stranger.api.delete(&path).await, 404, "not_found");
    program.get("/api/v1/bots").await.expect(200);
}

#[on_every_home]
async fn no_key_does_more_than_its_maker(home: &Home) {
    let shop = home.open().await;
    let admin = Person::member(home, &shop, "admin@example.org", Role::Admin).await;
    let operator = Person::member(home, &shop, "operator@example.org", Role::Operator).await;
    assert_problem(&make(&operator.api, &["dialogs:read"]).await, 403, "forbidden");
    make(&admin.api, &["bots:write", "audit:read"]).await.expect(201);
    // What needs a person is given to no key, whoever asks.
    for scope in ["members:write", "owners:write", "keys:write"] {
        for who in [&shop.owner, &admin.api] {
            let refused = make(who, &["bots:read", scope]).await;
            assert_problem(&refused, 422, "invalid");
            assert_eq!(refused.body["errors"][0]["field"], "scopes");
            let message = refused.body["errors"][0]["message"].as_str().unwrap();
            assert!(message.contains(scope) && message.contains("person"), "{message}");
        }
    }
    let twice = make(&shop.owner, &["bots:read", "bots:read"]).await.expect(201);
    assert_eq!(twice.body["scopes"], json!(["bots:read"]));
    assert_eq!(twice.body["service"], false);

    let past = time(Clock::system().now());
    for body in [
        json!({"name": "x", "scopes": []}),
        json!({"name": "x", "scopes": ["everything"]}),
        json!({"name": "x", "scopes": ["bots:read", "*"]}),
        json!({"name": "x", "scopes": "bots:read"}),
        json!({"name": "x"}),
        json!({"name": "", "scopes": ["bots:read"]}),
        json!({"name": "x", "scopes": ["bots:read"], "expires_at": past}),
        json!({"name": "x", "scopes": ["bots:read"], "expires_at": "soon"}),
        json!({"name": "x", "scopes": ["bots:read"], "key": "rx_live_mine"}),
        json!({"name": "x", "scopes": ["bots:read"], "workspace_id": "other"}),
        json!({"name": "x", "scopes": ["bots:read"], "service": "yes"}),
        json!({"name": "x", "scopes": ["bots:read"], "service": null}),
    ] {
        assert_problem(&shop.owner.post(KEYS, &body).await, 422, "invalid");
    }
}

#[on_every_home]
async fn a_key_opens_nothing_once_it_is_revoked_or_has_ended(home: &Home) {
    let shop = home.open().await;
    let (program, made) = program(&shop, &["bots:read"]).await;
    program.get("/api/v1/bots").await.expect(200);
    let path = format!("{KEYS}/{}", made["id"].as_str().unwrap());
    shop.owner.delete(&path).await.expect(204);
    assert_problem(&program.get("/api/v1/bots").await, 401, "unauthenticated");
    assert_problem(&shop.owner.delete(&path).await, 404, "not_found");
    assert_problem(&shop.owner.get(&path).await, 404, "not_found");

    let end = Clock::system().now() + chrono::TimeDelta::seconds(2);
    let body = json!({"name": "Brief", "scopes": ["bots:read"], "expires_at": time(end)});
    let made = shop.owner.post(KEYS, &body).await.expect(201);
    assert_eq!(made.body["expires_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap(), end);
    let program = program.with_token(made.text("key"));
    program.get("/api/v1/bots").await.expect(200);
    until("the key has ended", async || {
        let answer = program.get("/api/v1/bots").await;
        (answer.status == 401).then_some(())
    })
    .await;
    assert!(Clock::system().now() >= end);
}

#[on_every_home]
async fn a_workspace_has_at_most_a_hundred_keys(home: &Home) {
    let shop = home.open().await;
    for _ in 0..100 {
        make(&shop.owner, &["bots:read"]).await.expect(201);
    }
    assert_problem(&make(&shop.owner, &["bots:read"]).await, 409, "too_many_keys");
    let page = shop.owner.get("/api/v1/api-keys?limit=60").await.expect(200);
    let path = format!("/api/v1/api-keys?limit=60&cursor={}", page.text("next_cursor"));
    assert_eq!(page.headers["link"], format!(r#"<{path}>; rel="next""#));
    let rest = shop.owner.get(&path).await.expect(200);
    assert!(!rest.headers.contains_key("link"), "it is the last");
    let rest = rest.body;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (40, &Value::Null));
}

/// A key as an earlier version of the program stored it, with every scope there is.
async fn old_key(home: &Home, shop: &Shop, maker: &Person) -> Api {
    let secret = format!("rx_live_{}", random_hex::<20>());
    let clock = Clock::system();
    let workspace: Uuid = workspace(shop).await.parse().unwrap();
    let maker: Uuid = maker.id.parse().unwrap();
    let key = ApiKey {
        id: clock.id(),
        workspace_id: workspace.into(),
        name: "Old".to_owned(),
        prefix: secret[..12].to_owned(),
        scopes: Permission::ALL.iter().copied().collect(),
        owner: KeyOwner::Maker,
        created_by: maker.into(),
        expires_at: None,
        last_used_at: None,
        created_at: clock.now(),
    };
    let mut tx = home.db.db.begin().await.unwrap();
    let new = New(HashedKey { key, hash: sha256_hex(secret.as_bytes()) });
    tx.apply(fixtures::unexplained(new)).await.unwrap();
    tx.commit().await.unwrap();
    Api::new(shop.program.base()).with_token(secret)
}

#[on_every_home]
async fn no_key_decides_who_works_here_also_not_one_that_was_once_allowed_to(home: &Home) {
    let shop = home.open().await;
    let owner = Person::of(shop.owner.clone()).await;
    let viewer = Person::member(home, &shop, "viewer@example.org", Role::Viewer).await;
    let key = old_key(home, &shop, &owner).await;
    key.get("/api/v1/bots").await.expect(200);
    key.get("/api/v1/members").await.expect(200);
    key.get("/api/v1/audit").await.expect(200);
    key.post("/api/v1/assistants", &json!({"name": "Mine"})).await.expect(201);

    let member = format!("/api/v1/members/{}", viewer.id);
    assert_problem(&key.patch(&member, &json!({"role": "admin"})).await, 403, "forbidden");
    assert_problem(&key.patch(&member, &json!({"suspended": false})).await, 403, "forbidden");
    assert_problem(&key.delete(&member).await, 403, "forbidden");
    let invitation = json!({"email": "new@example.org", "role": "viewer"});
    assert_problem(&key.post("/api/v1/invitations", &invitation).await, 403, "forbidden");
    assert_problem(&key.get(KEYS).await, 403, "forbidden");
    assert_problem(&make(&key, &["bots:read"]).await, 403, "forbidden");
    let listed = shop.owner.get(KEYS).await.expect(200).body;
    let own = listed["items"][0]["id"].as_str().unwrap();
    for path in [format!("{KEYS}/{own}"), format!("{KEYS}/{}", Uuid::nil())] {
        assert_problem(&key.get(&path).await, 403, "forbidden");
        assert_problem(&key.patch(&path, &json!({"name": "x"})).await, 403, "forbidden");
        assert_problem(&key.delete(&path).await, 403, "forbidden");
    }
    let shown = listed["items"][0]["scopes"].to_string();
    for scope in ["members:write", "owners:write", "keys:write"] {
        assert!(!shown.contains(scope), "{shown}");
    }
    assert!(shown.contains("members:read") && shown.contains("bots:write"), "{shown}");
}

#[on_every_home]
async fn a_key_is_dead_while_its_maker_may_do_nothing_and_narrowed_with_them(home: &Home) {
    let shop = home.open().await;
    let maker = Person::member(home, &shop, "maker@example.org", Role::Admin).await;
    let member = format!("/api/v1/members/{}", maker.id);
    let made = make(&maker.api, &["bots:read", "bots:write", "members:read", "dialogs:read"]).await;
    let made = made.expect(201);
    let key = Api::new(shop.program.base()).with_token(made.text("key"));
    let path = format!("/api/v1/assistants/{}/bots", shop.assistant);
    let bot = json!({"token": "1:none"});
    let lives = async || {
        key.get("/api/v1/bots").await.expect(200);
        // Allowed; that the token is none is another matter.
        let answer = key.post(&path, &bot).await;
        assert!(![401, 403].contains(&answer.status.as_u16()), "{} {}", answer.status, answer.body);
    };
    let dead = async || {
        for path in ["/api/v1/bots", "/api/v1/dialogs", "/api/v1/members"] {
            assert_problem(&key.get(path).await, 401, "unauthenticated");
        }
        assert_problem(&key.post(&path, &bot).await, 401, "unauthenticated");
    };
    let change = async |change: Value| {
        shop.owner.patch(&member, &change).await.expect(200);
    };
    lives().await;
    for role in ["operator", "viewer"] {
        change(json!({"role": role})).await;
        key.get("/api/v1/bots").await.expect(200);
        assert_problem(&key.post(&path, &bot).await, 403, "forbidden");
    }
    change(json!({"role": "admin"})).await;
    lives().await;
    change(json!({"suspended": true})).await;
    dead().await;
    change(json!({"suspended": false})).await;
    lives().await;

    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let user = format!("/api/v1/admin/users/{}", maker.id);
    root.post(&format!("{user}/block"), &json!({})).await.expect(200);
    dead().await;
    root.post(&format!("{user}/unblock"), &json!({})).await.expect(200);
    lives().await;
    shop.owner.delete(&member).await.expect(204);
    dead().await;
    // It is shown still, so that somebody may delete it.
    let listed = shop.owner.get(KEYS).await.expect(200).body.to_string();
    assert!(listed.contains(&made.text("id")), "{listed}");
    shop.owner.delete(&format!("{KEYS}/{}", made.text("id"))).await.expect(204);
}

#[on_every_home]
async fn a_deleted_account_leaves_no_key_behind(home: &Home) {
    let shop = home.open().await;
    let maker = Person::member(home, &shop, "maker@example.org", Role::Admin).await;
    let made = make(&maker.api, &["bots:read"]).await.expect(201);
    let key = Api::new(shop.program.base()).with_token(made.text("key"));
    key.get("/api/v1/bots").await.expect(200);
    let request = maker.api.request(Method::DELETE, "/api/v1/me");
    maker.api.send(request.json(&json!({"password": PASSWORD}))).await.expect(202);
    assert_problem(&key.get("/api/v1/bots").await, 401, "unauthenticated");
    // Who comes back in the time of grace finds what was theirs.
    let again = Api::new(shop.program.base()).login("maker@example.org", PASSWORD).await;
    again.post("/api/v1/me/restore", &json!({})).await.expect(200);
    key.get("/api/v1/bots").await.expect(200);
}

#[on_every_home]
async fn a_service_key_is_an_owners_choice_and_goes_on_when_they_leave(home: &Home) {
    let shop = home.open().await;
    let maker = Person::member(home, &shop, "maker@example.org", Role::Owner).await;
    let lesser = Person::member(home, &shop, "admin@example.org", Role::Admin).await;
    let service = |scopes: &[&str]| json!({"name": "Sync", "scopes": scopes, "service": true});
    for scope in ["members:write", "owners:write", "keys:write"] {
        let refused = maker.api.post(KEYS, &service(&["bots:read", scope])).await;
        assert_problem(&refused, 422, "invalid");
    }
    let refused = lesser.api.post(KEYS, &service(&["bots:read"])).await;
    assert_problem(&refused, 403, "forbidden");
    let made = maker.api.post(KEYS, &service(&["bots:read", "assistants:write"])).await.expect(201);
    assert_eq!(made.body["service"], true);
    let path = format!("{KEYS}/{}", made.text("id"));
    assert_eq!(lesser.api.get(&path).await.expect(200).body["service"], true);
    assert_eq!(lesser.api.get(KEYS).await.expect(200).body["items"][0]["service"], true);
    let audit = shop.owner.get("/api/v1/audit").await.expect(200).body;
    let entry = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["action"] == "api_key.created")
        .unwrap();
    assert_eq!(entry["details"]["service"], true);

    let key = Api::new(shop.program.base()).with_token(made.text("key"));
    let works = async || {
        key.get("/api/v1/bots").await.expect(200);
        key.post("/api/v1/assistants", &json!({"name": "Other"})).await.expect(201);
        assert_problem(&key.get("/api/v1/documents").await, 403, "forbidden");
    };
    works().await;
    let member = format!("/api/v1/members/{}", maker.id);
    shop.owner.patch(&member, &json!({"role": "viewer"})).await.expect(200);
    works().await;
    shop.owner.delete(&member).await.expect(204);
    works().await;
    let refused = shop.owner.patch(&path, &json!({"service": false})).await;
    assert_problem(&refused, 422, "invalid");

    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let place = format!("/api/v1/admin/workspaces/{}", workspace(&shop).await);
    root.post(&format!("{place}/suspend"), &json!({})).await.expect(200);
    assert_problem(&key.get("/api/v1/bots").await, 403, "workspace_suspended");
    root.post(&format!("{place}/resume"), &json!({})).await.expect(200);
    lesser.api.delete(&path).await.expect(204);
    assert_problem(&key.get("/api/v1/bots").await, 401, "unauthenticated");
}
