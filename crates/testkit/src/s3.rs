//! A strict S3-compatible store in memory: one bucket, addressed by path.
//!
//! [`FakeS3::start`] is the way in; [`FakeS3::url`] is what `FILES_URL` takes. Every request must
//! be signed (Signature Version 4 in the `Authorization` header, over the hash of the body), within
//! 15 minutes of this machine's clock, and name every `x-amz-` header and the host in what is
//! signed. What a real store refuses is refused with its status and code.

use std::{
    collections::BTreeMap,
    fmt::Write,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::net::Server;

/// Who may use the bucket. The key has characters that a URL must encode.
const ACCESS_KEY: &str = "AKIAFAKE";
const SECRET_KEY: &str = "fake/secret+key=1";
const REGION: &str = "eu-test-1";
const BUCKET: &str = "replyx-test";
/// The largest object, bytes.
const LARGEST: usize = 64 << 20;
/// How far clocks may differ, seconds.
const SKEW: u64 = 15 * 60;

#[derive(Default)]
struct World {
    objects: Mutex<BTreeMap<String, Bytes>>,
    failures: Mutex<Vec<u16>>,
    requests: Mutex<Vec<(String, u16)>>,
}

/// A running store. It ends when this is dropped.
pub struct FakeS3 {
    world: Arc<World>,
    server: Server,
}

impl FakeS3 {
    /// Starts an empty store on a free port of 127.0.0.1.
    pub async fn start() -> io::Result<Self> {
        let world = Arc::<World>::default();
        let router = Router::new().fallback(serve).with_state(Arc::clone(&world));
        let server = Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), router).await?;
        Ok(Self { world, server })
    }

    /// Its address with its keys, as `FILES_URL` takes it; the files go under `prefix`.
    pub fn url(&self, prefix: &str) -> String {
        let addr = self.server.addr();
        format!(
            "http://{ACCESS_KEY}:fake%2Fsecret%2Bkey%3D1@{addr}/{BUCKET}{prefix}?region={REGION}"
        )
    }

    /// All objects: keys and sizes.
    pub fn objects(&self) -> Vec<(String, usize)> {
        let objects = lock(&self.world.objects);
        objects.iter().map(|(key, bytes)| (key.clone(), bytes.len())).collect()
    }

    /// Puts an object there, past the signature.
    pub fn set(&self, key: &str, bytes: impl Into<Bytes>) {
        lock(&self.world.objects).insert(key.to_owned(), bytes.into());
    }

    /// Takes an object away.
    pub fn remove(&self, key: &str) {
        lock(&self.world.objects).remove(key);
    }

    /// Answers the next so many requests with this status.
    pub fn fail(&self, times: usize, status: u16) {
        *lock(&self.world.failures) = vec![status; times];
    }

    /// The requests so far: method with path, and what they were answered with.
    pub fn requests(&self) -> Vec<(String, u16)> {
        lock(&self.world.requests).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A refusal: status and code.
type Refusal = (StatusCode, &'static str);

const DENIED: Refusal = (StatusCode::FORBIDDEN, "AccessDenied");
const WRONG: Refusal = (StatusCode::FORBIDDEN, "SignatureDoesNotMatch");

async fn serve(State(world): State<Arc<World>>, request: Request) -> Response {
    let asked = format!("{} {}", request.method(), request.uri().path());
    let response = answer(&world, request).await;
    lock(&world.requests).push((asked, response.status().as_u16()));
    response
}

async fn answer(world: &World, request: Request) -> Response {
    if let Some(status) = lock(&world.failures).pop() {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return refuse((status, "InternalError"));
    }
    let (head, body) = request.into_parts();
    if head.method == Method::PUT && !head.headers.contains_key("content-length") {
        return refuse((StatusCode::LENGTH_REQUIRED, "MissingContentLength"));
    }
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return refuse((StatusCode::BAD_REQUEST, "EntityTooLarge"));
    };
    let path = head.uri.path();
    let query = head.uri.query().unwrap_or_default();
    if let Err(refusal) = verify(&head.method, path, query, &head.headers, &body) {
        return refuse(refusal);
    }

    let Some(rest) = path.strip_prefix(&format!("/{BUCKET}")) else {
        return refuse((StatusCode::NOT_FOUND, "NoSuchBucket"));
    };
    let key = rest.trim_start_matches('/');
    match (head.method, key) {
        (Method::GET, "") => list(&lock(&world.objects), query),
        (Method::PUT, key) if !key.is_empty() => {
            lock(&world.objects).insert(key.to_owned(), body);
            StatusCode::OK.into_response()
        }
        (Method::GET, key) => match lock(&world.objects).get(key) {
            Some(bytes) => bytes.clone().into_response(),
            None => refuse((StatusCode::NOT_FOUND, "NoSuchKey")),
        },
        (Method::DELETE, key) if !key.is_empty() => {
            lock(&world.objects).remove(key);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => refuse((StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed")),
    }
}

fn refuse((status, code): Refusal) -> Response {
    let body =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code></Error>");
    (status, [("content-type", "application/xml")], body).into_response()
}

/// `ListObjectsV2`.
fn list(objects: &BTreeMap<String, Bytes>, query: &str) -> Response {
    let parts: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).collect();
    let known = ["list-type", "max-keys", "prefix", "start-after"];
    if parts.get("list-type").is_none_or(|version| version != "2")
        || parts.keys().any(|name| !known.contains(&name.as_ref()))
    {
        return refuse((StatusCode::BAD_REQUEST, "InvalidArgument"));
    }
    let most = parts.get("max-keys").and_then(|most| most.parse().ok()).unwrap_or(1_000);
    let prefix = parts.get("prefix").map_or("", AsRef::as_ref);
    let after = parts.get("start-after").map_or("", AsRef::as_ref);

    let found = objects.keys().filter(|key| key.starts_with(prefix) && key.as_str() > after);
    let mut entries = String::new();
    for key in found.take(usize::min(most, 1_000)) {
        let _ = write!(entries, "<Contents><Key>{key}</Key><Size>1</Size></Contents>");
    }
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult><Name>{BUCKET}</Name>\
         <Prefix>{prefix}</Prefix>{entries}</ListBucketResult>"
    );
    ([("content-type", "application/xml")], body).into_response()
}

fn verify(
    method: &Method,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let given = header("authorization").ok_or(DENIED)?;
    let given = given.strip_prefix("AWS4-HMAC-SHA256 ").ok_or(DENIED)?;
    let fields: BTreeMap<_, _> =
        given.split(',').filter_map(|field| field.trim().split_once('=')).collect();
    let field = |name: &str| fields.get(name).copied().ok_or(DENIED);

    let time = header("x-amz-date").ok_or(DENIED)?;
    let day = time.get(..8).ok_or(DENIED)?;
    let skew = seconds(time).ok_or(DENIED)?.abs_diff(now());
    if skew > SKEW {
        return Err((StatusCode::FORBIDDEN, "RequestTimeTooSkewed"));
    }
    let scope = format!("{day}/{REGION}/s3/aws4_request");
    if field("Credential")? != format!("{ACCESS_KEY}/{scope}") {
        return Err((StatusCode::FORBIDDEN, "InvalidAccessKeyId"));
    }

    let hash = header("x-amz-content-sha256").ok_or((StatusCode::BAD_REQUEST, "InvalidRequest"))?;
    if hash != hex(&Sha256::digest(body)) {
        return Err((StatusCode::BAD_REQUEST, "XAmzContentSHA256Mismatch"));
    }

    let names: Vec<&str> = field("SignedHeaders")?.split(';').collect();
    let must =
        headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-amz-"));
    if !names.is_sorted() || must.chain(["host"]).any(|name| !names.contains(&name)) {
        return Err(WRONG);
    }
    let mut lines = String::new();
    for name in &names {
        let value = header(name).ok_or(WRONG)?;
        lines.extend([*name, ":", value.trim(), "\n"]);
    }
    let mut parts: Vec<(&str, &str)> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .collect();
    parts.sort_unstable();
    let parts: Vec<String> = parts.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let canonical =
        [method.as_str(), path, &parts.join("&"), &lines, &names.join(";"), hash].join("\n");

    let text = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let mut key = format!("AWS4{SECRET_KEY}").into_bytes();
    for step in [day, REGION, "s3", "aws4_request", &text] {
        key = mac(&key, step);
    }
    if field("Signature")? == hex(&key) { Ok(()) } else { Err(WRONG) }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // A string takes whatever is written into it.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "a server of others has its own clock")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// The seconds since 1970 of `20261130T091500Z`.
fn seconds(time: &str) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| time.get(range)?.parse::<u64>().ok();
    if time.len() != 16 || &time[8..9] != "T" || !time.ends_with('Z') {
        return None;
    }
    let year = number(0..4)?;
    let month = number(4..6)?;
    // Days from a year that begins in March, so that the leap day is the last one.
    let shifted = if month > 2 { year } else { year - 1 };
    let from_march = (month + 9) % 12;
    let days = shifted * 365 + shifted / 4 - shifted / 100
        + shifted / 400
        + (from_march * 153 + 2) / 5
        + number(6..8)?;
    let since = days.checked_sub(719_469)?;
    Some(since * 86_400 + number(9..11)? * 3_600 + number(11..13)? * 60 + number(13..15)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        assert_eq!(seconds("19700101T000000Z"), Some(0));
        assert_eq!(seconds("20240229T120000Z"), Some(1_709_208_000));
        assert_eq!(seconds("20261130T091500Z"), Some(1_796_030_100));
        assert_eq!(seconds("2026-11-30T09:15"), None);
    }
}
