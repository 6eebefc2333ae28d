//! A text as it is read by people: without the tricks of writing that hide a fact from a pattern.

use replyx_text::alike::is_invisible;

/// Spaces of every kind are spaces, digits and signs of other alphabets are ASCII, what is
/// invisible is gone, and so is Markdown's emphasis, which could stand inside a number.
pub(super) fn plain(text: &str) -> String {
    let decoded = if text.contains('&') { entities(text) } else { text.to_owned() };
    let mut plain = String::with_capacity(decoded.len());
    let mut rest = decoded.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.peek() == Some(&'*') => {
                rest.next();
            }
            '\\' if rest.peek().is_some_and(char::is_ascii_punctuation) => {}
            c if is_invisible(c) => {}
            c => match raised(c) {
                Some(digits) => raise(&mut plain, &digits),
                None => plain.push(ascii(c)),
            },
        }
    }
    unspelled(zeros(plain))
}

/// The digits of a number in a circle, in brackets, raised or lowered.
fn raised(c: char) -> Option<String> {
    let code = u32::from(c);
    let number = match c {
        '⁰' => 0,
        '¹' => 1,
        '²' => 2,
        '³' => 3,
        '⁴'..='⁹' => code - 0x2070,
        '₀'..='₉' => code - 0x2080,
        '①'..='⑳' => code - 0x2460 + 1,
        '⑴'..='⒇' => code - 0x2474 + 1,
        '⒈'..='⒛' => code - 0x2488 + 1,
        '❶'..='❿' => code - 0x2776 + 1,
        '➀'..='➉' => code - 0x2780 + 1,
        '➊'..='➓' => code - 0x278a + 1,
        '㉑'..='㉟' => code - 0x3251 + 21,
        '㊱'..='㊿' => code - 0x32b1 + 36,
        _ => return None,
    };
    Some(number.to_string())
}

/// Puts raised digits into a text: `⁹⁰ %` is ninety; of `м²` and `CO₂` nothing is counted.
fn raise(plain: &mut String, digits: &str) {
    let before = plain.trim_end_matches(|c: char| c.is_ascii_digit());
    let last = before.chars().next_back();
    if last.is_some_and(char::is_alphabetic) {
        return;
    }
    plain.push_str(digits);
}

/// The letter O among digits reads as a zero: `9O %`.
fn zeros(text: String) -> String {
    if !text.contains(['O', 'О']) {
        return text;
    }
    let letters: Vec<char> = text.chars().collect();
    let mut read = String::with_capacity(text.len());
    for (index, c) in letters.iter().enumerate() {
        let before = read.chars().next_back().is_some_and(|c| c.is_ascii_digit());
        let after = letters[index + 1..].iter().find(|c| !matches!(c, 'O' | 'О'));
        let alone = after.is_none_or(|c| !c.is_alphabetic());
        read.push(if matches!(c, 'O' | 'О') && before && alone { '0' } else { *c });
    }
    read
}

fn ascii(c: char) -> char {
    let digit = |from: u32| char::from_digit((u32::from(c) - from) % 10, 10).unwrap_or(c);
    match c {
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{660}'..='\u{669}' => digit(0x660),
        '\u{6f0}'..='\u{6f9}' => digit(0x6f0),
        '\u{966}'..='\u{96f}' => digit(0x966),
        '\u{1d7ce}'..='\u{1d7ff}' => digit(0x1d7ce),
        '\u{2010}' | '\u{2011}' | '\u{2212}' => '-',
        '\u{2012}' | '\u{2015}' => '–',
        '٪' | '﹪' => '%',
        '․' | '。' => '.',
        c => c,
    }
}

/// `&#46;` and its like, as Markdown shows them.
fn entities(text: &str) -> String {
    const NAMED: [(&str, char); 12] = [
        ("percnt", '%'),
        ("dollar", '$'),
        ("euro", '€'),
        ("pound", '£'),
        ("commat", '@'),
        ("period", '.'),
        ("colon", ':'),
        ("sol", '/'),
        ("plus", '+'),
        ("nbsp", ' '),
        ("amp", '&'),
        ("comma", ','),
    ];

    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        shown.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(';').filter(|end| *end <= 10);
        let decoded = end.and_then(|end| {
            let name = &rest[..end];
            let c = if let Some(number) = name.strip_prefix('#') {
                let hexadecimal = number.strip_prefix(['x', 'X']);
                let code = match hexadecimal {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            } else {
                NAMED.iter().find(|(named, _)| *named == name)?.1
            };

            Some((c, end + 1))
        });

        if let Some((c, length)) = decoded {
            shown.push(c);
            rest = &rest[length..];
        } else {
            shown.push('&');
        }
    }

    shown.push_str(rest);
    shown
}

/// `evil [dot] com`, `evil(.)com`, `hxxp://`: written so that a machine does not see what a person
/// does.
fn unspelled(text: String) -> String {
    const SPELLED: [(&str, &str); 12] = [
        (" [dot] ", "."),
        (" (dot) ", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        ("[.]", "."),
        ("(.)", "."),
        ("(точка)", "."),
        ("[точка]", "."),
        ("[at]", "@"),
        ("(at)", "@"),
        ("(собака)", "@"),
        ("[собака]", "@"),
    ];
    if !text.contains(['[', '(']) {
        return text;
    }
    SPELLED.iter().fold(text, |text, (spelled, meant)| {
        if text.contains(spelled) { text.replace(spelled, meant) } else { text }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_of_writing_are_undone() {
        for (written, read) in [
            ("９０％ off", "90% off"),
            ("ev\u{200b}il.c\u{ad}om", "evil.com"),
            ("**5**0 %", "50 %"),
            ("evil&#46;com &#x40; 90&percnt; &unknown; &", "evil.com @ 90% &unknown; &"),
            ("evil[.]com, me (at) evil [dot] com", "evil.com, me @ evil.com"),
            (r"evil\.com", "evil.com"),
            ("٩٠ %", "90 %"),
            ("1\u{a0}234\u{202f}₽", "1 234 ₽"),
            ("⁹⁰ %, ㊿ %, ① a, 20 м²", "90 %, 50 %, 1 a, 20 м"),
            ("9O %, 1OO euros, OK, 5 O'clock", "90 %, 100 euros, OK, 5 O'clock"),
        ] {
            assert_eq!(plain(written), read);
        }
    }
}
