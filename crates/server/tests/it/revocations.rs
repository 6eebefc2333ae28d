//! Access that ends, ends everywhere: an open stream says `bye` and ends, whatever took the access
//! away, and shows none of the words that a customer says afterwards.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{SecondsFormat, TimeDelta, Utc};
use replyx_core::{
    clock::{Clock, random_hex},
    event::Event,
    fixtures,
    ids::WorkspaceId,
    message::Author,
    role::Role,
    secret::Keys,
};
use replyx_testkit::{
    api::{Answer, Api},
    openai::{Answer as Reply, FakeOpenAi, ModelFault},
    program::Program,
    proxy::BreakingProxy,
    telegram::{Bot, TelegramFault},
};
use reqwest::{Method, RequestBuilder, Response};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use crate::{
    harness::{
        Home, PASSWORD, PATIENCE, SECRET, Shop, admin, assert_problem, on_every_home, until,
        with_model,
    },
    workspaces::{Person, workspace},
};

/// What a customer says after the access has ended.
const WORDS: &str = "SECRET-OF-A-CUSTOMER";
const STREAM: &str = "/api/v1/events";
const TICKET: &str = "/api/v1/events/ticket";

/// An open stream, as bytes arrive.
struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    async fn begin(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the program answers");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    async fn open(who: &Api) -> Self {
        let mut stream = Self::begin(who.request(Method::GET, STREAM)).await;
        stream.shows("retry: ").await;
        stream
    }

    async fn by_ticket(program: &str, ticket: &str) -> Self {
        let mut stream = Self::begin(by_ticket(program, ticket)).await;
        stream.shows("retry: ").await;
        stream
    }

    /// Begins a stream and reads the event of this number; `None` when the access ends before it
    /// has come.
    async fn in_time(request: RequestBuilder, number: i64) -> Option<Self> {
        let request = request.header("last-event-id", (number - 1).to_string());
        let response = request.send().await.expect("the program answers");
        if response.status() != 200 {
            assert_eq!(response.status(), 401);
            return None;
        }

        let mut stream = Self { response, text: String::new() };
        let event = format!("id: {number}\n");
        let deadline = Instant::now() + PATIENCE;
        while !stream.text.contains(&event) {
            let chunk = timeout_at(deadline, stream.response.chunk()).await;
            let chunk = chunk.unwrap_or_else(|_| panic!("no `{event}` in {}", stream.text));
            stream.text.push_str(std::str::from_utf8(&chunk.ok()??).expect("it is UTF-8"));
        }
        Some(stream)
    }

    /// Reads until a text has come.
    async fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.text.contains(text) {
            let chunk = timeout_at(deadline, self.response.chunk()).await;
            let chunk = chunk.unwrap_or_else(|_| panic!("no `{text}` in {}", self.text));
            let chunk = chunk.expect("it can be read");
            let chunk = chunk.unwrap_or_else(|| panic!("it ended without `{text}`: {}", self.text));
            self.text.push_str(std::str::from_utf8(&chunk).expect("it is UTF-8"));
        }
    }

    /// Reads to the end, which must come, and returns what came since the last look.
    async fn rest(mut self) -> String {
        let seen = self.text.len();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let chunk = timeout_at(deadline, self.response.chunk()).await;
            let chunk = chunk.unwrap_or_else(|_| panic!("it goes on: {}", &self.text[seen..]));
            let Ok(Some(chunk)) = chunk else { return self.text.split_off(seen) };
            self.text.push_str(std::str::from_utf8(&chunk).expect("it is UTF-8"));
        }
    }

    /// The next frame is the end: `bye`, and no word of a customer.
    async fn must_be_over(self) {
        let rest = self.rest().await;
        assert!(!rest.contains(WORDS), "it leaked: {rest}");
        let events: Vec<&str> =
            rest.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
        let without_pings: Vec<&&str> = events.iter().filter(|event| **event != "ping").collect();
        assert_eq!(without_pings, [&"bye"], "{rest}");
        assert!(rest.ends_with("\n\n") && rest.contains("access_ended"), "{rest}");
    }
}

/// The answer to a request that must not open a stream: one would never end.
async fn unopened(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("the program answers");
    assert_ne!(response.status(), 200, "a stream was opened");
    let status = response.status();
    let headers = response.headers().clone();
    let body = response.json().await.unwrap_or_default();
    Answer { status, headers, body }
}

/// Asks for a stream that must not be opened.
async fn unopened_by(who: &Api) -> Answer {
    unopened(who.request(Method::GET, STREAM)).await
}

fn by_ticket(program: &str, ticket: &str) -> RequestBuilder {
    Api::new(program).request(Method::GET, &format!("{STREAM}?ticket={ticket}"))
}

/// A shop with a customer, and a member whose access will end.
struct Scene {
    shop: Shop,
    bot: Bot,
    member: Person,
    /// How often the customer has said something.
    said: AtomicUsize,
}

impl Scene {
    async fn set(home: &Home, role: Role) -> Self {
        let bot = home.bot();
        let shop = home.open().await;
        shop.connect().await;
        let member = Person::member(home, &shop, "member@example.org", role).await;
        Self { shop, bot, member, said: AtomicUsize::new(0) }
    }

    fn base(&self) -> &str {
        self.shop.program.base()
    }

    fn member_path(&self) -> String {
        format!("/api/v1/members/{}", self.member.id)
    }

    /// A platform admin.
    async fn root(&self, home: &Home) -> Api {
        admin(home, "root@example.org").await;
        Api::new(self.base()).login("root@example.org", PASSWORD).await
    }

    /// A key that somebody made, which may follow what happens.
    async fn key(&self, maker: &Api) -> (Api, String) {
        let body = json!({"name": "Key", "scopes": ["events:read", "dialogs:read"]});
        let made = maker.post("/api/v1/api-keys", &body).await.expect(201);
        (Api::new(self.base()).with_token(made.text("key")), made.text("id"))
    }

    /// The stream shows what a customer says; then the access ends, and the next frame is the end.
    async fn ends(&self, home: &Home, stream: Stream, revoke: impl AsyncFnOnce()) {
        self.ends_all(home, vec![stream], revoke).await;
    }

    async fn ends_all(&self, home: &Home, mut streams: Vec<Stream>, revoke: impl AsyncFnOnce()) {
        if self.said.load(Ordering::Relaxed) > 0 {
            self.all_is_said(home).await;
        }
        self.says("Hello there");
        for stream in &mut streams {
            stream.shows("Hello there").await;
        }
        let head = self.all_is_said(home).await;
        for stream in &mut streams {
            stream.shows(&format!("id: {head}\n")).await;
        }

        revoke().await;
        self.says(WORDS);
        for stream in streams {
            stream.must_be_over().await;
        }
    }

    /// Streams of an access that ends by itself after so many seconds show what a customer has
    /// said, and the next frame is the end.
    async fn ends_in_time(
        &self,
        home: &Home,
        requests: impl AsyncFn(u32) -> Option<Vec<RequestBuilder>>,
    ) {
        let mut owner = Stream::open(&self.shop.owner).await;
        self.says("Hello there");
        owner.shows("Hello there").await;
        let head = self.all_is_said(home).await;
        let opened = async |seconds: u32| {
            let requests = requests(seconds).await?;
            let end = Clock::system().now() + TimeDelta::seconds(seconds.into());
            let mut streams = Vec::new();
            for request in requests {
                streams.push(Stream::in_time(request, head).await?);
            }
            Some((streams, end))
        };

        // A busy machine needs longer to open them.
        let mut found = None;
        for seconds in [2, 10, 30, 90] {
            found = opened(seconds).await;
            if found.is_some() {
                break;
            }
        }
        let (streams, end) = found.expect("the streams are open before their access ends");
        let left = end - Clock::system().now();
        tokio::time::sleep(left.to_std().unwrap_or_default()).await;

        self.says(WORDS);
        for stream in streams {
            stream.must_be_over().await;
        }
    }

    fn says(&self, words: &str) {
        self.said.fetch_add(1, Ordering::Relaxed);
        self.bot.customer(7).say(words);
    }

    /// Waits until the customer has been answered, and returns the number of the last event.
    async fn all_is_said(&self, home: &Home) -> i64 {
        until("the customer has been answered", async || {
            let messages = self.shop.messages().await;
            let heard = messages.iter().filter(|message| message["author"] == "customer").count();
            let last = messages.last().filter(|_| heard == self.said.load(Ordering::Relaxed))?;
            (last["author"] == "assistant" && last["delivery"] == "delivered").then_some(())
        })
        .await;
        let place: Uuid = workspace(&self.shop).await.parse().unwrap();
        let mut tx = home.db.db.read().await.unwrap();
        tx.workspace(place.into()).events().head().await.unwrap()
    }

    /// What the member may not do any more.
    async fn refuses(&self, who: &Api, status: u16, code: &str) {
        assert_problem(&who.get("/api/v1/dialogs").await, status, code);
        assert_problem(&unopened_by(who).await, status, code);
        assert_problem(&who.post(TICKET, &Value::Null).await, status, code);
    }
}

#[on_every_home]
async fn a_removed_member_reads_no_further(home: &Home) {
    let scene = Scene::set(home, Role::Admin).await;
    let stream = Stream::open(&scene.member.api).await;
    scene
        .ends(home, stream, async || {
            scene.shop.owner.delete(&scene.member_path()).await.expect(204);
        })
        .await;
    scene.refuses(&scene.member.api, 404, "not_found").await;
}

#[on_every_home]
async fn a_suspended_member_reads_no_further(home: &Home) {
    let scene = Scene::set(home, Role::Viewer).await;
    let stream = Stream::open(&scene.member.api).await;
    scene
        .ends(home, stream, async || {
            let change = json!({"suspended": true});
            scene.shop.owner.patch(&scene.member_path(), &change).await.expect(200);
        })
        .await;
    scene.refuses(&scene.member.api, 403, "member_suspended").await;
}

#[on_every_home]
async fn a_session_that_is_logged_out_reads_no_further(home: &Home) {
    let scene = Scene::set(home, Role::Operator).await;
    let stream = Stream::open(&scene.member.api).await;
    scene
        .ends(home, stream, async || {
            scene.member.api.post("/api/v1/auth/logout", &json!({})).await.expect(204);
        })
        .await;
    scene.refuses(&scene.member.api, 401, "unauthenticated").await;
}

#[on_every_home]
async fn a_deleted_key_reads_no_further(home: &Home) {
    let scene = Scene::set(home, Role::Admin).await;
    let (key, id) = scene.key(&scene.shop.owner).await;
    let stream = Stream::open(&key).await;
    scene
        .ends(home, stream, async || {
            scene.shop.owner.delete(&format!("/api/v1/api-keys/{id}")).await.expect(204);
        })
        .await;
    scene.refuses(&key, 401, "unauthenticated").await;
}

#[on_every_home]
async fn the_key_of_a_removed_admin_reads_no_further_and_a_service_key_does(home: &Home) {
    let scene = Scene::set(home, Role::Owner).await;
    let (key, _) = scene.key(&scene.member.api).await;
    let body = json!({"name": "Service", "scopes": ["events:read"], "service": true});
    let made = scene.member.api.post("/api/v1/api-keys", &body).await.expect(201);
    let service = Api::new(scene.base()).with_token(made.text("key"));
    let mut goes_on = Stream::open(&service).await;
    let stream = Stream::open(&key).await;
    scene
        .ends(home, stream, async || {
            scene.shop.owner.delete(&scene.member_path()).await.expect(204);
        })
        .await;
    scene.refuses(&key, 401, "unauthenticated").await;
    goes_on.shows(WORDS).await;
}

#[on_every_home]
async fn a_platform_admin_whose_power_is_taken_reads_no_further_with_it(home: &Home) {
    let scene = Scene::set(home, Role::Admin).await;
    let role = async |role: &str| {
        let url = home.db.url.as_str();
        let folder = home.folder.path().display().to_string();
        let mut variables =
            vec![("DATABASE_URL", url), ("DATA_DIR", folder.as_str()), ("SECRET_KEY", SECRET)];
        if let Some(redis) = &home.redis {
            variables
                .extend([("REDIS_URL", redis.as_str()), ("REDIS_PREFIX", home.prefix.as_str())]);
        }
        let (done, out, err) =
            crate::harness::run(&["admin", "role", "member@example.org", role], &variables).await;
        assert!(done, "{out}{err}");
    };
    role("admin").await;
    until("the program knows of the new admin", async || {
        let answer = scene.member.api.get("/api/v1/admin/users").await;
        (answer.status == 200).then_some(())
    })
    .await;
    let stream = Stream::open(&scene.member.api).await;
    scene.ends(home, stream, async || role("user").await).await;
    until("the program knows it of requests, too", async || {
        let answer = scene.member.api.get("/api/v1/admin/users").await;
        (answer.status == 403).then_some(())
    })
    .await;
    // What they may as a member they may still.
    drop(Stream::open(&scene.member.api).await);
}

#[on_every_home]
async fn nobody_reads_further_in_a_suspended_workspace(home: &Home) {
    let scene = Scene::set(home, Role::Viewer).await;
    let root = scene.root(home).await;
    let (key, _) = scene.key(&scene.shop.owner).await;
    let ticket = scene.member.api.post(TICKET, &Value::Null).await.expect(201).text("ticket");
    let streams = vec![
        Stream::open(&scene.shop.owner).await,
        Stream::open(&scene.member.api).await,
        Stream::open(&key).await,
        Stream::by_ticket(scene.base(), &ticket).await,
    ];
    let path = format!("/api/v1/admin/workspaces/{}/suspend", workspace(&scene.shop).await);
    scene
        .ends_all(home, streams, async || {
            root.post(&path, &json!({})).await.expect(200);
        })
        .await;
    for who in [&scene.shop.owner, &scene.member.api, &key] {
        scene.refuses(who, 403, "workspace_suspended").await;
    }
}

#[on_every_home]
async fn a_blocked_user_reads_no_further_nor_do_their_keys(home: &Home) {
    let scene = Scene::set(home, Role::Admin).await;
    let root = scene.root(home).await;
    let (key, _) = scene.key(&scene.member.api).await;
    let streams = vec![Stream::open(&scene.member.api).await, Stream::open(&key).await];
    let path = format!("/api/v1/admin/users/{}/block", scene.member.id);
    scene
        .ends_all(home, streams, async || {
            root.post(&path, &json!({})).await.expect(200);
        })
        .await;
    scene.refuses(&scene.member.api, 401, "unauthenticated").await;
    scene.refuses(&key, 401, "unauthenticated").await;
}

#[on_every_home]
async fn a_deleted_account_reads_no_further_nor_do_its_keys(home: &Home) {
    let scene = Scene::set(home, Role::Admin).await;
    let (key, _) = scene.key(&scene.member.api).await;
    let streams = vec![Stream::open(&scene.member.api).await, Stream::open(&key).await];
    scene
        .ends_all(home, streams, async || {
            let request = scene.member.api.request(Method::DELETE, "/api/v1/me");
            let body = json!({"password": PASSWORD});
            scene.member.api.send(request.json(&body)).await.expect(202);
        })
        .await;
    scene.refuses(&scene.member.api, 401, "unauthenticated").await;
    scene.refuses(&key, 401, "unauthenticated").await;
}

#[on_every_home]
async fn a_changed_password_ends_the_streams_of_other_devices(home: &Home) {
    let scene = Scene::set(home, Role::Viewer).await;
    let here = workspace(&scene.shop).await;
    let other = Api::new(scene.base()).login("member@example.org", PASSWORD).await;
    let other = other.in_workspace(&here);
    let mut own = Stream::open(&scene.member.api).await;
    let stream = Stream::open(&other).await;
    scene
        .ends(home, stream, async || {
            let body = json!({"current_password": PASSWORD, "new_password": "blue lantern 8"});
            scene.member.api.post("/api/v1/auth/password/change", &body).await.expect(204);
        })
        .await;
    scene.refuses(&other, 401, "unauthenticated").await;
    own.shows(WORDS).await;
}

#[on_every_home]
async fn a_session_deleted_from_the_list_reads_no_further(home: &Home) {
    let scene = Scene::set(home, Role::Viewer).await;
    let here = workspace(&scene.shop).await;
    let other = Api::new(scene.base()).login("member@example.org", PASSWORD).await;
    let sessions = scene.member.api.get("/api/v1/auth/sessions").await.expect(200).body;
    let newest = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    let other = other.in_workspace(&here);
    let mut own = Stream::open(&scene.member.api).await;
    let stream = Stream::open(&other).await;
    scene
        .ends(home, stream, async || {
            let path = format!("/api/v1/auth/sessions/{newest}");
            scene.member.api.delete(&path).await.expect(204);
        })
        .await;
    scene.refuses(&other, 401, "unauthenticated").await;
    own.shows(WORDS).await;
}

#[on_every_home]
async fn a_key_that_ends_by_itself_reads_no_further(home: &Home) {
    let scene = Scene::set(home, Role::Admin).await;
    let latest = Mutex::new(None);
    scene
        .ends_in_time(home, async |seconds| {
            let end = Clock::system().now() + TimeDelta::seconds(seconds.into());
            let body = json!({
                "name": "Brief", "scopes": ["events:read"],
                "expires_at": end.to_rfc3339_opts(SecondsFormat::Micros, true),
            });
            let made = scene.shop.owner.post("/api/v1/api-keys", &body).await.expect(201);
            let key = Api::new(scene.base()).with_token(made.text("key"));
            let request = key.request(Method::GET, STREAM);
            *latest.lock().unwrap() = Some(key);
            Some(vec![request])
        })
        .await;
    let key = latest.into_inner().unwrap().unwrap();
    assert_problem(&unopened_by(&key).await, 401, "unauthenticated");
}

#[on_every_home]
async fn a_token_that_ends_takes_its_stream_along(home: &Home) {
    let scene = Scene::set(home, Role::Viewer).await;
    let mut own = Stream::open(&scene.member.api).await;
    let latest = Mutex::new(None);
    scene
        .ends_in_time(home, async |seconds| {
            let token = crate::auth::ending_soon(scene.member.api.token().unwrap(), seconds.into());
            let brief = scene.member.api.with_token(token);
            let made = brief.post(TICKET, &Value::Null).await;
            let ticket = (made.status == 201).then(|| made.text("ticket"))?;
            let requests =
                vec![brief.request(Method::GET, STREAM), by_ticket(scene.base(), &ticket)];
            *latest.lock().unwrap() = Some(brief);
            Some(requests)
        })
        .await;
    let brief = latest.into_inner().unwrap().unwrap();
    scene.refuses(&brief, 401, "unauthenticated").await;
    own.shows(WORDS).await;
}

#[on_every_home]
async fn a_changed_role_that_may_still_read_reads_on(home: &Home) {
    let scene = Scene::set(home, Role::Admin).await;
    let mut stream = Stream::open(&scene.member.api).await;
    let (key, _) = scene.key(&scene.member.api).await;
    let mut by_key = Stream::open(&key).await;
    let change = json!({"role": "viewer"});
    scene.shop.owner.patch(&scene.member_path(), &change).await.expect(200);
    scene.says("Still here");
    stream.shows("Still here").await;
    by_key.shows("Still here").await;
}

#[on_every_home]
async fn a_ticket_opens_one_stream_which_ends_with_who_made_it(home: &Home) {
    let scene = Scene::set(home, Role::Viewer).await;
    let made = scene.member.api.post(TICKET, &Value::Null).await.expect(201);
    let ticket = made.text("ticket");
    let end = made.text("expires_at").parse::<chrono::DateTime<Utc>>().unwrap();
    let left = end - Clock::system().now();
    assert!(left > TimeDelta::seconds(5) && left <= TimeDelta::seconds(61), "{left}");
    let api = Api::new(scene.base());
    let open = async |ticket: &str| unopened(by_ticket(scene.base(), ticket)).await;

    let stream = Stream::by_ticket(scene.base(), &ticket).await;
    assert_problem(&open(&ticket).await, 401, "unauthenticated");
    let mut forged = ticket.clone().into_bytes();
    forged[20] = if forged[20] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let unused = scene.member.api.post(TICKET, &Value::Null).await.expect(201).text("ticket");
    for bad in ["", "x", "%00", &forged, &unused[1..], &"A".repeat(5_000)] {
        assert!([400, 401, 414].contains(&open(bad).await.status.as_u16()), "{bad}");
    }
    // It opens streams and nothing else.
    let path = format!("/api/v1/dialogs?ticket={unused}");
    assert!([400, 401].contains(&api.get(&path).await.status.as_u16()));

    scene
        .ends(home, stream, async || {
            scene.member.api.post("/api/v1/auth/logout", &json!({})).await.expect(204);
        })
        .await;
    assert_problem(&open(&unused).await, 401, "unauthenticated");
    let log = scene.shop.program.log();
    assert!(!log.contains(&ticket) && !log.contains(&unused), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_has_ended_opens_nothing() {
    let home = Home::postgres().await;
    let scene = Scene::set(&home, Role::Viewer).await;
    let me = scene.member.api.token().unwrap();
    let session = crate::auth::session(me).to_string();
    let place: Uuid = workspace(&scene.shop).await.parse().unwrap();
    let seal = |expires_at: chrono::DateTime<Utc>| {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        let ticket = json!({
            "id": random_hex::<16>(),
            "credential": {"Session": [session, place]},
            "until": null,
            "expires_at": expires_at,
        });
        let keys = Keys::derive(&SecretString::from(SECRET)).unwrap();
        let sealed = keys.seal(&SecretString::from(ticket.to_string()), b"events-ticket");
        BASE64_URL_SAFE_NO_PAD.encode(sealed)
    };
    let late = by_ticket(scene.base(), &seal(Clock::system().now() - TimeDelta::seconds(1)));
    assert_problem(&unopened(late).await, 401, "unauthenticated");
    drop(
        Stream::by_ticket(scene.base(), &seal(Clock::system().now() + TimeDelta::seconds(30)))
            .await,
    );
}

#[on_every_home]
async fn a_streamed_preview_ends_with_the_access_that_opened_it(home: &Home) {
    let model = FakeOpenAi::start().await;
    model.answer(|_| Reply::text("You have 30 days [1]."));
    let launch = with_model(home.launch(), &model);
    let shop = home.open_with(launch).await;
    shop.learn("returns.en.md").await;
    let member = Person::member(home, &shop, "member@example.org", Role::Admin).await;
    // The model has not said a word when the member is removed.
    model.inject(ModelFault::DelayFirst(Duration::from_secs(15)));
    let path = format!("/api/v1/assistants/{}/preview", shop.assistant);
    let request = member.api.request(Method::POST, &path).header("accept", "text/event-stream");
    let body = json!({"text": "How many days do I have to return an item?"});
    let mut stream = Stream::begin(request.json(&body)).await;
    stream.shows("event: prompt").await;
    shop.owner.delete(&format!("/api/v1/members/{}", member.id)).await.expect(204);
    let rest = stream.rest().await;
    assert!(rest.contains("event: bye") && !rest.contains("30 days"), "{rest}");
    assert!(!rest.contains("event: done") && !rest.contains("event: delta"), "{rest}");
}

/// A request of which the program has begun to read the body, and no byte of it has been sent.
struct Unsent {
    connection: TcpStream,
    body: String,
}

impl Unsent {
    async fn begin(who: &Api, path: &str, key: &str, body: &Value) -> Self {
        let base = who.base().trim_start_matches("http://").to_owned();
        let mut connection = TcpStream::connect(&base).await.unwrap();
        let body = body.to_string();
        let token = who.token().unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {base}\r\nAuthorization: Bearer {token}\r\n\
             Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Expect: 100-continue\r\nConnection: close\r\n\r\n",
            body.len(),
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut seen = [0; 25];
        timeout_at(Instant::now() + PATIENCE, connection.read_exact(&mut seen))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&seen, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self { connection, body }
    }

    /// Sends the body, and returns the answer.
    async fn finish(mut self) -> String {
        self.connection.write_all(self.body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = self.connection.read_to_string(&mut answer);
        timeout_at(Instant::now() + PATIENCE, read).await.unwrap().unwrap();
        answer
    }
}

#[on_every_home]
async fn a_request_that_is_on_its_way_is_not_done_once_the_access_has_ended(home: &Home) {
    let scene = Scene::set(home, Role::Admin).await;
    let path = "/api/v1/assistants";
    let body = json!({"name": "Late"});
    let session = Api::new(scene.base()).login("member@example.org", PASSWORD).await;
    let (key, id) = {
        let scopes = json!({"name": "Key", "scopes": ["assistants:write"]});
        let made = scene.shop.owner.post("/api/v1/api-keys", &scopes).await.expect(201);
        (session.with_token(made.text("key")), made.text("id"))
    };
    // Answered before, so there is a stored answer, which holds an id.
    let stored = key.request(Method::POST, path).header("idempotency-key", "known").json(&body);
    let stored = key.send(stored).await.expect(201).text("id");

    let in_time = Unsent::begin(&key, path, "in-time", &body).await.finish().await;
    assert!(in_time.starts_with("HTTP/1.1 201"), "{in_time}");
    let late = Unsent::begin(&key, path, "late", &body).await;
    let known = Unsent::begin(&key, path, "known", &body).await;
    scene.shop.owner.delete(&format!("/api/v1/api-keys/{id}")).await.expect(204);
    for answer in [late.finish().await, known.finish().await] {
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert!(!answer.contains(&stored), "{answer}");
    }
    let assistants = scene.shop.owner.get(path).await.expect(200).body;
    let late = assistants["items"].as_array().unwrap().iter();
    assert_eq!(late.filter(|assistant| assistant["name"] == "Late").count(), 2);

    let own = Unsent::begin(&session, path, "own", &body).await;
    session.post("/api/v1/auth/logout", &json!({})).await.expect(204);
    let answer = own.finish().await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[on_every_home]
async fn a_bot_is_not_registered_for_a_member_who_was_removed_while_telegram_was_asked(
    home: &Home,
) {
    let scene = Scene::set(home, Role::Admin).await;
    // The scene has one of its own.
    let bots = scene.shop.owner.get("/api/v1/bots").await.expect(200).body["items"].clone();
    let token = "4002:another-token-of-thirty-characters-or-so";
    home.telegram.add_bot(token, "second_bot");
    home.telegram.inject(TelegramFault::Delay(Duration::from_secs(5)).on("getMe").of_bot(token));
    let path = format!("/api/v1/assistants/{}/bots", scene.shop.assistant);
    let member = scene.member.api.clone();
    let asking = tokio::spawn(async move { member.post(&path, &json!({"token": token})).await });

    until("Telegram is asked", async || (home.telegram.faults_left() == 0).then_some(())).await;
    scene.shop.owner.delete(&scene.member_path()).await.expect(204);
    assert_problem(&asking.await.unwrap(), 404, "not_found");
    assert_eq!(scene.shop.owner.get("/api/v1/bots").await.expect(200).body["items"], bots);
}

async fn refused(who: &Api, detail: &str) {
    let answer = unopened_by(who).await;
    assert_problem(&answer, 429, "too_many_streams");
    assert!(answer.body["detail"].as_str().unwrap().contains(detail), "{}", answer.body);
    let after: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(after > 0);
}

/// Opens a stream as soon as there is a place.
async fn opens(who: &Api, patience: Duration) -> Stream {
    let deadline = Instant::now() + patience;
    loop {
        let response = who.request(Method::GET, STREAM).send().await.unwrap();
        if response.status() == 200 {
            return Stream { response, text: String::new() };
        }
        assert_eq!(response.status(), 429);
        assert!(Instant::now() < deadline, "no place was given back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[on_every_home]
async fn streams_are_bounded_by_user_by_key_and_by_workspace(home: &Home) {
    let launch = home.launch().with("STREAMS_PER_USER", 2).with("STREAMS_PER_WORKSPACE", 5);
    let shop = home.open_with(launch).await;
    let first = Stream::open(&shop.owner).await;
    let ticket = shop.owner.post(TICKET, &Value::Null).await.expect(201).text("ticket");
    let second = Stream::by_ticket(shop.program.base(), &ticket).await;
    refused(&shop.owner, "you have").await;
    let again = Api::new(shop.program.base()).login(crate::harness::EMAIL, PASSWORD).await;
    refused(&again, "you have").await;

    // A key counts for itself.
    let body = json!({"name": "Key", "scopes": ["events:read"]});
    let key = shop.owner.post("/api/v1/api-keys", &body).await.expect(201);
    let program = Api::new(shop.program.base()).with_token(key.text("key"));
    let third = Stream::open(&program).await;
    let fourth = Stream::open(&program).await;
    refused(&program, "you have").await;
    let member = Person::member(home, &shop, "member@example.org", Role::Viewer).await;
    let fifth = Stream::open(&member.api).await;
    refused(&member.api, "workspace").await;
    assert!(shop.metric("streams_refused_total", &["user"]).await > 2.5);
    assert!(shop.metric("streams_refused_total", &["workspace"]).await > 0.5);
    assert!(shop.metric("sse_connections", &[]).await > 4.5);

    // A reader that goes gives its place back, and so does one that is cut off.
    drop(first);
    let sixth = opens(&shop.owner, PATIENCE).await;
    shop.owner.delete(&format!("/api/v1/api-keys/{}", key.text("id"))).await.expect(204);
    third.must_be_over().await;
    fourth.must_be_over().await;
    let seventh = opens(&member.api, PATIENCE).await;
    drop((second, fifth, sixth, seventh));
    until("all places are free", async || {
        (shop.metric("sse_connections", &[]).await < 0.5).then_some(())
    })
    .await;

    // An admin changes the bound while the program runs.
    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let request = root.request(Method::PUT, "/api/v1/admin/settings/streams_per_user");
    root.send(request.json(&json!({"value": 1}))).await.expect(200);
    let _last = opens(&shop.owner, PATIENCE).await;
    refused(&shop.owner, "you have").await;
}

#[on_every_home]
async fn a_reader_that_cannot_be_told_everything_is_told_so(home: &Home) {
    let scene = Scene::set(home, Role::Viewer).await;
    let place: Uuid = workspace(&scene.shop).await.parse().unwrap();
    let place = WorkspaceId::from(place);
    let head = async || {
        let mut tx = home.db.db.read().await.unwrap();
        tx.workspace(place).events().head().await.unwrap()
    };
    let begin = async |last: i64| {
        let request = scene.shop.owner.request(Method::GET, STREAM);
        let mut stream = Stream::begin(request.header("last-event-id", last.to_string())).await;
        stream.shows("retry: ").await;
        stream
    };
    let young = head().await;
    let mut beyond = begin(young + 1_000).await;
    beyond.shows("event: reset\n").await;
    scene.says("Hello there");
    beyond.shows("Hello there").await;
    let mut at_the_end = begin(young).await;
    at_the_end.shows("Hello there").await;
    assert!(!at_the_end.text.contains("event: reset"));

    scene.all_is_said(home).await;
    let clock = Clock::system();
    let mut tx = home.db.db.begin().await.unwrap();
    for seq in 0..10_001 {
        let event = Event::MessageStored {
            dialog_id: clock.id(),
            message_id: clock.id(),
            seq,
            author: Author::Customer,
            text: Some("old".to_owned()),
        };
        tx.apply(fixtures::event(place, event, clock.now())).await.unwrap();
    }
    tx.commit().await.unwrap();
    let now = head().await;
    let mut behind = begin(now - 10_001).await;
    behind.shows(&format!("id: {now}\nevent: reset\n")).await;
    assert!(!behind.text.contains("\"old\""));
    let mut last_replayed = begin(now - 10_000).await;
    last_replayed.shows(&format!("id: {}\n", now - 9_999)).await;
    assert!(!last_replayed.text.contains("event: reset"));
}

/// Two processes on one installation.
struct Pair {
    scene: Scene,
    other: Program,
    _folder: TempDir,
}

impl Pair {
    /// The second process reaches Redis by this address.
    async fn start(home: &Home, redis: Option<String>, bounds: &[(&str, u32)]) -> Self {
        let launch =
            bounds.iter().fold(home.launch(), |launch, (name, most)| launch.with(name, most));
        let bot = home.bot();
        let shop = home.open_with(launch.clone()).await;
        shop.connect().await;
        let member = Person::member(home, &shop, "member@example.org", Role::Admin).await;
        let folder = tempfile::tempdir().unwrap();
        // It answers HTTP only, so that the first one does all other work.
        let mut second = launch.data(folder.path()).arg("--role").arg("http");
        if let Some(redis) = redis {
            second = second.with("REDIS_URL", redis);
        }
        let other = second.start().await;
        Self {
            scene: Scene { shop, bot, member, said: AtomicUsize::new(0) },
            other,
            _folder: folder,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_revoked_at_one_process_ends_the_streams_of_the_other() {
    let home = Home::postgres().await;
    let Pair { scene, other, _folder } = Pair::start(&home, None, &[]).await;
    let there = |who: &Api| who.at(other.base());
    let root = scene.root(&home).await;
    let here = workspace(&scene.shop).await;
    let (key, key_id) = scene.key(&scene.shop.owner).await;
    let (own_key, _) = scene.key(&scene.member.api).await;
    let again = Api::new(scene.base()).login("member@example.org", PASSWORD).await;
    let session = again.in_workspace(&here);

    let stream = Stream::open(&there(&key)).await;
    let path = format!("/api/v1/api-keys/{key_id}");
    scene
        .ends(&home, stream, async || drop(scene.shop.owner.delete(&path).await.expect(204)))
        .await;

    let stream = Stream::open(&there(&session)).await;
    scene
        .ends(&home, stream, async || {
            session.post("/api/v1/auth/logout", &json!({})).await.expect(204);
        })
        .await;

    let member = scene.member_path();
    let ticket = there(&scene.member.api).post(TICKET, &Value::Null).await.expect(201);
    let streams = vec![
        Stream::open(&there(&scene.member.api)).await,
        Stream::open(&there(&own_key)).await,
        Stream::by_ticket(other.base(), &ticket.text("ticket")).await,
    ];
    scene
        .ends_all(&home, streams, async || {
            scene.shop.owner.patch(&member, &json!({"suspended": true})).await.expect(200);
        })
        .await;
    scene.shop.owner.patch(&member, &json!({"suspended": false})).await.expect(200);

    // The other process has read that they are suspended; now it is told that they are not.
    let mut streams = Vec::new();
    for who in [&scene.member.api, &own_key] {
        streams.push(opens_at_last(&there(who)).await);
    }
    scene
        .ends_all(&home, streams, async || drop(scene.shop.owner.delete(&member).await.expect(204)))
        .await;
    assert_problem(&there(&own_key).get("/api/v1/dialogs").await, 401, "unauthenticated");

    let stream = Stream::open(&there(&scene.shop.owner)).await;
    let path = format!("/api/v1/admin/workspaces/{here}/suspend");
    scene.ends(&home, stream, async || drop(root.post(&path, &json!({})).await.expect(200))).await;
}

/// Opens a stream as soon as the process knows that it may.
async fn opens_at_last(who: &Api) -> Stream {
    until("the process knows of the access", async || {
        (who.get("/api/v1/dialogs").await.status == 200).then_some(())
    })
    .await;
    Stream::open(who).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_hears_nothing_sends_nothing_to_who_lost_their_access() {
    let home = Home::postgres().await;
    let redis = home.redis.clone().unwrap();
    let address = redis.trim_start_matches("redis://").split('/').next().unwrap();
    let proxy = BreakingProxy::to(address.parse().unwrap()).unwrap();
    let Pair { scene, other, _folder } =
        Pair::start(&home, Some(format!("redis://{}", proxy.addr())), &[]).await;
    let (own_key, _) = scene.key(&scene.member.api).await;
    let streams = vec![
        Stream::open(&scene.member.api.at(other.base())).await,
        Stream::open(&own_key.at(other.base())).await,
    ];
    scene
        .ends_all(&home, streams, async || {
            // From now on the other process is told nothing, and does not notice that it is not.
            proxy.stall();
            scene.shop.owner.delete(&scene.member_path()).await.expect(204);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn places_are_shared_by_processes_and_a_killed_one_gives_its_places_back() {
    let home = Home::postgres().await;
    let bounds = [("STREAMS_PER_USER", 2), ("STREAMS_PER_WORKSPACE", 3)];
    let Pair { scene, other, _folder } = Pair::start(&home, None, &bounds).await;
    let owner = &scene.shop.owner;
    let there = owner.at(other.base());
    let here = Stream::open(owner).await;
    let _first = Stream::open(&there).await;
    refused(owner, "you have").await;
    refused(&there, "you have").await;
    let ticket = owner.post(TICKET, &Value::Null).await.expect(201).text("ticket");
    let answer = unopened(by_ticket(other.base(), &ticket)).await;
    assert_problem(&answer, 429, "too_many_streams");
    // It was used up all the same, at whichever process.
    let answer = unopened(by_ticket(scene.base(), &ticket)).await;
    assert_problem(&answer, 401, "unauthenticated");
    let _third = Stream::open(&scene.member.api.at(other.base())).await;
    refused(&scene.member.api, "workspace").await;

    other.kill().await;
    // What nobody keeps ends by itself, after 45 seconds.
    let _back = opens(owner, Duration::from_mins(2)).await;
    // The place of a stream that lives was kept all the time.
    refused(owner, "you have").await;
    drop(here);
}
