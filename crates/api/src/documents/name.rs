//! The name of an uploaded file: its sender's claim, cut down to what is safe to show.

use axum::http::{HeaderMap, header};

/// The longest name, characters.
const LONGEST: usize = 255;

/// The name of a file that came without one.
const NAMELESS: &str = "document";

/// The file name a part of a form claims, made safe, and whether it claims one. `plain` is its
/// `filename` parameter; some clients write names outside of ASCII only into `filename*`.
pub(super) fn claimed(plain: Option<&str>, headers: &HeaderMap) -> (String, bool) {
    let extended = || {
        let disposition = headers.get(header::CONTENT_DISPOSITION)?.to_str().ok()?;
        extended(disposition)
    };
    let claim = plain.map(str::to_owned).or_else(extended).unwrap_or_default();
    (clean(&claim), !claim.is_empty())
}

/// The last component of a path of any system, without control characters, at most 255 characters.
pub(super) fn clean(claimed: &str) -> String {
    let last = claimed.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = last.chars().filter(|c| !c.is_control()).collect();
    let name: String = visible.trim().chars().take(LONGEST).collect();
    if matches!(name.trim_end(), "" | "." | "..") { NAMELESS.to_owned() } else { name }
}

/// The value of `filename*=UTF-8''...` (RFC 8187).
fn extended(disposition: &str) -> Option<String> {
    let value = disposition.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("filename*").then(|| value.trim())
    })?;
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    charset.eq_ignore_ascii_case("utf-8").then(|| decoded(encoded))?
}

/// Undoes percent-encoding; nothing when it is broken.
fn decoded(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let high = digit()?;
        let low = digit()?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_component_of_a_path_is_kept() {
        for (claimed, kept) in [
            ("delivery.md", "delivery.md"),
            ("../../etc/passwd", "passwd"),
            ("C:\\fakepath\\Доставка и оплата.pdf", "Доставка и оплата.pdf"),
            ("a/b\\c.txt", "c.txt"),
            ("  padded.txt ", "padded.txt"),
            ("two\r\nlines\0.txt", "twolines.txt"),
            ("\u{9b}31mred.txt", "31mred.txt"),
        ] {
            assert_eq!(clean(claimed), kept, "{claimed:?}");
        }
    }

    #[test]
    fn a_name_that_is_none_is_replaced() {
        for claimed in ["", " ", ".", "..", "folder/", "a/..", "\0\n", "\u{7f}.\t"] {
            assert_eq!(clean(claimed), NAMELESS, "{claimed:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let name = clean(&"ё".repeat(1000));
        assert_eq!(name.chars().count(), LONGEST);
        assert!(name.chars().all(|c| c == 'ё'));
    }

    #[test]
    fn an_extended_name_is_decoded_and_a_broken_one_is_none() {
        let of = |value: &str| extended(&format!("form-data; name=\"file\"; {value}"));
        assert_eq!(of("filename*=utf-8''%D0%B0.md").as_deref(), Some("а.md"));
        assert_eq!(of("FileName*=UTF-8'ru'a%20b.txt").as_deref(), Some("a b.txt"));
        for broken in [
            "filename*=utf-8''%D0",
            "filename*=utf-8''%D",
            "filename*=utf-8''%",
            "filename*=utf-8''%+1",
            "filename*=koi8-r''%C1",
            "filename*=utf-8",
            "filename*",
            "",
        ] {
            assert_eq!(of(broken), None, "{broken}");
        }
    }

    #[test]
    fn an_extended_name_is_made_safe_too() {
        let mut headers = HeaderMap::new();
        let disposition = "form-data; name=\"file\"; filename*=utf-8''..%2F..%2Fa%0A.md";
        headers.insert(header::CONTENT_DISPOSITION, disposition.parse().unwrap());
        assert_eq!(claimed(None, &headers), ("a.md".to_owned(), true));
        assert_eq!(claimed(Some("b.md"), &headers), ("b.md".to_owned(), true));
        assert_eq!(claimed(None, &HeaderMap::new()), (NAMELESS.to_owned(), false));
    }
}
