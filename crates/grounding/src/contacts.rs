//! Links, mail addresses and telephone numbers: where a customer could be sent.

use std::{collections::HashSet, ops::Range, sync::LazyLock};

use super::numbers::{Unit, pattern, unit};

/// An address in the web.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Link {
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: String,
}

pattern!(
    UNSAFE,
    r"(?i)\b(?:j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t|vbscript|livescript)\s*:|\bdata\s*:\s*(?:[\w.+-]+/[\w.+-]+|;base64|,)|\b(?:file|about|blob|filesystem|intent)://?\S"
);
pattern!(SCHEME, r#"(?i)\b[a-z][a-z0-9+.-]{1,15}://[^\s<>"'«»“”|\\^`{}\[\]]+"#);
pattern!(EMAIL, r"(?i)(?:mailto:)?([\w.+%-]+@[\w-]+(?:\.[\w-]+)+)");
pattern!(HANDLE, r"(?:^|[\s(,;:«\x22])@([A-Za-z]\w{3,31})\b");
pattern!(
    BARE,
    r#"(?i)\b(?:www\.)?(?:\w(?:[\w-]{0,61}\w)?\.)+(xn--[a-z0-9-]+|[^\W\d_]{2,24})\b(?:[:/?#][^\s<>"'«»“”|\\^`{}\[\]]*)?"#
);

/// The names at the end of addresses that exist (IANA, and those of examples), in whatever case.
static ENDINGS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("../data/tlds.txt").split_whitespace().collect());

/// Does an address end so? A file's name is none, and neither is the beginning of a sentence
/// without a blank before it: `for free.You`.
fn is_ending(name: &str) -> bool {
    let is_sentence =
        name.starts_with(char::is_uppercase) && !name.chars().skip(1).any(char::is_uppercase);
    let lower = name.to_lowercase();
    lower.starts_with("xn--")
        || (lower != "md" && ENDINGS.contains(lower.as_str()) && !(is_sentence && is_word(&lower)))
}

/// Endings that are words of English with which sentences begin.
fn is_word(ending: &str) -> bool {
    const WORDS: &str = "you your is it in at no so how now call open here day be my to do as am and we us me am free \
        go new one all best online see show buy book pay please help";
    WORDS.split(' ').any(|word| word == ending)
}

pattern!(ADDRESS, r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?:/[^\s<>]*)?");
// On one line, and with no more than a blank between two groups.
pattern!(PHONE, r"(?:\+|\b)\d(?: ?[().–-]{0,2} ?\d){5,19}\b");
pattern!(DAY, r"^\d{1,2}\.\d{2}$");
pattern!(GROUPED, r"^\d{1,3}(?:[ .,']\d{3})+$");
pattern!(
    NUMBERED,
    r"(?i)(?:order|invoice|ticket|track\w*|article|sku|id|inn|no\.?|number|№|#|заказ\w*|счет\w*|счёт\w*|заявк\w*|трек\w*|артикул\w*|инн|огрн\w*|номер\w*|договор\w*)\s?[:№#]?\s?(?:№|#|is|no\.?)?\s?$"
);

/// Links whose mere presence is a danger.
pub(super) fn unsafe_links(text: &str) -> Vec<Range<usize>> {
    UNSAFE.find_iter(text).map(|found| found.range()).collect()
}

/// Links, with or without a scheme, and names of Telegram.
pub(super) fn links(text: &str) -> Vec<(Range<usize>, Link)> {
    let mut found: Vec<(Range<usize>, Link)> = Vec::new();
    for pattern in [&*SCHEME, &*BARE, &*ADDRESS] {
        let links = pattern
            .captures_iter(text)
            .filter(|link| link.get(1).is_none_or(|ending| is_ending(ending.as_str())));
        for link in links.filter_map(|link| link.get(0)) {
            let written = trimmed(link.as_str());
            let at = link.start()..link.start() + written.len();
            let taken = found.iter().any(|(other, _)| other.start < at.end && at.start < other.end);
            let part_of_mail = text[..at.start].ends_with('@') || text[at.end..].starts_with('@');
            if !taken && !part_of_mail && !written.is_empty() {
                found.push((at, parse(written)));
            }
        }
    }
    for name in HANDLE.captures_iter(text) {
        if let Some(name) = name.get(1) {
            let path = format!("/{}", name.as_str().to_lowercase());
            let link = Link { host: "t.me".to_owned(), path, query: String::new() };
            found.push((name.start() - 1..name.end(), link));
        }
    }
    found
}

/// Without the punctuation that ends a sentence, and without a bracket that was opened before.
fn trimmed(written: &str) -> &str {
    let mut written = written;
    loop {
        let shorter = written.trim_end_matches(['.', ',', ';', ':', '!', '?', '…', '_', '~']);
        let open = shorter.matches('(').count();
        let shorter = match shorter.strip_suffix(')') {
            Some(inner) if shorter.matches(')').count() > open => inner,
            _ => shorter,
        };
        if shorter == written {
            return written;
        }
        written = shorter;
    }
}

fn parse(written: &str) -> Link {
    let lower = written.to_lowercase();
    let rest = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
    let rest = rest.split('#').next().unwrap_or_default();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    // `shop.example@evil.example` leads to the latter.
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host).trim_end_matches([':', '.']);
    let query: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            let tracking = name.starts_with("utm_")
                || matches!(name, "" | "gclid" | "fbclid" | "yclid" | "ysclid" | "mc_cid" | "ref");
            !tracking
        })
        .collect();
    Link {
        host: host.to_owned(),
        path: path.trim_end_matches('/').to_owned(),
        query: query.join("&"),
    }
}

/// Mail addresses, in small letters.
pub(super) fn emails(text: &str) -> Vec<(Range<usize>, String)> {
    EMAIL
        .captures_iter(text)
        .filter_map(|found| Some((found.get(0)?.range(), found.get(1)?.as_str().to_lowercase())))
        .collect()
}

/// Telephone numbers, as digits with the country's code where it is told. Short ones of emergency
/// services are plain numbers.
pub(super) fn phones(text: &str) -> Vec<(Range<usize>, String)> {
    let mut phones = Vec::new();
    let mut from = 0;
    while let Some(found) = PHONE.find_at(text, from) {
        let written = alone(found.as_str());
        let at = found.start()..found.start() + written.len();
        from = at.end;
        let digits: String = written.chars().filter(char::is_ascii_digit).collect();
        let international = written.starts_with('+');
        let separated = written.trim_start_matches('+').chars().any(|c| !c.is_ascii_digit());
        let likely = match digits.len() {
            7..=9 => international || (separated && written.contains(['-', '(', '–'])),
            10..=15 => {
                let numbered = NUMBERED.is_match(&text[..at.start]);
                international || separated || !numbered
            }
            _ => false,
        };

        let likely = likely && (international || !is_range(written));
        let after = &text[at.end..];
        let likely =
            likely && unit("", after.split('\n').next().unwrap_or_default()).0 == Unit::Plain;
        let goes_on =
            after.starts_with(['.', ',']) && after[1..].starts_with(|c: char| c.is_ascii_digit());
        if likely && !goes_on && !GROUPED.is_match(written.trim_start_matches('+')) {
            phones.push((at, national(&digits)));
        }
    }

    phones
}

/// A telephone without what stands behind it: hours (`8 800 555-35-35 9-18`), or the beginning of a
/// bracket.
fn alone(written: &str) -> &str {
    let mut written = written;
    loop {
        let open = written.matches('(').count() > written.matches(')').count();
        let digits = written.chars().filter(char::is_ascii_digit).count();
        let long = digits > if written.starts_with('+') { 15 } else { 11 };
        let cut = if open { written.rfind('(') } else { written.rfind(' ').filter(|_| long) };
        match cut.filter(|cut| *cut > 0) {
            Some(cut) => written = written[..cut].trim_end_matches([' ', '-', '–', '.', '(']),
            None => return written,
        }
    }
}

/// `12 500 - 15 000`, `2025-2026`, `25.12-08.01`, `36 38 40 42 44`: numbers beside each other, and
/// no telephone.
fn is_range(written: &str) -> bool {
    let parts: Vec<&str> = written.split(['-', '–']).map(str::trim).collect();
    match parts.as_slice() {
        [one, other] => {
            let grouped = |part: &str| part.len() <= 3 || GROUPED.is_match(part);
            let alone = |part: &str| part.chars().all(|c| c.is_ascii_digit());
            let dated = |part: &str| DAY.is_match(part);
            let short = one.len() == 3 && other.len() == 4 && written.contains('-');
            (grouped(one) && grouped(other))
                || (dated(one) && dated(other))
                || (alone(one) && alone(other) && one.len() > 1 && !short)
        }
        [one] => {
            one.contains(' ')
                && one.split(|c: char| !c.is_ascii_digit()).all(|group| group.len() < 3)
        }
        _ => false,
    }
}

/// In Russia `8 800` and `+7 800` are the same.
fn national(digits: &str) -> String {
    match digits.strip_prefix('8') {
        Some(rest) if digits.len() == 11 => format!("7{rest}"),
        _ => digits.to_owned(),
    }
}

/// Is this the telephone that is known? It may lack the codes of country and city; it may add that
/// of a country to a number that has all else, and nothing of its own.
pub(super) fn same_phone(known: &str, said: &str) -> bool {
    if said.len() <= known.len() {
        said.len() >= 7 && known.ends_with(said)
    } else {
        known.len() >= 10 && said.len() - known.len() <= 3 && said.ends_with(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_with_and_without_a_scheme() {
        for (text, host, path) in [
            ("See https://www.Example.org/a/b/.", "example.org", "/a/b"),
            ("[here](https://example.org/a_(b))", "example.org", "/a_(b)"),
            ("(see example.org/x)", "example.org", "/x"),
            ("go to evil.shop, now", "evil.shop", ""),
            ("заходите на магазин.рф!", "магазин.рф", ""),
            ("write to @evil_support please", "t.me", "/evil_support"),
            ("t.me/evil_support", "t.me", "/evil_support"),
            ("https://shop.example@evil.example/x", "evil.example", "/x"),
            ("hxxp://evil.com/a", "evil.com", "/a"),
            ("tg://resolve?domain=evil", "resolve", ""),
            ("http://10.0.0.1/x", "10.0.0.1", "/x"),
            ("10.0.0.1:8080/x", "10.0.0.1:8080", "/x"),
        ] {
            let found = links(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!(
                (found[0].1.host.as_str(), found[0].1.path.as_str()),
                (host, path),
                "{text}"
            );
        }
        assert_eq!(links("evil.rocks or lantern.solutions").len(), 2);
        assert_eq!(links("It is free.You pay nothing. Price.xlsx, node.js"), []);
        assert_eq!(links("the end.Then e.g. a.m. delivery.md v1.2"), []);
        assert_eq!(links("a@example.org"), []);
        assert_eq!(parse("https://a.org/x?utm_source=z&id=1#top").query, "id=1");
    }

    #[test]
    fn telephones_are_told_from_other_numbers() {
        for (text, digits) in [
            ("+7 (495) 123-45-67", "74951234567"),
            ("8 800 555-35-35", "78005553535"),
            ("88005553535", "78005553535"),
            ("555-1234", "5551234"),
            ("(212) 555 0100", "2125550100"),
            ("+44 20 7946 0958", "442079460958"),
        ] {
            let found = phones(&format!("call {text}!"));
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].1, digits, "{text}");
        }
        for text in [
            "1 234 567",
            "10 000 000 ₽",
            "order 1234567890",
            "10-15",
            "заказ № 4000123412",
            "2025-2026",
            "12 500 - 15 000",
            "500 – 1 500",
            "36 38 40 42 44",
            "15000-20000",
            "500-1000 руб",
            "69 284 (43,8%)",
        ] {
            assert_eq!(phones(text), [], "{text}");
        }
        assert!(same_phone("74951234567", "4951234567"));
        assert!(!same_phone("74951234567", "4951234568"));
    }

    #[test]
    fn links_that_run_are_seen_through_blanks() {
        for text in
            ["javascript:alert(1)", "[x](JaVa\tScript:alert(1))", "data:text/html;base64,AA"]
        {
            assert_eq!(unsafe_links(text).len(), 1, "{text}");
        }
        assert!(unsafe_links("data: five items, about the javascript course").is_empty());
    }
}
