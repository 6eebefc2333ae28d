//! A message as words, and the ways in which it may have been meant.

use replyx_text::{
    alike,
    terms::{other_layout, other_script, terms},
};

/// No more of a message than this is read, characters.
const LONGEST: usize = 2_000;

/// A word of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// The word: small letters, `ё` as `е`.
    pub(crate) text: String,
    /// Its stem.
    pub(crate) stem: String,
    /// Whether it begins with a capital letter.
    pub(crate) capital: bool,
    /// Whether a sign stands before it that separates clauses.
    pub(crate) opens: bool,
}

/// A message in one of the ways in which it may be read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// Its words.
    pub(crate) words: Vec<Word>,
    /// Its text.
    pub(crate) text: String,
}

impl Reading {
    /// Reads the text as it stands.
    pub(crate) fn of(text: &str) -> Self {
        let mut words: Vec<Word> = Vec::new();
        let mut end = 0;
        for term in terms(text) {
            let between = &text[end..term.start];
            // `don't`, `it's` and `кто-нибудь` are one word each.
            let joins = end > 0 && matches!(between, "'" | "’" | "`" | "-" | "‑");
            let own = &text[term.start..term.end];
            end = term.end;
            if joins && let Some(last) = words.last_mut() {
                last.text.push_str(&folded(own));
                last.stem.clone_from(&last.text);
                continue;
            }

            words.push(Word {
                text: folded(own),
                stem: term.stem,
                capital: own.starts_with(char::is_uppercase),
                opens: between.contains(['.', '!', '?', ',', ';', ':', '\n', '(', ')', '—', '–']),
            });
        }
        Self { words, text: text.to_owned() }
    }

    /// The ways in which a text may have been meant, the likeliest first.
    pub(crate) fn all(text: &str) -> Vec<Self> {
        let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
        let plain: String = text[..end].chars().filter(|c| !alike::is_invisible(*c)).collect();
        // Look-alikes of the other script, where a word mixes the two.
        let plain = if is_mixed(&plain) { alike::cyrillic(&plain) } else { plain };

        let mut readings = vec![Self::of(&plain)];
        if plain.chars().any(is_cyrillic) {
            readings.push(Self::of(&other_layout(&plain)));
            return readings;
        }
        if plain.chars().any(|c| c.is_ascii_alphabetic()) {
            readings.push(Self::of(&spelled(&plain)));
            readings.push(Self::of(&other_layout(&plain)));
        }
        readings
    }
}

/// Small letters, `ё` as `е`, runs of three and more of a letter as one: `спасибооо`.
fn folded(word: &str) -> String {
    let small: Vec<char> =
        word.chars().flat_map(char::to_lowercase).map(|c| if c == 'ё' { 'е' } else { c }).collect();
    let mut kept = String::with_capacity(word.len());
    for (at, c) in small.iter().enumerate() {
        let run = small[at..].iter().take_while(|next| *next == c).count();
        let before = small[..at].iter().rev().take_while(|last| *last == c).count();
        let long = c.is_alphabetic() && run + before >= 3;
        if !long || before == 0 {
            kept.push(*c);
        }
    }
    kept
}

/// Russian in Latin letters, word by word.
fn spelled(text: &str) -> String {
    let mut spelled = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(begin) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        spelled.push_str(&rest[..begin]);
        let word = &rest[begin..];
        let end = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
        let lower = word[..end].to_ascii_lowercase();
        spelled.push_str(&vowels(&other_script(&lower).unwrap_or(lower)));
        rest = &word[end..];
    }
    spelled.push_str(rest);
    spelled
}

/// `y` after a consonant is `ы`: `ty`, `vy`.
fn vowels(word: &str) -> String {
    let mut last = ' ';
    let settled = word.chars().map(|c| {
        let after_vowel = "аеиоуыэюя ".contains(last);
        last = c;
        if c == 'й' && !after_vowel { 'ы' } else { c }
    });
    settled.collect()
}

pub(crate) const fn is_cyrillic(c: char) -> bool {
    matches!(c, '\u{400}'..='\u{4ff}')
}

fn is_mixed(text: &str) -> bool {
    text.split(|c: char| !c.is_alphabetic())
        .any(|word| word.chars().any(is_cyrillic) && word.chars().any(|c| c.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Reading::of(text).words.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_whole_and_small() {
        assert_eq!(words("Don't CALL, кто-нибудь"), ["dont", "call", "ктонибудь"]);
        assert_eq!(words("Спасибоооо ещё"), ["спасибо", "еще"]);
    }

    #[test]
    fn a_text_is_read_in_latin_letters_and_by_the_other_layout() {
        let all = Reading::all("pozovite operatora");
        assert!(all.iter().any(|reading| reading.text == "позовите оператора"));
        let all = Reading::all("jgthfnjh");
        assert!(all.iter().any(|reading| reading.text == "оператор"));
    }
}
