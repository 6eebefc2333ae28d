//! Addresses of pages: one form for each, and where a site ends.

use std::{borrow::Cow, collections::HashMap};

use url::Url;

/// Parameters that follow people around and change nothing, by their beginning.
const TRACKING: &[&str] = &["utm_", "_hs", "mc_", "pk_", "mtm_"];
/// The same, and names of sessions, whole.
const IGNORED: &[&str] = &[
    "gclid",
    "gclsrc",
    "dclid",
    "wbraid",
    "gbraid",
    "fbclid",
    "yclid",
    "ysclid",
    "_openstat",
    "msclkid",
    "twclid",
    "igshid",
    "_ga",
    "_gl",
    "phpsessid",
    "jsessionid",
    "sid",
    "sessionid",
    "session_id",
    "aspsessionid",
    "cfid",
    "cftoken",
];
/// Deeper paths are traps.
const SEGMENTS: usize = 20;
/// A segment that occurs more often in a path is a trap: a page that links relative to itself.
const SAME_SEGMENT: usize = 3;
/// So many queries of one path are looked at: calendars, sortings, filters.
const VARIATIONS: u32 = 50;

/// The one form of an address: no fragment, no tracking, no session, no dot after the host. `None`:
/// it is none of the web.
pub fn normalise(mut url: Url) -> Option<Url> {
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_fragment(None);
    let host = url.host_str()?.trim_end_matches('.').to_owned();
    if url.host_str() != Some(&host) {
        url.set_host(Some(&host)).ok()?;
    }
    if let Some((path, _)) = url.path().split_once(";jsessionid=") {
        let path = path.to_owned();
        url.set_path(&path);
    }
    if let Some(query) = url.query() {
        let kept: Vec<&str> = query.split('&').filter(|pair| !is_ignored(pair)).collect();
        let kept = kept.join("&");
        url.set_query(Some(kept.as_str()).filter(|kept| !kept.is_empty()));
    }
    Some(url)
}

fn is_ignored(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    pair.is_empty()
        || TRACKING.iter().any(|begin| name.starts_with(begin))
        || IGNORED.contains(&name.as_str())
}

/// The part of the web that a source is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    host: String,
    port: Option<u16>,
    path: String,
}

impl Scope {
    /// The site of an address.
    pub fn host(url: &Url) -> Self {
        Self { host: bare_host(url).into_owned(), port: url.port(), path: String::new() }
    }

    /// The part of a site that begins at an address: what lies below its path, or beside it where
    /// it is a file.
    pub fn below(url: &Url) -> Self {
        let path = url.path();
        let (folder, last) = path.rsplit_once('/').unwrap_or(("", path));
        let path = if last.is_empty() || last.contains('.') { folder } else { path };
        Self { path: path.to_owned(), ..Self::host(url) }
    }

    /// Whether an address lies in it. `www.` makes no difference, nor does TLS.
    pub fn holds(&self, url: &Url) -> bool {
        bare_host(url) == self.host
            && url.port() == self.port
            && url
                .path()
                .strip_prefix(&self.path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn bare_host(url: &Url) -> Cow<'_, str> {
    let host = url.host_str().unwrap_or_default();
    Cow::Borrowed(host.strip_prefix("www.").unwrap_or(host))
}

/// Knows addresses that a program makes without end.
#[derive(Debug, Default)]
pub(super) struct Traps {
    variations: HashMap<String, u32>,
}

impl Traps {
    /// Whether an address is one too many.
    pub(super) fn catch(&mut self, url: &Url) -> bool {
        let segments: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
        if segments.len() > SEGMENTS || url.as_str().len() > 2_000 {
            return true;
        }
        let repeats = |segment: &&str| segments.iter().filter(|other| *other == segment).count();
        if segments.iter().any(|segment| repeats(segment) > SAME_SEGMENT) {
            return true;
        }
        if url.query().is_none() {
            return false;
        }
        let seen = self.variations.entry(url.path().to_owned()).or_default();
        *seen += 1;
        *seen > VARIATIONS
    }
}

/// Endings of what is certainly no text.
const NO_TEXT: &[&str] = &[
    "jpg", "jpeg", "png", "gif", "webp", "avif", "svg", "ico", "bmp", "tif", "tiff", "css", "js",
    "mjs", "map", "woff", "woff2", "ttf", "otf", "eot", "mp3", "mp4", "m4a", "m4v", "avi", "mov",
    "mkv", "webm", "ogg", "wav", "flac", "zip", "gz", "tgz", "bz2", "xz", "7z", "rar", "tar",
    "exe", "msi", "dmg", "apk", "iso", "bin", "deb", "rpm", "jar", "wasm",
];

/// Whether an address ends as files do that hold no text, so that it need not be fetched.
pub(super) fn is_no_text(url: &Url) -> bool {
    let last = url.path().rsplit('/').next().unwrap_or_default();
    last.rsplit_once('.')
        .is_some_and(|(_, ending)| NO_TEXT.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn normal(text: &str) -> String {
        normalise(url(text)).unwrap().to_string()
    }

    #[test]
    fn each_page_has_one_address() {
        assert_eq!(
            normal("HTTPS://Shop.Example.:443/a/../b?utm_source=x&q=1&&fbclid=2#top"),
            "https://shop.example/b?q=1"
        );
        assert_eq!(normal("http://shop.example:80?gclid=1"), "http://shop.example/");
        assert_eq!(normal("http://shop.example../x"), "http://shop.example/x");
        assert_eq!(
            normal("http://shop.example/a;jsessionid=12?PHPSESSID=1"),
            "http://shop.example/a"
        );
        assert_eq!(normal("http://shop.example/a?b=1&a=2"), "http://shop.example/a?b=1&a=2");
        assert_eq!(normalise(url("mailto:a@shop.example")), None);
    }

    #[test]
    fn a_scope_ends_where_a_folder_ends() {
        let scope = Scope::below(&url("https://shop.example/docs"));
        for inside in [
            "https://shop.example/docs",
            "http://www.shop.example/docs/a?b",
            "https://shop.example/docs/",
        ] {
            assert!(scope.holds(&url(inside)), "{inside}");
        }
        for outside in [
            "https://shop.example/docs2",
            "https://shop.example/",
            "https://shop.example/docs/../a",
            "https://shop.example/docs/%2e%2e/a",
            "https://evil.example/docs/",
            "https://shop.example.evil.example/docs",
            "https://shop.example:8080/docs",
        ] {
            assert!(!scope.holds(&url(outside)), "{outside}");
        }
        assert_eq!(
            Scope::below(&url("https://a.example/x/b.html")),
            Scope::below(&url("https://a.example/x/"))
        );
        assert!(Scope::below(&url("https://a.example")).holds(&url("https://a.example/any")));
    }

    #[test]
    fn traps_are_left() {
        let mut traps = Traps::default();
        assert!(traps.catch(&url("http://a.example/a/b/a/b/a/b/a/b")));
        assert!(traps.catch(&url(&format!("http://a.example{}", "/x1/y2/z3/q4".repeat(6)))));
        let caught =
            (0..500).filter(|day| traps.catch(&url(&format!("http://a.example/cal?day={day}"))));
        assert_eq!(caught.count(), 450);
        assert!((0..500).all(|n| !traps.catch(&url(&format!("http://a.example/news/{n}")))));
    }

    #[test]
    fn pictures_are_known_by_their_names() {
        assert!(is_no_text(&url("http://a.example/b.JPG?x=1")));
        assert!(!is_no_text(&url("http://a.example/b.pdf")));
        assert!(!is_no_text(&url("http://a.example/b.jpg/c")));
    }
}
