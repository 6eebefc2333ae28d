//! The name of an uploaded file: where its sender claims one.

use axum::http::{HeaderMap, header};
use replyx_assistants::documents::{Naming, clean};

/// The file name a part of a form claims, made safe, and whose choice it is. `plain` is its
/// `filename` parameter; some clients write names outside of ASCII only into `filename*`.
pub(super) fn claimed(plain: Option<&str>, headers: &HeaderMap) -> (String, Naming) {
    let extended = || {
        let disposition = headers.get(header::CONTENT_DISPOSITION)?.to_str().ok()?;
        extended(disposition)
    };
    let claim = plain.map(str::to_owned).or_else(extended).unwrap_or_default();
    let naming = if claim.is_empty() { Naming::Missing } else { Naming::Given };
    (clean(&claim), naming)
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
        assert_eq!(claimed(None, &headers), ("a.md".to_owned(), Naming::Given));
        assert_eq!(claimed(Some("b.md"), &headers), ("b.md".to_owned(), Naming::Given));
        assert_eq!(claimed(None, &HeaderMap::new()), ("document".to_owned(), Naming::Missing));
    }
}
