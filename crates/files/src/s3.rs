//! Files in a bucket of an S3-compatible store, addressed by path.

use std::time::Duration;

use bytes::Bytes;
use quick_xml::{Reader, events::Event};
use replyx_core::clock::Clock;
use replyx_tls::Protocols;
use reqwest::{Client, Method, Response, StatusCode, redirect::Policy};
use secrecy::SecretString;
use tokio::time::sleep;
use url::Url;

use crate::{
    FilesError, Key,
    signature::{Signed, Signer, encode, query},
};

/// How long one request may take.
const CONNECT: Duration = Duration::from_secs(5);
const TOTAL: Duration = Duration::from_secs(30);
/// Every operation may be repeated: it leads to the same.
const ATTEMPTS: u32 = 3;
const AGAIN: Duration = Duration::from_millis(200);
/// The longest answer that is read where no file is expected, bytes: a page of the list has a
/// thousand keys.
const ANSWER: usize = 4 << 20;

/// Where a bucket is, and who may use it.
#[derive(Clone, Debug)]
pub struct S3Address {
    endpoint: Url,
    bucket: String,
    /// Empty, or ends in `/`.
    prefix: String,
    signer: Signer,
}

impl S3Address {
    /// Reads `https://KEY:SECRET@HOST/BUCKET[/PREFIX][?region=REGION]`.
    ///
    /// # Errors
    ///
    /// A sentence, without the secret, that says what is missing.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "it is not a URL")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(
                "it must begin with `https://`, `http://`, or `file:///`, or be `database`",
            );
        }
        let access_key = decode(url.username()).ok_or("the access key is not valid UTF-8")?;
        let secret_key = decode(url.password().unwrap_or_default());
        let secret_key = secret_key.ok_or("the secret key is not valid UTF-8")?;
        if access_key.is_empty() || secret_key.is_empty() {
            return Err(
                "it needs the access key and the secret key: `https://KEY:SECRET@HOST/BUCKET`",
            );
        }

        let mut path = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty());
        let bucket = path.next().ok_or("it names no bucket: `https://KEY:SECRET@HOST/BUCKET`")?;
        let prefix: String = path.flat_map(|part| [part, "/"]).collect();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
        if !bucket.chars().all(plain) || !prefix.chars().all(plain) {
            return Err("bucket and prefix may have letters, digits, `-`, `.` and `_`");
        }

        let mut region = "us-east-1".to_owned();
        for (name, value) in url.query_pairs() {
            match &*name {
                "region" => region = value.into_owned(),
                _ => return Err("it may have one parameter, `region`"),
            }
        }

        let bucket = bucket.to_owned();
        let mut endpoint = url;
        endpoint.set_path("");
        endpoint.set_query(None);
        let cleared = endpoint.set_username("").and_then(|()| endpoint.set_password(None));
        cleared.map_err(|()| "it has no host")?;
        let signer = Signer { access_key, secret_key: SecretString::from(secret_key), region };
        Ok(Self { endpoint, bucket, prefix, signer })
    }

    /// `Host` as it is sent.
    fn host(&self) -> String {
        let host = self.endpoint.host_str().unwrap_or_default();
        self.endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

fn decode(text: &str) -> Option<String> {
    // A form without `=` is one name; `+` stands for itself in the user part of a URL.
    let text = text.replace('+', "%2B");
    let (decoded, _) = url::form_urlencoded::parse(text.as_bytes()).next().unwrap_or_default();
    (!decoded.contains('\u{fffd}')).then(|| decoded.into_owned())
}

#[derive(Debug)]
pub(crate) struct S3 {
    address: S3Address,
    clock: Clock,
    http: Client,
}

impl S3 {
    pub(crate) fn new(address: S3Address, clock: Clock) -> Result<Self, FilesError> {
        let mut builder = replyx_tls::client(Protocols::Any)
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .redirect(Policy::none())
            // A stored file is what was written, whatever the store thinks of compression.
            .no_gzip()
            .pool_idle_timeout(Duration::from_secs(30));
        let is_loopback = match address.endpoint.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if is_loopback {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| FilesError::Setup(error.without_url()))?;
        Ok(Self { address, clock, http })
    }

    pub(crate) fn description(&self) -> String {
        let S3Address { bucket, prefix, .. } = &self.address;
        format!("`{bucket}/{prefix}` at {}", self.address.host())
    }

    pub(crate) async fn put(&self, key: Key, bytes: Vec<u8>) -> Result<(), FilesError> {
        let response = self.send(Method::PUT, Some(key), &[], bytes).await?;
        done(response).await.map(drop)
    }

    /// Reads no more than what goes beyond `size` by a piece of the answer.
    pub(crate) async fn read(&self, key: Key, size: u64) -> Result<Option<Vec<u8>>, FilesError> {
        let response = self.send(Method::GET, Some(key), &[], Vec::new()).await?;
        if response.status() == StatusCode::NOT_FOUND {
            let refused = refusal(response).await;
            // A bucket that is not there is no missing file.
            return match refused {
                FilesError::Refused { code, .. } if code == "NoSuchKey" || code.is_empty() => {
                    Ok(None)
                }
                refused => Err(refused),
            };
        }
        let response = done(response).await?;
        read_up_to(response, usize::try_from(size).unwrap_or(usize::MAX)).await.map(Some)
    }

    pub(crate) async fn delete(&self, key: Key) -> Result<(), FilesError> {
        let response = self.send(Method::DELETE, Some(key), &[], Vec::new()).await?;
        done(response).await.map(drop)
    }

    /// A page that holds nothing but objects of others is not the end: what comes after it is asked
    /// for until there is one that we asked for, or nothing.
    pub(crate) async fn list(&self, after: Option<Key>) -> Result<Vec<Key>, FilesError> {
        let prefix = self.address.prefix.as_str();
        let mut after = after.map(|key| format!("{prefix}{}", key.path()));
        loop {
            let names = self.names(after.as_deref()).await?;
            let own = names.iter().filter_map(|name| Key::parse(name.strip_prefix(prefix)?));
            let own: Vec<Key> = own.collect();
            if !own.is_empty() || names.is_empty() {
                return Ok(own);
            }
            after = names.into_iter().next_back();
        }
    }

    /// Up to a thousand names of objects that come after this one, in order.
    async fn names(&self, after: Option<&str>) -> Result<Vec<String>, FilesError> {
        let mut parts = vec![
            ("list-type", "2".to_owned()),
            ("max-keys", "1000".to_owned()),
            ("prefix", self.address.prefix.clone()),
        ];
        parts.extend(after.map(|name| ("start-after", name.to_owned())));

        let response = self.send(Method::GET, None, &parts, Vec::new()).await?;
        let response = done(response).await?;
        let text = text(response).await?;
        elements(&text, "Key").map_err(FilesError::List)
    }

    /// Sends a signed request, again when the store fails for a moment.
    async fn send(
        &self,
        method: Method,
        key: Option<Key>,
        parts: &[(&str, String)],
        body: Vec<u8>,
    ) -> Result<Response, FilesError> {
        let S3Address { bucket, prefix, signer, .. } = &self.address;
        let object = key.map_or_else(String::new, |key| format!("/{prefix}{}", key.path()));
        let path = format!("/{}{object}", encode(bucket));
        let mut url = self.address.endpoint.clone();
        url.set_path(&path);
        if !parts.is_empty() {
            url.set_query(Some(&query(parts)));
        }

        let body = Bytes::from(body);
        let mut attempt = 1;
        loop {
            let headers = [("host", self.address.host())];
            let signed = Signed {
                method: method.as_str(),
                path: url.path(),
                query: parts,
                headers: &headers,
                body: &body,
                now: self.clock.now(),
            };
            let mut request = self.http.request(method.clone(), url.clone()).body(body.clone());
            if method == Method::PUT && body.is_empty() {
                // An empty body is sent without a length of its own accord, and refused.
                request = request.header("content-length", "0");
            }
            for (name, value) in signer.sign(&signed) {
                request = request.header(name, value);
            }
            let failed = match request.send().await {
                Ok(response) if !is_passing(response.status()) => return Ok(response),
                Ok(response) => Ok(response),
                Err(error) => Err(unreachable(error)),
            };
            if attempt == ATTEMPTS {
                return failed;
            }
            sleep(AGAIN * attempt).await;
            attempt += 1;
        }
    }
}

async fn done(response: Response) -> Result<Response, FilesError> {
    if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
}

fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

fn unreachable(error: reqwest::Error) -> FilesError {
    FilesError::Unreachable(error.without_url())
}

/// What a store says when it refuses.
async fn refusal(response: Response) -> FilesError {
    let status = response.status().as_u16();
    let text = text(response).await.unwrap_or_default();
    let code = elements(&text, "Code").unwrap_or_default().into_iter().next();
    FilesError::Refused { status, code: code.unwrap_or_default() }
}

/// A short answer. More than is expected is left unread.
async fn text(response: Response) -> Result<String, FilesError> {
    let bytes = read_up_to(response, ANSWER).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The body of an answer, which is left where it goes beyond `most` bytes.
async fn read_up_to(mut response: Response, most: usize) -> Result<Vec<u8>, FilesError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > most {
            break;
        }
    }
    Ok(bytes)
}

/// The texts of all elements of this name.
fn elements(xml: &str, name: &str) -> Result<Vec<String>, quick_xml::Error> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    loop {
        match reader.read_event()? {
            Event::Start(start) if start.name().as_ref() == name => {
                found.push(reader.read_text(start.name())?.to_string());
            }
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}
