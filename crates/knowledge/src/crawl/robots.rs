//! What a host allows robots, by its `robots.txt` (RFC 9309).

use std::time::Duration;

use texting_robots::Robot;
use url::Url;

use super::fetch::{Answer, FetchError, Fetcher};

/// What we are called there.
const NAME: &str = "ReplyX";
/// How much of the file is fetched, bytes; the standard asks for 500 KiB at least.
const MOST: usize = 512 * 1024;
/// How many lines it may have: each rule becomes a pattern in memory.
const LINES: usize = 5_000;

/// The rules of one host.
pub(super) struct Robots(Option<Robot>);

impl Robots {
    /// Fetches the rules that hold for `url`. Where there are none, everything is allowed.
    ///
    /// # Errors
    ///
    /// Fails when the server does, or says more than is read: then it is not known what is allowed, and nothing is
    /// fetched.
    pub(super) async fn fetch(fetcher: &Fetcher, url: &Url) -> Result<Self, FetchError> {
        let mut place = url.clone();
        place.set_path("/robots.txt");
        place.set_query(None);
        place.set_fragment(None);
        match fetcher.follow(&place, MOST).await {
            Ok(Answer::Page(page)) => Self::read(page.body).await,
            Ok(_) | Err(FetchError::Redirects) => Ok(Self(None)),
            Err(FetchError::Status { status, .. })
                if (400..500).contains(&status) && status != 429 =>
            {
                Ok(Self(None))
            }
            Err(error) => Err(error),
        }
    }

    async fn read(body: Vec<u8>) -> Result<Self, FetchError> {
        if body.split(|byte| *byte == b'\n').nth(LINES + 1).is_some() {
            return Err(FetchError::TooLarge(MOST));
        }
        let read = tokio::task::spawn_blocking(move || Robot::new(NAME, &body).ok());
        read.await.map(Self).map_err(|_| FetchError::Broken(None))
    }

    /// Whether a page may be fetched.
    pub(super) fn allow(&self, url: &Url) -> bool {
        self.0.as_ref().is_none_or(|robot| robot.allowed(url.as_str()))
    }

    /// How long to wait between two requests.
    pub(super) fn gap(&self, usual: Duration, longest: Duration) -> Duration {
        let asked = self.0.as_ref().and_then(|robot| robot.delay);
        let asked = asked.and_then(|seconds| Duration::try_from_secs_f32(seconds).ok());
        asked.unwrap_or_default().clamp(usual.min(longest), longest)
    }

    /// The sitemaps that the host names.
    pub(super) fn sitemaps(&self) -> impl Iterator<Item = Url> {
        self.0.iter().flat_map(|robot| &robot.sitemaps).filter_map(|url| Url::parse(url).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Robots {
        Robots(Robot::new(NAME, text.as_bytes()).ok())
    }

    fn allows(robots: &Robots, path: &str) -> bool {
        robots.allow(&Url::parse(&format!("https://a.example{path}")).unwrap())
    }

    #[test]
    fn our_own_group_counts_before_the_one_for_all() {
        let robots = rules(
            "User-agent: *\nDisallow: /\n\nUser-agent: replyx\nDisallow: /private\nAllow: /private/help$\nDisallow: /*?sort=\n",
        );
        assert!(allows(&robots, "/a"));
        assert!(!allows(&robots, "/private/a"));
        assert!(allows(&robots, "/private/help"));
        assert!(!allows(&robots, "/a?sort=b"));
        assert!(!allows(&rules("User-agent: *\nDisallow: /\n"), "/a"));
        assert!(allows(&rules("User-agent: Other\nDisallow: /\n"), "/a"));
        assert!(allows(&rules("<html>nothing of the kind</html>"), "/a"));
    }

    #[test]
    fn a_host_may_ask_for_patience_within_reason() {
        let gap = |text: &str| rules(text).gap(Duration::from_secs(1), Duration::from_secs(10));
        assert_eq!(gap("User-agent: *\nCrawl-delay: 3\n"), Duration::from_secs(3));
        assert_eq!(gap("User-agent: *\nCrawl-delay: 0\n"), Duration::from_secs(1));
        assert_eq!(gap("User-agent: *\nCrawl-delay: 86400\n"), Duration::from_secs(10));
        assert_eq!(gap("User-agent: *\nCrawl-delay: NaN\n"), Duration::from_secs(1));
        assert_eq!(gap("User-agent: *\nCrawl-delay: 1e30\n"), Duration::from_secs(1));
        assert_eq!(gap(""), Duration::from_secs(1));
    }
}
