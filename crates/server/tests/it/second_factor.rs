//! The second factor: setting it up, signing in with it, losing it.

use std::time::Duration;

use replyx_core::{clock::Clock, ids::UserId};
use replyx_testkit::api::{Answer, Api};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use totp_rs::{Builder, Secret, Totp};
use uuid::Uuid;

use crate::harness::{EMAIL, Home, PASSWORD, a_moment, assert_problem, on_every_home};

const LOGIN: &str = "/api/v1/auth/login";
const TOTP: &str = "/api/v1/auth/totp";
const CONFIRM: &str = "/api/v1/auth/totp/confirm";
const RECOVERY: &str = "/api/v1/auth/totp/recovery-codes";
const WRONG: &str = "wrong lantern 7";

/// Somebody with a second factor.
struct Person {
    api: Api,
    totp: Totp,
    recovery: Vec<String>,
}

impl Person {
    /// The code of a step: 0 is the present one.
    fn code(&self, step: i64) -> String {
        code(&self.totp, step)
    }
}

fn code(totp: &Totp, step: i64) -> String {
    let time = Clock::system().now().timestamp() + 30 * step;
    totp.generate(u64::try_from(time).unwrap()).to_string()
}

/// Waits until a code does not change for a while, however slow the machine is.
async fn calm() {
    while Clock::system().now().timestamp() % 30 > 15 {
        sleep(Duration::from_millis(100)).await;
    }
}

fn app(begun: &Answer) -> Totp {
    let secret = Secret::try_from_base32(begun.text("secret")).unwrap();
    Builder::new().with_secret(secret).build().unwrap()
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().expect("a list").iter();
    items.map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// Sets a second factor up; its code of the step before is used up.
async fn enrolled(api: &Api) -> Person {
    let api = api.register(EMAIL, PASSWORD).await;
    let begun = api.post(TOTP, &json!({"password": PASSWORD})).await.expect(200);
    let totp = app(&begun);
    calm().await;
    let confirmed = api.post(CONFIRM, &json!({"code": code(&totp, -1)})).await.expect(200);
    let recovery = strings(&confirmed.body["recovery_codes"]);
    Person { api, totp, recovery }
}

async fn login(api: &Api, code: Option<&str>) -> Answer {
    api.post(LOGIN, &json!({"email": EMAIL, "password": PASSWORD, "totp": code})).await
}

async fn state(api: &Api) -> (bool, i64) {
    let body = api.get(TOTP).await.expect(200).body;
    (body["enabled"].as_bool().unwrap(), body["recovery_codes_left"].as_i64().unwrap())
}

async fn user_id(api: &Api) -> UserId {
    let me = api.get("/api/v1/me").await.expect(200).body;
    me["user"]["id"].as_str().unwrap().parse::<Uuid>().unwrap().into()
}

#[on_every_home]
async fn a_confirmed_second_factor_is_asked_for_at_sign_in(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let owner = stranger.register(EMAIL, PASSWORD).await;
    assert_eq!(state(&owner).await, (false, 0));
    assert_problem(&owner.post(CONFIRM, &json!({"code": "000000"})).await, 409, "no_second_factor");
    assert_problem(&owner.post(TOTP, &json!({"password": WRONG})).await, 403, "wrong_password");
    let abandoned = app(&owner.post(TOTP, &json!({"password": PASSWORD})).await.expect(200));
    let begun = owner.post(TOTP, &json!({"password": PASSWORD})).await.expect(200);
    let totp = app(&begun);
    let secret = begun.text("secret");
    let uri = begun.text("uri");
    assert!(uri.starts_with("otpauth://totp/ReplyX:owner") && uri.contains(&secret), "{uri}");

    // Until it is confirmed nothing is asked for.
    login(&stranger, None).await.expect(200);
    assert_eq!(state(&owner).await, (false, 0));
    assert_problem(
        &owner.post(RECOVERY, &json!({"password": PASSWORD})).await,
        409,
        "no_second_factor",
    );
    calm().await;
    for wrong in [code(&abandoned, 0), code(&totp, -2), code(&totp, 2), String::new()] {
        let answer = owner.post(CONFIRM, &json!({"code": wrong})).await;
        assert_problem(&answer, 422, "wrong_totp");
    }
    let first = code(&totp, -1);
    let confirmed = owner.post(CONFIRM, &json!({"code": first})).await.expect(200);
    let codes = strings(&confirmed.body["recovery_codes"]);
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 14 && code.split('-').count() == 3), "{codes:?}");
    assert_eq!(state(&owner).await, (true, 10));
    assert_eq!(owner.get("/api/v1/me").await.body["user"]["second_factor"], true);
    for answer in [
        owner.post(TOTP, &json!({"password": PASSWORD})).await,
        owner.post(CONFIRM, &json!({"code": code(&totp, 0)})).await,
    ] {
        assert_problem(&answer, 409, "second_factor_exists");
    }

    assert_problem(&login(&stranger, None).await, 401, "totp_required");
    let body = json!({"email": EMAIL, "password": WRONG, "totp": code(&totp, 0)});
    assert_problem(&stranger.post(LOGIN, &body).await, 401, "wrong_credentials");
    assert_problem(&login(&stranger, Some(&first)).await, 401, "wrong_totp");
    login(&stranger, Some(&code(&totp, 0))).await.expect(200);
    assert_problem(&login(&stranger, Some(&code(&totp, 0))).await, 401, "wrong_totp");
    let spaced = code(&totp, 1);
    login(&stranger, Some(&format!(" {} {}", &spaced[..3], &spaced[3..]))).await.expect(200);

    // At rest it is sealed.
    let user = user_id(&owner).await;
    let mut tx = home.db.db.read().await.unwrap();
    let stored = tx.system().second_factors().find(user).await.unwrap().unwrap();
    let clear = |what: &[u8]| stored.secret_sealed.windows(what.len()).any(|part| part == what);
    assert!(!clear(secret.as_bytes()) && !clear(totp.secret().as_bytes()));
    let log = program.log();
    assert!(!log.contains(&secret) && !codes.iter().any(|code| log.contains(code.as_str())));
}

#[on_every_home]
async fn one_code_opens_one_of_two_logins_at_once(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let person = enrolled(&stranger).await;
    let user = user_id(&person.api).await;

    for code in [person.code(0), person.recovery[0].clone()] {
        let mut held = home.db.db.begin().await.unwrap();
        held.system().users().lock(user).await.unwrap();
        held.system().second_factors().recovery_codes_left(user).await.unwrap();
        let logins = [(), ()].map(|()| {
            let api = stranger.clone();
            let code = code.clone();
            tokio::spawn(async move { login(&api, Some(&code)).await.status.as_u16() })
        });
        a_moment().await;
        drop(held);
        let [one, other] = logins;
        let mut statuses = [one.await.unwrap(), other.await.unwrap()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401], "{code}");
    }
}

#[on_every_home]
async fn a_recovery_code_opens_once_and_new_ones_take_the_place_of_all(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let person = enrolled(&stranger).await;

    let typed = person.recovery[0].to_uppercase().replace('-', " ");
    login(&stranger, Some(&typed)).await.expect(200);
    assert_problem(&login(&stranger, Some(&person.recovery[0])).await, 401, "wrong_totp");
    assert_eq!(state(&person.api).await, (true, 9));
    login(&stranger, Some(&person.recovery[1])).await.expect(200);

    assert_problem(
        &person.api.post(RECOVERY, &json!({"password": WRONG})).await,
        403,
        "wrong_password",
    );
    let renewed = person.api.post(RECOVERY, &json!({"password": PASSWORD})).await.expect(200);
    let renewed = strings(&renewed.body["recovery_codes"]);
    assert_eq!(state(&person.api).await, (true, 10));
    assert_problem(&login(&stranger, Some(&person.recovery[2])).await, 401, "wrong_totp");
    login(&stranger, Some(&renewed[2])).await.expect(200);

    let other = stranger.register("other@example.org", PASSWORD).await;
    let foreign = json!({"email": "other@example.org", "password": PASSWORD, "totp": renewed[3]});
    stranger.post(LOGIN, &foreign).await.expect(200);
    assert_eq!(state(&other).await, (false, 0));
    assert_eq!(state(&person.api).await, (true, 9), "another's code is not used up");
}

#[on_every_home]
async fn guesses_of_codes_are_few_and_the_right_password_buys_no_more(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let person = enrolled(&stranger).await;
    for _ in 0..3 {
        // In between the password alone is shown, which is right and clears its own count.
        assert_problem(&login(&stranger, None).await, 401, "totp_required");
        assert_problem(&login(&stranger, Some("aaaa-bbbb-cccc")).await, 401, "wrong_totp");
    }
    let failed = Instant::now();
    assert_problem(&login(&stranger, None).await, 401, "totp_required");
    let answer = login(&stranger, Some(&person.code(0))).await;
    if failed.elapsed() < Duration::from_millis(900) {
        assert_problem(&answer, 429, "too_many_requests");
        sleep(Duration::from_millis(1100)).await;
        login(&stranger, Some(&person.recovery[0])).await.expect(200);
    }
}

#[on_every_home]
async fn taking_it_away_needs_the_password_and_a_code(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let person = enrolled(&stranger).await;
    let remove = async |password: &str, code: &str| {
        let body = json!({"password": password, "code": code});
        person.api.send(person.api.request(reqwest::Method::DELETE, TOTP).json(&body)).await
    };
    assert_problem(&remove(WRONG, &person.code(0)).await, 403, "wrong_password");
    assert_problem(&remove(PASSWORD, "aaaa-bbbb-cccc").await, 403, "wrong_totp");
    assert_problem(&remove(PASSWORD, "").await, 403, "wrong_totp");
    assert_eq!(state(&person.api).await, (true, 10));
    let delete = person.api.request(reqwest::Method::DELETE, "/api/v1/me");
    let answer = person.api.send(delete.json(&json!({"password": PASSWORD}))).await;
    assert_problem(&answer, 403, "totp_required");

    remove(PASSWORD, &person.code(0)).await.expect(204);
    assert_problem(&remove(PASSWORD, &person.code(1)).await, 409, "no_second_factor");
    assert_eq!(state(&person.api).await, (false, 0));
    login(&stranger, None).await.expect(200);
    // What was set up before is of no use for what is set up again.
    let begun = person.api.post(TOTP, &json!({"password": PASSWORD})).await.expect(200);
    assert_ne!(app(&begun).secret().to_base32(), person.totp.secret().to_base32());
}

#[on_every_home]
async fn a_reset_password_does_not_take_the_second_factor_away(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let person = enrolled(&stranger).await;
    stranger.post("/api/v1/auth/password/forgot", &json!({"email": EMAIL})).await.expect(202);
    let token = home.letter(EMAIL, "password", 1).await.token().expect("a link");
    let body = json!({"token": token, "new_password": "blue lantern 8"});
    stranger.post("/api/v1/auth/password/reset", &body).await.expect(204);
    let body = json!({"email": EMAIL, "password": "blue lantern 8"});
    assert_problem(&stranger.post(LOGIN, &body).await, 401, "totp_required");
    let body = json!({"email": EMAIL, "password": "blue lantern 8", "totp": person.recovery[0]});
    stranger.post(LOGIN, &body).await.expect(200);
}
