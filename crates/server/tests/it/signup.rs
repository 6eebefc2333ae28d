//! Signing up: with and without a code, by invitation, and against those who guess.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use replyx_storage::Tx;
use replyx_testkit::{
    api::{Answer, Api},
    program::Launch,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{EMAIL, Home, PASSWORD, assert_problem, on_every_home};

const REGISTER: &str = "/api/v1/auth/register";
const CONFIRM: &str = "/api/v1/auth/confirm";
const RESEND: &str = "/api/v1/auth/confirm/resend";
const LOGIN: &str = "/api/v1/auth/login";

/// Every address has to be confirmed.
fn confirming(home: &Home) -> Launch {
    home.launch().with("EMAIL_CONFIRMATION", "always")
}

fn account(email: &str) -> Value {
    json!({"email": email, "password": PASSWORD})
}

fn with_code(email: &str, code: &str) -> Value {
    json!({"email": email, "code": code})
}

/// A code that is not this one.
fn another(code: &str, by: u32) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + by) % 1_000_000)
}

#[on_every_home]
async fn without_confirmation_an_account_opens_at_once(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let body = json!({"email": " Owner@Example.org".trim(), "password": PASSWORD, "name": "Ada"});
    let answer = api.post(REGISTER, &body).await.expect(201);
    assert_eq!(answer.body["confirmation_required"], false);
    assert_eq!(answer.body["user"]["email"], EMAIL);
    assert_eq!(answer.body["workspace"]["name"], "Ada");
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 3600);
    assert!(answer.text("refresh_token").starts_with("rx_refresh_"));
    assert!(answer.body.get("csrf_token").is_none(), "{}", answer.body);
    assert!(answer.headers.get("set-cookie").is_none());

    let owner = api.with_token(answer.text("access_token"));
    let me = owner.get("/api/v1/me").await.expect(200).body;
    assert_eq!(me["user"]["id"], answer.body["user"]["id"]);
    assert_eq!(me["workspace"]["id"], answer.body["workspace"]["id"]);
    assert_eq!(me["role"], "owner");
    let letter = home.letter(EMAIL, "Welcome", 1).await;
    assert!(letter.text.contains("Ada"), "{}", letter.text);
}

#[on_every_home]
async fn nothing_is_made_before_the_code_is_shown(home: &Home) {
    let program = confirming(home).start().await;
    let api = Api::new(program.base());
    let asked = api.post(REGISTER, &account(EMAIL)).await.expect(201);
    assert_eq!(asked.body["confirmation_required"], true);
    assert!(asked.body.get("access_token").is_none(), "{}", asked.body);
    let code = home.code(EMAIL, 1).await;
    assert!(!asked.body.to_string().contains(&code) && !program.log().contains(&code));
    api.post(LOGIN, &account(EMAIL)).await.expect(401);

    for (email, wrong) in [
        (EMAIL, another(&code, 1)),
        (EMAIL, String::new()),
        ("other@example.org", code.clone()),
        ("", code.clone()),
    ] {
        let answer = api.post(CONFIRM, &with_code(email, &wrong)).await;
        assert_problem(&answer, 422, "wrong_code");
    }
    let confirmed = api.post(CONFIRM, &with_code("OWNER@example.org", &code)).await.expect(200);
    for what in ["user", "workspace"] {
        assert_eq!(confirmed.body[what]["id"], asked.body[what]["id"], "{what}");
    }
    let owner = api.with_token(confirmed.text("access_token"));
    owner.get("/api/v1/me").await.expect(200);
    api.post(LOGIN, &account(EMAIL)).await.expect(200);
    home.letter(EMAIL, "Welcome", 1).await;

    let again = api.post(CONFIRM, &with_code(EMAIL, &code)).await;
    assert_problem(&again, 422, "wrong_code");
}

#[on_every_home]
async fn a_code_bears_five_tries_also_at_once(home: &Home) {
    let program = confirming(home).start().await;
    let api = Api::new(program.base());
    for email in ["four@example.org", "many@example.org"] {
        api.post(REGISTER, &account(email)).await.expect(201);
    }
    let code = home.code("four@example.org", 1).await;
    for by in 1..=4 {
        let answer = api.post(CONFIRM, &with_code("four@example.org", &another(&code, by))).await;
        assert_problem(&answer, 422, "wrong_code");
    }
    api.post(CONFIRM, &with_code("four@example.org", &code)).await.expect(200);

    // The right one is among twenty, behind the fifteen wrong ones that are sent before it.
    let email = "many@example.org";
    let code = home.code(email, 1).await;
    for answer in join_all(
        (1..=15).map(async |by| api.post(CONFIRM, &with_code(email, &another(&code, by))).await),
    )
    .await
    {
        assert_problem(&answer, 422, "wrong_code");
    }
    for answer in
        join_all((0..5).map(async |_| api.post(CONFIRM, &with_code(email, &code)).await)).await
    {
        assert_problem(&answer, 422, "wrong_code");
    }
    api.post(RESEND, &json!({"email": email})).await.expect(202);
    let fresh = home.code(email, 2).await;
    if fresh != code {
        assert_problem(&api.post(CONFIRM, &with_code(email, &code)).await, 422, "wrong_code");
    }
    api.post(CONFIRM, &with_code(email, &fresh)).await.expect(200);
}

#[on_every_home]
async fn a_code_ends_after_a_quarter_of_an_hour(home: &Home) {
    let program = confirming(home).start().await;
    let api = Api::new(program.base());
    api.post(REGISTER, &account(EMAIL)).await.expect(201);
    let code = home.code(EMAIL, 1).await;
    let mut tx = home.db.db.begin().await.unwrap();
    let waiting = tx.system().registrations().find(EMAIL).await.unwrap().unwrap();
    assert_eq!((waiting.expires_at - waiting.created_at).num_minutes(), 15);
    assert_eq!(waiting.tries_left, 5);
    assert!(!waiting.code_hash.contains(&code) && !waiting.password_hash.contains(PASSWORD));
    let renew = async |tx: &mut Tx, end| {
        tx.system().registrations().renew(EMAIL, &waiting.code_hash, 5, end).await.unwrap()
    };
    assert!(renew(&mut tx, waiting.created_at).await);
    tx.commit().await.unwrap();
    assert_problem(&api.post(CONFIRM, &with_code(EMAIL, &code)).await, 422, "wrong_code");

    let mut tx = home.db.db.begin().await.unwrap();
    assert!(renew(&mut tx, waiting.expires_at).await);
    tx.commit().await.unwrap();
    api.post(CONFIRM, &with_code(EMAIL, &code)).await.expect(200);
}

#[on_every_home]
async fn of_many_who_show_the_code_at_once_one_makes_the_account(home: &Home) {
    let program = confirming(home).start().await;
    let api = Api::new(program.base());
    api.post(REGISTER, &account(EMAIL)).await.expect(201);
    let code = home.code(EMAIL, 1).await;
    let body = with_code(EMAIL, &code);
    let mut statuses: Vec<u16> = join_all((0..5).map(|_| api.post(CONFIRM, &body)))
        .await
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422, 422, 422, 422]);
}

#[on_every_home]
async fn the_code_of_a_strangers_registration_confirms_nothing_of_mine(home: &Home) {
    let program = confirming(home).start().await;
    let api = Api::new(program.base());
    let mine = api.post(REGISTER, &account(EMAIL)).await.expect(201);
    let first = home.code(EMAIL, 1).await;
    let strangers = json!({"email": EMAIL, "password": "a stranger's 1"});
    let theirs = api.post(REGISTER, &strangers).await.expect(201);
    let second = home.code(EMAIL, 2).await;
    let confirm = async |code: &str, like: &Answer| {
        let id = like.body["user"]["id"].clone();
        api.post(CONFIRM, &json!({"email": EMAIL, "code": code, "user_id": id})).await
    };
    if first != second {
        assert_problem(&confirm(&first, &theirs).await, 422, "wrong_code");
    }
    assert_problem(&confirm(&second, &mine).await, 422, "wrong_code");
    confirm(&second, &theirs).await.expect(200);
}

#[on_every_home]
async fn the_fourth_new_code_within_an_hour_is_refused_whether_or_not_anybody_waits(home: &Home) {
    let program = confirming(home).start().await;
    let api = Api::new(program.base());
    api.post(REGISTER, &account(EMAIL)).await.expect(201);
    for email in [EMAIL, "nobody@example.org", ""] {
        let body = json!({"email": email});
        for _ in 0..3 {
            api.post(RESEND, &body).await.expect(202);
        }
        for spelt in [email.to_owned(), email.to_uppercase()] {
            let answer = api.post(RESEND, &json!({"email": spelt})).await;
            assert_problem(&answer, 429, "too_many_requests");
            let after: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=3600).contains(&after), "{after}");
        }
    }
    home.code(EMAIL, 4).await;
    assert_eq!(home.letters("nobody@example.org").len(), 0);
}

#[on_every_home]
async fn a_mailbox_is_not_filled_by_registering_it_over_and_over(home: &Home) {
    let program = confirming(home).start().await;
    let api = Api::new(program.base());
    for _ in 0..3 {
        api.post(REGISTER, &account(EMAIL)).await.expect(201);
    }
    assert_problem(&api.post(REGISTER, &account(EMAIL)).await, 429, "too_many_requests");
    api.post(REGISTER, &account("other@example.org")).await.expect(201);
}

/// What can be seen of an answer but its chance ids, times and number.
fn face(answer: &Answer) -> (u16, Vec<String>, BTreeSet<String>) {
    fn fields(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (name, field) in object {
                    fields(field, &format!("{path}.{name}"), found);
                }
            }
            Value::String(text) if path.ends_with("id") || path.ends_with("_at") => {
                found.push(format!("{path}: {} characters", text.len()));
            }
            value => found.push(format!("{path}: {value}")),
        }
    }
    let mut found = Vec::new();
    fields(&answer.body, "", &mut found);
    let headers = answer.headers.keys().map(ToString::to_string).collect();
    (answer.status.as_u16(), found, headers)
}

#[on_every_home]
async fn nobody_learns_from_an_answer_whether_an_address_has_an_account(home: &Home) {
    let program = confirming(home).start().await;
    let api = Api::new(program.base());
    api.post(REGISTER, &account("taken@example.org")).await.expect(201);
    let code = home.code("taken@example.org", 1).await;
    api.post(CONFIRM, &with_code("taken@example.org", &code)).await.expect(200);

    let body = |email: &str| json!({"email": email, "password": "another lantern 8", "name": "N", "language": "ru"});
    let taken = api.post(REGISTER, &body("taken@example.org")).await;
    let fresh = api.post(REGISTER, &body("fresh@example.org")).await;
    let renamed = |answer: &Answer| {
        let (status, fields, headers) = face(answer);
        (status, fields.join("\n").replace("taken@", "fresh@"), headers)
    };
    assert_eq!(renamed(&taken), renamed(&fresh));
    assert_eq!(taken.status, 201);
    home.letter("taken@example.org", "account", 1).await;
    // The answer's ids are nobody's, and the password that was tried opens nothing.
    let try_in = json!({"email": "taken@example.org", "password": "another lantern 8"});
    api.post(LOGIN, &try_in).await.expect(401);
    api.post(LOGIN, &account("taken@example.org")).await.expect(200);

    for (path, more) in [
        (RESEND, json!({})),
        (CONFIRM, json!({"code": "000000"})),
        (LOGIN, json!({"password": "wrong lantern 7"})),
        ("/api/v1/auth/password/forgot", json!({})),
    ] {
        let mut faces = Vec::new();
        for email in ["taken@example.org", "nobody@example.org"] {
            let mut body = more.clone();
            body["email"] = json!(email);
            faces.push(face(&api.post(path, &body).await));
        }
        assert_eq!(faces[0], faces[1], "{path}");
    }
}

/// How many times each of two requests is timed.
const ROUNDS: usize = 31;

/// How long two requests take when nothing else is done: the lower quartiles, because a busy
/// machine only ever adds to them. They are asked in turns, each first as often as the other.
async fn times(
    mut one: impl AsyncFnMut(usize),
    mut other: impl AsyncFnMut(usize),
) -> [Duration; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        for turn in [round % 2, 1 - round % 2] {
            let begun = Instant::now();
            if turn == 0 {
                one(round).await;
            } else {
                other(round).await;
            }
            times[turn].push(begun.elapsed());
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[ROUNDS / 4]
    })
}

/// Two requests take as long as each other. What is seen once may be the machine; what is seen
/// three times is not.
async fn assert_alike(
    what: &str,
    mut one: impl AsyncFnMut(usize),
    mut other: impl AsyncFnMut(usize),
) {
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let [one, other] = times(&mut one, &mut other).await;
        println!("{what}: {one:?} and {other:?}");
        let bound = one.min(other).mul_f64(1.4) + Duration::from_millis(3);
        if one.max(other) <= bound {
            return;
        }
        seen.push([one, other]);
    }
    panic!("{what}: they can be told apart: {seen:?}");
}

#[on_every_home]
async fn nobody_learns_from_the_time_an_answer_takes_whether_an_address_has_an_account(
    home: &Home,
) {
    let program = confirming(home)
        .with("RATE_RESEND", "1000000/1s")
        .with("RATE_RESET_MAIL", "1000000/1s")
        .with("RATE_PASSWORD_RESET", "1000000/1s")
        .start()
        .await;
    let api = Api::new(program.base());
    let taken = "taken@example.org";
    api.post(REGISTER, &account(taken)).await.expect(201);
    let code = home.code(taken, 1).await;
    api.post(CONFIRM, &with_code(taken, &code)).await.expect(200);
    api.post(REGISTER, &account("waiting@example.org")).await.expect(201);

    assert_alike(
        "registering",
        async |_| drop(api.post(REGISTER, &account(taken)).await.expect(201)),
        async |n| {
            drop(api.post(REGISTER, &account(&format!("new{n}@example.org"))).await.expect(201));
        },
    )
    .await;
    for other in [taken, "waiting@example.org"] {
        assert_alike(
            "asking for a new code",
            async |_| drop(api.post(RESEND, &json!({"email": other})).await.expect(202)),
            async |n| {
                drop(
                    api.post(RESEND, &json!({"email": format!("no{n}@example.org")}))
                        .await
                        .expect(202),
                );
            },
        )
        .await;
    }
    let forgot = "/api/v1/auth/password/forgot";
    assert_alike(
        "a forgotten password",
        async |_| drop(api.post(forgot, &json!({"email": taken})).await.expect(202)),
        async |n| {
            drop(
                api.post(forgot, &json!({"email": format!("no{n}@example.org")})).await.expect(202),
            );
        },
    )
    .await;
}

#[on_every_home]
async fn signing_in_takes_as_long_without_an_account(home: &Home) {
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let email = |n: usize| format!("person{n}@example.org");
    for n in 0..ROUNDS {
        api.post(REGISTER, &account(&email(n))).await.expect(201);
    }
    let wrong = |email: String| json!({"email": email, "password": "wrong lantern 7"});
    assert_alike(
        "signing in",
        async |n| drop(api.post(LOGIN, &wrong(email(n))).await.expect(401)),
        async |n| drop(api.post(LOGIN, &wrong(format!("no{n}@example.org"))).await.expect(401)),
    )
    .await;
}

#[on_every_home]
async fn a_closed_installation_lets_in_who_is_invited_and_nobody_else(home: &Home) {
    let shop = home.open().await;
    let invitation = json!({"email": "friend@example.org", "role": "operator"});
    shop.owner.post("/api/v1/invitations", &invitation).await.expect(201);
    let token = home.letter("friend@example.org", "invitation", 1).await.token().unwrap();
    let workspace = shop.owner.get("/api/v1/me").await.body["workspace"]["id"].clone();
    let (status, _) = shop.program.terminate().await;
    assert!(status.success());

    let program = confirming(home).with("REGISTRATION_OPEN", "false").start().await;
    let api = Api::new(program.base());
    let answer = api.post(REGISTER, &account("stranger@example.org")).await;
    assert_problem(&answer, 403, "registration_closed");
    let with = |email: &str, token: &str| json!({"email": email, "password": PASSWORD, "invitation": token});
    for (email, token) in [
        ("stranger@example.org", token.as_str()),
        ("friend@example.org", "0000"),
        ("friend@example.org", &token[1..]),
    ] {
        assert_problem(&api.post(REGISTER, &with(email, token)).await, 422, "wrong_token");
    }
    let joined = api.post(REGISTER, &with("Friend@example.org", &token)).await.expect(201);
    assert_eq!(joined.body["confirmation_required"], false);
    // They work where they were invited, and nowhere else.
    assert_eq!(joined.body["workspace"]["id"], workspace);
    assert_eq!(joined.body["workspace"]["role"], "operator");
    let friend = api.with_token(joined.text("access_token"));
    let there = friend.get("/api/v1/me").await.expect(200);
    assert_eq!(there.body["workspace"]["id"], workspace);
    assert_eq!(there.body["role"], "operator");
    let all = friend.get("/api/v1/workspaces").await.expect(200);
    assert_eq!(all.body["items"].as_array().unwrap().len(), 1, "{}", all.body);

    for email in ["friend@example.org", "other@example.org"] {
        assert_problem(&api.post(REGISTER, &with(email, &token)).await, 422, "wrong_token");
    }
}

#[on_every_home]
async fn of_many_who_take_up_one_invitation_at_once_one_joins(home: &Home) {
    let shop = home.open().await;
    let invitation = json!({"email": "friend@example.org", "role": "viewer"});
    shop.owner.post("/api/v1/invitations", &invitation).await.expect(201);
    let token = home.letter("friend@example.org", "invitation", 1).await.token().unwrap();
    let body = json!({"email": "friend@example.org", "password": PASSWORD, "invitation": token});
    let api = Api::new(shop.program.base());
    let answers = join_all((0..4).map(|_| api.post(REGISTER, &body))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1, "{answers:?}");
    assert!(answers.iter().all(|answer| [201, 409, 422].contains(&answer.status.as_u16())));
}
