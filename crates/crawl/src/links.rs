//! What a page says to robots and where it leads.
//!
//! A scanner of tags, not a parser: it looks at every byte once, so no page can make it slow. What
//! it has to understand is little: `a`, `area`, `base`, `link rel=canonical`,
//! `meta name=robots` and `meta http-equiv=refresh`.

use std::{borrow::Cow, collections::HashSet};

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use url::Url;

use super::place::normalise;

/// Most links taken from one page.
const MOST: usize = 10_000;
/// A page that leads on after at most so many seconds is none that people read.
const LONGEST_STAY: f64 = 10.0;
/// What robots call us in lower case.
const OUR_NAME: &str = "replyx";

/// What a page allows robots to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directives {
    /// Its text may be used.
    pub index: bool,
    /// Its links may be followed.
    pub follow: bool,
}

impl Default for Directives {
    fn default() -> Self {
        Self { index: true, follow: true }
    }
}

impl Directives {
    /// Reads `X-Robots-Tag`.
    pub(super) fn of_headers(headers: &HeaderMap) -> Self {
        let lines = headers.get_all("x-robots-tag").iter();
        lines.filter_map(|line| line.to_str().ok()).fold(Self::default(), |all, line| {
            match line.split_once(':') {
                Some((name, words)) if is_name(name) => {
                    let ours = name.trim().eq_ignore_ascii_case(OUR_NAME);
                    if ours { all.and(Self::of_words(words)) } else { all }
                }
                _ => all.and(Self::of_words(line)),
            }
        })
    }

    fn of_words(words: &str) -> Self {
        words.split(',').map(|word| word.trim().to_ascii_lowercase()).fold(
            Self::default(),
            |all, word| match word.as_str() {
                "none" => Self { index: false, follow: false },
                "noindex" => Self { index: false, ..all },
                "nofollow" => Self { follow: false, ..all },
                _ => all,
            },
        )
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self { index: self.index && other.index, follow: self.follow && other.follow }
    }
}

/// Before a colon stands a robot's name, or a directive with a value.
fn is_name(word: &str) -> bool {
    let word = word.trim().to_ascii_lowercase();
    !word.contains(',') && !word.starts_with("max-") && word != "unavailable_after"
}

/// Where a page leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Told", from = "Told")]
pub struct Links {
    /// The pages it links to, normalised, each once, in their order.
    pub targets: Vec<Url>,
    /// The address it would rather be known by.
    pub canonical: Option<Url>,
    /// Where it sends its readers by itself, soon.
    pub refresh: Option<Url>,
    /// What it asks of robots.
    pub directives: Directives,
}

/// [`Links`] as a child tells them.
#[derive(Serialize, Deserialize)]
struct Told {
    targets: Vec<String>,
    canonical: Option<String>,
    refresh: Option<String>,
    index: bool,
    follow: bool,
}

impl From<Links> for Told {
    fn from(links: Links) -> Self {
        Self {
            targets: links.targets.into_iter().map(String::from).collect(),
            canonical: links.canonical.map(String::from),
            refresh: links.refresh.map(String::from),
            index: links.directives.index,
            follow: links.directives.follow,
        }
    }
}

impl From<Told> for Links {
    fn from(told: Told) -> Self {
        let url = |text: &String| Url::parse(text).ok();
        Self {
            targets: told.targets.iter().filter_map(url).take(MOST).collect(),
            canonical: told.canonical.as_ref().and_then(url),
            refresh: told.refresh.as_ref().and_then(url),
            directives: Directives { index: told.index, follow: told.follow },
        }
    }
}

impl Links {
    /// A page with its address on a line before it, as [`Self::read_addressed`] reads it.
    pub(super) fn addressed(base: &Url, body: &[u8]) -> Vec<u8> {
        [base.as_str().as_bytes(), b"\n", body].concat()
    }

    /// Reads a page whose address stands on a line before it.
    pub(crate) fn read_addressed(input: &[u8]) -> Self {
        let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
            return Self::default();
        };
        let address = str::from_utf8(&input[..end]).ok().and_then(|text| Url::parse(text).ok());
        address.map_or_else(Self::default, |base| Self::read(&base, &input[end + 1..]))
    }

    /// Reads a page that was found at `base`.
    pub fn read(base: &Url, body: &[u8]) -> Self {
        let text = decoded(body);
        let mut base = base.clone();
        let mut links = Self::default();
        let mut seen = HashSet::new();
        let mut rest = text.as_ref();
        while let Some(tag) = next_tag(&mut rest) {
            match tag.name.as_str() {
                "base" => {
                    if let Some(url) = tag.value("href").and_then(|href| base.join(&href).ok()) {
                        base = url;
                    }
                }
                "meta" => {
                    links.directives = links.directives.and(tag.directives());
                    links.refresh = links.refresh.or_else(|| tag.refresh(&base));
                }
                "link" if tag.has_word("rel", "canonical") && links.canonical.is_none() => {
                    links.canonical = tag.target(&base);
                }
                "a" | "area" if !tag.has_word("rel", "nofollow") && seen.len() < MOST => {
                    if let Some(url) = tag.target(&base)
                        && seen.insert(url.clone())
                    {
                        links.targets.push(url);
                    }
                }
                _ => {}
            }
        }

        links
    }
}

/// The page's characters. An address in another alphabet is one of UTF-8 on the wire, whatever the
/// page is encoded in.
fn decoded(body: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(body) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(replyx_extract::decode_markup(body)),
    }
}

struct Tag<'t> {
    name: String,
    attributes: Vec<(&'t str, &'t str)>,
}

impl Tag<'_> {
    fn value(&self, name: &str) -> Option<String> {
        let found = self.attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| unescaped(value.trim()))
    }

    fn has_word(&self, name: &str, word: &str) -> bool {
        self.value(name).is_some_and(|value| {
            value.split_ascii_whitespace().any(|found| found.eq_ignore_ascii_case(word))
        })
    }

    fn target(&self, base: &Url) -> Option<Url> {
        base.join(&self.value("href")?).ok().and_then(normalise)
    }

    /// Where `<meta http-equiv=refresh content="0; url=/new/">` leads.
    fn refresh(&self, base: &Url) -> Option<Url> {
        self.value("http-equiv").filter(|name| name.eq_ignore_ascii_case("refresh"))?;
        let content = self.value("content")?;
        let (stay, target) = content.split_once([';', ','])?;
        let is_soon = stay.trim().parse::<f64>().is_ok_and(|stay| stay <= LONGEST_STAY);
        let target = target.trim();
        let name = target.get(..3).filter(|name| name.eq_ignore_ascii_case("url"))?;
        let target = target[name.len()..].trim_start().strip_prefix('=')?;
        let target = target.trim().trim_matches(['"', '\'']);
        base.join(target).ok().filter(|_| is_soon).and_then(normalise)
    }

    fn directives(&self) -> Directives {
        let ours = self.value("name").is_some_and(|name| {
            name.eq_ignore_ascii_case("robots") || name.eq_ignore_ascii_case(OUR_NAME)
        });
        let words = self.value("content").filter(|_| ours);
        words.map_or_else(Directives::default, |words| Directives::of_words(&words))
    }
}

/// Attributes of addresses hold few references, and unknown ones are left as they are.
fn unescaped(value: &str) -> String {
    if !value.contains('&') {
        return value.to_owned();
    }
    value
        .replace("&#38;", "&")
        .replace("&#x26;", "&")
        .replace("&#x2F;", "/")
        .replace("&#47;", "/")
        .replace("&amp;", "&")
}

/// Takes the next opening tag off `rest`, and with it the text of elements that hold no tags.
fn next_tag<'t>(rest: &mut &'t str) -> Option<Tag<'t>> {
    loop {
        let at = rest.find('<')?;
        let after = &rest[at + 1..];
        if let Some(comment) = after.strip_prefix("!--") {
            *rest = &comment[comment.find("-->")?..];
            continue;
        }
        if !after.starts_with(|first: char| first.is_ascii_alphabetic()) {
            *rest = after;
            continue;
        }
        let length = after.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'))?;
        let name = after[..length].to_ascii_lowercase();
        *rest = &after[length..];
        let mut attributes = Vec::new();
        while let Some(attribute) = next_attribute(rest) {
            // The first one of a name counts; a tag of thousands is no page for people.
            if attributes.len() < 64 {
                attributes.push(attribute);
            }
        }
        if matches!(name.as_str(), "script" | "style" | "textarea" | "template") {
            skip_to_end_of(&name, rest);
        }
        return Some(Tag { name, attributes });
    }
}

/// Takes an attribute off `rest`; `None` at the end of the tag, which is taken too.
fn next_attribute<'t>(rest: &mut &'t str) -> Option<(&'t str, &'t str)> {
    let start = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
    *rest = start;
    let end = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/');
    // An equals sign at the front belongs to the name.
    let first = start.chars().next()?;
    if first == '>' {
        *rest = &start[1..];
        return None;
    }
    let length =
        start[first.len_utf8()..].find(end).map_or(start.len(), |length| length + first.len_utf8());
    let (name, after) = start.split_at(length);
    *rest = after;
    let Some(value) = after.trim_ascii_start().strip_prefix('=') else { return Some((name, "")) };
    let value = value.trim_ascii_start();
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
    let (value, after) = if let Some(quote) = quote {
        value[1..].split_once(quote).unwrap_or((&value[1..], ""))
    } else {
        let end = |c: char| c.is_ascii_whitespace() || c == '>';
        value.split_at(value.find(end).unwrap_or(value.len()))
    };
    *rest = after;
    Some((name, value))
}

fn skip_to_end_of(name: &str, rest: &mut &str) {
    let mut from = 0;
    while let Some(at) = rest[from..].find("</") {
        let begin = from + at + 2;
        let tag = rest.as_bytes().get(begin..begin + name.len());
        if tag.is_some_and(|tag| tag.eq_ignore_ascii_case(name.as_bytes())) {
            *rest = &rest[begin..];
            return;
        }
        from = begin;
    }
    *rest = "";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(page: &str) -> Links {
        Links::read(&Url::parse("https://shop.example/help/start").unwrap(), page.as_bytes())
    }

    fn targets(page: &str) -> Vec<String> {
        read(page).targets.iter().map(Url::to_string).collect()
    }

    #[test]
    fn links_are_found_as_people_write_them() {
        assert_eq!(
            targets(
                r#"<p><A HREF='b?x=1&amp;y=2#end'>b</A> <a class=x href=/c>c</a> <a href = "//other.example/">o</a>
                   <area href="d"><a>no</a><a href="mailto:a@b.c">m</a><a href="javascript:x()">j</a>
                   <a href="b?x=1&y=2">again</a><a rel="nofollow noopener" href="hidden">h</a>"#
            ),
            [
                "https://shop.example/help/b?x=1&y=2",
                "https://shop.example/c",
                "https://other.example/",
                "https://shop.example/help/d",
            ]
        );
    }

    #[test]
    fn what_is_no_mark_up_has_no_links() {
        assert!(targets("<!-- <a href=a>a</a> --><script>'<a href=b>'</script>").is_empty());
        assert!(targets("<style><a href=a></STYL<a href=c>").is_empty());
        assert!(targets("a < b <1 <!-- <a href=c>").is_empty());
        assert_eq!(targets("<script>x</SCRIPT ><a href=c>"), ["https://shop.example/help/c"]);
    }

    #[test]
    fn the_base_of_a_page_counts() {
        assert_eq!(targets("<base href='/x/'><a href=y>"), ["https://shop.example/x/y"]);
    }

    #[test]
    fn a_page_tells_its_name_and_its_wishes() {
        let page = read("<link rel='canonical' href='/help'><meta content='NoIndex' name=ROBOTS>");
        assert_eq!(page.canonical.unwrap().as_str(), "https://shop.example/help");
        assert_eq!(page.directives, Directives { index: false, follow: true });
        let page = read("<meta name=replyx content=none><meta name=googlebot content=noindex>");
        assert_eq!(page.directives, Directives { index: false, follow: false });
        assert_eq!(read("<meta name=otherbot content=none>").directives, Directives::default());
    }

    #[test]
    fn headers_name_robots() {
        let of = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-robots-tag", line.parse().unwrap());
            }
            Directives::of_headers(&headers)
        };
        assert_eq!(of(&["noindex, nofollow"]), Directives { index: false, follow: false });
        assert_eq!(of(&["googlebot: noindex"]), Directives::default());
        assert_eq!(
            of(&["ReplyX: noindex", "max-snippet: 5"]),
            Directives { index: false, follow: true }
        );
        assert!(!of(&["unavailable_after: 25 Jun 2030 15:00:00 PST, noindex"]).index);
    }

    #[test]
    fn hostile_pages_take_linear_time() {
        let begun = std::time::Instant::now();
        for piece in [
            "<",
            "<a ",
            "<!--",
            "<script>",
            "<script></",
            "<a href='",
            "<a =",
            "</",
            "<b/",
            "<a href=x>",
        ] {
            read(&piece.repeat(1_000_000 / piece.len()));
        }
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }
}
