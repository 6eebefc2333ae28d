//! Where somebody is signed in, and signing other devices out.

use replyx_testkit::api::Api;
use serde_json::Value;

use crate::harness::{EMAIL, Home, PASSWORD, assert_problem, on_every_home};

const SESSIONS: &str = "/api/v1/auth/sessions";
const ME: &str = "/api/v1/me";

async fn list(api: &Api) -> Vec<Value> {
    let answer = api.get(SESSIONS).await.expect(200);
    assert_eq!(answer.body["next_cursor"], Value::Null);
    answer.body["items"].as_array().unwrap().clone()
}

fn id(session: &Value) -> String {
    session["id"].as_str().unwrap().to_owned()
}

#[on_every_home]
async fn a_device_that_is_signed_out_is_out_at_once(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let first = stranger.register(EMAIL, PASSWORD).await;
    let second = stranger.login(EMAIL, PASSWORD).await;
    let third = stranger.login(EMAIL, PASSWORD).await;

    let seen = list(&second).await;
    assert_eq!(seen.len(), 3);
    let current: Vec<bool> = seen.iter().map(|one| one["current"] == true).collect();
    assert_eq!(current, [false, true, false], "newest first");
    for session in &seen {
        assert_eq!(session["address"], "127.0.0.1");
        for time in ["created_at", "last_used_at", "expires_at"] {
            assert!(session[time].is_string(), "{session}");
        }
        assert_eq!(session.as_object().unwrap().len(), 7, "no hash, no token: {session}");
    }

    let path = format!("{SESSIONS}/{}", id(&seen[2]));
    second.delete(&path).await.expect(204);
    assert_problem(&first.get(ME).await, 401, "unauthenticated");
    assert_problem(&second.delete(&path).await, 404, "not_found");
    third.get(ME).await.expect(200);

    second.delete(SESSIONS).await.expect(204);
    assert_problem(&third.get(ME).await, 401, "unauthenticated");
    assert_eq!(list(&second).await.len(), 1);
    second.delete(SESSIONS).await.expect(204);

    let own = format!("{SESSIONS}/{}", id(&list(&second).await[0]));
    second.delete(&own).await.expect(204);
    assert_problem(&second.get(ME).await, 401, "unauthenticated");
}

#[on_every_home]
async fn nobody_signs_out_somebody_else(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let owner = stranger.register(EMAIL, PASSWORD).await;
    let other = stranger.register("other@example.org", PASSWORD).await;
    let path = format!("{SESSIONS}/{}", id(&list(&owner).await[0]));

    assert_problem(&other.delete(&path).await, 404, "not_found");
    other.delete(SESSIONS).await.expect(204);
    assert_problem(&other.delete(&format!("{SESSIONS}/x")).await, 404, "not_found");
    assert_problem(&stranger.delete(&path).await, 401, "unauthenticated");
    owner.get(ME).await.expect(200);
    assert_eq!(list(&other).await.len(), 1);
}
