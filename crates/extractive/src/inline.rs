//! Markdown's marks within a line, taken away so that what remains reads as plain words.

/// The text without emphasis, code marks, links' addresses, tags and escapes; spaces are single.
pub(super) fn plain(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    let mut rest = markdown;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let next = after.chars().next().unwrap_or(' ');
        let (kept, skip) = match c {
            '\\' if next.is_ascii_punctuation() => (next.to_string(), 1 + next.len_utf8()),
            '*' | '_' | '~' | '`' if is_mark(c, before, after) => (String::new(), 1),
            '!' if next == '[' && link(after).is_some() => (String::new(), 1),
            '[' => match link(rest) {
                Some((label, length)) => (plain(label), length),
                None => (c.to_string(), 1),
            },
            '<' => match tag(rest) {
                Some(length) => (" ".to_owned(), length),
                None => (c.to_string(), 1),
            },
            '\u{FEFF}' | '\u{AD}' => (String::new(), c.len_utf8()),
            _ if c.is_whitespace() => (" ".to_owned(), c.len_utf8()),
            _ => (c.to_string(), c.len_utf8()),
        };

        for c in kept.chars() {
            if c != ' ' || !text.ends_with(' ') {
                text.push(c);
            }
        }

        before = c;
        rest = &rest[skip..];
    }

    text.trim().to_owned()
}

/// Is this character a mark rather than a sign of the text (`5 * 3`, `snake_case`, `~5`)?
fn is_mark(c: char, before: char, after: &str) -> bool {
    let next = after.chars().next().unwrap_or(' ');
    match c {
        '*' if before.is_ascii_digit() => !next.is_ascii_digit(),
        '*' => !before.is_whitespace() || !next.is_whitespace(),
        '_' => !before.is_alphanumeric() || !next.is_alphanumeric(),
        '~' => before == '~' || next == '~',
        _ => true,
    }
}

/// `[label](address)`: the label and the length of all of it.
fn link(text: &str) -> Option<(&str, usize)> {
    let close = text.find("](")?;
    let end = close + text[close..].find(')')?;
    let label = &text[1..close];
    (!label.contains('[')).then_some((label, end + 1))
}

fn tag(text: &str) -> Option<usize> {
    let end = text.find('>').filter(|end| *end < 100)?;
    let name = text[1..end].trim_start_matches('/');
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        .then_some(end + 1)
        .filter(|_| !name.contains(['@', ':']) || name.contains('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_words_stay() {
        for (markdown, text) in [
            ("**Free** delivery *over* __50__ €", "Free delivery over 50 €"),
            ("See [our _terms_](https://example.com/a_b) now", "See our terms now"),
            ("![logo](x.png) Call `+7 900`", "logo Call +7 900"),
            (
                "snake_case and 5 * 3 and 2*3 and ~5 days",
                "snake_case and 5 * 3 and 2*3 and ~5 days",
            ),
            ("~~old~~ new<br>line", "old new line"),
            (r"1\. not a list \*", "1. not a list *"),
            ("a < b > c [1] [x", "a < b > c [1] [x"),
            ("<help@example.com>", "<help@example.com>"),
            ("**Доставка:** _бесплатно_", "Доставка: бесплатно"),
        ] {
            assert_eq!(plain(markdown), text);
        }
    }
}
