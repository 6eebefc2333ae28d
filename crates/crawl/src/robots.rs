//! What a host allows robots, by its `robots.txt` (RFC 9309).

use std::time::Duration;

use texting_robots::Robot;
use url::Url;

/// What we are called there.
const NAME: &str = "ReplyX";
/// How much of the file is fetched, bytes; the standard asks for 500 KiB at least.
pub(super) const MOST: usize = 512 * 1024;
/// How many lines it may have: each rule becomes a pattern in memory.
const LINES: usize = 5_000;

/// The rules of one host.
pub(super) struct Robots(Option<Robot>);

impl Robots {
    /// There are no rules: everything is allowed.
    pub(super) const NONE: Self = Self(None);

    /// Reads the rules; `None`: there are more than are read.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let fits = body.split(|byte| *byte == b'\n').nth(LINES + 1).is_none();
        fits.then(|| Self(Robot::new(NAME, body).ok()))
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
        Robots::parse(text.as_bytes()).unwrap()
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
