//! Changing a password, and setting a new one for who has forgotten it.

use std::time::Duration;

use replyx_core::{
    change::New,
    clock::{Clock, random_hex},
    fixtures,
    ids::UserId,
    rules::user::{NewPassword, PasswordLink},
    secret::sha256_hex,
};
use replyx_testkit::api::{Answer, Api};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{
    harness::{EMAIL, Home, PASSWORD, a_moment, assert_problem, on_every_home, until},
    mailbox::Letter,
};

const LOGIN: &str = "/api/v1/auth/login";
const CHANGE: &str = "/api/v1/auth/password/change";
const FORGOT: &str = "/api/v1/auth/password/forgot";
const RESET: &str = "/api/v1/auth/password/reset";
const ME: &str = "/api/v1/me";
const NEW: &str = "blue lantern 8";

fn change(current: &str, new: &str) -> Value {
    json!({"current_password": current, "new_password": new})
}

fn reset(token: &str, new: &str) -> Value {
    json!({"token": token, "new_password": new})
}

async fn login(api: &Api, password: &str) -> Answer {
    api.post(LOGIN, &json!({"email": EMAIL, "password": password})).await
}

async fn user_id(api: &Api) -> UserId {
    let me = api.get(ME).await.expect(200).body;
    me["user"]["id"].as_str().unwrap().parse::<Uuid>().unwrap().into()
}

/// Asks for a link and returns its token.
async fn link(home: &Home, api: &Api, number: usize) -> String {
    api.post(FORGOT, &json!({"email": EMAIL})).await.expect(202);
    let letters = until("the link arrives", async || {
        let tokens: Vec<String> = home.letters(EMAIL).iter().filter_map(Letter::token).collect();
        (tokens.len() >= number).then_some(tokens)
    });
    letters.await.swap_remove(number - 1)
}

#[on_every_home]
async fn a_changed_password_signs_all_other_devices_out_at_once(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let owner = stranger.register(EMAIL, PASSWORD).await;
    let other = stranger.login(EMAIL, PASSWORD).await;

    let answer = owner.post(CHANGE, &change("wrong lantern 7", NEW)).await;
    assert_problem(&answer, 403, "wrong_password");
    for bad in ["short1", "onlyletters", "password123", PASSWORD] {
        let answer = owner.post(CHANGE, &change(PASSWORD, bad)).await;
        assert_problem(&answer, 422, "invalid");
        assert_eq!(answer.body["errors"][0]["field"], "new_password", "{bad}");
    }
    other.get(ME).await.expect(200);
    login(&stranger, PASSWORD).await.expect(200);

    owner.post(CHANGE, &change(PASSWORD, NEW)).await.expect(204);
    assert_problem(&other.get(ME).await, 401, "unauthenticated");
    owner.get(ME).await.expect(200);
    assert_problem(&login(&stranger, PASSWORD).await, 401, "wrong_credentials");
    login(&stranger, NEW).await.expect(200);
    home.letter(EMAIL, "password", 1).await;
    assert_problem(&stranger.post(CHANGE, &change(NEW, PASSWORD)).await, 401, "unauthenticated");
}

#[on_every_home]
async fn a_stolen_token_does_not_let_its_thief_guess_the_password(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let owner = stranger.register(EMAIL, PASSWORD).await;
    let guess = change("wrong lantern 7", NEW);
    for _ in 0..3 {
        assert_problem(&owner.post(CHANGE, &guess).await, 403, "wrong_password");
    }
    let failed = Instant::now();
    for body in [&guess, &change(PASSWORD, NEW)] {
        let answer = owner.post(CHANGE, body).await;
        if failed.elapsed() < Duration::from_millis(900) {
            assert_problem(&answer, 429, "too_many_requests");
        }
    }
    // Another door does not help, and the person is not locked out by it.
    let begin = json!({"password": "wrong lantern 7"});
    let answer = owner.post("/api/v1/auth/totp", &begin).await;
    if failed.elapsed() < Duration::from_millis(900) {
        assert_problem(&answer, 429, "too_many_requests");
    }
    login(&stranger, PASSWORD).await.expect(200);
    sleep(Duration::from_millis(2100)).await;
    owner.post(CHANGE, &change(PASSWORD, NEW)).await.expect(204);
}

#[on_every_home]
async fn a_forgotten_password_is_reset_once_with_the_mailed_link(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let owner = stranger.register(EMAIL, PASSWORD).await;
    let token = link(home, &stranger, 1).await;
    assert_eq!(token.len(), 64);

    let answer = stranger.post(RESET, &reset(&token, "onlyletters")).await;
    assert_problem(&answer, 422, "invalid");
    stranger.post(RESET, &reset(&token, NEW)).await.expect(204);
    assert_problem(&owner.get(ME).await, 401, "unauthenticated");
    assert_problem(&login(&stranger, PASSWORD).await, 401, "wrong_credentials");
    login(&stranger, NEW).await.expect(200);
    home.letter(EMAIL, "password was changed", 1).await;

    // Used, ended, unknown or no token at all: nobody can tell which.
    let ended = random_hex::<32>();
    let user = user_id(&stranger.login(EMAIL, NEW).await).await;
    let mut tx = home.db.db.begin().await.unwrap();
    let before = Clock::system().now() - Duration::from_secs(1);
    let hash = sha256_hex(ended.as_bytes());
    let link = PasswordLink { user_id: user, token_hash: hash.clone(), expires_at: before };
    tx.apply(fixtures::unexplained(New(link))).await.unwrap();
    tx.commit().await.unwrap();
    let spent = stranger.post(RESET, &reset(&token, "red lantern 9")).await;
    assert_problem(&spent, 422, "wrong_token");
    for bad in [ended, random_hex::<32>(), "x".to_owned(), String::new(), hash] {
        let answer = stranger.post(RESET, &reset(&bad, "red lantern 9")).await;
        assert_eq!((answer.status, &answer.body), (spent.status, &spent.body), "{bad}");
    }
    login(&stranger, NEW).await.expect(200);
}

#[on_every_home]
async fn a_link_used_twice_at_once_opens_once(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let owner = stranger.register(EMAIL, PASSWORD).await;
    let user = user_id(&owner).await;
    let token = link(home, &stranger, 1).await;

    // Both get as far as the database lets them, and wait there.
    let mut held = home.db.db.begin().await.unwrap();
    held.system().users().lock(user).await.unwrap();
    let answers = [NEW, "red lantern 9"].map(|new| {
        let api = stranger.clone();
        let body = reset(&token, new);
        tokio::spawn(async move { (new, api.post(RESET, &body).await.status.as_u16()) })
    });
    a_moment().await;
    assert!(answers.iter().all(|answer| !answer.is_finished()));
    drop(held);
    let [one, other] = answers;
    let one = one.await.unwrap();
    let other = other.await.unwrap();

    let mut statuses = [one.1, other.1];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 422]);
    let (won, lost) = if one.1 == 204 { (one.0, other.0) } else { (other.0, one.0) };
    login(&stranger, won).await.expect(200);
    login(&stranger, lost).await.expect(401);
}

#[on_every_home]
async fn whoever_holds_a_stolen_session_cannot_undo_a_reset(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let thief = stranger.register(EMAIL, PASSWORD).await;
    let user = user_id(&thief).await;
    let now = Clock::system().now();
    let others = stranger.register("other@example.org", NEW).await;
    let hash = {
        let id = user_id(&others).await;
        let mut tx = home.db.db.read().await.unwrap();
        tx.system().users().password_hash(id).await.unwrap().unwrap()
    };
    // The thief knows the old password, and changes it while a reset is under way.
    let mut reset = home.db.db.begin().await.unwrap();
    reset.system().users().lock(user).await.unwrap();
    let changing = {
        let thief = thief.clone();
        tokio::spawn(async move { thief.post(CHANGE, &change(PASSWORD, "red lantern 9")).await })
    };
    a_moment().await;
    assert!(!changing.is_finished());
    let new = NewPassword { user_id: user, hash, kept: None, at: now };
    reset.apply(fixtures::unexplained(new)).await.unwrap();
    reset.commit().await.unwrap();

    let status = changing.await.unwrap().status.as_u16();
    assert!(matches!(status, 401 | 403), "{status}");
    login(&stranger, NEW).await.expect(200);
    login(&stranger, "red lantern 9").await.expect(401);
}

#[on_every_home]
async fn links_are_few_and_only_the_newest_is_good(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let _ = stranger.register(EMAIL, PASSWORD).await;
    let unknown = stranger.post(FORGOT, &json!({"email": "nobody@example.org"})).await.expect(202);
    let mut tokens = Vec::new();
    for number in 1..=3 {
        tokens.push(link(home, &stranger, number).await);
    }
    for _ in 0..3 {
        let silent = stranger.post(FORGOT, &json!({"email": EMAIL.to_uppercase()})).await;
        assert_eq!((silent.status, &silent.body), (unknown.status, &unknown.body));
        let headers = |answer: &Answer| {
            let names = answer.headers.keys().map(ToString::to_string);
            names.collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(headers(&silent), headers(&unknown));
    }
    a_moment().await;
    let mailed = home.letters(EMAIL).iter().filter(|letter| letter.token().is_some()).count();
    assert_eq!(mailed, 3);
    assert!(home.letters("nobody@example.org").is_empty());
    for old in &tokens[..2] {
        let answer = stranger.post(RESET, &reset(old, NEW)).await;
        assert_problem(&answer, 422, "wrong_token");
    }
    stranger.post(RESET, &reset(&tokens[2], NEW)).await.expect(204);
    assert!(!program.log().contains(&tokens[2]), "a link is not logged");
}

#[on_every_home]
async fn who_was_locked_out_by_a_guesser_gets_in_by_a_link(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let _ = stranger.register(EMAIL, PASSWORD).await;
    let now = Clock::system().now();
    let patience = replyx_core::session::Patience {
        free: 100,
        first: Duration::from_secs(1),
        lock_after: 100,
        lock: Duration::from_mins(15),
    };
    let count = sha256_hex(EMAIL.as_bytes());
    let mut tx = home.db.db.begin().await.unwrap();
    for _ in 0..12 {
        tx.system().login_attempts().begin(&count, patience, now).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_problem(&login(&stranger, PASSWORD).await, 429, "too_many_requests");

    let token = link(home, &stranger, 1).await;
    stranger.post(RESET, &reset(&token, NEW)).await.expect(204);
    login(&stranger, NEW).await.expect(200);
}
