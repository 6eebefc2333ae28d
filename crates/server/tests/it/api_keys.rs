//! Programs' keys: what they open, and for how long.

use chrono::{DateTime, SecondsFormat, Utc};
use replyx_core::{clock::Clock, role::Role};
use replyx_testkit::api::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{Shop, assert_problem, on_every_home, until},
    workspaces::Person,
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

on_every_home! {
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
        for wrong in [&key[..47], &format!("{}{last}", &key[..47]), &key[8..], &format!("{key}0"), "rx_live_"] {
            assert_problem(&by("x-api-key", wrong).await, 401, "unauthenticated");
        }

        let path = format!("{KEYS}/{}", made["id"].as_str().unwrap());
        shop.owner.patch(&path, &json!({"name": "Renamed"})).await.expect(200);
        for path in [path.as_str(), KEYS] {
            let shown = shop.owner.get(path).await.expect(200).body.to_string();
            assert!(shown.contains("Renamed") && shown.contains(&key[..12]) && !shown.contains(key));
        }
        for body in [json!({"scopes": ["keys:write"]}), json!({"expires_at": null}), json!({"name": ""})] {
            assert_problem(&shop.owner.patch(&path, &body).await, 422, "invalid");
        }
        let stranger = Person::new(&shop, "stranger@example.org").await;
        let theirs = stranger.api.get("/api/v1/workspace").await.expect(200).text("id");
        assert_problem(&program.in_workspace(&theirs).get("/api/v1/bots").await, 404, "not_found");
        assert_problem(&stranger.api.delete(&path).await, 404, "not_found");
        program.get("/api/v1/bots").await.expect(200);
    }
}

on_every_home! {
    async fn no_key_does_more_than_its_maker(home: &Home) {
        let shop = home.open().await;
        let admin = Person::member(home, &shop, "admin@example.org", Role::Admin).await;
        assert_problem(&make(&admin.api, &["bots:read", "owners:write"]).await, 403, "forbidden");
        make(&shop.owner, &["owners:write"]).await.expect(201);
        let (maker, _) = program(&shop, &["keys:write", "bots:read"]).await;
        assert_problem(&make(&maker, &["bots:read", "bots:write"]).await, 403, "forbidden");
        let child = make(&maker, &["bots:read", "bots:read"]).await.expect(201);
        assert_eq!(child.body["scopes"], json!(["bots:read"]));
        let child = Api::new(shop.program.base()).with_token(child.text("key"));
        assert_problem(&make(&child, &["bots:read"]).await, 403, "forbidden");

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
        ] {
            assert_problem(&shop.owner.post(KEYS, &body).await, 422, "invalid");
        }
    }
}

on_every_home! {
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
}

on_every_home! {
    async fn a_workspace_has_at_most_a_hundred_keys(home: &Home) {
        let shop = home.open().await;
        for _ in 0..100 {
            make(&shop.owner, &["bots:read"]).await.expect(201);
        }
        assert_problem(&make(&shop.owner, &["bots:read"]).await, 409, "too_many_keys");
        let page = shop.owner.get("/api/v1/api-keys?limit=60").await.expect(200);
        let path = format!("/api/v1/api-keys?limit=60&cursor={}", page.text("next_cursor"));
        let rest = shop.owner.get(&path).await.expect(200).body;
        assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (40, &Value::Null));
    }
}
