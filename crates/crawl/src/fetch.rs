//! One request to a foreign server, with limits on everything it may do to us.

use std::{sync::Arc, time::Duration};

use replyx_core::ids::WorkspaceId;
use replyx_live::{Seat, Seats};
use replyx_tls::Protocols;
use reqwest::{
    Client, Response, StatusCode,
    header::{self, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use thiserror::Error;
use url::Url;

use super::{
    links::Directives,
    meter::Meter,
    pace::Pace,
    reader::Reader,
    resolve::{self, LookUp, Private, Refused, Resolver},
    robots::{self, Robots},
};

/// A page in more redirects than this is not found.
pub(super) const REDIRECTS: usize = 5;
/// Most bytes of all headers of an answer.
const HEADERS: usize = 64 * 1024;
/// What we would like to read.
const ACCEPT: &str = "text/html,application/xhtml+xml,application/pdf;q=0.9,text/*;q=0.9,*/*;q=0.5";

/// What cannot be exceeded by a foreign server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Looking the name up, connecting, and TLS.
    pub connect: Duration,
    /// Until the headers are there.
    pub first_byte: Duration,
    /// Until the last byte is there.
    pub whole: Duration,
    /// Bytes of a page, after decompression.
    pub page: usize,
    /// Between two requests to a host that does not ask for more.
    pub gap: Duration,
    /// Longest time between two requests that a host may ask for.
    pub longest_gap: Duration,
    /// Requests at once in this process. Who waits for its turn with a server holds none of them.
    pub requests: usize,
    /// Requests at once for one workspace: servers that hang do not hold all.
    pub requests_each: usize,
    /// Reading the lists of a site's pages.
    pub lists: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(10),
            whole: Duration::from_secs(30),
            page: 5 * 1024 * 1024,
            gap: Duration::from_secs(1),
            longest_gap: Duration::from_secs(10),
            requests: 16,
            requests_each: 4,
            lists: Duration::from_mins(5),
        }
    }
}

/// What a [`Fetcher`] needs to know.
#[derive(Clone, Debug)]
pub struct CrawlSettings {
    /// Whether addresses outside the public internet may be fetched.
    pub private: Private,
    /// Where people can learn who we are, if anywhere; part of the name that servers see.
    pub public_url: Option<String>,
    /// The bounds.
    pub limits: Limits,
    /// Who reads what comes.
    pub reader: Reader,
}

/// Speaks to foreign servers. Clones share their connections and their pace.
#[derive(Clone)]
pub struct Fetcher {
    client: Client,
    pub(super) private: Private,
    pub(super) limits: Limits,
    pub(super) reader: Reader,
    pub(super) pace: Arc<Pace>,
    seats: Seats<WorkspaceId>,
    meter: Meter,
}

/// What a server said about the state of a page, for asking whether it changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// The server's name for this state.
    pub etag: Option<String>,
    /// When it changed, as the server wrote it.
    pub last_modified: Option<String>,
}

/// A page as a server sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it is.
    pub url: Url,
    /// Its bytes, decompressed. Text whose encoding only the server knew is UTF-8 with a byte order
    /// mark.
    pub body: Vec<u8>,
    /// What the server calls it, lower case, without parameters.
    pub content_type: Option<String>,
    /// For asking whether it changed.
    pub validators: Validators,
    /// What the server's headers ask of robots.
    pub directives: Directives,
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A page.
    Page(Page),
    /// It is elsewhere. The address is not checked yet.
    Redirect(Url),
    /// It is as it was when the validators were taken.
    Unchanged,
    /// It does not exist.
    Gone,
}

/// A page could not be fetched. The texts are sentences for the owner of a source and tell nothing
/// about our network.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The address is none that we fetch.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No connection could be made.
    #[error("could not connect to the server: it is down, or this installation has no network")]
    Unreachable(#[source] reqwest::Error),
    /// The server took too long.
    #[error("the server did not answer in time")]
    Slow,
    /// The page, or the headers before it, are too long.
    #[error("the server's answer is larger than {0} bytes")]
    TooLarge(usize),
    /// What came is not HTTP, or broke off.
    #[error("the server's answer broke off or could not be understood")]
    Broken(#[source] Option<reqwest::Error>),
    /// The server did not want to or could not.
    #[error("the server answered with status {status}")]
    Status {
        /// Its id.
        status: u16,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The child process that reads pages could not be run.
    #[error("the page could not be read at the moment")]
    Unread(#[source] std::io::Error),
    /// It moved too often.
    #[error("the page was redirected more than {REDIRECTS} times")]
    Redirects,
    /// A client could not be made.
    #[error("could not create the web client")]
    Setup(#[source] reqwest::Error),
}

impl FetchError {
    /// Whether a later try may fare better.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Refused(Refused::NoNames)
            | Self::Unreachable(_)
            | Self::Slow
            | Self::Unread(_)
            | Self::Broken(_) => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::Refused(_) | Self::TooLarge(_) | Self::Redirects | Self::Setup(_) => false,
        }
    }
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetcher").field("private", &self.private).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// A client for foreign servers. The process's TLS provider must be installed.
    ///
    /// # Errors
    ///
    /// Fails when the machine's certificates cannot be read.
    pub fn new(settings: &CrawlSettings) -> Result<Self, FetchError> {
        Self::with_look_up(settings, resolve::system())
    }

    /// The same with another way of looking names up.
    ///
    /// # Errors
    ///
    /// As for [`Fetcher::new`].
    pub fn with_look_up(settings: &CrawlSettings, look_up: LookUp) -> Result<Self, FetchError> {
        let CrawlSettings { private, public_url, limits, reader } = settings;
        let place = public_url.as_ref().map(|url| format!(" (+{url})")).unwrap_or_default();
        let name = format!("ReplyX/{}{place}", env!("CARGO_PKG_VERSION"));
        let client = replyx_tls::client(Protocols::Any)
            .user_agent(name)
            .no_proxy()
            .referer(false)
            .redirect(Policy::none())
            .dns_resolver(Resolver { private: *private, look_up })
            .connect_timeout(limits.connect)
            .http1_max_headers(128)
            .http2_max_header_list_size(64 * 1024)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(Duration::from_secs(15))
            .build()
            .map_err(FetchError::Setup)?;

        Ok(Self {
            client,
            private: *private,
            limits: *limits,
            reader: reader.clone(),
            pace: Arc::default(),
            seats: Seats::new(limits.requests, limits.requests_each),
            meter: Meter::default(),
        })
    }

    /// The same, which counts what it reads for itself.
    #[must_use]
    pub fn metered(&self) -> (Self, Meter) {
        let meter = Meter::default();
        (Self { meter: meter.clone(), ..self.clone() }, meter)
    }

    /// Waits until a host may be asked, and for one of the seats for requests: it is kept until the
    /// request is done and what came is read. Nobody who waits for a host holds a seat.
    pub(super) async fn turn(
        &self,
        whose: WorkspaceId,
        host: &str,
        gap: Duration,
    ) -> Seat<WorkspaceId> {
        loop {
            self.pace.wait(host).await;
            let seat = self.seats.take(whose).await;
            if self.pace.take(host, gap) {
                return seat;
            }
        }
    }

    /// A seat alone, for work on what is here already.
    pub(super) async fn seat(&self, whose: WorkspaceId) -> Seat<WorkspaceId> {
        self.seats.take(whose).await
    }

    /// Asks for one address. Redirects are the caller's matter: each is an address to be asked for.
    pub async fn get(&self, url: &Url, known: &Validators) -> Result<Answer, FetchError> {
        self.get_within(url, known, self.limits.page).await
    }

    /// Asks for one address whose body may be `most` bytes long.
    pub(super) async fn get_within(
        &self,
        url: &Url,
        known: &Validators,
        most: usize,
    ) -> Result<Answer, FetchError> {
        resolve::syntax(url, self.private)?;
        let whole = async {
            let mut request = self.client.get(url.clone()).header(header::ACCEPT, ACCEPT);
            request = validator(request, header::IF_NONE_MATCH, known.etag.as_deref());
            request = validator(request, header::IF_MODIFIED_SINCE, known.last_modified.as_deref());
            let response = tokio::time::timeout(self.limits.first_byte, request.send())
                .await
                .map_err(|_| FetchError::Slow)?
                .map_err(before_headers)?;
            answer(url, response, most, &self.meter).await
        };
        tokio::time::timeout(self.limits.whole, whole).await.map_err(|_| FetchError::Slow)?
    }

    /// Asks for an address and wherever it was moved; all of it takes no longer than one page may.
    pub(super) async fn follow(&self, url: &Url, most: usize) -> Result<Answer, FetchError> {
        let mut url = url.clone();
        let whole = async {
            for _ in 0..=REDIRECTS {
                match self.get_within(&url, &Validators::default(), most).await? {
                    Answer::Redirect(target) => url = target,
                    answer => return Ok(answer),
                }
            }
            Err(FetchError::Redirects)
        };
        tokio::time::timeout(self.limits.whole, whole).await.map_err(|_| FetchError::Slow)?
    }

    /// Asks the host of `url` what it allows. Where there are no rules, everything is allowed.
    ///
    /// # Errors
    ///
    /// Fails when the server does, or says more than is read: then it is not known what is allowed,
    /// and nothing is fetched.
    pub(super) async fn robots(&self, url: &Url) -> Result<Robots, FetchError> {
        let mut place = url.clone();
        place.set_path("/robots.txt");
        place.set_query(None);
        place.set_fragment(None);
        match self.follow(&place, robots::MOST).await {
            Ok(Answer::Page(page)) => {
                let read = tokio::task::spawn_blocking(move || Robots::parse(&page.body)).await;
                let rules = read.map_err(|_| FetchError::Broken(None))?;
                rules.ok_or(FetchError::TooLarge(robots::MOST))
            }
            Ok(_) | Err(FetchError::Redirects) => Ok(Robots::NONE),
            Err(FetchError::Status { status, .. })
                if (400..500).contains(&status) && status != 429 =>
            {
                Ok(Robots::NONE)
            }
            Err(error) => Err(error),
        }
    }
}

fn validator(
    request: reqwest::RequestBuilder,
    name: HeaderName,
    value: Option<&str>,
) -> reqwest::RequestBuilder {
    match value.and_then(|value| HeaderValue::from_str(value).ok()) {
        Some(value) => request.header(name, value),
        None => request,
    }
}

fn before_headers(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    if let Some(refused) = resolve::refusal(&error) {
        FetchError::Refused(refused)
    } else if error.is_connect() {
        FetchError::Unreachable(error)
    } else if error.is_timeout() {
        FetchError::Slow
    } else {
        FetchError::Broken(Some(error))
    }
}

async fn answer(
    url: &Url,
    response: Response,
    most: usize,
    meter: &Meter,
) -> Result<Answer, FetchError> {
    let headers = response.headers();
    let head: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    meter.add(head);
    if head > HEADERS {
        return Err(FetchError::TooLarge(HEADERS));
    }

    let status = response.status();
    match status {
        StatusCode::NOT_MODIFIED => return Ok(Answer::Unchanged),
        StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Answer::Gone),
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => {
            let target = text(headers, &header::LOCATION).and_then(|to| url.join(to).ok());
            return target.map(Answer::Redirect).ok_or(FetchError::Broken(None));
        }
        StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION => {}
        _ => {
            let retry_after = text(headers, &header::RETRY_AFTER)
                .and_then(|seconds| seconds.trim().parse().ok())
                .map(Duration::from_secs);
            return Err(FetchError::Status { status: status.as_u16(), retry_after });
        }
    }

    let page = Page {
        url: url.clone(),
        body: Vec::new(),
        content_type: text(headers, &header::CONTENT_TYPE).map(essence),
        validators: Validators {
            etag: text(headers, &header::ETAG).map(str::to_owned),
            last_modified: text(headers, &header::LAST_MODIFIED).map(str::to_owned),
        },
        directives: Directives::of_headers(headers),
    };

    let charset = text(headers, &header::CONTENT_TYPE).and_then(charset).map(str::to_owned);
    let body = in_utf8(read(response, most, meter).await?, charset.as_deref());
    if body.len() > most {
        return Err(FetchError::TooLarge(most));
    }

    Ok(Answer::Page(Page { body, ..page }))
}

/// Reads a body, counting what comes out of the decompression.
async fn read(mut response: Response, most: usize, meter: &Meter) -> Result<Vec<u8>, FetchError> {
    if response.content_length().is_some_and(|length| length > most as u64) {
        return Err(FetchError::TooLarge(most));
    }
    let mut body = Vec::new();
    loop {
        let piece = response.chunk().await;
        let piece = piece.map_err(|error| FetchError::Broken(Some(error.without_url())))?;
        let Some(piece) = piece else { return Ok(body) };
        meter.add(piece.len());
        if body.len() + piece.len() > most {
            return Err(FetchError::TooLarge(most));
        }
        body.extend_from_slice(&piece);
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

/// How files begin that have no encoding, whatever the server says: PDF, ZIP (and with it DOCX and
/// the like), gzip, OLE.
const NO_TEXT: [&[u8]; 4] = [b"%PDF-", b"PK\x03\x04", b"\x1F\x8B", b"\xD0\xCF\x11\xE0"];

/// The server's word on an encoding is lost with its headers, so it is written into the text as a
/// byte order mark.
fn in_utf8(body: Vec<u8>, charset: Option<&str>) -> Vec<u8> {
    let Some(encoding) = charset.and_then(|name| encoding_rs::Encoding::for_label(name.as_bytes()))
    else {
        return body;
    };
    let marked = encoding_rs::Encoding::for_bom(&body).is_some();
    if marked
        || encoding == encoding_rs::UTF_8
        || NO_TEXT.iter().any(|magic| body.starts_with(magic))
    {
        return body;
    }
    let (text, _) = encoding.decode_without_bom_handling(&body);
    let mut body = Vec::with_capacity(text.len() + 3);
    body.extend_from_slice(b"\xEF\xBB\xBF");
    body.extend_from_slice(text.as_bytes());
    body
}
