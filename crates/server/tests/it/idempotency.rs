//! Requests that come twice.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures::future::join_all;
use replyx_core::role::Role;
use replyx_testkit::{
    api::{Answer, Api},
    telegram::TelegramFault,
};
use reqwest::{Method, multipart};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    harness::{EMAIL, Home, PASSWORD, Shop, TOKEN, assert_problem, on_every_home, until},
    workspaces::Person,
};

const OTHER_TOKEN: &str = "4002:second-token-of-thirty-characters-or-so";
const ASSISTANTS: &str = "/api/v1/assistants";

async fn keyed(who: &Api, key: &str, path: &str, body: &Value) -> Answer {
    who.send(who.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

fn replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
}

/// How many there are of something.
async fn count(who: &Api, kind: &str) -> usize {
    let list = who.get(&format!("/api/v1/{kind}?limit=200")).await.expect(200).body;
    list["items"].as_array().unwrap().len()
}

fn bots(shop: &Shop) -> String {
    format!("{ASSISTANTS}/{}/bots", shop.assistant)
}

#[on_every_home]
async fn a_repeated_request_is_answered_as_before_and_done_once(home: &Home) {
    let shop = home.open().await;
    let body = json!({"name": "Twice"});
    let first = keyed(&shop.owner, "a", ASSISTANTS, &body).await.expect(201);
    assert!(!replayed(&first));
    let again = keyed(&shop.owner, "a", ASSISTANTS, &body).await.expect(201);
    assert!(replayed(&again));
    assert_eq!(again.body, first.body);
    for header in ["etag", "content-type"] {
        assert_eq!(again.headers[header], first.headers[header]);
    }
    assert_ne!(again.headers["x-request-id"], first.headers["x-request-id"]);
    assert_eq!(count(&shop.owner, "assistants").await, 2);

    let answer = keyed(&shop.owner, "a", ASSISTANTS, &json!({"name": "Other"})).await;
    assert_problem(&answer, 422, "idempotency_key_reused");
    let answer = keyed(&shop.owner, "a", "/api/v1/workspaces", &body).await;
    assert_problem(&answer, 422, "idempotency_key_reused");
    let answer = keyed(&shop.owner, "a", "/api/v1/assistants?a=b", &body).await;
    assert_problem(&answer, 400, "unknown_parameter");
    let other = keyed(&shop.owner, "b", ASSISTANTS, &body).await.expect(201);
    assert_ne!(other.text("id"), first.text("id"));
    // A refusal too is an answer.
    let refused = keyed(&shop.owner, "c", ASSISTANTS, &json!({"name": ""})).await;
    assert_problem(&refused, 422, "invalid");
    let again = keyed(&shop.owner, "c", ASSISTANTS, &json!({"name": ""})).await;
    assert_problem(&again, 422, "invalid");
    assert!(replayed(&again));

    let shop = shop.crash().await;
    let later = keyed(&shop.owner, "a", ASSISTANTS, &body).await.expect(201);
    assert!(replayed(&later));
    assert_eq!(later.body, first.body);
    assert_eq!(count(&shop.owner, "assistants").await, 3);
}

#[on_every_home]
async fn of_many_requests_with_a_key_at_once_one_is_done_and_all_get_its_answer(home: &Home) {
    let shop = home.open().await;
    home.bot();
    home.telegram.inject(TelegramFault::Delay(Duration::from_secs(1)).on("getMe"));
    let path = bots(&shop);
    let body = json!({"token": TOKEN});
    let answers = join_all((0..6).map(|_| keyed(&shop.owner, "a", &path, &body))).await;

    let mut first = 0;
    for answer in &answers {
        assert_eq!(answer.status, 201, "{} {}", answer.status, answer.body);
        assert_eq!(answer.body["id"], answers[0].body["id"]);
        first += usize::from(!replayed(answer));
    }
    assert_eq!(first, 1, "one was done, the others waited for it");
    assert_eq!(count(&shop.owner, "bots").await, 1);
}

#[on_every_home]
async fn a_repeat_does_not_wait_for_ever_for_the_first(home: &Home) {
    let shop = home.open().await;
    home.bot();
    // Longer than repeats wait.
    home.telegram.inject(TelegramFault::Delay(Duration::from_secs(8)).on("getMe"));
    let path = bots(&shop);
    let body = json!({"token": TOKEN});
    let begun = tokio::time::Instant::now();
    let answers = join_all((0..3).map(|_| keyed(&shop.owner, "a", &path, &body))).await;

    let (done, busy): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((done.len(), busy.len()), (1, 2), "{answers:?}");
    assert!(begun.elapsed() >= Duration::from_secs(8));
    for answer in busy {
        assert_problem(answer, 409, "idempotency_key_in_use");
        assert_eq!(answer.headers["retry-after"], "1");
    }
    let again = keyed(&shop.owner, "a", &path, &body).await.expect(201);
    assert!(replayed(&again));
    assert_eq!(again.body["id"], done[0].body["id"]);
    assert_eq!(count(&shop.owner, "bots").await, 1);
}

/// One workspace repeats itself so often that nobody else would find a place to wait.
#[on_every_home]
async fn the_repeats_of_one_workspace_leave_room_for_those_of_another(home: &Home) {
    let shop = home.open_with(home.launch().with("MAX_REQUESTS_PER_ADDRESS", 300)).await;
    home.bot();
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    let own = stranger.assistant(&json!({"name": "Own"})).await;
    let _other = home.telegram.add_bot(OTHER_TOKEN, "second_bot");
    let body = json!({"token": TOKEN});
    let path = bots(&shop);
    // Longer than repeats wait, which is five seconds.
    home.telegram.inject(TelegramFault::Delay(Duration::from_secs(6)).on("getMe"));
    let refused = AtomicUsize::new(0);
    let greedy = async || {
        let answer = keyed(&shop.owner, "a", &path, &body).await;
        refused.fetch_add(usize::from(answer.status == 409), Ordering::Relaxed);
    };
    let many = join_all((0..120).map(|_| greedy()));
    let few = async {
        until("the first is asked", async || (home.telegram.faults_left() == 0).then_some(()))
            .await;
        sleep(Duration::from_secs(1)).await;
        home.telegram.inject(TelegramFault::Delay(Duration::from_millis(500)).on("getMe"));
        let path = format!("{ASSISTANTS}/{own}/bots");
        let theirs = json!({"token": OTHER_TOKEN});
        let few = join_all((0..2).map(|_| keyed(&stranger, "b", &path, &theirs))).await;
        (few, refused.load(Ordering::Relaxed))
    };
    let (_, (few, refused_before)) = tokio::join!(many, few);

    assert_eq!(refused_before, 0, "they waited all the while");
    assert!(refused.load(Ordering::Relaxed) > 100);
    assert!(few.iter().all(|answer| answer.status == 201), "{few:?}");
    assert_eq!(few.iter().filter(|answer| replayed(answer)).count(), 1, "{few:?}");
}

#[on_every_home]
async fn of_those_who_wait_one_does_what_the_first_could_not(home: &Home) {
    let shop = home.open().await;
    home.bot();
    home.telegram.inject(TelegramFault::Status(500).on("getMe"));
    let path = bots(&shop);
    let body = json!({"token": TOKEN});
    let answers = join_all((0..4).map(|_| keyed(&shop.owner, "a", &path, &body))).await;

    let (done, failed): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((done.len(), failed.len()), (3, 1), "{answers:?}");
    assert_problem(failed[0], 502, "bad_gateway");
    assert_eq!(done.iter().filter(|answer| !replayed(answer)).count(), 1, "{answers:?}");
    assert_eq!(count(&shop.owner, "bots").await, 1);
}

#[on_every_home]
async fn strangers_do_not_stumble_over_each_others_keys(home: &Home) {
    let program = home.launch().start().await;
    let nobody = Api::new(program.base());
    let account = |email: &str| json!({"email": email, "password": PASSWORD});
    let path = "/api/v1/auth/register";

    let first = keyed(&nobody, "1", path, &account("ann@example.org")).await.expect(201);
    let second = keyed(&nobody, "1", path, &account("bob@example.org")).await.expect(201);
    assert!(!replayed(&first) && !replayed(&second));
    assert_eq!(second.body["user"]["email"], "bob@example.org");

    // Who repeats their own request is answered as before.
    let again = keyed(&nobody, "1", path, &account("ann@example.org")).await.expect(201);
    assert!(replayed(&again));
    assert_eq!(again.body, first.body);
}

#[on_every_home]
async fn a_client_that_goes_away_finds_its_answer_when_it_comes_back(home: &Home) {
    let shop = home.open().await;
    home.bot();
    home.telegram.inject(TelegramFault::Delay(Duration::from_secs(1)).on("getMe"));
    let path = bots(&shop);
    let body = json!({"token": TOKEN});
    let request = shop.owner.request(Method::POST, &path).header("idempotency-key", "a");
    let gone = request.json(&body).timeout(Duration::from_millis(300)).send().await;
    assert!(gone.unwrap_err().is_timeout());
    let found = until("the answer is there", async || {
        let answer = keyed(&shop.owner, "a", &path, &body).await;
        if answer.status == 409 {
            assert_problem(&answer, 409, "idempotency_key_in_use");
            return None;
        }
        Some(answer)
    })
    .await;
    assert!(replayed(&found.expect(201)));
    assert_eq!(count(&shop.owner, "bots").await, 1);
}

#[on_every_home]
async fn what_failed_is_done_again(home: &Home) {
    let shop = home.open().await;
    home.bot();
    home.telegram.inject(TelegramFault::Status(500).on("getMe").forever());
    let path = bots(&shop);
    let body = json!({"token": TOKEN});
    for _ in 0..2 {
        let answer = keyed(&shop.owner, "a", &path, &body).await;
        assert_problem(&answer, 502, "bad_gateway");
        assert!(!replayed(&answer));
    }
    home.telegram.clear_faults();
    let done = keyed(&shop.owner, "a", &path, &body).await.expect(201);
    assert!(!replayed(&done));
    // So is what was not allowed yet.
    let key = json!({"name": "x", "scopes": ["bots:read"]});
    let key = shop.owner.post("/api/v1/api-keys", &key).await.expect(201).text("key");
    let program = shop.owner.with_token(key);
    for _ in 0..2 {
        let answer = keyed(&program, "a", ASSISTANTS, &json!({"name": "x"})).await;
        assert_problem(&answer, 403, "forbidden");
        assert!(!replayed(&answer));
    }
}

#[on_every_home]
async fn a_key_belongs_to_who_sends_it_as_what_they_are(home: &Home) {
    let shop = home.open().await;
    let admin = Person::member(home, &shop, "admin@example.org", Role::Admin).await;
    let stranger = Person::new(&shop, "stranger@example.org").await;
    let own = admin.api.in_workspace(&{
        let list = admin.api.get("/api/v1/workspaces").await.expect(200).body;
        list["items"][0]["id"].as_str().unwrap().to_owned()
    });
    let body = json!({"name": "Same"});
    let scopes = json!({"name": "x", "scopes": ["assistants:write"]});
    let key = shop.owner.post("/api/v1/api-keys", &scopes).await.expect(201).text("key");
    let program = Api::new(shop.program.base()).with_token(key);
    let mut ids = Vec::new();
    for who in [&shop.owner, &admin.api, &own, &stranger.api, &program] {
        let answer = keyed(who, "same", ASSISTANTS, &body).await.expect(201);
        assert!(!replayed(&answer));
        ids.push(answer.text("id"));
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);
    let nobody = Api::new(shop.program.base());
    assert_problem(&keyed(&nobody, "same", ASSISTANTS, &body).await, 401, "unauthenticated");

    // What somebody was shown as an admin is not shown to them again as a viewer.
    let made = keyed(&admin.api, "key", "/api/v1/api-keys", &scopes).await.expect(201);
    let again = keyed(&admin.api, "key", "/api/v1/api-keys", &scopes).await.expect(201);
    assert_eq!(again.text("key"), made.text("key"));
    let path = format!("/api/v1/members/{}", admin.id);
    for (change, code) in [
        (json!({"role": "viewer"}), "forbidden"),
        (json!({"role": "admin", "suspended": true}), "member_suspended"),
    ] {
        shop.owner.patch(&path, &change).await.expect(200);
        let answer = keyed(&admin.api, "key", "/api/v1/api-keys", &scopes).await;
        assert_problem(&answer, 403, code);
    }
    shop.owner.delete(&path).await.expect(204);
    let answer = keyed(&admin.api, "key", "/api/v1/api-keys", &scopes).await;
    assert_problem(&answer, 404, "not_found");
}

#[on_every_home]
async fn an_upload_is_the_same_whatever_stands_between_its_fields(home: &Home) {
    let shop = home.open_with(home.launch().with("UPLOAD_LIMIT_MB", 1)).await;
    let path = format!("{ASSISTANTS}/{}/documents", shop.assistant);
    let upload = async |key: &str, text: Vec<u8>| {
        let part = multipart::Part::bytes(text).file_name("a.txt");
        let request = shop.owner.request(Method::POST, &path).header("idempotency-key", key);
        shop.owner.send(request.multipart(multipart::Form::new().part("file", part))).await
    };
    let first = upload("a", b"We open at nine.".to_vec()).await.expect(202);
    let again = upload("a", b"We open at nine.".to_vec()).await.expect(202);
    assert!(replayed(&again) && !replayed(&first));
    assert_eq!(again.body, first.body);
    let answer = upload("a", b"We open at ten.".to_vec()).await;
    assert_problem(&answer, 422, "idempotency_key_reused");
    assert_eq!(count(&shop.owner, "documents").await, 1);
    // Several files are bounded as without a key.
    let several = (0..4).fold(multipart::Form::new(), |form, number| {
        let text = format!("We open at {number}. ").repeat(50_000);
        let part = multipart::Part::bytes(text.into_bytes()).file_name(format!("{number}.txt"));
        form.part("file", part)
    });
    let request = shop.owner.request(Method::POST, &path).header("idempotency-key", "d");
    let items = shop.owner.send(request.multipart(several)).await.expect(207).body;
    let taken = |item: &Value| item["status"] == 202;
    assert!(items["items"].as_array().unwrap().iter().all(taken), "{items}");
    let large = vec![b'a'; 2 * 1024 * 1024];
    assert_problem(&upload("b", large).await, 413, "too_large");
    let large = json!({"name": "a".repeat(300_000)});
    assert_problem(&keyed(&shop.owner, "c", ASSISTANTS, &large).await, 413, "too_large");
}

#[on_every_home]
async fn a_key_is_a_visible_word_and_signing_in_heeds_none(home: &Home) {
    let shop = home.open().await;
    let body = json!({"name": "x"});
    for bad in ["", "a b", "a\tb", &"a".repeat(256)] {
        assert_problem(&keyed(&shop.owner, bad, ASSISTANTS, &body).await, 400, "malformed");
    }
    let request = shop.owner.request(Method::POST, ASSISTANTS);
    let request = request.header("idempotency-key", "a").header("idempotency-key", "b");
    assert_problem(&shop.owner.send(request.json(&body)).await, 400, "malformed");
    assert_eq!(count(&shop.owner, "assistants").await, 1);
    keyed(&shop.owner, &"a".repeat(255), ASSISTANTS, &body).await.expect(201);

    let nobody = Api::new(shop.program.base());
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let answer = keyed(&nobody, "a", "/api/v1/auth/login", &body).await.expect(200);
        assert!(!replayed(&answer));
        tokens.push(answer.text("refresh_token"));
    }
    assert_ne!(tokens[0], tokens[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_of_an_answer_shows_no_secret() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    let body = json!({"name": "x", "scopes": ["bots:read"]});
    let made = keyed(&shop.owner, "a", "/api/v1/api-keys", &body).await.expect(201);
    let again = keyed(&shop.owner, "a", "/api/v1/api-keys", &body).await.expect(201);
    assert!(replayed(&again) && again.body == made.body);
    let file = home.db.url.trim_start_matches("sqlite:").trim_start_matches("//");
    let file = file.split('?').next().unwrap();
    let mut stored = std::fs::read(file).unwrap();
    stored.extend(std::fs::read(format!("{file}-wal")).unwrap_or_default());
    let holds = |text: &str| stored.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(&made.text("prefix")) && !holds(&made.text("key")));
}
