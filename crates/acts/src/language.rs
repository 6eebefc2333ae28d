//! In which of the house's languages a customer is to be spoken to.

use replyx_core::assistant::Language;
use replyx_text::terms::is_stop_word;

use crate::reading::{Reading, is_cyrillic};

/// Letters of other languages than Russian that are written in Cyrillic.
const NOT_RUSSIAN: &str = "іїєґўәғқңөұүһјљњћђџѓќѕ";
/// Russian words in Latin letters that are nobody else's.
const SPELLED: &[&str] = &[
    "skolko",
    "kak",
    "gde",
    "kogda",
    "mozhno",
    "mojno",
    "vy",
    "est",
    "chto",
    "shto",
    "kakoy",
    "kakaya",
    "stoit",
    "spasibo",
    "privet",
    "zdravstvuyte",
    "zdravstvuite",
    "pozhaluysta",
    "dostavka",
    "dostavki",
    "nuzhen",
    "nuzhna",
    "hochu",
    "xochu",
    "menya",
    "mne",
    "dlya",
    "ili",
    "vas",
    "vash",
    "vashi",
    "rabotaete",
    "pochemu",
    "zakaz",
    "vernut",
    "tovar",
    "pozovite",
    "operatora",
    "cheloveka",
    "dengi",
    "segodnya",
    "zavtra",
    "skazhite",
    "podskazhite",
    "cherez",
];

/// How surely a message shows the language its writer is to be spoken to in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LanguageEvidence {
    /// Its words show it.
    Sure(Language),
    /// Only its letters do: another language of the same script, or a few words of any.
    Likely(Language),
    /// It does not show.
    Unknown,
}

/// The language in which to speak to the writer of a message. One of another language in Latin
/// letters is more likely to read English, one in Cyrillic letters Russian.
pub fn tongue(text: &str) -> LanguageEvidence {
    let cyrillic = text.chars().filter(|c| is_cyrillic(*c)).count();
    let latin =
        text.chars().filter(|c| ('a'..='\u{24f}').contains(&c.to_ascii_lowercase())).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if letters == 0 {
        return LanguageEvidence::Unknown;
    }
    if cyrillic * 2 >= letters || cyrillic >= 8 {
        let other = text.to_lowercase().chars().any(|c| NOT_RUSSIAN.contains(c));
        let russian = Language::Russian;
        return if other {
            LanguageEvidence::Likely(russian)
        } else {
            LanguageEvidence::Sure(russian)
        };
    }
    if latin * 2 < letters {
        return LanguageEvidence::Unknown;
    }

    let words = Reading::of(text).words;
    let known =
        |list: &[&str]| words.iter().filter(|word| list.contains(&word.text.as_str())).count();
    let spelled = known(SPELLED);
    let grammar = words.iter().filter(|word| is_stop_word(&word.text)).count();
    let foreign = text.chars().any(|c| c.is_alphabetic() && !c.is_ascii());
    if spelled > 0 && spelled >= grammar {
        return LanguageEvidence::Sure(Language::Russian);
    }
    if grammar > 0 && grammar * 4 >= words.len() && !foreign {
        return LanguageEvidence::Sure(Language::English);
    }
    if words.len() >= 3 {
        LanguageEvidence::Likely(Language::English)
    } else {
        LanguageEvidence::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_the_language_of_its_writer() {
        let russian = Language::Russian;
        let english = Language::English;
        for (text, shown) in [
            ("сколько стоит доставка", LanguageEvidence::Sure(russian)),
            ("skolko stoit dostavka", LanguageEvidence::Sure(russian)),
            ("How much is delivery?", LanguageEvidence::Sure(english)),
            ("Можно оплатить через PayPal?", LanguageEvidence::Sure(russian)),
            ("Скільки коштує доставка і її термін", LanguageEvidence::Likely(russian)),
            ("Wo bleibt mein Paket", LanguageEvidence::Likely(english)),
            ("iPhone 13", LanguageEvidence::Unknown),
            ("👍", LanguageEvidence::Unknown),
            ("送料はいくらですか", LanguageEvidence::Unknown),
        ] {
            assert_eq!(tongue(text), shown, "{text}");
        }
    }
}
