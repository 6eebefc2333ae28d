//! Does a text hold the kind of thing a question wants?

use super::lexicon::{
    ADDRESS, AGES, CURRENCIES, DAYS, FREE, Lexicon, MONTHS, NUMBERS, OCLOCK, PREPOSITIONS, REASONS,
    UNITS_OF_TIME, Wanted, lowered,
};

/// A word of a unit.
#[derive(Clone, Debug)]
pub(super) struct SeenWord {
    lower: String,
    capital: bool,
    asked: bool,
}

impl SeenWord {
    /// A word; `asked` if it is one of the question's own, which answer nothing.
    pub(super) fn new(word: &str, asked: bool) -> Self {
        Self { lower: lowered(word), capital: word.starts_with(char::is_uppercase), asked }
    }
}

/// How well the text answers a question of this kind, 0 to 1, whatever it is about.
pub(super) fn evidence(wanted: Wanted, text: &str, words: &[SeenWord]) -> f32 {
    let found = match wanted {
        Wanted::Anything => return 0.5,
        Wanted::Money => return money(text, words),
        Wanted::Number => numbers(words).next().is_some(),
        Wanted::Duration => duration(words),
        Wanted::Time => time(words),
        Wanted::Hours => hours(text, words),
        Wanted::Person => return names(words),
        Wanted::Place => return place(words),
        Wanted::Phone => phone(text),
        Wanted::Email => email(text),
        Wanted::Reason => speak_of(words, &REASONS),
    };
    if found { 1.0 } else { 0.0 }
}

fn numbers(words: &[SeenWord]) -> impl Iterator<Item = usize> {
    words
        .iter()
        .enumerate()
        .filter(|(_, word)| !word.asked && is_number(&word.lower))
        .map(|(at, _)| at)
}

fn is_number(word: &str) -> bool {
    word.starts_with(char::is_numeric) || NUMBERS.has(word)
}

fn speak_of(words: &[SeenWord], lexicon: &Lexicon) -> bool {
    words.iter().any(|word| lexicon.has(&word.lower))
}

fn has_currency(text: &str, words: &[SeenWord]) -> bool {
    text.contains(['$', '€', '£', '₽', '¥', '₴', '₸', '₹']) || speak_of(words, &CURRENCIES)
}

fn money(text: &str, words: &[SeenWord]) -> f32 {
    let priced = has_currency(text, words) && numbers(words).next().is_some();
    match (priced, speak_of(words, &FREE)) {
        (true, _) => 1.0,
        (false, true) => 0.9,
        (false, false) if numbers(words).next().is_some() => 0.4,
        (false, false) => 0.0,
    }
}

fn duration(words: &[SeenWord]) -> bool {
    numbers(words).any(|at| speak_of(&words[at + 1..words.len().min(at + 5)], &UNITS_OF_TIME))
}

fn time(words: &[SeenWord]) -> bool {
    let year = |word: &SeenWord| {
        let digits = word.lower.bytes().take_while(u8::is_ascii_digit).count();
        !word.asked && digits == 4
    };
    words.iter().any(year)
        || speak_of(words, &MONTHS)
        || speak_of(words, &DAYS)
        || speak_of(words, &AGES)
}

fn hours(text: &str, words: &[SeenWord]) -> bool {
    let clock = text.as_bytes().windows(4).any(|four| {
        four[0].is_ascii_digit()
            && (four[1] == b':' || four[1] == b'.' && !has_currency(text, words))
            && four[2].is_ascii_digit()
            && four[3].is_ascii_digit()
    });
    clock
        || speak_of(words, &DAYS)
        || numbers(words).any(|at| words.get(at + 1).is_some_and(|next| OCLOCK.has(&next.lower)))
        || text.contains("24/7")
}

/// Names are capitalised where no sentence begins.
fn names(words: &[SeenWord]) -> f32 {
    let capital = |at: usize| words.get(at).is_some_and(|word| !word.asked && word.capital);
    let pair = (0..words.len()).any(|at| capital(at) && capital(at + 1));
    let single = (1..words.len()).any(capital);
    if pair {
        1.0
    } else if single {
        0.8
    } else {
        0.0
    }
}

fn place(words: &[SeenWord]) -> f32 {
    let after_preposition = words
        .windows(2)
        .any(|two| PREPOSITIONS.has(&two[0].lower) && !two[1].asked && two[1].capital);
    if speak_of(words, &ADDRESS) {
        1.0
    } else if after_preposition {
        0.9
    } else {
        0.6 * names(words)
    }
}

fn phone(text: &str) -> bool {
    let mut digits = 0;
    text.chars().any(|c| {
        if c.is_ascii_digit() {
            digits += 1;
        } else if !matches!(c, ' ' | '(' | ')' | '-' | '+' | '\u{A0}' | '–') {
            digits = 0;
        }
        digits >= 7
    })
}

fn email(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(wanted: Wanted, text: &str) -> f32 {
        let words: Vec<SeenWord> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| SeenWord::new(word, false))
            .collect();
        evidence(wanted, text, &words)
    }

    #[test]
    fn each_kind_is_recognised_in_both_languages() {
        for (wanted, yes, no) in [
            (Wanted::Money, "Доставка стоит 300 ₽", "Доставка стоит денег"),
            (Wanted::Money, "Shipping is free", "Shipping is fast"),
            (Wanted::Duration, "за 2–3 рабочих дня", "за 2 рубля"),
            (Wanted::Duration, "within five days", "within reason"),
            (Wanted::Time, "founded in 1998", "founded by Ann"),
            (Wanted::Hours, "с 9:00 до 21:00", "всегда рады"),
            (Wanted::Person, "the owner is Anna Smith", "The owner is unknown"),
            (Wanted::Place, "магазин на Ленина, этаж 2", "магазин закрыт"),
            (Wanted::Phone, "+7 (900) 123-45-67", "1 234 and 567, 8"),
            (Wanted::Email, "write to a@b.example", "write @ us"),
        ] {
            assert!(of(wanted, yes) > 0.5, "{yes}");
            assert!(of(wanted, no) < 0.5, "{no}");
        }
    }
}
