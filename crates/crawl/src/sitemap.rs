//! Lists of a site's pages: XML, an index of such lists, or plain lines; packed or not.

use std::io::Read;

use chrono::{DateTime, Days, NaiveDate, Utc};
use flate2::read::MultiGzDecoder;
use quick_xml::{
    Reader,
    escape::resolve_predefined_entity,
    events::{BytesRef, Event},
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::place::normalise;

/// Most bytes of a list, after unpacking.
pub(super) const MOST_BYTES: usize = 10 * 1024 * 1024;
/// Most pages of all lists of a source.
pub(super) const MOST_PAGES: usize = 50_000;

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "WireEntry", try_from = "WireEntry")]
pub(crate) struct Entry {
    pub(super) url: Url,
    /// Not changed after this time, if the list tells.
    pub(super) changed: Option<DateTime<Utc>>,
}

/// [`Entry`] as a child tells it.
#[derive(Serialize, Deserialize)]
struct WireEntry(String, Option<DateTime<Utc>>);

impl From<Entry> for WireEntry {
    fn from(entry: Entry) -> Self {
        Self(entry.url.into(), entry.changed)
    }
}

impl TryFrom<WireEntry> for Entry {
    type Error = url::ParseError;

    fn try_from(WireEntry(url, changed): WireEntry) -> Result<Self, url::ParseError> {
        Ok(Self { url: Url::parse(&url)?, changed })
    }
}

/// A list of pages, or of lists.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sitemap {
    Pages(Vec<Entry>),
    Index(Vec<Entry>),
}

/// Reads a list; `None`: it is something else.
pub(crate) fn read(body: &[u8]) -> Option<Sitemap> {
    if !body.starts_with(b"\x1F\x8B") {
        return read_plain(body);
    }
    let mut plain = Vec::new();
    // A torn or endless archive still tells the pages at its beginning.
    let _ = MultiGzDecoder::new(body).take(MOST_BYTES as u64).read_to_end(&mut plain);
    read_plain(&plain)
}

fn read_plain(body: &[u8]) -> Option<Sitemap> {
    let text = String::from_utf8_lossy(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body));
    let text = text.trim_start();
    if text.starts_with('<') { read_xml(text) } else { read_lines(text) }
}

fn read_lines(text: &str) -> Option<Sitemap> {
    let entry = |line: &str| {
        let url = Url::parse(line.trim()).ok().and_then(normalise)?;
        Some(Entry { url, changed: None })
    };
    entry(text.lines().next()?)?;
    Some(Sitemap::Pages(text.lines().filter_map(entry).take(MOST_PAGES).collect()))
}

/// What is being read.
#[derive(Default)]
struct Open {
    /// The element around an entry: a picture's address in it is not a page's.
    depth: usize,
    field: Option<Field>,
    address: String,
    changed: String,
}

#[derive(Clone, Copy)]
enum Field {
    Address,
    Changed,
}

fn read_xml(text: &str) -> Option<Sitemap> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut index = None;
    let mut entries = Vec::new();
    let mut open = Open::default();
    while entries.len() < MOST_PAGES {
        // What follows a fault in a list is lost, what came before is not.
        let Ok(event) = reader.read_event() else { break };
        match event {
            Event::Start(tag) => {
                let name = tag.local_name();
                open.depth += 1;
                open.field = None;
                match (open.depth, name.as_ref()) {
                    (1, name) => index = Some(is_index(name.as_ref())?),
                    (3, name) if AsRef::<[u8]>::as_ref(name) == b"loc" => {
                        open.field = Some(Field::Address);
                    }
                    (3, name) if AsRef::<[u8]>::as_ref(name) == b"lastmod" => {
                        open.field = Some(Field::Changed);
                    }
                    _ => {}
                }
            }
            Event::End(_) => {
                open.field = None;
                if open.depth == 2 {
                    entries.extend(open.entry());
                }
                open.depth = open.depth.saturating_sub(1);
            }
            Event::Text(words) => open.push(&words.xml10_content()),
            Event::CData(words) => open.push(&words.into_inner()),
            Event::GeneralRef(entity) => open.push(&referred(&entity)),
            Event::Eof => break,
            _ => {}
        }
    }
    Some(if index? { Sitemap::Index(entries) } else { Sitemap::Pages(entries) })
}

fn is_index(root: &[u8]) -> Option<bool> {
    match root {
        b"sitemapindex" => Some(true),
        b"urlset" => Some(false),
        _ => None,
    }
}

/// An entity that the list declares itself is nothing: it is not expanded.
fn referred(entity: &BytesRef) -> String {
    if let Ok(Some(character)) = entity.resolve_char_ref() {
        return character.to_string();
    }
    let name: &str = entity.as_ref();
    resolve_predefined_entity(name).unwrap_or_default().to_owned()
}

impl Open {
    fn push(&mut self, words: &str) {
        let field = match self.field {
            Some(Field::Address) => &mut self.address,
            Some(Field::Changed) => &mut self.changed,
            None => return,
        };
        if field.len() + words.len() <= 4_096 {
            field.push_str(words);
        }
    }

    fn entry(&mut self) -> Option<Entry> {
        let url = Url::parse(self.address.trim()).ok().and_then(normalise);
        let changed = date(self.changed.trim());
        self.address.clear();
        self.changed.clear();
        Some(Entry { url: url?, changed })
    }
}

/// A date as lists write it; a day ends when it ends.
fn date(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let day = NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()?;
    Some(day.checked_add_days(Days::new(1))?.and_hms_opt(0, 0, 0)?.and_utc())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const PAGES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
        <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
          <url><loc> https://a.example/?x=1&amp;y=2 </loc><lastmod>2026-01-02</lastmod>
            <image:image><image:loc>https://a.example/i.png</image:loc></image:image></url>
          <url><loc><![CDATA[https://a.example/b]]></loc><lastmod>2026-01-02T03:04:05+03:00</lastmod></url>
          <url><loc>not an address</loc></url>
          <url><loc>ftp://a.example/c</loc></url>
        </urlset>"#;

    fn addresses(body: &[u8]) -> Vec<String> {
        match read(body) {
            Some(Sitemap::Pages(entries)) => {
                entries.iter().map(|entry| entry.url.to_string()).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_list_of_pages_is_read_with_its_dates() {
        let Some(Sitemap::Pages(entries)) = read(PAGES.as_bytes()) else { panic!() };
        assert_eq!(
            addresses(PAGES.as_bytes()),
            ["https://a.example/?x=1&y=2", "https://a.example/b"]
        );
        let dates: Vec<_> =
            entries.iter().map(|entry| entry.changed.unwrap().to_rfc3339()).collect();
        assert_eq!(dates, ["2026-01-03T00:00:00+00:00", "2026-01-02T00:04:05+00:00"]);
    }

    #[test]
    fn packed_lists_lines_and_indexes_are_read() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(PAGES.as_bytes()).unwrap();
        assert_eq!(addresses(&packed.finish().unwrap()).len(), 2);
        assert_eq!(addresses(b"https://a.example/1\r\n\nhttps://a.example/2\n").len(), 2);
        let index =
            "<sitemapindex><sitemap><loc>https://a.example/s.xml</loc></sitemap></sitemapindex>";
        assert!(matches!(read(index.as_bytes()), Some(Sitemap::Index(lists)) if lists.len() == 1));
    }

    #[test]
    fn what_is_no_list_is_none() {
        assert_eq!(read(b"<!DOCTYPE html><html><body><a href=/a>a</a></body></html>"), None);
        assert_eq!(read(b"# Help\n\nhttps://a.example/"), None);
        assert_eq!(read(b""), None);
        assert_eq!(read(b"\x1F\x8Bnonsense"), None);
    }

    #[test]
    fn entities_of_its_own_and_broken_ends_do_no_harm() {
        let bomb = r#"<!DOCTYPE u [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
            <urlset><url><loc>https://a.example/&b;</loc></url><url><loc>https://a.example/2</loc></ur"#;
        assert_eq!(addresses(bomb.as_bytes()), ["https://a.example/"]);
        let deep = format!("<urlset>{}", "<url>".repeat(200_000));
        assert!(addresses(deep.as_bytes()).is_empty());
    }

    #[test]
    fn long_lists_and_bombs_are_cut() {
        let long = "https://a.example/1\n".repeat(MOST_PAGES + 10);
        assert_eq!(addresses(long.as_bytes()).len(), MOST_PAGES);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(b"https://a.example/1\n").unwrap();
        for _ in 0..16 {
            packed.write_all(&vec![b'\n'; 1 << 20]).unwrap();
        }
        assert_eq!(addresses(&packed.finish().unwrap()).len(), 1);
    }
}
