//! How the words of a language lose their endings.

use std::collections::BTreeSet;

use rust_stemmers::{Algorithm, Stemmer};

use super::{
    fold::{bare, fold},
    russian,
};

/// How a word is reduced to its stem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Morphology {
    English,
    Russian,
    German,
    French,
    Spanish,
    /// As it is: a language we have no rules for, a number, a code.
    Plain,
}

/// Languages of other scripts than Latin: Latin words in their texts are taken for English.
const NOT_LATIN: &[&str] = &[
    "am", "ar", "be", "bg", "bn", "el", "fa", "gu", "he", "hi", "hy", "ja", "ka", "kk", "km", "kn",
    "ko", "ky", "lo", "mk", "ml", "mn", "mr", "my", "ne", "pa", "ru", "si", "sr", "ta", "te", "tg",
    "th", "uk", "ur", "zh",
];
/// Languages in Cyrillic letters whose words Russian rules would mangle.
const OTHER_CYRILLIC: &[&str] = &["be", "bg", "kk", "ky", "mk", "mn", "sr", "tg", "uk"];

/// The rules for a folded word in a text of this language (ISO 639-1, empty: not known).
pub(super) fn of(folded: &str, language: &str) -> Morphology {
    if folded.chars().any(char::is_numeric) {
        return Morphology::Plain;
    }
    match folded.chars().next() {
        Some('\u{400}'..='\u{52f}') if OTHER_CYRILLIC.contains(&language) => Morphology::Plain,
        Some('\u{400}'..='\u{52f}') => Morphology::Russian,
        Some('a'..='z' | '\u{df}'..='\u{24f}') => match language {
            "" | "en" => Morphology::English,
            "de" => Morphology::German,
            "fr" => Morphology::French,
            "es" => Morphology::Spanish,
            other if NOT_LATIN.contains(&other) => Morphology::English,
            _ => Morphology::Plain,
        },
        _ => Morphology::Plain,
    }
}

/// The rules of all languages that a word may be of.
pub(super) fn among(folded: &str, languages: &[&str]) -> BTreeSet<Morphology> {
    let known = languages.iter().map(|language| of(folded, language));
    known.chain([of(folded, "")]).collect()
}

/// The stemmers, made once for many words.
pub(super) struct Stemmers {
    english: Stemmer,
    russian: Stemmer,
    german: Stemmer,
    french: Stemmer,
    spanish: Stemmer,
}

impl Stemmers {
    pub(super) fn new() -> Self {
        Self {
            english: Stemmer::create(Algorithm::English),
            russian: Stemmer::create(Algorithm::Russian),
            german: Stemmer::create(Algorithm::German),
            french: Stemmer::create(Algorithm::French),
            spanish: Stemmer::create(Algorithm::Spanish),
        }
    }

    /// The stem of a word of a text in this language.
    pub(super) fn stem(&self, word: &str, language: &str) -> String {
        let folded = fold(word);
        let morphology = of(&folded, language);
        self.stem_by(&folded, morphology)
    }

    pub(super) fn stem_by(&self, folded: &str, morphology: Morphology) -> String {
        match morphology {
            Morphology::Plain => bare(folded),
            Morphology::English => {
                let plain = bare(folded);
                // Its rules take letters for bytes.
                if plain.is_ascii() { self.english.stem(&plain).into_owned() } else { plain }
            }
            Morphology::Russian => russian::settle(folded, &self.russian.stem(folded)),
            Morphology::German => bare(&self.german.stem(&umlauts(folded))),
            Morphology::French => bare(&self.french.stem(folded)),
            Morphology::Spanish => bare(&self.spanish.stem(folded)),
        }
    }
}

/// `ae`, `oe` and `ue` written for umlauts, by the rule of Snowball's `german2`: not after `q`.
fn umlauts(word: &str) -> String {
    let mut settled = String::with_capacity(word.len());
    let mut chars = word.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let umlaut = match c {
            'a' => Some('ä'),
            'o' => Some('ö'),
            'u' if before != 'q' => Some('ü'),
            _ => None,
        };
        let whole = umlaut.filter(|_| chars.next_if_eq(&'e').is_some()).unwrap_or(c);
        settled.push(whole);
        before = c;
    }
    settled
}
