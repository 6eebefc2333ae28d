//! Links in running text.

use std::fmt::Write;

/// Adds where the text from `from` on leads, unless it says so itself or leads to no place a reader
/// can go.
pub(in super::super) fn link(text: &mut String, from: usize, address: &str) {
    let said = text[from..].trim();
    let (scheme, rest) = address.split_once(':').unwrap_or_default();
    let web = ["http", "https", "mailto", "tel"].iter().any(|it| scheme.eq_ignore_ascii_case(it));
    let bare = |it: &str| it.trim_start_matches("//").trim_end_matches('/').to_lowercase();
    if said.is_empty() || !web || bare(said) == bare(rest) || bare(said) == bare(address) {
        return;
    }
    let end = text.trim_end().len();
    let blanks = text.split_off(end);
    let _ = write!(text, " ({address}){blanks}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked(said: &str, address: &str) -> String {
        let mut text = format!("See {said}");
        link(&mut text, 4, address);
        text
    }

    #[test]
    fn an_address_is_told_once_and_only_if_a_reader_can_go_there() {
        assert_eq!(
            linked("our shop ", "https://a.example/b"),
            "See our shop (https://a.example/b) "
        );
        assert_eq!(linked("https://a.example", "https://a.example/"), "See https://a.example");
        assert_eq!(linked("a.example", "https://a.example/"), "See a.example");
        assert_eq!(linked("me@a.example", "mailto:me@a.example"), "See me@a.example");
        assert_eq!(linked("x", "javascript:alert(1)"), "See x");
        assert_eq!(linked("x", "file:///etc/passwd"), "See x");
        assert_eq!(linked("", "https://a.example"), "See ");
    }
}
