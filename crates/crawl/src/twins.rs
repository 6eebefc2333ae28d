//! Pages at two addresses that differ by the slash at the end.
//!
//! Many servers answer `/price` and `/price/` with the same page, and some put a counter, the time
//! or a token of the session into it, so that the two differ in a few bytes.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use url::Url;

/// A longer word with digits in it is a token.
const LONGEST_WORD: usize = 15;

/// The pages that were read, by their address without the slash.
#[derive(Debug, Default)]
pub(crate) struct Twins(HashMap<String, (String, [u8; 32])>);

impl Twins {
    /// Is the page there at the other of the two addresses, but for its counters? Remembers it.
    pub(crate) fn has(&mut self, url: &Url, body: &[u8]) -> bool {
        let essence = essence(body);
        let mut bare = url.clone();
        bare.set_path(url.path().trim_end_matches('/'));
        if let Some((other, known)) = self.0.get(bare.as_str()) {
            return other != url.as_str() && *known == essence;
        }
        self.0.insert(bare.into(), (url.as_str().to_owned(), essence));
        false
    }
}

/// What stays of a page without its numbers and tokens.
fn essence(body: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for word in body.split(|byte| !byte.is_ascii_alphanumeric() && byte.is_ascii()) {
        let has_digit = word.iter().any(u8::is_ascii_digit);
        // A price is a number, too, but the same one on both pages.
        let is_counter =
            has_digit && (word.len() > LONGEST_WORD || word.iter().all(u8::is_ascii_digit));
        if !is_counter && !word.is_empty() {
            digest.update(word);
            digest.update(b" ");
        }
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_and_without_the_slash_is_one() {
        let url = |path: &str| Url::parse(&format!("https://shop.example{path}")).unwrap();
        let mut twins = Twins::default();
        assert!(!twins.has(&url("/price"), b"<p>Boat: 29 euros</p> visit 1041"));
        assert!(twins.has(&url("/price/"), b"<p>Boat: 29 euros</p> visit 1042"));
        assert!(
            !twins.has(&url("/price"), b"<p>Boat: 29 euros</p> visit 1043"),
            "the same address"
        );
        assert!(!twins.has(&url("/price/"), b"<p>Winter prices</p> visit 1044"));
        assert!(!twins.has(&url("/price?page=2"), b"<p>Boat: 29 euros</p> visit 1045"));
        assert!(!twins.has(&url("/prices/"), b"<p>Boat: 29 euros</p> visit 1046"));
    }
}
