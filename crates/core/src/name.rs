//! Names that people give themselves and their workspaces, and what of them may stand in a letter.
//!
//! A letter goes to people who did not ask for it, under our name. So a name must not become a link
//! in it: [`check`] refuses new names that could, and [`in_letter`] takes it out of those that are
//! stored already.

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// It holds something that mail programs turn into a link.
    #[error("must not contain a web or e-mail address; write the name without it")]
    Link,
    /// It holds characters that are not seen, or that change how others are shown.
    #[error("must not contain control characters, or invisible ones that change how text is shown")]
    Invisible,
}

/// Checks a name that goes into letters.
///
/// # Errors
///
/// [`BadName`] says what is wrong with it.
pub fn check(name: &str) -> Result<(), BadName> {
    if name.chars().any(|c| c.is_control() || is_invisible(c)) {
        Err(BadName::Invisible)
    } else if name.split_whitespace().any(is_like_link) {
        Err(BadName::Link)
    } else {
        Ok(())
    }
}

/// A name as it stands in a letter: without what mail programs would turn into a link. A name that
/// is nothing but an e-mail address stays one, because it says who somebody is. The text is one
/// line.
pub fn in_letter(name: &str) -> String {
    if is_plain_address(name) {
        return name.to_owned();
    }
    let words = name.split_whitespace().map(|word| if is_like_link(word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a character is not seen, or changes the direction of what is. Joiners stay: names and
/// emoji are written with them.
pub const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{61C}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{180E}'
            | '\u{200B}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}'
    )
}

/// Whether a mail program may turn a word into a link: `https://x`, `www.x`, `evil.example/login`,
/// `10.0.0.1`.
fn is_like_link(word: &str) -> bool {
    let mut plain: Vec<char> = Vec::with_capacity(word.len());
    for c in word.chars().flat_map(char::to_lowercase) {
        match c {
            // What browsers take for a dot, a slash or a colon in an address.
            '\u{2024}' | '\u{3002}' | '\u{FE52}' | '\u{FF0E}' | '\u{FF61}' => plain.push('.'),
            '\u{2044}' | '\u{2215}' | '\u{FF0F}' => plain.push('/'),
            '\u{FE55}' | '\u{FF1A}' => plain.push(':'),
            // Joiners could tear an address apart for us, and not for the reader.
            '\u{200C}' | '\u{200D}' => {}
            c if is_invisible(c) || c.is_control() => {}
            c => plain.push(c),
        }
    }
    let text: String = plain.iter().collect();
    let scheme = ["://", "www.", "mailto:", "tel:", "javascript:", "data:"];
    scheme.iter().any(|begin| text.contains(begin)) || has_host(&plain) || has_number_host(&text)
}

/// Whether a dot stands between a letter or digit and two letters: the end of a host's name.
fn has_host(word: &[char]) -> bool {
    word.windows(4).any(|around| {
        around[0].is_alphanumeric()
            && around[1] == '.'
            && around[2].is_alphabetic()
            && (around[3].is_alphabetic() || around[3] == '-')
    })
}

/// Whether a word begins with an IPv4 address.
fn has_number_host(word: &str) -> bool {
    let host = word.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = host.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(host.len());
    host[..end].trim_end_matches('.').parse::<std::net::Ipv4Addr>().is_ok()
}

/// Whether a text is an e-mail address in its plainest form.
fn is_plain_address(text: &str) -> bool {
    let is_word = |part: &str| {
        !part.is_empty()
            && !part.starts_with("www.")
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
    };
    text.split_once('@').is_some_and(|(local, host)| is_word(local) && is_word(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_and_workspaces_are_names() {
        for name in [
            "Ada",
            "Books & Co.",
            "Dr. Anna K. Meyer-Lüdenscheidt",
            "J. R. R. Tolkien",
            "J.R.R. Tolkien",
            "ООО «Ромашка»",
            "Кафе 24/7",
            "Route 66, Ltd.",
            "v2.0 beta",
            "5.00 USD",
            "Sales: North",
            "@shop",
            "می‌خواهم",
            "Team 👩‍👩‍👧",
            "...",
            "A.",
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
            assert_eq!(in_letter(name), name);
        }
    }

    #[test]
    fn what_becomes_a_link_is_no_name() {
        for word in [
            "http://evil.example/login",
            "HTTPS://EVIL.EXAMPLE",
            "hxxp://evil",
            "tg://resolve",
            "www.evil",
            "evil.example/login",
            "evil.example",
            "(evil.example)",
            "evil.рф",
            "пример.испытание",
            "evil.xn--p1ai",
            "evil。example",
            "evil．example",
            "evil\u{200D}.\u{200C}example",
            "help@evil.example",
            "10.0.0.1",
            "10.0.0.1/login",
            "mailto:help@evil",
            "tel:+15550100",
        ] {
            let name = format!("Your account is closed, log in at {word} now");
            assert_eq!(check(&name), Err(BadName::Link), "{word}");
            assert_eq!(in_letter(&name), "Your account is closed, log in at … now", "{word}");
        }
    }

    #[test]
    fn what_is_not_seen_is_refused() {
        for odd in [
            '\n',
            '\r',
            '\0',
            '\u{85}',
            '\u{202E}',
            '\u{2066}',
            '\u{200B}',
            '\u{FEFF}',
            '\u{E0041}',
        ] {
            assert_eq!(check(&format!("An{odd}n")), Err(BadName::Invisible), "{odd:?}");
        }
        assert_eq!(in_letter("evil\u{200B}.example"), "…");
    }

    #[test]
    fn an_address_alone_says_who_somebody_is() {
        assert_eq!(in_letter("ann.lee+shop@example.org"), "ann.lee+shop@example.org");
        for other in
            ["evil.example/login@example.org", "www.evil.example@example.org", "a@b@example.org"]
        {
            assert_eq!(in_letter(other), "…", "{other}");
        }
        assert_eq!(check("ann@example.org"), Err(BadName::Link), "nobody chooses it as a name");
    }
}
