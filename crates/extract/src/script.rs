//! Raised and lowered signs: a price's cents, a power, the mark of a note.
//!
//! Readers wrap what is [`raised`] or [`lowered`] in marks; [`settle`] decides what they become
//! once the whole line is known, so that `19` with a raised `99` never reads `1999`.

use std::borrow::Cow;

/// Begins what is raised, where a reader does not know its end yet.
pub(super) const RAISED: char = '\u{FDD0}';
/// Begins what is lowered.
pub(super) const LOWERED: char = '\u{FDD1}';
/// Ends what is raised or lowered.
pub(super) const END: char = '\u{FDD2}';

/// Signs and words of currencies, in lower case.
const CURRENCIES: [&str; 21] = [
    "€",
    "$",
    "£",
    "₽",
    "₸",
    "₴",
    "¥",
    "zł",
    "kč",
    "kr",
    "eur",
    "usd",
    "chf",
    "byn",
    "руб",
    "р.",
    "грн",
    "тенге",
    "tenge",
    "dollar",
    "lei",
];
/// A currency or a unit stands within so many characters.
const NEAR: usize = 16;
/// Units that are squared and cubed.
const UNITS: [&str; 10] = ["m", "cm", "mm", "km", "dm", "м", "см", "мм", "км", "дм"];

/// Marks a text as raised.
pub(super) fn raised(text: &str) -> String {
    marked(RAISED, text)
}

/// Marks a text as lowered.
pub(super) fn lowered(text: &str) -> String {
    marked(LOWERED, text)
}

fn marked(mark: char, text: &str) -> String {
    if text.trim().is_empty() { text.to_owned() } else { format!("{mark}{text}{END}") }
}

/// The text without marks.
pub(super) fn settle(text: &str) -> Cow<'_, str> {
    if !text.contains([RAISED, LOWERED, END]) {
        return Cow::Borrowed(text);
    }

    // Programs cut a number into several runs of one look.
    let whole = text.replace(&format!("{END}{RAISED}"), "").replace(&format!("{END}{LOWERED}"), "");
    let mut settled = String::with_capacity(whole.len());
    let mut rest = whole.as_str();
    while let Some(at) = rest.find([RAISED, LOWERED, END]) {
        settled.push_str(&rest[..at]);
        let mark = rest[at..].chars().next().unwrap_or(END);
        rest = &rest[at + mark.len_utf8()..];
        if mark == END {
            continue;
        }
        let inner = &rest[..rest.find([RAISED, LOWERED, END]).unwrap_or(rest.len())];
        rest = &rest[inner.len()..];
        let after = rest.trim_start_matches(END);
        if inner.trim().is_empty() {
            settled.push_str(inner);
        } else if mark == RAISED {
            write_raised(&mut settled, inner.trim(), after);
        } else {
            write_lowered(&mut settled, inner.trim());
        }
    }
    settled.push_str(rest);
    Cow::Owned(settled)
}

fn write_raised(text: &mut String, raised: &str, after: &str) {
    let is_number = raised.bytes().all(|byte| byte.is_ascii_digit());
    let before = text.chars().next_back();
    let in_fraction = is_number && after.trim_start().starts_with(['/', '⁄', '∕']);
    let is_power =
        raised.trim_start_matches(['-', '−', '–', '+']).starts_with(|c: char| c.is_ascii_digit());

    match before {
        Some(c) if c.is_ascii_digit() && in_fraction => text.push(' '),
        _ if in_fraction => {}
        Some(c)
            if c.is_ascii_digit() && is_number && raised.len() == 2 && is_price(text, after) =>
        {
            text.push('.');
        }
        Some(c) if (c.is_ascii_digit() || c == ')') && is_power => text.push('^'),
        Some(_) if matches!(raised, "2" | "3") && is_unit(text) => {
            text.push(if raised == "2" { '²' } else { '³' });
            return;
        }
        _ if is_number => {
            text.push('[');
            text.push_str(raised);
            text.push(']');
            return;
        }
        _ => {}
    }
    text.push_str(raised);
}

fn write_lowered(text: &mut String, lowered: &str) {
    let melts = text.ends_with(|c: char| c.is_ascii_digit())
        && lowered.starts_with(|c: char| c.is_ascii_digit());
    if melts {
        text.push('_');
    }
    text.push_str(lowered);
}

/// Does a currency stand behind the number or before it?
fn is_price(text: &str, after: &str) -> bool {
    let after: String = after.trim_start().chars().take(NEAR).collect::<String>().to_lowercase();
    let number = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '.' | ',' | '\u{A0}');
    let near = &text[text.ceil_char_boundary(text.len().saturating_sub(4 * NEAR))..];
    let before = near.trim_end_matches(number).to_lowercase();
    CURRENCIES.iter().any(|sign| after.starts_with(sign) || before.ends_with(sign))
}

fn is_unit(text: &str) -> bool {
    let near = &text[text.ceil_char_boundary(text.len().saturating_sub(NEAR))..];
    let start = near
        .rfind(|c: char| !c.is_alphabetic())
        .map_or(0, |at| at + near[at..].chars().next().map_or(1, char::len_utf8));
    UNITS.contains(&&near[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_raised_never_melts_into_a_number() {
        let up = raised;
        for (text, expected) in [
            (format!("19{} €", up("99")), "19.99 €"),
            (format!("$ 19{}", up("99")), "$ 19.99"),
            (format!("from 300{} euros", up("1")), "from 300^1 euros"),
            (format!("10{} litres", up("3")), "10^3 litres"),
            (format!("10{} litres", up("-3")), "10^-3 litres"),
            (format!("1 m{} of sand", up("3")), "1 m³ of sand"),
            (format!("25 м{}", up("2")), "25 м²"),
            (format!("Islands{} excluded", up("1")), "Islands[1] excluded"),
            (format!("{} Islands", up("1")), "[1] Islands"),
            (format!("the 1{} of May", up("st")), "the 1st of May"),
            (format!("1{}/{} cup", up("1"), lowered("2")), "1 1/2 cup"),
            (format!("{}⁄{} cup", up("3"), lowered("4")), "3⁄4 cup"),
            (format!("H{}O", lowered("2")), "H2O"),
            (format!("x1{}", lowered("2")), "x1_2"),
            ("plain".to_owned(), "plain"),
            (format!("cut 5{RAISED}2"), "cut 5^2"),
        ] {
            assert_eq!(settle(&text), expected, "{text:?}");
        }
    }
}
