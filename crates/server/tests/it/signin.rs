//! Signing in, staying signed in, signing out.

use std::time::Duration;

use futures::future::join_all;
use replyx_core::{
    act::Actor,
    actor::Admin,
    audit::Outcome,
    clock::Clock,
    page::PageRequest,
    secret::{Keys, sha256_hex},
    session::Patience,
    user::SecondFactor,
};
use replyx_storage::audit::AuditFilter;
use replyx_testkit::api::{Answer, Api};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::harness::{EMAIL, Home, PASSWORD, SECRET, a_moment, assert_problem, on_every_home};

const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
const LOGOUT: &str = "/api/v1/auth/logout";
const ME: &str = "/api/v1/me";

fn credentials(email: &str, password: &str) -> Value {
    json!({"email": email, "password": password})
}

async fn login(api: &Api) -> Answer {
    api.post(LOGIN, &credentials(EMAIL, PASSWORD)).await.expect(200)
}

async fn refresh(api: &Api, token: &str) -> Answer {
    api.post(REFRESH, &json!({"refresh_token": token})).await
}

/// The names of the acts in the platform's log, oldest first, with their outcome and whom they
/// name.
async fn acts(home: &Home) -> Vec<(String, Outcome, String)> {
    let mut tx = home.db.db.read().await.unwrap();
    let page =
        tx.system().audit().list(&AuditFilter::default(), PageRequest::new(Some(200), None)).await;
    let entries = page.unwrap().items.into_iter().rev();
    entries.map(|entry| (entry.act.action, entry.act.outcome, entry.act.actor_name)).collect()
}

#[on_every_home]
async fn failures_make_an_account_wait_and_success_forgives_them(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    let _ = api.register("other@example.org", PASSWORD).await;
    for email in [EMAIL, "nobody@example.org"] {
        for _ in 0..3 {
            let answer = api.post(LOGIN, &credentials(email, "wrong lantern 7")).await;
            assert_problem(&answer, 401, "wrong_credentials");
        }
        let failed = Instant::now();
        for password in ["wrong lantern 7", PASSWORD] {
            let answer = api.post(LOGIN, &credentials(email, password)).await;
            if failed.elapsed() < Duration::from_millis(900) {
                assert_problem(&answer, 429, "too_many_requests");
                assert_eq!(answer.headers["retry-after"], "1");
            }
        }
    }
    api.post(LOGIN, &credentials("other@example.org", PASSWORD)).await.expect(200);
    // The attempt that had to wait counted for nothing: a second later the right password opens.
    sleep(Duration::from_millis(1100)).await;
    api.post(LOGIN, &credentials(&EMAIL.to_uppercase(), PASSWORD)).await.expect(200);
    for _ in 0..3 {
        api.post(LOGIN, &credentials(EMAIL, "wrong lantern 7")).await.expect(401);
    }
}

#[on_every_home]
async fn many_guesses_at_once_do_not_outrun_the_count(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    let guesses = (0..20).map(async |n| {
        api.post(LOGIN, &credentials(EMAIL, &format!("wrong lantern {n}"))).await.status.as_u16()
    });
    let statuses = join_all(guesses).await;
    let looked_at = statuses.iter().filter(|status| **status == 401).count();
    assert!((3..=4).contains(&looked_at), "{statuses:?}");
    assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
}

#[on_every_home]
async fn after_ten_failures_an_account_is_locked_for_as_long_as_the_setting_says(home: &Home) {
    let program = home.launch().with("LOGIN_LOCK_MINUTES", 20).start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    let patience =
        Patience { free: 10, first: Duration::ZERO, lock_after: 10, lock: Duration::from_mins(20) };
    let mut tx = home.db.db.begin().await.unwrap();
    let hash = sha256_hex(EMAIL.as_bytes());
    for _ in 0..10 {
        let earlier = Clock::system().now() - Duration::from_mins(5);
        tx.system().login_attempts().begin(&hash, patience, earlier).await.unwrap();
    }
    tx.commit().await.unwrap();

    let answer = api.post(LOGIN, &credentials(EMAIL, PASSWORD)).await;
    assert_problem(&answer, 429, "too_many_requests");
    let after: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((800..=900).contains(&after), "{after}");
}

#[on_every_home]
async fn a_refresh_token_is_exchanged_for_the_next(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    let mut tokens = login(&api).await;
    for _ in 0..3 {
        let next = refresh(&api, &tokens.text("refresh_token")).await.expect(200);
        assert_ne!(next.text("refresh_token"), tokens.text("refresh_token"));
        api.with_token(next.text("access_token")).get(ME).await.expect(200);
        tokens = next;
    }
    // It needs nobody to be signed in, and no access token is worth one.
    for token in [
        String::new(),
        "rx_refresh_".to_owned(),
        format!("{}x", tokens.text("refresh_token")),
        tokens.text("access_token"),
        sha256_hex(tokens.text("refresh_token").as_bytes()),
    ] {
        assert_problem(&refresh(&api, &token).await, 401, "unauthenticated");
    }
    assert_problem(&api.post(REFRESH, &json!({})).await, 401, "unauthenticated");
    let token = tokens.text("refresh_token");
    let answer = api.with_token(token).get(ME).await;
    assert_problem(&answer, 401, "unauthenticated");
}

#[on_every_home]
async fn a_token_shown_five_times_at_once_has_one_successor(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    let mut token = login(&api).await.text("refresh_token");

    for _ in 0..3 {
        let mut next = Vec::new();
        for answer in join_all((0..5).map(async |_| refresh(&api, &token).await)).await {
            let answer = answer.expect(200);
            api.with_token(answer.text("access_token")).get(ME).await.expect(200);
            next.push(answer.text("refresh_token"));
        }
        next.dedup();
        assert_eq!(next.len(), 1, "one chain");
        token = next.swap_remove(0);
    }
}

#[on_every_home]
async fn a_thief_who_exchanges_a_token_at_the_same_time_is_noticed_later(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    let stolen = login(&api).await.text("refresh_token");
    let exchanges = join_all((0..5).map(async |_| refresh(&api, &stolen).await)).await;
    let thief = exchanges[4].text("refresh_token");

    // The owner goes on; the thief comes later than a lost answer would.
    let owner = refresh(&api, &exchanges[0].text("refresh_token")).await.expect(200);
    sleep(Duration::from_millis(10_500)).await;
    assert_problem(&refresh(&api, &thief).await, 401, "refresh_reused");
    assert_problem(&refresh(&api, &owner.text("refresh_token")).await, 401, "unauthenticated");
    let answer = api.with_token(owner.text("access_token")).get(ME).await;
    assert_problem(&answer, 401, "unauthenticated");
}

#[on_every_home]
async fn a_token_that_comes_back_late_ends_the_session_for_both(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    let stolen = login(&api).await;
    let elsewhere = login(&api).await;
    let kept = refresh(&api, &stolen.text("refresh_token")).await.expect(200);
    sleep(Duration::from_millis(10_500)).await;
    let answer = refresh(&api, &stolen.text("refresh_token")).await;
    assert_problem(&answer, 401, "refresh_reused");

    for token in [&stolen, &kept] {
        let answer = api.with_token(token.text("access_token")).get(ME).await;
        assert_problem(&answer, 401, "unauthenticated");
    }
    assert_problem(&refresh(&api, &kept.text("refresh_token")).await, 401, "unauthenticated");
    api.with_token(elsewhere.text("access_token")).get(ME).await.expect(200);
    let found = acts(home).await;
    let reused = ("session.reuse_detected".to_owned(), Outcome::Refused, EMAIL.to_owned());
    assert_eq!(found.iter().filter(|act| **act == reused).count(), 1, "{found:?}");
}

#[on_every_home]
async fn a_workspace_is_chosen_when_a_token_is_renewed(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let owner = api.register(EMAIL, PASSWORD).await;
    let other = api.register("other@example.org", PASSWORD).await;
    let strange = other.get(ME).await.body["workspace"]["id"].clone();
    let second = owner.post("/api/v1/workspaces", &json!({"name": "Second"})).await.expect(201);
    let token = login(&api).await.text("refresh_token");

    let wanted = |id: &Value| json!({"refresh_token": token, "workspace_id": id});
    for id in [&strange, &json!(Uuid::nil())] {
        assert_problem(&api.post(REFRESH, &wanted(id)).await, 404, "not_found");
    }
    // What was refused used nothing up.
    let renewed = api.post(REFRESH, &wanted(&second.body["id"])).await.expect(200);
    let there = api.with_token(renewed.text("access_token")).get(ME).await.expect(200);
    assert_eq!(there.body["workspace"]["name"], "Second");
    let home = refresh(&api, &renewed.text("refresh_token")).await.expect(200);
    let there = api.with_token(home.text("access_token")).get(ME).await.expect(200);
    assert_ne!(there.body["workspace"]["name"], "Second");
    let answer = api.post(REFRESH, &json!({"refresh_token": token, "workspace_id": "x"})).await;
    assert_problem(&answer, 422, "invalid");
}

#[on_every_home]
async fn who_signs_out_is_out_at_once_and_only_there(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    let here = login(&api).await;
    let there = login(&api).await;
    let session = api.with_token(here.text("access_token"));
    for _ in 0..3 {
        session.get(ME).await.expect(200);
    }
    let answer = session.post(LOGOUT, &json!({})).await.expect(204);
    assert!(answer.headers.get_all("set-cookie").iter().count() == 3);

    assert_problem(&session.get(ME).await, 401, "unauthenticated");
    assert_problem(&session.post(LOGOUT, &json!({})).await, 401, "unauthenticated");
    assert_problem(&refresh(&api, &here.text("refresh_token")).await, 401, "unauthenticated");
    api.with_token(there.text("access_token")).get(ME).await.expect(200);
    refresh(&api, &there.text("refresh_token")).await.expect(200);
}

#[on_every_home]
async fn a_blocked_account_is_told_so_only_with_its_password(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let owner = api.register(EMAIL, PASSWORD).await;
    let id = owner.get(ME).await.body["user"]["id"].as_str().unwrap().parse().unwrap();
    let token = login(&api).await.text("refresh_token");
    let mut tx = home.db.db.begin().await.unwrap();
    let user = tx.system().users().lock(id).await.unwrap().unwrap();
    tx.apply(user.block(&Admin::CommandLine, Clock::system().now()).unwrap()).await.unwrap();
    tx.commit().await.unwrap();

    let answer = api.post(LOGIN, &credentials(EMAIL, "wrong lantern 7")).await;
    assert_problem(&answer, 401, "wrong_credentials");
    let answer = api.post(LOGIN, &credentials(EMAIL, PASSWORD)).await;
    assert_problem(&answer, 403, "account_blocked");
    assert_problem(&refresh(&api, &token).await, 401, "unauthenticated");
}

#[on_every_home]
async fn a_second_factor_is_asked_for_after_the_password_and_counts_its_own_failures(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let owner = api.register(EMAIL, PASSWORD).await;
    let id = owner.get(ME).await.body["user"]["id"].as_str().unwrap().parse::<Uuid>().unwrap();
    let keys = Keys::derive(&SecretString::from(SECRET)).unwrap();
    let sealed = keys.seal(&SecretString::from("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), id.as_bytes());
    let now = Clock::system().now();
    let mut tx = home.db.db.begin().await.unwrap();
    let factor = SecondFactor { user_id: id.into(), secret_sealed: sealed, confirmed_at: None };
    tx.apply(factor.clone().begin(None).unwrap()).await.unwrap();
    let confirmed = factor.confirm(1, Vec::new(), &Actor::command_line(), now).unwrap();
    tx.apply(confirmed).await.unwrap();
    tx.commit().await.unwrap();

    // More often than wrong passwords would be borne: the right one is no failure.
    for _ in 0..5 {
        let answer = api.post(LOGIN, &credentials(EMAIL, PASSWORD)).await;
        assert_problem(&answer, 401, "totp_required");
    }
    let guess = async |password: &str| {
        let body = json!({"email": EMAIL, "password": password, "totp": "aaaa-bbbb-cccc"});
        api.post(LOGIN, &body).await
    };
    assert_problem(&guess("wrong lantern 7").await, 401, "wrong_credentials");
    for _ in 0..3 {
        assert_problem(&guess(PASSWORD).await, 401, "wrong_totp");
        // The password alone buys no new guesses.
        let answer = api.post(LOGIN, &credentials(EMAIL, PASSWORD)).await;
        assert_problem(&answer, 401, "totp_required");
    }
    assert_problem(&guess(PASSWORD).await, 429, "too_many_requests");
}

#[on_every_home]
async fn a_sign_in_from_elsewhere_is_told_to_the_person_once(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    login(&api).await;
    let with = async |agent: &str, password: &str| {
        let request = api.request(reqwest::Method::POST, LOGIN).header("user-agent", agent);
        api.send(request.json(&credentials(EMAIL, password))).await.status.as_u16()
    };
    assert_eq!(with("Elsewhere/1", "wrong lantern 7").await, 401);
    assert_eq!(with("Elsewhere/1", PASSWORD).await, 200);
    let letter = home.letter(EMAIL, "New sign-in", 1).await;
    assert!(letter.text.contains("Elsewhere/1") && letter.text.contains("127.0.0.1"));
    assert_eq!(with("Elsewhere/1", PASSWORD).await, 200);
    a_moment().await;
    let news = home.letters(EMAIL);
    let news = news.iter().filter(|letter| letter.subject().contains("New sign-in")).count();
    assert_eq!(news, 1);
}

#[on_every_home]
async fn what_was_refused_is_written_down_and_names_nobody_who_has_no_account(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let _ = api.register(EMAIL, PASSWORD).await;
    api.post(LOGIN, &credentials(EMAIL, "wrong lantern 7")).await.expect(401);
    api.post(LOGIN, &credentials("secret-in-the-wrong-field", PASSWORD)).await.expect(401);
    let tokens = login(&api).await;
    api.with_token(tokens.text("access_token")).post(LOGOUT, &json!({})).await.expect(204);

    let done = |action: &str| (action.to_owned(), Outcome::Done, EMAIL.to_owned());
    let refused = |name: &str| ("session.refused".to_owned(), Outcome::Refused, name.to_owned());
    assert_eq!(
        acts(home).await,
        [
            done("account.registered"),
            refused(EMAIL),
            refused(""),
            done("session.opened"),
            done("session.closed"),
        ]
    );
    assert!(!program.log().contains("secret-in-the-wrong-field"));
}
