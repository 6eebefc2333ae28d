//! A web site whose pages are written by a test, and whose servers misbehave in every way that
//! matters to a crawler.
//!
//! [`FakeSite::start`] is the way in; [`FakeSite::set`] puts a [`Reply`] at a path. What nobody set
//! is 404. Every request is remembered, up to a bound.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};

use crate::net::{Connection, Server};

/// So many requests are remembered.
const HISTORY: usize = 20_000;

/// What stands at a path.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Content,
    delay: Duration,
}

#[derive(Clone, Debug)]
enum Content {
    Whole(Bytes),
    /// Without end.
    Endless,
    /// A byte, then a pause, then a byte.
    Drip(Bytes, Duration),
    /// The connection breaks after the first half.
    Torn(Bytes),
    /// Nothing ever comes, not even headers.
    Silence,
}

impl Reply {
    /// A page of HTML.
    pub fn html(body: impl Into<String>) -> Self {
        Self::of("text/html; charset=utf-8", body.into().into_bytes())
    }

    /// Any bytes.
    pub fn of(content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { body: Content::Whole(body.into()), ..Self::status(200) }
            .header("content-type", content_type)
    }

    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Content::Whole(Bytes::new()),
            delay: Duration::ZERO,
        }
    }

    /// 302 to another place.
    pub fn redirect(target: &str) -> Self {
        Self::status(302).header("location", target)
    }

    /// A body without end.
    pub fn endless() -> Self {
        Self { body: Content::Endless, ..Self::html("") }
    }

    /// A body that comes a byte at a time.
    pub fn drip(body: impl Into<Bytes>, pause: Duration) -> Self {
        Self { body: Content::Drip(body.into(), pause), ..Self::html("") }
    }

    /// A body that breaks off half-way.
    pub fn torn(body: impl Into<Bytes>) -> Self {
        Self { body: Content::Torn(body.into()), ..Self::html("") }
    }

    /// No answer at all.
    pub fn silence() -> Self {
        Self { body: Content::Silence, ..Self::status(200) }
    }

    /// Another header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A name for this state of the page; who shows it is told that nothing changed.
    #[must_use]
    pub fn etag(self, value: &str) -> Self {
        self.header("etag", value)
    }

    /// Waits before answering.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// A request that was made.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The path with its query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// When it came.
    pub at: Instant,
    /// What it was answered with.
    pub status: u16,
}

#[derive(Default)]
struct World {
    replies: Mutex<HashMap<String, Vec<Reply>>>,
    hits: Mutex<Vec<Hit>>,
}

/// A running site. It ends when this is dropped.
pub struct FakeSite {
    world: Arc<World>,
    server: Server,
}

impl FakeSite {
    /// Starts a site without pages on a free port of 127.0.0.1.
    pub async fn start() -> io::Result<Self> {
        let world = Arc::<World>::default();
        let router = Router::new().fallback(serve).with_state(Arc::clone(&world));
        let server = Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), router).await?;
        Ok(Self { world, server })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr())
    }

    /// Puts an answer at a path with its query.
    pub fn set(&self, path: &str, reply: Reply) {
        self.script(path, vec![reply]);
    }

    /// Puts answers at a path that are given one after another; the last one stays.
    pub fn script(&self, path: &str, mut replies: Vec<Reply>) {
        replies.reverse();
        lock(&self.world.replies).insert(path.to_owned(), replies);
    }

    /// Takes away what stands at a path.
    pub fn remove(&self, path: &str) {
        lock(&self.world.replies).remove(path);
    }

    /// The requests so far.
    pub fn hits(&self) -> Vec<Hit> {
        lock(&self.world.hits).clone()
    }

    /// The paths that were asked for, without `robots.txt`.
    pub fn paths(&self) -> Vec<String> {
        let paths = self.hits().into_iter().map(|hit| hit.path);
        paths.filter(|path| path != "/robots.txt").collect()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        lock(&self.world.hits).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn next_reply(world: &World, path: &str) -> Reply {
    let mut replies = lock(&world.replies);
    match replies.get_mut(path) {
        Some(script) if script.len() > 1 => script.pop().unwrap_or_else(|| Reply::status(404)),
        Some(script) => script.last().cloned().unwrap_or_else(|| Reply::status(404)),
        None => Reply::status(404),
    }
}

async fn serve(
    State(world): State<Arc<World>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let reply = next_reply(&world, &path);
    let unchanged = is_unchanged(&reply, request.headers());
    let status = if unchanged { 304 } else { reply.status };
    {
        let mut hits = lock(&world.hits);
        if hits.len() < HISTORY {
            let headers = request.headers().clone();
            hits.push(Hit { path, headers, at: Instant::now(), status });
        }
    }

    tokio::time::sleep(reply.delay).await;
    let body = if unchanged { Body::empty() } else { body(reply.body, connection).await };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body).into_response();
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) =
            (header::HeaderName::from_bytes(name.as_bytes()), value.parse())
        {
            response.headers_mut().append(name, value);
        }
    }

    response
}

/// Whether the client shows what the page says of itself.
fn is_unchanged(reply: &Reply, request: &HeaderMap) -> bool {
    let own =
        |name: &str| reply.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let shown = |name: header::HeaderName| request.get(name).and_then(|value| value.to_str().ok());
    match (own("etag"), own("last-modified")) {
        (Some(etag), _) => shown(header::IF_NONE_MATCH) == Some(etag),
        (None, Some(time)) => shown(header::IF_MODIFIED_SINCE) == Some(time),
        (None, None) => false,
    }
}

async fn body(content: Content, connection: Connection) -> Body {
    match content {
        Content::Whole(bytes) => Body::from(bytes),
        Content::Endless => {
            let piece = Bytes::from(vec![b'x'; 64 * 1024]);
            Body::from_stream(stream::repeat_with(move || Ok::<_, io::Error>(piece.clone())))
        }
        Content::Drip(bytes, pause) => {
            let pieces = stream::iter(bytes).then(move |byte| async move {
                tokio::time::sleep(pause).await;
                Ok::<_, io::Error>(Bytes::copy_from_slice(&[byte]))
            });
            Body::from_stream(pieces)
        }
        Content::Torn(bytes) => {
            let half = bytes.slice(..bytes.len() / 2);
            let pieces = stream::once(async move { Ok::<_, io::Error>(half) });
            let end = stream::once(async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                connection.cut();
                std::future::pending().await
            });
            Body::from_stream(pieces.chain(end))
        }
        Content::Silence => std::future::pending().await,
    }
}
